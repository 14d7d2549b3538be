/**
 * A second database beside the first, in which the stored logs are read again: to be compared with the first, or to take its place.
 *
 * It takes its place in one transaction of the first. Readers and writers go on with either all of the old or all of the new
 * content. A kill at any instant leaves one of them. A file put in the place of the other could not promise that: there are two
 * more beside each, and a process that has opened the old one would write on in it.
 */
import { rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type Database from "better-sqlite3";
import { PilotError } from "../errors.ts";
import { MIB } from "../units.ts";
import { retryWhileBusy } from "./database/busy.ts";
import { closeWriter } from "./database/companions.ts";
import { openForReading, openForWriting, withTranslation } from "./database/connection.ts";
import type { StoreSettings } from "./database/settings.ts";
import { fileName } from "./files/file-name.ts";
import { freeBytesAt } from "./files/free-space.ts";
import { isLeft, MARK, namesIn, type Processes } from "./files/remains.ts";
import { type Exclusions, findExclusions } from "./integrity/pruned-exclusions.ts";
import { DERIVED_TABLES, ORIGINS } from "./schema/table-origins.ts";
import { openWriter } from "./store.ts";
import type { Writer } from "./write/writer.ts";

/** Rows of one view that only one of the two databases has. */
export interface CopyDifference {
  readonly view: string;
  /** `stored`: only the database has it. `derived`: only its lines say it. */
  readonly side: "stored" | "derived";
  readonly rows: number;
  /** Some of them, as JSON. */
  readonly samples: readonly string[];
}

export interface CopyComparison {
  readonly differences: readonly CopyDifference[];
  /** Entries and messages that could not be compared. */
  readonly exclusions: Exclusions;
}

const MOST_SAMPLES = 3;

export interface CopyOptions {
  /** The mark distinguishes its copy from those of other processes. */
  readonly processes: Processes;
  /** Purpose of the copy, which decides the space that must be free. */
  readonly purpose: "compare" | "replace";
}

export class WorkingCopy {
  readonly writer: Writer;
  readonly #settings: StoreSettings;
  readonly #path: string;
  readonly #purpose: CopyOptions["purpose"];

  /** Makes it, empty; removes what killed processes have left. Errors: `disk_full`, and as {@link openWriter}. */
  constructor(settings: StoreSettings, { processes, purpose }: CopyOptions) {
    this.#settings = settings;
    this.#path = copyPath(settings.path, processes.mark);
    this.#purpose = purpose;
    removeLeftCopies(settings, processes);
    assertRoom(settings.path, purpose);
    try {
      this.writer = openWriter({ ...settings, path: this.#path });
    } catch (error) {
      removeDatabase(this.#path);
      throw error;
    }
  }

  /**
   * Makes the servers and the logs known that the database knows: their names, not their text. Errors: `check_failed` when text
   * is gone that is needed, `busy` when some has gone since the last time.
   */
  adoptSources(): void {
    const database = openForWriting(this.#path, this.#settings.waitMs);
    withClosed(database, this.#settings.path, () => {
      attach(database, this.#settings.path);
      const count = (sql: string): number => database.prepare<[], number>(sql).pluck().get() ?? 0;
      if (this.#purpose === "replace")
        assertWhole(count("SELECT count(*) FROM other.stored_sources WHERE pruned > 0"), this.#settings.path);
      database.exec(`
        BEGIN;
        INSERT OR REPLACE INTO main.stored_servers (id, name, time_zone, environment, owner, owner_user_id, version, version_at, created_ms)
          SELECT o.id, o.name, coalesce(c.time_zone, o.time_zone), o.environment, o.owner, o.owner_user_id, c.version, c.version_at, o.created_ms
          FROM other.stored_servers o LEFT JOIN main.stored_servers c ON c.id = o.id;
        INSERT OR IGNORE INTO main.stored_sources
          (id, server_id, log_type, path, head, tail, position, pruned, pruned_ms, pruned_clock_ms, lines, entries, other, unparsed,
           created_ms, updated_ms)
          SELECT id, server_id, log_type, path, x'', x'', pruned, pruned, pruned_ms, pruned_clock_ms, 0, 0, 0, 0, created_ms, updated_ms
          FROM other.stored_sources;
        DELETE FROM main.stored_tags;
        INSERT INTO main.stored_tags SELECT * FROM other.stored_tags;
        UPDATE main.stored_sources AS c SET path = o.path FROM other.stored_sources AS o WHERE o.id = c.id;
        COMMIT;`);
      const lost = count(
        "SELECT count(*) FROM main.stored_sources c JOIN other.stored_sources o ON o.id = c.id WHERE o.pruned <> c.pruned",
      );
      if (lost > 0) {
        throw new PilotError("busy", "Text of the database was pruned meanwhile.", {
          hint: "Nothing was changed. Run the command again.",
        });
      }
    });
  }

  /** Differences in the public views; undefined if the database changed meanwhile. `onView` is called before each view. */
  compare(onView: (view: string) => void): CopyComparison | undefined {
    const { path, waitMs } = this.#settings;
    const database = openForReading(path, waitMs);
    return withClosed(database, path, () => {
      attach(database, this.#path);
      database.exec("BEGIN");
      if (!isCaughtUp(database) || !hasSameSettings(database)) return undefined;
      const exclusions = findExclusions(database);
      const differences = RELATIONS.flatMap((relation) => {
        onView(relation.view);
        return differencesIn(database, relation);
      });
      return { differences, exclusions };
    });
  }

  /** Puts the content of the copy in the place of the database's, all at once; false when the database has gone on since. */
  takePlace(): boolean {
    const { path, waitMs } = this.#settings;
    const database = openForWriting(path, waitMs);
    return withClosed(database, path, () => {
      // NOTE: all of it is replaced at once, so that nothing refers to what is missing in the end; row by row it would.
      database.pragma("foreign_keys = OFF");
      attach(database, this.#path);
      const timeoutMs = database.pragma("busy_timeout", { simple: true }) as number;
      retryWhileBusy(waitMs, timeoutMs, () => database.exec("BEGIN IMMEDIATE"), path);
      if (!isCaughtUp(database)) {
        database.exec("ROLLBACK");
        return false;
      }
      keepTimesOfReading(database);
      for (const table of DERIVED_TABLES) {
        database.exec(`DELETE FROM main.${table}`);
        database.exec(`INSERT INTO main.${table} SELECT * FROM other.${table}`);
      }
      takeFigures(database);
      assertReferences(database, path);
      database.exec("COMMIT");
      // NOTE: the log of the transaction is as large as the database; a reader may still need it, and then the next writer empties it.
      database.pragma("main.wal_checkpoint(TRUNCATE)");
      database.exec("DETACH other");
      closeWriter(database, path);
      return true;
    });
  }

  /** Removes it. */
  close(): void {
    this.writer.close();
    removeDatabase(this.#path);
  }
}

/** A text was read when it was first stored, not when it was read again: by the block of the database that holds its beginning. */
function keepTimesOfReading(database: Database.Database): void {
  database.exec(`
    UPDATE other.raw_blocks AS c SET read_ms = coalesce(
      (SELECT b.read_ms FROM main.raw_blocks b WHERE b.source_id = c.source_id AND b.position <= c.position
       ORDER BY b.position DESC LIMIT 1), c.read_ms)`);
}

function takeFigures(database: Database.Database): void {
  database.exec(`
    UPDATE main.stored_servers AS s SET version = c.version, version_at = c.version_at
      FROM other.stored_servers AS c WHERE c.id = s.id;
    UPDATE main.stored_sources AS s
      SET head = c.head, tail = c.tail, lines = c.lines, entries = c.entries, other = c.other, unparsed = c.unparsed,
        first_ms = c.first_ms, last_ms = c.last_ms
      FROM other.stored_sources AS c WHERE c.id = s.id;`);
}

/** True when all lines of the one database are in the other, read in the same time zones. */
function isCaughtUp(database: Database.Database): boolean {
  const { changed } = database
    .prepare(
      `SELECT (SELECT count(*) FROM (SELECT id, server_id, position, pruned FROM main.stored_sources
                 EXCEPT SELECT id, server_id, position, pruned FROM other.stored_sources))
            + (SELECT count(*) FROM (SELECT id FROM other.stored_sources EXCEPT SELECT id FROM main.stored_sources))
            + (SELECT count(*) FROM (SELECT id, time_zone FROM main.stored_servers
                 EXCEPT SELECT id, time_zone FROM other.stored_servers)) AS changed`,
    )
    .get() as { changed: number };
  return changed === 0;
}

/**
 * Queries for what people set and the comparison shows: rows that do not come from lines and may change at any time. Tags are
 * equal to SQL when only their case differs.
 */
const SETTINGS = [
  "SELECT CAST(tag AS BLOB), server_id, exim_id, created_ms FROM SCHEMA.stored_tags",
  "SELECT id, name, environment, owner, owner_user_id FROM SCHEMA.stored_servers",
  "SELECT id, path FROM SCHEMA.stored_sources",
];

/** True when what people have set is in the one database as in the other. */
function hasSameSettings(database: Database.Database): boolean {
  return SETTINGS.every((rows) => {
    const [main, other] = ["main", "other"].map((schema) => rows.replace("SCHEMA", schema));
    const differs = `SELECT EXISTS (${main} EXCEPT ${other}) OR EXISTS (${other} EXCEPT ${main})`;
    return database.prepare<[], number>(differs).pluck().get() === 0;
  });
}

/** Checks the references, which nothing checked while the content was replaced. Errors: `corrupt`. */
function assertReferences(database: Database.Database, path: string): void {
  const tables = Object.keys(ORIGINS).filter(
    (table) => (database.pragma(`main.foreign_key_check(${table})`) as unknown[]).length > 0,
  );
  if (tables.length === 0) return;
  throw new PilotError("corrupt", `Rows of ${tables.join(", ")} in "${path}" would refer to missing ones.`, {
    hint: "Nothing was changed. Restore a backup, and ingest the logs again: lines already there are not added twice.",
  });
}

type SchemaName = "main" | "other";

interface Relation {
  readonly view: string;
  /** A SELECT of what does not depend on the order in which logs were read, nor on text that is gone (see {@link findExclusions}). */
  readonly rows: (database: Database.Database, schema: SchemaName) => string;
}

const OF_WHOLE_SERVER = (column: string) => (schema: SchemaName) =>
  `${column} NOT IN (SELECT v.name FROM ${schema}.stored_servers v JOIN ${schema}.stored_sources s ON s.server_id = v.id WHERE s.pruned > 0)`;
const OF_MESSAGE = (column: string) => () =>
  `(${column}, server) NOT IN (SELECT exim_id, server FROM temp.excluded_messages)`;
const OF_ENTRY = (column: string) => (schema: SchemaName) =>
  `${column} NOT IN (SELECT id FROM temp.excluded_entries WHERE schema = '${schema}')`;

/** A rebuild keeps what the database says of it. */
const OF_THE_READING = ["created_at", "updated_at", "first_timestamp", "last_timestamp"];

const RELATIONS: readonly Relation[] = [
  { view: "servers", rows: columnsBut("servers", OF_WHOLE_SERVER("name"), "first_seen", "last_seen") },
  { view: "sources", rows: columnsBut("sources", () => "pruned = 0", ...OF_THE_READING) },
  {
    // Times as stamped: the views correct a stamp ahead of the clock by the time of reading.
    view: "the times of sources",
    rows: (_database, schema) => `SELECT id, first_ms, last_ms FROM ${schema}.stored_sources WHERE pruned = 0`,
  },
  { view: "messages", rows: columnsBut("messages", OF_MESSAGE("id"), "created_at") },
  { view: "recipients", rows: columnsBut("recipients", OF_MESSAGE("message_id"), "created_at") },
  { view: "delivery_attempts", rows: columnsBut("delivery_attempts", OF_ENTRY("id"), "id", "created_at") },
  { view: "rejections", rows: columnsBut("rejections", OF_ENTRY("id"), "id", "created_at") },
  { view: "log_entries", rows: columnsBut("log_entries", OF_ENTRY("id"), "id", "created_at") },
  {
    view: "log_metadata",
    rows: (_database, schema) => `
      SELECT e.timestamp, e.server, e.message_id, e.event, d.metadata_type, d.metadata_value
      FROM ${schema}.log_metadata d JOIN ${schema}.log_entries e ON e.id = d.log_entry_id
      WHERE ${OF_ENTRY("e.id")(schema)}`,
  },
  {
    view: "log_headers",
    rows: (_database, schema) => `
      SELECT e.timestamp, e.server, e.message_id, h.place, h.type, h.name, h.value, h.deleted, h.cut
      FROM ${schema}.log_headers h JOIN ${schema}.log_entries e ON e.id = h.log_entry_id
      WHERE ${OF_ENTRY("e.id")(schema)}`,
  },
  {
    // Places of an entry in each log that shows it; the order of reading decides which of them it is stored with.
    view: "the places of log_entries",
    rows: (_database, schema) => `
      SELECT b.source_id, b.first_line + p.location % 65536 AS line, e.at, e.event
      FROM (SELECT id AS location, id AS entry_id FROM ${schema}.stored_entries
            UNION ALL SELECT location, entry_id FROM ${schema}.duplicate_locations) p
      JOIN ${schema}.stored_entries e ON e.id = p.entry_id
      JOIN (SELECT id, source_id, sum(lines) OVER (PARTITION BY source_id ORDER BY position) - lines AS first_line
            FROM ${schema}.raw_blocks) b ON b.id = p.location / 65536
      WHERE ${OF_ENTRY("e.id")(schema)}`,
  },
];

function columnsBut(
  view: string,
  condition: (schema: SchemaName) => string,
  ...left: readonly string[]
): Relation["rows"] {
  return (database, schema) => {
    const columns = database
      .prepare<[string, string], { name: string }>("SELECT name FROM pragma_table_info(?, ?)")
      .all(view, schema)
      .flatMap(({ name }) => (left.includes(name) ? [] : [name]));
    return `SELECT ${columns.join(", ")} FROM ${schema}.${view} WHERE ${condition(schema)}`;
  };
}

/** The rows that are in one of the two more often than in the other. */
function differencesIn(database: Database.Database, { view, rows }: Relation): readonly CopyDifference[] {
  const [stored, derived] = [rows(database, "main"), rows(database, "other")];
  const columns = database
    .prepare(stored)
    .columns()
    .map(({ name }) => name)
    .join(", ");
  // NOTE: both are sorted together, by SQLite's sorter, which takes to files what is too much for memory.
  const statement = database.prepare<[], Record<string, unknown> & { surplus: number }>(
    `SELECT ${columns}, sum(side) AS surplus
     FROM (SELECT *, 1 AS side FROM (${stored}) UNION ALL SELECT *, -1 AS side FROM (${derived}))
     GROUP BY ${columns} HAVING surplus <> 0`,
  );
  const counts = { stored: 0, derived: 0 };
  const samples: Record<CopyDifference["side"], string[]> = { stored: [], derived: [] };
  for (const { surplus, ...row } of statement.iterate()) {
    const side = surplus > 0 ? "stored" : "derived";
    counts[side] += Math.abs(surplus);
    if (samples[side].length < MOST_SAMPLES) samples[side].push(JSON.stringify(row));
  }
  return (["stored", "derived"] as const).flatMap((side) =>
    counts[side] === 0 ? [] : [{ view, side, rows: counts[side], samples: samples[side] }],
  );
}

function attach(database: Database.Database, path: string): void {
  database.prepare("ATTACH ? AS other").run(fileName(path));
}

function withClosed<Result>(database: Database.Database, path: string, action: () => Result): Result {
  try {
    return withTranslation(path, action);
  } finally {
    database.close();
  }
}

function copyPath(path: string, mark: string): string {
  return `${path}.copy-${mark}`;
}

/** Removes the copies of processes that have ended; a file that only looks like one is somebody's own. */
function removeLeftCopies({ path, now }: StoreSettings, processes: Processes): void {
  const prefix = `${basename(path)}.copy-`;
  const form = new RegExp(`^(${MARK})(?:-wal|-shm|-journal)?$`);
  const folder = dirname(path);
  for (const name of namesIn(folder)) {
    const mark = name.startsWith(prefix) ? form.exec(name.slice(prefix.length))?.[1] : undefined;
    const file = join(folder, name);
    if (mark !== undefined && isLeft(file, mark, processes, now())) rmSync(file, { force: true });
  }
}

function removeDatabase(path: string): void {
  for (const ending of ["", "-wal", "-shm", "-journal"]) rmSync(path + ending, { force: true });
}

/** Errors: `check_failed` when text of so many logs has been pruned: what it said could not be derived again. */
export function assertWhole(prunedLogs: number, path: string): void {
  if (prunedLogs === 0) return;
  throw new PilotError(
    "check_failed",
    `Text of ${prunedLogs === 1 ? "1 log" : `${prunedLogs} logs`} in "${path}" has been pruned: what it said could not be derived again.`,
    {
      hint: "Nothing was changed. To derive everything again, ingest the files of `prune --archive` and the logs into a new database.",
    },
  );
}

export interface Room {
  readonly neededBytes: number;
  readonly freeBytes: number;
}

/** Space for a copy: the size of the database, and the same again to replace it, for the log of the transaction. */
export function roomFor(path: string, purpose: CopyOptions["purpose"]): Room {
  const files = [path, `${path}-wal`].map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  const size = files.reduce((sum, bytes) => sum + bytes, 0);
  return { neededBytes: purpose === "compare" ? size : 2 * size, freeBytes: freeBytesAt(dirname(path)) };
}

function assertRoom(path: string, purpose: CopyOptions["purpose"]): void {
  const { neededBytes, freeBytes } = roomFor(path, purpose);
  if (freeBytes >= neededBytes) return;
  const [needed, free] = [neededBytes, freeBytes].map((bytes) => Math.ceil(bytes / MIB));
  throw new PilotError(
    "disk_full",
    `Beside "${path}" ${needed} MiB are needed for a while, and ${free} MiB are free.`,
    {
      hint: "Free some space and run the command again; nothing was changed.",
    },
  );
}

/** A run that reads all the time is waited for so often. */
const MOST_ATTEMPTS = 20;

/**
 * Brings the copy up to the database by `replay` and then runs `action`, again and again until that finds that nothing has been
 * added meanwhile. `isStopped`: asked after each replay. Errors: `busy`, those of both.
 */
export async function untilCaughtUp<Result>(
  copy: WorkingCopy,
  replay: () => Promise<void>,
  isStopped: () => boolean,
  action: () => Result | undefined,
): Promise<Result | undefined> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    copy.adoptSources();
    await replay();
    if (isStopped()) return undefined;
    const result = action();
    if (result !== undefined) return result;
  }
  throw new PilotError("busy", "The database is written to all the time.", {
    hint: "Try again when the other run of exim-pilot has ended.",
  });
}
