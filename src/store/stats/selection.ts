/** The part of the database that figures are wanted of, as conditions on the base tables: views would be five times slower. */
import { type Expression, type ExpressionBuilder, type Kysely, type SqlBool, sql } from "kysely";
import type { EpochMs } from "../../units.ts";
import type { Filter as SearchFilter } from "../filter.ts";
import { LINES_PER_BLOCK } from "../raw-text.ts";
import type { BaseTables } from "../tables.ts";
import { type Chunks, clip, findChunks, type IdRange, inRanges, NO_CHUNKS, wholeOf } from "./rolled.ts";

/** What is counted; a part that is undefined or empty does not restrict. */
export interface Filter {
  /** From this moment on. */
  readonly since?: EpochMs | undefined;
  /** Up to, and without, this moment. */
  readonly until?: EpochMs | undefined;
  readonly servers?: readonly string[];
  /** What `search` is to find: only that is counted, by the ids of chosen.ts. */
  readonly subjects?: SearchFilter | undefined;
}

/** Ids outside of which nothing can be in the time wanted; undefined: all. */
interface Ranges {
  readonly entries: IdRange | undefined;
  readonly messages: IdRange | undefined;
}

const ALL: Ranges = { entries: undefined, messages: undefined };
const NO_IDS: IdRange = { first: 1, last: 0 };

/** Moments are epoch ms × this + rank. */
const RANKS = 1000;

export class Selection {
  readonly tables: Kysely<BaseTables>;
  /** What is added up in advance of messages, and of entries. */
  readonly messageChunks: Chunks;
  readonly entryChunks: Chunks;
  readonly #filter: Filter;
  readonly #ranges: Ranges;

  private constructor(
    tables: Kysely<BaseTables>,
    filter: Filter,
    ranges: Ranges,
    messageChunks: Chunks,
    entryChunks: Chunks,
  ) {
    this.tables = tables;
    this.#filter = filter;
    this.#ranges = ranges;
    this.messageChunks = messageChunks;
    this.entryChunks = entryChunks;
  }

  static async open(tables: Kysely<BaseTables>, filter: Filter): Promise<Selection> {
    const ranges =
      filter.since === undefined && filter.until === undefined
        ? ALL
        : { entries: await findEntries(tables, filter), messages: await findMessages(tables, filter) };
    const chunksOf = async (kind: "messages" | "entries"): Promise<Chunks> =>
      isAddedUp(filter) ? findChunks(tables, kind, momentsOf(filter)) : NO_CHUNKS;
    return new Selection(tables, filter, ranges, await chunksOf("messages"), await chunksOf("entries"));
  }

  /** The condition that a rolled table's row is of the servers wanted. */
  ofServers(serverId: Expression<number>): Expression<SqlBool> {
    const { servers = [] } = this.#filter;
    return servers.length === 0 ? sql<SqlBool>`1` : sql<SqlBool>`${serverId} IN ${serverIds(this.tables, servers)}`;
  }

  /** The messages that arrived in the time, as `m`. */
  messages() {
    return this.#messagesIn(wholeOf(this.#ranges.messages));
  }

  /** The same without those of the chunks. */
  messagesBeside() {
    return this.#messagesIn(clip(this.messageChunks.rest, this.#ranges.messages));
  }

