/** The part of the database that figures are wanted of, as conditions on the base tables: views would be five times slower. */
import { type Expression, type Kysely, type SqlBool, sql } from "kysely";
import { type EpochMs, MOMENTS_PER_MS, momentAt } from "../../units.ts";
import type { ChunkKind } from "../schema/chunks.ts";
import type { BaseTables } from "../schema/tables.ts";
import type { Filter as SearchFilter } from "../search/filter.ts";
import { IS_TROUBLE } from "./abuse-reader.ts";
import { clip, findRanges, type IdRange, inRanges, type Ranges } from "./id-ranges.ts";
import { type Chunks, findChunks, NO_CHUNKS } from "./rolled.ts";

/** Filter of the statistics; a part that is undefined or empty does not restrict. */
export interface StatsFilter {
  /** From this moment on. */
  readonly since?: EpochMs | undefined;
  /** Up to, and without, this moment. */
  readonly until?: EpochMs | undefined;
  readonly servers?: readonly string[];
  /** Filter of `search`: only what it finds is counted, by the ids in matched-rows.ts. */
  readonly subjects?: SearchFilter | undefined;
}

export class Selection {
  readonly tables: Kysely<BaseTables>;
  readonly #filter: StatsFilter;
  readonly #ranges: Ranges;
  /** Rollups that may be used. */
  readonly #chunks: Readonly<Record<ChunkKind, Chunks>>;

  private constructor(
    tables: Kysely<BaseTables>,
    filter: StatsFilter,
    ranges: Ranges,
    chunks: Readonly<Record<ChunkKind, Chunks>>,
  ) {
    this.tables = tables;
    this.#filter = filter;
    this.#ranges = ranges;
    this.#chunks = chunks;
  }

  static async open(tables: Kysely<BaseTables>, filter: StatsFilter): Promise<Selection> {
    const ranges = await findRanges(tables, filter);
    const chunksOf = async (kind: ChunkKind): Promise<Chunks> =>
      isAddedUp(filter) ? findChunks(tables, kind, momentsOf(filter)) : NO_CHUNKS;
    const chunks = { messages: await chunksOf("messages"), entries: await chunksOf("entries") };
    return new Selection(tables, filter, ranges, chunks);
  }

