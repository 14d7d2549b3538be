/** How a queue did over time, from the snapshots that were kept. Pure. */
import type { KeptLook } from "../store/read/look-reader.ts";
import { type EpochMs, HOUR_MS, toIso } from "../units.ts";
import type { Bucket } from "../when.ts";
import { formatBucket } from "../when.ts";

export interface HistoryPoint {
  /** ISO-8601: first moment of the bucket. */
  readonly from: string;
  /** Snapshots within the bucket; without any the figures are null. */
  readonly looks: number;
  /** Messages at the last snapshot. Of a domain null when it was not among the twenty that most waited for. */
  readonly messages: number | null;
  /** The most at any snapshot. */
  readonly most: number | null;
  readonly frozen: number | null;
  readonly bytes: number | null;
  /** Age of the oldest message at the last snapshot. */
  readonly oldestSeconds: number | null;
  /** Messages that no snapshot before had seen; null of a domain. */
  readonly came: number | null;
  /** Messages that were no longer seen; null of a domain. */
  readonly went: number | null;
  /** Some of its snapshots could not read everything. */
  readonly isPartial: boolean;
}

export interface QueueHistory {
  readonly server: string;
  /** Null: all that waited. */
  readonly domain: string | null;
  readonly since: string;
  readonly until: string;
  /** `hour`, `15min`, `day` … */
  readonly bucket: string;
  readonly looks: number;
  /** Messages at the first snapshot and at the last one. */
  readonly first: number | null;
  readonly last: number | null;
  /** By how much it grew an hour, between the first snapshot and the last; null between snapshots less than a minute apart. */
  readonly growthPerHour: number | null;
  /** Messages an hour that no snapshot before had seen; null of a domain. Those that came and left between two snapshots are not among them. */
  readonly camePerHour: number | null;
  readonly wentPerHour: number | null;
  readonly points: readonly HistoryPoint[];
}

const SHORTEST_SPAN_MS = 60_000;

/** `edges`: where the buckets begin, and where the last one ends. `looks` in the order of time. */
export function toHistory(
  looks: readonly KeptLook[],
  request: {
    readonly server: string;
    readonly domain: string | undefined;
    readonly bucket: Bucket;
    readonly edges: readonly EpochMs[];
  },
): QueueHistory {
  const { server, domain, bucket, edges } = request;
  const [firstLook, lastLook] = [looks[0], looks.at(-1)];
  const spanMs = firstLook === undefined || lastLook === undefined ? 0 : lastLook.at - firstLook.at;
  const perHour = (count: number | null): number | null =>
    count === null || spanMs < SHORTEST_SPAN_MS ? null : round((count * HOUR_MS) / spanMs);
  const [first, last] = [firstLook?.messages ?? null, lastLook?.messages ?? null];
  const later = looks.slice(1);
  const isWhole = domain === undefined;
  return {
    server,
    domain: domain ?? null,
    since: toIso(edges[0] ?? (0 as EpochMs)),
    until: toIso(edges.at(-1) ?? (0 as EpochMs)),
    bucket: formatBucket(bucket),
    looks: looks.length,
    first,
    last,
    growthPerHour: perHour(first === null || last === null ? null : last - first),
    // Messages that the first snapshot found came before it.
    camePerHour: perHour(isWhole ? sum(later, ({ came }) => came) : null),
    wentPerHour: perHour(isWhole ? sum(later, ({ went }) => went) : null),
    points: toPoints(looks, edges, isWhole),
  };
}

function toPoints(looks: readonly KeptLook[], edges: readonly EpochMs[], isWhole: boolean): readonly HistoryPoint[] {
  let next = 0;
  return edges.slice(0, -1).map((from, index) => {
    const end = edges[index + 1] ?? from;
    const start = next;
    while (next < looks.length && (looks[next]?.at ?? end) < end) next++;
    return toPoint(from, looks.slice(start, next), isWhole);
  });
}

function toPoint(from: EpochMs, looks: readonly KeptLook[], isWhole: boolean): HistoryPoint {
  const last = looks.at(-1);
  const known = looks.flatMap(({ messages }) => (messages === null ? [] : [messages]));
  return {
    from: toIso(from),
    looks: looks.length,
    messages: last?.messages ?? null,
    most: known.length === 0 ? null : known.reduce((most, count) => Math.max(most, count)),
    frozen: last?.frozen ?? null,
    bytes: last?.bytes ?? null,
    oldestSeconds:
      last === undefined || last.oldestAt === null ? null : Math.max(0, Math.floor((last.at - last.oldestAt) / 1000)),
    came: isWhole && last !== undefined ? sum(looks, ({ came }) => came) : null,
    went: isWhole && last !== undefined ? sum(looks, ({ went }) => went) : null,
    isPartial: looks.some(({ isComplete }) => !isComplete),
  };
}

function sum(looks: readonly KeptLook[], countOf: (look: KeptLook) => number): number {
  return looks.reduce((total, look) => total + countOf(look), 0);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
