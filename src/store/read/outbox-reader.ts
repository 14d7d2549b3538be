/** Questions about notifications, and about what the logs say of those that were sent as mail. */
import type Database from "better-sqlite3";
import { type Kysely, sql } from "kysely";
import type { MessageStatus } from "../../message/statuses.ts";
import type { EpochMs } from "../../units.ts";
import { LINES_PER_BLOCK } from "../log-text/blocks.ts";
import { textKey } from "../log-text/postings.ts";
import { type Notification, type NotificationStatus, type OutboxRow, toNotification } from "../outbox/notification.ts";
import type { ChannelStatesTable, Schema } from "../schema/tables.ts";
import { findBlocks } from "../search/matching-blocks.ts";

export interface OutboxTotals {
  readonly enqueued: number;
  readonly byStatus: Readonly<Record<NotificationStatus, number>>;
  /** Mean milliseconds from enqueueing to confirmation; null: none was confirmed. */
  readonly meanMs: number | null;
  /** Confirmed by our log, and by a reply because no log showed the delivery. */
  readonly confirmedByLog: number;
  readonly confirmedUnseen: number;
  readonly retries: number;
}

export interface TierTotals {
  readonly channel: string;
  /** 1 is the first. */
  readonly tier: number;
  readonly confirmed: number;
  readonly failed: number;
  readonly meanMs: number | null;
}

export class OutboxReader {
  readonly #database: Database.Database;
  readonly #tables: Kysely<Schema>;

  constructor(database: Database.Database, tables: Kysely<Schema>) {
    this.#database = database;
    this.#tables = tables;
  }

  /** The newest notifications of a status, the newest first. Undefined `status`: of any. */
  list(status: NotificationStatus | undefined, limit: number): readonly Notification[] {
    return this.#database
      .prepare<[string | null, string | null, number], OutboxRow>(
        "SELECT * FROM stored_outbox WHERE ? IS NULL OR status = ? ORDER BY number DESC LIMIT ?",
      )
      .all(status ?? null, status ?? null, limit)
      .map(toNotification);
  }

  find(number: number): Notification | undefined {
    const row = this.#database.prepare<[number], OutboxRow>("SELECT * FROM stored_outbox WHERE number = ?").get(number);
    return row === undefined ? undefined : toNotification(row);
  }

  /** The largest number; undefined: there is no notification. */
  newestNumber(): number | undefined {
    return (
      this.#database.prepare<[], number | null>("SELECT max(number) FROM stored_outbox").pluck().get() ?? undefined
    );
  }

  /** Numbers of the notifications that a digest stands for, or of the digest that one is part of. */
  neighboursOf({ id, digestId }: Pick<Notification, "id" | "digestId">): readonly number[] {
    return this.#database
      .prepare<[string, string | null], number>(
        "SELECT number FROM stored_outbox WHERE digest_id = ? OR id = ? ORDER BY number",
      )
      .pluck()
      .all(id, digestId);
  }

  /** Counts; a digest is not counted beside what is in it. */
  totals(): OutboxTotals {
    const rows = this.#database
      .prepare<[], { status: NotificationStatus; count: number }>(
        "SELECT status, count(*) AS count FROM stored_outbox WHERE reason <> 'digest' GROUP BY status",
      )
      .all();
    const count = (wanted: NotificationStatus): number => rows.find(({ status }) => status === wanted)?.count ?? 0;
    const more = this.#database
      .prepare<[], { mean: number | null; log: number; unseen: number; retries: number }>(
        `SELECT avg(confirmed_ms - created_ms) AS mean, count(*) FILTER (WHERE confirmed_by = 'log') AS log,
                count(*) FILTER (WHERE confirmed_by = 'fallback') AS unseen, coalesce(sum(retry_count), 0) AS retries
         FROM stored_outbox WHERE reason <> 'digest'`,
      )
      .get();
    return {
      enqueued: rows.reduce((sum, row) => sum + row.count, 0),
      byStatus: {
        pending: count("pending"),
        sent: count("sent"),
        confirmed: count("confirmed"),
        failed: count("failed"),
        cancelled: count("cancelled"),
      },
      meanMs: more?.mean ?? null,
      confirmedByLog: more?.log ?? 0,
      confirmedUnseen: more?.unseen ?? 0,
      retries: more?.retries ?? 0,
    };
  }

  /** Notifications by the channel and the tier that they ended in. */
  tiers(): readonly TierTotals[] {
    return this.#database
      .prepare<[], TierTotals>(
        `SELECT channel, tier + 1 AS tier, count(*) FILTER (WHERE status = 'confirmed') AS confirmed,
                count(*) FILTER (WHERE status = 'failed') AS failed, avg(confirmed_ms - created_ms) AS meanMs
         FROM stored_outbox WHERE reason <> 'digest' AND channel IS NOT NULL AND status IN ('confirmed', 'failed')
         GROUP BY channel, tier ORDER BY tier, channel`,
      )
      .all();
  }

  channels(): readonly ChannelStatesTable[] {
    return this.#database.prepare<[], ChannelStatesTable>("SELECT * FROM channel_states ORDER BY channel").all();
  }

  /** When the next notification is due; undefined: none waits. */
  nextTryMs(): EpochMs | undefined {
    return (
      this.#database
        .prepare<[], EpochMs | null>("SELECT min(next_try_ms) FROM stored_outbox WHERE status = 'pending'")
        .pluck()
        .get() ?? undefined
    );
  }

  /** When a run of ingest last ended. */
  lastIngestMs(): EpochMs | undefined {
    return (
      this.#database.prepare<[], EpochMs | null>("SELECT max(finished_ms) FROM ingest_runs").pluck().get() ?? undefined
    );
  }

  /** Statuses of the messages with a Message-ID, given without < and >: one on each server that saw it. */
  async statusesOf(messageId: string): Promise<readonly MessageStatus[]> {
    const blocks = await findBlocks(this.#tables, { kind: "message_id", keys: [textKey(messageId)] });
    const { rows } = await sql<{ readonly status: MessageStatus }>`
      SELECT DISTINCT m.id, c.name AS status
      FROM json_each(${JSON.stringify(blocks.map((block) => block.id))}) b
      CROSS JOIN stored_entries e ON e.id >= b.value * ${LINES_PER_BLOCK} AND e.id < (b.value + 1) * ${LINES_PER_BLOCK}
      JOIN stored_messages m ON m.id = e.message_id
      JOIN codes c ON c.family = 'message_status' AND c.code = m.status
      WHERE m.header_message_id = ${messageId}
    `.execute(this.#tables);
    return rows.map(({ status }) => status);
  }
}
