/**
 * Stamps that a clock can have told. A line keeps the time it is stamped with. One line stamped by a wrong clock must not decide
 * what is said of a whole log. That is its newest line, the time that statistics cover, and what is old enough to go.
 */
import { DAY_MS, type EpochMs, epochMs } from "../../units.ts";

/** Time zones and clocks that differ explain no more. */
const CLOCK_TOLERANCE_MS = DAY_MS;

/** Exim's first release is of that year: an earlier stamp was written while the clock was not set. */
export const EARLIEST_MS = epochMs(Date.UTC(1995, 0, 1));

/** First and last stamp that a line read by now can truly have. */
export interface PlausibleTime {
  readonly fromMs: EpochMs;
  readonly toMs: EpochMs;
}

export function plausibleTime(now: EpochMs): PlausibleTime {
  return { fromMs: EARLIEST_MS, toMs: epochMs(now + CLOCK_TOLERANCE_MS) };
}

/** SQL: whether an expression, epoch milliseconds, is plausible; null for null. */
export function isPlausible(expression: string, { fromMs, toMs }: PlausibleTime): string {
  return `${expression} BETWEEN ${fromMs} AND ${toMs}`;
}

/** SQL: true for a time `ms` of a log that is more than a day ahead of `read`, the clock of its last run. */
export function isAhead(ms: string, read: string): string {
  return `${ms} > ${read} + ${CLOCK_TOLERANCE_MS}`;
}

/** SQL: a time of a log; one that {@link isAhead} counts as of when it was read. The views `sources` and `servers` say the same. */
export function plausible(ms: string, read: string): string {
  return `CASE WHEN ${isAhead(ms, read)} THEN ${read} ELSE ${ms} END`;
}
