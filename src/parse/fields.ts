/** Readers of single values, shared by every family of lines. */

import { decodeUtf8 } from "../text.ts";
import {
  ASTERISK,
  BACKSLASH,
  COLON,
  EQUALS,
  GREATER_THAN,
  isAddressCharacter,
  isAlphanumeric,
  isDigit,
  isUpper,
  LEFT_BRACKET,
  LEFT_PAREN,
  LESS_THAN,
  LOWER_I,
  QUOTE,
  RIGHT_BRACKET,
  SPACE,
  UPPER_A,
  UPPER_D,
} from "./chars.ts";
import type { Cursor } from "./cursor.ts";
import type { Authentication, Host } from "./events.ts";

/** Keys that Exim writes as `KEY=value` on any line. `id*` is handled as a key of its own. */
const FIELD_KEYS: ReadonlySet<string> = new Set([
  "A",
  "C",
  "Ci",
  "CV",
  "D",
  "DKIM",
  "DMARC",
  "DN",
  "DT",
  "F",
  "H",
  "I",
  "id",
  "id*",
  "M8S",
  "P",
  "PRX",
  "PS",
  "Q",
  "QT",
  "R",
  "RT",
  "S",
  "SNI",
  "SPF",
  "ST",
  "T",
  "U",
  "X",
]);

/** Bare tokens between fields. */
const FLAGS: ReadonlySet<string> = new Set([
  "ARC",
  "DMARC",
  "DS",
  "K",
  "L",
  "L*",
  "L.",
  "L-",
  "L.-",
  "L*-",
  "PRDR",
  "SPF",
  "TFO",
  "TFO*",
]);

const LONGEST_KEY = 5;

/** The keys of one letter by their letter, and those of two by both: found without cutting them out of the line. */
const ONE_LETTER_KEYS: (string | undefined)[] = [];
const TWO_LETTER_KEYS: (string | undefined)[] = [];
for (const key of FIELD_KEYS) {
  if (key.length === 1) ONE_LETTER_KEYS[key.charCodeAt(0) - UPPER_A] = key;
  if (key.length === 2) TWO_LETTER_KEYS[twoLetters(key.charCodeAt(0), key.charCodeAt(1))] = key;
}

/** A small number for two letters. */
function twoLetters(first: number, second: number): number {
  return ((first & 0x3f) << 6) | (second & 0x3f);
}

/**
 * The key of the field at `at`, or undefined: `X` for `X=TLS1.3:…`, `id*` for `id*=…`.
 * Only keys Exim is known to write count; `Inc/OU=` inside a quoted name is none.
 */
export function fieldKeyAt(text: string, at: number): string | undefined {
  const first = text.charCodeAt(at);
  if (!isUpper(first) && first !== LOWER_I) return undefined;
  const second = text.charCodeAt(at + 1);
  if (second === EQUALS) return isUpper(first) ? ONE_LETTER_KEYS[first - UPPER_A] : undefined;
  if (!isAlphanumeric(second)) return undefined;
  const third = text.charCodeAt(at + 2);
  if (third === EQUALS) {
    const key = TWO_LETTER_KEYS[twoLetters(first, second)];
    return key !== undefined && key.charCodeAt(0) === first && key.charCodeAt(1) === second ? key : undefined;
  }
  for (let end = at + 2; end <= at + LONGEST_KEY; end++) {
    const code = text.charCodeAt(end);
    if (code === EQUALS) {
      const key = text.slice(at, end);
      return FIELD_KEYS.has(key) ? key : undefined;
    }
    if (!isAlphanumeric(code) && code !== ASTERISK) return undefined;
  }
  return undefined;
}

const LONGEST_UNKNOWN_KEY = 12;

/**
 * The key of a field this version does not know: capital letters and digits, `NEWKEY` for `NEWKEY=value`. Undefined for known
 * keys and for anything else. Only asked where a field has just ended, so that text that looks like a field is none.
 */
export function unknownKeyAt(text: string, at: number): string | undefined {
  if (!isUpper(text.charCodeAt(at))) return undefined;
  for (let end = at + 1; end <= at + LONGEST_UNKNOWN_KEY; end++) {
    const code = text.charCodeAt(end);
    if (code === EQUALS) {
      const key = text.slice(at, end);
      return FIELD_KEYS.has(key) ? undefined : key;
    }
    if (!isUpper(code) && !isDigit(code) && code !== 0x5f) return undefined;
  }
  return undefined;
}

