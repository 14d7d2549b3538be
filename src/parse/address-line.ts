import { DAY_MS } from "../units.ts";
import { readAddressPart } from "./address-part.ts";
import { ASTERISK, LESS_THAN, QUOTE, SPACE } from "./chars.ts";
import { Cursor } from "./cursor.ts";
import { parseDuration } from "./durations.ts";
import type { Cancelled, Deferral, Delivery, Discard, Failure, Host } from "./events.ts";
import {
  fieldKeyAt,
  flagAt,
  MOST_FIELDS,
  readAngleBrackets,
  readDistinguishedName,
  readFreeText,
  readQuoted,
  readToken,
  readUnknownValue,
  readWord,
  unknownKeyAt,
} from "./fields.ts";
import { readHost, readInterface } from "./host.ts";
import { exact } from "./numbers.ts";
import { findOldError } from "./old-error.ts";
import { closingQuote, unescapePrinted, unescapeReply } from "./quoting.ts";
import { findSmtpReply } from "./smtp-reply.ts";

/** Fields of an address line; becomes a delivery. */
interface Draft {
  router: string | undefined;
  transport: string | undefined;
  host: Host | undefined;
  tls: string | undefined;
  deliveryMs: number | undefined;
  queueMs: number | undefined;
  confirmation: string | undefined;
  readonly details: string[];
}

const NO_DETAILS: readonly string[] = [];

/**
 * Reads a delivery or a discard, the cursor after the flag.
 *
 *     => bob <bob@example.org> R=local_user T=mail_spool
 *        ^
 *     => d33@bigmail.example R=dnslookup T=remote_smtp H=mx1 [203.0.113.10] X=TLS1.3:… CV=yes DN="CN=mx1" K C="250 2.0.0 OK"
 *     => :blackhole: <nothing@example.org> R=system_aliases
 * Source: Exim specification, "Log files", deliveries; exim-log-grammar §8.
 */
export function parseDelivery(text: string, start: number, flag: Delivery["flag"]): Delivery | Discard {
  const line = text.slice(0, flag === ">>" ? endOfCutthrough(text, start) : endOfLine(text, start));
  const delivery = parseDeliveryFields(line, start, flag);
  // NOTE: mailboxes may have the names of pseudo deliveries; a transport tells them apart.
  if (delivery.transport !== undefined || flag !== "=>") return delivery;
  return parseDiscard(line, start) ?? delivery;
}

function parseDeliveryFields(text: string, start: number, flag: Delivery["flag"]): Delivery {
  const cursor = new Cursor(text, start);
  const delivery: Draft & { -readonly [Key in keyof Delivery]: Delivery[Key] } = {
    kind: "delivery",
    flag,
    address: readAddressPart(cursor),
    router: undefined,
    transport: undefined,
    host: undefined,
    tls: undefined,
    deliveryMs: undefined,
    details: [],
    confirmation: undefined,
    queueMs: undefined,
    residue: "",
  };
  readFields(cursor, delivery, false);
  delivery.residue = cursor.rest();
  return delivery;
}

/**
 * Reads a failure in either dialect, the cursor after the flag: Exim ≥ 4.99 writes ` : ` before the message, older ones
 * glue `: ` to the last value.
 *
 *     ** userz@domain.com R=all T=smtp H=mx [203.0.113.14]:25: SMTP error from remote mail server after RCPT TO:<…>: 550 no
 *        ^
 * Source: exim-log-grammar §10.
 */
export function parseFailure(text: string, start: number): Failure | Cancelled {
  // NOTE: names no address: all of them failed, and with mua_wrapper no bounce is written.
  if (text.startsWith(MUA_WRAPPER, start)) return { kind: "cancelled", by: text.slice(start) };
  const lineEnd = endOfLine(text, start);
  const cursor = new Cursor(text.slice(0, lineEnd), start);
  const address = readAddressPart(cursor);
  const draft = newDraft();
  if (!readColon(cursor)) {
    readFields(cursor, draft, true);
    // NOTE: some messages follow without a colon: `routing yielded a local delivery`, `mua_wrapper forced failure …`.
    if (!readColon(cursor)) cursor.take(" ");
  }
  const { message, deliveryMs } = splitTrailingDuration(
    cursor.atEnd ? "" : unescapePrinted(cursor.rest() + text.slice(lineEnd)),
  );
  const { router, transport, tls } = draft;
  const { host, reply } = readError(message, draft);
  return {
    kind: "failure",
    address,
    router,
    transport,
    host,
    tls,
    deliveryMs: draft.deliveryMs ?? deliveryMs,
    details: detailsOf(draft),
    error: message,
    isRetryTimeout: GIVEN_UP.test(message),
    reply,
    residue: "",
  };
}

