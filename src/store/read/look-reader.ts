/** Looks at queues that were kept, and what they tell of messages. */
import type Database from "better-sqlite3";
import type { RetryHint } from "../../spool/hints.ts";
import { type EpochMs, epochMs } from "../../units.ts";
import { plausibleTime } from "../schema/plausible-time.ts";

/** A look at all queues of a server, or at what waited for a domain. */
export interface KeptLook {
  readonly at: EpochMs;
  /** Number of messages; null for a domain that was not among those kept by name. */
  readonly messages: number | null;
  readonly bytes: number | null;
  /** Null of a domain. */
  readonly frozen: number | null;
  readonly oldestAt: EpochMs | null;
  readonly came: number;
  readonly went: number;
  readonly isComplete: boolean;
}

type KeptLookRow = Omit<KeptLook, "at" | "oldestAt" | "isComplete"> & {
  readonly at: number;
  readonly oldestAt: number | null;
  readonly isComplete: number;
};

export interface LookFilter {
  readonly server: string;
  /** Undefined: all that waited. In lower case. */
  readonly domain: string | undefined;
  /** Undefined: all queues; empty: the default one. */
  readonly queueName: string | undefined;
  readonly since: EpochMs;
  readonly until: EpochMs;
}

export interface KeptHints {
  readonly seenAt: EpochMs;
  readonly hints: readonly RetryHint[];
}

type HintRow = Omit<RetryHint, "isExpired"> & { readonly isExpired: number; readonly seenAt: EpochMs };

export interface KeptStay {
  readonly firstSeenAt: EpochMs;
  readonly lastSeenAt: EpochMs;
  /** The first complete look that did not see it any more; null: it may still be there. */
  readonly goneAt: EpochMs | null;
}

export class LookReader {
  readonly #database: Database.Database;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  /** Names of the servers whose queue was looked at. */
  servers(): readonly string[] {
    return this.#database
      .prepare<[], string>(
        "SELECT name FROM stored_servers WHERE id IN (SELECT server_id FROM stored_snapshots) ORDER BY name",
      )
      .pluck()
      .all();
  }

  /** First and last look that a clock can have told; undefined: there is none. */
  span(server: string, now: EpochMs): { readonly first: EpochMs; readonly last: EpochMs } | undefined {
    const { fromMs, toMs } = plausibleTime(now);
    const row = this.#database
      .prepare<[string, number, number], { first: number | null; last: number | null }>(`
      SELECT min(q.at_ms) AS first, max(q.at_ms) AS last FROM stored_snapshots q JOIN stored_servers v ON v.id = q.server_id
      WHERE v.name = ? AND q.at_ms BETWEEN ? AND ?`)
      .get(server, fromMs, toMs);
    if (row === undefined || row.first === null || row.last === null) return undefined;
    return { first: epochMs(row.first), last: epochMs(row.last) };
  }

  /** Retry records that the last look at a spool kept; undefined: none. Undefined `server`: of all. */
  hints(server: string | undefined): KeptHints | undefined {
    const rows = this.#database
      .prepare<[string | null, string | null], HintRow>(`
      SELECT h.key, h.first_failed_ms AS firstFailedAt, h.last_try_ms AS lastTriedAt, h.next_try_ms AS nextTryAt, h.is_expired AS isExpired,
        h.errno, h.more_errno AS moreErrno, h.reason, h.seen_ms AS seenAt
      FROM stored_hints h JOIN stored_servers v ON v.id = h.server_id WHERE ? IS NULL OR v.name = ? ORDER BY h.key, v.name`)
      .all(server ?? null, server ?? null);
    const [first] = rows;
    if (first === undefined) return undefined;
    return {
      // The oldest of them, should there be several servers.
      seenAt: epochMs(rows.reduce<number>((oldest, { seenAt }) => Math.min(oldest, seenAt), first.seenAt)),
      hints: rows.map(({ seenAt: _, ...row }) => ({ ...row, isExpired: row.isExpired === 1 })),
    };
  }

  /** The times that a message was on a queue of the server, as looks saw it, the first one first. */
  staysOf(id: string, server: string): readonly KeptStay[] {
    return this.#database
      .prepare<[string, string], KeptStay>(`
      SELECT s.first_seen_ms AS firstSeenAt, s.last_seen_ms AS lastSeenAt, s.gone_ms AS goneAt
      FROM queue_stays s JOIN stored_servers v ON v.id = s.server_id WHERE s.exim_id = ? AND v.name = ? ORDER BY s.first_seen_ms, s.id`)
      .all(id, server);
  }

  /** Looks from `since` on and before `until`, in the order of time; those at several queues of one moment are one. */
  looks({ server, domain, queueName, since, until }: LookFilter): readonly KeptLook[] {
    const rows =
      domain === undefined
        ? this.#database
            .prepare<[string, number, number, string | null, string | null], KeptLookRow>(`
            SELECT q.at_ms AS at, sum(q.messages) AS messages, sum(q.bytes) AS bytes, sum(q.frozen) AS frozen, min(q.oldest_ms) AS oldestAt,
              sum(q.came) AS came, sum(q.went) AS went, min(q.is_complete) AS isComplete
            FROM stored_snapshots q JOIN stored_servers v ON v.id = q.server_id
            WHERE v.name = ? AND q.at_ms >= ? AND q.at_ms < ? AND (? IS NULL OR q.queue_name = ?) GROUP BY q.at_ms ORDER BY q.at_ms`)
            .all(server, since, until, queueName ?? null, queueName ?? null)
        : this.#database
            .prepare<[string, string, number, number, string | null, string | null], KeptLookRow>(`
            SELECT q.at_ms AS at,
              iif(count(d.domain) < count(*) AND max(r.domain IS NOT NULL AND d.domain IS NULL), NULL, coalesce(sum(d.messages), 0)) AS messages,
              iif(count(d.domain) < count(*) AND max(r.domain IS NOT NULL AND d.domain IS NULL), NULL, coalesce(sum(d.bytes), 0)) AS bytes,
              NULL AS frozen, min(d.oldest_ms) AS oldestAt, 0 AS came, 0 AS went, min(q.is_complete) AS isComplete
            FROM stored_snapshots q JOIN stored_servers v ON v.id = q.server_id
            LEFT JOIN snapshot_domains d ON d.snapshot_id = q.id AND d.domain = ?
            LEFT JOIN snapshot_domains r ON r.snapshot_id = q.id AND r.domain = ''
            WHERE v.name = ? AND q.at_ms >= ? AND q.at_ms < ? AND (? IS NULL OR q.queue_name = ?) GROUP BY q.at_ms ORDER BY q.at_ms`)
            .all(domain, server, since, until, queueName ?? null, queueName ?? null);
    return rows.map((row) => ({
      ...row,
      at: epochMs(row.at),
      oldestAt: row.oldestAt === null ? null : epochMs(row.oldestAt),
      isComplete: row.isComplete === 1,
    }));
  }
}