  /** The condition that a rolled table's row, as `x`, is of the chunks, and of the servers wanted. */
  inChunks(kind: ChunkKind): Expression<SqlBool> {
    const holds = this.#chunks[kind].holds(sql.ref<number>("x.first_id"));
    return sql.join<SqlBool>([holds, ...this.#ofServers(sql.ref<number>("x.server_id"))], sql` AND `);
  }

  /** The messages that arrived in the time, as `m`. */
  messages() {
    return this.#messagesIn([this.#ranges.messages]);
  }

  /** The same without those of the chunks. */
  messagesBeside() {
    return this.#messagesIn(clip(this.#chunks.messages.rest, this.#ranges.messages));
  }

  #messagesIn(ranges: readonly IdRange[]) {
    return this.tables
      .selectFrom("stored_messages as m")
      .where((eb) =>
        eb.and([
          eb("m.arrival_at", "is not", null),
          ...this.#inTime(sql.ref<number>("m.arrival_at")),
          inRanges(sql.ref<number>("m.id"), ranges),
          ...this.#ofServers(sql.ref<number>("m.server_id")),
          ...this.#matched(sql.ref<number>("m.id"), "matched_messages"),
        ]),
      );
  }

  /** Lines of the time about recipients of messages, as `e`, with their paths, as `p`, and their problems, as `b`. */
  addressEvents() {
    return this.#addressEventsIn([this.#ranges.entries])
      .leftJoin("delivery_paths as p", "p.id", "e.path_id")
      .leftJoin("delivery_problems as b", "b.id", "e.problem_id");
  }

  /** The events alone, without those of the chunks. */
  addressEventsBeside() {
    return this.#addressEventsIn(clip(this.#chunks.entries.rest, this.#ranges.entries));
  }

  #addressEventsIn(ranges: readonly IdRange[]) {
    return this.tables
      .selectFrom("address_events as e")
      .where(({ and }) => and(this.#said("e.entry_id", ranges, "matched_events")));
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

  /** Lines of the time about recipients, as `e`, with the entry, as `l`, the message, as `m`, and only what else `column` is of. */
  addressEventsBy(column: string) {
    // NOTE: SQLite looks up paths and problems of each line even where nothing is asked of them.
    return this.#addressEventsIn([this.#ranges.entries])
      .$if(column.startsWith("p."), (events) => events.leftJoin("delivery_paths as p", "p.id", "e.path_id"))
      .$if(column.startsWith("b."), (events) => events.leftJoin("delivery_problems as b", "b.id", "e.problem_id"))
      .crossJoin("stored_entries as l")
      .where(sql<boolean>`l.id = e.entry_id`)
      .innerJoin("stored_messages as m", "m.id", "l.message_id");
  }

  /** Rejections in the time, as `j`. */
  rejections() {
    return this.#rejectionsIn([this.#ranges.entries]);
  }

  /** The same with the entry, as `l`. */
  rejectionsWithEntry() {
    return this.rejections().innerJoin("stored_entries as l", "l.id", "j.entry_id");
  }

  /** The same without those of the chunks. */
  rejectionsBeside() {
    return this.#rejectionsIn(clip(this.#chunks.entries.rest, this.#ranges.entries));
  }

  #rejectionsIn(ranges: readonly IdRange[]) {
    return this.tables
      .selectFrom("stored_rejections as j")
      .where(({ and }) => and(this.#said("j.entry_id", ranges, "matched_rejections")));
  }

  /** All entries in the time, as `l`; of messages or not, whatever subjects are wanted. */
  entries() {
    return this.tables
      .selectFrom("stored_entries as l")
      .where((eb) =>
        eb.and([
          ...this.#inTime(sql.ref<number>("l.at")),
          inRanges(sql.ref<number>("l.id"), [this.#ranges.entries]),
          ...this.#ofServers(sql.ref<number>("l.server_id")),
        ]),
      );
  }

  /** Lines about sessions that went wrong, with their clients, as `k`. A filter of messages finds none: they belong to none. */
  troubles() {
    const rows = this.tables
      .selectFrom("stored_clients as k")
      .innerJoin("stored_entries as l", "l.id", "k.entry_id")
      .innerJoin("strings as d", "d.id", "l.details_id")
      .where("l.message_id", "is", null)
      .where(IS_TROUBLE)
      .where(({ and }) => and([inRanges(sql.ref<number>("k.entry_id"), [this.#ranges.entries]), ...this.ofEntries()]));
    return this.#filter.subjects === undefined ? rows : rows.where(sql<boolean>`0`);
  }

  /** Conditions on an entry, as `l`: its time and its server. */
  ofEntries(): readonly Expression<SqlBool>[] {
    return [...this.#inTime(sql.ref<number>("l.at")), ...this.#ofServers(sql.ref<number>("l.server_id"))];
  }

  /** Conditions on facts of an entry, by the column that holds the entry's id. */
  #said(entryId: string, ranges: readonly IdRange[], matched: string): readonly Expression<SqlBool>[] {
    const id = sql.ref<number>(entryId);
    return [inRanges(id, ranges), ...this.#matched(id, matched), ...this.#ofEntry(id)];
  }

  /** Condition that an id was found by the filter. */
  #matched(id: Expression<number>, table: string): Expression<SqlBool>[] {
    return this.#filter.subjects === undefined
      ? []
      : [sql<SqlBool>`${id} IN (SELECT id FROM ${sql.table(`temp.${table}`)})`];
  }

  /** Condition that an entry is in the time and of the servers; empty if neither is restricted. */
  #ofEntry(id: Expression<number>): Expression<SqlBool>[] {
    const conditions = [...this.#inTime(sql.ref<number>("y.at")), ...this.#ofServers(sql.ref<number>("y.server_id"))];
    if (conditions.length === 0) return [];
    const entry = this.tables
      .selectFrom("stored_entries as y")
      .select("y.id")
      .where(sql<SqlBool>`y.id = ${id}`)
      .where(({ and }) => and(conditions));
    return [sql<SqlBool>`EXISTS ${entry}`];
  }

  #ofServers(serverId: Expression<number>): Expression<SqlBool>[] {
    const { servers = [] } = this.#filter;
    if (servers.length === 0) return [];
    const ids = this.tables.selectFrom("stored_servers").select("id").where("name", "in", servers);
    return [sql<SqlBool>`${serverId} IN ${ids}`];
  }

  #inTime(at: Expression<number | null>): Expression<SqlBool>[] {
    const { since, until } = this.#filter;
    return [
      ...(since === undefined ? [] : [sql<SqlBool>`${at} >= ${sql.lit(momentAt(since, 0))}`]),
      ...(until === undefined ? [] : [sql<SqlBool>`${at} < ${sql.lit(momentAt(until, 0))}`]),
    ];
  }
}

/**
 * Sizes of messages, as `m`, added up. NOTE: as a floating-point number, for `sum` of integers fails beyond 2^63, which a few
 * lines with made-up sizes reach.
 */
export const SIZES = sql<number>`total(m.size)`;

/** Condition on a line about a recipient, as `e`: it was forwarded to another domain. */
export const IS_FORWARDED = sql<boolean>`e.final_id IS NOT NULL
  AND instr((SELECT address FROM addresses WHERE id = e.final_id), '@') > 0
  AND domain_of((SELECT address FROM addresses WHERE id = e.final_id))
    <> domain_of((SELECT address FROM addresses WHERE id = e.recipient_id))`;

/** True when what is wanted can be told from time and server alone. */
function isAddedUp({ subjects }: StatsFilter): boolean {
  return subjects === undefined;
}

function momentsOf({ since, until }: StatsFilter): { readonly since: number; readonly until: number } {
  return {
    since: since === undefined ? Number.NEGATIVE_INFINITY : momentAt(since, 0),
    until: until === undefined ? Number.POSITIVE_INFINITY : momentAt(until, 0),
  };
}

/** The number of the piece of `slotMs` that a moment is in. */
export function slotOf(at: string, slotMs: number) {
  return sql<number>`${sql.ref(at)} / ${sql.lit(slotMs * MOMENTS_PER_MS)}`;
}
