import { readRecipients } from "./arrival.ts";
import { QUOTE, SPACE } from "./chars.ts";
import { Cursor } from "./cursor.ts";
import { parseDuration } from "./durations.ts";
import type { NotAccepted, Session, SessionAction } from "./events.ts";
import { readAngleBrackets, readToken } from "./fields.ts";
import { plainHost } from "./host.ts";
import {
  findClientAfterQuote,
  type Identity,
  newIdentity,
  readBareIdentity,
  readClientFields,
  takeDetail,
} from "./identity.ts";
import { parseWholeNumber } from "./numbers.ts";

/**
 * Reads a line about the connection of a client.
 *
 *     SMTP connection from [127.0.0.1]:52594 I=[127.0.0.1]:25 (TCP/IP connection count = 1)
 *     ^
 *     SMTP connection from mail.sender1.example (x) [203.0.113.101] D=0.001s closed by QUIT
 *     SMTP connection from (a.example) [203.0.113.103] lost (error: Connection reset by peer) D=1s
 *     SMTP connection Ci=1238 from localhost [127.0.0.1] lost while reading message data (header)
 * With a message id a lost connection means that the message did not arrive.
 * Source: exim-log-grammar §12.3.
 */
export function parseConnection(text: string, messageId: string | undefined): Session | NotAccepted | undefined {
  const cursor = new Cursor(text);
  if (!cursor.take("SMTP connection")) return undefined;
  const before = newIdentity();
  readClientFields(cursor, before);
  if (before.details.length > 0 ? !cursor.take("from ") : cursor.take("lost") || !cursor.take("from "))
    return undefined;
  const client = readBareIdentity(cursor, cursor.text.length);
  client.details.unshift(...before.details);
  while (cursor.peek() === SPACE) cursor.position++;
  if (messageId !== undefined && cursor.text.startsWith("lost while reading message data", cursor.position)) {
    return notAccepted(text, client);
  }
  return readConnectionEnd(cursor, client);
}

function readConnectionEnd(cursor: Cursor, client: Identity): Session | undefined {
  const origin = readOrigin(cursor, client);
  if (cursor.atEnd) return buildSession("open", client, { reason: origin });
  if (cursor.take("(TCP/IP connection count = ")) {
    const count = cursor.text.slice(cursor.position, cursor.text.indexOf(")", cursor.position));
    const connections = parseWholeNumber(count);
    if (connections === undefined) client.details.push("connection count", count);
    return buildSession("open", client, { connections, reason: origin });
  }
  if (cursor.take("closed by ") || cursor.take("closed after "))
    return buildSession("closed", client, { reason: readReason(cursor, client) });
  if (cursor.take("SIGTERM")) return buildSession("closed", client, { reason: "SIGTERM" });
  if (cursor.take("TFO lost") || cursor.take("lost"))
    return buildSession("lost", client, { reason: readReason(cursor, client) });
  return undefined;
}

/** Origin of the connection, in parentheses, and the fields after it; undefined if the line has none. */
function readOrigin(cursor: Cursor, client: Identity): string | undefined {
  const origin = ORIGINS.find((words) => cursor.text.startsWith(`(${words})`, cursor.position));
  if (origin === undefined) return undefined;
  cursor.position += origin.length + "()".length;
  readClientFields(cursor, client);
  return origin;
}

const ORIGINS = ["via inetd", "ODMR customer"] as const;

/** Text up to the fields that end the line; a parenthesis around an error is taken off. */
function readReason(cursor: Cursor, client: Identity): string | undefined {
  const duration = cursor.text.lastIndexOf(" D=");
  const end = duration >= cursor.position ? duration : cursor.text.length;
  const reason = cursor.text.slice(cursor.position, end).trim();
  cursor.position = end;
  readClientFields(cursor, client);
  if (reason === "") return undefined;
  return reason.startsWith("(error: ") && reason.endsWith(")") ? reason.slice("(error: ".length, -1) : reason;
}

