/** Questions to the database: Kysely over one read-only connection, answers as plain data. */
import type Database from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { decodeLines } from "../text.ts";
import { AbuseReader } from "./abuse-reader.ts";
import { LinkReader } from "./link-reader.ts";
import { MessageReader } from "./message-reader.ts";
import { RawLines } from "./raw-lines.ts";
import { RawTextReader } from "./raw-text.ts";
import { SearchReader } from "./search-reader.ts";
import { StatsReader } from "./stats-reader.ts";
import type { PublicViews, Schema } from "./tables.ts";

export class Reader {
  readonly messages: MessageReader;
  readonly stats: StatsReader;
  readonly search: SearchReader;
  readonly lines: RawLines;
  readonly links: LinkReader;
  readonly abuse: AbuseReader;
  readonly #database: Kysely<Schema>;

  constructor(database: Database.Database) {
    const rawText = new RawTextReader(database);
    addRawLine(database, rawText);
    this.#database = new Kysely<Schema>({ dialect: new SqliteDialect({ database }) });
    // NOTE: questions that can be answered from the views see the views only.
    const views = this.#database as unknown as Kysely<PublicViews>;
    this.messages = new MessageReader(views, rawText);
    this.stats = new StatsReader(views);
    this.lines = new RawLines(database, rawText);
    this.links = new LinkReader(this.#database);
    this.abuse = new AbuseReader(this.#database, rawText);
    this.search = new SearchReader(this.#database, rawText);
  }

  async close(): Promise<void> {
    await this.#database.destroy();
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
