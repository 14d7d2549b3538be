/** How long a log may be silent before something is wrong: pure arithmetic over instants at which it was not. */
import { firstAfter } from "../sorted.ts";
import { DAY_MS, type EpochMs, HOUR_MS, WEEK_MS } from "../units.ts";

/** Weeks before the newest line that tell what is usual. */
const WEEKS = 4;
/** Where the log is too young for weeks, so many days tell. */
const DAYS = 7;
/** A silence that was usual is waited for three times. */
const PATIENCE = 3;
const LEAST_MS = HOUR_MS;

/** How far back {@link allowedSilence} looks. */
export const SILENCE_LOOKBACK_MS = WEEKS * WEEK_MS + DAY_MS;

/**
 * Returns for how many ms a log may be silent after its newest line, `last`: three times what is usual at that hour of the week, and an
 * hour at least. Usual is the middle one of the longest silences that began or lasted in that hour in the four weeks before; so one
 * outage among them does not count. In a younger log the days before tell instead. `activity`: instants with lines, in their order.
 */
export function allowedSilence(activity: readonly EpochMs[], last: EpochMs): number {
  const weekly = longestAt(activity, last, WEEK_MS, WEEKS);
  const longest = weekly.length > 1 ? weekly : longestAt(activity, last, DAY_MS, DAYS);
  return Math.max(LEAST_MS, PATIENCE * (middleOf(longest) ?? 0));
}

/** The longest silence around each of the instants `period`, 2 × `period` … before `last` that the log reaches back to. */
function longestAt(activity: readonly EpochMs[], last: EpochMs, period: number, count: number): number[] {
  const [first] = activity;
  if (first === undefined) return [];
  const found: number[] = [];
  for (let step = 1; step <= count; step++) {
    const hour = last - step * period - HOUR_MS / 2;
    if (hour >= first) found.push(longestWithin(activity, hour, hour + HOUR_MS));
  }
  return found;
}

/** The longest distance of two neighbours of which a part lies within. */
function longestWithin(activity: readonly EpochMs[], from: number, until: number): number {
  let longest = 0;
  for (let index = firstAfter(activity, from); index < activity.length; index++) {
    const [before, after] = [activity[index - 1], activity[index]];
    if (before === undefined || after === undefined) continue;
    longest = Math.max(longest, after - before);
    if (after >= until) break;
  }
  return longest;
}

/** Returns the median; the shorter one of the two in the middle when their number is even. */
function middleOf(lengths: readonly number[]): number | undefined {
  return lengths.toSorted((one, other) => one - other)[(lengths.length - 1) >> 1];
}
