/** Durations: percentiles, counts by range, and percentiles over time. */
import type { DurationCount, StatsCounts, WaitCount } from "../store/stats/counts.ts";
import { SECOND_MS, toIso } from "../units.ts";
import { formatBucket } from "../when.ts";
import type { Buckets } from "./period.ts";
import { sum } from "./totals.ts";

export interface Percentiles {
  readonly p50Seconds: number;
  readonly p90Seconds: number;
  readonly p95Seconds: number;
  readonly p99Seconds: number;
  readonly maxSeconds: number;
}

export interface DurationBin {
  /** Null: longer than all others. */
  readonly upToSeconds: number | null;
  readonly count: number;
}

export interface Durations {
  readonly count: number;
  /** Null when nothing was timed. */
  readonly percentiles: Percentiles | null;
  readonly bins: readonly DurationBin[];
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Upper limits in seconds. */
export const QUEUE_BINS = [
  10,
  MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  3 * DAY,
];
export const DELIVERY_BINS = [0.1, 0.5, 1, 2, 5, 10, 30, MINUTE, 5 * MINUTE, 15 * MINUTE];

/** `rows` are ordered, shortest first. */
export function describeDurations(rows: readonly DurationCount[], limits: readonly number[]): Durations {
  const count = sum(rows, (row) => row.count);
  const bins = limits.map((limit, index) => {
    const above = index === 0 ? Number.NEGATIVE_INFINITY : (limits[index - 1] ?? 0) * SECOND_MS;
    const inside = rows.filter(({ ms }) => ms > above && ms <= limit * SECOND_MS);
    return { upToSeconds: limit, count: sum(inside, (row) => row.count) };
  });
  const longer = count - sum(bins, (bin) => bin.count);
  return { count, percentiles: percentilesOf(rows), bins: [...bins, { upToSeconds: null, count: longer }] };
}

/** By nearest rank: each is a duration that was measured. Null when there is none. `rows` are ordered, shortest first. */
export function percentilesOf(rows: readonly DurationCount[]): Percentiles | null {
  const count = sum(rows, (row) => row.count);
  if (count === 0) return null;
  const at = (percent: number): number => {
    const rank = Math.ceil((percent / 100) * count);
    let passed = 0;
    const found = rows.find((row) => {
      passed += row.count;
      return passed >= rank;
    });
    return (found?.ms ?? 0) / SECOND_MS;
  };
  return { p50Seconds: at(50), p90Seconds: at(90), p95Seconds: at(95), p99Seconds: at(99), maxSeconds: at(100) };
}

/** Messages that arrived in one bucket and are completed; times are null where there is none. */
export interface WaitPoint {
  /** ISO-8601: first moment of the bucket. */
  readonly from: string;
  readonly completed: number;
  readonly p50Seconds: number | null;
  readonly p90Seconds: number | null;
  readonly p99Seconds: number | null;
  readonly maxSeconds: number | null;
}

export interface Waits {
  /** `hour`, `15min`, `day` … */
  readonly bucket: string;
  readonly points: readonly WaitPoint[];
}

export async function computeWaits(counts: StatsCounts, { bucket, edges }: Buckets): Promise<Waits> {
  const found = new Map((await counts.waits(edges)).map((row) => [row.bucket, row]));
  const points = edges.slice(0, -1).map((edge, index) => ({ from: toIso(edge), ...toTimes(found.get(index)) }));
  return { bucket: formatBucket(bucket), points };
}

function toTimes(row: WaitCount | undefined): Omit<WaitPoint, "from"> {
  const seconds = (ms: number | undefined): number | null => (ms === undefined ? null : ms / SECOND_MS);
  return {
    completed: row?.completed ?? 0,
    p50Seconds: seconds(row?.p50),
    p90Seconds: seconds(row?.p90),
    p99Seconds: seconds(row?.p99),
    maxSeconds: seconds(row?.max),
  };
}
