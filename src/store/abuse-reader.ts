/** Who sends, and who tries to: accounts, local users, clients whose logins failed. */
import { type Kysely, sql } from "kysely";
import { MESSAGE_AT } from "./conditions.ts";
import type { RawTextReader } from "./raw-text.ts";
import type { Schema } from "./tables.ts";

/** Epoch ms; the end does not belong to it. */
export interface Period {
  readonly sinceMs: number;
  readonly untilMs: number;
}

export interface SenderRow {
  /** Login or local user. */
  readonly name: string;
  readonly messages: number;
  readonly recipients: number;
  readonly bounced: number;
  readonly senders: number;
  readonly ips: number;
  readonly first_ms: number;
  readonly last_ms: number;
}

export interface FailureRow {
  readonly ip: string | null;
  readonly failures: number;
  /** JSON array of accounts that were tried, as far as they are logged. */
  readonly accounts: string;
  readonly first_ms: number;
  readonly last_ms: number;
  /** JSON array of accounts that logged in from there after the first failure. */
  readonly successes: string;
}

export interface InvocationRow {
  readonly id: number;
  readonly server_id: number;
  readonly ms: number;
  /** Its lines, read as latin1; undefined when their text has been pruned. */
  readonly bytes: string | undefined;
}

export interface LocalMessageRow {
  /** stored_messages.id. */
  readonly key: number;
  readonly id: string;
  readonly server_id: number;
  readonly ms: number;
  readonly sender: string | null;
  readonly ident: string | null;
  readonly recipients: number;
  /** Of its arrival. */
  readonly bytes: string | undefined;
}

type SenderColumn = "auth_id" | "ident_id";

/** Invocations read at once. */
const PAGE = 2000;

export class AbuseReader {
  readonly #database: Kysely<Schema>;
  readonly #rawText: RawTextReader;

  constructor(database: Kysely<Schema>, rawText: RawTextReader) {
    this.#database = database;
    this.#rawText = rawText;
  }

  /** The accounts that sent most. */
  logins(period: Period, limit: number): Promise<readonly SenderRow[]> {
    return this.#senders("auth_id", sql`m.auth_id IS NOT NULL`, period, limit);
  }

  /** The local users that sent most; what Exim made itself is left out. */
  localUsers(period: Period, limit: number): Promise<readonly SenderRow[]> {
    const isLocal = sql`m.ident_id IS NOT NULL AND m.ip_id IS NULL AND m.host_id IS NULL AND m.parent_exim_id IS NULL`;
    return this.#senders("ident_id", isLocal, period, limit);
  }

