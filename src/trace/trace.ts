/** What happened to one message: everything the database knows about it, as plain data. Timestamps are ISO-8601 UTC. */
import type { MessageStatus, RecipientStatus } from "../message/statuses.ts";
import { formatVerdict } from "../message/verdict.ts";
import { parseEntry } from "../parse/record.ts";
import type { AttemptRow, EntryRow, MessageReader, MessageRow, RecipientRow } from "../store/message-reader.ts";
import { decodeLines } from "../text.ts";
import { type Description, describeEvent } from "./describe-event.ts";

export interface TracedMessage {
  readonly id: string;
  readonly server: string;
  /** IANA name of the server's zone. */
  readonly timeZone: string;
  readonly status: MessageStatus;
  readonly isFrozen: boolean;
  readonly direction: string | null;
  /** When it arrived; the first line about it when the arrival is not in the log. */
  readonly timestamp: string;
  readonly completedAt: string | null;
  readonly queueSeconds: number | null;
  readonly sender: string | null;
  readonly sizeBytes: number | null;
  readonly subject: string | null;
  readonly headerMessageId: string | null;
  readonly host: string | null;
  readonly helo: string | null;
  readonly ipAddress: string | null;
  readonly port: number | null;
  readonly protocol: string | null;
  readonly auth: string | null;
  readonly ident: string | null;
  readonly tls: string | null;
  /** The message this one is about. */
  readonly parentId: string | null;
  /** Messages about this one. */
  readonly childIds: readonly string[];
  readonly isFakeReject: boolean;
}

export interface TracedRecipient {
  readonly address: string;
  readonly status: RecipientStatus;
  readonly deliveredAt: string | null;
  readonly attempts: number;
  readonly lastError: string | null;
}

export interface TracedAttempt {
  readonly timestamp: string;
  readonly recipient: string;
  readonly finalAddress: string;
  readonly status: string;
  readonly router: string | null;
  readonly transport: string | null;
  readonly host: string | null;
  readonly ipAddress: string | null;
  readonly port: number | null;
  readonly tls: string | null;
  readonly smtpCode: number | null;
  readonly enhancedCode: string | null;
  readonly phase: string | null;
  readonly error: string | null;
  readonly confirmation: string | null;
  readonly queueSeconds: number | null;
  readonly durationSeconds: number | null;
}

export interface TimelineItem extends Description {
  readonly timestamp: string | null;
  readonly event: string;
  /** The logs that show it: `main`, `reject`, `panic`. */
  readonly seenIn: readonly string[];
  /** As it is in the log, with its continuation lines; null when its text has been pruned. */
  readonly raw: string | null;
}

export interface Trace {
  readonly verdict: string;
  readonly message: TracedMessage;
  readonly recipients: readonly TracedRecipient[];
  readonly attempts: readonly TracedAttempt[];
  readonly timeline: readonly TimelineItem[];
}

export interface TraceOptions {
  /** Undefined: every server that has the id. */
  readonly server: string | undefined;
  /** An ISO timestamp as the clock of a time zone shows it. */
  readonly formatTime: (iso: string, timeZone: string) => string;
}

/** The messages with an Exim id, one a server; none when the database does not know it. */
export async function trace(
  messages: MessageReader,
  id: string,
  { server, formatTime }: TraceOptions,
): Promise<Trace[]> {
  const found = await messages.find(id);
  const wanted = found.filter((row) => server === undefined || row.server === server);
  return Promise.all(wanted.map((row) => traceOne(messages, row, formatTime)));
}

