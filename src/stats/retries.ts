/** Retries: how often recipients were tried, and what that came to. */
import { RECIPIENT_STATUSES, type RecipientStatus } from "../message/statuses.ts";
import type { RecipientCount } from "../store/stats/counts.ts";
import { sum } from "./totals.ts";

export interface RetryBin {
  readonly fromAttempts: number;
  /** Null: any number above. */
  readonly toAttempts: number | null;
  readonly recipients: number;
  readonly byStatus: Readonly<Record<RecipientStatus, number>>;
}

export interface Retries {
  /** Recipients that were tried at least once. */
  readonly recipients: number;
  readonly attempts: number;
  /** Attempts after the first one of each recipient. */
  readonly retries: number;
  /** Attempts, all of them, for recipients that bounced in the end. */
  readonly attemptsForBounced: number;
  readonly bins: readonly RetryBin[];
}

const BINS: readonly (readonly [from: number, to: number | null])[] = [
  [1, 1],
  [2, 2],
  [3, 5],
  [6, 10],
  [11, 20],
  [21, null],
];

export function costRetries(counts: readonly RecipientCount[]): Retries {
  const tried = counts.filter(({ attempts }) => attempts > 0);
  const attempts = sum(tried, (row) => row.attempts * row.recipients);
  const recipients = sum(tried, (row) => row.recipients);
  return {
    recipients,
    attempts,
    retries: attempts - recipients,
    attemptsForBounced: sum(
      tried.filter(({ status }) => status === "bounced"),
      (row) => row.attempts * row.recipients,
    ),
    bins: BINS.map(([fromAttempts, toAttempts]) => {
      const inside = tried.filter(
        (row) => row.attempts >= fromAttempts && row.attempts <= (toAttempts ?? row.attempts),
      );
      const byStatus = Object.fromEntries(
        RECIPIENT_STATUSES.map((status) => [
          status,
          sum(
            inside.filter((row) => row.status === status),
            (row) => row.recipients,
          ),
        ]),
      ) as Record<RecipientStatus, number>;
      return { fromAttempts, toAttempts, recipients: sum(inside, (row) => row.recipients), byStatus };
    }),
  };
}
