import type { Authentication, Host } from "./events.ts";
import { SPACE } from "./chars.ts";
import type { Cursor } from "./cursor.ts";
import {
  fieldKeyAt,
  flagAt,
  parseAuthentication,
  readAngleBrackets,
  readDistinguishedName,
  readFreeText,
  readHost,
  readInterface,
  readToken,
} from "./fields.ts";

/** Who is at the other end of an incoming session, as its lines begin. */
export interface Identity {
  host: Host | undefined;
  ident: string | undefined;
  tls: string | undefined;
  auth: Authentication | undefined;
  sender: string | undefined;
  details: string[];
}

/**
 * Reads the fields a session line begins with, as many as there are, and leaves the cursor at the first word that is none.
 *
 *     H=mail.sender1.example (x) [203.0.113.101] X=TLS1.3:… CV=no F=<x@partner.example> rejected RCPT <a@b.example>: no
 *     ^                                                                                 ^ left here
 * Source: exim-log-grammar §12.
 */
export function readIdentity(cursor: Cursor): Identity {
  const identity: Identity = {
    host: undefined,
    ident: undefined,
    tls: undefined,
    auth: undefined,
    sender: undefined,
    details: [],
  };
  readFields(cursor, identity);
  return identity;
}

/** Reads more fields into an identity already begun; the cursor at a field, blanks between fields skipped. */
function readFields(cursor: Cursor, identity: Identity): void {
  for (;;) {
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
      if (readValue(cursor, key, identity)) continue;
      cursor.position = at;
      return;
    }
    const flag = flagAt(cursor.text, at);
    if (flag === undefined || flag === "PRDR") {
      if (at === start && cursor.peek() !== SPACE) return;
      cursor.position = at;
      return;
    }
    cursor.position = at + flag.length;
    identity.details.push(flag, "");
  }
}

function readValue(cursor: Cursor, key: string, identity: Identity): boolean {
  switch (key) {
    case "H":
      identity.host = readHost(cursor);
      return identity.host !== undefined;
    case "U":
      identity.ident = readFreeText(cursor, isAfterIdent);
      return true;
    case "X":
      identity.tls = readToken(cursor);
      return true;
    case "A":
      identity.auth = parseAuthentication(readFreeText(cursor, isAfterAuthentication));
      return true;
    case "F":
      // NOTE: local_scan() writes the sender without brackets.
      identity.sender = readAngleBrackets(cursor) ?? readToken(cursor);
      return true;
    case "DN":
      return pushDetail(identity, key, readDistinguishedName(cursor));
    case "I":
      return pushDetail(identity, key, readInterface(cursor));
    default:
      return pushDetail(identity, key, readToken(cursor));
  }
}

function pushDetail(identity: Identity, key: string, value: string | undefined): boolean {
  if (value === undefined) return false;
  identity.details.push(key, value);
  return true;
}

const WORDS_AFTER_IDENTITY = [
  "rejected ",
  "temporarily ",
  "Warning: ",
  "sender verify ",
  "incomplete transaction",
  "dropped by ",
  "discarded by ",
  "RCPT ",
  "next input=",
  "input=",
  "unrecognized ",
  "(",
  "closed by ",
  "lost",
  "D=",
  "tmp-reject ",
];

function isAfterIdent(text: string, at: number): boolean {
  const key = fieldKeyAt(text, at);
  if (key !== undefined)
    return (
      key === "Ci" || key === "X" || key === "F" || key === "P" || key === "CV" || key === "D" || key === "I"
    );
  return WORDS_AFTER_IDENTITY.some((word) => text.startsWith(word, at));
}

function isAfterAuthentication(text: string, at: number): boolean {
  const key = fieldKeyAt(text, at);
  if (key !== undefined) return key === "SPF" || key === "DMARC" || key === "X" || key === "F" || key === "C";
  return WORDS_AFTER_IDENTITY.some((word) => text.startsWith(word, at)) || flagAt(text, at) !== undefined;
}

const NAME_HELO_IP = /([^\s()[\]]+)?\s?(?:\((.*?)\) )?\[([0-9A-Fa-f.:]+)\](?::(\d+))?/y;

/**
 * Finds the client in a line that names it without `H=`: `from mail.example (helo) [192.0.2.1]:25 (reason)`; undefined when there is none.
 * Source: exim-log-grammar §5.1, the other renderings of an identity.
 */
export function findClientAfter(text: string, marker: string): Host | undefined {
  const at = text.indexOf(marker);
  if (at === -1) return undefined;
  const start = at + marker.length + (text.startsWith("H=", at + marker.length) ? 2 : 0);
  NAME_HELO_IP.lastIndex = start;
  const match = NAME_HELO_IP.exec(text);
  if (match === null) return undefined;
  const [, name, helo, ip, port] = match;
  return { name, helo, ip, port: port === undefined ? undefined : Number(port), secure: false };
}
