/**
 * Stamps that no clock can have told rightly. A line keeps the time it is stamped with; in what is said of a whole log (the newest
 * line, the time that statistics cover) one such line must not decide for all others.
 */
import { DAY_MS, epochMs } from "../units.ts";

/** A clock may be wrong by so much, and zones differ by less. */
export const CLOCK_TOLERANCE_MS = DAY_MS;

/** The year of the first Exim: what is stamped with an earlier one was written while the clock was not set. */
export const EARLIEST_MS = epochMs(Date.UTC(1995, 0));

/** SQL: true for a time of a log, `ms`, that is more than a day ahead of the clock of the run that read it last, `read`. */
export function isAhead(ms: string, read: string): string {
  return `${ms} > ${read} + ${CLOCK_TOLERANCE_MS}`;
}

/** SQL: a time of a log; one that {@link isAhead} counts as of when it was read. The views `sources` and `servers` say the same. */
export function plausible(ms: string, read: string): string {
  return `CASE WHEN ${isAhead(ms, read)} THEN ${read} ELSE ${ms} END`;
}