/**
 * Reads how a session ended before its time, the client behind the words.
 *
 *     unexpected disconnection while reading SMTP command from (a.example) [203.0.113.103] D=0.000s
 *     ^
 *     SMTP command timeout on TLS connection from [203.0.113.161]:39815 D=2s
 *     SMTP data timeout (message abandoned) on connection from (slow.example) [203.0.113.160] F=<x@partner.example>
 *     no MAIL in SMTP connection from [127.0.0.1] D=0.211s C=EHLO,EXPN,ETRN,ETRN,QUIT
 * With a message id a data timeout means that the message did not arrive.
 * Source: exim-log-grammar §12.3.
 */
export function parseEarlyEnd(text: string, messageId: string | undefined): Session | NotAccepted | undefined {
  for (const [start, action] of EARLY_ENDS) {
    if (!text.startsWith(start)) continue;
    const cursor = new Cursor(text, start.length);
    const words = action === "no_mail" ? undefined : start.slice(0, start.lastIndexOf(" from "));
    const hasSender = start.startsWith("SMTP data timeout");
    const client = cursor.take("local process")
      ? newIdentity()
      : readBareIdentity(cursor, hasSender ? undefined : text.length);
    readClientFields(cursor, client);
    if (messageId !== undefined && hasSender) return notAccepted(text, client);
    const error = readReason(cursor, client);
    const reason = [words, error].filter((part) => part !== undefined).join(": ");
    return buildSession(action, client, { reason: reason === "" ? undefined : reason });
  }
  return undefined;
}

const EARLY_ENDS: readonly (readonly [string, SessionAction])[] = [
  ["unexpected disconnection while reading SMTP command from ", "lost"],
  ["unexpected EOF while reading SMTP command from ", "lost"],
  ["SMTP command timeout on TLS connection from ", "timeout"],
  ["SMTP command timeout on connection from ", "timeout"],
  ["SMTP data timeout (message abandoned) on TLS connection from ", "timeout"],
  ["SMTP data timeout (message abandoned) on connection from ", "timeout"],
  ["no MAIL in SMTP connection from ", "no_mail"],
  ["no MAIL in TFO SMTP connection from ", "no_mail"],
];

/**
 * Reads a command that made no sense. What the client wrote is quoted, without escaped quotes, and may imitate a client.
 *
 *     SMTP syntax error in "GET / HTTP/1.1" H=mail.sender1.example [203.0.113.101] unrecognized command
 *     ^
 *     SMTP protocol error in "DATA" U=alice valid RCPT command must precede DATA
 * Source: exim-log-grammar §12.2.
 */
export function parseCommandError(text: string): Session | undefined {
  const isSyntax = text.startsWith("SMTP syntax error in ");
  if (!isSyntax && !text.startsWith("SMTP protocol error in ")) return undefined;
  const quote = isSyntax ? "SMTP syntax error in ".length : "SMTP protocol error in ".length;
  if (text.charCodeAt(quote) !== QUOTE) return undefined;
  const found = findClientAfterQuote(text, quote + 1, " ", (_text, at) => text.charCodeAt(at) === SPACE);
  const rest = found === undefined ? undefined : text.slice(found.end).trimStart();
  return buildSession(isSyntax ? "syntax_error" : "protocol_error", found?.identity ?? newIdentity(), {
    command: found === undefined ? text.slice(quote) : text.slice(quote + 1, found.start),
    reason: rest,
  });
}

/**
 * Reads a transaction that was begun and not finished, the cursor after the client.
 *
 *     H=(a.example) [203.0.113.103] incomplete transaction (connection lost) from <x@partner.example> for alice@example.org
 *                                   ^
 * Source: exim-log-grammar §12.3.
 */
export function readIncompleteTransaction(cursor: Cursor, client: Identity): Session | undefined {
  const start = cursor.position;
  const close = cursor.text.indexOf(") from <", start);
  if (close === -1 || !cursor.take("incomplete transaction (")) return undefined;
  const reason = cursor.text.slice(cursor.position, close);
  cursor.position = close + ") from ".length;
  const sender = readAngleBrackets(cursor);
  if (sender === undefined) {
    cursor.position = start;
    return undefined;
  }
  const recipients = cursor.take(" for ") ? readRecipients(cursor) : undefined;
  return buildSession("incomplete", { ...client, sender }, { reason, recipients });
}

