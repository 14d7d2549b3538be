/** Questions to the database: Kysely over one read-only connection, answers as plain data. */
import type Database from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { decodeLines } from "../text.ts";
import { AbuseReader } from "./abuse-reader.ts";
import { AuditReader } from "./audit-reader.ts";
import { CheckRunner } from "./check-runner.ts";
import { openAgain } from "./connection.ts";
import { GroupReader } from "./group-reader.ts";
import { LinkReader } from "./link-reader.ts";
import { MessageReader } from "./message-reader.ts";
import { QueryRunner } from "./query-runner.ts";
import { QueueReader } from "./queue-reader.ts";
import { RawLines } from "./raw-lines.ts";
import { RawTextReader } from "./raw-text.ts";
import { SearchReader } from "./search-reader.ts";
import { ServerReader } from "./server-reader.ts";
import { SourceReader } from "./source-reader.ts";
import { StatsReader } from "./stats-reader.ts";
import { StoredText } from "./stored-text.ts";
import type { PublicViews, Schema } from "./tables.ts";
import { TagReader } from "./tag-reader.ts";

export class Reader {
  readonly messages: MessageReader;
  readonly stats: StatsReader;
  readonly servers: ServerReader;
  readonly sources: SourceReader;
  readonly search: SearchReader;
  readonly lines: RawLines;
  readonly groups: GroupReader;
  readonly links: LinkReader;
  readonly abuse: AbuseReader;
  readonly audit: AuditReader;
  readonly tags: TagReader;
  readonly queue: QueueReader;
  readonly text: StoredText;
  readonly queries: QueryRunner;
  readonly checks: CheckRunner;
  /** Versions of the parser that have read what is stored. */
  readonly parserVersions: readonly number[];
  readonly #database: Kysely<Schema>;
  readonly #connection: Database.Database;
  readonly #textLookUp: TextLookUp;

  /**
   * `path`: of the database, when the connection has been given another name for it. `schemaDamage`: see {@link CheckRunner}.
   */
  constructor(
    database: Database.Database,
    path: string = database.name,
    schemaDamage?: (() => readonly string[]) | undefined,
  ) {
    const rawText = new RawTextReader(database);
    this.#connection = database;
    this.#textLookUp = new TextLookUp(() => openAgain(database, path, LOOK_UP_WAIT_MS));
    addRawLine(database, (entryId) => this.#textLookUp.textOf(entryId));
    this.#database = new Kysely<Schema>({ dialect: new SqliteDialect({ database }) });
    // NOTE: questions that can be answered from the views see the views only.
    const views = this.#database as unknown as Kysely<PublicViews>;
    this.messages = new MessageReader(views, rawText);
    this.abuse = new AbuseReader(this.#database, rawText);
    this.search = new SearchReader(this.#database, rawText);
    this.stats = new StatsReader(database, this.#database, rawText, this.search, this.abuse);
    this.servers = new ServerReader(views);
    this.sources = new SourceReader(views);
    this.lines = new RawLines(database, rawText);
    this.groups = new GroupReader(database, rawText);
    this.links = new LinkReader(this.#database);
    this.tags = new TagReader(this.#database);
    this.queue = new QueueReader(database, rawText);
    this.audit = new AuditReader(views);
    this.text = new StoredText(database);
    this.queries = new QueryRunner(database, path);
    this.checks = new CheckRunner(database, schemaDamage);
    this.parserVersions = database
      .prepare("SELECT version FROM parser_versions ORDER BY version")
      .pluck()
      .all() as number[];
  }

  /** Errors: `busy` when what was read may be wrong: see {@link openUnlocked}. */
  async close(): Promise<void> {
    try {
      this.#textLookUp.close();
    } finally {
      await this.#database.destroy();
      // NOTE: Kysely closes only what it has used.
      this.#connection.close();
    }
  }
}

/** A reader waits for no writer; only for the instant in which one opens the database. */
const LOOK_UP_WAIT_MS = 1000;

/** Looks up texts from within a statement, for which the driver needs another connection: its own is busy then. */
class TextLookUp {
  readonly #openAgain: () => Database.Database;
  #open: { readonly database: Database.Database; readonly rawText: RawTextReader } | undefined;

  constructor(openAgain: () => Database.Database) {
    this.#openAgain = openAgain;
  }

  textOf(entryId: number): string | null {
    this.#open ??= this.#connect();
    const bytes = this.#open.rawText.entryText(entryId);
    return bytes === undefined ? null : decodeLines(bytes);
  }

  close(): void {
    this.#open?.database.close();
    this.#open = undefined;
  }

  #connect() {
    const database = this.#openAgain();
    return { database, rawText: new RawTextReader(database) };
  }
}

/** Gives this connection the column that needs the text of a line, which SQLite alone cannot unpack. */
export function addRawLine(database: Database.Database, textOf: (entryId: number) => string | null): void {
  database.function("raw_line", (entryId: unknown) => textOf(Number(entryId)));
  database.exec("CREATE TEMP VIEW log_entries AS SELECT *, raw_line(id) AS raw_line FROM main.log_entries");
}
