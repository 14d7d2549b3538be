/** Traces one message: everything the database knows about it. */
import { NULL_SENDER, normaliseAddress } from "../message/address.ts";
import { isRewriting } from "../message/resolve.ts";
import { SYSTEM_FILTER } from "../message/state.ts";
import type { MessageStatus, RecipientStatus } from "../message/statuses.ts";
import { formatVerdict } from "../message/verdict.ts";
import type { LinkReader } from "../store/read/link-reader.ts";
import type { AttemptRow, MessageReader, MessageRow, RejectionRow } from "../store/read/message-reader.ts";
import type { RecipientRow } from "../store/search/recipient-row.ts";
import {
  findAnnounced,
  findCircumstances,
  findFailed,
  findGivenUp,
  findHeldBack,
  findMentioned,
  findRewrittenRecipients,
  findSuppressed,
  findTakenAllTheSame,
  findUnreported,
} from "./circumstances.ts";
import { findQueueFacts, type QueueSources } from "./queue-facts.ts";
import type { Trace, TracedAttempt, TracedMessage, TracedRecipient } from "./result.ts";
import { findRetryCauses } from "./retry.ts";
import { findFirstDeferrals, findMarkedDelivered, type ReadEntry, readEntries, toTimelineItem } from "./timeline.ts";

/** An ISO timestamp as the clock of a time zone shows it. */
export type FormatZonedTime = (iso: string, timeZone: string) => string;

export interface TraceSources extends QueueSources {
  readonly messages: MessageReader;
  readonly links: LinkReader;
}

/** Traces messages whose rows were read, in their order. */
export async function traceAll(
  sources: TraceSources,
  rows: readonly MessageRow[],
  formatTime: FormatZonedTime,
): Promise<Trace[]> {
  const traces: Trace[] = [];
  for (const row of rows) traces.push(await traceOne(sources, row, formatTime));
  return traces;
}

async function traceOne(
  { messages, links, ...queueSources }: TraceSources,
  row: MessageRow,
  formatTime: FormatZonedTime,
): Promise<Trace> {
  const [timeZone, recipients, attempts, entries, children, rejections] = await Promise.all([
    messages.timeZoneOf(row.server),
    messages.recipientsOf(row),
    messages.attemptsOf(row),
    messages.entriesOf(row),
    messages.childrenOf(row),
    messages.rejectionsOf(row),
  ]);
  const own = readEntries(entries);
  const dropped = await findDropped(messages, row, own);
  const read = [...dropped, ...own];
  const causes = await findRetryCauses(read, links, row);
  const taken = findTakenAllTheSame(read);
  const childIds = children.map(({ id }) => id);
  const message = withRefusal(toMessage(row, timeZone, childIds), rejections);
  const found = {
    message,
    recipients: [
      ...withoutOtherNames(toRecipients(recipients, attempts, read), attempts, read),
      ...toDropped(dropped, recipients),
    ],
    attempts: attempts.map(toAttempt),
    timeline: read.map((entry) => toTimelineItem(entry, causes.get(entry.row.id) ?? null, taken)),
  };
  const queueFacts = findQueueFacts(queueSources, found.message, found.recipients);
  return { verdict: describe(found, read, (iso) => formatTime(iso, timeZone)), ...found, ...queueFacts };
}

function describe(
  { message, recipients, attempts, timeline }: Omit<Trace, "verdict" | "stays" | "nextTries" | "incidents">,
  entries: readonly ReadEntry[],
  formatTime: (iso: string) => string,
): string {
  const last = timeline.at(-1);
  const circumstances = findCircumstances(entries, message.status);
  const isCancelled = circumstances.cancelledBy !== undefined;
  const failed = findFailed(entries);
  const givenUp = findGivenUp(entries);
  const marked = findMarkedDelivered(entries);
  const undelivered = recipients.flatMap(({ status, address }) => (status === "delivered" ? [] : [address]));
  const copies = findCopies(attempts, new Set([...undelivered, SYSTEM_FILTER]));
  const filterTargets = copies.get(SYSTEM_FILTER) ?? [];
  // NOTE: the system filter adds no recipient of the message, except where it ignored the others.
  const filterReplies = findFilterReplies(attempts);
  const hasFilterCopies = filterTargets.length + filterReplies.length > 0 && !circumstances.isRedirected;
  const named = hasFilterCopies ? recipients.filter(({ address }) => address !== SYSTEM_FILTER) : recipients;
  const heldBack = findHeldBack(entries);
  const suppressed = findSuppressed(entries);
  const unreported = findUnreported(entries);
  const isToldToCaller = circumstances.cancelledBy?.startsWith("mua_wrapper is set") === true;
  return formatVerdict(
    {
      status: message.status,
      recipients: named.map(({ deliveredAt, deferredAt, lastTriedAt, lastError, isMarkedDelivered, ...recipient }) => {
        const { address, status } = recipient;
        const end = givenUp.get(address);
        return {
          ...recipient,
          address: address === SYSTEM_FILTER ? nameSystemFilter(filterTargets) : address,
          markedBy: isMarkedDelivered ? marked.get(address) : undefined,
          copies: status === "delivered" ? [] : (copies.get(address) ?? []),
          isCancelled: isCancelled && status === "bounced" && !failed.has(address),
          givenUp: end && { triedMs: spanBetween(message.timestamp, end.at), words: end.words },
          heldBecause: heldBack.get(address),
          isSuppressed: suppressed.has(address),
          isUnreported: isToldToCaller || unreported.has(address),
          deliveredAt: deliveredAt ?? undefined,
          deferredAt: deferredAt ?? undefined,
          lastTriedAt: lastTriedAt ?? undefined,
          lastError: lastError === null || lastError === end?.words ? undefined : lastError,
        };
      }),
      hasNullSender: message.sender === NULL_SENDER,
      completedAt: message.completedAt ?? undefined,
      lastSeenAt: last?.timestamp ?? message.timestamp,
      lastText: last?.text ?? "",
      isFrozen: message.isFrozen,
      isFakeReject: message.isFakeReject,
      filterCopies: hasFilterCopies ? filterTargets : [],
      filterReplies: hasFilterCopies ? filterReplies : [],
      ...circumstances,
    },
    formatTime,
  );
}

