/** Readers of single values, shared by every family of lines. */
import {
  ASTERISK,
  BACKSLASH,
  COLON,
  EQUALS,
  GREATER_THAN,
  isAlphanumeric,
  isDigit,
  isUpper,
  LESS_THAN,
  LOWER_I,
  QUOTE,
  SPACE,
  UPPER_A,
} from "./chars.ts";
import type { Cursor } from "./cursor.ts";
import type { Authentication } from "./events.ts";
import { closingQuote } from "./quoting.ts";

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
  "SRS",
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

/** Fields that are read of a line: more than Exim knows. What comes after them is not Exim's, and is left over. */
export const MOST_FIELDS = 64;

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

/** Reads the value of a key this version does not know: in quotes or angle brackets, which are taken off, or a word. */
export function readUnknownValue(cursor: Cursor): string {
  return readQuoted(cursor) ?? readAngleBrackets(cursor) ?? readWord(cursor);
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

/** A test whether one of the words stands at a place of a text; mostly the first character tells. */
export function anyOf(words: readonly string[]): (text: string, at: number) => boolean {
  const firsts = new Set(words.map((word) => word.charCodeAt(0)));
  return (text, at) => firsts.has(text.charCodeAt(at)) && words.some((word) => text.startsWith(word, at));
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

/** Reads to the next blank or the end; a colon there belongs to the text after the fields: `Ci=23906: 535 Incorrect …`. */
export function readWord(cursor: Cursor): string {
  const { text, position } = cursor;
  readToken(cursor);
  if (text.charCodeAt(cursor.position - 1) === COLON && cursor.position > position) cursor.position--;
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
 * Reads a certificate name, whose inner quotes may be unescaped: the value ends at a quote that a field, a flag,
 * a colon or the end of the text follows.
 *
 *     DN="/C=ZZ/O=Big Mail "Quoted" Inc/CN=mx1" K C="250 OK"
 *        ^
 * Source: exim-log-grammar §6: DN is filtered for printing, not quoted.
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

/** Splits the value of `A=`: `plain_server:user with space`. */
export function parseAuthentication(value: string): Authentication {
  const colon = value.indexOf(":");
  if (colon === -1) return { authenticator: value, id: undefined };
  return { authenticator: value.slice(0, colon), id: value.slice(colon + 1) };
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

/**
 * Position of the group that ends the text, at the blank before its opening; -1 if the text ends without one.
 *
 *     d=sender1.example s=nosuch [failed key import]
 *                               ^
 */
export function findLastGroup(text: string, opening: string, closing: string): number {
  if (!text.endsWith(closing)) return -1;
  return text.indexOf(opening, text.lastIndexOf(closing, text.length - 2) + 1);
}

/** Removes one pair of angle brackets around an SMTP argument: `<a@b>` is `a@b`, `a@b` stays. */
export function stripAngleBrackets(text: string): string {
  const isBracketed = text.charCodeAt(0) === LESS_THAN && text.charCodeAt(text.length - 1) === GREATER_THAN;
  return isBracketed ? text.slice(1, -1) : text;
}
