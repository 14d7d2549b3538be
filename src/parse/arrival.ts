import { EQUALS, isDigit, LESS_THAN, LOWER_F, QUOTE, SPACE, UPPER_S, UPPER_T } from "./chars.ts";
import { Cursor } from "./cursor.ts";
import type { Arrival } from "./events.ts";
import {
  fieldKeyAt,
  flagAt,
  isFieldStart,
  MOST_FIELDS,
  parseAuthentication,
  readAngleBrackets,
  readDistinguishedName,
  readFreeText,
  readQuoted,
  readToken,
  readUnknownValue,
  unknownKeyAt,
} from "./fields.ts";
import { readHost, readInterface } from "./host.ts";
import { parseWholeNumber } from "./numbers.ts";
import { closingQuote, unescapePrinted, unescapeQuoted } from "./quoting.ts";

/** An arrival in the making. */
type Draft = { -readonly [Key in keyof Arrival]: Arrival[Key] } & { readonly details: string[] };

/**
 * Reads an arrival, the cursor after the flag.
 *
 *     <= bob@example.org H=([192.168.1.44]) [203.0.113.101] P=esmtpsa X=TLS1.3:… A=plain_server:bob S=1918 id=l00654@example.org
 *        ^
 * Source: Exim specification, "Log files", reception of messages; exim-log-grammar §7.
 */
export function parseArrival(text: string, start: number, fakeReject: boolean): Arrival {
  const lineEnd = text.indexOf("\n", start);
  if (lineEnd !== -1) return parseArrivalLine(text.slice(0, lineEnd), start, fakeReject);
  return parseArrivalLine(text, start, fakeReject);
}

/** NOTE: an arrival is one line: what follows it in the file was written by something else. */
function parseArrivalLine(text: string, start: number, fakeReject: boolean): Arrival {
  const cursor = new Cursor(text, start);
  const draft: Draft = {
    kind: "arrival",
    fakeReject,
    sender: readSender(cursor),
    parentId: undefined,
    host: undefined,
    ident: undefined,
    protocol: undefined,
    tls: undefined,
    auth: undefined,
    sizeBytes: undefined,
    headerMessageId: undefined,
    subject: undefined,
    recipients: undefined,
    details: [],
    residue: "",
  };
  for (let count = 0; count < MOST_FIELDS && cursor.peek() === SPACE; count++) if (!readField(cursor, draft)) break;
  draft.residue = cursor.rest();
  return draft;
}

/** The sender: `<>` bare, or an address whose local part may be quoted and hold blanks. */
function readSender(cursor: Cursor): string {
  if (cursor.take("<>")) return "";
  if (cursor.peek() === QUOTE) return readQuotedAddress(cursor);
  // NOTE: Exim quotes a local part with blanks in `from <…>` but a sender set by -f may hold them raw.
  return readFreeText(
    cursor,
    (text, at) => isFieldStart(text, at) || text.startsWith("from <", at) || text.startsWith("for ", at),
  );
}

function readQuotedAddress(cursor: Cursor): string {
  const start = cursor.position;
  const close = closingQuote(cursor.text, start + 1);
  if (close !== -1) cursor.position = close;
  return cursor.text.slice(start, cursor.position) + readToken(cursor);
}

/** Reads one field after the blank at the cursor; false, cursor unmoved, when none is there. */
function readField(cursor: Cursor, draft: Draft): boolean {
  const start = cursor.position;
  const at = start + 1;
  cursor.position = at;
  const key = fieldKeyAt(cursor.text, at);
  if (key !== undefined) {
    cursor.position = at + key.length + 1;
    if (readValue(cursor, key, draft)) return true;
  } else {
    const flag = flagAt(cursor.text, at);
    if (flag !== undefined) {
      cursor.position = at + flag.length;
      draft.details.push(flag, "");
      return true;
    }
    const unknown = unknownKeyAt(cursor.text, at);
    if (unknown !== undefined) {
      cursor.position = at + unknown.length + 1;
      return pushDetail(draft, unknown, readUnknownValue(cursor));
    }
    if (readTail(cursor, draft)) return true;
  }
  cursor.position = start;
  return false;
}

