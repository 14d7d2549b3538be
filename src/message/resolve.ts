/** From what is known to what it means: the status of a message and of each recipient. The only place that decides it. */
import type { Moment } from "../units.ts";
import {
  isLater,
  type MessageState,
  type Milestones,
  type RecipientEvent,
  type RecipientState,
  SYSTEM_FILTER,
} from "./state.ts";
import type { MessageStatus, Outcome, RecipientStatus } from "./statuses.ts";

export interface RecipientFate {
  readonly status: RecipientStatus;
  /** Moment of the line that decided it. */
  readonly at: Moment | undefined;
}

/** The fates of all recipients of a message, in their order. */
export function resolveRecipients(state: MessageState): readonly RecipientFate[] {
  const fates: RecipientFate[] = [];
  for (const recipient of state.recipients.values()) fates.push(resolveAlone(recipient, state.milestones));
  if (fates.length < 2 || fates.every(({ status }) => status !== "unknown")) return fates;
  const recipients = state.recipients.values();
  const shared = collectEventsByTarget(recipients);
  const rewritten = findRewritten(recipients);
  return fates.map((fate, index) => {
    const recipient = recipients[index];
    if (fate.status !== "unknown" || recipient === undefined) return fate;
    const other = recipient === rewritten?.from ? fates[recipients.indexOf(rewritten.to)] : undefined;
    return findSharedFate(recipient.address, shared) ?? other ?? fate;
  });
}

/**
 * The one recipient that the arrival names and no line is about, and the one that lines are about and the arrival does not name: Exim
 * rewrote the address, which it logs only when told to (`+address_rewrite`). They have the local part or the domain in common.
 */
function findRewritten(
  recipients: readonly RecipientState[],
): { readonly from: RecipientState; readonly to: RecipientState } | undefined {
  const silent = recipients.filter(({ announced, lastEvents }) => announced && lastEvents.size === 0);
  const unnamed = recipients.filter(
    ({ announced, lastEvents, address }) => !announced && lastEvents.size > 0 && address !== SYSTEM_FILTER,
  );
  const [from, to] = [silent[0], unnamed[0]];
  if (silent.length !== 1 || unnamed.length !== 1 || from === undefined || to === undefined) return undefined;
  return isRewriting(from.address, to.address) ? { from, to } : undefined;
}

/** True when the addresses have the local part or the domain in common. */
export function isRewriting(one: string, other: string): boolean {
  const [at, otherAt] = [one.lastIndexOf("@"), other.lastIndexOf("@")];
  if (at === -1 || otherAt === -1) return false;
  return one.slice(0, at) === other.slice(0, otherAt) || one.slice(at) === other.slice(otherAt);
}

/** Events that end a delivery, by their target, and by a local name together with the domain of the recipient it stands for. */
function collectEventsByTarget(recipients: readonly RecipientState[]): ReadonlyMap<string, readonly RecipientEvent[]> {
  const byTarget = new Map<string, RecipientEvent[]>();
  const add = (key: string, event: RecipientEvent): void => {
    const events = byTarget.get(key);
    if (events === undefined) byTarget.set(key, [event]);
    else events.push(event);
  };
  for (const { lastEvents } of recipients) {
    for (const event of lastEvents.values()) {
      if (event.outcome === "deferred") continue;
      add(event.target, event);
      add(localKey(event.target, event.recipient), event);
      add(unqualifiedKey(event.recipient), event);
    }
  }
  return byTarget;
}

/**
 * Exim delivers once to a mailbox that two recipients lead to, and logs it under one of them: after `=> alice <team@x.example>`
 * nothing is said about a recipient `alice@x.example`. A recipient without a domain is named with the one that Exim gave it.
 */
function findSharedFate(
  address: string,
  shared: ReadonlyMap<string, readonly RecipientEvent[]>,
): RecipientFate | undefined {
  const at = address.lastIndexOf("@");
  const underOtherName =
    at === -1
      ? ofOneRecipient(shared.get(`${address}\n@`) ?? [])
      : (shared.get(localKey(address.slice(0, at), address)) ?? []);
  const events = [...(shared.get(address) ?? []), ...underOtherName];
  return events.length === 0 ? undefined : worst(events);
}

/** Key of a recipient by what stands before its domain: for those that were named without one. */
function unqualifiedKey(recipient: string): string {
  const at = recipient.lastIndexOf("@");
  return `${at === -1 ? recipient : recipient.slice(0, at)}\n@`;
}

/** None when they are about several: which domain Exim gave a recipient without one is then not known. */
function ofOneRecipient(events: readonly RecipientEvent[]): readonly RecipientEvent[] {
  return events.every(({ recipient }) => recipient === events[0]?.recipient) ? events : [];
}

/** Key of a local name at the domain of a recipient; no address holds a line break. */
function localKey(localName: string, recipient: string): string {
  const at = recipient.lastIndexOf("@");
  return `${localName}\n${at === -1 ? "" : recipient.slice(at)}`;
}

/** The fate of a recipient by its own lines. Source: exim-log-grammar §16. */
export function resolveAlone(recipient: RecipientState, milestones: Milestones): RecipientFate {
  if (recipient.lastEvents.size === 1) {
    // The common case, without the lists below.
    const [only] = recipient.lastEvents.values();
    if (only !== undefined && only.outcome !== "deferred") return { status: STATUS_OF[only.outcome], at: only.at };
  }
  const events = recipient.lastEvents.values();
  const standing = events.filter((event) => !isSuperseded(event, recipient));
  const outstanding = standing.filter((event) => event.outcome === "deferred");
  const ended = standing.filter((event) => event.outcome !== "deferred");
  if (outstanding.length > 0 || events.length === 0) {
    const closed = closeOutstanding(milestones);
    if (closed !== undefined && (ended.length === 0 || closed.status !== "unknown")) return closed;
    if (closed === undefined) {
      return outstanding.length > 0
        ? { status: "deferred", at: latest(outstanding)?.at }
        : { status: "pending", at: undefined };
    }
  }
  return worst(ended);
}

