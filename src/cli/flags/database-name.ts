/** The name of the database, looked at before anything opens it: opening a pipe would wait, and SQLite takes some names otherwise. */
import { type Stats, statSync } from "node:fs";
import { PilotError } from "../../errors.ts";
import { isSystemError, translateSystemError } from "../../store/files/system-errors.ts";

const HINT = "Name a file with --db, EXIM_PILOT_DB or db in the configuration.";
/** SQLite's name of a database without a file: all that is ingested would be lost. */
const IN_MEMORY = ":memory:";

/**
 * Refuses what is no file, and names that the driver would change. There need be no file of that name yet.
 * Errors: `usage`; `io` when the file may not be looked at.
 */
export function assertDatabaseName(path: string): void {
  if (path.trim() === "") throw wrong("The name of the database is blank.");
  if (path.trim() !== path) throw wrong(`The name of the database, "${path}", begins or ends with a blank.`);
  if (path.includes("\0")) throw wrong("The name of the database has a NUL in it.");
  if (path === IN_MEMORY) throw wrong("A database in memory would be lost at the end of the command.");
  const kind = kindOf(statusOf(path));
  if (kind !== undefined) throw wrong(`"${path}" is ${kind} and cannot be the database.`);
}

function wrong(sentence: string): PilotError {
  return new PilotError("usage", sentence, { hint: HINT });
}

function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw isSystemError(error) ? translateSystemError(error) : error;
  }
}

/** Undefined for a file, and for nothing. */
function kindOf(status: Stats | undefined): string | undefined {
  if (status === undefined || status.isFile()) return undefined;
  if (status.isDirectory()) return "a directory";
  if (status.isFIFO()) return "a pipe";
  return status.isSocket() ? "a socket" : "a device";
}
