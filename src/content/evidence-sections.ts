/**
 * Splits evidence of a mail into messages with their headers, and text: a message as a file, a bounce with what it
 * returns, headers that were pasted, a line. Pure but for MIME, which is read in a process with limits: see evidence-parts.ts.
 */
import { decodeEncodedWords } from "../spool/encoded-words.ts";
import { decodeUtf8, withoutByteOrderMark } from "../text.ts";
import type { ContentHeader } from "./result.ts";

/**
 * - `message`: headers of a mail. `bounce`: those of a report about a mail.
 * - `returned`: headers of the mail that a report is about. `report`: what it says of the delivery. `text`: anything else.
 */
export type EvidencePart = "message" | "bounce" | "returned" | "report" | "text";

/** A piece of evidence; `headers` are decoded, each on one line. */
export interface EvidenceSection {
  readonly part: EvidencePart;
  readonly headers: readonly ContentHeader[];
  /** Lines that are no headers, decoded; none of a message that is no report. */
  readonly text: string;
}

/** Text that is looked at, of each section. */
export const MOST_SECTION_TEXT = 256 * 1024;
const MOST_HEADER_TEXT = 4096;

const FIELD = /^([!-9;-~]{1,100})[ \t]*:(.*)$/s;
/** Fields by which the headers of a mail are known among other text. */
const FIRST_FIELD =
  /^(?:return-path|envelope-to|delivery-date|delivered-to|x-original-to|received|message-id|from|to|date|subject|dkim-signature|authentication-results|arc-seal|mime-version|x-failed-recipients):/i;
const DELIVERY_FIELD =
  /^(?:final-recipient|original-recipient|reporting-mta|remote-mta|diagnostic-code|arrival-date):/im;

/** `latin1`: of a file or of what was pasted, as it is; quoted or indented text too. */
export function splitEvidence(latin1: string): readonly EvidenceSection[] {
  const lines = unquote(toLines(latin1.slice(0, MOST_SECTION_TEXT)));
  const start = lines.findIndex((line) => line !== "" && !line.startsWith("From "));
  if (start === -1) return [];
  if (!isField(lines[start] ?? "")) return splitText(lines, "text");
  const { headers, rest } = takeHeaders(lines.slice(start));
  if (!headers.some(({ name }) => FIRST_FIELD.test(`${name}:`))) return splitText(lines, "text");
  return toSections(headers, rest);
}

/** Sections of a mail of which the MIME parts were read. `texts`: those to read in it. */
export function toSections(
  headers: readonly ContentHeader[],
  rest: readonly string[],
  isReturned = false,
): readonly EvidenceSection[] {
  if (isReturned) return [{ part: "returned", headers, text: "" }];
  if (!isReport(headers, rest)) return [{ part: "message", headers, text: "" }];
  return [{ part: "bounce", headers, text: "" }, ...splitText(rest, "report")];
}

/** Headers of the beginning of a mail, and the lines behind them. `latin1`: as it is. */
export function readEvidenceHeaders(latin1: string): {
  readonly headers: readonly ContentHeader[];
  readonly rest: readonly string[];
} {
  const lines = toLines(latin1.slice(0, MOST_SECTION_TEXT));
  return takeHeaders(lines.slice(lines[0]?.startsWith("From ") === true ? 1 : 0));
}

