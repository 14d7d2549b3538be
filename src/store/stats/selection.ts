/** The part of the database that figures are wanted of, as conditions on the base tables: views would be five times slower. */
import { type Expression, type ExpressionBuilder, type Kysely, type SqlBool, sql } from "kysely";
import type { EpochMs } from "../../units.ts";
import { LINES_PER_BLOCK } from "../raw-text.ts";
import type { BaseTables } from "../tables.ts";

/** What is counted; a part that is undefined or empty does not restrict. */
export interface Filter {
  /** From this moment on. */
  readonly since?: EpochMs | undefined;
  /** Up to, and without, this moment. */
  readonly until?: EpochMs | undefined;
  readonly servers?: readonly string[];
  /**
   * Envelope sender: an address, a domain, or a pattern with `*` for any run of characters; case does not matter.
   * `<>` is the null sender.
   */
  readonly sender?: string | undefined;
  /** Envelope recipient, in the same form. */
  readonly recipient?: string | undefined;
}

/** Ids, both included, outside of which nothing can be in the time wanted. */
interface IdRange {
  readonly first: number;
  readonly last: number;
}

interface Ranges {
  readonly entries: IdRange;
  readonly messages: IdRange;
}

/** Moments are epoch ms × this + rank. */
const RANKS = 1000;

export class Selection {
  readonly tables: Kysely<BaseTables>;
  readonly #filter: Filter;
  /** Undefined: all. */
  readonly #ranges: Ranges | undefined;

  private constructor(tables: Kysely<BaseTables>, filter: Filter, ranges: Ranges | undefined) {
    this.tables = tables;
    this.#filter = filter;
    this.#ranges = ranges;
  }

  static async open(tables: Kysely<BaseTables>, arrivalCode: number, filter: Filter): Promise<Selection> {
    const ranges =
      (filter.since === undefined && filter.until === undefined) || (await lacksText(tables))
        ? undefined
        : await findRanges(tables, arrivalCode, filter);
    return new Selection(tables, filter, ranges);
  }