/** Addresses that the system filter sent an automatic reply to. */
function findFilterReplies(attempts: readonly TracedAttempt[]): readonly string[] {
  return attempts.flatMap(({ recipient, finalAddress, status }) =>
    status === "success" && recipient === SYSTEM_FILTER && finalAddress.startsWith(">") ? [finalAddress.slice(1)] : [],
  );
}

/** `carol`: where the system filter delivered to. */
function nameSystemFilter(targets: readonly string[]): string {
  return targets.length === 0 ? "an address that the system filter added" : targets.join(", ");
}

/** Addresses that copies for each of these recipients were delivered to; an automatic reply is none. */
function findCopies(
  attempts: readonly TracedAttempt[],
  recipients: ReadonlySet<string>,
): ReadonlyMap<string, readonly string[]> {
  const copies = new Map<string, Set<string>>();
  for (const { recipient, finalAddress, status } of attempts) {
    if (status !== "success" || finalAddress.startsWith(">") || !recipients.has(recipient)) continue;
    const own = copies.get(recipient);
    if (own === undefined) copies.set(recipient, new Set([finalAddress]));
    else own.add(finalAddress);
  }
  return new Map([...copies].map(([recipient, addresses]) => [recipient, [...addresses]]));
}

/** Milliseconds; 0 where the clock went back. */
function spanBetween(from: string, until: string): number {
  return Math.max(Date.parse(until) - Date.parse(from), 0);
}

function toMessage(row: MessageRow, timeZone: string, childIds: readonly string[]): TracedMessage {
  return {
    id: row.id,
    server: row.server,
    timeZone,
    status: row.status as MessageStatus,
    isFrozen: row.frozen === 1,
    direction: row.direction,
    hasArrived: row.direction !== null,
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
    tags: JSON.parse(row.tags) as string[],
    isFakeReject: row.fake_reject === 1,
    refusedRecipients: [],
    hasMoreRefusedRecipients: false,
  };
}

/**
 * Lines of recipients that an ACL dropped in the transaction of this message: of the same client, process and sender, with no arrival of
 * another message between. `own`: the lines of the message.
 */
async function findDropped(
  messages: MessageReader,
  row: MessageRow,
  own: readonly ReadEntry[],
): Promise<readonly ReadEntry[]> {
  const { ip_address: ip, port, sender } = row;
  const arrival = own.find(({ parsed }) => parsed?.event.kind === "arrival");
  if (arrival === undefined || ip === null) return [];
  const found = await messages.droppedBefore(row, {
    ip,
    port,
    arrivalMs: Date.parse(row.timestamp),
    isConnectionKnown: port !== null || pidOf(arrival) !== undefined,
  });
  const arrivals = readEntries(found.arrivals);
  return readEntries(found.dropped).filter((drop) => {
    const event = drop.parsed?.event;
    if (event?.kind !== "discard" || event.address === undefined || (event.host?.port ?? null) !== port) return false;
    if (event.sender !== undefined && (normaliseAddress(event.sender) || NULL_SENDER) !== sender) return false;
    const next = arrivals.find((one) => isAfter(one, drop) && isOneProcess(one, drop));
    return next !== undefined && next.row.id === arrival.row.id;
  });
}

function isAfter({ row: one }: ReadEntry, { row: other }: ReadEntry): boolean {
  const [at, before] = [one.timestamp ?? "", other.timestamp ?? ""];
  return at === before ? one.id > other.id : at > before;
}

