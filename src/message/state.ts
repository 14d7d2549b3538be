/**
 * The fold: what is known about a message, as a function of its lines in any order.
 *
 * Every operation is commutative and idempotent over lines: the latest moment wins for marks and last events, the earliest
 * for the arrival, counts add up. So late lines, rotated files and resumed runs end in the same state.
 */
import type { EntryKind, LogEvent } from "../parse/events.ts";
import type { Moment } from "../units.ts";
import { normaliseAddress } from "./address.ts";
import { SmallMap } from "./small-map.ts";
import type { Outcome } from "./statuses.ts";

/** Moments of what happened to the whole message; the latest of each kind. */
export interface Milestones {
  completed: Moment | undefined;
  frozen: Moment | undefined;
  thawed: Moment | undefined;
  removed: Moment | undefined;
  cancelled: Moment | undefined;
  rejected: Moment | undefined;
  discarded: Moment | undefined;
  notAccepted: Moment | undefined;
  queued: Moment | undefined;
  ignored: Moment | undefined;
}

/** One line about one recipient. */
export interface RecipientEvent {
  readonly recipient: string;
  /** Address that was delivered to or tried: the recipient itself, or one it was redirected to. */
  readonly target: string;
  readonly outcome: Outcome;
  readonly at: Moment;
  readonly isAttempt: boolean;
  readonly error: string | undefined;
}

export interface RecipientState {
  readonly address: string;
  /** Named by the arrival or added by an administrator, rather than only met in a delivery line. */
  announced: boolean;
  attempts: number;
  /** The last event about each target. */
  readonly lastEvents: SmallMap<RecipientEvent>;
  lastError: RecipientEvent | undefined;
}

export interface MessageState {
  firstAt: Moment;
  lastAt: Moment;
  arrivalAt: Moment | undefined;
  /** From `Completed QT=…`. */
  queueMs: number | undefined;
  readonly milestones: Milestones;
  readonly recipients: SmallMap<RecipientState>;
}

export function newMessageState(at: Moment): MessageState {
  return {
    firstAt: at,
    lastAt: at,
    arrivalAt: undefined,
    queueMs: undefined,
    milestones: {
      completed: undefined,
      frozen: undefined,
      thawed: undefined,
      removed: undefined,
      cancelled: undefined,
      rejected: undefined,
      discarded: undefined,
      notAccepted: undefined,
      queued: undefined,
      ignored: undefined,
    },
    recipients: new SmallMap(),
  };
}

/** Facts that one line gives about its message as a whole. */
export interface MessageUpdate {
  /** The mark that gets the moment of the line. */
  readonly mark: keyof Milestones | undefined;
  readonly isArrival: boolean;
  /** Queue time that `Completed` states. */
  readonly queueMs: number | undefined;
  /** Recipients it names as those of the message. */
  readonly announced: readonly string[];
}

export const NO_UPDATE: MessageUpdate = { mark: undefined, isArrival: false, queueMs: undefined, announced: [] };

/** Milestones of messages, by the events that are about a message as a whole. */
export const MILESTONE_OF: Readonly<Partial<Record<EntryKind, keyof Milestones>>> = {
  completed: "completed",
  frozen: "frozen",
  thawed: "thawed",
  removed: "removed",
  cancelled: "cancelled",
  queued: "queued",
  not_accepted: "notAccepted",
  recipients_ignored: "ignored",
  rejection: "rejected",
};
/** Made once: most lines say nothing else. */
const UPDATE_OF: Readonly<Partial<Record<string, MessageUpdate>>> = Object.fromEntries(
  Object.entries(MILESTONE_OF).map(([kind, mark]) => [kind, { ...NO_UPDATE, mark }]),
);

/** Facts that an event gives about its message as a whole; undefined if it only shows that the message existed. */
export function messageUpdate(event: LogEvent): MessageUpdate | undefined {
  switch (event.kind) {
    case "arrival":
      return { ...NO_UPDATE, isArrival: true, announced: (event.recipients ?? []).map(normaliseAddress) };
    case "completed":
      return { ...NO_UPDATE, mark: "completed", queueMs: event.queueMs };
    case "discard":
      return event.address === undefined ? { ...NO_UPDATE, mark: "discarded" } : undefined;
    case "envelope_edit":
      if (event.action !== "recipient_added") return undefined;
      return { ...NO_UPDATE, announced: [normaliseAddress(event.address)] };
    default:
      return UPDATE_OF[event.kind];
  }
}

