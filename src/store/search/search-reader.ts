/** Finding: which messages and lines match a filter, in what order, page by page. */
import { type Expression, type Kysely, type RawBuilder, type Selectable, type SqlBool, sql } from "kysely";
import { MOMENTS_PER_MS, type Moment, momentMs, toIso } from "../../units.ts";
import { LINES_PER_BLOCK, type RawTextReader } from "../log-text/blocks.ts";
import { postedEntries } from "../log-text/postings.ts";
import { HAS_NO_ARRIVAL } from "../schema/codes.ts";
import type { Schema } from "../schema/tables.ts";
import type { LogEntriesView, MessagesView, RejectionsView } from "../schema/views.ts";
import {
  type Condition,
  ConditionBuilder,
  type ConditionPostings,
  type Conditions,
  isServer,
  MESSAGE_AT,
  MESSAGE_MS,
  type PostingKeys,
  QUEUE_MS,
} from "./conditions.ts";
import type { Filter } from "./filter.ts";
import { type Block, findBlocks, findBlocksBeforeSetBack } from "./matching-blocks.ts";
import { RECIPIENT_COLUMNS, type RecipientRow } from "./recipient-row.ts";

export const SORT_KEYS = ["time", "size", "queue-time"] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface Order {
  readonly key: SortKey;
  /** Oldest or smallest first; otherwise newest or greatest. */
  readonly isAscending: boolean;
}

/** A match: a message by its key in the database, or a line that belongs to no message by its entry id. */
export interface Hit {
  /** Sort key: a moment, bytes or milliseconds. */
  readonly rank: number;
  readonly isMessage: 0 | 1;
  readonly id: number;
}

export interface HitQuery {
  readonly filter: Filter;
  readonly order: Order;
  /** The hit after which to begin; undefined means from the beginning. */
  readonly after: Hit | undefined;
  /** At most so many. */
  readonly limit: number;
}

/** Keys of messages, and ids of entries that belong to none. */
export interface Candidates {
  readonly messages: readonly number[];
  readonly entries: readonly number[];
}

export type FoundMessage = Selectable<MessagesView> & {
  readonly recipients: readonly RecipientRow[];
  /** The rejection, for a message that was rejected. */
  readonly rejection: Selectable<RejectionsView> | undefined;
  /** Seconds on the queue; of one that is not finished, up to its last line. */
  readonly known_queue_seconds: number | null;
};
export type FoundRejection = Selectable<RejectionsView>;
export type FoundEntry = Omit<Selectable<LogEntriesView>, "raw_line" | "at_ms" | "created_at" | "severity"> & {
  readonly ip_address: string | null;
  /** Its lines, read as latin1; undefined when their text has been pruned. */
  readonly bytes: string | undefined;
};

/** A line near another one. */
export interface NearLine {
  /** Text in latin1; undefined when it has been pruned. */
  readonly bytes: string | undefined;
  readonly timestamp: string | null;
}

/** Lines that are looked through before one. */
const MOST_NEAR = 256;
/** SQL: the millisecond of an entry, as `o`: lines of one stamp are in the order in which they were read. */
const BEGIN_OF_MS = sql`o.at / ${MOMENTS_PER_MS} * ${MOMENTS_PER_MS}`;

export type Found =
  | { readonly kind: "message"; readonly message: FoundMessage }
  | { readonly kind: "rejection"; readonly rejection: FoundRejection }
  | { readonly kind: "event"; readonly entry: FoundEntry };

/** With more keys or blocks than this the matches are so many that going through all by time finds the first ones sooner. */
const MOST_KEYS = 2000;
/** Matches read at once. */
const PAGE = 500;
/** The same where an order has no index, and each time all are sorted. */
const SORTED_PAGE = 100_000;
/** Blocks looked at in the first statement, and at most in one: the latest of a frequent name have enough of it. */
const FIRST_CHUNK = 2;
const MOST_CHUNK = 64;

