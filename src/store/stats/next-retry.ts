import type Database from "better-sqlite3";
import type { EpochMs } from "../../units.ts";

export interface NextRetry {
  /** The first of the times before which Exim does not try again, that had not passed when they were read. */
  readonly at: EpochMs;
  readonly seenAt: EpochMs;
}

/** Finds the next retry in records that snapshots after `since` kept; undefined: there are none. No `servers`: of any. */
export function findNextRetry(
  database: Database.Database,
  servers: readonly string[] | undefined,
  since: EpochMs,
): NextRetry | undefined {
  const names = servers === undefined || servers.length === 0 ? null : JSON.stringify(servers);
  return database
    .prepare<[EpochMs, string | null, string | null], NextRetry>(`
    SELECT h.next_try_ms AS at, h.seen_ms AS seenAt FROM stored_hints h JOIN stored_servers v ON v.id = h.server_id
    WHERE h.seen_ms >= ? AND h.next_try_ms >= h.seen_ms AND (? IS NULL OR v.name IN (SELECT value FROM json_each(?)))
    ORDER BY h.next_try_ms LIMIT 1`)
    .get(since, names, names);
}
