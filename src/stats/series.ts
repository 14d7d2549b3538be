/** Traffic over time: one row a bucket, empty buckets included. */
import { toIso } from "../units.ts";
import { formatBucket } from "../when.ts";
import type { Figures } from "./figures.ts";
import { type Buckets, bucketFinder } from "./period.ts";

export interface SeriesPoint {
  /** ISO-8601: first moment of the bucket. */
  readonly from: string;
  /** Messages that arrived. */
  readonly received: number;
  /** Their sizes. */
  readonly bytes: number;
  /** Attempts, by recipient. */
  readonly delivered: number;
  readonly deferred: number;
  readonly bounced: number;
  /** Rejections, temporary ones too. */
  readonly rejected: number;
}

export interface Series {
  /** `hour`, `15min`, `day` … */
  readonly bucket: string;
  readonly points: readonly SeriesPoint[];
}

type Figure = Exclude<keyof SeriesPoint, "from">;

const FIGURE_OF = { delivered: "delivered", deferred: "deferred", bounced: "bounced" } as const;

export async function computeSeries(figures: Figures, buckets: Buckets): Promise<Series> {
  const points = buckets.edges.slice(0, -1).map((edge) => ({
    from: toIso(edge),
    received: 0,
    bytes: 0,
    delivered: 0,
    deferred: 0,
    bounced: 0,
    rejected: 0,
  }));
  const find = bucketFinder(buckets, figures.slotMs);
  const add = (slot: number, figure: Figure, count: number): void => {
    const point = points[find(slot) ?? -1];
    if (point !== undefined) point[figure] += count;
  };
  for (const { slot, messages, bytes } of await figures.messages()) {
    add(slot, "received", messages);
    add(slot, "bytes", bytes);
  }
  for (const { slot, outcome, isAttempt, events } of await figures.events()) {
    if (isAttempt && outcome in FIGURE_OF) add(slot, FIGURE_OF[outcome as keyof typeof FIGURE_OF], events);
  }
  for (const { slot, rejections } of await figures.rejections()) add(slot, "rejected", rejections);
  return { bucket: formatBucket(buckets.bucket), points };
}
