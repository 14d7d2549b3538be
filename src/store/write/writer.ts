/** The single writer: one connection, one `BEGIN IMMEDIATE` transaction at a time. */
import { statSync } from "node:fs";
import { dirname } from "node:path";
import type Database from "better-sqlite3";
import { traced } from "../../diagnostics.ts";
import { PilotError } from "../../errors.ts";
import { KIB, MIB } from "../../units.ts";
import { retryWhileBusy } from "../database/busy.ts";
import { closeWriter } from "../database/companions.ts";
import { CHECKPOINT_PAGES, syncCommits, useSmallCache, withTranslation } from "../database/connection.ts";
import { translateSqliteError } from "../database/sqlite-errors.ts";
import { type FreeBytes, freeBytesAt } from "../files/free-space.ts";
import { RawTextReader } from "../log-text/blocks.ts";
import { FreshPostings } from "../log-text/postings.ts";
import { type Codes, loadCodes } from "../schema/codes.ts";
import { DuplicateFinder } from "./duplicate-finder.ts";
import { FreshCounts } from "./fresh-counts.ts";
import { LogEnds } from "./log-ends.ts";
import { LoneRejections } from "./lone-rejections.ts";
import { SourceCatalogue } from "./source-catalogue.ts";
import { prepareWriteStatements, type WriteStatements } from "./statements.ts";
import { SyslogDuplicates } from "./syslog-duplicate-finder.ts";
import { Transactor, type WriterMemory } from "./transactor.ts";

interface WriterOptions {
  /** Longest wait for another writer, in milliseconds. */
  readonly waitMs: number;
  /** Asked before each transaction of an ingest. */
  readonly freeBytes?: FreeBytes | undefined;
}

/** Pages of the log beyond which this thread makes a checkpoint, where another one makes them beside it. */
const MOST_LOG_PAGES = 2 * CHECKPOINT_PAGES;

/**
 * Bytes that SQLite's log grows to before its pages go to the database. Pruning writes no more than that at once, and of a small
 * database no more than all of it; the pages that an ingest has left in the log need as much again when they go to the database.
 */
const LARGEST_LOG = MOST_LOG_PAGES * 4 * KIB;
const LEAST_RESERVE = 2 * MIB;
/** Bytes of pages that a byte of log text becomes at most, in a database that is small enough for it to matter. */
const MOST_GROWTH = 1.5;

const LONGEST_WAIT_OF_SQLITE_MS = 200;

/** Run for each transaction, so prepared once. */
interface ControlStatements {
  readonly begin: Database.Statement;
  readonly commit: Database.Statement;
  readonly dataVersion: Database.Statement<[], { data_version: number }>;
  readonly look: Database.Statement;
}

/**
 * The one connection that writes. {@link write} is the only way in; its transactor refuses calls after the transaction ended.
 */
export class Writer {
  readonly path: string;
  readonly codes: Codes;
  readonly rawText: RawTextReader;
  readonly sources: SourceCatalogue;
  readonly loneRejections: LoneRejections;
  readonly logEnds: LogEnds;
  readonly #database: Database.Database;
  readonly #tables: WriteStatements;
  readonly #memory: WriterMemory;
  readonly #freeBytes: FreeBytes;
  /** Identity of the file, to notice that another one is at the path. */
  readonly #identity: string | undefined;
  /** Longest wait for another writer, in milliseconds. */
  readonly waitMs: number;
  /** One wait of SQLite's own. */
  readonly #timeoutMs: number;
  readonly #control: ControlStatements;
  #dataVersion: number | undefined;
  #hasMark = false;
  /** All that is written belongs to one transaction; see {@link hold}. */
  #isHeld = false;

