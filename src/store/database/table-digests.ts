/**
 * Digests of the tables whose rows no line of a log tells: the audit log, tags, servers, the queue's history. Such a row cannot be derived again, so
 * one turned bit in it would change an answer unseen. Triggers keep the digests; `verify` compares them.
 *
 * The digest of a table is the sum of the CRC-32 of its rows. It does not depend on their order, and one row costs one step.
 */
import { crc32 } from "node:zlib";
import type Database from "better-sqlite3";
import { hasTable } from "../schema/has-table.ts";
import { KEPT_TABLES } from "../schema/table-origins.ts";

/** Sums are taken modulo 2^48, which JavaScript and SQLite both hold exactly. */
const MODULUS_MASK = 2 ** 48 - 1;

/** Numbers up to it are counts and flags, which repeat. */
const LARGEST_SMALL = 1000;

const FUNCTION = "exim_pilot_row_digest";

type SqlValue = null | number | bigint | string | Uint8Array;

/** A table whose rows are not those that were written. */
export interface TableDifference {
  readonly table: string;
  /** Rows and digest that its writers left; undefined when they are not recorded. */
  readonly recorded: TableDigest | undefined;
  readonly found: TableDigest;
}

interface TableDigest {
  readonly rows: number;
  readonly digest: number;
}

/** Defines the function that the triggers call. A connection without it cannot write to these tables: SQLite names it in its refusal. */
export function defineRowDigest(database: Database.Database): void {
  database.function(FUNCTION, { varargs: true, deterministic: true }, (...row) => rowDigest(row as SqlValue[]));
}

/**
 * Begins a step that changes the schema; the function returned ends it within the same transaction. Tables whose columns are others then get
 * triggers for them and a new digest, but for those that were damaged before: they are not called sound afterwards.
 */
export function beginDigests(database: Database.Database): () => void {
  defineRowDigest(database);
  const damaged = compareDigests(database).map(({ table }) => table);
  return () => {
    if (!hasDigests(database)) return;
    const definitions = triggersIn(database);
    for (const table of keptTables(database)) {
      const triggers = triggersOf(database, table);
      if (triggers.every(({ name, sql }) => definitions.get(name) === sql)) continue;
      if (!damaged.includes(table)) record(database, table);
      for (const { name, sql } of triggers) database.exec(`DROP TRIGGER IF EXISTS ${name}; ${sql}`);
    }
  };
}

function record(database: Database.Database, table: string): void {
  const { rows, digest } = digestTable(database, table);
  const sql = "INSERT OR REPLACE INTO table_digests (table_name, row_count, digest) VALUES (?, ?, ?)";
  database.prepare(sql).run(table, rows, digest);
}

interface Trigger {
  readonly name: string;
  readonly sql: string;
}

function triggersOf(database: Database.Database, table: string): readonly Trigger[] {
  const columns = columnsOf(database, table);
  const digestOf = (row: "old" | "new"): string => `${FUNCTION}(${columns.map((name) => `${row}.${name}`).join(", ")})`;
  const follow = (operation: string, rows: string, digest: string): Trigger => {
    const name = `digest_${table}_${operation.toLowerCase()}`;
    const change = `row_count = row_count${rows}, digest = (digest${digest}) & ${MODULUS_MASK}`;
    const sql = `CREATE TRIGGER ${name} AFTER ${operation} ON ${table} BEGIN
        UPDATE table_digests SET ${change} WHERE table_name = '${table}';
      END`;
    return { name, sql };
  };
  return [
    follow("INSERT", " + 1", ` + ${digestOf("new")}`),
    follow("UPDATE", "", ` + ${digestOf("new")} - ${digestOf("old")}`),
    follow("DELETE", " - 1", ` - ${digestOf("old")}`),
  ];
}

/** Definitions of the triggers of the file, by their names. */
function triggersIn(database: Database.Database): ReadonlyMap<string, string> {
  const rows = database.prepare<[], Trigger>("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all();
  return new Map(rows.map(({ name, sql }) => [name, sql]));
}

/** Compares the tables with their digests; empty when all are as written, and in a file that has no digests yet. */
export function compareDigests(database: Database.Database): readonly TableDifference[] {
  if (!hasDigests(database)) return [];
  const recorded = new Map(
    database
      .prepare<[], TableDigest & { table: string }>(
        'SELECT table_name AS "table", row_count AS rows, digest FROM table_digests',
      )
      .all()
      .map(({ table, rows, digest }) => [table, { rows, digest }]),
  );
  return keptTables(database).flatMap((table) => {
    const found = digestTable(database, table);
    const stated = recorded.get(table);
    const isSame = stated !== undefined && stated.rows === found.rows && stated.digest === found.digest;
    return isSame ? [] : [{ table, recorded: stated, found }];
  });
}

function digestTable(database: Database.Database, table: string): TableDigest {
  const columns = columnsOf(database, table).join(", ");
  let rows = 0;
  let digest = 0;
  for (const row of database.prepare(`SELECT ${columns} FROM ${table}`).raw().iterate()) {
    rows++;
    digest = (digest + rowDigest(row as SqlValue[])) % (MODULUS_MASK + 1);
  }
  return { rows, digest };
}

/** CRC-32 of a row: of each value its type, its length and its text or bytes. */
function rowDigest(row: readonly SqlValue[]): number {
  let digest = 0;
  // NOTE: one call for all text between two blobs; each call costs more than what it works on.
  let text = "";
  for (const value of row) {
    if (value instanceof Uint8Array) {
      digest = crc32(value, crc32(`${text}object ${value.length} `, digest));
      text = "";
    } else {
      const shown = isLarge(value) ? value.toFixed() : String(value);
      text += `${value === null ? "null" : typeof value} ${shown.length} ${shown}`;
    }
  }
  return text === "" ? digest : crc32(text, digest);
}

/** An id or a time. NOTE: V8 keeps the text of numbers that `String` has written: 10 MiB of 100,000 rows. */
function isLarge(value: SqlValue): value is number {
  return typeof value === "number" && value > LARGEST_SMALL && Number.isSafeInteger(value);
}

function hasDigests(database: Database.Database): boolean {
  return hasTable(database, "table_digests");
}

/** Lists the kept tables of this file: an older one may lack some. */
function keptTables(database: Database.Database): readonly string[] {
  const present = database.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
  return KEPT_TABLES.filter((table) => present.includes(table));
}

function columnsOf(database: Database.Database, table: string): readonly string[] {
  return database.prepare<[string], string>("SELECT name FROM pragma_table_info(?)").pluck().all(table);
}
