/** Hints that Exim keeps in a file of SQLite: a table `tbl` with keys as text, or `tblblob` with keys as blobs. */
import Database from "better-sqlite3";
import { PilotError } from "../../errors.ts";

/** All records of a copy in memory of the file, so that the file itself is neither locked nor changed. Errors: `corrupt`. */
export function readSqliteHints(
  bytes: Buffer,
  file: string,
): readonly { readonly key: Buffer; readonly value: Buffer }[] {
  try {
    const database = new Database(bytes);
    try {
      const tables = database
        .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('tbl', 'tblblob')")
        .pluck()
        .all();
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
    throw new PilotError("corrupt", `"${file}" is a file of SQLite that cannot be read: ${error.message}.`, {
      hint: "Give the output of `exim_dumpdb /var/spool/exim4 retry` instead.",
      cause: error,
    });
  }
}
