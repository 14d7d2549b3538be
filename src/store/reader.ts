/** Questions to the database: Kysely over one read-only connection, answers as plain data. */
import type Database from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { decodeLines } from "../text.ts";
import { MessageReader } from "./message-reader.ts";
import { RawTextReader } from "./raw-text.ts";
import { StatsReader } from "./stats-reader.ts";
import type { Schema } from "./tables.ts";

export class Reader {
  readonly messages: MessageReader;
  readonly stats: StatsReader;
  readonly #schema: Kysely<Schema>;

  constructor(database: Database.Database) {
    const rawText = new RawTextReader(database);
    addRawLine(database, rawText);
    this.#schema = new Kysely<Schema>({ dialect: new SqliteDialect({ database }) });
    this.messages = new MessageReader(this.#schema, rawText);
    this.stats = new StatsReader(database, this.#schema, rawText);
  }

  async close(): Promise<void> {
    await this.#schema.destroy();
  }
}

/** Gives this connection the column that needs the text of a line, which SQLite alone cannot unpack. */
function addRawLine(database: Database.Database, rawText: RawTextReader): void {
  database.function("raw_line", (entryId: unknown) => {
    const bytes = rawText.entryText(Number(entryId));
    return bytes === undefined ? null : decodeLines(bytes);
  });
  database.exec("CREATE TEMP VIEW log_entries AS SELECT *, raw_line(id) AS raw_line FROM main.log_entries");
}
