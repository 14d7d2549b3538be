/** Selects messages, rejections and other lines by a filter. */
import { CAUSE_KINDS, findStoredCause, LONGEST_CAUSE_MS, lacksCause } from "../message/cause.ts";
import type { MessageStatus } from "../message/statuses.ts";
import { parseEntryText } from "../parse/record.ts";
import type { Filter } from "../store/search/filter.ts";
import type {
  Found,
  FoundEntry,
  FoundMessage,
  FoundRejection,
  Hit,
  Order,
  SearchReader,
} from "../store/search/search-reader.ts";
import { decodeLines } from "../text.ts";
import { formatCursor } from "./cursor.ts";
import type { SearchPage, SearchResult } from "./result.ts";

export interface Search {
  readonly filter: Filter;
  readonly order: Order;
  /** Go on behind it. */
  readonly after: Hit | undefined;
}

/** The next results, at most `limit`. */
export async function searchPage(reader: SearchReader, search: Search, limit: number): Promise<SearchPage> {
  return toPage(reader, search, await reader.find({ ...search, limit: limit + 1 }), limit);
}

/** The first `limit` of hits that are known already. */
export async function toPage(
  reader: SearchReader,
  { order }: Search,
  hits: readonly Hit[],
  limit: number,
): Promise<SearchPage> {
  const shown = hits.slice(0, limit);
  const last = shown.at(-1);
  const next = hits.length > limit && last !== undefined ? formatCursor(last, order) : null;
  const timeZones = await reader.timeZones();
  return { results: await toResults(reader, shown, timeZones), next };
}

/** The results of hits that come so many at a time, so that memory does not grow with them. */
export async function* readResults(
  reader: SearchReader,
  pages: AsyncIterable<readonly Hit[]> | Iterable<readonly Hit[]>,
): AsyncGenerator<readonly SearchResult[]> {
  const timeZones = await reader.timeZones();
  for await (const hits of pages) yield toResults(reader, hits, timeZones);
}

async function toResults(
  reader: SearchReader,
  hits: readonly Hit[],
  timeZones: TimeZones,
): Promise<readonly SearchResult[]> {
  const results: SearchResult[] = [];
  for (const one of await reader.read(hits)) {
    const result = toResult(one, timeZones);
    const refusal =
      one.kind === "rejection" ? one.rejection : one.kind === "message" ? one.message.rejection : undefined;
    const isUnexplained = refusal !== undefined && result.reason === refusal.reason && lacksCause(refusal.reason);
    results.push(isUnexplained ? { ...result, cause: await causeOf(reader, refusal.id) } : result);
  }
  return results;
}

async function causeOf(reader: SearchReader, entryId: number): Promise<string | null> {
  const lines = await reader.linesBefore(entryId, CAUSE_KINDS, LONGEST_CAUSE_MS);
  return findStoredCause(lines, parseEntryText) ?? null;
}

type TimeZones = ReadonlyMap<string, string>;

function toResult(found: Found, timeZones: TimeZones): SearchResult {
  switch (found.kind) {
    case "message":
      return ofMessage(found.message, timeZones);
    case "rejection":
      return ofRejection(found.rejection, timeZones);
    case "event":
      return ofEntry(found.entry, timeZones);
  }
}

function ofMessage(message: FoundMessage, timeZones: TimeZones): SearchResult {
  const { rejection, recipients } = message;
  const refused = message.direction === null ? rejection : undefined;
  const troubled = recipients.filter(({ status, last_error }) => status !== "delivered" && last_error !== null);
  // NOTE: the message was never one of a recipient that was rejected.
  const worst = troubled.find(({ status }) => status !== "rejected") ?? troubled[0];
  return {
    kind: "message",
    id: message.id,
    entryId: null,
    server: message.server,
    timeZone: timeZoneOf(timeZones, message.server),
    timestamp: message.timestamp,
    status:
      refused?.permanent === 0 && message.status === "rejected"
        ? "rejected temporarily"
        : (message.status as MessageStatus),
    event: null,
    sender: message.sender ?? refused?.sender ?? null,
    recipients: recipients.map(({ recipient }) => recipient),
    subject: message.subject,
    sizeBytes: message.size,
    queueSeconds: message.known_queue_seconds,
    headerMessageId: message.header_message_id,
    tags: JSON.parse(message.tags) as string[],
    host: message.host ?? refused?.host ?? null,
    helo: message.helo ?? refused?.helo ?? null,
    ipAddress: message.ip_address ?? refused?.ip_address ?? null,
    auth: message.auth ?? refused?.auth ?? null,
    reason: worst?.last_error ?? rejection?.reason ?? null,
    cause: null,
  };
}

function ofRejection(rejection: FoundRejection, timeZones: TimeZones): SearchResult {
  return {
    kind: "rejection",
    ...NO_MESSAGE,
    entryId: rejection.id,
    server: rejection.server,
    timeZone: timeZoneOf(timeZones, rejection.server),
    timestamp: rejection.timestamp,
    status: rejection.permanent === 1 ? "rejected" : "rejected temporarily",
    event: "rejection",
    sender: rejection.sender,
    recipients: rejection.recipient === null ? [] : [rejection.recipient],
    host: rejection.host,
    helo: rejection.helo,
    ipAddress: rejection.ip_address,
    auth: rejection.auth,
    reason: rejection.reason,
    cause: null,
  };
}

function ofEntry(entry: FoundEntry, timeZones: TimeZones): SearchResult {
  return {
    kind: "event",
    ...NO_MESSAGE,
    entryId: entry.id,
    server: entry.server,
    timeZone: timeZoneOf(timeZones, entry.server),
    timestamp: entry.timestamp,
    status: null,
    event: entry.event,
    sender: entry.sender,
    recipients: JSON.parse(entry.recipients) as string[],
    host: entry.host,
    helo: null,
    ipAddress: entry.ip_address,
    auth: null,
    reason: entry.bytes === undefined ? null : (parseEntryText(entry.bytes)?.text ?? decodeLines(entry.bytes)),
    cause: null,
  };
}

const NO_MESSAGE = {
  id: null,
  subject: null,
  sizeBytes: null,
  queueSeconds: null,
  headerMessageId: null,
  tags: [],
} as const;

function timeZoneOf(timeZones: TimeZones, server: string): string {
  return timeZones.get(server) ?? "UTC";
}
