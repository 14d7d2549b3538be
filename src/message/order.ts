/** The order of what one stamp says: a pure function of the event, so that it does not depend on which log was read first. */
import type { LogEvent } from "../parse/events.ts";

/** Ranks leave room between them. Causes come before effects, and the more final one of two comes later. */
const RANKS: Readonly<Record<LogEvent["kind"], number>> = {
  rejection: 150,
  arrival: 200,
  recipients_ignored: 250,
  queued: 300,
  prdr: 190,
  signature: 140,
  verification: 140,
  warning: 145,
  scan: 140,
  rewrite: 195,
  identification: 195,
  other: 350,
  configuration: 350,
  daemon: 350,
  dns: 350,
  invocation: 350,
  panic: 350,
  queue_run: 350,
  session: 350,
  skipped: 350,
  spool: 350,
  output: 450,
  thawed: 400,
  envelope_edit: 420,
  host_error: 450,
  tls: 450,
  deferral: 500,
  discard: 550,
  failure: 600,
  delivery: 620,
  error_ignored: 650,
  removed: 700,
  cancelled: 700,
  frozen: 750,
  not_accepted: 800,
  completed: 900,
};

const CUTTHROUGH = 100;
/** Exim looks for addresses in the header lines before it accepts the message, or refuses it when it finds none. */
const BAD_ADDRESSES = 160;
const SUPPRESSED = 560;
const MARKED_DELIVERED = 640;
const RETRY_TIMEOUT = 610;
/** An administrator's `frozen by root` and `unfrozen by root` follow what a delivery run did in the same second. */
const FROZEN_BY_HAND = 760;
const THAWED_BY_HAND = 770;

/** The rank of an event among those of one instant, 0 to 999. */
export function rankOf(event: LogEvent, text: string): number {
  switch (event.kind) {
    case "delivery":
      if (event.flag === ">>") return CUTTHROUGH;
      return event.flag === "*>" ? SUPPRESSED : RANKS.delivery;
    case "failure":
      return event.isRetryTimeout ? RETRY_TIMEOUT : RANKS.failure;
    case "envelope_edit":
      return event.action === "marked_delivered" ? MARKED_DELIVERED : RANKS.envelope_edit;
    case "frozen":
      return text.startsWith("frozen by ") ? FROZEN_BY_HAND : RANKS.frozen;
    case "not_accepted":
      return event.reason.startsWith("bad addresses found") ? BAD_ADDRESSES : RANKS.not_accepted;
    case "thawed":
      return text.startsWith("unfrozen by ") ? THAWED_BY_HAND : RANKS.thawed;
    default:
      return RANKS[event.kind];
  }
}
