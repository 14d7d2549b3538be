/** The order of what one stamp says: a pure function of the event, so that it does not depend on which log was read first. */
import type { LogEvent } from "../parse/events.ts";
import { LINE_KINDS } from "./kinds.ts";

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
      return event.flag === "*>" ? SUPPRESSED : LINE_KINDS.delivery.rank;
    case "failure":
      return event.isRetryTimeout ? RETRY_TIMEOUT : LINE_KINDS.failure.rank;
    case "envelope_edit":
      return event.action === "marked_delivered" ? MARKED_DELIVERED : LINE_KINDS.envelope_edit.rank;
    case "frozen":
      return text.startsWith("frozen by ") ? FROZEN_BY_HAND : LINE_KINDS.frozen.rank;
    case "not_accepted":
      return event.reason.startsWith("bad addresses found") ? BAD_ADDRESSES : LINE_KINDS.not_accepted.rank;
    case "thawed":
      return text.startsWith("unfrozen by ") ? THAWED_BY_HAND : LINE_KINDS.thawed.rank;
    default:
      return LINE_KINDS[event.kind].rank;
  }
}
