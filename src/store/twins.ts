/**
 * The same event in two logs. Exim writes a policy rejection to the main and the reject log, and most panics to the main and
 * the panic log: one line, byte for byte, with one stamp. It is one entry, seen in both, whichever log was read first. Equal
 * lines of one log are different events, so the n-th of one log is paired with the n-th of the other.
 */
import type Database from "better-sqlite3";
import type { EpochMs } from "../units.ts";
import { type LogType, logTypeBit } from "./codes.ts";
import { entryIdOf, lineOf, type RawTextReader } from "./raw-text.ts";

/** Blocks of one source are in the order of time but for lines around a rotation or a jump of the clock. */
const NEAREST_BLOCKS = 16;
const REMEMBERED_BLOCKS = 64;

interface Place {
  readonly serverId: number;
  readonly logType: LogType;
  /** Code of {@link logType}. */
  readonly logTypeCode: number;
}

export class TwinFinder {
  readonly #rawText: RawTextReader;
  readonly #others: Database.Statement<[number, number], { id: number }>;
  readonly #blocksAt: Database.Statement<[number, number], { id: number; last_ms: number }>;
  readonly #entriesOf: Database.Statement<[number, number, number], { id: number }>;
  readonly #sourceIds = new Map<string, readonly number[]>();
  /** Unpaired entries by their line, by block and log type. */
  readonly #linesOf = new Map<string, Map<string, number[]>>();

  constructor(database: Database.Database, rawText: RawTextReader) {
    this.#rawText = rawText;
    this.#others = database.prepare("SELECT id FROM stored_sources WHERE server_id = ? AND log_type <> ?");
    this.#blocksAt = database.prepare(
      `SELECT id, last_ms FROM raw_blocks WHERE source_id = ? AND first_ms <= ? ORDER BY first_ms DESC LIMIT ${NEAREST_BLOCKS}`,
    );
    this.#entriesOf = database.prepare(
      "SELECT id FROM stored_entries WHERE id >= ? AND id < ? AND seen_in & ? = 0 ORDER BY id",
    );
  }

  /** The entry of another log that this line repeats, taken so that the next equal line gets the next one; undefined when there is none. */
  take(line: string, at: EpochMs, place: Place): number | undefined {
    for (const sourceId of this.#otherSources(place)) {
      for (const block of this.#blocksAt.all(sourceId, at)) {
        if (block.last_ms < at) continue;
        const ids = this.#unpaired(block.id, place.logType).get(line);
        const id = ids?.shift();
        if (id !== undefined) return id;
      }
    }
    return undefined;
  }

  /** Forgets what it knows: after a rollback, or when sources or blocks have changed. */
  forget(): void {
    this.#sourceIds.clear();
    this.#linesOf.clear();
  }

  #otherSources({ serverId, logTypeCode }: Place): readonly number[] {
    const key = `${serverId}/${logTypeCode}`;
    let ids = this.#sourceIds.get(key);
    if (ids === undefined) {
      ids = this.#others.all(serverId, logTypeCode).map(({ id }) => id);
      this.#sourceIds.set(key, ids);
    }
    return ids;
  }

  #unpaired(blockId: number, logType: LogType): Map<string, number[]> {
    const key = `${blockId}/${logType}`;
    const known = this.#linesOf.get(key);
    if (known !== undefined) return known;
    const lines = (this.#rawText.blockText(blockId) ?? "").split("\n");
    const unpaired = new Map<string, number[]>();
    for (const { id } of this.#entriesOf.all(entryIdOf(blockId, 0), entryIdOf(blockId + 1, 0), logTypeBit(logType))) {
      const line = lines[lineOf(id)] ?? "";
      const ids = unpaired.get(line);
      if (ids === undefined) unpaired.set(line, [id]);
      else ids.push(id);
    }
    const oldest = this.#linesOf.keys().next();
    if (this.#linesOf.size >= REMEMBERED_BLOCKS && !oldest.done) this.#linesOf.delete(oldest.value);
    this.#linesOf.set(key, unpaired);
    return unpaired;
  }
}