/** Reads the value of a key this version does not know: quoted, or up to the next blank. */
export function readUnknownValue(cursor: Cursor): string {
  return readQuoted(cursor) ?? readToken(cursor);
}

/** The flag at `at`, ended by a blank, a colon or the end of the text; undefined when there is none. */
export function flagAt(text: string, at: number): string | undefined {
  if (!isUpper(text.charCodeAt(at))) return undefined;
  for (let end = at + 1; end <= at + LONGEST_KEY; end++) {
    const code = text.charCodeAt(end);
    if (code === SPACE || code === COLON || end === text.length) {
      const flag = text.slice(at, end);
      return FLAGS.has(flag) ? flag : undefined;
    }
  }
  return undefined;
}

/** True where a known field or flag begins. */
export function isFieldStart(text: string, at: number): boolean {
  return fieldKeyAt(text, at) !== undefined || flagAt(text, at) !== undefined;
}

/** Reads to the next blank or the end. */
export function readToken(cursor: Cursor): string {
  const { text, position } = cursor;
  const blank = text.indexOf(" ", position);
  cursor.position = blank === -1 ? text.length : blank;
  return text.slice(position, cursor.position);
}

/**
 * Reads free text that may hold blanks, up to a blank after which `isEnd` holds, or to the end of the text.
 *
 *     U=fred smith P=esmtp
 *       ^         ^ ends here
 */
export function readFreeText(cursor: Cursor, isEnd: (text: string, at: number) => boolean): string {
  const { text, position } = cursor;
  let blank = text.indexOf(" ", position);
  while (blank !== -1 && !isEnd(text, blank + 1)) blank = text.indexOf(" ", blank + 1);
  cursor.position = blank === -1 ? text.length : blank;
  return text.slice(position, cursor.position);
}

/**
 * Reads a quoted value whose quotes are escaped, and leaves it escaped. Undefined, cursor unmoved, when the quote never closes.
 *
 *     C="250 ok C=\"250 fake\"" QT=0.137s
 *       ^
 */
export function readQuoted(cursor: Cursor): string | undefined {
  const { text, position } = cursor;
  if (text.charCodeAt(position) !== QUOTE) return undefined;
  const close = closingQuote(text, position + 1);
  if (close === -1) return undefined;
  cursor.position = close + 1;
  return text.slice(position + 1, close);
}

/**
 * Reads a certificate name, whose inner quotes may stand unescaped: the value ends at a quote that a field, a flag,
 * a colon or the end of the text follows.
 *
 *     DN="/C=ZZ/O=Big Mail "Quoted" Inc/CN=mx1" K C="250 OK"
 *        ^
 * Source: exim-log-grammar, "Quoting and escaping": DN is filtered for printing, not quoted.
 */
export function readDistinguishedName(cursor: Cursor): string | undefined {
  const { text, position } = cursor;
  if (text.charCodeAt(position) !== QUOTE) return undefined;
  let close = text.indexOf('"', position + 1);
  while (close !== -1 && !(text.charCodeAt(close - 1) !== BACKSLASH && isAfterValue(text, close + 1))) {
    close = text.indexOf('"', close + 1);
  }
  if (close === -1) return undefined;
  cursor.position = close + 1;
  return text.slice(position + 1, close);
}

/**
 * Reads `<…>` at the cursor and returns what is inside; a quoted local part may hold angle brackets.
 * Undefined, cursor unmoved, when there is none or it never closes.
 *
 *     <"who, me? <x@y>"@rules.example> R=dnslookup
 *     ^
 */
export function readAngleBrackets(cursor: Cursor): string | undefined {
  const { text, position } = cursor;
  if (text.charCodeAt(position) !== LESS_THAN) return undefined;
  let at = position + 1;
  if (text.charCodeAt(at) === QUOTE) {
    const close = closingQuote(text, at + 1);
    if (close === -1) return undefined;
    at = close + 1;
  }
  const close = text.indexOf(">", at);
  if (close === -1) return undefined;
  cursor.position = close + 1;
  return text.slice(position + 1, close);
}

/**
 * Reads the value of `H=`: name, `(helo)`, `[ip]`, `:port`, any of which may be absent.
 *
 *     H=mta7.internal (My PC (the big one) [x]) [203.0.113.156]:25 P=esmtp
 *       ^
 * The address is the bracket that a field, a colon or the end follows: HELO text may imitate all of it. The flag `DS`
 * stands between name and address on outgoing lines. Undefined, cursor unmoved, when no host can be made out. `isLastForeign`
 * says that nothing after the host comes from the other side: then its last address is the true one.
 */
