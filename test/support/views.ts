/** The content of a database as its users see it, without the keys that depend on the order of reading. */

import { brotliDecompressSync } from "node:zlib";
import Database from "better-sqlite3";

const VIEWS: Readonly<Record<string, string>> = {
  servers: "SELECT * FROM servers",
  messages: "SELECT * FROM messages",
  recipients: "SELECT * FROM recipients",
  delivery_attempts: `SELECT message_id, server, recipient, timestamp, router, transport, host, ip_address, port, tls, status, smtp_code, enhanced_code,
            phase, error_message, confirmation, duration_seconds, final_address, queue_seconds FROM delivery_attempts`,
  rejections:
    "SELECT timestamp, server, message_id, phase, permanent, host, helo, ip_address, sender, recipient, auth, category, reason FROM rejections",
  log_entries:
    "SELECT timestamp, server, message_id, log_type, event, host, sender, recipients, size, status, error_code, error_text, seen_in FROM log_entries",
};

/** The rows of every public view but `sources`, each as JSON, sorted. */
export function dumpViews(path: string): Record<string, string[]> {
  const database = new Database(path, { readonly: true });
  try {
    return Object.fromEntries(
      Object.entries(VIEWS).map(([view, sql]) => [
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
  readonly path: string;
  readonly logType: string;
  readonly lines: number;
  readonly unparsed: number;
  readonly bytes: Buffer;
}

/** What can be given back of every source. */
export function readSources(path: string): StoredSource[] {
  const database = new Database(path, { readonly: true });
  try {
    const sources = database
      .prepare("SELECT id, path, log_type AS logType, lines, unparsed FROM sources ORDER BY id")
      .all() as (Omit<StoredSource, "bytes"> & { id: number })[];
    const blocks = database.prepare("SELECT data FROM raw_blocks WHERE source_id = ? ORDER BY position");
    return sources.map(({ id, ...source }) => ({
      ...source,
      bytes: Buffer.concat((blocks.all(id) as { data: Buffer }[]).map(({ data }) => brotliDecompressSync(data))),
    }));
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
