import type Database from "better-sqlite3";

const STATEMENTS = new WeakMap<Database.Database, Map<string, Database.Statement>>();

/**
 * A statement that a connection needs now and then, prepared at its first use: runs of a few lines prepare more than they
 * execute. Whoever sets it to `raw` or `pluck` must do so always, for the statement is one for all that give the same SQL.
 */
export function prepareOnce<Parameters extends unknown[] | object = unknown[], Row = unknown>(
  database: Database.Database,
  sql: string,
) {
  let statements = STATEMENTS.get(database);
  if (statements === undefined) {
    statements = new Map();
    STATEMENTS.set(database, statements);
  }
  let statement = statements.get(sql);
  if (statement === undefined) {
    statement = database.prepare(sql);
    statements.set(sql, statement);
  }
  return statement as unknown as ReturnType<typeof database.prepare<Parameters, Row>>;
}
