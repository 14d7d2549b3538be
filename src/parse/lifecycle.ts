import type { LogEvent } from "./events.ts";
import { parseDuration } from "./durations.ts";
import { readHost, stripAngleBrackets } from "./fields.ts";
import { findSmtpReply } from "./smtp-reply.ts";
import { Cursor } from "./cursor.ts";
import { isMessageId } from "./message-id.ts";

/**
 * Reads a line about the state of a message on the queue; undefined when it is none.
 *
 *     10HmaX-0005vi-00 Completed QT=3m45s
 *                      ^
 *     10HmaX-0005vi-00 removed by root
 *     10HmaX-0005vi-00 no immediate delivery: queued by ACL
 * Source: exim-log-grammar §11.
 */
export function parseLifecycle(text: string): LogEvent | undefined {
  for (const { prefix, read } of FORMS) {
    if (text.startsWith(prefix)) {
      const event = read(text.slice(prefix.length), text);
      if (event !== undefined) return event;
    }
  }
  return parseSuffixed(text);
}

interface Form {
  readonly prefix: string;
  /** The event, given the text after the prefix and the whole text; undefined when it is another form after all. */
  readonly read: (rest: string, text: string) => LogEvent | undefined;
}

const FORMS: readonly Form[] = [
  { prefix: "Completed", read: readCompleted },
  { prefix: "Frozen", read: readFrozen },
  { prefix: "frozen by ", read: (by) => ({ kind: "frozen", by }) },
  { prefix: "Unfrozen by ", read: (by) => ({ kind: "thawed", by }) },
  { prefix: "unfrozen by ", read: (by) => ({ kind: "thawed", by }) },
  { prefix: "removed by ", read: (by) => ({ kind: "removed", by }) },
  { prefix: "Message removed because ", read: (by) => ({ kind: "removed", by }) },
  { prefix: "cancelled by ", read: (by) => ({ kind: "cancelled", by }) },
  { prefix: "no immediate delivery: ", read: (reason) => ({ kind: "queued", reason }) },
  { prefix: "Delivery deferred by system filter", read: (_rest, text) => ({ kind: "queued", reason: text }) },
  {
    prefix: "Message is frozen",
    read: (rest, text) => (rest === "" ? { kind: "skipped", reason: text } : undefined),
  },
  {
    prefix: "Spool file for ",
    read: (rest, text) => (rest.includes(" is locked") ? { kind: "skipped", reason: text } : undefined),
  },
  { prefix: "original recipients ignored (system filter)", read: () => ({ kind: "recipients_ignored" }) },
  { prefix: "rescind the above message-accept", read: (_rest, reason) => ({ kind: "not_accepted", reason }) },
  {
    prefix: "SMTP connection lost after final dot",
    read: (_rest, reason) => ({ kind: "not_accepted", reason }),
  },
  {
    prefix: "SMTP data timeout (message abandoned)",
    read: (_rest, reason) => ({ kind: "not_accepted", reason }),
  },
  { prefix: "address <", read: (rest) => readEdit(rest, "> marked delivered by ", "marked_delivered") },
  { prefix: "recipient <", read: (rest) => readEdit(rest, "> added by ", "recipient_added") },
  { prefix: "sender address changed to <", read: (rest) => readEdit(rest, "> by ", "sender_changed") },
  { prefix: "H=", read: readHostError },
];

function readCompleted(rest: string): LogEvent | undefined {
  if (rest === "") return { kind: "completed", queueMs: undefined };
  const queueMs = rest.startsWith(" QT=") ? parseDuration(rest.slice(4)) : undefined;
  const isSanitised = rest.startsWith(" QT=") && !rest.includes(" ", 1);
  return queueMs === undefined && !isSanitised ? undefined : { kind: "completed", queueMs };
}

function readFrozen(rest: string): LogEvent | undefined {
  if (rest === "") return { kind: "frozen", by: undefined };
  if (rest.startsWith(" by ")) return { kind: "frozen", by: rest.slice(4) };
  return rest.startsWith(" (") ? { kind: "frozen", by: rest.slice(2, -1) } : undefined;
}

function readEdit(
  rest: string,
  middle: string,
  action: "marked_delivered" | "recipient_added" | "sender_changed",
): LogEvent | undefined {
  const end = rest.lastIndexOf(middle);
  return end === -1
    ? undefined
    : { kind: "envelope_edit", action, address: rest.slice(0, end), by: rest.slice(end + middle.length) };
}

/**
 * One host could not take the message; others may follow.
 *
 *     H=127.0.0.1 [127.0.0.1]: SMTP timeout after EHLO myhost.test.ex: Connection timed out
 *       ^
 *     H=thishost.test.ex [127.0.0.1] Connection refused
 * Source: exim-log-grammar §11.1.
 */
function readHostError(_rest: string, text: string): LogEvent | undefined {
  const cursor = new Cursor(text, 2);
  const host = readHost(cursor);
  if (host?.ip === undefined) return undefined;
  if (!cursor.take(": ") && !cursor.take(" : ") && !cursor.take(" ")) return undefined;
  const error = cursor.rest();
  if (!HOST_ERRORS.some((start) => error.startsWith(start))) return undefined;
  return { kind: "host_error", host, error, reply: findSmtpReply(error) };
}

/** How an outgoing connection fails; anything else after a host is an incoming client's line. */
const HOST_ERRORS = [
  "SMTP error from remote",
  "LMTP error",
  "SMTP timeout",
  "LMTP timeout",
  "PRDR error",
  "Connection ",
  "Network ",
  "No route to host",
  "Host is ",
  "Remote host closed connection",
  "Malformed SMTP reply",
  "TLS error on connection",
  "TLS session",
  "a TLS session is required",
  "DANE ",
  "Broken pipe",
  "Permission denied",
  "Operation ",
  "Invalid argument",
  "Protocol ",
  "host is ",
  "no host name",
  "EHLO ",
  "Timeout ",
];

const RETRY_TIMEOUT = / <[^>]*>$/;

/** `⟨address⟩[ <parent>]: error ignored[: reason]`. */
function parseSuffixed(text: string): LogEvent | undefined {
  const end = text.indexOf(": error ignored");
  if (end <= 0) return undefined;
  const address = text.slice(0, end);
  const parent = RETRY_TIMEOUT.exec(address);
  return {
    kind: "error_ignored",
    address: parent === null ? address : stripAngleBrackets(parent[0].trimStart()),
  };
}

/** Some lines carry the id twice: `1vwxr2-0005ZS-23 1vwxr2-0005ZS-23 no recipients found in headers`. */
export function withoutRepeatedId(text: string, messageId: string): string {
  return isMessageId(messageId) && text.startsWith(messageId) && text.charAt(messageId.length) === " "
    ? text.slice(messageId.length + 1)
    : text;
}
