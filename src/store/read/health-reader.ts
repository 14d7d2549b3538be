/** Reads the facts that show the health of a database; never writes. */
import { statfsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type Database from "better-sqlite3";
import { type EpochMs, epochMs, type Moment, momentMs } from "../../units.ts";
import { hasEvenRights } from "../database/companions.ts";
import { firstDamage, openForReading } from "../database/connection.ts";
import { inspectSchema, loadMigrations } from "../database/migrations.ts";
import type { StoreSettings } from "../database/settings.ts";
import { translateSqliteError } from "../database/sqlite-errors.ts";
import { MESSAGE_MS_SQL } from "../schema/moment-sql.ts";
import { type ParserAge, readParserAge } from "../schema/parser-age.ts";
import { isAhead, plausible } from "../schema/plausible-time.ts";
import { tableSizes } from "../schema/table-sizes.ts";

export interface FileHealth {
  readonly mode: number;
  /** Its group may read it, and its directory gives that group to all that is made in it: modes 0640 and 2750. */
  readonly isForGroup: boolean;
  /** The `-wal` and `-shm` that are there have mode, owner and group of the database. */
  readonly hasEvenRights: boolean;
  readonly sizeBytes: number;
  readonly freeBytes: number;
  /** `NFS`, `SMB` …; undefined for a file system of this machine. */
  readonly network: string | undefined;
}

export interface DatabaseHealth extends ParserAge {
  readonly sqlite: string;
  readonly schema: { readonly current: number; readonly latest: number; readonly isCurrent: boolean };
  readonly journalMode: string;
  readonly canShrink: boolean;
  /** The damage that SQLite reports; undefined if there is none. */
  readonly damage: string | undefined;
  /** Bytes on disk by table. */
  readonly tables: Readonly<Record<string, number>>;
  /** Texts that an ingest has not made findable yet. */
  readonly unindexedTexts: number;
  readonly newestMs: EpochMs | undefined;
  /** The farthest stamp of a line that was more than a day ahead of the clock when it was read; it does not count as the newest. */
  readonly aheadMs: EpochMs | undefined;
  readonly lastIngest: LastRun | undefined;
  readonly lastPrune: LastRun | undefined;
  readonly lastBackup: LastRun | undefined;
  readonly servers: readonly ServerHealth[];
}

export interface LastRun {
  readonly at: EpochMs;
  readonly result: string;
  readonly error: string | null;
}

export interface ServerHealth {
  readonly name: string;
  readonly timeZone: string;
  readonly lines: number;
  readonly other: number;
  readonly unparsed: number;
  readonly newestMs: EpochMs | null;
  /** Counts, over the newest {@link SAMPLE} messages, of the fields that `log_selector` adds. */
  readonly sample: LogSample;
  /** Arrivals of the {@link SAMPLE} messages that were stored last. */
  readonly arrivals: readonly ArrivalTime[];
}

export interface ArrivalTime {
  readonly messageId: string;
  /** Time of the stamp as it was read. */
  readonly atMs: EpochMs;
}

export interface LogSample {
  readonly arrivals: number;
  readonly withSubject: number;
  readonly withRecipients: number;
  /** Arrivals from another host: a message that was handed over on this machine has no port, whatever is logged. */
  readonly fromHosts: number;
  readonly withPort: number;
  readonly completed: number;
  readonly withQueueTime: number;
  /** Stamps with a part of a second. */
  readonly withMilliseconds: number;
  readonly deliveries: number;
  readonly withDeliveryTime: number;
}

/** Enough to show what a server logs at present. */
const SAMPLE = 500;

/** File systems on which SQLite's locks are unreliable, by their Linux numbers (statfs(2)). */
const NETWORK_TYPES: Readonly<Record<number, string>> = {
  26985: "NFS",
  20859: "SMB",
  4283649346: "SMB",
  4266872130: "SMB",
  16914839: "9P",
  1397113167: "AFS",
  12805120: "Ceph",
};

export function fileHealth(path: string): FileHealth {
  const directory = dirname(resolve(path));
  const { mode, gid, size } = statSync(path);
  const above = statSync(directory);
  const { type, bavail, bsize } = statfsSync(directory);
  return {
    mode: mode & 0o777,
    isForGroup: (mode & 0o777) === 0o640 && (above.mode & 0o7777) === 0o2750 && above.gid === gid,
    hasEvenRights: hasEvenRights(path),
    sizeBytes: size,
    freeBytes: bavail * bsize,
    network: NETWORK_TYPES[type],
  };
}

/** Errors: those of opening; `schema_newer`, `migration`. */
export function databaseHealth({ path, schemaDirectory, waitMs }: StoreSettings): DatabaseHealth {
  const database = openForReading(path, waitMs);
  try {
    const { current, latest, pending, viewsChanged } = inspectSchema(database, path, loadMigrations(schemaDirectory));
    const isCurrent = pending.length === 0 && !viewsChanged;
    const damage = firstDamage(database, "quick_check");
    const sizes = damage === undefined ? [...tableSizes(database)] : [];
    const general = {
      sqlite: database.prepare<[], string>("SELECT sqlite_version()").pluck().get() ?? "",
      schema: { current, latest, isCurrent },
      journalMode: database.pragma("journal_mode", { simple: true }) as string,
      canShrink: (database.pragma("auto_vacuum", { simple: true }) as number) !== 0,
      damage,
      tables: Object.fromEntries(sizes.sort(([, one], [, other]) => other - one)),
    };
    return { ...general, ...(isCurrent && damage === undefined ? readContent(database) : NO_CONTENT) };
  } catch (error) {
    throw translateSqliteError(error, path);
  } finally {
    database.close();
  }
}

type Content = Omit<DatabaseHealth, "sqlite" | "schema" | "journalMode" | "canShrink" | "damage" | "tables">;

/** Content reported for a damaged database or one of another schema, of which nothing more is read. */
const NO_CONTENT: Content = {
  parserVersions: [],
  prunedLogs: 0,
  unindexedTexts: 0,
  newestMs: undefined,
  aheadMs: undefined,
  lastIngest: undefined,
  lastPrune: undefined,
  lastBackup: undefined,
  servers: [],
};

function readContent(database: Database.Database): Content {
  const one = <Row>(sql: string, ...values: unknown[]) => database.prepare(sql).get(...values) as Row | undefined;
  const newest =
    one<{ ms: number | null }>(`SELECT max(${plausible("last_ms", "updated_ms")}) AS ms FROM stored_sources`)?.ms ??
    null;
  const ahead =
    one<{ ms: number | null }>(
      `SELECT max(last_ms) AS ms FROM stored_sources WHERE ${isAhead("last_ms", "updated_ms")}`,
    )?.ms ?? null;
  const lastOf = (action: string) =>
    one<LastRun>(
      "SELECT at_ms AS at, result, error FROM stored_audit WHERE action = ? AND result <> 'started' ORDER BY id DESC LIMIT 1",
      action,
    );
  return {
    ...readParserAge(database),
    unindexedTexts:
      one<{ count: number }>(
        `SELECT (SELECT count(*) FROM strings WHERE id > (SELECT last_id FROM text_indexes WHERE table_name = 'strings'))
              + (SELECT count(*) FROM addresses WHERE id > (SELECT last_id FROM text_indexes WHERE table_name = 'addresses')) AS count`,
      )?.count ?? 0,
    newestMs: newest === null ? undefined : epochMs(newest),
    aheadMs: ahead === null ? undefined : epochMs(ahead),
    lastIngest: one<LastRun>(
      "SELECT coalesce(finished_ms, started_ms) AS at, result, error FROM ingest_runs ORDER BY id DESC LIMIT 1",
    ),
    lastPrune: lastOf("prune"),
    lastBackup: lastOf("backup"),
    servers: database
      .prepare<[], Omit<ServerHealth, "sample" | "arrivals"> & { id: number }>(
        `SELECT v.id, v.name, v.time_zone AS timeZone, coalesce(sum(s.lines), 0) AS lines, coalesce(sum(s.other), 0) AS other,
                coalesce(sum(s.unparsed), 0) AS unparsed, max(${plausible("s.last_ms", "s.updated_ms")}) AS newestMs
         FROM stored_servers v LEFT JOIN stored_sources s ON s.server_id = v.id GROUP BY v.id ORDER BY v.name`,
      )
      .all()
      .map(({ id, ...server }) => ({
        ...server,
        sample: readSample(database, id),
        arrivals: readArrivals(database, id),
      })),
  };
}

function readSample(database: Database.Database, serverId: number): LogSample {
  return database
    .prepare(
      `WITH latest AS (
         SELECT * FROM stored_messages m INDEXED BY idx_stored_messages_at_ms WHERE server_id = ? AND arrival_at IS NOT NULL
         ORDER BY ${MESSAGE_MS_SQL} DESC, exim_id DESC LIMIT ${SAMPLE}
       ), delivered AS (
         SELECT a.duration_ms FROM latest m JOIN stored_entries e ON e.message_id = m.id JOIN address_events a ON a.entry_id = e.id
         WHERE a.outcome = (SELECT code FROM codes WHERE family = 'outcome' AND name = 'delivered') AND a.is_attempt
       )
       SELECT
         count(*) AS arrivals,
         count(subject) AS withSubject,
         count(*) FILTER (WHERE EXISTS (SELECT 1 FROM stored_recipients r WHERE r.message_id = latest.id AND r.announced)) AS withRecipients,
         count(ip_id) AS fromHosts,
         count(port) AS withPort,
         count(completed_at) AS completed,
         count(queue_ms) AS withQueueTime,
         count(*) FILTER (WHERE arrival_at / 1000 % 1000 <> 0) AS withMilliseconds,
         (SELECT count(*) FROM delivered) AS deliveries,
         (SELECT count(duration_ms) FROM delivered) AS withDeliveryTime
       FROM latest`,
    )
    .get(serverId) as LogSample;
}

/** The messages met last of a server. Errors: those of opening. */
export function latestArrivals(
  { path, waitMs }: Pick<StoreSettings, "path" | "waitMs">,
  server: string,
): ArrivalTime[] {
  const database = openForReading(path, waitMs);
  try {
    const id = database.prepare<[string], number>("SELECT id FROM stored_servers WHERE name = ?").pluck().get(server);
    return id === undefined ? [] : readArrivals(database, id);
  } finally {
    database.close();
  }
}

function readArrivals(database: Database.Database, serverId: number): ArrivalTime[] {
  return database
    .prepare<[number], { messageId: string; arrivedAt: Moment }>(
      `SELECT exim_id AS messageId, arrival_at AS arrivedAt FROM stored_messages
       WHERE server_id = ? AND arrival_at IS NOT NULL ORDER BY id DESC LIMIT ${SAMPLE}`,
    )
    .all(serverId)
    .map(({ messageId, arrivedAt }) => ({ messageId, atMs: momentMs(arrivedAt) }));
}
