import { Cursor } from "./cursor.ts";
import { parseDuration } from "./durations.ts";
import type { LogEvent } from "./events.ts";
import { findLastGroup, stripAngleBrackets } from "./fields.ts";
import { readIdentity } from "./identity.ts";
import { isMessageId } from "./message-id.ts";

/**
 * Reads a line about the state of a message on the queue; undefined when it is none.
 *
 *     10HmaX-0005vi-00 Completed QT=3m45s
 *                      ^
 *     10HmaX-0005vi-00 removed by root
 *     10HmaX-0005vi-00 Spool file is locked (another process is handling this message)
 *     10HmaX-0005vi-00 Process failed (1) when writing error message to root@example.org (frozen)
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
  return undefined;
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
  {
    prefix: "Spool file is locked",
    read: (_rest, text) => ({ kind: "skipped", reason: text }),
  },
  { prefix: "Process failed (", read: readBounceFailed },
  { prefix: "original recipients ignored (system filter)", read: () => ({ kind: "recipients_ignored" }) },
  { prefix: "rescind the above message-accept", read: readNotAccepted },
  { prefix: "SMTP connection lost after final dot", read: readNotAccepted },
  { prefix: "Message abandoned", read: readNotAccepted },
  { prefix: "no recipients found in headers", read: readNotAccepted },
  { prefix: "bad addresses found in headers", read: readNotAccepted },
  { prefix: "Error while reading message with no usable sender address", read: readNotAccepted },
  { prefix: "address <", read: (rest) => readEdit(rest, "> marked delivered by ", "marked_delivered") },
  { prefix: "recipient <", read: (rest) => readEdit(rest, "> added by ", "recipient_added") },
  { prefix: "sender address changed to <", read: (rest) => readEdit(rest, "> by ", "sender_changed") },
];

/** NOTE: an entry of one line: what follows it in the file was written by something else. */
function readCompleted(rest: string): LogEvent | undefined {
  if (rest === "" || rest.startsWith("\n")) return { kind: "completed", queueMs: undefined };
  const queueMs = rest.startsWith(" QT=") ? parseDuration(rest.slice(4)) : undefined;
  const isSanitised = rest.startsWith(" QT=") && !rest.includes(" ", 1);
  if (queueMs !== undefined) return { kind: "completed", queueMs };
  return isSanitised ? { kind: "completed", queueMs, details: ["QT", rest.slice(4)] } : undefined;
}

function readFrozen(rest: string): LogEvent | undefined {
  if (rest === "" || rest.startsWith("\n")) return { kind: "frozen", by: undefined };
  if (rest.startsWith(" by ")) return { kind: "frozen", by: rest.slice(4) };
  return rest.startsWith(" (") ? { kind: "frozen", by: rest.slice(2, -1) } : undefined;
}

/** `Process failed (1) when writing error message to root@example.org (frozen)`: the words before the last are why it is frozen. */
function readBounceFailed(_rest: string, text: string): LogEvent | undefined {
  const end = " (frozen)";
  return text.endsWith(end) ? { kind: "frozen", by: text.slice(0, -end.length) } : undefined;
}

/** `SMTP connection lost after final dot H=(x.example) [203.0.113.7] P=esmtp`: a client may be named after the words. */
function readNotAccepted(rest: string, reason: string): LogEvent {
  const { host, details } = readIdentity(new Cursor(rest));
  return { kind: "not_accepted", host, reason, details };
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

/** `⟨address⟩[ <parent>]: error ignored[: reason]`: a failed address whose bounce is not sent. */
export function parseErrorIgnored(text: string): LogEvent | undefined {
  const end = text.indexOf(": error ignored");
  if (end <= 0) return undefined;
  const address = text.slice(0, end);
  const parent = findLastGroup(address, " <", ">");
  return {
    kind: "error_ignored",
    address: parent === -1 ? address : stripAngleBrackets(address.slice(parent + 1)),
  };
}

/** Some lines carry the id twice: `1vwxr2-0005ZS-23 1vwxr2-0005ZS-23 no recipients found in headers`. */
export function withoutRepeatedId(text: string, messageId: string): string {
  return text.startsWith(messageId) && text.charAt(messageId.length) === " " && isMessageId(messageId)
    ? text.slice(messageId.length + 1)
    : text;
}
