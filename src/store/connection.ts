import { accessSync, closeSync, constants, existsSync, openSync } from "node:fs";
import Database from "better-sqlite3";
import { PilotError } from "../errors.ts";
import { retryWhileBusy } from "./busy.ts";
import { OWNER_ONLY } from "./disk.ts";
import { translateSqliteError } from "./sqlite-errors.ts";

/** "XPLT": marks our files, so that another program's database is not taken for an old one of ours. */
export const APPLICATION_ID = 0x58504c54;

/** One wait of SQLite's own for a lock; the writer repeats it. */
const LONGEST_BUSY_TIMEOUT_MS = 5000;
/** SQLite's own wait hears no signal, and it is repeated for as long as it is to be waited. */
const LONGEST_WAIT_WHEN_OPENING_MS = 200;
/** Measured: more does not help appends, less hurts loads. */
const CACHE_KIB = 16 * 1024;

export interface OpenOptions {
  /** Make the file when it is missing; otherwise a missing file is an error. */
  readonly create: boolean;
  /** How long to wait for a lock. */
  readonly waitMs: number;
}

/**
 * Opens the database for writing: synchronous=NORMAL, foreign keys on. A new file is made with mode 0600; an old one is not
 * changed, so that it can be looked at first: {@link useWriteAheadLog} is the first change.
 * Errors: `io` (missing, or its directory is), `not_a_database`, `read_only`, `busy`, `corrupt`.
 */
export function openForWriting(path: string, { create, waitMs }: OpenOptions): Database.Database {
  if (create) createPrivately(path);
  else assertExists(path);
  assertWritable(path);
  return withTranslation(path, () => {
    const database = new Database(path, { timeout: Math.min(waitMs, LONGEST_BUSY_TIMEOUT_MS), fileMustExist: true });
    return orClose(database, () => {
      database.pragma("synchronous = NORMAL");
      database.pragma("foreign_keys = ON");
      database.pragma(`cache_size = -${CACHE_KIB}`);
    });
  });
}

/** Lets a new file give space back a little at a time; to be done before anything is in it. */
export function makeShrinkable(database: Database.Database): void {
  database.pragma("auto_vacuum = INCREMENTAL");
}

/** Measured: fewer, larger checkpoints; the log stays below 32 MiB. */
const CHECKPOINT_PAGES = 8000;

/** Lets readers go on while the writer writes. Errors: `busy` after `waitMs`, and as {@link openForWriting}. */
export function useWriteAheadLog(database: Database.Database, path: string, waitMs: number): void {
  // NOTE: SQLite gives up at once, without its own waiting, while another process is making the file.
  retryWhileBusy(waitMs, 0, () => database.pragma("journal_mode = WAL"), path);
  database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
}

/**
 * Goes on without waiting for the disk, for a file that has just been made: a kill loses nothing, but a power cut can damage
 * it, and then all of it is still in the logs. To be followed by {@link settle}.
 */
export function relax(database: Database.Database): void {
  database.pragma("synchronous = OFF");
}

/** Makes sure that what is written is on the disk, and that what follows will be. */
export function settle(database: Database.Database): void {
  database.pragma("synchronous = NORMAL");
  database.pragma("wal_checkpoint(PASSIVE)");
}

/** Opens the database read-only. Errors: as {@link openForWriting}. */
export function openForReading(path: string, waitMs: number): Database.Database {
  assertExists(path);
  const openingMs = Math.min(waitMs, LONGEST_WAIT_WHEN_OPENING_MS);
  const open = (): Database.Database => {
    const database = new Database(path, { timeout: openingMs, readonly: true, fileMustExist: true });
    return orClose(database, () => {
      database.pragma(`cache_size = -${CACHE_KIB}`);
      database.prepare("SELECT count(*) FROM sqlite_schema").get();
      database.pragma(`busy_timeout = ${Math.min(waitMs, LONGEST_BUSY_TIMEOUT_MS)}`);
    });
  };
  return retryWhileBusy(waitMs, openingMs, open, path);
}

function assertExists(path: string): void {
  if (existsSync(path)) return;
  throw new PilotError("io", `There is no database "${path}".`, {
    hint: "Make one with `exim-pilot ingest FILE…`, or name another with --db or EXIM_PILOT_DB.",
  });
}

/** SQLite would open the file all the same, and leave files beside it that cannot be written later either. */
function assertWritable(path: string): void {
  try {
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw new PilotError("read_only", `The database "${path}" cannot be written.`, {
      hint: "Check the rights of the file and of its directory, or give another one with --db.",
      cause: error,
    });
  }
}

function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, "wx", OWNER_ONLY.file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    throw new PilotError("io", `The database "${path}" cannot be created.`, {
      hint: "Check that its directory exists and can be written, or give another one with --db.",
      cause: error,
    });
  }
}

function orClose(database: Database.Database, prepare: () => void): Database.Database {
  try {
    prepare();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

export function withTranslation<Result>(path: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw translateSqliteError(error, path);
  }
}

/** Another number when another process has written since. */
export function dataVersion(database: Database.Database): number {
  return database.pragma("data_version", { simple: true }) as number;
}

/** The first damage that SQLite finds; undefined when it finds none. */
export function firstDamage(database: Database.Database, check: "quick_check" | "integrity_check"): string | undefined {
  const found = database.pragma(`${check}(1)`, { simple: true }) as string;
  return found === "ok" ? undefined : found;
}