/**
 * Reasons with which Exim gives an address up without a try: its retry time is over, or that of each of its hosts is. The last is that
 * of old versions.
 */
const GIVEN_UP =
  /^(?:retry timeout exceeded$|all hosts(?: for '.*')? have been failing for a long time|retry time not reached for any host(?: for '.*')? after a long failure period)/;

/** Reasons with which Exim skips all hosts of a domain, or a router or transport skips one address. */
const RETRY_SKIP = /^retry time not (?:yet )?reached/i;

const MUA_WRAPPER = "mua_wrapper is set but ";

/**
 * Reads a deferral, the cursor after the flag.
 *
 *     == grey@rules.example R=dnslookup T=remote_smtp defer (-44) H=mx [203.0.113.14]: SMTP error from remote … 451 4.7.1 later
 *        ^
 *     == a@queued.example routing defer (-56): domain is in queue_domains
 * Source: exim-log-grammar §9.
 */
export function parseDeferral(text: string, start: number): Deferral {
  const lineEnd = endOfLine(text, start);
  const cursor = new Cursor(text.slice(0, lineEnd), start);
  const address = readAddressPart(cursor);
  const draft = newDraft();
  readFields(cursor, draft, true);
  if (!cursor.take(" routing")) cursor.take(" transporting");
  const errno = readErrno(cursor, draft);
  const said = errno === undefined ? "" : readDeferralError(cursor, draft, !(errno <= 0));
  const error = said === "" ? "" : unescapePrinted(said + text.slice(lineEnd));
  const { router, transport, tls, deliveryMs } = draft;
  const { host, reply } = readError(error, draft);
  return {
    kind: "deferral",
    address,
    router,
    transport,
    host,
    tls,
    deliveryMs,
    details: detailsOf(draft),
    // Without one, the address was left alone for a reason that has no number.
    errno: errno === undefined ? 0 : exact(errno),
    error,
    isRetrySkip: RETRY_SKIP.test(error),
    reply,
    residue: cursor.rest(),
  };
}

/** The reply in an error, and the host: that of `H=`, or the one that the error of an old Exim names. */
function readError(error: string, { host }: Draft): Pick<Failure, "host" | "reply"> {
  const old = host === undefined ? findOldError(error) : undefined;
  return old ?? { host, reply: findSmtpReply(error) };
}

/** Fields end with their line: what follows it in the file continues a message, or was written by something else. */
function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end === -1 ? text.length : end;
}

/** NOTE: Exim does not escape the reply to a cutthrough: a newline between its quotes belongs to it. */
function endOfCutthrough(text: string, from: number): number {
  const end = endOfLine(text, from);
  const reply = text.lastIndexOf(' C="', end);
  const close = reply < from ? -1 : closingQuote(text, reply + ' C="'.length);
  return close < end ? end : endOfLine(text, close);
}

function newDraft(): Draft {
  return {
    router: undefined,
    transport: undefined,
    host: undefined,
    tls: undefined,
    deliveryMs: undefined,
    queueMs: undefined,
    confirmation: undefined,
    details: [],
  };
}

function detailsOf({ details }: Draft): readonly string[] {
  return details.length === 0 ? NO_DETAILS : details;
}

/** Pseudo deliveries, in which nothing was transported: they have no `T=`. */
function parseDiscard(text: string, start: number): Discard | undefined {
  if (text.startsWith(":blackhole: <", start)) return parseAddressDiscard(text, start, undefined);
  if (text.startsWith("discarded (system filter)", start)) {
    return buildDiscard(undefined, undefined, "system filter");
  }
  if (text.startsWith("discarded <", start)) return parseAddressDiscard(text, start, "filter");
  if (!text.startsWith("blackhole (", start)) return undefined;
  const close = text.indexOf(")", start);
  if (close === -1) return undefined;
  const by = text.slice(start + "blackhole (".length, close);
  const reason = text.startsWith(": ", close + 1) ? `${by}: ${text.slice(close + 3)}` : by;
  return buildDiscard(undefined, undefined, reason);
}

