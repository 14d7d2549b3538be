/** Refusals that belong to no message, as the lines of a log that came through syslog show them, from the last one back. */
import type Database from "better-sqlite3";
import { type EpochMs, type Moment, momentMs } from "../../units.ts";
import { blockOf, LINES_PER_BLOCK, type RawTextReader } from "../log-text/blocks.ts";
import type { Codes } from "../schema/codes.ts";

/** A line, whether it is an entry or shows one again. */
export interface LoneRejection {
  readonly at: EpochMs;
  readonly text: string;
  /** The other line of the same refusal is in another log. */
  readonly isHalf: boolean;
}

export class LoneRejections {
  readonly #rawText: RawTextReader;
  readonly #blocks: Database.Statement<[sourceId: number, before: number, since: number], number>;
  readonly #lines: Database.Statement<
    [{ from: number; to: number; source: number }],
    { location: number; at: Moment; is_half: 0 | 1 }
  >;
  readonly #sourceOf: Database.Statement<[blockId: number], number>;
  readonly #otherSource: Database.Statement<[server: number, sourceId: number, until: number], number>;

  constructor(database: Database.Database, rawText: RawTextReader, codes: Codes) {
    this.#rawText = rawText;
    this.#blocks = database
      .prepare<[number, number, number], number>(
        "SELECT id FROM raw_blocks WHERE source_id = ? AND id < ? AND last_ms >= ? ORDER BY position DESC",
      )
      .pluck();
    const isOne = `e.event = ${codes.event("rejection")} AND e.message_id IS NULL`;
    this.#lines = database.prepare(
      `SELECT e.id AS location, e.at, EXISTS (
         SELECT 1 FROM duplicate_locations d JOIN raw_blocks b ON b.id = d.location / ${LINES_PER_BLOCK}
         WHERE d.entry_id = e.id AND b.source_id <> @source) AS is_half
       FROM stored_entries e WHERE e.id >= @from AND e.id < @to AND ${isOne}
       UNION ALL
       SELECT d.location, e.at, EXISTS (
         SELECT 1 FROM raw_blocks b WHERE b.id = e.id / ${LINES_PER_BLOCK} AND b.source_id <> @source)
       FROM duplicate_locations d JOIN stored_entries e ON e.id = d.entry_id
       WHERE d.location >= @from AND d.location < @to AND ${isOne}
       ORDER BY location DESC`,
    );
    this.#sourceOf = database.prepare<[number], number>("SELECT source_id FROM raw_blocks WHERE id = ?").pluck();
    this.#otherSource = database
      .prepare<[number, number, number], number>(
        `SELECT s.id FROM stored_sources s JOIN raw_blocks b ON b.source_id = s.id
         WHERE s.server_id = ? AND s.log_type = ${codes.logType("syslog")} AND s.id <> ? AND b.last_ms <= ?
         ORDER BY b.last_ms DESC LIMIT 1`,
      )
      .pluck();
  }

  /** Yields rejections of a log before a block, from blocks that reach `sinceMs` or later. */
  *of(sourceId: number, beforeBlock: number, sinceMs: EpochMs): Generator<LoneRejection> {
    for (const block of this.#blocks.all(sourceId, beforeBlock, sinceMs)) {
      const [from, to] = [block * LINES_PER_BLOCK, (block + 1) * LINES_PER_BLOCK];
      for (const { location, at, is_half } of this.#lines.all({ from, to, source: sourceId })) {
        const text = this.#rawText.textAt(location);
        if (text !== undefined) yield { at: momentMs(at), text, isHalf: is_half === 1 };
      }
    }
  }

  /** True when an entry that is stored is of this log. */
  isOf(sourceId: number | undefined, entryId: number): boolean {
    return sourceId !== undefined && this.#sourceOf.get(blockOf(entryId)) === sourceId;
  }

  /** Yields rejections of the server's other log that was written last before `untilMs`; never of `sourceId`. */
  *ofOther(
    serverId: number,
    sourceId: number | undefined,
    untilMs: EpochMs,
    sinceMs: EpochMs,
  ): Generator<LoneRejection> {
    const other = this.#otherSource.get(serverId, sourceId ?? 0, untilMs);
    if (other !== undefined) yield* this.of(other, Number.MAX_SAFE_INTEGER, sinceMs);
  }
}
