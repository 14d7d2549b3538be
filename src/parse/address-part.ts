import {
  COLON,
  EQUALS,
  GREATER_THAN,
  isAlphanumeric,
  LEFT_PAREN,
  LESS_THAN,
  PIPE,
  QUOTE,
  RIGHT_PAREN,
  SLASH,
  SPACE,
  UNDERSCORE,
} from "./chars.ts";
import { Cursor } from "./cursor.ts";
import type { AddressPart } from "./events.ts";
import { anyOf, fieldKeyAt, flagAt, MOST_FIELDS, readAngleBrackets, readUnknownValue, unknownKeyAt } from "./fields.ts";

const NO_PARENTS: readonly string[] = [];

/**
 * Reads what is between the flag and the first field of a delivery, deferral or failure line.
 *
 *     => |/bin/pipe.py ok "two words" <pipespaces@example.org> R=system_aliases T=address_pipe
 *        ^
 *     => info (info@blog.example.net) <all@shop.example.net> R=virtual_user T=virtual_maildir
 *     ** x@rules.example <"=> x"@rules.example> R=dnslookup T=remote_smtp …
 *     ** quincy@example.org: retry timeout exceeded
 *
 * The final address is written without quotes and may hold anything, also blanks, arrows and text like fields; the
 * original in `<…>` keeps its quotes and is the reliable end. The cursor is left before the blank, or the colon, that follows.
 * Source: exim-log-grammar §8.1.
 */
export function readAddressPart(cursor: Cursor): AddressPart {
  return readPlainAddress(cursor) ?? readBracketedAddress(cursor) ?? readUnbracketedAddress(cursor);
}

/** The common case: one word with an `@`, then a field, the original, or a colon. */
function readPlainAddress(cursor: Cursor): AddressPart | undefined {
  const { text, position: start } = cursor;
  const first = text.charCodeAt(start);
  if (first === PIPE || first === SLASH || first === GREATER_THAN || first === COLON || first === QUOTE)
    return undefined;
  const blank = text.indexOf(" ", start);
  const wordEnd = blank === -1 ? text.length : blank;
  const end = text.charCodeAt(wordEnd - 1) === COLON ? wordEnd - 1 : wordEnd;
  if (end <= start) return undefined;
  const next = text.charCodeAt(wordEnd + 1);
  if (end < wordEnd) return text.indexOf("@", start) < end ? plain(cursor, end) : undefined;
  if (next === LESS_THAN) {
    cursor.position = wordEnd + 1;
    const original = readAngleBrackets(cursor);
    if (original !== undefined && isAddressEnd(text, cursor.position)) {
      return { final: text.slice(start, end), parents: NO_PARENTS, original };
    }
    cursor.position = start;
    return undefined;
  }
  const at = text.indexOf("@", start);
  if (next === LEFT_PAREN || at === -1 || at > end) return undefined;
  return isAddressEnd(text, end) ? plain(cursor, end) : undefined;
}

function plain(cursor: Cursor, end: number): AddressPart {
  const final = cursor.text.slice(cursor.position, end);
  cursor.position = end;
  return { final, parents: NO_PARENTS, original: final };
}

/** Brackets that are tried: more than any command opens. */
const MOST_BRACKETS = 64;

/**
 * The first ` <…>` that a field, a colon or the end follows is the original address; all before it is the final one. A
 * command may open a bracket of its own before: the last one that is opened counts.
 */
function readBracketedAddress(cursor: Cursor): AddressPart | undefined {
  const { text, position: start } = cursor;
  let open = text.indexOf(" <", start);
  for (let tried = 0; open !== -1 && tried < MOST_BRACKETS; tried++) {
    const bracket = new Cursor(text, open + 1);
    const original = readAngleBrackets(bracket);
    if (original !== undefined && isAddressEnd(text, bracket.position)) {
      const inner = original.charCodeAt(0) === QUOTE ? -1 : original.lastIndexOf(" <");
      cursor.position = bracket.position;
      if (inner === -1) return splitParents(text.slice(start, open), original);
      return splitParents(text.slice(start, open + 2 + inner), original.slice(inner + 2));
    }
    open = text.indexOf(" <", open + 1);
  }
  return undefined;
}

