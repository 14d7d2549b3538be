/** Renders the timeline of a message in order; repeated waits are shown once. */
import type { LogEvent } from "../../parse/events.ts";
import type { RetryCause, TimelineItem, Trace, TracedMessage } from "../../trace/result.ts";
import { formatSeconds, formatTime } from "../form/format.ts";
import { renderHanging } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { toVisibleLine } from "../form/terminal-text.ts";
import { type TimelineGrouping, type TimelineThread, threadsOf } from "./threads.ts";
import { pointingUp } from "./told-once.ts";

/** Two blanks, a stamp, two blanks, a flag, two blanks. */
const TEXT_COLUMN = 27;
const STAMP_LENGTH = 19;
/** Length of the date in a stamp, with the blank after it. */
const DAY_LENGTH = 11;

export interface TimelineOptions {
  readonly columns: number;
  readonly paint: Paint;
  readonly grouping: TimelineGrouping;
}

export function renderTimeline(trace: Trace, { columns, paint, grouping }: TimelineOptions): string {
  const { message } = trace;
  const timeline = withNotes(trace);
  const title = grouping === "time" ? "Timeline" : `Timeline by ${grouping}`;
  const heading = `${paint.strong(title)} ${paint.faint(`(${message.timeZone})`)}`;
  const page = { message, shorten: pointingUp(trace), paint, columns };
  if (grouping === "time") return `${heading}\n${renderItems(timeline, page)}`;
  const threads = threadsOf(timeline, grouping).map(
    (thread) =>
      `${renderHanging("  ", paint.strong(nameOf(thread, grouping)), 2, columns)}\n${renderItems(thread.items, page)}`,
  );
  return `${heading}\n${threads.join("\n\n")}`;
}

/** Kind of an item that no log states. */
const NOTE = "note";

/** The timeline with the notes in their places. A line without a stamp stays behind the one above it. */
function withNotes({ timeline, notes }: Trace): readonly TimelineItem[] {
  if (notes.length === 0) return timeline;
  const items: TimelineItem[] = [];
  let next = 0;
  const addUntil = (time: string): void => {
    for (let note = notes[next]; note !== undefined && note.createdAt < time; note = notes[++next])
      items.push(toItem(note));
  };
  for (const item of timeline) {
    if (item.timestamp !== null) addUntil(item.timestamp);
    items.push(item);
  }
  return [...items, ...notes.slice(next).map(toItem)];
}

function toItem({ author, createdAt, isPublic }: Trace["notes"][number]): TimelineItem {
  return {
    timestamp: createdAt,
    event: NOTE,
    seenIn: ["main"],
    recipient: null,
    host: null,
    retryCause: null,
    raw: null,
    mark: "✎",
    text: `${isPublic ? "note" : "private note"} by ${author}`,
    tone: "plain",
  };
}

function nameOf({ name }: TimelineThread, grouping: TimelineGrouping): string {
  if (name !== null) return toVisibleLine(name);
  return grouping === "recipient" ? "The message as a whole" : "On this server";
}

interface TimelinePage {
  readonly message: Pick<TracedMessage, "id" | "timeZone">;
  /** Leaves out an error that stands above. */
  readonly shorten: (text: string) => string;
  readonly paint: Paint;
  readonly columns: number;
}