export class SearchReader {
  readonly #database: Kysely<Schema>;
  readonly #rawText: RawTextReader;
  readonly #conditions = new WeakMap<Filter, Promise<Conditions>>();

  constructor(database: Kysely<Schema>, rawText: RawTextReader) {
    this.#database = database;
    this.#rawText = rawText;
  }

  /** The first matches in the order. */
  async find(query: HitQuery): Promise<Hit[]> {
    const conditions = await this.#conditionsOf(query.filter);
    const keys = fewest(conditions.postings);
    if (keys === undefined || keys.keys.length > MOST_KEYS) return this.#findAnywhere(query, conditions);
    return this.#findInBlocks(query, conditions, keys);
  }

  /** All matches in the order, so many at a time. */
  async *findAll(query: Omit<HitQuery, "limit">): AsyncGenerator<readonly Hit[]> {
    const conditions = await this.#conditionsOf(query.filter);
    const keys = fewest(conditions.postings);
    if (keys !== undefined && keys.keys.length <= MOST_KEYS) {
      const hits = await this.#findInBlocks({ ...query, limit: Infinity }, conditions, keys);
      for (let start = 0; start < hits.length; start += PAGE) yield hits.slice(start, start + PAGE);
      return;
    }
    for (let after = query.after, isMore = true; isMore; ) {
      const limit = query.order.key === "time" ? PAGE : SORTED_PAGE;
      const hits = await this.#findAnywhere({ ...query, after, limit }, conditions);
      for (let start = 0; start < hits.length; start += PAGE) yield hits.slice(start, start + PAGE);
      after = hits.at(-1);
      isMore = hits.length === limit;
    }
  }

  /** Candidates that match the filter, all of them, in order. */
  async narrow(candidates: Candidates, { filter, order, after }: Omit<HitQuery, "limit">): Promise<Hit[]> {
    const conditions = await this.#conditionsOf(filter);
    const hits = await this.#matchesAmong(candidates, order, after, conditions);
    return firstOf(hits, order, Infinity);
  }

