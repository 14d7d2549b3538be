import { SqliteError } from "better-sqlite3";
import { type ErrorCode, PilotError } from "../../errors.ts";
import { isSystemError, translateSystemError } from "../files/system-errors.ts";

/** The database in a sentence: `the database "mail.db"`, or without its name where that is not known. */
type Subject = string;

interface Translation {
  readonly code: ErrorCode;
  readonly sentence: (database: Subject, path: string | undefined) => string;
  readonly hint: string;
}

const WAIT = "Wait for the other exim-pilot run to finish and try again; what was read before is kept.";
const CHECK_RIGHTS = "Check the rights of the file and of its directory, or give another one with --db.";

/** By the beginning of the driver's code: the first that fits. What is not here is a bug, a wrong statement for one. */
const TRANSLATIONS: readonly (readonly [prefix: string, translation: Translation])[] = [
  [
    "SQLITE_BUSY",
    { code: "busy", sentence: (database) => `${upper(database)} is locked by another process.`, hint: WAIT },
  ],
  [
    "SQLITE_LOCKED",
    { code: "busy", sentence: (database) => `${upper(database)} is locked by another process.`, hint: WAIT },
  ],
  [
    "SQLITE_PROTOCOL",
    { code: "busy", sentence: (database) => `${upper(database)} is used by too many processes at once.`, hint: WAIT },
  ],
  [
    "SQLITE_SCHEMA",
    { code: "busy", sentence: (database) => `Another process has changed the form of ${database}.`, hint: WAIT },
  ],
  [
    "SQLITE_INTERRUPT",
    {
      code: "interrupted",
      sentence: (database) => `The work on ${database} was interrupted.`,
      hint: "Run the command again.",
    },
  ],
  [
    "SQLITE_NOTADB",
    {
      code: "not_a_database",
      sentence: (_database, path) => `The file${path === undefined ? "" : ` "${path}"`} is not an SQLite database.`,
      hint: "Give the database with --db. A log is read into one by `exim-pilot ingest FILE`, or asked by itself with --log FILE.",
    },
  ],
  [
    "SQLITE_CORRUPT",
    {
      code: "corrupt",
      sentence: (database) => `${upper(database)} is damaged.`,
      hint: "Keep the file, restore a backup, and ingest the logs again: lines already there are not added twice.",
    },
  ],
  [
    "SQLITE_FORMAT",
    {
      code: "corrupt",
      sentence: (database) => `${upper(database)} is damaged.`,
      hint: "Keep the file, restore a backup, and ingest the logs again: lines already there are not added twice.",
    },
  ],
  [
    "SQLITE_FULL",
    {
      code: "disk_full",
      sentence: (database) => `The disk that holds ${database} is full.`,
      hint: "Free some space and run the command again: it carries on where it stopped.",
    },
  ],
  [
    "SQLITE_IOERR_NOMEM",
    {
      code: "io",
      sentence: (database) => `There is not enough memory to work on ${database}.`,
      hint: "Run the command when less else runs, or allow it more memory.",
    },
  ],
  [
    "SQLITE_NOMEM",
    {
      code: "io",
      sentence: (database) => `There is not enough memory to work on ${database}.`,
      hint: "Run the command when less else runs, or allow it more memory.",
    },
  ],
  [
    "SQLITE_IOERR",
    {
      code: "io",
      sentence: (database) => `Reading or writing ${database} failed.`,
      hint: "Look at the disk and at the system log; then run the command again.",
    },
  ],
  [
    "SQLITE_READONLY_CANTINIT",
    {
      code: "busy",
      sentence: (database) => `${upper(database)} has just been opened by a writer.`,
      hint: "Run the command again.",
    },
  ],
  [
    "SQLITE_READONLY_ROLLBACK",
    {
      code: "read_only",
      sentence: (database) => `A write to ${database} was interrupted, and a reader cannot undo it.`,
      hint: "Run any command that writes, such as `exim-pilot ingest`, as a user with that right; then it can be read.",
    },
  ],
  [
    "SQLITE_READONLY",
    { code: "read_only", sentence: (database) => `${upper(database)} cannot be written.`, hint: CHECK_RIGHTS },
  ],
  [
    "SQLITE_PERM",
    { code: "read_only", sentence: (database) => `${upper(database)} may not be used so.`, hint: CHECK_RIGHTS },
  ],
  [
    "SQLITE_CANTOPEN",
    {
      code: "io",
      sentence: (database) => `${upper(database)} cannot be opened.`,
      hint: "Check that its directory exists and can be written, or give another one with --db.",
    },
  ],
  [
    "SQLITE_NOLFS",
    {
      code: "io",
      sentence: (database) => `${upper(database)} is larger than its file system can hold.`,
      hint: "Move it to another file system.",
    },
  ],
  [
    "SQLITE_TOOBIG",
    {
      code: "io",
      sentence: (database) => `A value is larger than ${database} can hold: SQLite takes up to 1 GB.`,
      hint: "In an ingest, leave out or cut the log that has so long a line; in a statement, ask for less at once.",
    },
  ],
];

/** Things that users name, by the table that allows each once. */
const NAMED: Readonly<Record<string, string>> = {
  stored_servers: "a server of that name",
  stored_tags: "that tag of that message",
  stored_users: "a user of that name or account",
  stored_messages: "that message of that server",
  raw_blocks: "log text of that place",
};

/** The error that a user can act on, for one of SQLite or of the operating system; any other (a bug) is returned as it is. */
export function translateError(error: unknown, path?: string): unknown {
  return isSystemError(error) ? translateSystemError(error) : translateSqliteError(error, path);
}

/** The error that a user can act on, for one from the driver; any other error (a bug) is returned as it is. */
export function translateSqliteError(error: unknown, path?: string): unknown {
  if (isDriverMissing(error)) return driverError(error);
  if (!(error instanceof SqliteError)) return error;
  const database = path === undefined ? "the database" : `the database "${path}"`;
  if (error.code.startsWith("SQLITE_CONSTRAINT")) return translateConstraint(error, database);
  const found = TRANSLATIONS.find(([prefix]) => error.code.startsWith(prefix));
  if (found === undefined) return error;
  const [, { code, sentence, hint }] = found;
  return new PilotError(code, sentence(database, path), { hint, cause: error });
}

/** NOTE: CHECK, NOT NULL and types are for us to keep: such an error stays as it is, a bug. */
function translateConstraint(error: InstanceType<typeof SqliteError>, database: Subject): unknown {
  if (error.code === "SQLITE_CONSTRAINT_FOREIGNKEY") {
    return new PilotError("in_use", `Something else in ${database} still refers to what was to be removed.`, {
      hint: "Run the command again; if it fails again, `exim-pilot verify` shows the references.",
      cause: error,
    });
  }
  if (!/_(UNIQUE|PRIMARYKEY|ROWID)$/.test(error.code)) return error;
  const [, table = ""] = /^UNIQUE constraint failed: (?:index ')?(\w+)/.exec(error.message) ?? [];
  return new PilotError("exists", `There is ${NAMED[table] ?? `such a row of "${table}"`} in ${database} already.`, {
    hint: "Another process may have added it meanwhile. Run the command again.",
    cause: error,
  });
}

function upper(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
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
      hint: "The driver needs Linux with glibc 2.34 or newer (Debian 12, Ubuntu 22.04, RHEL 9), musl, macOS or Windows; there, install exim-pilot again.",
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