async function traceOne(
  messages: MessageReader,
  row: MessageRow,
  formatTime: TraceOptions["formatTime"],
): Promise<Trace> {
  const [timeZone, recipients, attempts, entries, children] = await Promise.all([
    messages.timeZoneOf(row.server),
    messages.recipientsOf(row),
    messages.attemptsOf(row),
    messages.entriesOf(row),
    messages.childrenOf(row),
  ]);
  const message = toMessage(
    row,
    timeZone,
    children.map((child) => child.id),
  );
  const timeline = entries.map(toTimelineItem);
  const traced = recipients.map(toRecipient);
  const verdict = formatVerdict(
    {
      status: message.status,
      recipients: traced.map(({ address, status, deliveredAt, attempts: tries, lastError }) => ({
        address,
        status,
        deliveredAt: deliveredAt ?? undefined,
        attempts: tries,
        lastError: lastError ?? undefined,
      })),
      completedAt: message.completedAt ?? undefined,
      lastSeenAt: timeline.at(-1)?.timestamp ?? message.timestamp,
      isFrozen: message.isFrozen,
      reason: findReason(entries, message.status),
    },
    (iso) => formatTime(iso, timeZone),
  );
  return { verdict, message, recipients: traced, attempts: attempts.map(toAttempt), timeline };
}

function toMessage(row: MessageRow, timeZone: string, childIds: readonly string[]): TracedMessage {
  return {
    id: row.id,
    server: row.server,
    timeZone,
    status: row.status as MessageStatus,
    isFrozen: row.frozen === 1,
    direction: row.direction,
    timestamp: row.timestamp,
    completedAt: row.completed_at,
    queueSeconds: row.queue_seconds,
    sender: row.sender,
    sizeBytes: row.size,
    subject: row.subject,
    headerMessageId: row.header_message_id,
    host: row.host,
    helo: row.helo,
    ipAddress: row.ip_address,
    port: row.port,
    protocol: row.protocol,
    auth: row.auth,
    ident: row.ident,
    tls: row.tls,
    parentId: row.parent_id,
    childIds,
    isFakeReject: row.fake_reject === 1,
  };
}

function toRecipient(row: RecipientRow): TracedRecipient {
  return {
    address: row.recipient,
    status: row.status as RecipientStatus,
    deliveredAt: row.delivered_at,
    attempts: row.attempts,
    lastError: row.last_error,
  };
}

function toAttempt(row: AttemptRow): TracedAttempt {
  return {
    timestamp: row.timestamp,
    recipient: row.recipient,
    finalAddress: row.final_address,
    status: row.status,
    router: row.router,
    transport: row.transport,
    host: row.host,
    ipAddress: row.ip_address,
    port: row.port,
    tls: row.tls,
    smtpCode: row.smtp_code,
    enhancedCode: row.enhanced_code,
    phase: row.phase,
    error: row.error_message,
    confirmation: row.confirmation,
    queueSeconds: row.queue_seconds,
    durationSeconds: row.duration_seconds,
  };
}

function toTimelineItem(row: EntryRow): TimelineItem {
  const seenIn = row.seen_in.split(",");
  const { bytes, event, timestamp } = row;
  const parsed = bytes === undefined ? undefined : parseEntry(bytes.split("\n"));
  const description: Description =
    parsed === undefined ? { mark: "", text: event, tone: "plain" } : describeEvent(parsed.event, parsed.text);
  return { timestamp, event, seenIn, raw: bytes === undefined ? null : decodeLines(bytes), ...description };
}

/** Why a message was refused or left alone, in the words of the last line that says so. */
function findReason(entries: readonly EntryRow[], status: MessageStatus): string | undefined {
  const kinds = REASON_EVENTS[status];
  if (kinds === undefined) return undefined;
  for (const { event, bytes } of [...entries].reverse()) {
    if (!kinds.includes(event) || bytes === undefined) continue;
    const parsed = parseEntry(bytes.split("\n"));
    if (parsed !== undefined && "reason" in parsed.event && parsed.event.reason !== undefined)
      return parsed.event.reason;
  }
  return undefined;
}

const REASON_EVENTS: Partial<Record<MessageStatus, readonly string[]>> = {
  rejected: ["rejection", "not_accepted"],
  queued: ["queued"],
  discarded: ["discard"],
};
