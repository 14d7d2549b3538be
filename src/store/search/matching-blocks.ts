import { type Kysely, sql } from "kysely";
import { LINES_PER_BLOCK } from "../log-text/blocks.ts";
import { postingCode, unpackBlocks } from "../log-text/postings.ts";
import type { Schema } from "../schema/tables.ts";
import type { PostingKeys } from "./conditions.ts";

export interface Block {
  readonly id: number;
  /** Epoch ms of its latest line. */
  readonly last_ms: number;
}

/** Blocks with a posting of any key, the latest lines first, and all blocks that are not indexed yet. */
export async function findBlocks(database: Kysely<Schema>, { kind, keys }: PostingKeys): Promise<Block[]> {
  const { rows } = await sql<{ block_id: number; further_blocks: Uint8Array | null }>`
    SELECT block_id, further_blocks FROM postings
    WHERE kind = ${postingCode(kind)} AND key IN (SELECT value FROM json_each(${JSON.stringify(keys)}))
  `.execute(database);
  const ids = new Set(rows.flatMap((row) => unpackBlocks(row.block_id, row.further_blocks)));
  // NOTE: text may have been pruned of which messages are left; from entry to entry, a block has one step.
  const blocks = await sql<Block>`
    WITH RECURSIVE left_behind (id) AS (
      SELECT min(id) / ${LINES_PER_BLOCK} FROM stored_entries
      WHERE id >= ((SELECT last_id FROM text_indexes WHERE table_name = 'raw_blocks') + 1) * ${LINES_PER_BLOCK}
      UNION ALL
      SELECT (SELECT min(e.id) / ${LINES_PER_BLOCK} FROM stored_entries e WHERE e.id >= (left_behind.id + 1) * ${LINES_PER_BLOCK})
      FROM left_behind WHERE id IS NOT NULL
    ),
    found (id) AS (
      SELECT value FROM json_each(${JSON.stringify([...ids])})
      UNION SELECT id FROM raw_blocks WHERE id > (SELECT last_id FROM text_indexes WHERE table_name = 'raw_blocks')
      UNION SELECT id FROM left_behind WHERE id IS NOT NULL
    )
    SELECT found.id, coalesce(
      b.last_ms,
      (SELECT max(e.at) / 1000 FROM stored_entries e WHERE e.id >= found.id * ${LINES_PER_BLOCK} AND e.id < (found.id + 1) * ${LINES_PER_BLOCK}),
      0
    ) AS last_ms
    FROM found LEFT JOIN raw_blocks b ON b.id = found.id
    ORDER BY 2 DESC
  `.execute(database);
  return blocks.rows;
}

/**
 * Blocks of main logs and syslogs after which a clock was set back: a later block of the log ends before them. A message that arrived
 * in one of them may have all its other lines in blocks that end before its arrival. Rotated logs follow one another by their first
 * lines.
 */
export async function findBlocksBeforeSetBack(database: Kysely<Schema>): Promise<Block[]> {
  const { rows } = await sql<Block & { first_ms: number; source_id: number; log: string }>`
    SELECT b.id, b.last_ms, b.first_ms, b.source_id, s.server_id || ' ' || s.log_type AS log
    FROM raw_blocks b INDEXED BY idx_raw_blocks_last_ms JOIN stored_sources s ON s.id = b.source_id
    WHERE b.last_ms IS NOT NULL
      AND s.log_type IN (SELECT code FROM codes WHERE family = 'log_type' AND name IN ('main', 'syslog'))
    ORDER BY b.id`.execute(database);
  const found: Block[] = [];
  for (const ofLog of Map.groupBy(rows, ({ log }) => log).values()) {
    const sources = [...Map.groupBy(ofLog, ({ source_id }) => source_id).values()];
    sources.sort(([one], [other]) => (one?.first_ms ?? 0) - (other?.first_ms ?? 0));
    let earliestEnd = Infinity;
    for (const { id, last_ms } of sources.flat().reverse()) {
      if (last_ms > earliestEnd) found.push({ id, last_ms });
      earliestEnd = Math.min(earliestEnd, last_ms);
    }
  }
  return found;
}
