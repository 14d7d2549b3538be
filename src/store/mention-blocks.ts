import { type Kysely, sql } from "kysely";
import type { MentionKeys } from "./conditions.ts";
import { mentionCode, unpackBlocks } from "./mentions.ts";
import type { Schema } from "./tables.ts";

export interface Block {
  readonly id: number;
  /** Epoch ms of its latest line. */
  readonly last_ms: number;
}

/** The blocks that mention any of the keys, those whose lines are the latest first; with all that are not indexed yet. */
export async function findBlocks(database: Kysely<Schema>, { kind, keys }: MentionKeys): Promise<Block[]> {
  const { rows } = await sql<{ block_id: number; further_blocks: Uint8Array | null }>`
    SELECT block_id, further_blocks FROM mentions
    WHERE kind = ${mentionCode(kind)} AND key IN (SELECT value FROM json_each(${JSON.stringify(keys)}))
  `.execute(database);
  const ids = new Set(rows.flatMap((row) => unpackBlocks(row.block_id, row.further_blocks)));
  // NOTE: blocks whose text has been pruned are the oldest; entries of messages may still be there.
  const blocks = await sql<Block>`
    SELECT j.value AS id, coalesce(b.last_ms, 0) AS last_ms
    FROM json_each(${JSON.stringify([...ids])}) j LEFT JOIN raw_blocks b ON b.id = j.value
    UNION
    SELECT id, coalesce(last_ms, 0) FROM raw_blocks
    WHERE id > (SELECT last_id FROM text_indexes WHERE table_name = 'raw_blocks')
    ORDER BY 2 DESC
  `.execute(database);
  return blocks.rows;
}
