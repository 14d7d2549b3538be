/** A timeline as threads: what happened to each recipient, or at each host, apart from what happened to the message as a whole. */
import { normaliseAddress } from "../message/address.ts";
import type { LogEvent } from "../parse/events.ts";
import type { TimelineItem } from "./result.ts";

export const THREADS = ["time", "recipient", "host"] as const;
/** What a timeline is sorted into. */
export type Threading = (typeof THREADS)[number];

export interface Thread {
  /** The recipient or the host; null for the message as a whole. */
  readonly name: string | null;
  readonly items: readonly TimelineItem[];
}

/** Whom and which host a line is about; null where it is about the message as a whole, or this server alone. */
export type Concern = Pick<TimelineItem, "recipient" | "host">;

export const NO_CONCERN: Concern = { recipient: null, host: null };

/** A host is the one that was delivered to, or the client; it has its name, else its address. */
export function concernOf(event: LogEvent): Concern {
  const recipient = recipientOf(event);
  return { recipient: recipient === undefined ? null : normaliseAddress(recipient), host: hostOf(event) };
}

function recipientOf(event: LogEvent): string | undefined {
  switch (event.kind) {
    case "delivery":
    case "deferral":
    case "failure":
    case "discard":
      return event.address?.original;
    case "envelope_edit":
      return event.action === "sender_changed" ? undefined : event.address;
    case "error_ignored":
    case "output":
      return event.address;
    case "prdr":
      return event.recipient;
    default:
      return undefined;
  }
}

function hostOf(event: LogEvent): string | null {
  if (!("host" in event) || event.host === undefined) return null;
  const { name, helo, ip } = event.host;
  return name ?? helo ?? ip ?? null;
}

/** The threads in the order in which they begin, that of the message as a whole first; names differ by more than their case. */
export function threadsOf(timeline: readonly TimelineItem[], threading: Exclude<Threading, "time">): readonly Thread[] {
  const threads = new Map<string | null, { name: string | null; items: TimelineItem[] }>([
    [null, { name: null, items: [] }],
  ]);
  for (const item of timeline) {
    const name = item[threading];
    const key = name === null ? null : name.toLowerCase();
    const thread = threads.get(key);
    if (thread === undefined) threads.set(key, { name, items: [item] });
    else thread.items.push(item);
  }
  return [...threads.values()].filter(({ items }) => items.length > 0);
}
