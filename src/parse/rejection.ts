import { QUOTE } from "./chars.ts";
import { Cursor } from "./cursor.ts";
import type { Rejection, RejectionPhase } from "./events.ts";
import { readAngleBrackets, stripAngleBrackets } from "./fields.ts";
import {
  findClientAfterQuote,
  type Identity,
  isEndOrColon,
  newIdentity,
  readBareIdentity,
  readIdentity,
} from "./identity.ts";
import { unescapePrinted } from "./quoting.ts";

/**
 * Reads the refusal that follows a client at the beginning of a line, the cursor at `rejected` or `temporarily rejected`;
 * undefined when these words are not there.
 *
 *     H=(test) [10.0.0.2] U=CALLER F=<jules@box3.plc.example> rejected RCPT <userx@test.ex>: Sender verify failed
 *                                                             ^
 *     1vx6ps-0006eN-0a H=out [203.0.113.102] F=<x@partner.example> temporarily rejected after DATA: content filter is overloaded
 * Source: exim-log-grammar §12.1.
 */
export function readRejection(cursor: Cursor, identity: Identity): Rejection | undefined {
  const { position } = cursor;
  const isTemporary = cursor.take("temporarily ");
  if (!cursor.take("rejected ")) {
    cursor.position = position;
    return undefined;
  }
  const start = cursor.position;
  for (const [prefix, phase] of REJECTED) {
    if (!cursor.take(prefix)) continue;
    if (phase === "rcpt" || phase === "mail") return readAddressedRejection(cursor, phase, identity, isTemporary);
    if (phase === "auth") return readCommandRejection(cursor.text, start, phase, identity, isTemporary);
    return buildRejection(phase, identity, reasonAfter(cursor), isTemporary);
  }
  return readCommandRejection(cursor.text, start, "command", identity, isTemporary);
}

/** `EXPN team@example.org: reason`, which begins at `start`. */
function readCommandRejection(
  text: string,
  start: number,
  phase: "auth" | "command",
  identity: Identity,
  isTemporary: boolean,
): Rejection {
  const colon = text.indexOf(": ", start);
  const command = text.slice(start, colon === -1 ? undefined : colon);
  const reason = colon === -1 ? undefined : unescapePrinted(text.slice(colon + 2));
  return { ...buildRejection(phase, identity, reason, isTemporary), command };
}

/** Words after `rejected `, with the phase of the session that they name. Order matters where one begins another. */
const REJECTED: readonly (readonly [string, RejectionPhase])[] = [
  ["RCPT ", "rcpt"],
  ["after DATA PRDR", "data"],
  ["after DATA", "data"],
  ["during MIME ACL checks", "mime"],
  ["DATA", "data"],
  ["DKIM", "data"],
  ["MAIL ", "mail"],
  ["EHLO or HELO ", "helo"],
  ["connection in ", "connect"],
  ["STARTTLS", "starttls"],
  ["AUTH ", "auth"],
  ["by non-SMTP ACL", "non_smtp"],
  ["by local_scan()", "local_scan"],
  ["by DCC", "data"],
];

/** `RCPT <userx@test.ex>: reason`, the cursor at the address; of MAIL it is the sender, which no `F=` tells yet. */
function readAddressedRejection(
  cursor: Cursor,
  phase: "mail" | "rcpt",
  identity: Identity,
  isTemporary: boolean,
): Rejection {
  const { address, reason } = readAddressArgument(cursor);
  const rejection = buildRejection(phase, identity, reason, isTemporary);
  return phase === "mail" ? { ...rejection, sender: address } : { ...rejection, recipient: address };
}

/** `<userx@test.ex>: reason`; the argument may lack its brackets and is cut at 100 characters. */
function readAddressArgument(cursor: Cursor): { readonly address: string; readonly reason: string | undefined } {
  const start = cursor.position;
  const bracketed = readAngleBrackets(cursor);
  // NOTE: the bracket of an argument that was cut may be one of the reason.
  if (bracketed !== undefined && (bracketed.startsWith('"') || !bracketed.includes(": "))) {
    const reason = cursor.take(": ") ? unescapePrinted(cursor.rest()) : undefined;
    if (reason !== undefined || cursor.atEnd) return { address: bracketed, reason };
  }
  const colon = cursor.text.indexOf(": ", start);
  const argument = cursor.text.slice(start, colon === -1 ? undefined : colon);
  const address = stripAngleBrackets(argument).replace(/^</, "");
  return { address, reason: colon === -1 ? undefined : unescapePrinted(cursor.text.slice(colon + 2)) };
}

/** Text after the argument of the command and a colon; undefined if the line gives no reason. */
function reasonAfter(cursor: Cursor): string | undefined {
  if (cursor.atEnd) return undefined;
  const rest = unescapePrinted(cursor.rest());
  if (rest.startsWith(": ")) return rest.slice(2);
  // NOTE: `MAIL <a@b>: reason` and `EHLO name: reason`, but `connection in "connect" ACL: reason` reads the same way.
  const colon = rest.indexOf(": ");
  return colon === -1 ? undefined : rest.slice(colon + 2);
}