  constructor(database: Database.Database, path: string, { waitMs, freeBytes = freeBytesAt }: WriterOptions) {
    this.#identity = identityOf(path);
    this.#freeBytes = freeBytes;
    this.path = path;
    this.#database = database;
    this.waitMs = waitMs;
    // NOTE: SQLite's own wait hears no signal.
    this.#timeoutMs = Math.min(waitMs, LONGEST_WAIT_OF_SQLITE_MS);
    database.pragma(`busy_timeout = ${this.#timeoutMs}`);
    // NOTE: SQLite copies the pages that a statement of many rows changes, should it have to be taken back alone. Measured: in files that
    // was twice as much as all else that an ingest writes.
    database.pragma("temp_store = MEMORY");
    this.#control = {
      begin: database.prepare("BEGIN IMMEDIATE"),
      commit: database.prepare("COMMIT"),
      dataVersion: database.prepare("PRAGMA data_version"),
      look: database.prepare("SELECT count(*) FROM sqlite_schema"),
    };
    this.codes = loadCodes(database);
    this.rawText = new RawTextReader(database);
    this.sources = new SourceCatalogue(database, this.rawText, this.codes);
    this.loneRejections = new LoneRejections(database, this.rawText, this.codes);
    this.logEnds = new LogEnds(database, this.rawText, this.codes);
    this.#tables = prepareWriteStatements(database);
    this.#memory = {
      rawText: this.rawText,
      duplicates: new DuplicateFinder(database, this.rawText, this.codes),
      syslogDuplicates: new SyslogDuplicates(database, this.rawText, this.codes),
      postings: new FreshPostings(),
      counts: new FreshCounts(this.codes),
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
      throw this.rollBack(transactor, error, onForeignWrite);
    }
  }

  /** Begins a transaction, which {@link commit} or {@link rollBack} ends; until then nobody else can write. */
  begin(onForeignWrite: () => void): Transactor {
    if (!this.#isHeld) this.#begin();
    else if (!this.#database.inTransaction) throw new Error("The transaction that was held has been taken back.");
    const transactor = new Transactor(this.#database, this.#tables, this.codes, this.#memory);
    try {
      if (this.#hasForeignWrites()) {
        this.#forget();
        onForeignWrite();
      }
    } catch (error) {
      throw this.rollBack(transactor, error, onForeignWrite);
    }
    return transactor;
  }

  /** Stores all that was written. */
  commit(transactor: Transactor): void {
    transactor.flush();
    if (!this.#isHeld) this.#commit();
    transactor.end();
  }

  /**
   * Makes one transaction, on the disk when it is committed, of all that is written until {@link release}, which stores it, or
   * {@link takeBack}. Errors: `busy`.
   */
  hold(): void {
    this.syncCommits();
    this.#begin();
    this.#isHeld = true;
  }

  /** Stores what was written since {@link hold}. */
  release(): void {
    withTranslation(this.path, () => this.#commit());
    this.#isHeld = false;
  }

  /** Takes back what was written since {@link hold}. */
  takeBack(): void {
    this.#rollBack();
    this.#isHeld = false;
  }

  /** Takes back all that was written; returns the error to be thrown. */
  rollBack(transactor: Transactor, error: unknown, onForeignWrite: () => void): unknown {
    this.#rollBack();
    onForeignWrite();
    transactor.end();
    return translateSqliteError(error, this.path);
  }

  /**
   * Makes each commit wait for the disk: for what cannot be read again, as from a pipe, and before a run says what it stored.
   * Without it a power cut may take back the last transactions, and the next run reads them again.
   */
  syncCommits(): void {
    // NOTE: it has been done for the transaction that is held, and cannot be within one.
    if (this.#isHeld) return;
    withTranslation(this.path, () => syncCommits(this.#database));
  }

  /** Holds few pages of the database in memory: for rows that come in the order of their keys. */
  useSmallCache(): void {
    withTranslation(this.path, () => useSmallCache(this.#database));
  }

  /**
   * Leaves checkpoints to another thread, or makes them here again. SQLite begins its log again only when all of it is in the
   * database. Where the log has grown long, this thread therefore still makes a checkpoint, for what was committed last.
   */
  leaveCheckpoints(toAnother: boolean): void {
    this.#database.pragma(`wal_autocheckpoint = ${toAnother ? MOST_LOG_PAGES : CHECKPOINT_PAGES}`);
  }

  /** True when pruning could still run after a transaction that stores so many bytes of log text. */
  hasRoomFor(textBytes: number): boolean {
    return this.#freeBytes(dirname(this.path)) >= this.#neededFor(textBytes);
  }

  /** Errors: `disk_full` without {@link hasRoomFor}. To be called before the transaction. */
  assertRoomFor(textBytes: number): void {
    if (this.hasRoomFor(textBytes)) return;
    const needed = Math.ceil(this.#neededFor(textBytes) / MIB);
    throw new PilotError(
      "disk_full",
      `The disk that holds "${this.path}" is nearly full: less than ${needed} MiB are left, which \`prune\` needs to run.`,
      {
        hint: "Free some space, or run `exim-pilot prune`; then run the command again: it carries on where it stopped.",
      },
    );
  }

  #neededFor(textBytes: number): number {
    const grown = textBytes * MOST_GROWTH;
    const size = sizeOf(this.path) + sizeOf(`${this.path}-wal`) + grown;
    return Math.max(LEAST_RESERVE, 2 * Math.min(size, LARGEST_LOG)) + grown;
  }

  /** True when another file stands at the path: a restored, rebuilt or moved database. Not while there is none. */
  isReplaced(): boolean {
    const now = identityOf(this.path);
    return now !== undefined && now !== this.#identity;
  }

  /** Closes a database that another one has replaced. NOTE: SQLite would take what is left in its log for the other's. */
  abandon(): void {
    try {
      this.#database.pragma("wal_checkpoint(TRUNCATE)");
    } finally {
      this.close();
    }
  }

  /** Errors: as {@link closeWriter}. */
  close(): void {
    closeWriter(this.#database, this.path);
  }

  /** NOTE: a reader that may not write to the `-shm` needs a mark there of another one; after that there is always one. */
  #letReadersIn(): void {
    if (this.#hasMark) return;
    this.#control.look.get();
    this.#hasMark = true;
  }

  #begin(): void {
    retryWhileBusy(this.waitMs, this.#timeoutMs, () => this.#control.begin.run(), this.path);
  }

  #commit(): void {
    traced("commit", () => this.#control.commit.run());
    this.#letReadersIn();
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
    this.#memory.postings.spoil();
    this.#memory.counts.spoil();
    this.rawText.clear();
    this.#memory.duplicates.forget();
    this.#memory.syslogDuplicates.forget();
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Device and inode; undefined while no file is there. */
function identityOf(path: string): string | undefined {
  const status = statSync(path, { throwIfNoEntry: false });
  return status === undefined ? undefined : `${status.dev} ${status.ino}`;
}
