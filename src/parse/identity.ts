import { COLON, LESS_THAN, SPACE } from "./chars.ts";
import { Cursor } from "./cursor.ts";
import type { Authentication, Host, SessionClient } from "./events.ts";
import {
  fieldKeyAt,
  findLastGroup,
  flagAt,
  MOST_FIELDS,
  parseAuthentication,
  readAngleBrackets,
  readDistinguishedName,
  readFreeText,
  readQuoted,
  readToken,
  readUnknownValue,
  readWord,
  unknownKeyAt,
} from "./fields.ts";
import { isWordAfterClient, readHost, readInterface } from "./host.ts";

/** A client in the making: what the fields of a line say of who is at the other end. */
export interface Identity extends SessionClient {
  host: Host | undefined;
  ident: string | undefined;
  tls: string | undefined;
  auth: Authentication | undefined;
  sender: string | undefined;
  readonly details: string[];
}

/** Nobody yet. */
export function newIdentity(): Identity {
  return { host: undefined, ident: undefined, tls: undefined, auth: undefined, sender: undefined, details: [] };
}

/**
 * Reads the fields a session line begins with, as many as there are, and leaves the cursor at the first word that is none.
 *
 *     H=mail.sender1.example (x) [203.0.113.101] X=TLS1.3:… CV=no F=<x@partner.example> rejected RCPT <a@b.example>: no
 *     ^                                                                                 ^ left here
 * Source: exim-log-grammar §12.
 */
export function readIdentity(cursor: Cursor): Identity {
  const identity = newIdentity();
  readClientFields(cursor, identity);
  return identity;
}

/**
 * Reads a client that stands without `H=`, and the fields after it: a host, or the login name of a process of this machine.
 * Leaves the cursor before the blank or the colon that follows.
 *
 *     SMTP connection from mail.sender1.example (x) [203.0.113.101]:43133 I=[198.51.100.25]:25 closed by QUIT
 *                          ^
 *     rejected MAIL from alice: no HELO/EHLO given
 *                        ^
 * `foreignFrom`: up to there nothing after the client was written by it, so that a HELO that imitates the rest is found out.
 * Source: exim-log-grammar §5.1, the other renderings of an identity.
 */
export function readBareIdentity(cursor: Cursor, foreignFrom?: number): Identity {
  const identity = newIdentity();
  const flag = flagAt(cursor.text, cursor.position);
  if (flag === "TFO" || flag === "TFO*") {
    identity.details.push(flag, "");
    cursor.position += flag.length + 1;
  }
  const start = cursor.position;
  if (fieldKeyAt(cursor.text, start) === undefined) {
    const host = readHost(cursor, foreignFrom);
    if (host?.ip !== undefined) {
      identity.host = host;
    } else {
      cursor.position = start;
      identity.ident = readLogin(cursor);
    }
    if (cursor.peek() !== SPACE) return identity;
  }
  readClientFields(cursor, identity, foreignFrom);
  if (cursor.text.charCodeAt(cursor.position - 1) === SPACE) cursor.position--;
  return identity;
}

/** A login name, which holds no blank; the colon of the text after it is not part of it. */
function readLogin(cursor: Cursor): string | undefined {
  const login = readToken(cursor);
  if (!login.endsWith(":")) return login === "" ? undefined : login;
  cursor.position--;
  return login.slice(0, -1);
}

/** Reads more fields into an identity already begun; the cursor at a field, blanks between fields skipped. See {@link readHost}. */
export function readClientFields(cursor: Cursor, identity: Identity, foreignFrom?: number): void {
  for (let count = 0; count < MOST_FIELDS; count++) {
    const start = cursor.position;
    while (cursor.peek() === SPACE) cursor.position++;
    // NOTE: with +dnssec the blank between `DS` and `H=` is missing in the source of Exim (trap 20).
    if (cursor.text.startsWith("DSH=", cursor.position)) {
      cursor.position += 2;
      identity.details.push("DS", "");
    }
    const at = cursor.position;
    const key = fieldKeyAt(cursor.text, at);
    if (key !== undefined) {
      cursor.position = at + key.length + 1;
      if (readValue(cursor, key, identity, foreignFrom)) continue;
      cursor.position = at;
      return;
    }
    const flag = flagAt(cursor.text, at);
    if (flag !== undefined && flag !== "PRDR") {
      cursor.position = at + flag.length;
      identity.details.push(flag, "");
      continue;
    }
    const unknown = at > start ? unknownKeyAt(cursor.text, at) : undefined;
    if (unknown === undefined) return;
    cursor.position = at + unknown.length + 1;
    identity.details.push(unknown, readUnknownValue(cursor));
  }
}

function readValue(cursor: Cursor, key: string, identity: Identity, foreignFrom: number | undefined): boolean {
  switch (key) {
    case "H":
      identity.host = readHost(cursor, foreignFrom);
      return identity.host !== undefined;
    case "U":
      // NOTE: a line names one ident; each may take a look at all of the line.
      if (identity.ident !== undefined) return pushDetail(identity, key, readWord(cursor));
      identity.ident = readIdent(cursor);
      return true;
    case "X":
      identity.tls = readWord(cursor);
      return true;
    case "A":
      identity.auth = parseAuthentication(untilColon(cursor, readFreeText(cursor, isAfterAuthentication)));
      return true;
    case "F":
      identity.sender = readBracketed(cursor);
      return identity.sender !== undefined;
    case "P":
      // NOTE: a protocol, or the return path of a cutthrough.
      return pushDetail(identity, key, readBracketed(cursor));
    case "DN":
      return pushDetail(identity, key, readDistinguishedName(cursor));
    case "I":
      return pushDetail(identity, key, readInterface(cursor));
    case "C":
      // NOTE: a list of commands, or the quoted reply of the next host.
      return pushDetail(identity, key, readQuoted(cursor) ?? readWord(cursor));
    case "SNI":
      return pushDetail(identity, key, readQuoted(cursor) ?? readWord(cursor));
    default:
      return pushDetail(identity, key, readWord(cursor));
  }
}

