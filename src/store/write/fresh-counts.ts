/** Counts entries for statistics while they are stored, so that their rows need not be read again. */
import type Database from "better-sqlite3";
import type { Moment } from "../../units.ts";
import { prepareOnce } from "../database/prepared.ts";
import { CHUNK_SIZES, SLOT } from "../schema/chunks.ts";
import type { Codes } from "../schema/codes.ts";

/** More than there are codes of outcomes. */
const OUTCOMES = 64;

/** A line about a recipient. */
export interface CountedEvent {
  entryId: number;
  at: Moment;
  outcome: number;
  isAttempt: boolean;
  /** 0: none. */
  problemId: number;
  /** 0: none. */
  hostId: number;
  isTimeout: boolean;
}

/** Sums of one host. */
interface HostCounts {
  successes: number;
  deferrals: number;
  bounces: number;
  timeouts: number;
  lastSuccessAt: Moment | null;
  lastAttemptAt: Moment;
}

/** The figures of a chunk of entries, which are all of one server. */
export class EntryCounts {
  readonly #serverId: number;
  readonly #outcomes: Readonly<Record<"delivered" | "deferred" | "bounced", number>>;
  /** By slot, outcome and whether it is an attempt. */
  readonly #events = new Map<number, number>();
  /** By problem and outcome. */
  readonly #failures = new Map<number, { count: number; sampleId: number }>();
  readonly #hosts = new Map<number, HostCounts>();
  /** By slot and whether it is permanent. */
  readonly #rejections = new Map<number, number>();
  #firstAt: Moment | null = null;
  #lastAt: Moment | null = null;

  constructor(serverId: number, { outcome }: Codes) {
    this.#serverId = serverId;
    this.#outcomes = { delivered: outcome("delivered"), deferred: outcome("deferred"), bounced: outcome("bounced") };
  }

  addEntry(at: Moment): void {
    if (this.#firstAt === null || at < this.#firstAt) this.#firstAt = at;
    if (this.#lastAt === null || at > this.#lastAt) this.#lastAt = at;
  }

  /** The event may be another one afterwards. */
  addEvent(event: Readonly<CountedEvent>): void {
    const { at, outcome, isAttempt } = event;
    addOne(this.#events, (slotOf(at) * OUTCOMES + outcome) * 2 + (isAttempt ? 1 : 0));
    if (!isAttempt) return;
    const { deferred, bounced } = this.#outcomes;
    if (outcome === deferred || outcome === bounced) this.#addFailure(event);
    if (event.hostId !== 0) this.#addHost(event);
  }

  addRejection(at: Moment, isPermanent: boolean): void {
    addOne(this.#rejections, slotOf(at) * 2 + (isPermanent ? 1 : 0));
  }

  /** Adds the rows of the chunk, of which there are none. */
  write(database: Database.Database, firstId: number, lastId: number): void {
    const server = this.#serverId;
    const insert = (table: string, ...values: readonly (number | null)[]): unknown =>
      prepareOnce(database, `INSERT INTO ${table} VALUES (${values.map(() => "?").join(", ")})`).run(...values);
    for (const [key, events] of this.#events) {
      const slot = Math.floor(key / (2 * OUTCOMES));
      const rest = key - slot * 2 * OUTCOMES;
      insert("rolled_events", firstId, server, slot, rest >> 1, rest & 1, events);
    }
    for (const [key, { count, sampleId }] of this.#failures)
      insert("rolled_failures", firstId, server, key % OUTCOMES, Math.floor(key / OUTCOMES), count, sampleId);
    for (const [hostId, host] of this.#hosts) {
      const { successes, deferrals, bounces, timeouts, lastSuccessAt, lastAttemptAt } = host;
      const sums = [successes, deferrals, bounces, timeouts, lastSuccessAt, lastAttemptAt];
      insert("rolled_hosts", firstId, server, hostId, ...sums);
    }
    for (const [key, rejections] of this.#rejections) {
      const slot = Math.floor(key / 2);
      insert("rolled_rejections", firstId, server, slot, key - slot * 2, rejections);
    }
    prepareOnce(
      database,
      "INSERT INTO rolled_chunks (kind, first_id, last_id, first_at, last_at) VALUES ('entries', ?, ?, ?, ?)",
    ).run(firstId, lastId, this.#firstAt, this.#lastAt);
  }

  #addFailure({ entryId, outcome, problemId }: Readonly<CountedEvent>): void {
    const key = problemId * OUTCOMES + outcome;
    const known = this.#failures.get(key);
    if (known === undefined) this.#failures.set(key, { count: 1, sampleId: entryId });
    else {
      known.count++;
      if (entryId < known.sampleId) known.sampleId = entryId;
    }
  }

  #addHost({ at, outcome, hostId, isTimeout }: Readonly<CountedEvent>): void {
    const { delivered, deferred, bounced } = this.#outcomes;
    let host = this.#hosts.get(hostId);
    if (host === undefined) {
      host = { successes: 0, deferrals: 0, bounces: 0, timeouts: 0, lastSuccessAt: null, lastAttemptAt: at };
      this.#hosts.set(hostId, host);
    }
    if (outcome === delivered) {
      host.successes++;
      if (host.lastSuccessAt === null || at > host.lastSuccessAt) host.lastSuccessAt = at;
    } else if (outcome === deferred) host.deferrals++;
    else if (outcome === bounced) host.bounces++;
    if (isTimeout) host.timeouts++;
    if (at > host.lastAttemptAt) host.lastAttemptAt = at;
  }
}

/**
 * Counts of the chunks that are being stored. A chunk counts only when all of its blocks were stored by this run, one after the other:
 * whoever changes entries otherwise calls {@link spoil}, and then their rows are asked.
 */
export class FreshCounts {
  readonly #codes: Codes;
  #serverId: number | undefined;
  #lastBlock = 0;
  #chunk: number | undefined;
  readonly #counts = new Map<number, EntryCounts>();

  constructor(codes: Codes) {
    this.#codes = codes;
  }

  /** The counts for entries of a block; undefined if its chunk began without them. */
  countsFor(blockId: number, serverId: number): EntryCounts | undefined {
    if (serverId !== this.#serverId || blockId !== this.#lastBlock + 1) this.spoil();
    this.#serverId = serverId;
    this.#lastBlock = blockId;
    const chunk = Math.floor(blockId / CHUNK_SIZES.blocks);
    // NOTE: there is no block 0.
    const isFirst = blockId % CHUNK_SIZES.blocks === 0 || blockId === 1;
    if (isFirst) {
      this.#chunk = chunk;
      this.#counts.set(chunk, new EntryCounts(serverId, this.#codes));
    }
    return this.#chunk === chunk ? this.#counts.get(chunk) : undefined;
  }

  /** The counts of a chunk that no further block falls into; they are forgotten here. */
  take(chunk: number): EntryCounts | undefined {
    if (chunk === Math.floor(this.#lastBlock / CHUNK_SIZES.blocks)) return undefined;
    const counts = this.#counts.get(chunk);
    this.#counts.delete(chunk);
    return counts;
  }

  spoil(): void {
    this.#chunk = undefined;
    this.#counts.clear();
  }
}

/** Slot of a moment; divides like SQLite, towards 0. */
function slotOf(at: Moment): number {
  return (at - (at % SLOT)) / SLOT;
}

function addOne(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
