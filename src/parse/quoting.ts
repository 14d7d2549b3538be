/** Undoes the escapes with which Exim logs text. */
import { decodeUtf8 } from "../text.ts";
import { BACKSLASH } from "./chars.ts";

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", v: "\v", f: "\f" };

/**
 * Undoes the quoting of `T="…"` and the printing filter inside it: `\"`, `\\`, `\n`, `\303\234`.
 * Octal runs are bytes and are read as UTF-8 when they are that.
 */
export function unescapeQuoted(value: string): string {
  if (!value.includes("\\")) return value;
  const unescaped = undoEscapes(value, true);
  return HIGH_BYTE.test(value) ? decodeCut(unescaped) : unescaped;
}

/**
 * Undoes the quoting of `C="…"`, in the reverse order of what Exim does: first the backslashes before quotes and backslashes,
 * then the printing filter: `250-first \"line\"\\n250 last` holds two quotes and a line break.
 * Source: exim-log-grammar §6.
 */
export function unescapeReply(value: string): string {
  if (!value.includes("\\")) return value;
  const printed = value.includes("\\\\") || value.includes('\\"') ? value.replace(/\\(["\\])/g, "$1") : value;
  const unescaped = undoEscapes(printed, false);
  return HIGH_BYTE.test(printed) ? decodeCut(unescaped) : unescaped;
}

/** A line break, and the bytes of characters beyond ASCII. */
const PRINTED = /\\n|(?:\\[2-3][0-7]{2})+/g;

/**
 * Undoes the printing filter in text that is not quoted: `Empf\303\244nger`, and `\n` between the lines of a reply. The filter does
 * not mark the backslashes that were there before, so that other escapes, which seldom are some, stay as they are.
 * Source: exim-log-grammar §6.
 */
export function unescapePrinted(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(PRINTED, (escaped) => (escaped === "\\n" ? "\n" : decodeCut(undoEscapes(escaped, false))));
}

/** Forms in which a line may contain a text read by {@link unescapePrinted}: itself, or with its line breaks and bytes as escapes. */
export function printingsOf(text: string): readonly string[] {
  const lines = text.replaceAll("\n", "\\n");
  if (Buffer.byteLength(text) === text.length) return lines === text ? [text] : [text, lines];
  const encodings: readonly BufferEncoding[] = ["utf8", "latin1"];
  const printed = encodings.map((encoding) =>
    Array.from(Buffer.from(lines, encoding), (byte) =>
      byte < 0x80 ? String.fromCharCode(byte) : `\\${byte.toString(8)}`,
    ).join(""),
  );
  return [text, lines, ...printed];
}

/** Undoes `\n` and its like, and octal bytes. A backslash before anything else is taken off when it `quotes`, and else stays. */
function undoEscapes(text: string, quotes: boolean): string {
  let unescaped = "";
  let from = 0;
  for (let at = text.indexOf("\\"); at !== -1; at = text.indexOf("\\", Math.max(from, at + 1))) {
    const next = text.charAt(at + 1);
    const letter = ESCAPES[next];
    const digits = letter === undefined ? text.slice(at + 1, at + 4) : "";
    const isOctal = OCTAL.test(digits);
    const meant = isOctal ? octalByte(digits) : (letter ?? (quotes ? next : undefined));
    if (meant === undefined || next === "") continue;
    unescaped += text.slice(from, at) + meant;
    from = at + (isOctal ? 4 : 2);
  }
  return unescaped + text.slice(from);
}

const OCTAL = /^[0-7]{3}$/;

const HIGH_BYTE = /\\[2-3][0-7]{2}/;

function octalByte(digits: string): string {
  return String.fromCharCode(Number.parseInt(digits, 8) & 0xff);
}

/** The bytes of a UTF-8 character that was cut off before its end. */
const CUT_CHARACTER = /(?:[\xc2-\xf4]|[\xe0-\xf4][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{2})$/;

/**
 * Reads bytes as UTF-8. What is left of a last character that was cut in two becomes U+FFFD, when others before it show that
 * this is UTF-8; any other bytes stay latin1.
 */
function decodeCut(bytes: string): string {
  const decoded = decodeUtf8(bytes);
  if (decoded !== bytes) return decoded;
  const whole = bytes.replace(CUT_CHARACTER, "");
  const rest = decodeUtf8(whole);
  return rest === whole ? bytes : `${rest}\ufffd`;
}

/** Position of the quote that closes a value begun before `from`; a backslash quotes the next character. -1 when none does. */
export function closingQuote(text: string, from: number): number {
  let close = text.indexOf('"', from);
  while (close !== -1) {
    let start = close;
    while (start > from && text.charCodeAt(start - 1) === BACKSLASH) start--;
    if ((close - start) % 2 === 0) return close;
    close = text.indexOf('"', close + 1);
  }
  return -1;
}
