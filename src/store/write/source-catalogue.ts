/** Reads the known servers and the logs read from them. */
import type Database from "better-sqlite3";
import { type EpochMs, epochMs } from "../../units.ts";
import type { RawTextReader } from "../log-text/blocks.ts";
import type { Codes, SourceType } from "../schema/codes.ts";
import type { RawBlocksTable, StoredServersTable, StoredSourcesTable } from "../schema/tables.ts";

/** By so many of its first bytes a log is recognised, and by so many of the last ones read it is made sure of. */
export const IDENTITY_BYTES = 256;

export interface ServerRow {
  readonly id: number;
  readonly name: string;
  readonly timeZone: string;
  readonly environment: string | undefined;
  readonly owner: string | undefined;
  /** The user whose name the owner is. */
  readonly ownerUserId: number | undefined;
}

export interface SourceRow {
  readonly id: number;
  readonly serverId: number;
  readonly logType: SourceType;
  readonly path: string;
  /** The first bytes of the log, up to {@link IDENTITY_BYTES}. */
  readonly head: Buffer;
  /** The bytes before {@link SourceRow.position}, up to {@link IDENTITY_BYTES}. */
  readonly tail: Buffer;
  /** Bytes stored. */
  readonly position: number;
  readonly lines: number;
  readonly entries: number;
  readonly other: number;
  readonly unparsed: number;
  readonly firstMs: EpochMs | undefined;
  readonly lastMs: EpochMs | undefined;
}

export interface BlockPlace {
  readonly id: number;
  /** Offset of its first byte in the source. */
  readonly position: number;
  readonly lines: number;
  /** The log's clock before the block. */
  readonly clockBefore: EpochMs | undefined;
}

export class SourceCatalogue {
  readonly #rawText: RawTextReader;
  readonly #logTypes: Codes["logTypeName"];
  readonly #server: Database.Statement<[string], Stored<StoredServersTable>>;
  readonly #servers: Database.Statement<[], Stored<StoredServersTable>>;
  readonly #sources: Database.Statement<[number], Stored<StoredSourcesTable>>;
  readonly #source: Database.Statement<[number], Stored<StoredSourcesTable>>;
  readonly #prunedClock: Database.Statement<[number], number | null>;
  readonly #blocksBefore: Database.Statement<
    [number, number],
    Pick<Stored<RawBlocksTable>, "id" | "position" | "lines" | "clock_ms">
  >;

  constructor(database: Database.Database, rawText: RawTextReader, codes: Codes) {
    this.#rawText = rawText;
    this.#logTypes = codes.logTypeName;
    this.#server = database.prepare("SELECT * FROM stored_servers WHERE name = ?");
    this.#servers = database.prepare("SELECT * FROM stored_servers ORDER BY name");
    this.#sources = database.prepare(
      "SELECT * FROM stored_sources WHERE server_id = ? ORDER BY updated_ms DESC, id DESC",
    );
    this.#source = database.prepare("SELECT * FROM stored_sources WHERE id = ?");
    this.#prunedClock = database
      .prepare<[number], number | null>("SELECT pruned_clock_ms FROM stored_sources WHERE id = ?")
      .pluck();
    this.#blocksBefore = database.prepare(
      "SELECT id, position, lines, clock_ms FROM raw_blocks WHERE source_id = ? AND position < ? ORDER BY position DESC",
    );
  }

  findServer(name: string): ServerRow | undefined {
    const row = this.#server.get(name);
    return row && toServer(row);
  }

  servers(): readonly ServerRow[] {
    return this.#servers.all().map(toServer);
  }

  /** The logs of a server, the one that grew last first. */
  sourcesOf(serverId: number): readonly SourceRow[] {
    return this.#sources.all(serverId).map((row) => this.#toSource(row));
  }

  findSource(id: number): SourceRow | undefined {
    const row = this.#source.get(id);
    return row && this.#toSource(row);
  }

  /** The last block of a source; undefined when it has none. */
  findLastBlock(sourceId: number): BlockPlace | undefined {
    const [last, previous] = this.#firstTwoBefore(sourceId, Number.MAX_SAFE_INTEGER);
    if (last === undefined) return undefined;
    const { id, position, lines } = last;
    return {
      id,
      position,
      lines,
      clockBefore: previous === undefined ? this.#prunedClockOf(sourceId) : optionalMs(previous.clock_ms),
    };
  }

  /** The clock of the log after its last entry. */
  clockOf(sourceId: number): EpochMs | undefined {
    const [last] = this.#firstTwoBefore(sourceId, Number.MAX_SAFE_INTEGER);
    return last === undefined ? this.#prunedClockOf(sourceId) : optionalMs(last.clock_ms);
  }

  /** The clock where the text begins that is left of a log. */
  #prunedClockOf(sourceId: number): EpochMs | undefined {
    return optionalMs(this.#prunedClock.get(sourceId));
  }

  /** The stored bytes of a source that end at `end`, up to `length`, as latin1; fewer where blocks have been pruned. */
  textBefore(sourceId: number, end: number, length: number): string {
    let text = "";
    for (const block of this.#blocksBefore.iterate(sourceId, end)) {
      const blockText = this.#rawText.blockText(block.id) ?? "";
      text = blockText.slice(0, end - block.position - text.length) + text;
      if (text.length >= length) break;
    }
    return text.slice(-length);
  }

  #firstTwoBefore(sourceId: number, end: number) {
    const found = [];
    for (const block of this.#blocksBefore.iterate(sourceId, end)) if (found.push(block) === 2) break;
    return found;
  }

  #toSource(row: Stored<StoredSourcesTable>): SourceRow {
    return {
      id: row.id,
      serverId: row.server_id,
      logType: this.#logTypes(row.log_type),
      path: row.path,
      head: Buffer.from(row.head),
      tail: Buffer.from(row.tail),
      position: row.position,
      lines: row.lines,
      entries: row.entries,
      other: row.other,
      unparsed: row.unparsed,
      firstMs: optionalMs(row.first_ms),
      lastMs: optionalMs(row.last_ms),
    };
  }
}

function toServer(row: Stored<StoredServersTable>): ServerRow {
  const { id, name, time_zone, environment, owner, owner_user_id } = row;
  return {
    id,
    name,
    timeZone: time_zone,
    environment: environment ?? undefined,
    owner: owner ?? undefined,
    ownerUserId: owner_user_id ?? undefined,
  };
}

type Stored<Table> = Omit<Table, "id"> & { id: number };

function optionalMs(value: number | null | undefined): EpochMs | undefined {
  return value === null || value === undefined ? undefined : epochMs(value);
}
