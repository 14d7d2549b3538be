/** Collects the facts beside the status that the verdict must mention. */
import { normaliseAddress } from "../message/address.ts";
import { findCause, toSessionLine } from "../message/cause.ts";
import { isHeldOnPurpose, messageUpdate } from "../message/state.ts";
import type { MessageStatus } from "../message/statuses.ts";
import type { Circumstances, RefusedRecipient, UnderWay } from "../message/verdict.ts";
import type { LogEvent } from "../parse/events.ts";
import { SECOND_MS } from "../units.ts";
import { findReason, type ReadEntry } from "./timeline.ts";

export function findCircumstances(
  entries: readonly ReadEntry[],
  status: MessageStatus,
): Omit<Circumstances, "filterCopies" | "filterReplies"> {
  const events = entries.flatMap(({ row, parsed }) =>
    parsed === undefined ? [] : [{ event: parsed.event, timestamp: row.timestamp }],
  );
  const refusal = events.findLast(({ event }) => event.kind === "rejection" || event.kind === "not_accepted")?.event;
  const reason = findReason(entries, status);
  return {
    reason: reason ?? (status === "rejected" ? findCauseOfRefusal(entries) : undefined),
    refusal: refusal === undefined ? undefined : refusalOf(refusal),
    cancelledBy: lastOf(events, "cancelled")?.by,
    removedBy: lastOf(events, "removed")?.by,
    heldBack: findHeldBackAsAWhole(events),
    hasBadAddresses:
      status !== "rejected" &&
      events.some(({ event }) => event.kind === "not_accepted" && BAD_ADDRESSES.test(event.reason)),
    frozenBy: lastOf(events, "frozen")?.by,
    spoolError: findSpoolError(events),
    underWay: findUnderWay(events),
    refusedRecipients: findRefusedRecipients(events),
    isRedirected: events.some(({ event }) => event.kind === "recipients_ignored"),
  };
}

/** Returns recipients that were refused after the data (PRDR), if no other line tells of them. */
function findRefusedRecipients(events: readonly Stamped[]): readonly RefusedRecipient[] {
  const refused = new Map<string, RefusedRecipient>();
  for (const { event } of events) {
    if (event.kind !== "prdr" || event.verdict === "acceptance") continue;
    const address = normaliseAddress(event.recipient);
    const known = refused.get(address);
    refused.set(address, {
      address,
      verdict: event.verdict ?? known?.verdict,
      reason: event.reason ?? known?.reason,
    });
  }
  return [...refused.values()];
}

type Stamped<Event extends LogEvent = LogEvent> = { readonly event: Event; readonly timestamp: string | null };

function lastOf<Kind extends LogEvent["kind"]>(
  events: readonly Stamped[],
  kind: Kind,
): Extract<LogEvent, { kind: Kind }> | undefined {
  const found = events.findLast(({ event }) => event.kind === kind)?.event;
  return found as Extract<LogEvent, { kind: Kind }> | undefined;
}

function refusalOf(event: LogEvent): Circumstances["refusal"] {
  if (event.kind === "rejection") return event.isTemporary ? "temporary" : "permanent";
  return event.kind === "not_accepted" && BROKEN_OFF.test(event.reason) ? "broken off" : "permanent";
}

/** The client went, so that nobody refused the message. Source: exim-log-grammar §12.3. */
const BROKEN_OFF = /lost while reading message data|SMTP data timeout|SMTP connection lost after final dot/;

/** Written before the arrival of a message that has other recipients. Source: exim-log-grammar §12.3. */
const BAD_ADDRESSES = /^bad addresses found in headers/;

/** The system filter failed or put the message off, and no recipient was looked at since. */
function findHeldBackAsAWhole(events: readonly Stamped[]): string | undefined {
  const last = events.findLast(
    ({ event }) => isFilterTrouble(event) || ABOUT_RECIPIENTS.includes(event.kind) || event.kind === "host_error",
  )?.event;
  return last !== undefined && isFilterTrouble(last) ? last.reason : undefined;
}

type FilterTrouble = Extract<LogEvent, { kind: "configuration" | "queued" }>;

function isFilterTrouble(event: LogEvent): event is FilterTrouble {
  if (event.kind === "configuration") return event.subject === "system filter";
  return event.kind === "queued" && event.reason === "Delivery deferred by system filter";
}

/** A refusal without a word has its cause in a line just above. */
function findCauseOfRefusal(entries: readonly ReadEntry[]): string | undefined {
  const lines = entries.flatMap(({ row, parsed }) => toSessionLine(parsed, row.timestamp));
  const refused = lines.findLastIndex(({ event }) => event.kind === "rejection");
  const refusal = lines[refused];
  return refusal === undefined ? undefined : findCause(refusal, lines.slice(0, refused));
}

/** An error of its spool file that nothing but itself follows: Exim cannot read the message. */
function findSpoolError(events: readonly Stamped[]): string | undefined {
  const last = events.findLast(({ event }) => !PASSING.includes(event.kind))?.event;
  return last?.kind === "spool" && last.action === "error" ? last.reason : undefined;
}

const PASSING: readonly LogEvent["kind"][] = ["skipped", "queue_run", "other", "panic"];