/** True when the parts must be read with a parser: the text of such a mail is encoded, or in several parts. */
export function needsParser(latin1: string): boolean {
  const { headers } = readEvidenceHeaders(latin1);
  return headers.some(
    ({ name, value }) =>
      (/^content-type$/i.test(name) && /^(?:multipart|message)\//i.test(value)) ||
      (/^content-transfer-encoding$/i.test(name) && /^(?:base64|quoted-printable)\b/i.test(value)),
  );
}

/** Lines without control characters. */
function toLines(latin1: string): readonly string[] {
  return withoutByteOrderMark(latin1)
    .split(/\r\n|\n|\r/)
    .map((line) => line.replace(CONTROL, " ").trimEnd());
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f]/g;

/** Takes the marks of a reply or of a ticket from the beginnings of lines: `> `, `| `, blanks before all of them. */
function unquote(lines: readonly string[]): readonly string[] {
  const filled = lines.filter((line) => line !== "");
  if (filled.length === 0) return lines;
  const isQuoted = filled.every((line) => /^[ \t]*[>|]/.test(line));
  if (isQuoted) return unquote(lines.map((line) => line.replace(/^[ \t]*[>|] ?/, "")));
  let indent = Infinity;
  for (const line of filled) indent = Math.min(indent, line.length - line.trimStart().length);
  return indent === 0 ? lines : lines.map((line) => line.slice(indent));
}

function isField(line: string): boolean {
  return FIELD.test(line);
}

/** Headers up to an empty line. A line that begins no field continues the one before: what is pasted has often lost its blanks. */
function takeHeaders(lines: readonly string[]): {
  readonly headers: readonly ContentHeader[];
  readonly rest: readonly string[];
} {
  const raw: { name: string; value: string }[] = [];
  let index = 0;
  for (; index < lines.length; index++) {
    const line = lines[index] ?? "";
    if (line.trim() === "") break;
    const [, name, value = ""] = /^[ \t]/.test(line) ? [] : (FIELD.exec(line) ?? []);
    const last = raw.at(-1);
    if (name !== undefined) raw.push({ name, value });
    else if (last !== undefined && last.value.length < MOST_HEADER_TEXT) last.value += ` ${line}`;
  }
  const headers = raw.map(({ name, value }) => ({ name, value: toValue(value) }));
  return { headers, rest: lines.slice(index + 1) };
}

function toValue(raw: string): string {
  return decodeEncodedWords(decodeUtf8(raw.slice(0, MOST_HEADER_TEXT)))
    .replace(/\s+/g, " ")
    .trim();
}

/** True of a bounce, a warning and other reports about a mail. */
function isReport(headers: readonly ContentHeader[], rest: readonly string[]): boolean {
  const is = (field: string, form: RegExp): boolean =>
    headers.some(({ name, value }) => name.toLowerCase() === field && form.test(value));
  return (
    is("x-failed-recipients", /./) ||
    is("content-type", /^multipart\/report\b/i) ||
    is("return-path", /^<\s*>$/) ||
    is("from", /\b(?:mailer-daemon|postmaster|mail delivery (?:system|subsystem))\b/i) ||
    rest.some((line) => DELIVERY_FIELD.test(line))
  );
}

/** Text, and the headers of a mail within it, as a bounce returns them. */
function splitText(lines: readonly string[], part: "report" | "text"): readonly EvidenceSection[] {
  const at = lines.findIndex((line, index) => FIRST_FIELD.test(line) && isWithOthers(lines, index));
  const text = (some: readonly string[]): string => decodeUtf8(some.join("\n"));
  if (at === -1) return [{ part, headers: [], text: text(lines) }];
  const { headers, rest } = takeHeaders(lines.slice(at));
  const before = lines.slice(0, at);
  const isOfBounce = part === "report";
  const found: EvidenceSection[] = [{ part: isOfBounce ? "returned" : "message", headers, text: "" }];
  if (!isOfBounce && isReport(headers, rest))
    return [{ part, headers: [], text: text(before) }, ...toSections(headers, rest)];
  return [
    { part, headers: [], text: text(before) },
    ...found,
    // NOTE: the body of that mail follows, in which only a report counts.
    ...(rest.some((line) => DELIVERY_FIELD.test(line))
      ? [{ part: "report" as const, headers: [], text: text(rest) }]
      : []),
  ];
}

/** True when another field of a mail follows within a few lines: one alone may be a sentence. */
function isWithOthers(lines: readonly string[], index: number): boolean {
  if (/^received:/i.test(lines[index] ?? "")) return true;
  return lines.slice(index + 1, index + 6).some((line) => FIRST_FIELD.test(line));
}
