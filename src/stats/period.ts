/** The time that figures are about: what was asked for, and what of it the logs cover. */

import type { StatsFilter } from "../store/stats/selection.ts";
import type { Overview } from "../store/stats/stats-reader.ts";
import { type EpochMs, epochMs, HOUR_MS, MINUTE_MS } from "../units.ts";
import { type Bucket, bucketEdges, chooseBucket, shiftDays } from "../when.ts";

/** Earlier times to compare with: the same length just before, or the same time of the day or week before. */
export const COMPARISONS = ["previous", "day", "week"] as const;
export type Comparison = (typeof COMPARISONS)[number];

export interface Period {
  /** First moment that is asked for and covered; undefined when nothing is. */
  readonly from: EpochMs | undefined;
  /** The moment after the last one. */
  readonly until: EpochMs | undefined;
}

export function coveredPeriod({ since, until }: StatsFilter, overview: Overview): Period {
  const nothing = { from: undefined, until: undefined };
  if (overview.from === null || overview.until === null) return nothing;
  const first = Math.max(Date.parse(overview.from), since ?? Number.NEGATIVE_INFINITY);
  const end = Math.min(Date.parse(overview.until) + 1, until ?? Number.POSITIVE_INFINITY);
  return first < end ? { from: epochMs(first), until: epochMs(end) } : nothing;
}

type Asked = StatsFilter & { readonly since: EpochMs; readonly until: EpochMs };

export function shiftFilter(filter: Asked, by: Comparison, timeZone: string): StatsFilter {
  const { since, until } = filter;
  return {
    ...filter,
    since: shiftMoment(since, filter, by, timeZone),
    until: shiftMoment(until, filter, by, timeZone),
  };
}

/** The moment of the other time that one of this time is compared with. */
export function shiftMoment(at: EpochMs, { since, until }: Asked, by: Comparison, timeZone: string): EpochMs {
  if (by === "previous") return epochMs(at - (until - since));
  return shiftDays(at, by === "day" ? -1 : -7, timeZone);
}

export interface Buckets {
  readonly bucket: Bucket;
  /** First moment of each, and the first after the last; empty when nothing is covered. */
  readonly edges: readonly EpochMs[];
}

/** Longer than any screen, shorter than what makes a page slow. */
const MOST_BUCKETS = 10_000;
const MOST_CHOSEN_BUCKETS = 60;

/** Undefined when so small a bucket would cut the period into too many. */
export function cutIntoBuckets(
  { from, until }: Period,
  wanted: Bucket | undefined,
  timeZone: string,
): Buckets | undefined {
  if (from === undefined || until === undefined) return { bucket: wanted ?? "day", edges: [] };
  const bucket = wanted ?? chooseBucket(from, until, MOST_CHOSEN_BUCKETS);
  const edges = bucketEdges(bucket, from, until, timeZone, MOST_BUCKETS);
  return edges === undefined ? undefined : { bucket, edges };
}

const SLOTS_MS = [HOUR_MS, 15 * MINUTE_MS];

/** The pieces that are counted: as large as fits into all buckets. Zones are apart from one another by whole minutes. */
export function slotMsOf({ edges }: Buckets): number {
  return SLOTS_MS.find((size) => edges.every((edge) => edge % size === 0)) ?? MINUTE_MS;
}

/** The number of the bucket that a slot is in; undefined for one outside. */
export function bucketFinder({ edges }: Buckets, slotMs: number): (slot: number) => number | undefined {
  return (slot) => {
    const at = slot * slotMs;
    let low = 0;
    let high = edges.length - 1;
    // The edges of a time that is compared may lie within slots; and it may continue where this one has no lines yet.
    if (high < 1 || at + slotMs <= (edges[0] ?? 0) || at >= (edges[high] ?? 0)) return undefined;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((edges[middle] ?? 0) <= at) low = middle;
      else high = middle;
    }
    return low;
  };
}