/** No original: everything up to the first field is the address. */
function readUnbracketedAddress(cursor: Cursor): AddressPart {
  const { text, position: start } = cursor;
  let end = start;
  while (end < text.length && !(isSeparator(text.charCodeAt(end)) && isAddressEnd(text, end))) end++;
  cursor.position = end;
  const final = text.slice(start, end);
  return splitParents(final, undefined);
}

/** `info (info@blog.example, all@shop.example)`: parents in parentheses, each an address. */
function splitParents(final: string, original: string | undefined): AddressPart {
  const open = final.charCodeAt(final.length - 1) === RIGHT_PAREN ? final.indexOf(" (") : -1;
  if (open <= 0) return { final, parents: NO_PARENTS, original: original ?? final };
  const parents = final.slice(open + 2, -1).split(", ");
  if (!parents.every((parent) => parent.includes("@")))
    return { final, parents: NO_PARENTS, original: original ?? final };
  return { final: final.slice(0, open), parents, original: original ?? parents.at(-1) ?? final };
}

function isSeparator(code: number): boolean {
  return code === SPACE || code === COLON;
}

/** True when the address can end at `at`: the line ends, a message follows, or a field of an address line. */
function isAddressEnd(text: string, at: number): boolean {
  if (at >= text.length) return true;
  if (text.charCodeAt(at) === COLON) return text.charCodeAt(at + 1) === SPACE;
  if (text.charCodeAt(at) !== SPACE) return false;
  return isAddressLineField(text, at + 1) || isFollowingWord(text, at + 1) || isRunOfOtherFields(text, at);
}

/**
 * True when fields that seldom or never follow an address begin with the blank at `at`. They reach up to a field that does, a
 * colon or the end. An address may hold text like `KEY=value`, but what follows that is another part of the address, or the
 * original one.
 *
 *     bob@example.org <b@example.org> SRS=<SRS0=x=y=z@example.org> R=dnslookup
 *                                    ^
 */
function isRunOfOtherFields(text: string, at: number): boolean {
  const cursor = new Cursor(text, at);
  for (let count = 0; count < MOST_FIELDS; count++) {
    const { position } = cursor;
    if (count > 0 && isEndOfRun(text, position)) return true;
    if (cursor.peek() !== SPACE) return false;
    const flag = flagAt(text, position + 1);
    const key = fieldKeyAt(text, position + 1) ?? unknownKeyAt(text, position + 1);
    if (flag === undefined && key === undefined) return false;
    cursor.position = position + 1 + (flag ?? `${key}=`).length;
    if (flag === undefined) readUnknownValue(cursor);
  }
  return false;
}

function isEndOfRun(text: string, at: number): boolean {
  if (at >= text.length) return true;
  if (text.charCodeAt(at) === COLON) return text.charCodeAt(at + 1) === SPACE;
  return text.charCodeAt(at) === SPACE && (isAddressLineField(text, at + 1) || isFollowingWord(text, at + 1));
}

const isFollowingWord = anyOf([
  ": ",
  "defer (",
  "routing defer (",
  "transporting defer (",
  "routing yielded",
  "mua_wrapper",
]);

/** Stricter than a field key alone: an address may hold ` R=`, but seldom a whole, well-formed field. */
function isAddressLineField(text: string, at: number): boolean {
  if (text.charCodeAt(at + 1) === EQUALS) {
    switch (text.charAt(at)) {
      case "F":
      case "P":
        return text.charCodeAt(at + 2) === LESS_THAN;
      case "R":
        return isRouterName(text, at + 2);
      case "T":
      case "Q":
        return at + 2 < text.length && text.charCodeAt(at + 2) !== SPACE;
      case "H":
        return true;
      case "S":
        return true;
      case "C":
        return text.charCodeAt(at + 2) === QUOTE;
      case "X":
        return true;
      default:
        return false;
    }
  }
  return text.startsWith("ST=", at) || text.startsWith("DT=", at);
}

function isRouterName(text: string, at: number): boolean {
  let end = at;
  while (isAlphanumeric(text.charCodeAt(end)) || text.charCodeAt(end) === UNDERSCORE) end++;
  if (end === at) return false;
  const code = text.charCodeAt(end);
  return end === text.length || code === SPACE || code === COLON;
}
