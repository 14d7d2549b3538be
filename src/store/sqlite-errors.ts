import { SqliteError } from "better-sqlite3";
import { type ErrorCode, PilotError } from "../errors.ts";

interface Translation {
  readonly code: ErrorCode;
  readonly sentence: (path: string) => string;
  readonly hint: string;
}

const TRANSLATIONS: readonly (readonly [prefix: string, translation: Translation])[] = [
  [
    "SQLITE_BUSY",
    {
      code: "busy",
      sentence: (path) => `The database "${path}" is locked by another process.`,
      hint: "Wait for the other exim-pilot run to finish and try again; what was read before is kept.",
    },
  ],
  [
    "SQLITE_NOTADB",
    {
      code: "not_a_database",
      sentence: (path) => `The file "${path}" is not an SQLite database.`,
      hint: "Give the database with --db; log files are given to `exim-pilot ingest`.",
    },
  ],
  [
    "SQLITE_CORRUPT",
    {
      code: "corrupt",
      sentence: (path) => `The database "${path}" is damaged.`,
      hint: "Keep the file, restore a backup, and ingest the logs again: lines already there are not added twice.",
    },
  ],
  [
    "SQLITE_FULL",
    {
      code: "disk_full",
      sentence: (path) => `The disk that holds "${path}" is full.`,
      hint: "Free some space and run the command again: it carries on where it stopped.",
    },
  ],
  [
    "SQLITE_IOERR",
    {
      code: "io",
      sentence: (path) => `Reading or writing the database "${path}" failed.`,
      hint: "Look at the disk and at the system log; then run the command again.",
    },
  ],
  [
    "SQLITE_READONLY_CANTINIT",
    {
      code: "busy",
      sentence: (path) => `The database "${path}" has just been opened by a writer.`,
      hint: "Run the command again.",
    },
  ],
  [
    "SQLITE_READONLY_ROLLBACK",
    {
      code: "read_only",
      sentence: (path) => `A write to the database "${path}" was interrupted, and a reader cannot undo it.`,
      hint: "Run any command that writes, such as `exim-pilot ingest`, as one who may; then it can be read.",
    },
  ],
  [
    "SQLITE_READONLY",
    {
      code: "read_only",
      sentence: (path) => `The database "${path}" cannot be written.`,
      hint: "Check the rights of the file and of its directory, or give another one with --db.",
    },
  ],
  [
    "SQLITE_CANTOPEN",
    {
      code: "io",
      sentence: (path) => `The database "${path}" cannot be opened.`,
      hint: "Check that its directory exists and can be written, or give another one with --db.",
    },
  ],
];

/** The error a user can act on, for one from the driver; any other error (a bug) is returned as it is. */
export function translateSqliteError(error: unknown, path: string): unknown {
  if (isDriverMissing(error)) return driverError(error);
  if (!(error instanceof SqliteError)) return error;
  const found = TRANSLATIONS.find(([prefix]) => error.code.startsWith(prefix));
  if (found === undefined) return error;
  const [, { code, sentence, hint }] = found;
  return new PilotError(code, sentence(path), { hint, cause: error });
}

/** NOTE: the driver ships a compiled part for each usual system; on any other it is missing, or it needs a newer glibc. */
function isDriverMissing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, message } = error as NodeJS.ErrnoException;
  return code === "ERR_DLOPEN_FAILED" || (code === "MODULE_NOT_FOUND" && message.includes("better_sqlite3.node"));
}

function driverError(cause: unknown): PilotError {
  return new PilotError(
    "driver",
    "better-sqlite3, the driver of SQLite, has no compiled part that this system can load.",
    {
      hint: "Install exim-pilot again with npm; the driver needs Linux with glibc 2.34 or newer, musl, macOS or Windows.",
      cause,
    },
  );
}

export function isBusy(error: unknown): boolean {
  return error instanceof SqliteError && error.code.startsWith("SQLITE_BUSY");
}

const OUT_OF_REACH = [
  "SQLITE_CANTOPEN",
  "SQLITE_READONLY_CANTINIT",
  "SQLITE_READONLY_RECOVERY",
  "SQLITE_READONLY_DIRECTORY",
];

/** True when a reader lacks rights to what SQLite keeps beside the database, or nobody has prepared that for readers. */
export function isOutOfReach(error: unknown): boolean {
  return error instanceof SqliteError && OUT_OF_REACH.some((code) => error.code.startsWith(code));
}