/** A delivery of which no line about a recipient tells yet: hosts that failed since the last one, or a process that holds the message. */
function findUnderWay(events: readonly Stamped[]): UnderWay | undefined {
  const said = events.findLastIndex(({ event }) => ABOUT_RECIPIENTS.includes(event.kind));
  const since = events.slice(said + 1).filter(({ event }) => event.kind === "host_error" || isLocked(event));
  const [first] = since;
  if (first?.timestamp == null) return undefined;
  const last = lastOf(since, "host_error");
  const host = last?.host;
  return {
    since: first.timestamp,
    lastHost:
      host === undefined || last === undefined
        ? undefined
        : `${host.name ?? ""}${host.ip === undefined ? "" : ` [${host.ip}]`}: ${last.error}`.trim(),
  };
}

const ABOUT_RECIPIENTS: readonly LogEvent["kind"][] = [
  "delivery",
  "deferral",
  "failure",
  "completed",
  "frozen",
  "removed",
];

function isLocked(event: LogEvent): boolean {
  return event.kind === "skipped" && event.reason.includes("is locked");
}

/** When, and in which words, Exim gave recipients up without a try. */
export function findGivenUp(entries: readonly ReadEntry[]): ReadonlyMap<string, { at: string; words: string }> {
  const ended = new Map<string, { at: string; words: string }>();
  for (const { row, parsed } of entries) {
    const event = parsed?.event;
    if (event?.kind === "failure" && event.isRetryTimeout && row.timestamp !== null)
      ended.set(normaliseAddress(event.address.original), { at: row.timestamp, words: event.error });
  }
  return ended;
}

/** The recipients that a line says have failed; the others that bounced were cancelled. */
export function findFailed(entries: readonly ReadEntry[]): ReadonlySet<string> {
  const failed = new Set<string>();
  for (const { parsed } of entries) {
    if (parsed?.event.kind === "failure") failed.add(normaliseAddress(parsed.event.address.original));
  }
  return failed;
}

/** Errors of hosts that took the message within a minute all the same, by entry: TLS that was not closed well. */
export function findTakenAllTheSame(entries: readonly ReadEntry[]): ReadonlySet<number> {
  const taken = new Set<number>();
  const deliveredAt = new Map<string, number>();
  for (const { row, parsed } of entries.toReversed()) {
    const event = parsed?.event;
    if (row.timestamp === null || event === undefined || !("host" in event) || event.host?.ip === undefined) continue;
    const at = Date.parse(row.timestamp);
    if (event.kind === "delivery") deliveredAt.set(event.host.ip, at);
    else if (event.kind === "host_error" && (deliveredAt.get(event.host.ip) ?? Infinity) - at <= SAME_DELIVERY_MS)
      taken.add(row.id);
  }
  return taken;
}

const SAME_DELIVERY_MS = 60 * SECOND_MS;

/** Why Exim last left each recipient alone on purpose, other than that a retry time is not reached; without those that were tried since. */
export function findHeldBack(entries: readonly ReadEntry[]): ReadonlyMap<string, string> {
  const held = new Map<string, string>();
  for (const { parsed } of entries) {
    const event = parsed?.event;
    if (event?.kind !== "deferral") continue;
    const recipient = normaliseAddress(event.address.original);
    if (isHeldOnPurpose(event.error)) held.set(recipient, event.error);
    else if (!event.isRetrySkip) held.delete(recipient);
  }
  return held;
}

/** Failures under mua_wrapper, which reports them to the caller. Source: exim-log-grammar §10. */
const TOLD_TO_CALLER = /^(?:routing yielded a |mua_wrapper forced failure )/;

/** The recipients whose failure Exim sends no bounce about. */
export function findUnreported(entries: readonly ReadEntry[]): ReadonlySet<string> {
  const unreported = new Set<string>();
  for (const { parsed } of entries) {
    const event = parsed?.event;
    if (event?.kind === "error_ignored") unreported.add(normaliseAddress(event.address));
    if (event?.kind === "failure" && TOLD_TO_CALLER.test(event.error))
      unreported.add(normaliseAddress(event.address.original));
  }
  return unreported;
}

/** The recipients for whom -N suppressed the delivery. */
export function findSuppressed(entries: readonly ReadEntry[]): ReadonlySet<string> {
  const suppressed = new Set<string>();
  for (const { parsed } of entries) {
    const event = parsed?.event;
    if (event?.kind === "delivery" && event.flag === "*>") suppressed.add(normaliseAddress(event.address.original));
  }
  return suppressed;
}

/** Other names of a recipient, by the name that a line says it was given: `"bob@old.example" from env-to rewritten as "bob@example.org"`. */
export function findRewrittenRecipients(entries: readonly ReadEntry[]): ReadonlyMap<string, string> {
  const rewritten = new Map<string, string>();
  for (const { parsed } of entries) {
    const event = parsed?.event;
    if (event?.kind !== "rewrite" || event.address === undefined || event.result === undefined) continue;
    if (event.place === "env-to") rewritten.set(normaliseAddress(event.address), normaliseAddress(event.result));
  }
  return rewritten;
}

/** The recipients that a line is about, of those that tell what becomes of one. */
export function findMentioned(entries: readonly ReadEntry[]): ReadonlySet<string> {
  const mentioned = new Set<string>();
  for (const { parsed } of entries) {
    const event = parsed?.event;
    if (event !== undefined && "address" in event && typeof event.address === "object")
      mentioned.add(normaliseAddress(event.address.original));
    if (event?.kind === "envelope_edit") mentioned.add(normaliseAddress(event.address));
  }
  return mentioned;
}

/** The recipients that the arrival names, or that somebody added. */
export function findAnnounced(entries: readonly ReadEntry[]): ReadonlySet<string> {
  const updates = entries.flatMap(({ parsed }) => (parsed === undefined ? [] : (messageUpdate(parsed.event) ?? [])));
  return new Set(updates.flatMap(({ announced }) => announced));
}
