import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { type StepFigures, traced } from "../../diagnostics.ts";
import { PilotError } from "../../errors.ts";
import { fileName } from "../files/file-name.ts";
import { pause, retryWhileBusy } from "./busy.ts";
import { canWriteTo, companionsOf, shareRights } from "./companions.ts";
import { isBackup } from "./kept-backup.ts";
import { isBusy, isOutOfReach, translateSqliteError } from "./sqlite-errors.ts";
import { defineRowDigest } from "./table-digests.ts";
import { traceStatements } from "./traced-statements.ts";
import { isUnlocked, openUnlocked, usesWriteAheadLog } from "./unlocked.ts";

/** "XPLT": marks our files, so that another program's database is not taken for an old one of ours. */
export const APPLICATION_ID = 0x58504c54;

/** One wait of SQLite's own for a lock; the writer repeats it. */
const LONGEST_BUSY_TIMEOUT_MS = 5000;
/** SQLite's own wait hears no signal, and it is repeated for as long as it is to be waited. */
const LONGEST_WAIT_WHEN_OPENING_MS = 200;
/** Measured: more does not help appends, less hurts loads. */
const CACHE_KIB = 16 * 1024;

/**
 * Opens the database for writing: synchronous=NORMAL, foreign keys on. It is not changed, so that it can be looked at first:
 * {@link useWriteAheadLog} is the first change. `waitMs`: how long to wait for a lock.
 * Errors: `usage` (a backup), `io` (missing, or its directory is), `not_a_database`, `read_only`, `busy`, `corrupt`.
 */
export function openForWriting(path: string, waitMs: number): Database.Database {
  assertNotEmptied(path);
  assertNoBackup(path);
  assertExists(path);
  assertWritable(path);
  const open = (): Database.Database => {
    const database = new Database(fileName(path), {
      timeout: Math.min(waitMs, LONGEST_BUSY_TIMEOUT_MS),
      fileMustExist: true,
    });
    return orClose(database, () => {
      database.pragma("synchronous = NORMAL");
      database.pragma("foreign_keys = ON");
      database.pragma(`cache_size = -${CACHE_KIB}`);
      defineRowDigest(database);
      traceStatements(database);
    });
  };
  return traced(
    `open ${path} for writing`,
    () => withTranslation(path, open),
    (database) => sizesOf(database, path),
  );
}

/** Lets a new file give space back a little at a time; to be done before anything is in it. */
export function makeShrinkable(database: Database.Database): void {
  database.pragma("auto_vacuum = INCREMENTAL");
}

/** Measured: fewer, larger checkpoints; the log stays below 32 MiB. */
export const CHECKPOINT_PAGES = 8000;

/** Lets readers go on while the writer writes. Errors: `busy` after `waitMs`, and as {@link openForWriting}. */
export function useWriteAheadLog(database: Database.Database, path: string, waitMs: number): void {
  // NOTE: SQLite gives up at once, without its own waiting, while another process is making the file.
  retryWhileBusy(waitMs, 0, () => database.pragma("journal_mode = WAL"), path);
  shareRights(path);
  database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
}

/** Measured with 100,000 rows in the order of their keys: as fast as the usual cache, and 18 MiB less memory. */
const SMALL_CACHE_KIB = 512;

export function useSmallCache(database: Database.Database): void {
  database.pragma(`cache_size = -${SMALL_CACHE_KIB}`);
}

/** Makes each commit wait until it is on the disk. */
export function syncCommits(database: Database.Database): void {
  database.pragma("synchronous = FULL");
}

/** A database that is changed at every look is given up after as many. */
const MOST_LOOKS = 5;
const PAUSE_MS = 50;

/**
 * Opens the database read-only. Needs no right to its directory: where SQLite cannot lock it without one, it is opened as
 * {@link openUnlocked} does. Errors: as {@link openForWriting}.
 */
export function openForReading(path: string, waitMs: number): Database.Database {
  assertExists(path);
  assertReadable(path);
  assertNotEmptied(path);
  const open = (): Database.Database => {
    for (let looks = 1; ; looks++) {
      try {
        const database = canLock(path) ? openLocked(path, waitMs) : openUnlocked(path);
        return orClose(database, () => {
          database.pragma(`cache_size = -${CACHE_KIB}`);
          defineRowDigest(database);
          traceStatements(database);
        });
      } catch (error) {
        // NOTE: a lock has been waited for already.
        const isPassing = error instanceof PilotError && error.code === "busy" && !isBusy(error.cause);
        if (!isPassing || looks === MOST_LOOKS) throw asPilotError(error, path);
        pause(PAUSE_MS);
      }
    }
  };
  return traced(
    `open ${path} for reading`,
    () => withTranslation(path, open),
    (database) => sizesOf(database, path),
  );
}