export function readHost(cursor: Cursor, isLastForeign = false): Host | undefined {
  const { text, position: start } = cursor;
  let at = start;
  let name: string | undefined;
  if (text.charCodeAt(at) !== LEFT_PAREN && !isAddressOnly(text, at)) {
    const end = endOfName(text, at);
    name = text.slice(at, end);
    at = end;
    if (text.charCodeAt(at) !== SPACE) return finishHost(cursor, at, { name, helo: undefined, secure: false });
    if (
      text.charCodeAt(at + 1) !== LEFT_PAREN &&
      text.charCodeAt(at + 1) !== LEFT_BRACKET &&
      !text.startsWith("DS [", at + 1)
    ) {
      return finishHost(cursor, at, { name, helo: undefined, secure: false });
    }
    at++;
  }
  const secure = text.charCodeAt(at) === UPPER_D && text.startsWith("DS ", at);
  if (secure) at += 3;
  let helo: string | undefined;
  if (text.charCodeAt(at) === LEFT_PAREN) {
    const close = endOfHelo(text, at, isLastForeign);
    if (close === -1) return undefined;
    helo = text.slice(at + 1, close);
    at = close + 1;
    if (text.startsWith(" [", at)) at++;
  }
  return finishHost(cursor, at, { name, helo, secure });
}

/** Reads `[ip]:port`, as in `I=` and `PRX=`. */
export function readInterface(cursor: Cursor): string | undefined {
  const end = endOfBracketedIp(cursor.text, cursor.position);
  if (end === 0) return undefined;
  const value = cursor.text.slice(cursor.position, endOfPort(cursor.text, end));
  cursor.position += value.length;
  return value;
}

/** Splits the value of `A=`: `plain_server:user with space`. */
export function parseAuthentication(value: string): Authentication {
  const colon = value.indexOf(":");
  if (colon === -1) return { authenticator: value, id: undefined };
  return { authenticator: value.slice(0, colon), id: value.slice(colon + 1) };
}

