/** Facts about each kind of line, told once. */
import type { EntryKind, EventKind } from "../parse/events.ts";

export interface KindFacts {
  /** Its meaning in a few words. */
  readonly about: string;
  /** Its order among the lines of one instant, 0 to 999. Causes come before effects, and the more final one of two comes later. Exceptions are in order.ts. */
  readonly rank: number;
  /** The second log of a kind that Exim writes twice. */
  readonly secondLog?: "reject" | "panic";
}

/** Kinds in the order of a mail's way: the message, its client, its server. Ranks leave room between them. */
export const LINE_KINDS: Readonly<Record<EventKind, KindFacts> & Record<"unparsed", Pick<KindFacts, "about">>> = {
  arrival: { about: "Exim took responsibility for a message", rank: 200 },
  delivery: { about: "a message was delivered to a recipient", rank: 620 },
  deferral: { about: "a temporary failure, Exim will try again", rank: 500, secondLog: "panic" },
  failure: { about: "a permanent failure of a recipient", rank: 600 },
  discard: { about: "an address or a message was thrown away on purpose", rank: 550, secondLog: "reject" },
  completed: { about: "nothing is left to do for a message", rank: 900 },
  frozen: { about: "a message is on the queue and not tried", rank: 750 },
  thawed: { about: "a frozen message is tried again", rank: 400 },
  removed: { about: "a message was taken off the queue without a bounce", rank: 700 },
  cancelled: { about: "a message was taken off the queue with a bounce", rank: 700 },
  queued: { about: "a message arrived and was left on the queue", rank: 300 },
  skipped: { about: "a queue run passed a message by", rank: 350 },
  envelope_edit: { about: "the envelope of a message was changed by hand", rank: 420 },
  error_ignored: { about: "a failed address whose bounce is not sent", rank: 650 },
  recipients_ignored: { about: "the system filter replaced the recipients", rank: 250 },
  not_accepted: { about: "a message that Exim did not take after all", rank: 800, secondLog: "panic" },
  host_error: { about: "one host could not take a message", rank: 450 },
  rejection: { about: "a client, a message or a recipient was refused", rank: 150, secondLog: "reject" },
  session: { about: "an incoming connection", rank: 350 },
  verification: { about: "an address could not be verified", rank: 140, secondLog: "reject" },
  tls: { about: "trouble with TLS", rank: 450 },
  signature: { about: "what DKIM, ARC, SPF or DMARC say", rank: 140 },
  scan: { about: "what a scanner says", rank: 140, secondLog: "panic" },
  prdr: { about: "what a client was told about one recipient", rank: 190 },
  identification: { about: "whose message it is, as hosting panels log it", rank: 195 },
  rewrite: { about: "an address was rewritten", rank: 195 },
  output: { about: "the first line that a command wrote", rank: 450 },
  warning: { about: "something that an ACL or Exim draws attention to", rank: 145 },
  dns: { about: "trouble with a name or an address", rank: 350 },
  queue_run: { about: "a queue run began or ended", rank: 350 },
  daemon: { about: "the daemon began, ended or has trouble", rank: 350 },
  invocation: { about: "Exim was called", rank: 350 },
  spool: { about: "the files of the queue or the hints databases", rank: 350, secondLog: "panic" },
  configuration: { about: "a mistake in the configuration", rank: 350, secondLog: "panic" },
  panic: { about: "Exim itself is in trouble", rank: 350, secondLog: "panic" },
  other: { about: "free text, or a form that is not known", rank: 350 },
  unparsed: { about: "a line without a stamp that belongs to no entry" },
};

export const KIND_NAMES = Object.keys(LINE_KINDS) as readonly EntryKind[];

/** True for the lines of no known form. */
export function isUnknown(kind: EntryKind): boolean {
  return kind === "other" || kind === "unparsed";
}
