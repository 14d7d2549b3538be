/** Copies of a whole database: made while others write to it, and checked by opening them. */
import { closeSync, openSync, realpathSync } from "node:fs";
import Database from "better-sqlite3";
import { PilotError } from "../../errors.ts";
import { OWNER_ONLY } from "../files/disk.ts";
import { fileName } from "../files/file-name.ts";
import { firstDamage, openForReading, withTranslation } from "./connection.ts";
import { inspectSchema, type Migrations } from "./migrations.ts";
import { translateSqliteError } from "./sqlite-errors.ts";

/** One step of the copy: long enough to be fast, short enough to stop between two of them. */
const PAGES_PER_STEP = 2000;

export interface SnapshotOptions {
  readonly waitMs: number;
  /** The share that is copied, from 0 to 1. */
  readonly onCopied?: ((share: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Rows by table: what two copies of one state have in common. */
export type RowCounts = Readonly<Record<string, number>>;

export interface FileState {
  /** The id in {@link DatabaseIdentity}. */
  readonly id: string;
  readonly schema: number;
  readonly counts: RowCounts;
}

/** Identity of a database file. */
export interface DatabaseIdentity {
  /** Random, given at its making: 32 hexadecimal digits. Copies of a file have the same one. */
  readonly id: string;
  /** Absolute, without links: tells copies apart. */
  readonly path: string;
}

/** Errors: `not_a_database` for a file without our schema, an empty one too; as {@link openForReading}, and `schema_newer`, `migration`. */
export function identify(path: string, migrations: Migrations, waitMs: number): DatabaseIdentity {
  const database = openForReading(path, waitMs);
  try {
    if (inspectSchema(database, path, migrations).current === 0) throw nothingThere(path);
    return { id: readId(database), path: realpathSync(path) };
  } catch (error) {
    throw translateSqliteError(error, path);
  } finally {
    database.close();
  }
}

function nothingThere(path: string): PilotError {
  return new PilotError("not_a_database", `The file "${path}" holds no database of exim-pilot: it has no schema.`, {
    hint: "Nothing was changed. Find out what became of it; `exim-pilot restore` puts a backup in its place.",
  });
}

function readId(database: Database.Database): string {
  return database.prepare<[], string>("SELECT id FROM database_identity").pluck().get() ?? "";
}

/** Size of a database's content, in bytes, as far as it is committed. */
export function databaseSize(path: string, waitMs: number): number {
  const database = openForReading(path, waitMs);
  try {
    return pragmaNumber(database, "page_count") * pragmaNumber(database, "page_size");
  } finally {
    database.close();
  }
}

/**
 * Copies the committed state of this instant into the new file `target` (mode 0600, in one piece, without a log beside it).
 * Writers continue meanwhile. Errors: `io`, `busy`, `corrupt`, `disk_full`, `interrupted`.
 */
export async function copyDatabase(
  path: string,
  target: string,
  { waitMs, onCopied, signal }: SnapshotOptions,
): Promise<void> {
  closeSync(openSync(target, "wx", OWNER_ONLY.file));
  const database = openForReading(path, waitMs);
  try {
    // NOTE: without a transaction of its own the copy would begin again whenever another process writes.
    database.exec("BEGIN");
    database.prepare("SELECT count(*) FROM sqlite_schema").get();
    await database.backup(fileName(target), {
      progress: ({ totalPages, remainingPages }) => {
        onCopied?.(1 - remainingPages / totalPages);
        if (signal?.aborted === true) throw new PilotError("interrupted", "The copy was interrupted.");
        return PAGES_PER_STEP;
      },
    });
  } catch (error) {
    throw translateSqliteError(error, path);
  } finally {
    database.close();
  }
  withTranslation(target, () => {
    const copy = new Database(fileName(target));
    try {
      copy.pragma("journal_mode = DELETE");
    } finally {
      copy.close();
    }
  });
}

/**
 * Opens a database file that nobody uses and checks all of it: pages, indexes, references, schema.
 * Errors: `corrupt`, `not_a_database`, `schema_newer`, `migration`.
 */
export function checkFile(path: string, migrations: Migrations): FileState {
  const database = openForReading(path, 0);
  try {
    assertSound(database, path);
    return readState(database, path, migrations);
  } catch (error) {
    throw translateSqliteError(error, path);
  } finally {
    database.close();
  }
}

/** State of the file at `path`, as anyone who opens it sees it; pages are not checked. Errors: as {@link checkFile}. */
export function stateOf(path: string, migrations: Migrations): FileState {
  const database = openForReading(path, 0);
  try {
    return readState(database, path, migrations);
  } catch (error) {
    throw translateSqliteError(error, path);
  } finally {
    database.close();
  }
}

function readState(database: Database.Database, path: string, migrations: Migrations): FileState {
  const { current } = inspectSchema(database, path, migrations);
  if (current === 0) throw nothingThere(path);
  return { id: readId(database), schema: current, counts: countRows(database) };
}

/** Errors: `corrupt`, with the first of what SQLite found. */
function assertSound(database: Database.Database, path: string): void {
  const damage = firstDamage(database, "integrity_check");
  const broken = database.pragma("foreign_key_check") as unknown[];
  if (damage === undefined && broken.length === 0) return;
  const found = damage ?? "rows that refer to missing ones";
  throw new PilotError("corrupt", `The database "${path}" is damaged: ${found}.`, {
    hint: "Keep the file, restore a backup, and ingest the logs again: lines already there are not added twice.",
  });
}

/** Rows of every table. */
export function countRows(database: Database.Database): RowCounts {
  const tables = database
    .prepare<[], { name: string }>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )
    .all();
  return Object.fromEntries(
    tables.map(({ name }) => {
      const { rows } = database.prepare(`SELECT count(*) AS rows FROM "${name}"`).get() as { rows: number };
      return [name, rows];
    }),
  );
}

function pragmaNumber(database: Database.Database, name: "page_count" | "page_size"): number {
  return database.pragma(name, { simple: true }) as number;
}
