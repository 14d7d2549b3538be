import type { Rejection, RejectionPhase } from "./events.ts";
import { Cursor } from "./cursor.ts";
import { readAngleBrackets, stripAngleBrackets } from "./fields.ts";
import { findClientAfter, type Identity, readIdentity } from "./identity.ts";

/**
 * Reads a refused connection, command, recipient or message; undefined when the line is none.
 *
 *     H=(test) [10.0.0.2] U=CALLER F=<jules@box3.plc.example> rejected RCPT <userx@test.ex>: Sender verify failed
 *     ^
 *     1vx6ps-0006eN-0a H=out [203.0.113.102] F=<x@partner.example> temporarily rejected after DATA: content filter is overloaded
 *     rejected EHLO from [192.0.2.1]: syntactically invalid argument(s): @
 * The client is the first host of the line: reasons may quote others.
 * Source: exim-log-grammar §12.1 and §12.2.
 */
export function parseRejection(text: string): Rejection | undefined {
  const cursor = new Cursor(text);
  const identity = readIdentity(cursor);
  if (cursor.position > 0 || text.startsWith("temporarily rejected ") || text.startsWith("rejected ")) {
    const isTemporary = cursor.take("temporarily ");
    if (cursor.take("rejected ")) return parseRejected(cursor, identity, isTemporary);
    return cursor.position > 0 && !isTemporary ? parseOtherRefusal(cursor, identity) : undefined;
  }
  return parseBuiltInRefusal(text);
}

function parseRejected(cursor: Cursor, identity: Identity, isTemporary: boolean): Rejection {
  for (const [prefix, phase] of REJECTED) {
    if (!cursor.take(prefix)) continue;
    if (phase === "rcpt") return parseRecipientRejection(cursor, identity, isTemporary);
    const subject = identity.host === undefined ? findClientAfter(cursor.text, " from ") : undefined;
    return build(
      phase,
      isTemporary,
      subject === undefined ? identity : { ...identity, host: subject },
      reasonAfter(cursor),
    );
  }
  return build("command", isTemporary, identity, reasonAfter(cursor));
}

/** What follows `rejected `, and the phase of the session it belongs to. Order matters where one begins another. */
const REJECTED: readonly (readonly [string, RejectionPhase])[] = [
  ["RCPT ", "rcpt"],
  ["after DATA PRDR", "data"],
  ["after DATA", "data"],
  ["during MIME ACL checks", "mime"],
  ["DATA", "data"],
  ["MAIL ", "mail"],
  ["EHLO or HELO ", "helo"],
  ["EHLO ", "helo"],
  ["HELO ", "helo"],
  ['"EHLO ', "helo"],
  ['"HELO ', "helo"],
  ['"MAIL ', "mail"],
  ["connection in ", "connect"],
  ["connection from ", "connect"],
  ["STARTTLS", "starttls"],
  ["AUTH ", "auth"],
  ["by non-SMTP ACL", "non_smtp"],
  ["by local_scan()", "local_scan"],
  ["from ", "data"],
  ["XCLIENT ", "command"],
];

/** `<userx@test.ex>: reason`; the argument may lack its brackets and is cut at 100 characters. */
function parseRecipientRejection(cursor: Cursor, identity: Identity, isTemporary: boolean): Rejection {
  const start = cursor.position;
  const bracketed = readAngleBrackets(cursor);
  if (bracketed !== undefined) {
    const reason = cursor.take(": ") ? cursor.rest() : undefined;
    if (reason !== undefined || cursor.atEnd)
      return { ...build("rcpt", isTemporary, identity, reason), recipient: bracketed };
    cursor.position = start;
  }
  const colon = cursor.text.indexOf(": ", start);
  const end = colon === -1 ? cursor.text.length : colon;
  const recipient = stripAngleBrackets(cursor.text.slice(start, end));
  const reason = colon === -1 ? undefined : cursor.text.slice(colon + 2);
  return { ...build("rcpt", isTemporary, identity, reason), recipient };
}

function reasonAfter(cursor: Cursor): string | undefined {
  if (cursor.atEnd) return undefined;
  const rest = cursor.rest();
  if (rest.startsWith(": ")) return rest.slice(2);
  const colon = rest.indexOf(": ");
  // NOTE: `MAIL <a@b>: reason` and `EHLO name: reason`, but `connection in "connect" ACL: reason` reads the same way.
  return colon === -1 ? undefined : rest.slice(colon + 2);
}

function build(
  phase: RejectionPhase,
  isTemporary: boolean,
  identity: Identity,
  reason: string | undefined,
): Rejection {
  const { host, ident, tls, auth, sender, details } = identity;
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
    reason,
    details,
  };
}

/** Lines that begin with an identity and refuse in other words than `rejected`. */
function parseOtherRefusal(cursor: Cursor, identity: Identity): Rejection | undefined {
  if (cursor.take("RCPT ")) {
    const recipient = readAngleBrackets(cursor);
    const end = cursor.text.indexOf("discarded by ", cursor.position);
    if (recipient === undefined || end === -1) return undefined;
    cursor.position = end;
    return undefined;
  }
  if (cursor.take("dropped by ")) return build("connect", false, identity, reasonAfter(cursor));
  return undefined;
}

interface BuiltIn {
  readonly start: string;
  /** Must also occur in the line. */
  readonly contains?: string;
  readonly phase: RejectionPhase;
  readonly isTemporary?: boolean;
}

/** Refusals Exim makes by itself; the client is named later in the line. */
const BUILT_IN: readonly BuiltIn[] = [
  { start: "SMTP protocol synchronization error", contains: ": rejected ", phase: "command" },
  { start: "SMTP call from ", contains: " dropped: ", phase: "command" },
  { start: "refused connection from ", phase: "connect" },
  { start: "temporarily refused connection from ", phase: "connect", isTemporary: true },
  { start: "Connection from ", contains: " refused: ", phase: "connect", isTemporary: true },
  { start: "connection from ", contains: " refused ", phase: "connect" },
  { start: "unqualified sender rejected: ", phase: "mail" },
  { start: "unqualified recipient rejected: ", phase: "rcpt" },
  { start: "too many recipients: message rejected: ", phase: "rcpt" },
  { start: "too many recipients: excess temporarily rejected: ", phase: "rcpt", isTemporary: true },
];

function parseBuiltInRefusal(text: string): Rejection | undefined {
  const form = BUILT_IN.find(
    ({ start, contains }) => text.startsWith(start) && (contains === undefined || text.includes(contains)),
  );
  if (form === undefined) return undefined;
  const identity: Identity = {
    host: undefined,
    ident: undefined,
    tls: undefined,
    auth: undefined,
    sender: undefined,
    details: [],
  };
  identity.host =
    findClientAfter(text, " H=") ??
    findClientAfter(text, " from ") ??
    findClientAfter(text, "onnection from ");
  return build(form.phase, form.isTemporary ?? false, identity, text);
}
