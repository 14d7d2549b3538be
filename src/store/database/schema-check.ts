/** Compares the tables, indexes, triggers and views of a file with those that this exim-pilot creates. */
import Database from "better-sqlite3";
import { type Migrations, migrate } from "./migrations.ts";

interface Definition {
  readonly type: string;
  readonly name: string;
  readonly sql: string;
}

const DEFINITIONS = "SELECT type, name, sql FROM sqlite_schema WHERE sql NOT NULL";

/** A sentence for each that is missing or other than it should be. What a user has added is no damage. */
export function schemaDamage(database: Database.Database, migrations: Migrations): readonly string[] {
  const actual = new Map(
    database
      .prepare<[], Definition>(DEFINITIONS)
      .all()
      .map(({ type, name, sql }) => [`${type} ${name}`, sql]),
  );
  return expectedDefinitions(migrations).flatMap(({ type, name, sql }) => {
    const found = actual.get(`${type} ${name}`);
    if (found === sql) return [];
    return [`The ${type} ${name} is ${found === undefined ? "missing" : "not defined as it should be"}.`];
  });
}

function expectedDefinitions(migrations: Migrations): readonly Definition[] {
  const fresh = new Database(":memory:");
  try {
    migrate(fresh, ":memory:", migrations, { program: "", now: () => 0 });
    return fresh.prepare<[], Definition>(DEFINITIONS).all();
  } finally {
    fresh.close();
  }
}
