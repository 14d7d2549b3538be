/** Describes what was not read, and how certain that is. */
import type { EpochMs } from "../units.ts";

/**
 * - `whole`: queue runs came at most an hour apart, and none that was due is missing. A shorter hole between two of them is not seen.
 * - `partial`: holes are known. `none`: nothing of the time was read. `unknown`: the log has no rhythm that could tell.
 */
export type CoverageState = "whole" | "partial" | "none" | "unknown";

/**
 * - `queue-runs`: queue runs were due. `arrivals`: messages were delivered whose arrival was not read. `ends`: messages arrived, and
 *   nothing more was read of them. `rejections`: the other log of the server has rejections that this one lacks.
 * - `outside`: nothing was read before or after. `pruned`: prune has taken the lines away; messages of the time may be left.
 */
export type HoleEvidence = "queue-runs" | "arrivals" | "ends" | "rejections" | "outside" | "pruned";

export interface CoverageHole {
  readonly server: string;
  readonly logType: "main" | "reject";
  /** ISO-8601: between these two moments. */
  readonly from: string;
  readonly until: string;
  readonly evidence: HoleEvidence;
  /** Heartbeats, messages or rejections that tell of it. */
  readonly count: number;
  /** Between two queue runs; null where the log has no rhythm. */
  readonly rhythmSeconds: number | null;
  /** Paths of the logs that end where it begins, and begin where it ends; null within a log. */
  readonly previousPath: string | null;
  readonly nextPath: string | null;
  /** Exim was started at its end: it may not have run. */
  readonly endsWithStart: boolean;
}

export interface LogCoverage {
  readonly server: string;
  readonly logType: "main" | "reject";
  readonly state: CoverageState;
  /** Between two queue runs at the end of the log; null without a rhythm. */
  readonly rhythmSeconds: number | null;
  /**
   * ISO-8601: the longest time without a line, of an hour at least, where no rhythm tells whether it is a hole; from the last line
   * before it to the first one behind it. Null else.
   */
  readonly silentFrom: string | null;
  readonly silentUntil: string | null;
  /** No line at all of the time that is judged: nothing was logged, or it was not read. */
  readonly isSilent: boolean;
}

export interface Coverage {
  readonly state: CoverageState;
  /** ISO-8601: the time that is judged; null when nothing is stored. */
  readonly from: string | null;
  readonly until: string | null;
  readonly logs: readonly LogCoverage[];
  /** By server and time. */
  readonly holes: readonly CoverageHole[];
}

/** A hole while it is looked for. */
export interface Hole {
  readonly logType: "main" | "reject";
  readonly from: EpochMs;
  readonly until: EpochMs;
  readonly evidence: HoleEvidence;
  readonly count: number;
  readonly rhythmMs: number | undefined;
}

const RANK: Readonly<Record<HoleEvidence, number>> = {
  pruned: 0,
  outside: 0,
  "queue-runs": 1,
  arrivals: 2,
  ends: 3,
  rejections: 4,
};

/** Joins holes of one log that touch: what one evidence tells, another need not tell again. */
export function joinHoles(holes: readonly Hole[]): Hole[] {
  const joined: Hole[] = [];
  for (const hole of holes.toSorted((one, other) => one.from - other.from || one.until - other.until)) {
    const same = joined.findLastIndex(({ logType, until }) => logType === hole.logType && until >= hole.from);
    const known = joined[same];
    if (known === undefined) joined.push(hole);
    else {
      const best = RANK[known.evidence] <= RANK[hole.evidence] ? known : hole;
      const count = known.evidence === hole.evidence ? known.count + hole.count : best.count;
      const until = Math.max(known.until, hole.until) as EpochMs;
      joined[same] = { ...best, from: known.from, until, count };
    }
  }
  return joined;
}

/** The part of a time that holes leave, in milliseconds. */
export function leftBeside(holes: readonly Hole[], from: EpochMs, until: EpochMs): number {
  const lost = joinHoles(holes.map((hole) => ({ ...hole, logType: "main" as const })));
  return lost.reduce(
    (left, hole) => left - Math.max(Math.min(hole.until, until) - Math.max(hole.from, from), 0),
    until - from,
  );
}