  /** The sender addresses that an account or a local user used most. */
  async sendersOf(column: "auth" | "ident", name: string, period: Period, limit: number): Promise<readonly string[]> {
    const { rows } = await sql<{ address: string }>`
      SELECT a.address FROM stored_messages m JOIN addresses a ON a.id = m.sender_id
      JOIN strings s ON s.id = ${sql.ref(`m.${column}_id`)}
      WHERE s.text = ${name} AND ${within(MESSAGE_AT, period)}
      GROUP BY a.id ORDER BY count(*) DESC, a.address LIMIT ${limit}
    `.execute(this.#database);
    return rows.map(({ address }) => address);
  }

  /** The clients whose logins failed most. */
  async loginFailures(period: Period, limit: number): Promise<readonly FailureRow[]> {
    const { rows } = await sql<FailureRow>`
      WITH failed AS (
        SELECT j.ip_id, i.text AS ip, count(*) AS failures, min(e.at) AS first_at, max(e.at) AS last_at,
               json_group_array(DISTINCT s.text ORDER BY s.text) FILTER (WHERE s.text IS NOT NULL) AS accounts
        FROM stored_rejections j JOIN stored_entries e ON e.id = j.entry_id
        LEFT JOIN strings s ON s.id = j.auth_id LEFT JOIN strings i ON i.id = j.ip_id
        WHERE j.phase = (SELECT code FROM codes WHERE family = 'phase' AND name = 'auth') AND ${within(sql`e.at`, period)}
        GROUP BY j.ip_id ORDER BY failures DESC, i.text LIMIT ${limit}
      )
      SELECT f.ip, f.failures, f.accounts, f.first_at / 1000 AS first_ms, f.last_at / 1000 AS last_ms,
        (SELECT json_group_array(DISTINCT s.text ORDER BY s.text) FROM stored_messages m JOIN strings s ON s.id = m.auth_id
         WHERE m.ip_id = f.ip_id AND m.auth_id IS NOT NULL AND m.arrival_at > f.first_at) AS successes
      FROM failed f ORDER BY f.failures DESC, f.ip
    `.execute(this.#database);
    return rows;
  }

  /** How often Exim was called, in the order of time, so many at a time; without the next ones' text. */
  async *invocations({ sinceMs, untilMs }: Period): AsyncGenerator<readonly InvocationRow[]> {
    for (let at = sinceMs * 1000, after = -1; ; ) {
      const { rows } = await sql<{ id: number; server_id: number; at: number }>`
        SELECT e.id, e.server_id, e.at FROM stored_entries e
        WHERE e.message_id IS NULL AND (e.at, e.id) > (${at}, ${after}) AND e.at >= ${at} AND e.at < ${untilMs * 1000}
          AND e.event = (SELECT code FROM codes WHERE family = 'event' AND name = 'invocation')
        ORDER BY e.at, e.id LIMIT ${PAGE}
      `.execute(this.#database);
      const last = rows.at(-1);
      if (last === undefined) return;
      yield rows.map((row) => ({ ...row, ms: Math.floor(row.at / 1000), bytes: this.#rawText.entryText(row.id) }));
      [at, after] = [last.at, last.id];
    }
  }

  /** Messages that local processes handed over, in the order of time, and of their ids where that is the same. */
  async localMessages({ sinceMs, untilMs }: Period): Promise<readonly LocalMessageRow[]> {
    const { rows } = await sql<Omit<LocalMessageRow, "bytes"> & { readonly entry_id: number }>`
      SELECT m.id AS key, m.exim_id AS id, m.server_id, m.arrival_at / 1000 AS ms, a.address AS sender, s.text AS ident, min(e.id) AS entry_id,
        (SELECT count(*) FROM stored_recipients r WHERE r.message_id = m.id) AS recipients
      FROM stored_messages m
      JOIN stored_entries e ON e.message_id = m.id AND e.event = (SELECT code FROM codes WHERE family = 'event' AND name = 'arrival')
      LEFT JOIN addresses a ON a.id = m.sender_id
      LEFT JOIN strings s ON s.id = m.ident_id
      WHERE m.ip_id IS NULL AND m.host_id IS NULL AND m.parent_exim_id IS NULL AND m.arrival_at IS NOT NULL
        AND ${within(MESSAGE_AT, { sinceMs, untilMs })}
      GROUP BY m.id ORDER BY m.arrival_at, m.exim_id
    `.execute(this.#database);
    return rows.map((row) => ({ ...row, bytes: this.#rawText.entryText(row.entry_id) }));
  }

  async #senders(
    column: SenderColumn,
    condition: ReturnType<typeof sql>,
    period: Period,
    limit: number,
  ): Promise<readonly SenderRow[]> {
    const { rows } = await sql<SenderRow>`
      SELECT s.text AS name, count(*) AS messages, count(DISTINCT m.sender_id) AS senders, count(DISTINCT m.ip_id) AS ips,
        sum((SELECT count(*) FROM stored_recipients r WHERE r.message_id = m.id)) AS recipients,
        sum((SELECT count(*) FROM stored_recipients r WHERE r.message_id = m.id
             AND r.status = (SELECT code FROM codes WHERE family = 'recipient_status' AND name = 'bounced'))) AS bounced,
        min(${MESSAGE_AT}) / 1000 AS first_ms, max(${MESSAGE_AT}) / 1000 AS last_ms
      FROM stored_messages m JOIN strings s ON s.id = ${sql.ref(`m.${column}`)}
      WHERE ${condition} AND ${within(MESSAGE_AT, period)}
      GROUP BY s.id ORDER BY messages DESC, s.text LIMIT ${limit}
    `.execute(this.#database);
    return rows;
  }
}

function within(at: typeof MESSAGE_AT, { sinceMs, untilMs }: Period): ReturnType<typeof sql> {
  return sql`${at} >= ${sinceMs * 1000} AND ${at} < ${untilMs * 1000}`;
}
