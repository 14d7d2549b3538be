/** Opens the database for a use case: the one writer, or a reader beside it. */
import { existsSync } from "node:fs";
import type Database from "better-sqlite3";
import { PilotError } from "../errors.ts";
import { closeWriter } from "./database/companions.ts";
import { makeShrinkable, openForReading, openForWriting, useWriteAheadLog } from "./database/connection.ts";
import {
  inspectSchema,
  loadMigrations,
  type Migration,
  type MigrationStatus,
  migrate,
  pendingUpTo,
} from "./database/migrations.ts";
import { makeDatabase } from "./database/new-database.ts";
import { schemaDamage } from "./database/schema-check.ts";
import type { StoreSettings } from "./database/settings.ts";
import { Pruner } from "./prune/pruner.ts";
import { Reader } from "./reader.ts";
import { type ParserAge, readParserAge } from "./schema/parser-age.ts";
import { Writer } from "./write/writer.ts";

/**
 * Opens the database for writing; makes and migrates it when there is none, unless told not to.
 * Errors: `io`, `not_a_database`, `read_only`, `busy`, `corrupt`, `schema_newer`, `schema_older`.
 */
export function openWriter(settings: StoreSettings, { create = true }: { readonly create?: boolean } = {}): Writer {
  const { path, schemaDirectory, waitMs, freeBytes } = settings;
  const migrations = loadMigrations(schemaDirectory);
  if (create) makeDatabase(path, migrations, settings);
  const database = openForWriting(path, waitMs);
  return closingOnError(database, () => {
    const { isNew } = inspectSchema(database, path, migrations);
    if (isNew) makeShrinkable(database);
    useWriteAheadLog(database, path, waitMs);
    if (isNew) migrate(database, path, migrations, settings);
    else assertCurrent(path, inspectSchema(database, path, migrations));
    return new Writer(database, path, { waitMs, freeBytes });
  });
}

/** Opens the database for reading. Errors: as {@link openWriter}. */
export function openReader(settings: StoreSettings): Reader {
  const { path, schemaDirectory, waitMs } = settings;
  const database = openForReading(path, waitMs);
  return closingOnError(database, () => {
    const migrations = loadMigrations(schemaDirectory);
    assertCurrent(path, inspectSchema(database, path, migrations));
    const damage = (): readonly string[] => schemaDamage(database, migrations);
    try {
      return new Reader(database, path, damage);
    } catch (error) {
      const [first] = damage();
      throw first === undefined ? error : damagedSchema(path, first, error);
    }
  });
}

/** Opens the database to remove old content; with `isRehearsal` only to tell what that would be. Errors: as {@link openWriter}. */
export function openPruner(settings: StoreSettings, { isRehearsal }: { readonly isRehearsal: boolean }): Pruner {
  const { path, schemaDirectory, waitMs } = settings;
  const database = isRehearsal ? openForReading(path, waitMs) : openForWriting(path, waitMs);
  return closingOnError(database, () => {
    assertCurrent(path, inspectSchema(database, path, loadMigrations(schemaDirectory)));
    if (!isRehearsal) useWriteAheadLog(database, path, waitMs);
    return new Pruner(database, settings);
  });
}

export interface MigrateReport extends ParserAge {
  readonly path: string;
  /** Schema the file had; 0 for a new one. */
  readonly before: number;
  readonly latest: number;
  /** File names of the migrations, applied or (with `dryRun`) pending. */
  readonly migrations: readonly string[];
  readonly viewsChanged: boolean;
  readonly isApplied: boolean;
}

export interface MigrateWishes {
  /** Report only what would be done. */
  readonly dryRun: boolean;
  /** Up to this version; undefined: to the latest. */
  readonly to?: number | undefined;
}

/**
 * Brings the schema up to date, or with `dryRun` tells what that would do. Errors: as {@link openWriter}, `migration`, and
 * `usage` for a version that is behind or unknown.
 */
export function migrateStore(settings: StoreSettings, { dryRun, to }: MigrateWishes): MigrateReport {
  const { path, schemaDirectory, waitMs } = settings;
  const migrations = loadMigrations(schemaDirectory);
  if (!existsSync(path)) {
    const latest = migrations.steps.at(-1)?.version ?? 0;
    assertReachable(to, 0, latest, path);
    const steps = dryRun ? pendingUpTo(migrations.steps, to) : makeDatabase(path, migrations, { ...settings, to });
    // NOTE: undefined when another process has made it meanwhile.
    if (steps !== undefined) {
      const age = { parserVersions: [], prunedLogs: 0 };
      const viewsChanged = steps.length === migrations.steps.length;
      return { path, before: 0, latest, migrations: steps.map(nameOf), viewsChanged, isApplied: !dryRun, ...age };
    }
  }
  const database = dryRun ? openForReading(path, waitMs) : openForWriting(path, waitMs);
  try {
    const { current, latest, pending, viewsChanged } = inspectSchema(database, path, migrations);
    assertReachable(to, current, latest, path);
    if (!dryRun && current === 0) makeShrinkable(database);
    if (!dryRun) useWriteAheadLog(database, path, waitMs);
    const applied = dryRun ? pendingUpTo(pending, to) : migrate(database, path, migrations, { ...settings, to });
    const hasViews = viewsChanged && (to === undefined || to === latest);
    return {
      path,
      before: current,
      latest,
      migrations: applied.map(nameOf),
      viewsChanged: hasViews,
      isApplied: !dryRun,
      ...readParserAge(database),
    };
  } finally {
    closeWriter(database, path);
  }
}

function assertReachable(to: number | undefined, current: number, latest: number, path: string): void {
  if (to === undefined || (to >= current && to <= latest)) return;
  const sentence =
    to > latest
      ? `This exim-pilot knows schemas up to ${latest}, not ${to}.`
      : `The database "${path}" has schema ${current}, and there is no way back to ${to}.`;
  throw new PilotError("usage", sentence, {
    hint: "`exim-pilot migrate --status` tells where it is; a backup made before takes it back.",
  });
}

function nameOf({ version, name }: Migration): string {
  return `${String(version).padStart(4, "0")}_${name}`;
}

function damagedSchema(path: string, damage: string, cause: unknown): PilotError {
  return new PilotError("corrupt", `The database "${path}" is damaged. ${damage}`, {
    hint: "Keep the file, restore a backup, and ingest the logs again: lines already there are not added twice.",
    cause,
  });
}

function assertCurrent(path: string, { current, latest, pending, viewsChanged }: MigrationStatus): void {
  if (pending.length === 0 && !viewsChanged) return;
  const what = pending.length === 0 ? "older views" : `schema ${current} and this exim-pilot works with ${latest}`;
  throw new PilotError("schema_older", `The database "${path}" has ${what}.`, {
    hint: "Run `exim-pilot migrate`; `exim-pilot migrate --dry-run` shows what that does.",
  });
}

function closingOnError<Result>(database: Database.Database, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    database.close();
    throw error;
  }
}
