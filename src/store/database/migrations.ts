/**
 * Forward-only migrations over schema/NNNN_name.sql: one `BEGIN IMMEDIATE` per file, its number in `PRAGMA user_version`,
 * its hash recorded, so that an edited file is noticed. The public views are re-created whenever views.sql has changed.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type Database from "better-sqlite3";
import { PilotError } from "../../errors.ts";
import { APPLICATION_ID, withTranslation } from "./connection.ts";
import { beginDigests } from "./table-digests.ts";

interface SchemaText {
  readonly sql: string;
  /** In hex, of `sql`. */
  readonly sha256: string;
}

interface StepName {
  readonly version: number;
  /** File name without its number and ending: `initial`. */
  readonly name: string;
}

export interface Migration extends StepName, SchemaText {}

export interface Migrations {
  readonly steps: readonly Migration[];
  readonly views: SchemaText;
}

export interface MigrationStatus {
  /** Version of the file; 0 for a new one. */
  readonly current: number;
  /** Version this program works with. */
  readonly latest: number;
  readonly pending: readonly Migration[];
  readonly viewsChanged: boolean;
  /** True for a new file, and for one whose maker stopped before it was ready: there is nothing in it. */
  readonly isNew: boolean;
}

/** SHA-256 of each file of the schema by its name, as the build states it; not declared where the program runs from its source. */
declare const SCHEMA_SUMS: Readonly<Record<string, string>> | undefined;

const VIEWS = "views.sql";
const FILE_NAME = /^(\d{4})_([a-z0-9_]+)\.sql$/;

/**
 * Returns the migrations that come with the program. Their text is read when it is asked for. Errors: then `migration`, when a file is not
 * that of the release.
 */
export function loadMigrations(directory: string): Migrations {
  const sums = typeof SCHEMA_SUMS === "undefined" ? undefined : SCHEMA_SUMS;
  const textOf = (file: string): SchemaText =>
    sums === undefined ? readText(join(directory, file)) : new ReleasedText(join(directory, file), sums[file] ?? "");
  const files = sums === undefined ? readdirSync(directory) : Object.keys(sums);
  const steps = files
    .flatMap((file) => {
      const match = FILE_NAME.exec(file);
      if (match === null) return [];
      const step: StepName = { version: Number(match[1]), name: match[2] ?? "" };
      return [Object.assign(textOf(file), step)];
    })
    .sort((left, right) => left.version - right.version);
  const twice = steps.find(({ version }, index) => steps[index + 1]?.version === version);
  if (twice !== undefined) throw new Error(`Two migrations have the number ${twice.version}.`);
  return { steps, views: textOf(VIEWS) };
}

function readText(path: string): SchemaText {
  const sql = readFileSync(path, "utf8");
  return { sql, sha256: hash(sql) };
}

/** A file of the schema as it was released. */
class ReleasedText implements SchemaText {
  readonly sha256: string;
  readonly #path: string;

  constructor(path: string, sha256: string) {
    this.#path = path;
    this.sha256 = sha256;
  }