function renderItems(items: readonly TimelineItem[], { message, shorten, paint, columns }: TimelinePage): string {
  const { id, timeZone } = message;
  const stamp = (item: Pick<TimelineItem, "timestamp">): string =>
    item.timestamp === null ? "" : formatTime(item.timestamp, timeZone);
  let day = "";
  const repetitions = groupRepetitions(items);
  const visible = new Set(repetitions.flatMap(({ first, last }) => [first, last]));
  const lines = repetitions.map(({ before, first, last, count }) => {
    const time = stamp(first);
    const isSameDay = time.slice(0, DAY_LENGTH) === day;
    day = time.slice(0, DAY_LENGTH);
    const shown = isSameDay ? " ".repeat(DAY_LENGTH) + time.slice(DAY_LENGTH) : time;
    const label = `  ${paint.faint(shown.padEnd(STAMP_LENGTH))}  ${first.mark.padEnd(2)}  `;
    const logs = first.seenIn.includes("main") ? "" : ` (${first.seenIn.join(", ")} log)`;
    const repeated = count === 1 ? "" : ` (${count} times until ${stamp(last)})`;
    const cause = describeCause(first, id, stamp) + describeLastCause(first, last, stamp);
    // NOTE: a wait since one of several repetitions, whose time is not shown, would seem to be one since another line.
    const gap = before !== undefined && visible.has(before) ? describeGap(before, first) : "";
    const line = renderHanging(
      label,
      paint[first.tone](toVisibleLine(shorten(first.text) + cause + logs + repeated)),
      TEXT_COLUMN,
      columns,
    );
    return gap === "" ? line : `${" ".repeat(TEXT_COLUMN)}${paint.faint(gap)}\n${line}`;
  });
  return lines.join("\n");
}

/** Less than this is no wait. */
const LEAST_GAP_SECONDS = 60;

/** `49 min 29 s later` */
function describeGap(before: TimelineItem, { timestamp }: TimelineItem): string {
  if (before.timestamp === null || timestamp === null) return "";
  const seconds = (Date.parse(timestamp) - Date.parse(before.timestamp)) / 1000;
  return seconds < LEAST_GAP_SECONDS ? "" : `${formatSeconds(seconds)} later`;
}

/** Describes the failed try that made Exim wait. */
function describeCause({ retryCause }: TimelineItem, id: string, stamp: (item: RetryCause) => string): string {
  if (retryCause === null) return "";
  const { messageId, recipient, host, error } = retryCause;
  if (messageId === id) return `; the wait was set by the try at ${stamp(retryCause)}`;
  const at = host === null ? "" : ` at ${host}`;
  const why = error === null ? "" : `: ${error}`;
  return `; the wait was set at ${stamp(retryCause)} by ${messageId}, for ${recipient}${at}${why}`;
}

/** Describes the last of the tries behind waits that are shown as one. */
function describeLastCause(first: TimelineItem, last: TimelineItem, stamp: (item: RetryCause) => string): string {
  const { retryCause } = last;
  if (retryCause === null || retryCause.timestamp === first.retryCause?.timestamp) return "";
  return `, the last by that at ${stamp(retryCause)}`;
}

interface Repetition {
  /** The line before the first, whatever it is shown with. */
  readonly before: TimelineItem | undefined;
  readonly first: TimelineItem;
  last: TimelineItem;
  count: number;
}

/** Kinds of lines after which a message is another than before. */
const STEPS: ReadonlySet<string> = new Set([
  "arrival",
  "cancelled",
  "completed",
  "delivery",
  "discard",
  "envelope_edit",
  "failure",
  "frozen",
  "not_accepted",
  "queued",
  "recipients_ignored",
  "rejection",
  "removed",
  "thawed",
] satisfies LogEvent["kind"][]);

/**
 * While a message waits, every queue run says the same of it: `Message is frozen`, the same deferral for the same recipient.
 * Such lines are shown once, until something else happens.
 */
function groupRepetitions(timeline: readonly TimelineItem[]): readonly Repetition[] {
  const groups: Repetition[] = [];
  const waiting = new Map<string, Repetition>();
  for (const [index, item] of timeline.entries()) {
    const isStep = STEPS.has(item.event);
    if (isStep) waiting.clear();
    const group = isStep ? undefined : waiting.get(item.text);
    if (group !== undefined) {
      group.last = item;
      group.count++;
      continue;
    }
    const added = { before: timeline[index - 1], first: item, last: item, count: 1 };
    groups.push(added);
    if (!isStep && item.event !== NOTE) waiting.set(item.text, added);
  }
  return groups;
}
