/** Gives a stored log back: the bytes of its blocks in order, each checked against its hash. */
import type Database from "better-sqlite3";
import { PilotError } from "../../errors.ts";
import type { RawBlocksTable } from "../schema/tables.ts";
import { sha256, unpackBytes } from "./blocks.ts";

export type StoredBlock = Pick<RawBlocksTable, "position" | "size" | "lines" | "sha256" | "data"> & {
  readonly id: number;
  readonly source_id: number;
  /** Bytes stored of the source, at the instant the block was read. */
  readonly end: number;
};

/** The text of sources, over one connection. */
export class StoredText {
  readonly #blocks: Database.Statement<[number, number], StoredBlock>;
  readonly #end: Database.Statement<[number], { end: number }>;
  readonly #pruned: Database.Statement<[number], number>;

  constructor(database: Database.Database) {
    this.#blocks = database.prepare(
      `SELECT b.id, b.source_id, b.position, b.size, b.lines, b.sha256, b.data, s.position AS end
       FROM raw_blocks b JOIN stored_sources s ON s.id = b.source_id
       WHERE b.source_id = ? AND b.position + b.size > ? ORDER BY b.position`,
    );
    this.#pruned = database.prepare<[number], number>("SELECT pruned FROM stored_sources WHERE id = ?").pluck();
    this.#end = database.prepare("SELECT position AS end FROM stored_sources WHERE id = ?");
  }

  /** The blocks of a source that end after `from`, as they are; one state of the database during the iteration. */
  blocksOf(sourceId: number, from = 0): IterableIterator<StoredBlock> {
    return this.#blocks.iterate(sourceId, from);
  }

  /** Bytes that are stored of a source, the pruned ones included. */
  sizeOf(sourceId: number): number {
    return this.#end.get(sourceId)?.end ?? 0;
  }

  /** Bytes pruned from the beginning of a source. */
  prunedBytes(sourceId: number): number {
    return this.#pruned.get(sourceId) ?? 0;
  }

  /**
   * The bytes of a source from an offset on, which is after what was pruned, block by block. Errors: `corrupt` at the first block
   * that is not what was stored.
   */
  *bytesOf(sourceId: number, from = 0): Generator<Buffer> {
    let position = from;
    let end: number | undefined;
    for (const block of this.blocksOf(sourceId, from)) {
      if (block.position > position)
        throw damaged(`Source ${sourceId} lacks the bytes ${position} to ${block.position}`);
      yield openBlock(block).subarray(position - block.position);
      position = block.position + block.size;
      end = block.end;
    }
    end ??= this.#end.get(sourceId)?.end ?? from;
    if (position < end) throw damaged(`Source ${sourceId} lacks the bytes ${position} to ${end}`);
  }
}

/** The bytes of a block. Errors: `corrupt` when they are not those that were stored. */
export function openBlock({ id, source_id, size, sha256: expected, data }: StoredBlock): Buffer {
  const bytes = unpackBytes(id, data);
  if (bytes.length !== size || !sha256(bytes).equals(expected)) {
    throw damaged(`The log text in block ${id} of source ${source_id} is not what was stored`);
  }
  return bytes;
}

function damaged(what: string): PilotError {
  return new PilotError("corrupt", `${what}.`, {
    hint: "Keep the file; restore a backup, or ingest the log again into a new database.",
  });
}
