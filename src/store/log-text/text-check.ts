/** Checks whether the raw log text can still be given back. */
import { setImmediate } from "node:timers/promises";
import type Database from "better-sqlite3";
import { PilotError } from "../../errors.ts";
import { openForReading } from "../database/connection.ts";
import { translateSqliteError } from "../database/sqlite-errors.ts";
import { sha256, unpackBytes } from "./blocks.ts";

export interface CheckedTexts {
  readonly blocks: number;
  /** Log text in bytes, uncompressed. */
  readonly bytes: number;
}

interface Block {
  readonly id: number;
  readonly size: number;
  readonly sha256: Uint8Array;
  readonly data: Uint8Array;
}

/** Unpacks every block of log text and compares it with its hash. Errors: `corrupt`, `interrupted` (by `signal`, between two blocks). */
export async function checkTexts(path: string, signal?: AbortSignal): Promise<CheckedTexts> {
  const database = openForReading(path, 0);
  try {
    return await checkBlocks(database, path, signal);
  } catch (error) {
    throw translateSqliteError(error, path);
  } finally {
    database.close();
  }
}

async function checkBlocks(database: Database.Database, path: string, signal?: AbortSignal): Promise<CheckedTexts> {
  const checked = { blocks: 0, bytes: 0 };
  // NOTE: one after the other, so that no statement is open while other work of the process has its turn.
  const next = database.prepare<[number], Block>(
    "SELECT id, size, sha256, data FROM raw_blocks WHERE id > ? ORDER BY id LIMIT 1",
  );
  for (let block = next.get(0); block !== undefined; block = next.get(block.id)) {
    const bytes = unpackBytes(block.id, block.data);
    if (bytes.length !== block.size || !sha256(bytes).equals(block.sha256)) {
      throw new PilotError("corrupt", `The log text in block ${block.id} of "${path}" is not what was read.`, {
        hint: "Restore a backup, and ingest the logs again: lines already there are not added twice.",
      });
    }
    checked.blocks++;
    checked.bytes += bytes.length;
    await setImmediate();
    if (signal?.aborted === true) throw new PilotError("interrupted", "The check of the text was interrupted.");
  }
  return checked;
}