function parseAddressDiscard(text: string, start: number, reason: string | undefined): Discard {
  const cursor = new Cursor(text, start);
  const address = readAddressPart(cursor);
  const draft = newDraft();
  readFields(cursor, draft, false);
  return buildDiscard(address, draft, reason);
}

function buildDiscard(address: Discard["address"], draft: Draft | undefined, reason: string | undefined): Discard {
  const details = draft?.details ?? NO_DETAILS;
  return { kind: "discard", address, router: draft?.router, host: undefined, sender: undefined, reason, details };
}

/** Reads fields as long as there are some. In the lines with a message the last value may have its colon glued on. */
function readFields(cursor: Cursor, draft: Draft, hasMessage: boolean): void {
  for (let count = 0; count < MOST_FIELDS && cursor.peek() === SPACE; count++) {
    const start = cursor.position;
    const at = start + 1;
    const key = fieldKeyAt(cursor.text, at);
    if (key !== undefined) {
      cursor.position = at + key.length + 1;
      if (readValue(cursor, key, draft, hasMessage)) continue;
    } else {
      const flag = flagAt(cursor.text, at);
      if (flag !== undefined) {
        cursor.position = at + flag.length;
        draft.details.push(flag, "");
        continue;
      }
      const unknown = unknownKeyAt(cursor.text, at);
      if (unknown !== undefined) {
        cursor.position = at + unknown.length + 1;
        draft.details.push(unknown, readUnknownValue(cursor));
        continue;
      }
    }
    cursor.position = start;
    return;
  }
}

function readValue(cursor: Cursor, key: string, draft: Draft, hasMessage: boolean): boolean {
  switch (key) {
    case "R":
      draft.router = readValueWord(cursor, hasMessage);
      return true;
    case "T":
      draft.transport = readValueWord(cursor, hasMessage);
      return true;
    case "H":
      draft.host = readHost(cursor);
      if (draft.host === undefined) return false;
      if (cursor.peek() === ASTERISK) {
        cursor.position++;
        draft.details.push("H*", "");
      }
      return true;
    case "X":
      draft.tls = readValueWord(cursor, hasMessage);
      return true;
    case "C": {
      const quoted = readQuoted(cursor) ?? readUnclosedQuote(cursor);
      if (quoted === undefined) return false;
      if (hasMessage) return pushDetail(draft, key, quoted);
      draft.confirmation = unescapeReply(quoted);
      return true;
    }
    case "QT":
      if (hasMessage) return pushDetail(draft, key, readValueWord(cursor, hasMessage));
      return readDuration(cursor, key, draft, "queueMs", hasMessage);
    case "DT":
      return readDuration(cursor, key, draft, "deliveryMs", hasMessage);
    case "F":
    case "P":
      return cursor.peek() === LESS_THAN && pushDetail(draft, key, readAngleBrackets(cursor));
    case "SRS":
      return pushDetail(draft, key, readUnknownValue(cursor));
    case "DN":
      return pushDetail(draft, key, readDistinguishedName(cursor));
    case "I":
    case "PRX":
      if (!pushDetail(draft, key, readInterface(cursor))) return false;
      // NOTE: before Exim 4.95 the mark of a reused connection follows the local interface.
      if (cursor.take("*")) draft.details.push("H*", "");
      return true;
    case "A":
      return pushDetail(draft, key, readFreeText(cursor, isAfterAuthentication));
    case "ST":
      return pushDetail(draft, key, readShadow(cursor));
    default:
      return pushDetail(draft, key, readQuoted(cursor) ?? readValueWord(cursor, hasMessage));
  }
}

/** A duration that is unknown, since it is none or too long, stays as a detail. */
function readDuration(
  cursor: Cursor,
  key: string,
  draft: Draft,
  property: "queueMs" | "deliveryMs",
  hasMessage: boolean,
): boolean {
  const word = readValueWord(cursor, hasMessage);
  draft[property] = parseDuration(word);
  return draft[property] !== undefined || pushDetail(draft, key, word);
}

