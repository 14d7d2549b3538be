/**
 * Stamps that a clock can have told. A line stamped far ahead of the machine's clock, or before there was Exim, was written by a clock
 * that was wrong: one such line must not decide what is old or new. It counts as of when it was read.
 */
import { DAY_MS, type EpochMs, epochMs } from "../units.ts";

/** Time zones and clocks that differ explain no more. */
const MOST_AHEAD_MS = DAY_MS;
/** Exim's first release is of that year. */
const EARLIEST_MS = epochMs(Date.UTC(1995, 0, 1));

/** First and last stamp, epoch milliseconds, that a line read by now can truly have. */
export interface PlausibleTime {
  readonly fromMs: EpochMs;
  readonly toMs: EpochMs;
}

export function plausibleTime(now: EpochMs): PlausibleTime {
  return { fromMs: EARLIEST_MS, toMs: epochMs(now + MOST_AHEAD_MS) };
}

/** SQL: whether an expression, epoch milliseconds, is plausible; null for null. */
export function isPlausible(expression: string, { fromMs, toMs }: PlausibleTime): string {
  return `${expression} BETWEEN ${fromMs} AND ${toMs}`;
}
