/** The single writer: one connection, one `BEGIN IMMEDIATE` transaction at a time. */
import type Database from "better-sqlite3";
import { retryWhileBusy } from "./busy.ts";
import { type Codes, loadCodes } from "./codes.ts";
import { relax, settle, withTranslation } from "./connection.ts";
import { FreshMentions } from "./mentions.ts";
import { RawTextReader } from "./raw-text.ts";
import { SourceCatalogue } from "./source-catalogue.ts";
import { translateSqliteError } from "./sqlite-errors.ts";
import { SyslogTwins } from "./syslog-twins.ts";
import { Transactor, type WriterMemory } from "./transactor.ts";
import { TwinFinder } from "./twins.ts";
import { prepareWriteStatements, type WriteStatements } from "./write-statements.ts";

/** Run for each transaction, so prepared once. */
interface ControlStatements {
  readonly begin: Database.Statement;
  readonly commit: Database.Statement;
  readonly dataVersion: Database.Statement<[], { data_version: number }>;
}

/**
 * The one connection that writes. {@link write} is the only way in; its transactor refuses calls after the transaction ended.
 */
export class Writer {
  readonly path: string;
  readonly codes: Codes;
  readonly rawText: RawTextReader;
  readonly sources: SourceCatalogue;
  readonly #database: Database.Database;
  readonly #tables: WriteStatements;
  readonly #memory: WriterMemory;
  readonly #waitMs: number;
  /** One wait of SQLite's own. */
  readonly #timeoutMs: number;
  readonly #control: ControlStatements;
  #dataVersion: number | undefined;
  #isRelaxed: boolean;

  /** `waitMs`: how long to wait for another writer, in all. `isNew`: the file has just been made and is first filled now. */
  constructor(
    database: Database.Database,
    path: string,
    { waitMs, isNew }: { readonly waitMs: number; readonly isNew: boolean },
  ) {
    if (isNew) relax(database);
    this.#isRelaxed = isNew;
    this.path = path;
    this.#database = database;
    this.#waitMs = waitMs;
    this.#timeoutMs = database.pragma("busy_timeout", { simple: true }) as number;
    this.#control = {
      begin: database.prepare("BEGIN IMMEDIATE"),
      commit: database.prepare("COMMIT"),
      dataVersion: database.prepare("PRAGMA data_version"),
    };
    this.codes = loadCodes(database);
    this.rawText = new RawTextReader(database);
    this.sources = new SourceCatalogue(database, this.rawText, this.codes);
    this.#tables = prepareWriteStatements(database);
    this.#memory = {
      rawText: this.rawText,
      twins: new TwinFinder(database, this.rawText, this.codes),
      syslogTwins: new SyslogTwins(database, this.rawText, this.codes),
      mentions: new FreshMentions(),
    };
  }

  /**
   * Runs `action` in one `BEGIN IMMEDIATE` transaction: all of it is stored, or nothing. Waits for another writer, with
   * growing pauses. `onForeignWrite` is called first when another process has written since the last time.
   * Errors: `busy`, `disk_full`, `io`, `read_only`, `corrupt`.
   */
  write<Result>(action: (transactor: Transactor) => Result, onForeignWrite: () => void = () => {}): Result {
    const transactor = this.begin(onForeignWrite);
    try {
      const result = action(transactor);
      this.commit(transactor);
      return result;
    } catch (error) {
      throw this.abandon(transactor, error, onForeignWrite);
    }
  }

  /** Begins a transaction, which {@link commit} or {@link abandon} ends; until then nobody else can write. */
  begin(onForeignWrite: () => void): Transactor {
    this.#begin();
    const transactor = new Transactor(this.#database, this.#tables, this.codes, this.#memory);
    try {
      if (this.#hasForeignWrites()) {
        this.#forget();
        onForeignWrite();
      }
    } catch (error) {
      throw this.abandon(transactor, error, onForeignWrite);
    }
    return transactor;
  }

  /** Stores all that was written. */
  commit(transactor: Transactor): void {
    transactor.flush();
    this.#control.commit.run();
    transactor.end();
  }

  /** Takes back all that was written; returns the error to be thrown. */
  abandon(transactor: Transactor, error: unknown, onForeignWrite: () => void): unknown {
    this.#rollBack();
    onForeignWrite();
    transactor.end();
    return translateSqliteError(error, this.path);
  }

  /** Ends the first filling of a new file. To be called when a run ends. */
  settle(): void {
    if (!this.#isRelaxed) return;
    this.#isRelaxed = false;
    withTranslation(this.path, () => settle(this.#database));
  }

  close(): void {
    this.#database.close();
  }

  #begin(): void {
    retryWhileBusy(this.#waitMs, this.#timeoutMs, () => this.#control.begin.run(), this.path);
  }

  #rollBack(): void {
    if (this.#database.inTransaction) this.#database.exec("ROLLBACK");
    for (const table of this.#tables.bulk) table.discard();
    this.#forget();
  }

  #hasForeignWrites(): boolean {
    const version = this.#control.dataVersion.get()?.data_version;
    const changed = version !== this.#dataVersion;
    this.#dataVersion = version;
    return changed;
  }

  #forget(): void {
    this.#tables.strings.forget();
    this.#tables.addresses.forget();
    this.#tables.paths.forget();
    this.#tables.problems.forget();
    this.#memory.mentions.spoil();
    this.rawText.clear();
    this.#memory.twins.forget();
    this.#memory.syslogTwins.forget();
  }
}