/** Folds one line of the message into its state: what it says about the whole and about one recipient. */
export function applyLine(
  state: MessageState,
  at: Moment,
  update: MessageUpdate | undefined,
  event: RecipientEvent | undefined,
): void {
  if (at < state.firstAt) state.firstAt = at;
  if (at > state.lastAt) state.lastAt = at;
  if (event !== undefined) applyEvent(state, event);
  if (update === undefined) return;
  const { mark, isArrival, announced } = update;
  if (isArrival && (state.arrivalAt === undefined || at < state.arrivalAt)) state.arrivalAt = at;
  for (const recipient of announced) recipientOf(state, recipient).announced = true;
  if (mark === undefined) return;
  const known = state.milestones[mark];
  if (mark === "completed" && (known === undefined || at >= known)) state.queueMs = update.queueMs;
  if (known === undefined || at > known) state.milestones[mark] = at;
}

/** Exim's name for the transport of a delivery to /dev/null, which it leaves out. */
export const BYPASSED = "**bypassed**";

/** Exim's name for the recipient of deliveries that the system filter sets up. */
export const SYSTEM_FILTER = "system-filter";

/** Facts that an event gives about one recipient; undefined if it names none. */
export function recipientEvent(event: LogEvent, at: Moment): RecipientEvent | undefined {
  switch (event.kind) {
    case "delivery": {
      if (event.transport === BYPASSED) return eventAbout(event.address, "discarded", at, false, undefined);
      const isSuppressed = event.flag === "*>";
      return eventAbout(event.address, isSuppressed ? "suppressed" : "delivered", at, !isSuppressed, undefined);
    }
    case "discard":
      return event.address && eventAbout(event.address, "discarded", at, false, undefined);
    case "deferral":
      return eventAbout(
        event.address,
        "deferred",
        at,
        !event.isRetrySkip && !isHeldOnPurpose(event.error),
        event.error,
      );
    case "failure":
      return eventAbout(event.address, "bounced", at, !event.isRetryTimeout, event.error);
    case "prdr": {
      if (event.verdict === "acceptance") return undefined;
      const recipient = normaliseAddress(event.recipient);
      return { recipient, target: recipient, outcome: "rejected", at, isAttempt: false, error: event.reason };
    }
    case "envelope_edit": {
      if (event.action !== "marked_delivered") return undefined;
      const recipient = normaliseAddress(event.address);
      return { recipient, target: recipient, outcome: "marked_delivered", at, isAttempt: false, error: undefined };
    }
    default:
      return undefined;
  }
}

/** Folds what one line says about one recipient. */
export function applyEvent(state: MessageState, event: RecipientEvent): void {
  const recipient = recipientOf(state, event.recipient);
  if (event.isAttempt) recipient.attempts++;
  const last = recipient.lastEvents.get(event.target);
  if (last === undefined || isLater(event, last)) recipient.lastEvents.set(event.target, event);
  if (isBetterReason(event, recipient.lastError)) recipient.lastError = event;
}

export function recipientOf(state: MessageState, address: string): RecipientState {
  let recipient = state.recipients.get(address);
  if (recipient === undefined) {
    recipient = { address, announced: false, attempts: 0, lastEvents: new SmallMap(), lastError: undefined };
    state.recipients.set(address, recipient);
  }
  return recipient;
}

/** True if `event` is later than `other`. Events of the same moment are ordered by their errors: arbitrary, but the same in any order of lines. */
export function isLater(event: RecipientEvent, other: RecipientEvent): boolean {
  return event.at === other.at ? (event.error ?? "") > (other.error ?? "") : event.at > other.at;
}

/**
 * True when the error of `event` tells better than `last` why the recipient is not delivered: that of a later try, or of any try where Exim
 * had only said that it gives up (`retry timeout exceeded`). What it says when it waits (`retry time not reached`) is no reason.
 */
function isBetterReason(event: RecipientEvent, last: RecipientEvent | undefined): boolean {
  if (event.error === undefined || (!event.isAttempt && event.outcome === "deferred")) return false;
  if (last === undefined) return true;
  return event.isAttempt === last.isAttempt ? isLater(event, last) : event.isAttempt;
}

function eventAbout(
  address: { readonly final: string; readonly original: string },
  outcome: Outcome,
  at: Moment,
  isAttempt: boolean,
  error: string | undefined,
): RecipientEvent {
  const recipient = normaliseAddress(address.original);
  const target = address.final === address.original ? recipient : normaliseAddress(address.final);
  return { recipient, target, outcome, at, isAttempt, error };
}

const HELD_ON_PURPOSE =
  /^(?:domain (?:matches queue_smtp_domains|is held|is in queue_domains)|SMTP delivery explicitly queued|first-pass only routing|concurrency limit reached)/;

/** Exim left the address on the queue because it was told to: nothing was tried. */
export function isHeldOnPurpose(error: string | undefined): boolean {
  return error !== undefined && HELD_ON_PURPOSE.test(error);
}