/** Status of a recipient that no line finished; undefined while the message is on the queue. */
function closeOutstanding(milestones: Milestones): RecipientFate | undefined {
  if (milestones.removed !== undefined) return { status: "removed", at: milestones.removed };
  if (milestones.cancelled !== undefined) return { status: "bounced", at: milestones.cancelled };
  if (milestones.discarded !== undefined) return { status: "discarded", at: milestones.discarded };
  if (milestones.completed === undefined) return undefined;
  if (milestones.ignored !== undefined) return { status: "discarded", at: milestones.ignored };
  return { status: "unknown", at: milestones.completed };
}

/**
 * True when a later line replaces the event: about the same mailbox under its local name, or, for an event about the recipient
 * itself, about whatever it was expanded to later.
 */
function isSuperseded(event: RecipientEvent, { address, lastEvents }: RecipientState): boolean {
  if (lastEvents.size === 1) return false;
  // The words of an ACL may have been those of an acceptance: then other lines are about the recipient.
  if (event.outcome === "rejected") return true;
  // Only an event about the recipient itself is compared with all others: an alias may expand to thousands.
  if (event.target === address && event.outcome === "deferred") {
    for (const other of lastEvents.values()) if (other !== event && isLater(other, event)) return true;
    return false;
  }
  const other = lastEvents.get(event.target.slice(0, event.target.lastIndexOf("@")));
  return other !== undefined && other !== event && isLater(other, event);
}

function worst(ended: readonly RecipientEvent[]): RecipientFate {
  for (const status of WORST_FIRST) {
    const at = latest(ended.filter(({ outcome }) => STATUS_OF[outcome] === status))?.at;
    if (at !== undefined) return { status, at };
  }
  return { status: "unknown", at: undefined };
}

const WORST_FIRST: readonly RecipientStatus[] = ["bounced", "delivered", "discarded", "rejected"];

/** Status of a recipient by its last event. */
export const STATUS_OF: Readonly<Record<Outcome, RecipientStatus>> = {
  bounced: "bounced",
  delivered: "delivered",
  marked_delivered: "delivered",
  discarded: "discarded",
  suppressed: "discarded",
  deferred: "deferred",
  rejected: "rejected",
};

function latest(events: readonly RecipientEvent[]): RecipientEvent | undefined {
  let last: RecipientEvent | undefined;
  for (const event of events) if (last === undefined || isLater(event, last)) last = event;
  return last;
}

export function isFrozen(milestones: Milestones): boolean {
  return (
    milestones.completed === undefined &&
    milestones.frozen !== undefined &&
    (milestones.thawed === undefined || milestones.frozen > milestones.thawed)
  );
}

/** The status of a message, given those of its recipients, each of them once at least. */
export function resolveMessage(state: MessageState, recipients: readonly RecipientStatus[]): MessageStatus {
  const { milestones } = state;
  if (isRefused(state) && milestones.completed === undefined) return "rejected";
  if (milestones.completed === undefined) {
    if (isFrozen(milestones)) return "frozen";
    if (recipients.includes("deferred")) return "deferred";
    if (recipients.includes("pending") || recipients.every((status) => status === "rejected")) return unfinished(state);
  }
  return statusWhenOver(recipients) ?? endedWithoutRecipients(milestones);
}

/** Some refusals are logged before the message is accepted all the same: of one pass over its header lines, of one of several addresses. */
function isRefused({ milestones, arrivalAt }: MessageState): boolean {
  if (arrivalAt === undefined) return milestones.notAccepted !== undefined || milestones.rejected !== undefined;
  return milestones.notAccepted !== undefined && milestones.notAccepted > arrivalAt;
}

/**
 * The status of a message with nothing outstanding, by those of its recipients; undefined when none is known. It was never accepted for
 * those that were rejected.
 */
export function statusWhenOver(recipients: readonly RecipientStatus[]): MessageStatus | undefined {
  const counted = recipients.filter((status) => status !== "unknown" && status !== "rejected");
  const [first] = counted;
  if (first === undefined) return undefined;
  return counted.every((status) => status === first) ? FINAL_STATUS[first] : "partial";
}

const FINAL_STATUS: Readonly<Record<RecipientStatus, MessageStatus>> = {
  unknown: "unknown",
  pending: "received",
  delivered: "delivered",
  deferred: "deferred",
  bounced: "bounced",
  discarded: "discarded",
  removed: "removed",
  rejected: "rejected",
};

function unfinished(state: MessageState): MessageStatus {
  const { milestones } = state;
  const ended = endedWithoutRecipients(milestones);
  if (ended !== "unknown") return ended;
  if (milestones.queued !== undefined) return "queued";
  return state.arrivalAt === undefined ? "unknown" : "received";
}

function endedWithoutRecipients(milestones: Milestones): MessageStatus {
  if (milestones.discarded !== undefined) return "discarded";
  if (milestones.removed !== undefined) return "removed";
  if (milestones.cancelled !== undefined) return "bounced";
  return "unknown";
}