  #messagesIn(ranges: readonly IdRange[]) {
    const { servers = [] } = this.#filter;
    return this.tables
      .selectFrom("stored_messages as m")
      .where((eb) =>
        eb.and([
          eb("m.arrival_at", "is not", null),
          ...this.#inTime(sql.ref<number>("m.arrival_at")),
          inRanges(sql.ref<number>("m.id"), ranges),
          ...(servers.length === 0 ? [] : [eb("m.server_id", "in", serverIds(this.tables, servers))]),
          ...this.#chosen(sql.ref<number>("m.id"), "chosen_messages"),
        ]),
      );
  }

  /** What was said in the time about recipients of messages, as `e`, without that of the chunks. */
  addressEventsBeside() {
    return this.tables
      .selectFrom("address_events as e")
      .where((eb) => eb.and(this.#eventConditions(eb, clip(this.entryChunks.rest, this.#ranges.entries))));
  }

  /** The same without those of the chunks. */
  rejectionsBeside() {
    return this.#rejectionsIn(clip(this.entryChunks.rest, this.#ranges.entries));
  }

  /** What was said in the time about recipients of messages, as `e`, on their ways, as `p`, with their problems, as `b`. */
  addressEvents() {
    return this.tables
      .selectFrom("address_events as e")
      .leftJoin("delivery_paths as p", "p.id", "e.path_id")
      .leftJoin("delivery_problems as b", "b.id", "e.problem_id")
      .where((eb) => eb.and(this.#eventConditions(eb, wholeOf(this.#ranges.entries))));
  }

  /** The same with the entry, as `l`. */
  addressEventsWithEntry() {
    // NOTE: a cross join keeps SQLite from walking through all entries to look for events.
    return this.addressEvents().crossJoin("stored_entries as l").where(sql<boolean>`l.id = e.entry_id`);
  }

  /** The same with the entry, as `l`, and the message, as `m`. */
  addressEventsWithMessage() {
    return this.addressEventsWithEntry().innerJoin("stored_messages as m", "m.id", "l.message_id");
  }

  /** Rejections in the time, as `j`. */
  rejections() {
    return this.#rejectionsIn(wholeOf(this.#ranges.entries));
  }

  #rejectionsIn(ranges: readonly IdRange[]) {
    return this.tables
      .selectFrom("stored_rejections as j")
      .where((eb) => eb.and(this.#rejectionConditions(eb, ranges)));
  }

  /** All entries in the time, as `l`; of messages or not, whatever subjects are wanted. */
  entries() {
    const { servers = [] } = this.#filter;
    return this.tables
      .selectFrom("stored_entries as l")
      .where((eb) =>
        eb.and([
          ...this.#inTime(sql.ref<number>("l.at")),
          inRanges(sql.ref<number>("l.id"), wholeOf(this.#ranges.entries)),
          ...(servers.length === 0 ? [] : [eb("l.server_id", "in", serverIds(this.tables, servers))]),
        ]),
      );
  }

  #eventConditions(
    eb: ExpressionBuilder<BaseTables & { e: BaseTables["address_events"] }, "e">,
    ranges: readonly IdRange[],
  ): Expression<SqlBool>[] {
    const { servers = [] } = this.#filter;
    const id = sql.ref<number>("e.entry_id");
    const conditions = [inRanges(id, ranges), ...this.#chosen(id, "chosen_events")];
    const ofEntry = this.#inTime(sql.ref<number>("y.at"));
    if (servers.length > 0) ofEntry.push(sql<SqlBool>`y.server_id IN ${serverIds(this.tables, servers)}`);
    return [...conditions, ...this.#ofEntry(eb, id, ofEntry)];
  }

  #rejectionConditions(
    eb: ExpressionBuilder<BaseTables & { j: BaseTables["stored_rejections"] }, "j">,
    ranges: readonly IdRange[],
  ): Expression<SqlBool>[] {
    const { servers = [] } = this.#filter;
    const ofEntry = this.#inTime(sql.ref<number>("y.at"));
    if (servers.length > 0) ofEntry.push(sql<SqlBool>`y.server_id IN ${serverIds(this.tables, servers)}`);
    return [
      inRanges(sql.ref<number>("j.entry_id"), ranges),
      ...this.#chosen(sql.ref<number>("j.entry_id"), "chosen_rejections"),
      ...this.#ofEntry(eb, sql.ref("j.entry_id"), ofEntry),
    ];
  }

  /** That an id is among those that the filter has found. */
  #chosen(id: Expression<number>, table: string): Expression<SqlBool>[] {
    return this.#filter.subjects === undefined
      ? []
      : [sql<SqlBool>`${id} IN (SELECT id FROM ${sql.table(`temp.${table}`)})`];
  }

  /** What holds of the entry of a row, as `y`; nothing to check costs nothing. */
  #ofEntry<Tables extends BaseTables, Used extends keyof Tables>(
    { exists }: Pick<ExpressionBuilder<Tables, Used>, "exists">,
    id: Expression<number>,
    conditions: readonly Expression<SqlBool>[],
  ): Expression<SqlBool>[] {
    if (conditions.length === 0) return [];
    const entry = this.tables
      .selectFrom("stored_entries as y")
      .select("y.id")
      .where(sql<SqlBool>`y.id = ${id}`)
      .where((its) => its.and([...conditions]));
    return [exists(entry)];
  }

  #inTime(at: Expression<number | null>): Expression<SqlBool>[] {
    const { since, until } = this.#filter;
    return [
      ...(since === undefined ? [] : [sql<SqlBool>`${at} >= ${sql.lit(since * RANKS)}`]),
      ...(until === undefined ? [] : [sql<SqlBool>`${at} < ${sql.lit(until * RANKS)}`]),
    ];
  }
}

/** True when what is wanted can be told from time and server alone. */
function isAddedUp({ subjects }: Filter): boolean {
  return subjects === undefined;
}

function momentsOf({ since, until }: Filter): { readonly since: number; readonly until: number } {
  return {
    since: since === undefined ? Number.NEGATIVE_INFINITY : since * RANKS,
    until: until === undefined ? Number.POSITIVE_INFINITY : until * RANKS,
  };
}

/** The number of the piece of `slotMs` that a moment is in. */
export function slotOf(at: string, slotMs: number) {
  return sql<number>`${sql.ref(at)} / ${sql.lit(slotMs * RANKS)}`;
}

/**
 * Entries are numbered by block, and a block knows its first and last stamp: what a day said stands between two ids. Logs read
 * out of order make the range wider, never wrong. Undefined: all.
 */
async function findEntries(tables: Kysely<BaseTables>, { since, until }: Filter): Promise<IdRange | undefined> {
  if (await lacksText(tables)) return undefined;
  let blocks = tables
    .selectFrom("raw_blocks")
    .select(({ fn }) => [fn.min<number | null>("id").as("first"), fn.max<number | null>("id").as("last")]);
  if (since !== undefined) blocks = blocks.where("last_ms", ">=", since);
  if (until !== undefined) blocks = blocks.where("first_ms", "<", until);
  const { first, last } = await blocks.executeTakeFirstOrThrow();
  return first === null || last === null
    ? NO_IDS
    : { first: first * LINES_PER_BLOCK, last: last * LINES_PER_BLOCK + LINES_PER_BLOCK - 1 };
}

/** The messages that arrived in the time have ids near each other, too. */
async function findMessages(tables: Kysely<BaseTables>, { since, until }: Filter): Promise<IdRange> {
  // NOTE: as idx_stored_messages_at has it.
  const at = sql<number>`coalesce(arrival_at, first_at)`;
  let messages = tables
    .selectFrom("stored_messages")
    .select(({ fn }) => [fn.min<number | null>("id").as("first"), fn.max<number | null>("id").as("last")]);
  if (since !== undefined) messages = messages.where(sql<boolean>`${at} >= ${sql.lit(since * RANKS)}`);
  if (until !== undefined) messages = messages.where(sql<boolean>`${at} < ${sql.lit(until * RANKS)}`);
  const { first, last } = await messages.executeTakeFirstOrThrow();
  return first === null || last === null ? NO_IDS : { first, last };
}

/** What blocks told whose text has been pruned, no block tells any more: then all entries are looked at. */
async function lacksText(tables: Kysely<BaseTables>): Promise<boolean> {
  const found = await tables
    .selectFrom("stored_sources as s")
    .select("s.id")
    .where("s.position", ">", 0)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom("raw_blocks as b")
            .select("b.id")
            .where(sql<SqlBool>`b.source_id = s.id`)
            .where("b.position", "=", 0),
        ),
      ),
    )
    .executeTakeFirst();
  return found !== undefined;
}

function serverIds(tables: Kysely<BaseTables>, names: readonly string[]) {
  return tables.selectFrom("stored_servers").select("id").where("name", "in", names);
}
