/** Totals. Messages and recipients are those that arrived in the time; everything else was logged in it. */
import {
  MESSAGE_STATUSES,
  type MessageStatus,
  OPEN_STATUSES,
  type Outcome,
  RECIPIENT_STATUSES,
  type RecipientStatus,
} from "../message/statuses.ts";
import type { FailureGroup } from "../store/stats/counts.ts";
import type { Figures } from "./figures.ts";

export interface Totals {
  readonly messages: MessageTotals;
  readonly recipients: RecipientTotals;
  readonly attempts: AttemptTotals;
  /** Addresses thrown away on purpose, and deliveries suppressed. */
  readonly discarded: number;
  readonly rejections: RejectionTotals;
}

export interface MessageTotals {
  readonly received: number;
  readonly bytes: number;
  /** Messages by status; the sum is `received`. */
  readonly byStatus: Readonly<Record<MessageStatus, number>>;
  /** Messages on the queue: received, queued, deferred and frozen ones. */
  readonly open: number;
}

export interface RecipientTotals {
  readonly total: number;
  readonly byStatus: Readonly<Record<RecipientStatus, number>>;
  /** Sizes of messages, once for each recipient delivered. */
  readonly deliveredBytes: number;
}

export interface AttemptTotals {
  readonly total: number;
  readonly delivered: number;
  readonly deferred: number;
  readonly bounced: number;
  /** Recipients given up when their retry time was over: bounces that are no attempt, and not in `total`. */
  readonly givenUp: number;
  /** Deferrals and bounces for which the remote side did not answer in time. */
  readonly timeouts: number;
}

export interface RejectionTotals {
  readonly total: number;
  readonly permanent: number;
  readonly temporary: number;
}

export async function computeTotals(figures: Figures): Promise<Totals> {
  const [messages, recipients, events, rejections, failures] = await Promise.all([
    figures.messages(),
    figures.recipients(),
    figures.events(),
    figures.rejections(),
    figures.failures(),
  ]);
  const byStatus = tally(
    MESSAGE_STATUSES,
    messages,
    (row) => row.status,
    (row) => row.messages,
  );
  const ofRecipients = tally(
    RECIPIENT_STATUSES,
    recipients,
    (row) => row.status,
    (row) => row.recipients,
  );
  const attempts = (outcome: Outcome): number =>
    sum(
      events.filter((row) => row.isAttempt && row.outcome === outcome),
      (row) => row.events,
    );
  const [delivered, deferred, bounced] = [attempts("delivered"), attempts("deferred"), attempts("bounced")];
  const permanent = sum(
    rejections.filter((row) => row.isPermanent),
    (row) => row.rejections,
  );
  const rejected = sum(rejections, (row) => row.rejections);
  return {
    messages: {
      received: sum(messages, (row) => row.messages),
      bytes: sum(messages, (row) => row.bytes),
      byStatus,
      open: sum(OPEN_STATUSES, (status) => byStatus[status]),
    },
    recipients: {
      total: sum(recipients, (row) => row.recipients),
      byStatus: ofRecipients,
      deliveredBytes: sum(
        recipients.filter((row) => row.status === "delivered"),
        (row) => row.bytes,
      ),
    },
    attempts: {
      total: delivered + deferred + bounced,
      delivered,
      deferred,
      bounced,
      givenUp: sum(
        events.filter(({ isAttempt, outcome }) => !isAttempt && outcome === "bounced"),
        (row) => row.events,
      ),
      timeouts: countTimeouts(failures),
    },
    discarded: sum(
      events.filter(({ outcome }) => outcome === "discarded" || outcome === "suppressed"),
      (row) => row.events,
    ),
    rejections: { total: rejected, permanent, temporary: rejected - permanent },
  };
}

function tally<Name extends string, Row>(
  names: readonly Name[],
  rows: readonly Row[],
  nameOf: (row: Row) => Name,
  countOf: (row: Row) => number,
): Record<Name, number> {
  const counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
  for (const row of rows) counts[nameOf(row)] += countOf(row);
  return counts;
}

export function sum<Item>(items: readonly Item[], numberOf: (item: Item) => number): number {
  return items.reduce((total, item) => total + numberOf(item), 0);
}

export function countTimeouts(failures: readonly FailureGroup[]): number {
  return sum(failures, ({ isTimeout, failures: count }) => (isTimeout ? count : 0));
}