  /** Key and Exim's id of all messages with any of the ids. */
  async findKeys(eximIds: readonly string[]): Promise<{ readonly id: number; readonly exim_id: string }[]> {
    const found: { id: number; exim_id: string }[] = [];
    for (const ids of chunks(eximIds)) {
      found.push(
        ...(await this.#take<{ id: number; exim_id: string }>(sql`
          SELECT id, exim_id FROM stored_messages WHERE exim_id IN (SELECT value FROM json_each(${ids}))`)),
      );
    }
    return found;
  }

  /** How many match; `most` where there are more. */
  async count(filter: Filter, most = Number.MAX_SAFE_INTEGER): Promise<number> {
    const conditions = await this.#conditionsOf(filter);
    const keys = fewest(conditions.postings);
    if (keys !== undefined && keys.keys.length <= MOST_KEYS) {
      const newest = { filter, order: { key: "time", isAscending: false }, after: undefined, limit: most } as const;
      return (await this.#findInBlocks(newest, conditions, keys)).length;
    }
    const counts = await Promise.all([
      this.#take<{ count: number }>(
        sql`SELECT count(*) AS count FROM (SELECT 1 FROM stored_messages m WHERE ${all(conditions.message)} LIMIT ${most})`,
      ),
      conditions.entry === undefined
        ? []
        : this.#take<{ count: number }>(
            sql`SELECT count(*) AS count FROM (SELECT 1 FROM ${LONE_ENTRIES} WHERE ${all([...LONE_AND_STAMPED, ...conditions.entry])} LIMIT ${most})`,
          ),
    ]);
    return Math.min(
      counts.flat().reduce((sum, { count }) => sum + count, 0),
      most,
    );
  }

  /** Details of the hits, in their order; a hit that was removed in the meantime is left out. */
  async read(hits: readonly Hit[]): Promise<Found[]> {
    const [messages, rejections, entries] = await Promise.all([
      this.#readMessages(hits.filter(({ isMessage }) => isMessage === 1).map(({ id }) => id)),
      this.#readRejections(hits.filter(({ isMessage }) => isMessage === 0).map(({ id }) => id)),
      this.#readEntries(hits.filter(({ isMessage }) => isMessage === 0).map(({ id }) => id)),
    ]);
    return hits.flatMap(({ isMessage, id }): Found[] => {
      const message = isMessage === 1 ? messages.get(id) : undefined;
      if (message !== undefined) return [{ kind: "message", message }];
      const rejection = isMessage === 1 ? undefined : rejections.get(id);
      if (rejection !== undefined) return [{ kind: "rejection", rejection }];
      const entry = isMessage === 1 ? undefined : entries.get(id);
      return entry === undefined ? [] : [{ kind: "event", entry }];
    });
  }

  #conditionsOf(filter: Filter): Promise<Conditions> {
    let conditions = this.#conditions.get(filter);
    if (conditions === undefined) {
      conditions = new ConditionBuilder(this.#database).build(filter);
      this.#conditions.set(filter, conditions);
    }
    return conditions;
  }

  /** Goes through all messages and lines in their order, by index where the order is that of time. */
  async #findAnywhere({ order, after, limit }: HitQuery, conditions: Conditions): Promise<Hit[]> {
    const messages = await this.#take<Hit>(sql`
      SELECT ${rankOfMessage(order)} AS rank, 1 AS "isMessage", m.id FROM stored_messages m
      WHERE ${all([...conditions.message, ...messagesAfter(order, after)])}
      ORDER BY ${inOrderOfIndex(order)} ${sorted(sql`rank`, order)}, ${sorted(sql`m.id`, order)} ${limited(limit)}`);
    const entries =
      conditions.entry === undefined
        ? []
        : await this.#take<Hit>(sql`
      SELECT ${rankOfEntry(order)} AS rank, 0 AS "isMessage", e.id FROM ${LONE_ENTRIES}
      WHERE ${all([...LONE_AND_STAMPED, ...conditions.entry, ...entriesAfter(order, after)])}
      ORDER BY ${sorted(sql`rank`, order)}, ${sorted(sql`e.id`, order)} ${limited(limit)}`);
    return firstOf([...messages, ...entries], order, limit);
  }

  /**
   * Looks only into blocks with postings of the keys, the latest first. A message is not younger than any line about it, unless a
   * clock was set back. Once there are enough matches that are younger than all blocks left, no better one is to come.
   */
  async #findInBlocks(query: HitQuery, conditions: Conditions, keys: ConditionPostings): Promise<Hit[]> {
    const { order, after, limit } = query;
    const canStop = order.key === "time" && !order.isAscending && Number.isFinite(limit);
    const blocks = await findBlocks(this.#database, keys);
    const hits = new Map<string, Hit>();
    if (keys.lacksUnarrived)
      for (const hit of await this.#unarrived(order, after, conditions)) hits.set(keyOfHit(hit), hit);
    for (let start = 0, count = canStop ? FIRST_CHUNK : MOST_CHUNK; start < blocks.length; ) {
      for (const hit of await this.#matchesIn(blocks.slice(start, start + count), keys, order, after, conditions)) {
        hits.set(keyOfHit(hit), hit);
      }
      start += count;
      count = Math.min(count * 2, MOST_CHUNK);
      if (!canStop || hits.size < limit) continue;
      const best = firstOf([...hits.values()], order, limit);
      const [last, next] = [best.at(-1), blocks[start]];
      if (last === undefined || (next !== undefined && next.last_ms * 1000 + 999 >= last.rank)) continue;
      const arrivals = next === undefined ? [] : await this.#arrivalsBeforeSetBack(last, after, blocks.length - start);
      if (arrivals === undefined) continue;
      const early = await this.#matchesAmong({ messages: arrivals, entries: [] }, order, after, conditions);
      for (const hit of early) hits.set(keyOfHit(hit), hit);
      return firstOf([...hits.values()], order, limit);
    }
    return firstOf([...hits.values()], order, limit);
  }

  /**
   * Messages that arrived between two hits just before a clock was set back: their other lines may be in older blocks. Undefined
   * where that takes a look at more than `mostBlocks`.
   */
  async #arrivalsBeforeSetBack(last: Hit, after: Hit | undefined, mostBlocks: number): Promise<number[] | undefined> {
    const blocks = (await findBlocksBeforeSetBack(this.#database)).filter(
      ({ last_ms }) => last_ms * 1000 + 999 >= last.rank,
    );
    if (blocks.length > mostBlocks) return undefined;
    const rows = await this.#take<{ id: number }>(sql`
      SELECT DISTINCT e.message_id AS id FROM json_each(${JSON.stringify(blocks.map(({ id }) => id))}) b CROSS JOIN stored_entries e
      WHERE e.id >= b.value * ${LINES_PER_BLOCK} AND e.id < (b.value + 1) * ${LINES_PER_BLOCK}
        AND e.event = (SELECT code FROM codes WHERE family = 'event' AND name = 'arrival')
        AND e.at >= ${last.rank} AND e.at <= ${after?.rank ?? Number.MAX_SAFE_INTEGER} AND e.message_id IS NOT NULL`);
    return rows.map(({ id }) => id);
  }

  /** Matches among the messages whose arrival no log showed: few, those that were on the queue when the oldest log began. */
  #unarrived(order: Order, after: Hit | undefined, { message }: Conditions): Promise<Hit[]> {
    return this.#take<Hit>(sql`
      SELECT ${rankOfMessage(order)} AS rank, 1 AS "isMessage", m.id
      FROM stored_messages m INDEXED BY idx_stored_messages_no_arrival
      WHERE ${sql.raw(HAS_NO_ARRIVAL)} AND ${all([...message, ...messagesAfter(order, after)])}`);
  }

  async #matchesIn(
    blocks: readonly Block[],
    keys: PostingKeys,
    order: Order,
    after: Hit | undefined,
    conditions: Conditions,
  ): Promise<Hit[]> {
    const posted = await this.#take<{ id: number; message_id: number | null }>(sql`
      SELECT DISTINCT e.id, e.message_id FROM ${postedIn(blocks, keys)} posted CROSS JOIN stored_entries e ON e.id = posted.entry_id`);
    const messages = [...new Set(posted.flatMap(({ message_id }) => message_id ?? []))];
    const lone = posted.filter(({ message_id }) => message_id === null).map(({ id }) => id);
    return this.#matchesAmong({ messages, entries: lone }, order, after, conditions);
  }

  async #matchesAmong(
    { messages, entries }: Candidates,
    order: Order,
    after: Hit | undefined,
    conditions: Conditions,
  ): Promise<Hit[]> {
    const found: Hit[][] = [];
    for (const ids of chunks(messages)) {
      found.push(await this.#messagesAmong(sql`SELECT value FROM json_each(${ids})`, order, after, conditions));
    }
    for (const ids of chunks(entries)) {
      const among = sql`json_each(${ids}) b CROSS JOIN stored_entries e ON e.id = b.value`;
      found.push(await this.#entriesAmong(among, order, after, conditions));
    }
    return found.flat();
  }

  #messagesAmong(
    ids: RawBuilder<unknown>,
    order: Order,
    after: Hit | undefined,
    { message }: Conditions,
  ): Promise<Hit[]> {
    return this.#take<Hit>(sql`
      SELECT ${rankOfMessage(order)} AS rank, 1 AS "isMessage", m.id FROM stored_messages m
      WHERE m.id IN (${ids}) AND ${all([...message, ...messagesAfter(order, after)])}`);
  }

  async #entriesAmong(
    entries: RawBuilder<unknown>,
    order: Order,
    after: Hit | undefined,
    { entry }: Conditions,
  ): Promise<Hit[]> {
    if (entry === undefined) return [];
    return this.#take<Hit>(sql`
      SELECT ${rankOfEntry(order, STAMP)} AS rank, 0 AS "isMessage", e.id FROM ${entries} ${OTHER_END}
      WHERE ${all([...LONE, ...entry, ...entriesAfter(order, after, STAMP)])}`);
  }

  async #readMessages(ids: readonly number[]): Promise<Map<number, FoundMessage>> {
    if (ids.length === 0) return new Map();
    const keys = await this.#take<{ id: number; exim_id: string; server: string; queue_ms: number | null }>(sql`
      SELECT m.id, m.exim_id, s.name AS server, ${QUEUE_MS} AS queue_ms
      FROM stored_messages m JOIN stored_servers s ON s.id = m.server_id
      WHERE m.id IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`);
    const names = keys.map(({ exim_id }) => exim_id);
    const [messages, recipients, rejections] = await Promise.all([
      this.#database.selectFrom("messages").selectAll().where("id", "in", names).execute(),
      this.#database
        .selectFrom("recipients")
        .select(RECIPIENT_COLUMNS)
        .where("message_id", "in", names)
        .orderBy("recipient")
        .execute(),
      this.#rejectionsOf(ids),
    ]);
    const messageByKey = new Map(messages.map((row) => [keyOf(row.id, row.server), row]));
    return new Map(
      keys.flatMap(({ id, exim_id, server, queue_ms }) => {
        const key = keyOf(exim_id, server);
        const message = messageByKey.get(key);
        if (message === undefined) return [];
        const known_queue_seconds = queue_ms === null ? null : queue_ms / 1000;
        const own = recipients.filter((row) => row.message_id === exim_id && row.server === server);
        return [[id, { ...message, recipients: own, rejection: rejections.get(key), known_queue_seconds }] as const];
      }),
    );
  }

  /** The last refusal of each message that has one. */
  async #rejectionsOf(messageIds: readonly number[]): Promise<Map<string, FoundRejection>> {
    const entries = await this.#take<{ id: number }>(sql`
      SELECT e.id FROM stored_entries e JOIN stored_rejections j ON j.entry_id = e.id
      WHERE e.message_id IN (SELECT value FROM json_each(${JSON.stringify(messageIds)}))`);
    const rows = [...(await this.#readRejections(entries.map(({ id }) => id))).values()];
    return new Map(rows.map((row) => [keyOf(row.message_id ?? "", row.server), row]));
  }

  async #readRejections(entryIds: readonly number[]): Promise<Map<number, FoundRejection>> {
    if (entryIds.length === 0) return new Map();
    const rows = await this.#database
      .withSchema("main")
      .selectFrom("rejections")
      .selectAll()
      .where("id", "in", entryIds)
      .orderBy("timestamp")
      .execute();
    return new Map(rows.map((row) => [row.id, row]));
  }

  async #readEntries(entryIds: readonly number[]): Promise<Map<number, FoundEntry>> {
    if (entryIds.length === 0) return new Map();
    const rows = await this.#database
      .selectFrom("log_entries")
      .select(["id", "timestamp", "server", "message_id", "log_type", "event", "host", "sender", "recipients", "size"])
      .select(["status", "error_code", "error_text", "seen_in"])
      .where("id", "in", entryIds)
      .execute();
    const ips = await this.#take<{ id: number; text: string }>(sql`
      SELECT k.entry_id AS id, s.text FROM stored_clients k JOIN strings s ON s.id = k.ip_id
      WHERE k.entry_id IN (SELECT value FROM json_each(${JSON.stringify(entryIds)}))`);
    const ipOf = new Map(ips.map(({ id, text }) => [id, text]));
    return new Map(
      rows.map((row) => [
        row.id,
        { ...row, ip_address: ipOf.get(row.id) ?? null, bytes: this.#rawText.entryText(row.id) },
      ]),
    );
  }

  /**
   * An entry, and before it those of some kinds that are not much older, in their order: of its message, and of the nearest lines
   * that belong to no message.
   */
  async linesBefore(entryId: number, kinds: readonly string[], withinMs: number): Promise<readonly NearLine[]> {
    const isNear = sql`e.server_id = o.server_id AND e.at >= o.at - ${withinMs * MOMENTS_PER_MS}
      AND (e.at < ${BEGIN_OF_MS} OR e.at < ${BEGIN_OF_MS} + ${MOMENTS_PER_MS} AND e.id < o.id)`;
    const rows = await this.#take<{ id: number; at: Moment | null }>(sql`
      WITH o AS MATERIALIZED (SELECT id, server_id, at, message_id FROM stored_entries WHERE id = ${entryId}),
      near AS (
        SELECT * FROM (SELECT e.id, e.at, e.event FROM o CROSS JOIN stored_entries e INDEXED BY idx_stored_entries_lone_at
          WHERE e.message_id IS NULL AND e.at < o.at + ${MOMENTS_PER_MS} AND ${isNear} ORDER BY e.at DESC LIMIT ${MOST_NEAR})
        UNION ALL
        SELECT * FROM (SELECT e.id, e.at, e.event FROM o CROSS JOIN stored_entries e ON e.message_id = o.message_id
          WHERE ${isNear} LIMIT ${MOST_NEAR}))
      SELECT id, at FROM near
      WHERE event IN (SELECT code FROM codes WHERE family = 'event' AND name IN (SELECT value FROM json_each(${JSON.stringify(kinds)})))
      UNION ALL SELECT id, at FROM o`);
    const ms = ({ at }: (typeof rows)[number]): number => (at === null ? 0 : momentMs(at));
    return rows
      .sort((one, other) => ms(one) - ms(other) || one.id - other.id)
      .map(({ id, at }) => ({
        bytes: this.#rawText.entryText(id),
        timestamp: at === null ? null : toIso(momentMs(at)),
      }));
  }

  /** The zone of each server, or of those that are named. */
  async timeZones(names: Filter["server"] = []): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#database
      .selectFrom("stored_servers")
      .$if(names.length > 0, (query) => query.where(isServer(names)))
      .select(["name", "time_zone"])
      .execute();
    return new Map(rows.map(({ name, time_zone }) => [name, time_zone]));
  }

  async #take<Row>(query: RawBuilder<unknown>): Promise<Row[]> {
    return (await (query as RawBuilder<Row>).execute(this.#database)).rows;
  }
}

/** The values of lists of a size that one statement takes, each as JSON. */
function* chunks(values: readonly (number | string)[]): Generator<string> {
  for (let start = 0; start < values.length; start += SORTED_PAGE)
    yield JSON.stringify(values.slice(start, start + SORTED_PAGE));
}

function keyOfHit({ isMessage, id }: Hit): string {
  return `${isMessage} ${id}`;
}

function keyOf(id: string, server: string): string {
  return `${id} ${server}`;
}

/** Entries within blocks that may yield a posting of one of the keys, as a table with the column `entry_id`. */
function postedIn(blocks: readonly Block[], { kind, keys }: PostingKeys): RawBuilder<unknown> {
  const ids = JSON.stringify(blocks.map(({ id }) => id));
  return sql`(WITH given AS MATERIALIZED (SELECT ${ids} AS blocks, ${JSON.stringify(keys)} AS keys)
    ${sql.raw(postedEntries(kind, "(SELECT blocks FROM given)", "(SELECT keys FROM given)"))})`;
}

function fewest(postings: readonly ConditionPostings[]): ConditionPostings | undefined {
  return postings.toSorted((one, other) => one.keys.length - other.keys.length)[0];
}

const OTHER_END = sql`LEFT JOIN stored_rejections j ON j.entry_id = e.id LEFT JOIN stored_clients k ON k.entry_id = e.id`;
const LONE_ENTRIES = sql`stored_entries e ${OTHER_END}`;
const LONE: readonly Condition[] = [sql<SqlBool>`e.message_id IS NULL`];
/** Lines without a stamp come first. */
const STAMP = sql<number>`coalesce(e.at, 0)`;
/** By time, through the index; lines without a stamp are only found by what they say. */
const LONE_AND_STAMPED: readonly Condition[] = [...LONE, sql<SqlBool>`e.at IS NOT NULL`];

function all(conditions: readonly Condition[]): Condition {
  return conditions.length === 0 ? sql`1` : sql`${sql.join(conditions, sql` AND `)}`;
}

/** Puts unknown values last in either direction. */
function rankOfUnknown({ isAscending }: Order): RawBuilder<number> {
  return sql.lit(isAscending ? Number.MAX_SAFE_INTEGER : 0);
}

function rankOfMessage(order: Order): Expression<number> {
  if (order.key === "time") return MESSAGE_AT;
  return sql`coalesce(${order.key === "size" ? sql`m.size` : QUEUE_MS}, ${rankOfUnknown(order)})`;
}

function rankOfEntry(order: Order, stamp: Expression<number> = sql`e.at`): Expression<number> {
  return order.key === "time" ? stamp : rankOfUnknown(order);
}

function sorted(value: Expression<unknown>, { isAscending }: Order): RawBuilder<unknown> {
  return isAscending ? sql`${value}` : sql`${value} DESC`;
}

/** The index of messages holds milliseconds; within one the moment decides. */
function inOrderOfIndex(order: Order): RawBuilder<unknown> {
  return order.key === "time" ? sql`${sorted(MESSAGE_MS, order)},` : sql``;
}

function limited(limit: number): RawBuilder<unknown> {
  return Number.isFinite(limit) ? sql`LIMIT ${limit}` : sql``;
}

/** Among equal ranks, messages come first, then the rows stored last; ascending order reverses this. */
function firstOf(hits: Hit[], order: Order, limit: number): Hit[] {
  const sign = order.isAscending ? 1 : -1;
  hits.sort((one, other) => {
    if (one.rank !== other.rank) return sign * (one.rank - other.rank);
    const isMessage = one.isMessage - other.isMessage;
    return sign * (isMessage === 0 ? one.id - other.id : isMessage);
  });
  return hits.length > limit ? hits.slice(0, limit) : hits;
}

function messagesAfter(order: Order, after: Hit | undefined): Condition[] {
  if (after === undefined) return [];
  const condition = isAfter(rankOfMessage(order), sql`m.id`, 1, order, after);
  if (order.key !== "time") return [condition];
  const ms = Math.floor(after.rank / 1000);
  return [order.isAscending ? sql`${MESSAGE_MS} >= ${ms}` : sql`${MESSAGE_MS} <= ${ms}`, condition];
}

function entriesAfter(order: Order, after: Hit | undefined, stamp?: Expression<number>): Condition[] {
  return after === undefined ? [] : [isAfter(rankOfEntry(order, stamp), sql`e.id`, 0, order, after)];
}

function isAfter(
  rank: Expression<number>,
  id: Expression<number>,
  isMessage: 0 | 1,
  { isAscending }: Order,
  after: Hit,
): Condition {
  const direction = isAscending ? sql`>` : sql`<`;
  const place = sql`(${rank}, ${isMessage}, ${id})`;
  const bound = isAscending ? sql`${rank} >= ${after.rank}` : sql`${rank} <= ${after.rank}`;
  return sql`${bound} AND ${place} ${direction} (${after.rank}, ${after.isMessage}, ${after.id})`;
}