function isOneProcess(one: ReadEntry, other: ReadEntry): boolean {
  const [pid, otherPid] = [pidOf(one), pidOf(other)];
  return pid === undefined || otherPid === undefined || pid === otherPid;
}

function pidOf({ parsed }: ReadEntry): number | undefined {
  return parsed?.prefix.pid ?? parsed?.syslog?.pid;
}

function toDropped(dropped: readonly ReadEntry[], rows: readonly RecipientRow[]): readonly TracedRecipient[] {
  const known = new Set(rows.map(({ recipient }) => recipient));
  const addresses = dropped.flatMap(({ parsed }) =>
    parsed?.event.kind === "discard" && parsed.event.address !== undefined
      ? [normaliseAddress(parsed.event.address.original)]
      : [],
  );
  return [...new Set(addresses)]
    .filter((address) => !known.has(address))
    .map((address) => ({
      address,
      status: "discarded",
      deliveredAt: null,
      isMarkedDelivered: false,
      attempts: 0,
      deferredAt: null,
      lastTriedAt: null,
      lastError: null,
    }));
}

/** Completes a message that never arrived from its last rejection, which names sender and recipients. */
function withRefusal(message: TracedMessage, rejections: readonly RejectionRow[]): TracedMessage {
  const last = rejections.at(-1);
  if (message.hasArrived || last === undefined) return message;
  const { sender, host, helo, ip_address: ipAddress, auth } = last;
  const refusedRecipients = JSON.parse(last.recipients) as string[];
  const hasMoreRefusedRecipients = last.more_recipients === 1;
  return { ...message, sender, host, helo, ipAddress, auth, refusedRecipients, hasMoreRefusedRecipients };
}

function toRecipients(
  rows: readonly RecipientRow[],
  attempts: readonly AttemptRow[],
  entries: readonly ReadEntry[],
): readonly TracedRecipient[] {
  const marked = findMarkedDelivered(entries);
  const deferred = findFirstDeferrals(entries);
  const byRecipient = Map.groupBy(attempts, ({ recipient }) => recipient);
  return rows.map((row) => {
    const own = byRecipient.get(row.recipient) ?? [];
    return {
      address: row.recipient,
      status: row.status as RecipientStatus,
      deliveredAt: row.delivered_at,
      isMarkedDelivered: marked.has(row.recipient) && !own.some(({ status }) => status === "success"),
      attempts: row.attempts,
      deferredAt: deferred.get(row.recipient) ?? null,
      lastTriedAt: own.at(-1)?.timestamp ?? null,
      lastError: row.last_error,
    };
  });
}

/**
 * The recipients without those that were never tried since they are other names of ones that are there, too: Exim qualified
 * `postmaster` with its domain, or rewrote the address and said so, or names what an alias became when it waits for its retry time.
 */
function withoutOtherNames(
  recipients: readonly TracedRecipient[],
  attempts: readonly AttemptRow[],
  entries: readonly ReadEntry[],
): readonly TracedRecipient[] {
  const isNamedOnly = ({ attempts, lastError }: TracedRecipient): boolean => attempts === 0 && lastError === null;
  if (!recipients.some(isNamedOnly)) return recipients;
  const rewritten = findRewrittenRecipients(entries);
  const announced = findAnnounced(entries);
  const aliased = new Set(
    attempts.flatMap(({ final_address, recipient }) => {
      const target = normaliseAddress(final_address);
      return target === recipient ? [] : [target];
    }),
  );
  const known = new Set(recipients.map(({ address }) => address));
  // NOTE: Exim rewrites an address without a word, unless told otherwise.
  const mentioned = findMentioned(entries);
  const silent = recipients.filter(({ address }) => announced.has(address) && !mentioned.has(address));
  const unnamed = recipients.filter(
    ({ address }) => !announced.has(address) && !aliased.has(address) && address !== SYSTEM_FILTER,
  );
  const [onlySilent, onlyUnnamed] = [silent[0]?.address ?? "", unnamed[0]?.address ?? ""];
  const isRewritten = silent.length === 1 && unnamed.length === 1 && isRewriting(onlySilent, onlyUnnamed);
  const byLocalPart = Map.groupBy(recipients, ({ address }) => address.slice(0, address.lastIndexOf("@")));
  return recipients.filter((recipient) => {
    if (!isNamedOnly(recipient)) return true;
    if (!recipient.address.includes("@")) return byLocalPart.get(recipient.address)?.length !== 1;
    if (aliased.has(recipient.address) && !announced.has(recipient.address)) return false;
    if (isRewritten && recipient.address === onlySilent) return false;
    const other = rewritten.get(recipient.address);
    return other === undefined || other === recipient.address || !known.has(other);
  });
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
