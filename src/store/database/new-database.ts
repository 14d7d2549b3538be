/**
 * A new database, which gets its name when it is whole. No kill and no power cut leaves a file there that is no database. Where
 * several processes make it at the same time, one succeeds.
 */
import { accessSync, closeSync, constants, existsSync, openSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import Database from "better-sqlite3";
import { PilotError } from "../../errors.ts";
import { epochMs } from "../../units.ts";
import { OWNER_ONLY, syncToDiskAtOnce } from "../files/disk.ts";
import { fileName } from "../files/file-name.ts";
import { syncNames } from "../files/private-file.ts";
import { findRemains, type Processes, unfinishedName } from "../files/remains.ts";
import { makeShrinkable, withTranslation } from "./connection.ts";
import { type MigrateOptions, type Migration, type Migrations, migrate } from "./migrations.ts";
import { moveToNewName } from "./replace-database.ts";

export interface NewDatabaseOptions extends MigrateOptions {
  readonly processes: () => Processes;
}

/**
 * Makes the database at `path`, with mode 0600, empty and on the disk; returns the migrations that made it, undefined when a file is there
 * already or another process was faster. Errors: `io` (its directory is missing), `corrupt` (something is left of another database there),
 * `disk_full`, `migration`.
 */
export function makeDatabase(
  path: string,
  migrations: Migrations,
  options: NewDatabaseOptions,
): readonly Migration[] | undefined {
  if (isThere(path)) return undefined;
  const directory = dirname(path);
  const processes = options.processes();
  const unfinished = join(directory, unfinishedName("database", processes));
  createPrivately(unfinished, path);
  try {
    removeRemains(directory, processes, options);
    const applied = fill(unfinished, path, migrations, options);
    return withTranslation(path, () => {
      syncToDiskAtOnce(unfinished);
      if (!giveName(unfinished, path)) return undefined;
      syncNames(directory);
      return applied;
    });
  } finally {
    for (const ending of ["", "-wal", "-shm"]) rmSync(unfinished + ending, { force: true });
  }
}

/** Errors: `corrupt` when there is no file, and something beside its place that SQLite would take for a part of it. */
function isThere(path: string): boolean {
  const left = ["-wal", "-journal"].map((ending) => path + ending).find((file) => sizeOf(file) > 0);
  // NOTE: in this order, since another process may be making it.
  if (existsSync(path)) return true;
  if (left === undefined) return false;
  throw new PilotError("corrupt", `There is no database "${path}", and "${left}" beside its place is not empty.`, {
    hint: "It has the last writes of a database that was there: put that database back, or move the file away.",
  });
}

function createPrivately(unfinished: string, path: string): void {
  try {
    closeSync(openSync(unfinished, "wx", OWNER_ONLY.file));
  } catch (error) {
    throw new PilotError("io", `The database "${path}" cannot be created.`, {
      hint: "Check that its directory exists and can be written, or give another one with --db.",
      cause: error,
    });
  }
}

function fill(unfinished: string, path: string, migrations: Migrations, options: MigrateOptions): readonly Migration[] {
  const database = withTranslation(path, () => new Database(fileName(unfinished), { fileMustExist: true }));
  try {
    // NOTE: nobody else knows it, and it is synced as a whole.
    withTranslation(path, () => {
      database.pragma("synchronous = OFF");
      database.pragma("journal_mode = MEMORY");
      makeShrinkable(database);
    });
    const applied = migrate(database, path, migrations, options);
    withTranslation(path, () => database.pragma("journal_mode = WAL"));
    return applied;
  } finally {
    database.close();
  }
}

/** False when another process was faster. */
function giveName(unfinished: string, path: string): boolean {
  try {
    moveToNewName(unfinished, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes unfinished files of killed processes. */
function removeRemains(directory: string, processes: Processes, { now }: MigrateOptions): void {
  if (!canList(directory)) return;
  for (const { kind, path } of findRemains(directory, processes, epochMs(now())))
    if (kind === "database") rmSync(path, { force: true });
}

/** A directory may be one that this user may write to and not list. */
function canList(directory: string): boolean {
  try {
    accessSync(directory, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
