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