/** Sizes that tell a slow disk from a large database. `path`: of its file, since the name of a connection may be a URI. */
function sizesOf(database: Database.Database, path: string): StepFigures {
  const number = (pragma: string): number => Number(database.pragma(pragma, { simple: true }));
  const log = statSync(companionsOf(path).wal, { throwIfNoEntry: false });
  return {
    bytes: number("page_count") * number("page_size"),
    log: log?.size ?? 0,
    schema: number("user_version"),
  };
}

/** A file that is taken away between two looks at it. */
function asPilotError(error: unknown, path: string): unknown {
  const isOfSystem = error instanceof Error && (error as NodeJS.ErrnoException).syscall !== undefined;
  if (!isOfSystem) return error;
  return new PilotError("io", `The database "${path}" cannot be opened.`, {
    hint: "Check that it is still there, and the rights of the file.",
    cause: error,
  });
}

/** Opens the database once more as `database` was, whose locks it leaves alone. Errors: as {@link openForReading}. */
export function openAgain(database: Database.Database, path: string, waitMs: number): Database.Database {
  return withTranslation(path, () => (isUnlocked(database) ? openUnlocked(path) : openLocked(path, waitMs)));
}

/**
 * True when SQLite can lock the database. Where both files are missing nothing is lost by reading without; a log with content is
 * given its index again by one who may, as SQLite does after a crash.
 */
function canLock(path: string): boolean {
  const { wal, shm } = companionsOf(path);
  const log = statSync(wal, { throwIfNoEntry: false });
  if (log !== undefined && existsSync(shm)) return true;
  if (!usesWriteAheadLog(path)) return true;
  return log !== undefined && log.size > 0 && canWriteTo(dirname(wal));
}

function openLocked(path: string, waitMs: number): Database.Database {
  const openingMs = Math.min(waitMs, LONGEST_WAIT_WHEN_OPENING_MS);
  const open = (): Database.Database => {
    const database = new Database(fileName(path), { timeout: openingMs, readonly: true, fileMustExist: true });
    return orClose(database, () => {
      database.prepare("SELECT count(*) FROM sqlite_schema").get();
      database.pragma(`busy_timeout = ${Math.min(waitMs, LONGEST_BUSY_TIMEOUT_MS)}`);
    });
  };
  try {
    return retryWhileBusy(waitMs, openingMs, open, path);
  } catch (error) {
    if (isOutOfReach(error instanceof PilotError ? error.cause : error) && usesWriteAheadLog(path))
      return openUnlocked(path);
    throw error;
  }
}

function assertExists(path: string): void {
  if (existsSync(path)) return;
  throw new PilotError("io", `There is no database "${path}".`, {
    hint: "Make one with `exim-pilot ingest FILE…`, or name another with --db or EXIM_PILOT_DB.",
  });
}

/** SQLite removes the log beside an empty file unread: with it would go what is left of a database that was emptied by mistake. */
function assertNotEmptied(path: string): void {
  const sizeOf = (file: string): number | undefined => statSync(file, { throwIfNoEntry: false })?.size;
  if (sizeOf(path) !== 0 || (sizeOf(`${path}-wal`) ?? 0) === 0) return;
  throw new PilotError("corrupt", `The database "${path}" is empty, and "${path}-wal" beside it is not.`, {
    hint: "`exim-pilot restore` puts a backup in its place and keeps both files; or move them away, and ingest the logs again.",
  });
}

/** A backup that is written to is damaged by it: its manifest tells its hash. Errors: `usage`. */
function assertNoBackup(path: string): void {
  if (!isBackup(path)) return;
  throw new PilotError("usage", `"${path}" is a backup, with its manifest beside it, and must not change.`, {
    hint: "Restore it elsewhere with `exim-pilot restore BACKUP --db FILE`, and name that file.",
  });
}

function assertReadable(path: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    throw new PilotError("io", `The database "${path}" cannot be read.`, {
      hint: "Check the rights of the file: a group may read it with mode 0640, and 2750 for its directory.",
      cause: error,
    });
  }
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
