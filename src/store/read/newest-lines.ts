import type Database from "better-sqlite3";
import { prepareOnce } from "../database/prepared.ts";
import { LINES_PER_BLOCK, type RawTextReader } from "../log-text/blocks.ts";

/** A stored entry as its log has it. */
export interface NewestLine {
  readonly id: number;
  readonly server: string;
  /** Latin1. */
  readonly lines: readonly string[];
}

interface Row {
  readonly id: number;
  readonly server: string;
}

/** Blocks whose ends are the newest: enough for thousands of lines. */
const BLOCKS = 8;
const OF_SERVER = "(@server IS NULL OR v.name = @server)";

const NEWEST_ID = "SELECT coalesce(max(id), 0) AS id FROM stored_entries";
const LAST = `
  WITH newest AS MATERIALIZED (
    SELECT b.id FROM raw_blocks b JOIN stored_sources s ON s.id = b.source_id JOIN stored_servers v ON v.id = s.server_id
    WHERE ${OF_SERVER} ORDER BY b.last_ms DESC LIMIT ${BLOCKS}
  )
  SELECT e.id, v.name AS server FROM newest n
  CROSS JOIN stored_entries e ON e.id >= n.id * ${LINES_PER_BLOCK} AND e.id < (n.id + 1) * ${LINES_PER_BLOCK}
  JOIN stored_servers v ON v.id = e.server_id
  WHERE ${OF_SERVER} ORDER BY e.at DESC, e.id DESC LIMIT @most`;
const AFTER = `
  SELECT e.id, v.name AS server FROM stored_entries e JOIN stored_servers v ON v.id = e.server_id
  WHERE ${OF_SERVER} AND e.id > @id ORDER BY e.id LIMIT @most`;

/** Reads entries as they come: those of the newest times, and those that are stored after others. */
export class NewestLines {
  readonly #database: Database.Database;
  readonly #rawText: RawTextReader;

  constructor(database: Database.Database, rawText: RawTextReader) {
    this.#database = database;
    this.#rawText = rawText;
  }

  /** The greatest id that is given: entries that are stored later have greater ones. */
  newestId(): number {
    return prepareOnce<[], { id: number }>(this.#database, NEWEST_ID).get()?.id ?? 0;
  }

  /** The entries of the newest times, the newest at the end. */
  last(most: number, server: string | undefined): readonly NewestLine[] {
    return this.#read(
      prepareOnce<object, Row>(this.#database, LAST)
        .all({ server: server ?? null, most })
        .reverse(),
    );
  }

  /** Entries stored after the one with this id. */
  after(id: number, most: number, server: string | undefined): readonly NewestLine[] {
    return this.#read(prepareOnce<object, Row>(this.#database, AFTER).all({ server: server ?? null, id, most }));
  }

  /** Returns the lines whose text is still there. */
  #read(rows: readonly Row[]): readonly NewestLine[] {
    return rows.flatMap(({ id, server }) => {
      const bytes = this.#rawText.entryText(id);
      return bytes === undefined ? [] : [{ id, server, lines: bytes.split("\n") }];
    });
  }
}