/** An address in brackets, or a word without: local_scan() writes the sender that way. Undefined when the bracket never closes. */
function readBracketed(cursor: Cursor): string | undefined {
  return cursor.peek() === LESS_THAN ? readAngleBrackets(cursor) : readWord(cursor);
}

function pushDetail(identity: Identity, key: string, value: string | undefined): boolean {
  if (value === undefined) return false;
  identity.details.push(key, value);
  return true;
}

/** An ident may hold blanks, and a colon ends it; where nothing known follows it, it is taken to hold no blanks. */
function readIdent(cursor: Cursor): string {
  const start = cursor.position;
  let ident = readFreeText(cursor, isAfterIdent);
  if (cursor.atEnd && ident.includes(" ")) {
    cursor.position = start;
    ident = readToken(cursor);
  } else if (cursor.text.startsWith(" F=<", cursor.position)) {
    ident = withoutRecipient(ident);
    cursor.position = start + ident.length;
  }
  return untilColon(cursor, ident);
}

/** A value that ends at the cursor, up to a colon before a text, to which the cursor is set back. */
function untilColon(cursor: Cursor, value: string): string {
  const colon = `${value} `.indexOf(": ");
  if (colon === -1) return value;
  cursor.position -= value.length - colon;
  return value.slice(0, colon);
}

const AFTER_IDENT: ReadonlySet<string> = new Set(["Ci", "X", "F", "P", "CV", "D", "I"]);

function isAfterIdent(text: string, at: number): boolean {
  const key = fieldKeyAt(text, at);
  if (key !== undefined) return AFTER_IDENT.has(key);
  return isWordAfterClient(text, at) || text.startsWith("unrecognized ", at);
}

/**
 * The recipient of a cutthrough is between the client and the sender: an address, its parents and the original one.
 *
 *     U=fred smith info@cut.example.net (info@example.org) <all@example.org> F=<a@b.example> rejected after DATA: …
 *                 ^ ends here                                               ^ read so far
 */
function withoutRecipient(ident: string): string {
  let end = ident.length;
  for (const [opening, closing] of [
    [" <", ">"],
    [" (", ")"],
  ] as const) {
    const group = findLastGroup(ident.slice(0, end), opening, closing);
    if (group !== -1) end = group;
  }
  const blank = ident.lastIndexOf(" ", end - 1);
  return blank !== -1 && ident.slice(blank, end).includes("@") ? ident.slice(0, blank) : ident;
}

const AFTER_AUTHENTICATION: ReadonlySet<string> = new Set(["SPF", "DMARC", "X", "F", "C"]);

function isAfterAuthentication(text: string, at: number): boolean {
  const key = fieldKeyAt(text, at);
  if (key !== undefined) return AFTER_AUTHENTICATION.has(key);
  return isWordAfterClient(text, at) || flagAt(text, at) !== undefined;
}

/** Takes the value of a key out of the details of a client, for a line in which it has a place of its own. */
export function takeDetail(identity: Identity, key: string): string | undefined {
  const { details } = identity;
  for (let index = 0; index < details.length; index += 2) {
    if (details[index] === key) return details.splice(index, 2)[1];
  }
  return undefined;
}

/** Quotes of a line that are tried; a client that writes more of them means to deceive. */
const MOST_QUOTES = 16;

/**
 * Finds the client after a quoted text that the client wrote itself, and that may imitate the rest of the line: the place
 * after a closing quote where a client, and then `isEnd` follows. Undefined when there is none, when there are several that
 * name different clients, and when there are too many quotes to try.
 *
 *     rejected "RCPT TO:<a> H=bank.example [192.0.2.9]" H=mail.sender1.example (foo) [203.0.113.101] next input="x"
 *                                                       ^
 */
export function findClientAfterQuote(
  text: string,
  from: number,
  marker: string,
  isEnd: (text: string, at: number) => boolean,
): { readonly identity: Identity; readonly start: number; readonly end: number } | undefined {
  let found: { readonly identity: Identity; readonly start: number; readonly end: number } | undefined;
  const quoteAndMarker = `"${marker}`;
  let at = text.indexOf(quoteAndMarker, from);
  for (let tried = 0; at !== -1; tried++) {
    if (tried === MOST_QUOTES) return undefined;
    const cursor = new Cursor(text, at + quoteAndMarker.length);
    const identity = readBareIdentity(cursor);
    // NOTE: a login without its tag follows "from" only; elsewhere it is a word of what Exim says: `"@" or "." expected`.
    const canBeLogin = marker !== " " || text.startsWith("U=", at + quoteAndMarker.length);
    const isClient = identity.host?.ip !== undefined || (canBeLogin && identity.ident !== undefined);
    if (isClient && isEnd(text, cursor.position)) {
      if (found !== undefined && found.identity.host?.ip !== identity.host?.ip) return undefined;
      found ??= { identity, start: at, end: cursor.position };
    }
    at = text.indexOf(quoteAndMarker, at + 1);
  }
  return found;
}

/** True at the end of the text and before a colon: what follows a client in most lines. */
export function isEndOrColon(text: string, at: number): boolean {
  return at === text.length || text.charCodeAt(at) === COLON;
}
