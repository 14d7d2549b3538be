import type Database from "better-sqlite3";

/** Bytes on disk by table, its indexes with it. Reads the whole file. */
export function tableSizes(database: Database.Database): ReadonlyMap<string, number> {
  const rows = database
    .prepare<[], { name: string; bytes: number }>(
      `SELECT coalesce(s.tbl_name, d.name) AS name, sum(d.pgsize) AS bytes
       FROM dbstat('main', 1) d LEFT JOIN sqlite_schema s ON s.name = d.name GROUP BY 1`,
    )
    .all();
  return new Map(rows.map(({ name, bytes }) => [name, bytes]));
}