/**
 * The SMTP code that a message of an ACL begins with. Exim takes no other class than that of the refusal, and keeps the code in its log.
 *
 *     rejected RCPT <a@example.org>: 551 5.1.6 user has moved to a@example.net
 */
function codeOf(reason: string | undefined, isTemporary: boolean): number | undefined {
  if (reason === undefined || !reason.startsWith(isTemporary ? "4" : "5")) return undefined;
  return /^\d{3}(?=[ -]|$)/.test(reason) ? Number(reason.slice(0, 3)) : undefined;
}

/** A rejection of a client, without a recipient. */
export function buildRejection(
  phase: RejectionPhase,
  { host, ident, tls, auth, sender, details }: Identity,
  reason: string | undefined,
  isTemporary: boolean,
): Rejection {
  return {
    kind: "rejection",
    phase,
    isTemporary,
    host,
    ident,
    tls,
    auth,
    sender,
    recipient: undefined,
    command: undefined,
    code: codeOf(reason, isTemporary),
    reason,
    details,
  };
}

/**
 * Reads a refusal that begins with `rejected` or `temporarily rejected` and names the client later.
 *
 *     rejected EHLO from mail.sender1.example [203.0.113.101]: syntactically invalid argument(s): -foo!bar baz
 *     ^
 *     rejected "EHLO not-me.example" from (not-me.example) [203.0.113.174]
 *     rejected MAIL FROM:<x@partner.example> H=mail.sender1.example [203.0.113.101]: message too big: size=99999999 max=409600
 *     1vx6pv-0006fB-1k rejected from <x@partner.example> H=out.sender2.example [203.0.113.102]: message too big: read=497190 max=409600
 * Source: exim-log-grammar §12.1 and §12.2.
 */
export function parseClientLast(text: string): Rejection | undefined {
  const cursor = new Cursor(text);
  const isTemporary = cursor.take("temporarily ");
  if (!cursor.take("rejected ")) return undefined;
  if (cursor.peek() === QUOTE) return parseQuotedCommand(text, cursor.position, isTemporary);
  if (cursor.take("from <")) {
    cursor.position--;
    return readAfterSender(cursor, "data", isTemporary);
  }
  if (cursor.take("MAIL FROM:")) return readAfterSender(cursor, "mail", isTemporary);
  for (const [prefix, phase] of CLIENT_LAST) {
    if (cursor.take(prefix)) return buildRejection(phase, readBareIdentity(cursor), reasonAfter(cursor), isTemporary);
  }
  return buildRejection("command", newIdentity(), reasonAfter(cursor), isTemporary);
}

const CLIENT_LAST: readonly (readonly [string, RejectionPhase])[] = [
  ["EHLO from ", "helo"],
  ["HELO from ", "helo"],
  ["MAIL from ", "mail"],
  ["MAIL command ", "mail"],
  ["connection from ", "connect"],
  ["XCLIENT from ", "command"],
];

/** `<x@partner.example> H=…: reason`; in the case of too many Received lines the blank is missing (trap 21). */
function readAfterSender(cursor: Cursor, phase: RejectionPhase, isTemporary: boolean): Rejection {
  const sender = readAngleBrackets(cursor);
  const identity = readIdentity(cursor);
  return buildRejection(phase, { ...identity, sender: sender ?? identity.sender }, reasonAfter(cursor), isTemporary);
}

const COMMAND_PHASES: readonly (readonly [command: RegExp, phase: RejectionPhase])[] = [
  [/^(?:EHLO|HELO)\b/i, "helo"],
  [/^STARTTLS\b/i, "starttls"],
  [/^AUTH\b/i, "auth"],
  [/^MAIL\b/i, "mail"],
  [/^RCPT\b/i, "rcpt"],
  [/^(?:DATA|BDAT)\b/i, "data"],
];

/** The phase of the session that a command belongs to, in whatever case the client wrote it. */
function phaseOfCommand(text: string, start: number): RejectionPhase {
  const command = text.slice(start);
  return COMMAND_PHASES.find(([pattern]) => pattern.test(command))?.[1] ?? "command";
}

const ADDRESSED = /(?:MAIL FROM|RCPT TO): */iy;

/** The address that a quoted command names: `"MAIL FROM:<x@partner.example> SIZE=300"`. */
function addressOfCommand(text: string, start: number, phase: RejectionPhase): Partial<Rejection> {
  ADDRESSED.lastIndex = start;
  const command = ADDRESSED.exec(text);
  const address = command === null ? undefined : readAngleBrackets(new Cursor(text, start + command[0].length));
  if (address === undefined) return {};
  return phase === "mail" ? { sender: address } : { recipient: address };
}

/** `"EHLO name" from ident`: the client wrote what is in the quotes. */
function parseQuotedCommand(text: string, start: number, isTemporary: boolean): Rejection {
  const phase = phaseOfCommand(text, start + 1);
  const client = findClientAfterQuote(text, start + 1, " from ", isEndOrColon);
  const reason = client !== undefined && text.startsWith(": ", client.end) ? text.slice(client.end + 2) : undefined;
  return buildRejection(phase, client?.identity ?? newIdentity(), reason, isTemporary);
}