  get sql(): string {
    const { sql, sha256 } = readText(this.#path);
    if (sha256 === this.sha256) return sql;
    throw new PilotError("migration", `The schema file "${this.#path}" was changed after the release.`, {
      hint: "Install the released package again: its schema files must be as they were.",
    });
  }
}

/**
 * Compares the schema of a file with the migrations. Reads only. Errors: `schema_newer`,
 * `not_a_database` (another program's), `migration` (a recorded migration was edited).
 */
export function inspectSchema(database: Database.Database, path: string, migrations: Migrations): MigrationStatus {
  // NOTE: one transaction, so that all of it is read of one state while another process makes the file.
  const inspect = database.transaction((): MigrationStatus => {
    const current = database.pragma("user_version", { simple: true }) as number;
    const latest = migrations.steps.at(-1)?.version ?? 0;
    assertOurs(database, path, current);
    if (current > latest) throw schemaNewer(path, current, latest);
    if (current > 0) assertUnedited(database, migrations);
    const pending = migrations.steps.filter(({ version }) => version > current);
    const views = current === 0 ? undefined : viewsHash(database);
    return { current, latest, pending, viewsChanged: views !== migrations.views.sha256, isNew: views === undefined };
  });
  return withTranslation(path, () => inspect.deferred());
}

function schemaNewer(path: string, current: number, latest: number): PilotError {
  const sentence = `The database "${path}" has schema ${current}; this exim-pilot knows schemas up to ${latest}.`;
  return new PilotError("schema_newer", sentence, {
    hint: "Use the newer exim-pilot that wrote it, or restore an older backup.",
  });
}

export interface MigrateOptions {
  readonly program: string;
  readonly now: () => number;
  /** Up to this version; undefined: to the latest. */
  readonly to?: number | undefined;
}

/**
 * Applies what is pending, each file in a transaction of its own; returns the files applied. Safe to run in several
 * processes at once: each looks again once it holds the lock. Errors: as {@link inspectSchema}, and `migration`.
 */
export function migrate(
  database: Database.Database,
  path: string,
  migrations: Migrations,
  options: MigrateOptions,
): readonly Migration[] {
  const applied: Migration[] = [];
  const { pending } = inspectSchema(database, path, migrations);
  const wanted = pendingUpTo(pending, options.to);
  for (const step of wanted) {
    // NOTE: the views come with the last step, so that a file is never seen without them; they fit the latest version only.
    const finish = step === pending.at(-1) ? () => recreateViews(database, migrations) : () => {};
    if (applyStep(database, path, step, finish, options)) applied.push(step);
  }
  if (pending.length === 0)
    withTranslation(path, () => database.transaction(() => recreateViews(database, migrations)).immediate());
  return applied;
}

/** Steps to be applied to get to a version. */
export function pendingUpTo(pending: readonly Migration[], to: number | undefined): readonly Migration[] {
  return to === undefined ? pending : pending.filter(({ version }) => version <= to);
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function assertOurs(database: Database.Database, path: string, current: number): void {
  const applicationId = database.pragma("application_id", { simple: true }) as number;
  const { tables } = database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get() as { tables: number };
  const isOurs = applicationId === APPLICATION_ID || (applicationId === 0 && current === 0 && tables === 0);
  if (isOurs) return;
  throw new PilotError("not_a_database", `The file "${path}" is a database of another program.`, {
    hint: "Give exim-pilot's own database with --db; it creates a new one where no file exists.",
  });
}

function assertUnedited(database: Database.Database, migrations: Migrations): void {
  const rows = database.prepare("SELECT version, name, sha256 FROM schema_migrations ORDER BY version").all();
  for (const row of rows as { version: number; name: string; sha256: string }[]) {
    const known = migrations.steps.find(({ version }) => version === row.version);
    if (known === undefined || known.sha256 === row.sha256) continue;
    throw new PilotError(
      "migration",
      `Migration ${row.version} (${row.name}) was changed after it was applied to this database.`,
      {
        hint:
          row.version === 1
            ? "An unreleased version made it: ingest the logs again into a new database, or use that version."
            : "Install the released package again: its schema files must be as they were.",
      },
    );
  }
}

function applyStep(
  database: Database.Database,
  path: string,
  step: Migration,
  finish: () => void,
  { program, now }: MigrateOptions,
): boolean {
  const apply = database.transaction((): boolean => {
    if ((database.pragma("user_version", { simple: true }) as number) >= step.version) return false;
    const finishDigests = beginDigests(database);
    if (step.version === 1) createHistory(database);
    database
      .prepare("INSERT INTO schema_migrations (version, name, sha256, applied_ms, program) VALUES (?, ?, ?, ?, ?)")
      .run(step.version, step.name, step.sha256, now(), program);
    database.exec(step.sql);
    const broken = database.pragma("foreign_key_check") as unknown[];
    if (broken.length > 0) throw new Error(`rows that refer to missing ones: ${broken.length}`);
    finish();
    finishDigests();
    database.pragma(`user_version = ${step.version}`);
    return true;
  });
  try {
    return withTranslation(path, () => apply.immediate());
  } catch (error) {
    if (error instanceof PilotError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new PilotError("migration", `Migration ${step.version} (${step.name}) of "${path}" failed: ${reason}.`, {
      hint: "This step changed nothing; the steps before it are kept. Keep the file and report this.",
      cause: error,
    });
  }
}

function createHistory(database: Database.Database): void {
  database.pragma(`application_id = ${APPLICATION_ID}`);
  database.exec(`
    CREATE TABLE schema_migrations (
      version    INTEGER PRIMARY KEY,
      name       TEXT    NOT NULL,
      sha256     TEXT    NOT NULL,
      applied_ms INTEGER NOT NULL, -- epoch ms
      program    TEXT    NOT NULL  -- version of exim-pilot
    ) STRICT;
    CREATE TABLE schema_views (
      sha256 TEXT NOT NULL -- of the views.sql in force
    ) STRICT;`);
}

function viewsHash(database: Database.Database): string | undefined {
  return (database.prepare("SELECT sha256 FROM schema_views").get() as { sha256: string } | undefined)?.sha256;
}

/** Makes our views again; others that a user made in the file stay. */
function recreateViews(database: Database.Database, { views }: Migrations): void {
  if (viewsHash(database) === views.sha256) return;
  for (const [, name] of views.sql.matchAll(/^CREATE VIEW (\w+)/gm)) database.exec(`DROP VIEW IF EXISTS "${name}"`);
  database.exec(views.sql);
  database.exec("DELETE FROM schema_views");
  database.prepare("INSERT INTO schema_views (sha256) VALUES (?)").run(views.sha256);
}