  /** The messages that arrived in the time, as `m`. */
  messages() {
    const { servers = [], sender, recipient } = this.#filter;
    return this.tables
      .selectFrom("stored_messages as m")
      .where((eb) =>
        eb.and([
          eb("m.arrival_at", "is not", null),
          ...this.#inTime(sql.ref<number>("m.arrival_at")),
          ...inRange(sql.ref<number>("m.id"), this.#ranges?.messages),
          ...(servers.length === 0 ? [] : [eb("m.server_id", "in", serverIds(this.tables, servers))]),
          ...(sender === undefined ? [] : [eb("m.sender_id", "in", addressIds(this.tables, sender))]),
          ...(recipient === undefined
            ? []
            : [
                eb.exists(
                  this.tables
                    .selectFrom("stored_recipients as q")
                    .select("q.address_id")
                    .where(sql<SqlBool>`q.message_id = m.id`)
                    .where("q.address_id", "in", addressIds(this.tables, recipient)),
                ),
              ]),
        ]),
      );
  }

  /** What was said in the time about recipients of messages, as `e`, on their ways, as `p`, with their problems, as `b`. */
  addressEvents() {
    return this.tables
      .selectFrom("address_events as e")
      .leftJoin("delivery_paths as p", "p.id", "e.path_id")
      .leftJoin("delivery_problems as b", "b.id", "e.problem_id")
      .where((eb) => eb.and(this.#eventConditions(eb)));
  }

  /** The same with the entry, as `l`. */
  addressEventsWithEntry() {
    return this.addressEvents().innerJoin("stored_entries as l", "l.id", "e.entry_id");
  }

  /** The same with the entry, as `l`, and the message, as `m`. */
  addressEventsWithMessage() {
    return this.addressEventsWithEntry().innerJoin("stored_messages as m", "m.id", "l.message_id");
  }

  /** Rejections in the time, as `j`, with their entries, as `l`. */
  rejections() {
    const { servers = [], sender, recipient } = this.#filter;
    return this.tables
      .selectFrom("stored_rejections as j")
      .innerJoin("stored_entries as l", "l.id", "j.entry_id")
      .where((eb) =>
        eb.and([
          ...this.#inTime(sql.ref<number>("l.at")),
          ...inRange(sql.ref<number>("j.entry_id"), this.#ranges?.entries),
          ...(servers.length === 0 ? [] : [eb("l.server_id", "in", serverIds(this.tables, servers))]),
          ...(sender === undefined ? [] : [eb("j.sender_id", "in", addressIds(this.tables, sender))]),
          ...(recipient === undefined ? [] : [eb("j.recipient_id", "in", addressIds(this.tables, recipient))]),
        ]),
      );
  }

  /** All entries in the time, as `l`; of messages or not, whatever sender and recipient are wanted. */
  entries() {
    const { servers = [] } = this.#filter;
    return this.tables
      .selectFrom("stored_entries as l")
      .where((eb) =>
        eb.and([
          ...this.#inTime(sql.ref<number>("l.at")),
          ...inRange(sql.ref<number>("l.id"), this.#ranges?.entries),
          ...(servers.length === 0 ? [] : [eb("l.server_id", "in", serverIds(this.tables, servers))]),
        ]),
      );
  }

  #eventConditions(
    eb: ExpressionBuilder<BaseTables & { e: BaseTables["address_events"] }, "e">,
  ): Expression<SqlBool>[] {
    const { servers = [], sender, recipient } = this.#filter;
    const conditions = inRange(sql.ref<number>("e.entry_id"), this.#ranges?.entries);
    if (recipient !== undefined) conditions.push(eb("e.recipient_id", "in", addressIds(this.tables, recipient)));
    const ofEntry = this.#inTime(sql.ref<number>("y.at"));
    if (servers.length > 0) ofEntry.push(sql<SqlBool>`y.server_id IN ${serverIds(this.tables, servers)}`);
    if (sender !== undefined) {
      const messages = this.tables
        .selectFrom("stored_messages as x")
        .select("x.id")
        .where(sql<SqlBool>`x.id = y.message_id`)
        .where("x.sender_id", "in", addressIds(this.tables, sender));
      ofEntry.push(sql<SqlBool>`EXISTS ${messages}`);
    }
    if (ofEntry.length === 0) return conditions;
    const entry = this.tables
      .selectFrom("stored_entries as y")
      .select("y.id")
      .where(sql<SqlBool>`y.id = e.entry_id`)
      .where((its) => its.and(ofEntry));
    return [...conditions, eb.exists(entry)];
  }

  #inTime(at: Expression<number | null>): Expression<SqlBool>[] {
    const { since, until } = this.#filter;
    return [
      ...(since === undefined ? [] : [sql<SqlBool>`${at} >= ${sql.lit(since * RANKS)}`]),
      ...(until === undefined ? [] : [sql<SqlBool>`${at} < ${sql.lit(until * RANKS)}`]),
    ];
  }
}

/** The number of the piece of `slotMs` that a moment is in. */
export function slotOf(at: string, slotMs: number) {
  return sql<number>`${sql.ref(at)} / ${sql.lit(slotMs * RANKS)}`;
}

function inRange(id: Expression<number>, range: IdRange | undefined): Expression<SqlBool>[] {
  return range === undefined ? [] : [sql<SqlBool>`${id} BETWEEN ${sql.lit(range.first)} AND ${sql.lit(range.last)}`];
}

/**
 * Entries are numbered by block, and a block knows its first and last stamp: what a day said stands between two ids, and so do
 * the messages that arrived on it. Logs read out of order make the ranges wider, never wrong.
 */
async function findRanges(tables: Kysely<BaseTables>, arrivalCode: number, { since, until }: Filter): Promise<Ranges> {
  let blocks = tables
    .selectFrom("raw_blocks")
    .select(({ fn }) => [fn.min<number | null>("id").as("first"), fn.max<number | null>("id").as("last")]);
  if (since !== undefined) blocks = blocks.where("last_ms", ">=", since);
  if (until !== undefined) blocks = blocks.where("first_ms", "<", until);
  const { first, last } = await blocks.executeTakeFirstOrThrow();
  const entries =
    first === null || last === null
      ? { first: 1, last: 0 }
      : { first: first * LINES_PER_BLOCK, last: last * LINES_PER_BLOCK + LINES_PER_BLOCK - 1 };
  const found = await tables
    .selectFrom("stored_entries")
    .select(({ fn }) => [
      fn.min<number | null>("message_id").as("first"),
      fn.max<number | null>("message_id").as("last"),
    ])
    .where("id", ">=", entries.first)
    .where("id", "<=", entries.last)
    .where("event", "=", arrivalCode)
    .executeTakeFirstOrThrow();
  return { entries, messages: { first: found.first ?? 1, last: found.last ?? 0 } };
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

function addressIds(tables: Kysely<BaseTables>, wanted: string) {
  return tables
    .selectFrom("addresses")
    .select("id")
    .where(sql<SqlBool>`address LIKE ${toLikePattern(wanted)} ESCAPE '\\'`);
}

/** `bob@example.org`, `*@example.org`, `example.org` (any address there), `bounce-*`. */
function toLikePattern(wanted: string): string {
  const isPlain = wanted.includes("@") || wanted.includes("*") || wanted === "<>";
  const pattern = isPlain ? wanted : `*@${wanted}`;
  return pattern.replace(/[\\%_]/g, "\\$&").replaceAll("*", "%");
}
