/** Finds the chunks of rollups that fit a filter, and the ids outside of them; see schema/0003_rollups.sql. */
import { type Expression, type Kysely, type RawBuilder, type SqlBool, sql } from "kysely";
import { type ChunkKind, SLOT_MS } from "../schema/chunks.ts";
import type { BaseTables } from "../schema/tables.ts";
import { ALL_IDS, type IdRange } from "./id-ranges.ts";

/** The time wanted, as moments. */
interface MomentSpan {
  readonly since: number;
  readonly until: number;
}

/** All that is wanted of one kind is in these chunks, and in the rows of these ranges of ids. */
export class Chunks {
  readonly rest: readonly IdRange[];
  readonly #firstIds: string;

  constructor(firstIds: readonly number[], rest: readonly IdRange[]) {
    this.#firstIds = JSON.stringify(firstIds);
    this.rest = rest;
  }

  /** The condition on the rows of a rolled table. */
  holds(firstId: Expression<number>): RawBuilder<SqlBool> {
    return sql<SqlBool>`${firstId} IN (SELECT value FROM json_each(${this.#firstIds}))`;
  }
}

/** No chunks: everything is counted from rows. */
export const NO_CHUNKS = new Chunks([], [ALL_IDS]);

/** More ranges than this would be more work than the rows between them. */
const MOST_RANGES = 64;

/** Chunks whose time is wholly wanted; those whose time is not wanted at all are left out. */
export async function findChunks(tables: Kysely<BaseTables>, kind: ChunkKind, wanted: MomentSpan): Promise<Chunks> {
  const chunks = await tables
    .selectFrom("rolled_chunks")
    .select(["first_id", "last_id", "first_at", "last_at"])
    .where("kind", "=", kind)
    .orderBy("first_id")
    .execute();
  const used: number[] = [];
  const rest: IdRange[] = [];
  let next = 0;
  for (const { first_id, last_id, first_at, last_at } of chunks) {
    const isInside = first_at === null || last_at === null || (first_at >= wanted.since && last_at < wanted.until);
    const isOutside = !isInside && (last_at < wanted.since || first_at >= wanted.until);
    if (!isInside && !isOutside) continue;
    if (first_id > next) rest.push({ first: next, last: first_id - 1 });
    if (rest.length === MOST_RANGES) return new Chunks(used, [...rest.slice(0, -1), { ...ALL_IDS, first: next }]);
    if (isInside) used.push(first_id);
    next = last_id + 1;
  }
  return new Chunks(used, [...rest, { ...ALL_IDS, first: next }]);
}

/** True when pieces of time of this size are made of whole slots. */
export function isMadeOfSlots(slotMs: number): boolean {
  return slotMs % SLOT_MS === 0;
}

/** The number of the piece of `slotMs` that a slot is in. */
export function pieceOf(slot: string, slotMs: number): RawBuilder<number> {
  return sql<number>`${sql.ref(slot)} / ${sql.lit(slotMs / SLOT_MS)}`;
}
