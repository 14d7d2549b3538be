/** The rhythm of a heartbeat, and where it fails: pure arithmetic over instants. */
import { type EpochMs, epochMs, MINUTE_MS } from "../units.ts";

/** Two heartbeats between which others were due. */
export interface SilentGap {
  readonly from: EpochMs;
  readonly until: EpochMs;
  /** Between two heartbeats around it. */
  readonly rhythmMs: number;
}

export interface Rhythm {
  /** The longest distance, of a gap too; undefined when there are too few heartbeats. */
  readonly slowestMs: number | undefined;
  /** At the end of the log. */
  readonly lastMs: number | undefined;
  readonly gaps: readonly SilentGap[];
}

/** Fewer say nothing about a rhythm. */
const FEWEST_BEATS = 8;
/** Distances on each side that are looked at: queue runs begin and end, and others come between them. */
const NEIGHBOURS = 16;
/** A heartbeat that is due twice and did not come makes a distance of two. */
const LATE = 1.45;
const LEAST_RHYTHM_MS = MINUTE_MS;

/**
 * Finds distances that are too long for those around them. A rhythm may change for good: of the two sides the slower one counts.
 * `from` and `until`: the first and last line of the log.
 */
export function findRhythm(beats: readonly EpochMs[], from: EpochMs, until: EpochMs): Rhythm {
  if (beats.length < FEWEST_BEATS) return { slowestMs: undefined, lastMs: undefined, gaps: [] };
  const edges = [from, ...beats.filter((beat) => beat >= from && beat <= until), until];
  const distances = edges.slice(1).map((edge, index) => edge - (edges[index] ?? edge));
  const last = distances.length - 1;
  const gaps: SilentGap[] = [];
  let slowestMs = 0;
  distances.forEach((distance, index) => {
    // NOTE: the first and the last reach to an end of the log, which is no heartbeat: they are shorter than the rhythm.
    const before = distances.slice(Math.max(1, index - NEIGHBOURS), Math.max(1, index));
    const after = distances.slice(index + 1, Math.min(index + 1 + NEIGHBOURS, last));
    const usual = Math.max(usualOf(before), usualOf(after), LEAST_RHYTHM_MS);
    const rhythmMs = distance >= usual * LATE ? commonOf([...before, ...after]) : undefined;
    if (rhythmMs !== undefined)
      gaps.push({ from: edges[index] ?? from, until: edges[index + 1] ?? until, rhythmMs: roundToMinutes(rhythmMs) });
    if (index > 0 && index < last) slowestMs = Math.max(slowestMs, distance);
  });
  const ending = distances.slice(Math.max(1, last - NEIGHBOURS), last);
  const isRegular = commonOf(ending) !== undefined;
  return { slowestMs, lastMs: isRegular ? Math.max(usualOf(ending), LEAST_RHYTHM_MS) : undefined, gaps };
}

/** Distances that differ by more are not of one rhythm. */
const ALIKE = 0.1;
const FEWEST_ALIKE = 3;
const ALIKE_SHARE = 0.4;
/** A part of the longest; what is shorter lies between a queue run's beginning and its end. */
const SHORT = 0.1;

/** The distance that many are alike to; undefined when queue runs are started by hand now and then. */
function commonOf(distances: readonly number[]): number | undefined {
  const longest = Math.max(...distances, LEAST_RHYTHM_MS);
  const long = distances.filter((distance) => distance >= longest * SHORT).sort((one, other) => one - other);
  let [common, most] = [0, 0];
  for (const distance of long) {
    const alike = long.filter((other) => Math.abs(other - distance) <= distance * ALIKE).length;
    if (alike >= most) [common, most] = [distance, alike];
  }
  return most >= FEWEST_ALIKE && most >= long.length * ALIKE_SHARE ? common : undefined;
}

/** The second longest: one that is too long itself does not decide, and short ones say nothing. */
function usualOf(distances: readonly number[]): number {
  const sorted = distances.toSorted((one, other) => other - one);
  return (sorted.length > 3 ? sorted[1] : sorted[0]) ?? 0;
}

function roundToMinutes(ms: number): number {
  return Math.max(Math.round(ms / MINUTE_MS), 1) * MINUTE_MS;
}

/** A heartbeat comes a little early or late; nearer to the end of a gap than this part of the rhythm none was due. */
const SLACK = 0.4;

/** The next moment after `after` at which a heartbeat was due in a gap; undefined when there is none. */
export function nextDue({ from, until, rhythmMs }: SilentGap, after: EpochMs): EpochMs | undefined {
  const steps = Math.floor((after - from) / rhythmMs) + 1;
  const at = from + Math.max(steps, 1) * rhythmMs;
  return at <= until - rhythmMs * SLACK ? epochMs(at) : undefined;
}
