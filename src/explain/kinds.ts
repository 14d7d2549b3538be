/** Kinds of line, each with its meaning in a few words. */
import type { EntryKind } from "../parse/events.ts";

/** Kinds in the order of a mail's way: the message, its client, its server. */
export const LINE_KINDS: Readonly<Record<EntryKind, string>> = {
  arrival: "Exim took responsibility for a message",
  delivery: "a message was delivered to a recipient",
  deferral: "a temporary failure, Exim will try again",
  failure: "a permanent failure of a recipient",
  discard: "an address or a message was thrown away on purpose",
  completed: "nothing is left to do for a message",
  frozen: "a message is on the queue and not tried",
  thawed: "a frozen message is tried again",
  removed: "a message was taken off the queue without a bounce",
  cancelled: "a message was taken off the queue with a bounce",
  queued: "a message arrived and was left on the queue",
  skipped: "a queue run passed a message by",
  envelope_edit: "the envelope of a message was changed by hand",
  error_ignored: "a failed address whose bounce is not sent",
  recipients_ignored: "the system filter replaced the recipients",
  not_accepted: "a message that Exim did not take after all",
  host_error: "one host could not take a message",
  rejection: "a client, a message or a recipient was refused",
  session: "an incoming connection",
  verification: "an address could not be verified",
  tls: "trouble with TLS",
  signature: "what DKIM, ARC, SPF or DMARC say",
  scan: "what a scanner says",
  prdr: "what a client was told about one recipient",
  identification: "whose message it is, as hosting panels log it",
  rewrite: "an address was rewritten",
  output: "the first line that a command wrote",
  warning: "something that an ACL or Exim draws attention to",
  dns: "trouble with a name or an address",
  queue_run: "a queue run began or ended",
  daemon: "the daemon began, ended or has trouble",
  invocation: "Exim was called",
  spool: "the files of the queue or the hints databases",
  configuration: "a mistake in the configuration",
  panic: "Exim itself is in trouble",
  other: "free text, or a form that is not known",
  unparsed: "a line without a stamp that belongs to no entry",
};

/** True for the lines of no known form. */
export function isUnknown(kind: EntryKind): boolean {
  return kind === "other" || kind === "unparsed";
}
