import type Database from "better-sqlite3";
import type { Insertable } from "kysely";
import type { BaseTables } from "../schema/tables.ts";

export type SqlValue = string | number | null | Uint8Array;

/** Measured: 32 rows a statement with spread arguments cost a quarter of single inserts; more rows gain nothing. */
const ROWS_PER_STATEMENT = 32;
/** For the rest of a batch; the last must be 1. */
const FEWER_ROWS = [8, 1];
/**
 * SQLite stores NaN as NULL. Measured: the driver takes 50 ns to bind a number and 115 to bind null, which it takes for one type
 * after the other. Two fifths of all values are null.
 */
const NULL = Number.NaN;

type Column<Table extends keyof BaseTables> = keyof Insertable<BaseTables[Table]> & string;

/** Action when a row with the same key exists. */
type Conflict = "fail" | "replace";

/** Collects rows of one table and inserts them in multi-row statements, in order. */
export class BulkInsert<Table extends keyof BaseTables & string> {
  readonly #database: Database.Database;
  readonly #table: Table;
  readonly #columns: readonly Column<Table>[];
  readonly #conflict: Conflict;
  /** By the number of rows; prepared when first needed, for a short run needs few of them. */
  readonly #statements = new Map<number, Database.Statement>();
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
    this.#database = database;
    this.#table = table;
    this.#columns = columns;
    this.#conflict = conflict;
    this.#capacity = columns.length * ROWS_PER_STATEMENT;
  }

  add(row: Insertable<BaseTables[Table]>): void {
    const values = this.#values;
    let filled = this.#filled;
    for (const column of this.#columns) values[filled++] = (row[column] as SqlValue) ?? NULL;
    this.#filled = filled;
    if (filled === this.#capacity) this.#insertMany();
  }

  /** Adds one value of a row, in the order of the columns; {@link endRow} after the last of them. */
  put(value: SqlValue): void {
    this.#values[this.#filled++] = value ?? NULL;
  }

  endRow(): void {
    if (this.#filled === this.#capacity) this.#insertMany();
  }

  /** Inserts what was collected. */
  flush(): void {
    let from = 0;
    for (const rows of FEWER_ROWS) {
      const values = rows * this.#columns.length;
      for (; from + values <= this.#filled; from += values)
        this.#statementFor(rows).run(...this.#values.slice(from, from + values));
    }
    this.#filled = 0;
  }

  discard(): void {
    this.#filled = 0;
  }

  #insertMany(): void {
    this.#filled = 0;
    this.#statementFor(ROWS_PER_STATEMENT).run(...this.#values);
  }

  #statementFor(rows: number): Database.Statement {
    let statement = this.#statements.get(rows);
    if (statement === undefined) {
      statement = this.#database.prepare(insertSql(this.#table, this.#columns, rows, this.#conflict));
      this.#statements.set(rows, statement);
    }
    return statement;
  }
}

function insertSql(table: string, columns: readonly string[], rows: number, conflict: Conflict): string {
  const names = columns.map((column) => `"${column}"`).join(", ");
  const row = `(${columns.map(() => "?").join(", ")})`;
  const values = Array.from({ length: rows }, () => row).join(", ");
  // NOTE: after a failure the writer rolls all back. To take back one statement of many rows SQLite would keep a copy of each
  // page it changes, in a file: as many writes again as the log of the transactions has.
  const resolution = conflict === "replace" ? "REPLACE" : "FAIL";
  return `INSERT OR ${resolution} INTO "${table}" (${names}) VALUES ${values}`;
}
