/** Hints that Exim keeps in a file of SQLite: a table `tbl` with keys as text, or `tblblob` with keys as blobs. */
import Database from "better-sqlite3";
import { PilotError } from "../../errors.ts";

/**
 * All records of a copy in memory of the file, so that the file itself is neither locked nor changed. Errors: `corrupt`; `usage` when it is a
 * database of something else.
 */
export function readSqliteHints(
  bytes: Buffer,
  file: string,
): readonly { readonly key: Buffer; readonly value: Buffer }[] {
  try {
    const database = new Database(bytes);
    try {
      const damage = database.pragma("integrity_check(1)", { simple: true });
      if (damage !== "ok") throw unreadable(file, String(damage));
      const tables = database
        .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('tbl', 'tblblob')")
        .pluck()
        .all();
      if (tables.length === 0) {
        throw new PilotError("usage", `"${file}" is a database of SQLite, and none with hints of Exim's.`, {
          hint: "Retry records are in the file db/retry of the spool.",
        });
      }
      return tables.flatMap((table) =>
        database
          .prepare<[], { key: Buffer; value: Buffer }>(
            `SELECT CAST(ky AS BLOB) AS key, CAST(dat AS BLOB) AS value FROM ${table}`,
          )
          .all(),
      );
    } finally {
      database.close();
    }
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
    throw unreadable(file, error.message, error);
  }
}

function unreadable(file: string, why: string, cause?: unknown): PilotError {
  return new PilotError("corrupt", `"${file}" is a file of SQLite that cannot be read: ${why}.`, {
    hint: "Give the output of `exim_dumpdb /var/spool/exim4 retry` instead.",
    cause,
  });
}
