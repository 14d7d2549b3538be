/**
 * Reading a database that can be neither locked nor prepared for reading: its `-wal` or `-shm` is missing and a reader makes none,
 * or it may not be read. SQLite is told that nobody writes, and whether that was true is looked at in the end: a database that
 * was written to meanwhile is an error, never an answer.
 */
import { accessSync, closeSync, constants, openSync, readSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { PilotError } from "../../errors.ts";
import { fileUri } from "../files/file-name.ts";
import { pause } from "./busy.ts";
import { type Companions, canWriteTo, companionsOf } from "./companions.ts";

/** A file system counts time in steps; two writes within one leave the same stamp. */
const LONGEST_STEP_MS = 20;
const DATABASE_HEADER = 100;
/** Versions of the file format for writing and for reading: 2 is a database with a `-wal`. */
const FORMAT_VERSIONS = { position: 18, withWal: 2 } as const;
const WAL_HEADER = 32;

/**
 * True when the file is a database that SQLite opens through a `-wal` and a `-shm`. To be asked before this process has opened it:
 * closing a file ends all locks that the process holds on it.
 */
export function usesWriteAheadLog(path: string): boolean {
  const header = headOf(path, DATABASE_HEADER);
  const { position, withWal } = FORMAT_VERSIONS;
  return header.length === DATABASE_HEADER && header[position] === withWal && header[position + 1] === withWal;
}

/**
 * Opens it as it is now; a log with content only for one who may not write to the directory. Its `close` throws when the file has changed since: what was read may then be wrong.
 * Errors: `read_only` for content that only a writer can reach, `busy` when it is changed at this moment.
 */
export function openUnlocked(path: string): Database.Database {
  const companions = companionsOf(path);
  assertNotInterrupted(path, companions);
  const hasLog = sizeOf(companions.wal) > 0;
  if (hasLog) assertReadable(path, companions.wal);
  // NOTE: without locks SQLite believes to be alone when it closes, and removes a log that somebody may have begun to use.
  if (hasLog && canWriteTo(dirname(companions.wal))) throw logInUse(path);
  const files = { database: realpathSync(path), wal: hasLog ? companions.wal : undefined };
  const before = stateOf(files);
  pause(LONGEST_STEP_MS);
  const database = new UnlockedDatabase(path, files, before);
  try {
    // NOTE: the index of the log is then kept in memory, and its place beside the database is not asked for.
    if (hasLog) database.pragma("locking_mode = EXCLUSIVE");
    database.prepare("SELECT count(*) FROM sqlite_schema").get();
    database.assertUnchanged();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** True for a connection of {@link openUnlocked}. */
export function isUnlocked(database: Database.Database): boolean {
  return database instanceof UnlockedDatabase;
}

interface Files {
  readonly database: string;
  /** Undefined when it holds nothing: the database is whole without it. */
  readonly wal: string | undefined;
}

class UnlockedDatabase extends Database {
  readonly #path: string;
  readonly #files: Files;
  readonly #before: string;

  constructor(path: string, files: Files, before: string) {
    const how = files.wal === undefined ? { immutable: "1" } : { vfs: "unix-none" };
    super(fileUri(files.database, how), { readonly: true, fileMustExist: true });
    this.#path = path;
    this.#files = files;
    this.#before = before;
  }

  /** Errors: `busy`. */
  assertUnchanged(): void {
    if (stateOf(this.#files) === this.#before) return;
    throw new PilotError("busy", `The database "${this.#path}" was written to while it was read without a lock.`, {
      hint: "What was printed may be wrong. Run the command again.",
    });
  }

  override close(): this {
    if (!this.open) return this;
    super.close();
    this.assertUnchanged();
    return this;
  }
}

/**
 * All that changes when a reader's view of the files does. Writers put pages into the database and begin its log again; what they
 * add at the end of the log comes after what is read here. A file that is not there has a state as well.
 */
function stateOf({ database, wal }: Files): string {
  const file = statSync(database, { bigint: true, throwIfNoEntry: false });
  const states = [file?.dev, file?.ino, file?.size, file?.mtimeNs, file?.ctimeNs].map(String);
  if (file !== undefined) states.push(headOf(database, DATABASE_HEADER).toString("hex"));
  if (wal === undefined) return states.join();
  const log = statSync(wal, { bigint: true, throwIfNoEntry: false });
  states.push(String(log?.dev), String(log?.ino));
  if (log !== undefined) states.push(headOf(wal, WAL_HEADER).toString("hex"));
  return states.join();
}

function headOf(path: string, bytes: number): Buffer {
  const descriptor = openSync(path, "r");
  try {
    const head = Buffer.alloc(bytes);
    return head.subarray(0, readSync(descriptor, head, 0, bytes, 0));
  } finally {
    closeSync(descriptor);
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function logInUse(path: string): PilotError {
  return new PilotError("busy", `The log of the database "${path}" cannot be locked.`, {
    hint: "Run the command again; if it stays, look at the rights of the -wal and the -shm beside the database.",
  });
}

/** Half of a write may be in the file, and a reader cannot take it back. */
function assertNotInterrupted(path: string, { journal }: Companions): void {
  // NOTE: to SQLite, a journal that begins with zeros was never completed: the database is as it was before.
  if (sizeOf(journal) === 0 || headOf(journal, 1)[0] === 0) return;
  throw new PilotError("read_only", `A write to the database "${path}" was interrupted, and a reader cannot undo it.`, {
    hint: "Run any command that writes, such as `exim-pilot ingest`, as a user with that right; then it can be read.",
  });
}

function assertReadable(path: string, wal: string): void {
  try {
    accessSync(wal, constants.R_OK);
  } catch (error) {
    throw new PilotError("read_only", `The newest content of the database "${path}" may not be read.`, {
      hint: `It is in "${wal}", which needs the rights of the database; the next run that writes gives them to it.`,
      cause: error,
    });
  }
}
