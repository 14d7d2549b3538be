/** Keeps what a queue looks like: its totals, and each message for as long as it is there. */
import { PilotError } from "../errors.ts";
import type { RetryHint } from "../spool/hints.ts";
import { pendingRecipients, type QueuedMessage } from "../spool/queued-message.ts";
import type { QueueLook, SeenDomain, SeenMessage, StoredHint } from "../store/write/queue-looks.ts";
import type { Writer } from "../store/write/writer.ts";
import { type EpochMs, epochMs, toIso } from "../units.ts";
import { QueueOverview, type WaitingDomain } from "./overview.ts";
import { PackedRows } from "./packed-rows.ts";

/** Kept by name, of those that a queue waits for. */
const MOST_DOMAINS = 20;

/** The values behind the size are left out where they are those of most messages. */
type PackedSeen = readonly [
  ...(readonly [exim_id: string, sender: string | null, arrived_ms: number | null, size: number | null]),
  ...(readonly [pending?: number, frozen_ms?: number | null, is_frozen?: 0 | 1, warnings?: number | null]),
];

/** Messages of one queue, collected one by one. */
export class QueueCount {
  readonly #overview: QueueOverview;
  readonly #rows = new PackedRows<PackedSeen>();

  constructor(now: EpochMs) {
    this.#overview = new QueueOverview(now);
  }

  add(message: QueuedMessage): void {
    this.#overview.add(message);
    const { id, sender, arrivedAt, sizeBytes, frozenAt, isFrozen, warnings } = message;
    const pending = pendingRecipients(message).length;
    const isUsual = pending === 1 && frozenAt === null && !isFrozen && warnings === 0;
    if (isUsual) this.#rows.add([id, sender, arrivedAt, sizeBytes]);
    else this.#rows.add([id, sender, arrivedAt, sizeBytes, pending, frozenAt, isFrozen ? 1 : 0, warnings]);
  }

  result(): Pick<QueueLook, "messages" | "count" | "totals" | "domains"> {
    const { recipients, bytes, frozen, bounces, damaged, oldest } = this.#overview.totals;
    const oldestAt = oldest === null ? null : epochMs(Date.parse(oldest));
    return {
      messages: this.#seen(),
      count: this.#rows.length,
      totals: { recipients, bytes, frozen, bounces, damaged, oldestAt },
      domains: largestDomains(this.#overview.waiting),
    };
  }

  *#seen(): Generator<SeenMessage> {
    for (const [exim_id, sender, arrived_ms, size, ...rest] of this.#rows) {
      const [pending = 1, frozen_ms = null, is_frozen = 0, warnings = 0] = rest;
      yield { exim_id, sender, arrived_ms, size, pending, frozen_ms, is_frozen, warnings };
    }
  }
}

/** The first of them, and all others as `""`. */
function largestDomains(waiting: readonly WaitingDomain[]): readonly SeenDomain[] {
  const toSeen = ({ domain, messages, bytes, oldest }: WaitingDomain): SeenDomain => ({
    domain,
    messages,
    bytes,
    oldestAt: oldest === null ? null : epochMs(Date.parse(oldest)),
  });
  // NOTE: an address without a domain that is empty cannot be told from the others.
  const named = waiting.filter(({ domain }) => domain !== "");
  const rest = [...named.slice(MOST_DOMAINS), ...waiting.filter(({ domain }) => domain === "")].map(toSeen);
  const first = named.slice(0, MOST_DOMAINS).map(toSeen);
  if (rest.length === 0) return first;
  const others = rest.reduce((sum, { messages, bytes, oldestAt }) => ({
    domain: "",
    messages: sum.messages + messages,
    bytes: sum.bytes + bytes,
    oldestAt: earlier(sum.oldestAt, oldestAt),
  }));
  return [...first, { ...others, domain: "" }];
}

function earlier(one: EpochMs | null, other: EpochMs | null): EpochMs | null {
  if (one === null || other === null) return one ?? other;
  return one < other ? one : other;
}

export type QueueContent = Pick<QueueLook, "queueName" | "isComplete" | "messages" | "count" | "totals" | "domains">;

