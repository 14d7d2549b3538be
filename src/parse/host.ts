/** The value of `H=`, and hosts that stand without it. */
import {
  ASTERISK,
  COLON,
  isAddressCharacter,
  isAlphanumeric,
  LEFT_BRACKET,
  LEFT_PAREN,
  RIGHT_BRACKET,
  SPACE,
  UPPER_D,
} from "./chars.ts";
import { Cursor } from "./cursor.ts";
import type { Host } from "./events.ts";
import {
  anyOf,
  fieldKeyAt,
  flagAt,
  isFieldStart,
  MOST_FIELDS,
  readAngleBrackets,
  readDistinguishedName,
  readFreeText,
  readUnknownValue,
  unknownKeyAt,
} from "./fields.ts";
import { parseWholeNumber } from "./numbers.ts";

/**
 * Reads the value of `H=`: name, `(helo)`, `[ip]`, `:port`, any of which may be absent.
 *
 *     H=mta7.internal (My PC (the big one) [x]) [203.0.113.156]:25 P=esmtp
 *       ^
 * The address is the bracket that a field, a colon or the end follows: HELO text may imitate all of it. The flag `DS`
 * is between name and address on outgoing lines. Undefined, cursor unmoved, when no host can be made out. Where
 * `foreignFrom` is given, no text before that place comes from the other side but the HELO: then its last address is the true one.
 */
export function readHost(cursor: Cursor, foreignFrom?: number): Host | undefined {
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
    const close = endOfHelo(text, at, foreignFrom);
    if (close === -1) return undefined;
    helo = text.slice(at + 1, close);
    at = close + 1;
    if (text.startsWith(" [", at)) at++;
  }
  return finishHost(cursor, at, { name, helo, secure });
}

/** A host of which nothing else is told. */
export function plainHost(name: string | undefined, ip: string | undefined): Host {
  return { name, helo: undefined, ip, port: undefined, secure: false };
}

/** Reads `[ip]:port`, as in `I=` and `PRX=`. */
export function readInterface(cursor: Cursor): string | undefined {
  const end = endOfBracketedIp(cursor.text, cursor.position);
  if (end === 0) return undefined;
  const value = cursor.text.slice(cursor.position, endOfPort(cursor.text, end));
  cursor.position += value.length;
  return value;
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
  const ip = text.slice(at + 1, bracketEnd - 1);
  if (portEnd === bracketEnd) return { name, helo, ip, port: undefined, secure };
  const portText = text.slice(bracketEnd + 1, portEnd);
  const port = parseWholeNumber(portText);
  return port === undefined ? { name, helo, ip, port, secure, portText } : { name, helo, ip, port, secure };
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
  let end = start;
  while (end < text.length && text.charCodeAt(end) !== SPACE && text.charCodeAt(end) !== LEFT_BRACKET) end++;
  const isBracket = text.charCodeAt(end) === LEFT_BRACKET;
  return end > start && !isBracket && text.charCodeAt(end - 1) === COLON ? end - 1 : end;
}

/** Addresses after a `)` that are tried; a HELO with more of them was written to deceive. */
const MOST_ADDRESSES = 64;

/**
 * Position of the `)` that closes the HELO text begun at `open`, -1 when none does. Before `foreignFrom` it is the last one that
 * an address follows. Else, since what follows the client may imitate one as well as the HELO may: the first one behind which the
 * line continues as Exim writes it; failing that, the last one that a field, a colon or a known word follows.
 */
function endOfHelo(text: string, open: number, foreignFrom: number | undefined): number {
  let last = -1;
  let fallback = -1;
  const limit = foreignFrom ?? text.length;
  let close = text.indexOf(") [", open);
  for (let tried = 0; close !== -1 && close < limit && tried < MOST_ADDRESSES; tried++) {
    const bracketEnd = endOfBracketedIp(text, close + 2);
    const end = bracketEnd === 0 ? 0 : endOfPort(text, bracketEnd);
    if (end !== 0 && isAfterAddress(text, end)) {
      if (isAfterClient(text, end)) {
        if (foreignFrom === undefined && isInOrder(text, end)) return close;
        last = close;
      }
      if (fallback === -1) fallback = close;
    }
    close = text.indexOf(") [", close + 1);
  }
  if (last === -1 && fallback === -1 && text.endsWith(")")) return text.length - 1;
  return last === -1 ? fallback : last;
}

/** True when the text can continue at `at` after a client: it ends, or a colon, a field or a known word follows. */
function isAfterClient(text: string, at: number): boolean {
  if (at === text.length || text.charCodeAt(at) !== SPACE) return true;
  return isFieldStart(text, at + 1) || isWordAfterHost(text, at + 1);
}

/** A parenthesis that an address follows is the end of a HELO, not a remark. */
function isWordAfterHost(text: string, at: number): boolean {
  if (!isWordAfterClient(text, at)) return false;
  const close = text.charCodeAt(at) === LEFT_PAREN ? text.indexOf(")", at) : -1;
  return close === -1 || endOfBracketedIp(text, close + 2) === 0;
}

/**
 * True when whole fields follow at `at`, none of them twice. They reach up to the end, a colon, an asterisk, a known word or the
 * size of a message. Words of the client begin behind the size.
 */
function isInOrder(text: string, at: number): boolean {
  const seen = new Set<string>();
  const cursor = new Cursor(text, at);
  for (let count = 0; count < MOST_FIELDS; count++) {
    if (cursor.peek() !== SPACE) return cursor.atEnd || cursor.peek() === COLON || cursor.peek() === ASTERISK;
    const { position } = cursor;
    const word = position + 1;
    const flag = flagAt(text, word);
    const key = flag ?? fieldKeyAt(text, word) ?? unknownKeyAt(text, word);
    if (key === undefined) return isWordAfterHost(text, word);
    if (key === "S") return true;
    if (seen.has(key)) return false;
    seen.add(key);
    cursor.position = word + key.length + (flag === undefined ? 1 : 0);
    if (flag === undefined && !skipValue(cursor, key)) return false;
  }
  return true;
}

/** Advances past the value of a field; false when it is not whole. */
function skipValue(cursor: Cursor, key: string): boolean {
  switch (key) {
    case "DN":
      return readDistinguishedName(cursor) !== undefined;
    case "F":
      return readAngleBrackets(cursor) !== undefined;
    case "A":
    case "U":
      readFreeText(cursor, (text, at) => isFieldStart(text, at) || isWordAfterHost(text, at));
      return true;
    default:
      readUnknownValue(cursor);
      return true;
  }
}

/** True where one of the words begins that follow a client, and free text of it, in lines about an incoming session. */
export const isWordAfterClient = anyOf([
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
]);

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
