/** Figures of ranges of messages and entries, added up in advance for statistics; see schema/0003_rollups.sql. */
import type Database from "better-sqlite3";
import { prepareOnce } from "../database/prepared.ts";
import { LINES_PER_BLOCK } from "../log-text/blocks.ts";
import { CHUNK_SIZES, type ChunkKind, type ChunkSizes, SLOT } from "../schema/chunks.ts";
import type { BaseTables } from "../schema/tables.ts";
import type { EntryCounts, FreshCounts } from "./fresh-counts.ts";

export interface Rolled {
  readonly kind: ChunkKind;
  readonly table: keyof BaseTables & `rolled_${string}`;
  /** Its rows but for the first column, of the ids between two parameters, both included. */
  readonly select: string;
}

const outcome = (name: string): string => `(SELECT code FROM codes WHERE family = 'outcome' AND name = '${name}')`;
const is = (name: string): string => `e.outcome = ${outcome(name)}`;

/** NOTE: rollups of entries are counted in fresh-counts.ts, too. */
export const ROLLED: readonly Rolled[] = [
  {
    kind: "messages",
    table: "rolled_messages",
    select: `SELECT server_id, arrival_at / ${SLOT} AS slot, status, count(*), total(size)
      FROM stored_messages WHERE id BETWEEN ? AND ? AND arrival_at IS NOT NULL GROUP BY 1, 2, 3`,
  },
  {
    kind: "messages",
    table: "rolled_recipients",
    select: `SELECT m.server_id, r.status, r.attempts, count(*), total(m.size)
      FROM stored_messages m CROSS JOIN stored_recipients r ON r.message_id = m.id
      WHERE m.id BETWEEN ? AND ? AND m.arrival_at IS NOT NULL GROUP BY 1, 2, 3`,
  },
  {
    kind: "entries",
    table: "rolled_events",
    select: `SELECT l.server_id, l.at / ${SLOT} AS slot, e.outcome, e.is_attempt, count(*)
      FROM address_events e CROSS JOIN stored_entries l ON l.id = e.entry_id
      WHERE e.entry_id BETWEEN ? AND ? GROUP BY 1, 2, 3, 4`,
  },
  {
    kind: "entries",
    table: "rolled_failures",
    select: `SELECT l.server_id, e.outcome, coalesce(e.problem_id, 0) AS problem, count(*), min(e.entry_id)
      FROM address_events e CROSS JOIN stored_entries l ON l.id = e.entry_id
      WHERE e.entry_id BETWEEN ? AND ? AND e.is_attempt AND (${is("deferred")} OR ${is("bounced")}) GROUP BY 1, 2, 3`,
  },
  {
    kind: "entries",
    table: "rolled_hosts",
    select: `SELECT l.server_id, p.host_id, sum(${is("delivered")}), sum(${is("deferred")}), sum(${is("bounced")}),
        coalesce(sum(b.is_timeout), 0), max(CASE WHEN ${is("delivered")} THEN l.at END), max(l.at)
      FROM address_events e CROSS JOIN stored_entries l ON l.id = e.entry_id CROSS JOIN delivery_paths p ON p.id = e.path_id
      LEFT JOIN delivery_problems b ON b.id = e.problem_id
      WHERE e.entry_id BETWEEN ? AND ? AND e.is_attempt AND p.host_id IS NOT NULL GROUP BY 1, 2`,
  },
  {
    kind: "entries",
    table: "rolled_rejections",
    select: `SELECT l.server_id, l.at / ${SLOT} AS slot, j.is_permanent, count(*)
      FROM stored_rejections j CROSS JOIN stored_entries l ON l.id = j.entry_id
      WHERE j.entry_id BETWEEN ? AND ? GROUP BY 1, 2, 3`,
  },
];

/** The moments of a chunk, of the ids between two parameters. */
const MOMENTS: Readonly<Record<ChunkKind, string>> = {
  messages: "SELECT min(arrival_at), max(arrival_at) FROM stored_messages WHERE id BETWEEN ? AND ?",
  entries: "SELECT min(at), max(at) FROM stored_entries WHERE id BETWEEN ? AND ?",
};

/** Ids below this belong to no row that is still to come. */
const SETTLED: Readonly<Record<ChunkKind, string>> = {
  messages: "SELECT coalesce(max(id), 0) + 1 FROM stored_messages",
  entries: `SELECT coalesce(max(id), 0) * ${LINES_PER_BLOCK} FROM raw_blocks`,
};

/** The first two chunks that are not added up. */
const OPEN_CHUNKS = `
  WITH RECURSIVE grid (first_id) AS (
    SELECT 0 WHERE @end >= @size UNION ALL SELECT first_id + @size FROM grid WHERE first_id + 2 * @size <= @end
  )
  SELECT first_id FROM grid
  WHERE NOT EXISTS (SELECT 1 FROM rolled_chunks c WHERE c.kind = @kind AND c.first_id = grid.first_id)
  ORDER BY first_id LIMIT 2`;

/**
 * Adds up the first chunk of each kind that is not, or not any more; false when there is none left. To be done when a run ends,
 * with all rows flushed. `counts`: what is known of entries without asking their rows.
 */
export function rollUp(
  database: Database.Database,
  sizes: ChunkSizes,
  counts: FreshCounts,
  wanted: readonly ChunkKind[] = ["messages", "entries"],
): boolean {
  const all = [
    ["messages", sizes.messages],
    ["entries", sizes.blocks * LINES_PER_BLOCK],
  ] as const;
  const kinds = all.filter(([kind]) => wanted.includes(kind));
  let isLeft = false;
  for (const [kind, size] of kinds) {
    const end = prepareOnce<[], number>(database, SETTLED[kind]).pluck().get() ?? 0;
    const [firstId, next] = prepareOnce<{ end: number; size: number; kind: ChunkKind }, number>(database, OPEN_CHUNKS)
      .pluck()
      .all({ end, size, kind });
    if (firstId !== undefined) {
      const isUsual = kind === "entries" && sizes.blocks === CHUNK_SIZES.blocks;
      const known = isUsual ? counts.take(firstId / size) : undefined;
      rollUpChunk(database, kind, firstId, firstId + size - 1, known);
    }
    isLeft ||= next !== undefined;
  }
  return isLeft;
}

function rollUpChunk(
  database: Database.Database,
  kind: ChunkKind,
  firstId: number,
  lastId: number,
  counts: EntryCounts | undefined,
): void {
  const run = (sql: string, ...parameters: readonly (number | string)[]): unknown =>
    prepareOnce(database, sql).run(...parameters);
  // NOTE: one of another size, of another version of the program, must not count the same rows again.
  run("DELETE FROM rolled_chunks WHERE kind = ? AND first_id <= ? AND last_id >= ?", kind, lastId, firstId);
  const rolled = ROLLED.filter((one) => one.kind === kind);
  for (const { table } of rolled) run(`DELETE FROM ${table} WHERE first_id = ?`, firstId);
  if (counts !== undefined) {
    counts.write(database, firstId, lastId);
    return;
  }
  for (const { table, select } of rolled)
    run(`INSERT INTO ${table} SELECT ?, * FROM (${select})`, firstId, firstId, lastId);
  run(
    `INSERT INTO rolled_chunks (kind, first_id, last_id, first_at, last_at) SELECT ?, ?, ?, * FROM (${MOMENTS[kind]})`,
    ...[kind, firstId, lastId, firstId, lastId],
  );
}
