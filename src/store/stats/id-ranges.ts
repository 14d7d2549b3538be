/** Ranges of ids: where what is of a time can be at all, and the conditions on ids that come of it. */
import { type Expression, type Kysely, type RawBuilder, type SqlBool, sql } from "kysely";
import type { EpochMs } from "../../units.ts";
import { LINES_PER_BLOCK } from "../log-text/blocks.ts";
import type { BaseTables } from "../schema/tables.ts";
import { MESSAGE_MS } from "../search/conditions.ts";

/** Ids, both included. */
export interface IdRange {
  readonly first: number;
  readonly last: number;
}

interface TimeSpan {
  readonly since?: EpochMs | undefined;
  /** Exclusive. */
  readonly until?: EpochMs | undefined;
}

/** Ids outside of which nothing can be in the time wanted. */
export interface Ranges {
  readonly entries: IdRange;
  readonly messages: IdRange;
}

export const ALL_IDS: IdRange = { first: 0, last: Number.MAX_SAFE_INTEGER };
const NO_IDS: IdRange = { first: 1, last: 0 };

export async function findRanges(tables: Kysely<BaseTables>, span: TimeSpan): Promise<Ranges> {
  if (span.since === undefined && span.until === undefined) return { entries: ALL_IDS, messages: ALL_IDS };
  return { entries: await findEntries(tables, span), messages: await findMessages(tables, span) };
}

/**
 * Entries are numbered by block, and a block knows its first and last stamp: what a day said is between two ids. Logs read
 * out of order make the range wider, never wrong.
 */
async function findEntries(tables: Kysely<BaseTables>, { since, until }: TimeSpan): Promise<IdRange> {
  if (await lacksText(tables)) return ALL_IDS;
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
async function findMessages(tables: Kysely<BaseTables>, { since, until }: TimeSpan): Promise<IdRange> {
  let messages = tables
    .selectFrom("stored_messages as m")
    .select(({ fn }) => [fn.min<number | null>("m.id").as("first"), fn.max<number | null>("m.id").as("last")]);
  if (since !== undefined) messages = messages.where(sql<boolean>`${MESSAGE_MS} >= ${sql.lit(since)}`);
  if (until !== undefined) messages = messages.where(sql<boolean>`${MESSAGE_MS} < ${sql.lit(until)}`);
  const { first, last } = await messages.executeTakeFirstOrThrow();
  return first === null || last === null ? NO_IDS : { first, last };
}

/** True if text was pruned: its times are in no block, so all entries are read. */
async function lacksText(tables: Kysely<BaseTables>): Promise<boolean> {
  const pruned = await tables.selectFrom("stored_sources").select("id").where("pruned", ">", 0).executeTakeFirst();
  return pruned !== undefined;
}

/** The parts of ranges that are in one. In a query SQLite would walk through all of that one instead. */
export function clip(ranges: readonly IdRange[], { first, last }: IdRange): readonly IdRange[] {
  return ranges
    .map((range) => ({ first: Math.max(range.first, first), last: Math.min(range.last, last) }))
    .filter((range) => range.first <= range.last);
}

/** The condition on ids; ranges are in order and apart from each other. */
export function inRanges(id: Expression<number>, ranges: readonly IdRange[]): RawBuilder<SqlBool> {
  if (ranges.some(({ first, last }) => first === ALL_IDS.first && last === ALL_IDS.last)) return sql<SqlBool>`1`;
  const each = ranges.map(({ first, last }) =>
    last === ALL_IDS.last
      ? sql<SqlBool>`${id} >= ${sql.lit(first)}`
      : sql<SqlBool>`${id} BETWEEN ${sql.lit(first)} AND ${sql.lit(last)}`,
  );
  return each.length === 0 ? sql<SqlBool>`0` : sql<SqlBool>`(${sql.join(each, sql` OR `)})`;
}