function readValue(cursor: Cursor, key: string, draft: Draft): boolean {
  switch (key) {
    case "H":
      draft.host = readHost(cursor);
      return draft.host !== undefined;
    case "P":
      draft.protocol = readFreeText(cursor, isAfterProtocol);
      return true;
    case "X":
      draft.tls = readToken(cursor);
      return true;
    case "S": {
      const size = readToken(cursor);
      draft.sizeBytes = parseWholeNumber(size);
      return draft.sizeBytes !== undefined || pushDetail(draft, key, size);
    }
    case "U":
      draft.ident = readFreeText(cursor, isAfterIdent);
      return true;
    case "A":
      draft.auth = parseAuthentication(readFreeText(cursor, isAfterAuthentication));
      return true;
    case "R":
      draft.parentId = readToken(cursor);
      return true;
    case "id":
    case "id*":
      draft.headerMessageId = unescapePrinted(
        cursor.peek() === QUOTE ? readQuotedAddress(cursor) : readFreeText(cursor, isAfterMessageId),
      );
      if (key === "id*") draft.details.push(key, draft.headerMessageId);
      return true;
    case "T": {
      const subject = readQuoted(cursor);
      if (subject === undefined) return false;
      draft.subject = unescapeQuoted(subject);
      return true;
    }
    case "DN":
      return pushDetail(draft, key, readDistinguishedName(cursor));
    case "I":
      return pushDetail(draft, key, readInterface(cursor));
    case "SNI":
      return pushDetail(draft, key, cursor.peek() === QUOTE ? readQuoted(cursor) : readToken(cursor));
    default:
      return pushDetail(draft, key, readToken(cursor));
  }
}

function pushDetail(draft: Draft, key: string, value: string | undefined): boolean {
  if (value === undefined) return false;
  draft.details.push(key, value);
  return true;
}

/** `from <raw-sender>` and `for rcpt rcpt …`, which only end a line. */
function readTail(cursor: Cursor, draft: Draft): boolean {
  const start = cursor.position;
  if (cursor.take("from ")) {
    const sender = readAngleBrackets(cursor);
    if (sender !== undefined && (cursor.atEnd || cursor.text.startsWith(" for ", cursor.position))) {
      draft.details.push("from", sender);
      return true;
    }
  } else if (cursor.take("for ")) {
    draft.recipients = readRecipients(cursor);
    return true;
  }
  cursor.position = start;
  return false;
}

/** A list of addresses, separated by blanks; quoted local parts may hold blanks and commas. */
export function readRecipients(cursor: Cursor): string[] {
  const recipients: string[] = [];
  while (!cursor.atEnd) {
    if (cursor.peek() === SPACE) {
      cursor.position++;
      continue;
    }
    recipients.push(cursor.peek() === QUOTE ? readQuotedAddress(cursor) : readToken(cursor));
  }
  return recipients;
}

const AFTER_PROTOCOL: ReadonlySet<string> = new Set(["X", "CV", "DN", "SNI", "A", "PRX", "S", "SPF", "DMARC"]);

function isAfterProtocol(text: string, at: number): boolean {
  const key = fieldKeyAt(text, at);
  if (key !== undefined) return AFTER_PROTOCOL.has(key);
  return flagAt(text, at) !== undefined || unknownKeyAt(text, at) !== undefined;
}

function isAfterIdent(text: string, at: number): boolean {
  return (
    (text.startsWith("P=", at) && text.charCodeAt(at + 1) === EQUALS) ||
    text.startsWith("Ci=", at) ||
    isSizeAt(text, at)
  );
}

function isAfterAuthentication(text: string, at: number): boolean {
  return isSizeAt(text, at) || text.startsWith("PRX=", at) || flagAt(text, at) === "PRDR" || flagAt(text, at) === "K";
}

function isSizeAt(text: string, at: number): boolean {
  if (text.charCodeAt(at) !== UPPER_S || text.charCodeAt(at + 1) !== EQUALS) return false;
  return isDigit(text.charCodeAt(at + 2)) || text.startsWith("sss", at + 2);
}

function isAfterMessageId(text: string, at: number): boolean {
  const first = text.charCodeAt(at);
  if (first === UPPER_T) return text.startsWith('T="', at);
  if (first !== LOWER_F) return false;
  return text.startsWith("for ", at) || (text.startsWith("from ", at) && text.charCodeAt(at + 5) === LESS_THAN);
}