/**
 * Reads a command that asks for the mail of a domain.
 *
 *     ETRN #partner.example received from localhost [127.0.0.1]
 *     ^
 * Source: exim-log-grammar §12.2.
 */
export function parseCommandReceived(text: string): Session | undefined {
  const end = text.indexOf(" received from ");
  if (end === -1) return undefined;
  const cursor = new Cursor(text, end + " received from ".length);
  return buildSession("command", readBareIdentity(cursor, cursor.text.length), { command: text.slice(0, end) });
}

/**
 * Reads an AUTH= parameter of MAIL that was not believed.
 *
 *     ignoring AUTH=x@partner.example from H=(x) [203.0.113.7] (client not authenticated)
 *     ^
 * Source: exim-log-grammar §12.2.
 */
export function parseIgnoredAuth(text: string): Session | undefined {
  const cursor = new Cursor(text, "ignoring ".length);
  if (!text.startsWith("ignoring AUTH=")) return undefined;
  const command = readToken(cursor);
  if (!cursor.take(" from ")) return undefined;
  const client = readBareIdentity(cursor);
  const rest = cursor.rest().trim();
  const reason = rest.startsWith("(") && rest.endsWith(")") ? rest.slice(1, -1) : rest;
  return buildSession("note", client, { command, reason: `ignored: ${reason}` });
}

/**
 * Reads the other remarks about a session: a client that left early under TLS, an ident server that does not answer, a banner
 * that a client must have seen.
 *
 *     [203.0.113.7] after QUIT, client reset TCP before SMTP response and TLS close
 *     ^
 *     Ci=1235 SMTP peer appears to have seen our banner
 *     ident connection to 203.0.113.151 timed out
 * Source: exim-log-grammar §12.3.
 */
export function parseSessionNote(text: string): Session | undefined {
  const match = NOTE.exec(text);
  if (match === null) return undefined;
  const [, bracketed, connection, ip, note] = match;
  const client = newIdentity();
  const address = bracketed ?? ip;
  if (address !== undefined) client.host = plainHost(undefined, address);
  if (connection !== undefined) client.details.push("Ci", connection);
  return buildSession("note", client, { reason: note ?? "ident connection timed out" });
}

const NOTE =
  /^(?:\[([0-9A-Za-z.:]+)\](?::\d+)? (?=after QUIT, )|Ci=(\w+) (?=SMTP peer )|ident connection to ([0-9A-Za-z.:]+) timed out$)(.+)?$/;

interface SessionFacts {
  readonly command?: string | undefined;
  readonly recipients?: readonly string[] | undefined;
  readonly connections?: number | undefined;
  readonly reason?: string | undefined;
}

function buildSession(
  action: SessionAction,
  client: Identity,
  { command, recipients, connections, reason }: SessionFacts,
): Session {
  const commands = takeDetail(client, "C");
  const duration = takeDetail(client, "D");
  const durationMs = duration === undefined ? undefined : parseDuration(duration);
  if (duration !== undefined && durationMs === undefined) client.details.push("D", duration);
  const { host, ident, tls, auth, sender, details } = client;
  return {
    kind: "session",
    action,
    host,
    ident,
    tls,
    auth,
    sender,
    recipients,
    command,
    commands: commands === undefined ? undefined : splitCommands(commands),
    connections,
    durationMs,
    reason,
    details,
  };
}

/** `EHLO,QUIT`, or `...EHLO,QUIT` for the last of many. */
function splitCommands(list: string): string[] {
  const commands = list.split(",");
  return list.startsWith("...") ? ["...", list.slice(3).split(",")].flat() : commands;
}

function notAccepted(text: string, { host, details }: Identity): NotAccepted {
  return { kind: "not_accepted", host, reason: text, details };
}
