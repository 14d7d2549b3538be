/** Splits a timeline into threads: the lines of each recipient or host, apart from those of the message as a whole. */
import type { TimelineItem } from "../../trace/result.ts";

export const TIMELINE_GROUPINGS = ["time", "recipient", "host"] as const;
/** Groupings of a timeline. */
export type TimelineGrouping = (typeof TIMELINE_GROUPINGS)[number];

export interface TimelineThread {
  /** The recipient or the host; null for the message as a whole. */
  readonly name: string | null;
  readonly items: readonly TimelineItem[];
}

/** The threads in the order in which they begin, that of the message as a whole first; names differ by more than their case. */
export function threadsOf(
  timeline: readonly TimelineItem[],
  grouping: Exclude<TimelineGrouping, "time">,
): readonly TimelineThread[] {
  const threads = new Map<string | null, { name: string | null; items: TimelineItem[] }>([
    [null, { name: null, items: [] }],
  ]);
  for (const item of timeline) {
    const name = item[grouping];
    const key = name === null ? null : name.toLowerCase();
    const thread = threads.get(key);
    if (thread === undefined) threads.set(key, { name, items: [item] });
    else thread.items.push(item);
  }
  return [...threads.values()].filter(({ items }) => items.length > 0);
}