interface BuiltIn {
  readonly start: string;
  /** Text before the client, if the client does not follow the start at once. */
  readonly before?: string;
  /** Text that must follow the client. */
  readonly after?: string;
  readonly phase: RejectionPhase;
  readonly isTemporary?: boolean;
}

/** Refusals Exim makes by itself, with the client in the middle of the line and the whole text as the reason. */
const BUILT_IN: readonly BuiltIn[] = [
  { start: "SMTP call from ", after: " dropped: ", phase: "command" },
  { start: "refused connection from ", phase: "connect" },
  { start: "temporarily refused connection from ", phase: "connect", isTemporary: true },
  { start: "Connection from ", after: " refused: ", phase: "connect", isTemporary: true },
  { start: "connection from ", after: " refused ", phase: "connect" },
  { start: "overlong message header line received from ", phase: "data" },
  { start: "ridiculously long message header received from ", phase: "data" },
];

/**
 * Reads a refusal that Exim makes by itself; undefined when the line is none.
 *
 *     SMTP call from mail.sender1.example [203.0.113.101] dropped: too many unrecognized commands (last was "Accept: x")
 *     ^
 *     Connection from [203.0.113.184] refused: too many connections from that IP address
 * Source: exim-log-grammar §12.2.
 */
export function parseBuiltInRejection(text: string): Rejection | undefined {
  const form = BUILT_IN.find(({ start }) => text.startsWith(start));
  if (form === undefined) return undefined;
  const cursor = new Cursor(text, form.start.length);
  const identity = readBareIdentity(cursor);
  if (form.after !== undefined && !text.startsWith(form.after, cursor.position)) return undefined;
  return buildRejection(form.phase, identity, text, form.isTemporary ?? false);
}

/**
 * Reads a refused address or list of recipients, which stands before the client.
 *
 *     unqualified sender rejected: <unqualified> H=mail.sender1.example (client.partner.example) [203.0.113.101]
 *     ^
 *     too many recipients: excess temporarily rejected: sender=<x@partner.example> H=app1.partner.example [203.0.113.190]
 * Source: exim-log-grammar §12.2.
 */
export function parseAddressRejection(text: string): Rejection | undefined {
  const form = ADDRESS_REJECTIONS.find(({ start }) => text.startsWith(start));
  if (form === undefined) return undefined;
  const cursor = new Cursor(text, form.start.length);
  const address = readAngleBrackets(cursor);
  if (address === undefined) return undefined;
  const rejection = buildRejection(form.phase, readIdentity(cursor), text, form.isTemporary ?? false);
  if (form.names === undefined) return rejection;
  return form.names === "sender" ? { ...rejection, sender: address } : { ...rejection, recipient: address };
}

const ADDRESS_REJECTIONS: readonly (BuiltIn & { readonly names?: "sender" | "recipient" })[] = [
  { start: "unqualified sender rejected: ", phase: "mail", names: "sender" },
  { start: "unqualified recipient rejected: ", phase: "rcpt", names: "recipient" },
  { start: "unqualified verify rejected: ", phase: "command" },
  { start: "too many recipients: message rejected: sender=", phase: "rcpt", names: "sender" },
  {
    start: "too many recipients: excess temporarily rejected: sender=",
    phase: "rcpt",
    names: "sender",
    isTemporary: true,
  },
];

/**
 * Reads what became of a client that did not wait for its turn; both what it sent and what it was answered to is quoted.
 *
 *     SMTP protocol synchronization error (next input sent too soon: pipelining was advertised): rejected "DATA" H=x [192.0.2.1] next input="…"
 *     ^
 *     SMTP protocol synchronization error (input sent without waiting for greeting): rejected connection from H=[192.0.2.1] input="…"
 * Source: exim-log-grammar §12.2.
 */
export function parseSynchronizationError(text: string): Rejection | undefined {
  if (!text.startsWith("SMTP protocol synchronization error")) return undefined;
  const rejected = text.indexOf(": rejected ");
  if (rejected === -1) return undefined;
  const cursor = new Cursor(text, rejected + ": rejected ".length);
  if (cursor.peek() === QUOTE) {
    const client = findClientAfterQuote(text, cursor.position + 1, " ", (_text, at) =>
      text.startsWith(" next input=", at),
    );
    const phase = phaseOfCommand(text, cursor.position + 1);
    const rejection = buildRejection(phase, client?.identity ?? newIdentity(), text, false);
    return { ...rejection, ...addressOfCommand(text, cursor.position + 1, phase) };
  }
  if (!cursor.take("connection from ")) return undefined;
  return buildRejection("connect", readBareIdentity(cursor), text, false);
}

/** `local_scan() function timed out - message temporarily rejected (size 300)`. */
export function parseLocalScanFailure(text: string): Rejection | undefined {
  if (!text.startsWith("local_scan() function ") || !text.includes(" temporarily rejected")) return undefined;
  return buildRejection("local_scan", newIdentity(), text, true);
}