/** Digits of `S=`; undefined for anything else. */
export function parseSize(value: string): number | undefined {
  if (value === "") return undefined;
  for (let index = 0; index < value.length; index++) if (!isDigit(value.charCodeAt(index))) return undefined;
  return Number(value);
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", v: "\v", f: "\f" };

/**
 * Undoes the quoting of `T="…"` and the printing filter inside it: `\"`, `\\`, `\n`, `\303\234`.
 * Octal runs are bytes and are read as UTF-8 when they are that.
 */
export function unescapeQuoted(value: string): string {
  if (!value.includes("\\")) return value;
  const unescaped = value.replace(/\\([0-7]{3}|.)/gs, (_whole, escaped: string) =>
    escaped.length === 3 ? octalByte(escaped) : (ESCAPES[escaped] ?? escaped),
  );
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
  let unescaped = "";
  let from = 0;
  let at = printed.indexOf("\\");
  while (at !== -1) {
    const short = ESCAPES[printed.charAt(at + 1)];
    const digits = short === undefined ? printed.slice(at + 1, at + 4) : "";
    if (short !== undefined || OCTAL.test(digits)) {
      unescaped += printed.slice(from, at) + (short ?? octalByte(digits));
      from = at + (short === undefined ? 4 : 2);
    }
    at = printed.indexOf("\\", Math.max(from, at + 1));
  }
  unescaped += printed.slice(from);
  return HIGH_BYTE.test(printed) ? decodeCut(unescaped) : unescaped;
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

function isAfterValue(text: string, at: number): boolean {
  if (at === text.length) return true;
  const code = text.charCodeAt(at);
  if (code === COLON) return true;
  return (
    code === SPACE &&
    (text.charCodeAt(at + 1) === COLON ||
      isFieldStart(text, at + 1) ||
      text.startsWith("rejected ", at + 1) ||
      text.startsWith("temporarily ", at + 1))
  );
}

interface HostName {
  readonly name: string | undefined;
  readonly helo: string | undefined;
  readonly secure: boolean;
}

function finishHost(cursor: Cursor, at: number, { name, helo, secure }: HostName): Host | undefined {
  const { text } = cursor;
  const bracketEnd = endOfBracketedIp(text, at);
  if (bracketEnd === 0) {
    if (at === cursor.position) return undefined;
    cursor.position = at;
    return { name, helo, ip: undefined, port: undefined, secure };
  }
  const portEnd = endOfPort(text, bracketEnd);
  cursor.position = portEnd;
  const port = portEnd === bracketEnd ? undefined : parseSize(text.slice(bracketEnd + 1, portEnd));
  return { name, helo, ip: text.slice(at + 1, bracketEnd - 1), port, secure };
}

/** True when the value begins with its address; a target named by its literal has the name `[ip]` before the address `[ip]`. */
function isAddressOnly(text: string, at: number): boolean {
  if (text.charCodeAt(at) !== LEFT_BRACKET) return false;
  const end = endOfBracketedIp(text, at);
  return end === 0 || !(text.startsWith(" [", end) && endOfBracketedIp(text, end + 1) !== 0);
}

/** End of a host name: a blank, a bracket, or the colon that ends a failure's fields. */
function endOfName(text: string, from: number): number {
  const start = text.charCodeAt(from) === LEFT_BRACKET ? endOfBracketedIp(text, from) : from;
  const blank = text.indexOf(" ", start);
  const wordEnd = blank === -1 ? text.length : blank;
  const bracket = text.indexOf("[", start);
  const end = bracket === -1 || bracket > wordEnd ? wordEnd : bracket;
  return end > start && end === wordEnd && text.charCodeAt(end - 1) === COLON ? end - 1 : end;
}

/**
 * Position of the `)` that closes the HELO text begun at `open`: the first one (or the last, on request) that an address, and
 * then a field or a known word follows; failing that, the first one that an address follows.
 */
function endOfHelo(text: string, open: number, wantsLast: boolean): number {
  let last = -1;
  let fallback = -1;
  let close = text.indexOf(")", open);
  while (close !== -1) {
    if (text.charCodeAt(close + 1) === SPACE && text.charCodeAt(close + 2) === LEFT_BRACKET) {
      const bracketEnd = endOfBracketedIp(text, close + 2);
      const end = bracketEnd === 0 ? 0 : endOfPort(text, bracketEnd);
      if (end !== 0 && isAfterAddress(text, end)) {
        if (isAfterClient(text, end)) {
          if (!wantsLast) return close;
          last = close;
        }
        if (fallback === -1) fallback = close;
      }
    } else if (close + 1 === text.length && fallback === -1) {
      return close;
    }
    close = text.indexOf(")", close + 1);
  }
  return last === -1 ? fallback : last;
}

/** True when the text can go on at `at` after a client: it ends, or a colon, a field or a known word follows. */
function isAfterClient(text: string, at: number): boolean {
  if (at === text.length || text.charCodeAt(at) !== SPACE) return true;
  return isFieldStart(text, at + 1) || isWordAfterClient(text, at + 1);
}

/** Words that follow the client, and free text of it, in lines about an incoming session. */
const WORDS_AFTER_CLIENT = [
  "rejected ",
  "temporarily ",
  "Warning: ",
  "sender verify ",
  "incomplete transaction",
  "dropped",
  "discarded by ",
  "RCPT ",
  "next input=",
  "input=",
  "(",
  "closed ",
  "lost",
  "refused",
  "tmp-reject ",
] as const;

/** True where one of the words begins that follow a client. */
export function isWordAfterClient(text: string, at: number): boolean {
  return WORDS_AFTER_CLIENT.some((word) => text.startsWith(word, at));
}

function isAfterAddress(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return at === text.length || code === SPACE || code === COLON || code === 0x2a;
}

/** End of `[…]` at `at` when it holds nothing but an address, else 0. */
function endOfBracketedIp(text: string, at: number): number {
  if (text.charCodeAt(at) !== LEFT_BRACKET) return 0;
  let end = at + 1;
  while (isAddressCharacter(text.charCodeAt(end))) end++;
  return end > at + 1 && text.charCodeAt(end) === RIGHT_BRACKET ? end + 1 : 0;
}

/** End of `:port` at `at`, or `at` itself; -1 is what `-N` writes, and test logs have names there. */
function endOfPort(text: string, at: number): number {
  if (text.charCodeAt(at) !== COLON) return at;
  let end = at + 1;
  while (
    isAlphanumeric(text.charCodeAt(end)) ||
    text.charCodeAt(end) === 0x5f ||
    (end === at + 1 && text.charCodeAt(end) === 0x2d)
  )
    end++;
  return end === at + 1 ? at : end;
}

/** Removes one pair of angle brackets around an SMTP argument: `<a@b>` is `a@b`, `a@b` stays. */
export function stripAngleBrackets(text: string): string {
  const isBracketed = text.charCodeAt(0) === LESS_THAN && text.charCodeAt(text.length - 1) === GREATER_THAN;
  return isBracketed ? text.slice(1, -1) : text;
}
