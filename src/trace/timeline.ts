/** The lines about a message, in order, each with what it says. */
import { normaliseAddress } from "../message/address.ts";
import type { MessageStatus } from "../message/statuses.ts";
import type { Rejection } from "../parse/events.ts";
import { type ParsedEntry, parseEntryText } from "../parse/record.ts";
import type { EntryRow } from "../store/read/message-reader.ts";
import { decodeLines } from "../text.ts";
import { describeEvent } from "./describe-event.ts";
import { NO_TARGET, targetOf } from "./line-target.ts";
import type { RetryCause, TimelineItem } from "./result.ts";

/** A line about the message; undefined parts when its text has been pruned. */
export interface ReadEntry {
  readonly row: EntryRow;
  readonly parsed: ParsedEntry | undefined;
}

export function readEntries(rows: readonly EntryRow[]): readonly ReadEntry[] {
  return rows.map((row) => ({ row, parsed: row.bytes === undefined ? undefined : parseEntryText(row.bytes) }));
}

/** `taken`: the entries of hosts that took the message all the same. */
export function toTimelineItem(
  { row, parsed }: ReadEntry,
  retryCause: RetryCause | null,
  taken: ReadonlySet<number>,
): TimelineItem {
  const { timestamp, event, bytes } = row;
  const seenIn = row.seen_in.split(",");
  const raw = bytes === undefined ? null : decodeLines(bytes);
  const item = { timestamp, event, seenIn, retryCause, raw };
  if (parsed === undefined) return { ...item, ...NO_TARGET, mark: "", text: event, tone: "plain" };
  return { ...item, ...targetOf(parsed.event), ...describeEvent(parsed.event, parsed.text, taken.has(row.id)) };
}

const REASON_EVENTS: Partial<Record<MessageStatus, readonly string[]>> = {
  rejected: ["rejection", "not_accepted"],
  queued: ["queued"],
  discarded: ["discard"],
};

/** Why a message was refused, discarded or left alone, in the words of the last line that says so. */
export function findReason(entries: readonly ReadEntry[], status: MessageStatus): string | undefined {
  const kinds = REASON_EVENTS[status] ?? [];
  const events = entries.flatMap(({ parsed }) => (parsed === undefined ? [] : [parsed.event]));
  const last = events.findLast(
    (event) => kinds.includes(event.kind) && "reason" in event && event.reason !== undefined,
  );
  if (last !== undefined && "reason" in last) return last.reason;
  const refused = events.findLast((event) => event.kind === "rejection");
  const host = refused?.phase === "cutthrough" ? hostThatRefused(refused) : undefined;
  return status === "rejected" && host !== undefined ? `${host} refused it` : undefined;
}

/** The next host that refused what was passed on to it while it came in: in the line behind the client's. */
function hostThatRefused({ details }: Rejection): string | undefined {
  const at = details.findIndex((key, index) => index % 2 === 0 && key === "H");
  return at === -1 ? undefined : details[at + 1];
}

/** Who marked recipients as delivered, by the recipient. */
export function findMarkedDelivered(entries: readonly ReadEntry[]): ReadonlyMap<string, string> {
  const marked = new Map<string, string>();
  for (const { parsed } of entries) {
    const event = parsed?.event;
    if (event?.kind === "envelope_edit" && event.action === "marked_delivered")
      marked.set(normaliseAddress(event.address), event.by);
  }
  return marked;
}

/** Time of each recipient's first deferral. */
export function findFirstDeferrals(entries: readonly ReadEntry[]): ReadonlyMap<string, string> {
  const first = new Map<string, string>();
  for (const { row, parsed } of entries) {
    if (parsed?.event.kind !== "deferral" || row.timestamp === null) continue;
    const recipient = normaliseAddress(parsed.event.address.original);
    if (!first.has(recipient)) first.set(recipient, row.timestamp);
  }
  return first;
}
