/** `trace --follow`: the page of a message, then each line that comes, until the message has ended. */
import { setTimeout as pause } from "node:timers/promises";
import { formatTime } from "../../render/form/format.ts";
import { renderHanging } from "../../render/form/layout.ts";
import { toVisible, toVisibleLine } from "../../render/form/terminal-text.ts";
import { renderTailLine } from "../../render/tail-line.ts";
import type { MessageKey } from "../../store/read/message-reader.ts";
import type { Reader } from "../../store/reader.ts";
import type { TimelineItem, Trace } from "../../trace/result.ts";
import { traceAll } from "../../trace/trace.ts";
import { SECOND_MS } from "../../units.ts";
import { notesFor } from "../account.ts";
import { type DatabaseFlags, screenOf, usingReader } from "../context.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";

/** Interval at which new lines are looked for. */
export const LOOK_MS = SECOND_MS;
/** Where all recipients are decided, Exim writes `Completed` at once, unless it has others that it did not name. */
const LOOKS_FOR_COMPLETED = 10;

/** Prints the page of the message, or with `--json` its answer. */
export type PrintTrace = (reader: Reader, trace: Trace) => void;

interface FollowFlags extends DatabaseFlags {
  readonly raw?: boolean;
  readonly redact?: boolean;
  readonly json?: boolean;
}

/** Opens the database for each look, so that one that has taken its place is read from then on. With `--json` the answer comes at the end. */
export async function followMessage(key: MessageKey, print: PrintTrace, flags: FollowFlags, io: Io): Promise<void> {
  const isJson = flags.json === true;
  let shown: Trace | undefined;
  let [newestId, quietLooks, isDone] = [-1, 0, false];
  while (!io.signal.aborted) {
    quietLooks++;
    await usingReader(flags, io, async (reader) => {
      const id = reader.newest.newestId();
      const isOver = shown !== undefined && isDecided(shown) && quietLooks >= LOOKS_FOR_COMPLETED;
      if (id === newestId && !isOver) return;
      newestId = id;
      const row = (await reader.messages.find(key.id)).find(({ server }) => server === key.server);
      const [trace] = row === undefined ? [] : await traceAll(reader, [row], formatTime, notesFor(flags, io));
      if (trace === undefined) return;
      const added = shown === undefined ? [] : addedSince(shown.timeline, trace.timeline);
      if (added.length > 0) quietLooks = 0;
      if (!isJson && shown === undefined) print(reader, trace);
      if (!isJson && added.length > 0) io.stdout.write(renderAdded(added, trace, flags, io));
      const hasEnded = isEnded(trace) || isOver;
      if (hasEnded && isJson) print(reader, trace);
      else if (hasEnded && shown !== undefined) io.stdout.write(renderVerdict(trace, flags, io));
      shown = trace;
      isDone = hasEnded;
    });
    if (isDone) return;
    await pause(LOOK_MS, undefined, { signal: io.signal }).catch(() => {});
  }
}

/** No line can change what became of it. */
function isEnded({ message }: Trace): boolean {
  return message.completedAt !== null || ["rejected", "removed", "discarded"].includes(message.status);
}

/** All recipients that are known have been delivered to or failed. */
function isDecided({ recipients }: Trace): boolean {
  return (
    recipients.length > 0 && recipients.every(({ status }) => !["pending", "deferred", "unknown"].includes(status))
  );
}

/** Lines that were not there, in the order of time: another log may tell of an earlier one. */
function addedSince(before: readonly TimelineItem[], now: readonly TimelineItem[]): readonly TimelineItem[] {
  const known = new Map<string, number>();
  for (const item of before) known.set(nameOf(item), (known.get(nameOf(item)) ?? 0) + 1);
  return now.filter((item) => {
    const count = known.get(nameOf(item)) ?? 0;
    known.set(nameOf(item), count - 1);
    return count <= 0;
  });
}

function nameOf({ timestamp, event, raw, text }: TimelineItem): string {
  return JSON.stringify([timestamp, event, raw ?? text]);
}

function renderAdded(added: readonly TimelineItem[], { message }: Trace, flags: FollowFlags, io: Io): string {
  const screen = screenOf(io);
  return redactor(
    flags,
    io,
  )({ timeline: added })
    .timeline.map((item) => {
      if (flags.raw === true && item.raw !== null) return `${toVisible(item.raw)}\n`;
      const timestamp = item.timestamp === null ? undefined : formatTime(item.timestamp, message.timeZone);
      return renderTailLine({ timestamp, place: undefined, messageId: undefined, description: item }, screen);
    })
    .join("");
}

function renderVerdict(trace: Trace, flags: FollowFlags, io: Io): string {
  const { verdict } = redactor(flags, io)(trace);
  const { columns, paint } = screenOf(io);
  return `\n${renderHanging("", paint.strong(toVisibleLine(verdict)), 0, columns)}\n`;
}
