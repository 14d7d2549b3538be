/** Every status, its place in the database and the rule that yields it; `exim-pilot help statuses` prints this. */

export interface StatusRule {
  readonly status: string;
  readonly rule: string;
}

/** In the order of their codes in the database. */
export const MESSAGE_STATUSES = [
  "unknown",
  "received",
  "queued",
  "delivered",
  "deferred",
  "bounced",
  "frozen",
  "rejected",
  "removed",
  "discarded",
  "partial",
] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

/** Still on the queue, as far as the log tells. */
export const OPEN_STATUSES = ["received", "queued", "deferred", "frozen"] as const satisfies readonly MessageStatus[];

export const RECIPIENT_STATUSES = [
  "unknown",
  "pending",
  "delivered",
  "deferred",
  "bounced",
  "discarded",
  "removed",
  "rejected",
] as const;
export type RecipientStatus = (typeof RECIPIENT_STATUSES)[number];

export const ATTEMPT_STATUSES = ["success", "defer", "bounce", "timeout"] as const;
export type AttemptStatus = (typeof ATTEMPT_STATUSES)[number];

/** Outcomes that one line can state for one address. */
export const OUTCOMES = [
  "delivered",
  "suppressed",
  "discarded",
  "bounced",
  "deferred",
  "marked_delivered",
  "rejected",
] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const MESSAGE_STATUS_RULES = {
  received: "Accepted (<=), and for at least one recipient the log does not say yet what became of it.",
  queued: "Accepted, and left on the queue without a try (no immediate delivery).",
  delivered: "Every known recipient was delivered.",
  deferred: "On the queue, and at least one recipient waits for another try.",
  bounced: "Every known recipient failed for good, or the message was cancelled.",
  frozen: "On the queue and frozen: not tried until it is thawed.",
  rejected:
    "Refused at or after DATA, for good or for now, broken off by the client, or withdrawn: it got an id and was never accepted.",
  removed: "Taken off the queue by an administrator; nobody was told.",
  discarded: "Accepted and thrown away on purpose: blackhole, filter, discard, or delivery suppressed by -N.",
  partial: "No recipient is outstanding, and they ended differently.",
  unknown: "The log shows the message and not what became of it.",
} as const satisfies Record<MessageStatus, string>;

export const RECIPIENT_STATUS_RULES = {
  pending: "Named by the arrival or added later, and not tried yet.",
  delivered:
    "The last word is => -> or >>, also under another recipient that led to the same mailbox, or an administrator marked it delivered.",
  deferred: "The last word is ==: a temporary failure, to be tried again.",
  bounced:
    "The last word is **, or the message was cancelled while it was outstanding. The worst fate counts when an address fans out.",
  discarded: "Sent to :blackhole: or /dev/null, thrown away by a filter or an ACL, or suppressed by -N (*>).",
  removed: "Outstanding when the message was removed by an administrator.",
  rejected:
    "Refused after the data by an answer of its own (PRDR), for good or for now, while others of the message were accepted.",
  unknown: "The message is finished, and no line says what became of this recipient.",
} as const satisfies Record<RecipientStatus, string>;

export const ATTEMPT_STATUS_RULES = {
  success: "=> -> or >>: the address was delivered.",
  defer:
    "==, when something was tried: a retry time not yet reached is no attempt, nor is an address that is held or queued on purpose.",
  bounce: "**, when something was tried: giving up when the retry time is over is no attempt.",
  timeout: "A deferral or failure because the other side did not answer in time.",
} as const satisfies Record<AttemptStatus, string>;