function pushDetail(draft: Draft, key: string, value: string | undefined): boolean {
  if (value === undefined) return false;
  draft.details.push(key, value);
  return true;
}

/** A value without blanks; in a line with a message, a colon at its end belongs to the message. */
function readValueWord(cursor: Cursor, hasMessage: boolean): string {
  return hasMessage ? readWord(cursor) : readToken(cursor);
}

/** A reply that Exim's line buffer cut off before its closing quote ends with the line. */
function readUnclosedQuote(cursor: Cursor): string | undefined {
  if (cursor.peek() !== QUOTE) return undefined;
  const value = cursor.text.slice(cursor.position + 1);
  cursor.position = cursor.text.length;
  return value;
}

/** `ST=name` or `ST=name (error text)`; the text may hold parentheses. */
function readShadow(cursor: Cursor): string {
  return readFreeText(
    cursor,
    (text, at) => text.charCodeAt(at) !== 0x28 && (fieldKeyAt(text, at) === "QT" || fieldKeyAt(text, at) === "DT"),
  );
}

function isAfterAuthentication(text: string, at: number): boolean {
  const key = fieldKeyAt(text, at);
  if (key !== undefined) return key === "C" || key === "QT" || key === "DT" || key === "DKIM";
  return flagAt(text, at) !== undefined;
}

function readColon(cursor: Cursor): boolean {
  return cursor.take(": ") || cursor.take(" : ");
}

/**
 * `550 no such user DT=0.000s`: with `deliver_time`, the duration follows the error text of a failure, at the end of a line. No
 * attempt takes a day: such a text is the other side's.
 */
function splitTrailingDuration(text: string): { message: string; deliveryMs: number | undefined } {
  const at = text.lastIndexOf(" DT=");
  const end = endOfLine(text, Math.max(at, 0));
  const deliveryMs = at === -1 ? undefined : parseDuration(text.slice(at + 4, end));
  if (deliveryMs === undefined || deliveryMs >= DAY_MS) return { message: text, deliveryMs: undefined };
  return { message: text.slice(0, at) + text.slice(end), deliveryMs };
}

const ERRNO = /^-?\d+$/;

/** ` defer (-44)`; NaN for the `dd` and `EEE` of test logs, and for a number beyond 2^53 − 1. */
function readErrno(cursor: Cursor, draft: Draft): number | undefined {
  const start = cursor.position;
  if (!cursor.take(" defer (")) return undefined;
  const close = cursor.text.indexOf(")", cursor.position);
  const said = cursor.text.slice(cursor.position, Math.max(close, cursor.position));
  const isNumber = ERRNO.test(said);
  if (close === -1 || (said.length > 8 && !isNumber)) {
    cursor.position = start;
    return undefined;
  }
  cursor.position = close + 1;
  const errno = isNumber ? exact(Number(said)) : undefined;
  if (errno === undefined) draft.details.push("defer", said);
  return errno ?? Number.NaN;
}

/**
 * Everything after ` defer (n)`: the operating system's text (of a positive number only), remote fields, and the message, in
 * that order, each optional. The error is the texts joined as Exim would without the fields between them.
 */
function readDeferralError(cursor: Cursor, draft: Draft, hasStrerror: boolean): string {
  const strerror = hasStrerror && cursor.take(": ") ? readFreeText(cursor, isHostWithAddress) : "";
  readFields(cursor, draft, true);
  if (cursor.atEnd) return strerror;
  if (!cursor.take(": ") && !cursor.take(" : ")) return strerror;
  const message = cursor.rest();
  cursor.position = cursor.text.length;
  return strerror === "" ? message : `${strerror}: ${message}`;
}

const HOST_WITH_ADDRESS = /H=\S+ (?:DS )?\[[0-9A-Za-z.:_%-]+\]/y;

function isHostWithAddress(text: string, at: number): boolean {
  if (text.charCodeAt(at) !== 0x48 || text.charCodeAt(at + 1) !== 0x3d) {
    return fieldKeyAt(text, at) === "DT" && /^\S+(?:: |$)/.test(text.slice(at));
  }
  HOST_WITH_ADDRESS.lastIndex = at;
  return HOST_WITH_ADDRESS.test(text);
}
