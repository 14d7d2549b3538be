import type Database from "better-sqlite3";
import { DummyDriver, type Insertable, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from "kysely";
import type { BaseTables } from "./tables.ts";

/** Compiles typed builders to SQL; never runs anything. */
export const compiler = new Kysely<BaseTables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (database) => new SqliteIntrospector(database),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

export type SqlValue = string | number | null | Uint8Array;

/** Measured: 32 rows a statement with spread arguments cost a quarter of single inserts; more rows gain nothing. */
const ROWS_PER_STATEMENT = 32;
/** For the rest of a batch; the last must be 1. */
const FEWER_ROWS = [8, 1];

type Column<Table extends keyof BaseTables> = keyof Insertable<BaseTables[Table]> & string;

/** What happens when there is a row with the same key. */
type Conflict = "fail" | "replace";

/** Collects rows of one table and inserts them in multi-row statements, in order. */
export class BulkInsert<Table extends keyof BaseTables & string> {
  readonly #columns: readonly Column<Table>[];
  readonly #many: Database.Statement;
  readonly #fewer: readonly { readonly values: number; readonly statement: Database.Statement }[];
  /** The values of the rows collected, one row after the other; reused. */
  readonly #values: SqlValue[] = [];
  readonly #capacity: number;
  #filled = 0;

  /** All columns of a row that are not null must be among `columns`. */
  constructor(
    database: Database.Database,
    table: Table,
    columns: readonly Column<Table>[],
    conflict: Conflict = "fail",
  ) {
    this.#columns = columns;
    this.#capacity = columns.length * ROWS_PER_STATEMENT;
    this.#many = database.prepare(insertSql(table, columns, ROWS_PER_STATEMENT, conflict));
    this.#fewer = FEWER_ROWS.map((rows) => ({
      values: rows * columns.length,
      statement: database.prepare(insertSql(table, columns, rows, conflict)),
    }));
  }

  add(row: Insertable<BaseTables[Table]>): void {
    const values = this.#values;
    let filled = this.#filled;
    for (const column of this.#columns) values[filled++] = row[column] as SqlValue;
    this.#filled = filled;
    if (filled === this.#capacity) this.#insertMany();
  }

  /** Inserts what was collected. */
  flush(): void {
    let from = 0;
    for (const { values, statement } of this.#fewer) {
      for (; from + values <= this.#filled; from += values) statement.run(...this.#values.slice(from, from + values));
    }
    this.#filled = 0;
  }

  discard(): void {
    this.#filled = 0;
  }

  #insertMany(): void {
    this.#filled = 0;
    this.#many.run(...this.#values);
  }
}

function insertSql<Table extends keyof BaseTables & string>(
  table: Table,
  columns: readonly string[],
  rows: number,
  conflict: Conflict,
): string {
  const row = Object.fromEntries(columns.map((column) => [column, null])) as unknown as Insertable<BaseTables[Table]>;
  // NOTE: after a failure the writer rolls all back. To take back one statement of many rows SQLite would keep a copy of each
  // page it changes, in a file: as many writes again as the log of the transactions has.
  const insert = compiler.insertInto(table);
  return (conflict === "replace" ? insert.orReplace() : insert.orFail())
    .values(Array.from({ length: rows }, () => row))
    .compile().sql;
}
