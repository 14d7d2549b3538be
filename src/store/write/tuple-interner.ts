import type Database from "better-sqlite3";
import type { SqlValue } from "../database/bulk-insert.ts";
import type { DeliveryPathsTable, DeliveryProblemsTable } from "../schema/tables.ts";

/** Tuples that are remembered; when there are more, all are forgotten. */
const REMEMBERED = 20_000;

interface TupleTables {
  delivery_paths: DeliveryPathsTable;
  delivery_problems: DeliveryProblemsTable;
}

/**
 * Gives each tuple of values its id, adding what is new. Tuples are few for many rows that refer to them.
 * Remembers ids between transactions: {@link forget} after a rollback, or when another process may have written.
 */
export class TupleInterner<Table extends keyof TupleTables> {
  readonly #find: Database.Statement<SqlValue[], { id: number }>;
  readonly #add: Database.Statement<SqlValue[]>;
  readonly #known = new Map<string, number>();

  /** `columns`: all but the id, in the order in which values are given. */
  constructor(
    database: Database.Database,
    table: Table,
    columns: readonly Exclude<keyof TupleTables[Table] & string, "id">[],
  ) {
    this.#find = database.prepare(
      `SELECT id FROM ${table} WHERE ${columns.map((column) => `${column} IS ?`).join(" AND ")}`,
    );
    this.#add = database.prepare(
      `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
    );
  }

  idOf(values: readonly (number | null)[]): number {
    const key = values.join();
    let id = this.#known.get(key);
    if (id === undefined) {
      id = this.#find.get(...values)?.id ?? Number(this.#add.run(...values).lastInsertRowid);
      if (this.#known.size >= REMEMBERED) this.#known.clear();
      this.#known.set(key, id);
    }
    return id;
  }

  forget(): void {
    this.#known.clear();
  }
}
