/** The content of a database as its users see it, without the keys that depend on the order of reading. */

import { brotliDecompressSync } from "node:zlib";
import Database from "better-sqlite3";

/** Views about the logs, each with the columns that depend on the order of reading. */
const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  servers: ["id", "created_at"],
  messages: ["created_at"],
  recipients: ["id", "created_at"],
  delivery_attempts: ["id", "created_at"],
  rejections: ["id", "created_at"],
  log_entries: ["id", "created_at"],
};
/** Views whose rows have a name only by the entry that they are about. */
const JOINED: Readonly<Record<string, string>> = {
  log_metadata: `SELECT e.timestamp, e.server, e.message_id, e.event, d.metadata_type, d.metadata_value
     FROM log_metadata d JOIN log_entries e ON e.id = d.log_entry_id`,
  log_headers: `SELECT e.timestamp, e.server, e.message_id, h.type, h.name, h.value, h.deleted, h.cut, h.place
     FROM log_headers h JOIN log_entries e ON e.id = h.log_entry_id`,
};

function selectOf(database: Database.Database, view: string, leftOut: readonly string[]): string {
  const columns = database.prepare<[string], string>("SELECT name FROM pragma_table_info(?)").pluck().all(view);
  return `SELECT ${columns.filter((name) => !leftOut.includes(name)).join(", ")} FROM ${view}`;
}

/** The rows of every public view but `sources`, each as JSON, sorted. */
export function dumpViews(path: string): Record<string, string[]> {
  const database = new Database(path, { readonly: true });
  try {
    const selects = Object.entries(LEFT_OUT).map(([view, names]) => [view, selectOf(database, view, names)] as const);
    return Object.fromEntries(
      [...selects, ...Object.entries(JOINED)].map(([view, sql]) => [
        view,
        database
          .prepare(sql)
          .all()
          .map((row) => JSON.stringify(row))
          .sort(),
      ]),
    );
  } finally {
    database.close();
  }
}

export interface StoredSource {
  readonly server: string;
  readonly path: string;
  readonly logType: string;
  readonly lines: number;
  readonly unparsed: number;
  readonly bytes: Buffer;
}

/** Text that can be given back of every source, at one instant. */
export function readSources(path: string): StoredSource[] {
  const database = new Database(path, { readonly: true });
  const read = database.transaction(() => {
    const sources = database
      .prepare("SELECT id, server, path, log_type AS logType, lines, unparsed FROM sources ORDER BY id")
      .all() as (Omit<StoredSource, "bytes"> & { id: number })[];
    const blocks = database.prepare("SELECT data FROM raw_blocks WHERE source_id = ? ORDER BY position");
    return sources.map(({ id, ...source }) => ({
      ...source,
      bytes: Buffer.concat((blocks.all(id) as { data: Buffer }[]).map(({ data }) => brotliDecompressSync(data))),
    }));
  });
  try {
    return read();
  } finally {
    database.close();
  }
}

export function queryAll<Row>(path: string, sql: string, ...values: unknown[]): Row[] {
  const database = new Database(path, { readonly: true });
  try {
    return database.prepare(sql).all(...values) as Row[];
  } finally {
    database.close();
  }
}

/**
 * The same by server, without its name: what logs give must not depend on the server that wrote them, nor on the others in
 * the database.
 */
export function dumpViewsByServer(path: string): Map<string, Record<string, string[]>> {
  const dumps = new Map<string, Record<string, string[]>>();
  for (const [view, rows] of Object.entries(dumpViews(path))) {
    for (const json of rows) {
      const { server, name, ...row } = JSON.parse(json) as { server?: string; name?: string };
      const key = server ?? name ?? "";
      const dump = dumps.get(key) ?? {};
      dumps.set(key, dump);
      dump[view] ??= [];
      dump[view].push(JSON.stringify(row));
    }
  }
  // NOTE: the rows were sorted with the name in them.
  for (const dump of dumps.values()) for (const rows of Object.values(dump)) rows.sort();
  return dumps;
}

/** Facts about every source but the time of reading, each as JSON, sorted. `without` names columns that may differ. */
export function dumpSources(path: string, without: readonly string[] = []): string[] {
  const columns = [
    "server",
    "path",
    "log_type",
    "size",
    "position",
    "lines",
    "other",
    "unparsed",
    "first_timestamp",
    "last_timestamp",
  ];
  const compared = columns.filter((column) => !without.includes(column));
  return queryAll(path, `SELECT ${compared.join(", ")} FROM sources`)
    .map((row) => JSON.stringify(row))
    .sort();
}

/** Rows that only one of two dumps has; empty if they are equal. Easier to read than the dumps. */
export function differences(actual: Record<string, string[]>, expected: Record<string, string[]>): string[] {
  return Object.keys({ ...expected, ...actual }).flatMap((view) => [
    ...surplus(actual[view] ?? [], expected[view] ?? []).map((row) => `has ${view} ${row}`),
    ...surplus(expected[view] ?? [], actual[view] ?? []).map((row) => `lacks ${view} ${row}`),
  ]);
}

/** The rows that are in `one` more often than in `other`. */
function surplus(one: readonly string[], other: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const row of other) counts.set(row, (counts.get(row) ?? 0) + 1);
  return one.filter((row) => {
    const left = counts.get(row) ?? 0;
    counts.set(row, left - 1);
    return left <= 0;
  });
}