export interface SnapshotOrder {
  /** Undefined: the one that the database knows, else the host. */
  readonly server: string | undefined;
  readonly hostname: string;
  /** Zone of a server that is new to the database. */
  readonly timeZone: string;
  readonly at: EpochMs;
  readonly now: EpochMs;
  readonly origin: "spool" | "bp";
  readonly queues: readonly QueueContent[];
  /** All queues of the server are among them: one that is not is empty now. */
  readonly isWhole: boolean;
  /** Retry records of Exim; undefined: they could not be read, and those of the snapshot before are taken away. */
  readonly hints: readonly RetryHint[] | undefined;
  readonly author: string;
}

export interface QueueSnapshot {
  /** Name of the queue; empty: the default one. */
  readonly queueName: string;
  /** All of it could be read: only then is a message that was not there no more on the queue. */
  readonly isComplete: boolean;
  readonly messages: number;
  readonly frozen: number;
  /** Messages that no snapshot before had seen. */
  readonly came: number;
  /** Messages that were there before and are no more. */
  readonly went: number;
}

export interface SnapshotReport {
  readonly server: string;
  /** The moment of the snapshot. */
  readonly at: string;
  readonly origin: "spool" | "bp";
  /** False: this snapshot was stored before, and nothing was added. */
  readonly isNew: boolean;
  readonly queues: readonly QueueSnapshot[];
  /** Retry records that were kept. */
  readonly hints: number;
  /** Messages whose content was kept now. */
  readonly contents: number;
}

/** Stores a snapshot, all of it or nothing. Errors: `exists` when the queue has been looked at since; `usage`; those of the database. */
export function storeSnapshot(writer: Writer, order: SnapshotOrder): SnapshotReport {
  const { at, now, origin, author } = order;
  if (at > now) {
    throw new PilotError("usage", `The snapshot is of ${toIso(at)}, which is in the future.`, {
      hint: "Set the clock, or give --at with the time of the snapshot.",
    });
  }
  // NOTE: messages come by id, as their indexes hold them.
  writer.useSmallCache();
  return writer.write((transactor) => {
    const name = order.server ?? onlyServer(writer) ?? order.hostname;
    const server = writer.sources.findServer(name) ?? transactor.addServer(name, order.timeZone, now);
    const seen = new Set(order.queues.map(({ queueName }) => queueName));
    const empty = order.isWhole ? transactor.openQueues(server.id).filter((queueName) => !seen.has(queueName)) : [];
    const queues = [
      ...order.queues,
      ...empty.map((queueName) => ({ queueName, isComplete: true, ...new QueueCount(at).result() })),
    ];
    let isNew = false;
    const snapshots = queues.map((queue): QueueSnapshot => {
      const { queueName, isComplete } = queue;
      const changes = transactor.addLook({ ...queue, serverId: server.id, at, origin, author, now });
      if (changes === "older") throw lookedAtSince(name, queueName, at);
      if (changes !== "known") isNew = true;
      const { came, went } = changes === "known" ? { came: 0, went: 0 } : changes;
      return { queueName, isComplete, messages: queue.count, frozen: queue.totals.frozen, came, went };
    });
    if (isNew) transactor.replaceHints(server.id, (order.hints ?? []).map(toStoredHint), at);
    return {
      server: name,
      at: toIso(at),
      origin,
      isNew,
      queues: snapshots,
      hints: order.hints?.length ?? 0,
      contents: 0,
    };
  });
}

function onlyServer(writer: Writer): string | undefined {
  const [server, ...others] = writer.sources.servers();
  return others.length === 0 ? server?.name : undefined;
}

function lookedAtSince(server: string, queueName: string, at: EpochMs): PilotError {
  const queue = queueName === "" ? "The queue" : `The queue "${queueName}"`;
  return new PilotError("exists", `${queue} of ${server} has been looked at since ${toIso(at)}.`, {
    hint: "Looks are stored in the order of their time, so that it is known when messages left; --at says when one was taken.",
  });
}

function toStoredHint(hint: RetryHint): StoredHint {
  const { key, firstFailedAt, lastTriedAt, nextTryAt, isExpired, errno, moreErrno, reason } = hint;
  return {
    key,
    first_failed_ms: firstFailedAt,
    last_try_ms: lastTriedAt,
    next_try_ms: nextTryAt,
    is_expired: isExpired ? 1 : 0,
    errno,
    more_errno: moreErrno,
    reason,
  };
}
