/** Questions to the database: Kysely over one read-only connection, answers as plain data. */
import type Database from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { decodeLines } from "../text.ts";
import { openAgain } from "./database/connection.ts";
import { IncidentReader } from "./incidents/incident-reader.ts";
import { CheckRunner } from "./integrity/check-runner.ts";
import { RawTextReader } from "./log-text/blocks.ts";
import { FactKeys } from "./log-text/fact-keys.ts";
import { RawLines } from "./log-text/line-scan.ts";
import { StoredText } from "./log-text/log-export.ts";
import { PeopleReader } from "./people/people-reader.ts";
import { AuditReader } from "./read/audit-reader.ts";
import { ServerReader } from "./read/catalogue-reader.ts";
import { ContentReader } from "./read/content-reader.ts";
import { CoverageReader } from "./read/coverage-reader.ts";
import { LinkReader } from "./read/link-reader.ts";
import { LookReader } from "./read/look-reader.ts";
import { MessageReader } from "./read/message-reader.ts";
import { NewestLines } from "./read/newest-lines.ts";
import { OutboxReader } from "./read/outbox-reader.ts";
import { QueryRunner } from "./read/query-runner.ts";
import { QueueReader } from "./read/queue-reader.ts";
import { SourceReader } from "./read/source-reader.ts";
import { TagReader } from "./read/tag-reader.ts";
import type { Schema } from "./schema/tables.ts";
import type { PublicViews } from "./schema/views.ts";
import { GroupReader } from "./search/group-reader.ts";
import { SearchReader } from "./search/search-reader.ts";
import { AbuseReader } from "./stats/abuse-reader.ts";
import type { DetectionReader } from "./stats/detection-reader.ts";
import { StatsReader } from "./stats/stats-reader.ts";

export class Reader {
  readonly messages: MessageReader;
  readonly stats: StatsReader;
  readonly servers: ServerReader;
  readonly sources: SourceReader;
  readonly search: SearchReader;
  readonly lines: RawLines;
  readonly newest: NewestLines;
  readonly groups: GroupReader;
  readonly links: LinkReader;
  readonly abuse: AbuseReader;
  readonly audit: AuditReader;
  readonly tags: TagReader;
  readonly people: PeopleReader;
  readonly queue: QueueReader;
  readonly looks: LookReader;
  readonly contents: ContentReader;
  readonly incidents: IncidentReader;
  readonly outbox: OutboxReader;
  readonly text: StoredText;
  readonly queries: QueryRunner;
  readonly checks: CheckRunner;
  readonly coverage: CoverageReader;
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
    addTextColumns(database, {
      raw_line: (entryId) => this.#textLookUp.textOf(entryId),
      fact_key: (entryId) => this.#textLookUp.keyOf(entryId),
    });
    this.#database = new Kysely<Schema>({ dialect: new SqliteDialect({ database }) });
    // NOTE: questions that can be answered from the views see the views only.
    const views = this.#database as unknown as Kysely<PublicViews>;
    this.messages = new MessageReader(views, rawText);
    this.search = new SearchReader(this.#database, rawText);
    this.abuse = new AbuseReader(this.#database, rawText, this.search);
    this.stats = new StatsReader(database, this.#database, rawText, this.search, this.abuse);
    this.servers = new ServerReader(this.#database);
    this.sources = new SourceReader(views);
    this.lines = new RawLines(database, rawText);
    this.newest = new NewestLines(database, rawText);
    this.groups = new GroupReader(database, rawText);
    this.links = new LinkReader(this.#database);
    this.tags = new TagReader(this.#database);
    this.people = new PeopleReader(this.#database);
    this.queue = new QueueReader(database, rawText);
    this.looks = new LookReader(database);
    this.contents = new ContentReader(database);
    this.incidents = new IncidentReader(database);
    this.outbox = new OutboxReader(database, this.#database);
    this.audit = new AuditReader(views);
    this.text = new StoredText(database);
    this.queries = new QueryRunner(database, path);
    this.checks = new CheckRunner(database, schemaDamage);
    this.coverage = new CoverageReader(database);
    this.parserVersions = database
      .prepare("SELECT version FROM parser_versions ORDER BY version")
      .pluck()
      .all() as number[];
  }

  /** Facts for detection; what tells domains and networks apart is loaded for it alone. */
  async detection(): Promise<DetectionReader> {
    const { DetectionReader } = await import("./stats/detection-reader.ts");
    return new DetectionReader(this.#connection);
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
  #open: { readonly database: Database.Database; readonly rawText: RawTextReader; readonly keys: FactKeys } | undefined;

  constructor(openAgain: () => Database.Database) {
    this.#openAgain = openAgain;
  }

  textOf(entryId: number): string | null {
    this.#open ??= this.#connect();
    const bytes = this.#open.rawText.entryText(entryId);
    return bytes === undefined ? null : decodeLines(bytes);
  }

  keyOf(entryId: number): string | null {
    this.#open ??= this.#connect();
    return this.#open.keys.keyOf(entryId) ?? null;
  }

  close(): void {
    this.#open?.database.close();
    this.#open = undefined;
  }

  #connect() {
    const database = this.#openAgain();
    const rawText = new RawTextReader(database);
    return { database, rawText, keys: new FactKeys(database, rawText) };
  }
}

/** Gives this connection the columns that need the text of a line, which SQLite alone cannot unpack. Each function takes the id of an entry. */
export function addTextColumns(
  database: Database.Database,
  functions: Readonly<Record<"raw_line" | "fact_key", (entryId: number) => string | null>>,
): void {
  for (const [name, tell] of Object.entries(functions))
    database.function(name, (entryId: unknown) => tell(Number(entryId)));
  database.exec(`
    CREATE TEMP VIEW log_entries AS SELECT *, raw_line(id) AS raw_line, fact_key(id) AS fact_key FROM main.log_entries;
    CREATE TEMP VIEW delivery_attempts AS SELECT *, fact_key(id) AS fact_key FROM main.delivery_attempts;
    CREATE TEMP VIEW rejections AS SELECT *, fact_key(id) AS fact_key FROM main.rejections`);
}
