import type Database from "better-sqlite3";

/** True when the file has a table of this name: an older one, or one that is still being made, may lack it. */
export function hasTable(database: Database.Database, name: string): boolean {
  return database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(name) !== undefined;
}
