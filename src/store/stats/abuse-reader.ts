/** Counts who sends, and who tries to: accounts, local users, clients whose logins failed. */
import { type Kysely, type RawBuilder, sql } from "kysely";
import type { AccountHour } from "../../message/account-risk.ts";
import type { RawTextReader } from "../log-text/blocks.ts";
import type { Schema } from "../schema/tables.ts";
import { isServer, MESSAGE_MS } from "../search/conditions.ts";
import type { Filter, Pattern } from "../search/filter.ts";
import type { SearchReader } from "../search/search-reader.ts";
import { readAccountHours, readMatchedAccounts } from "./account-hours.ts";
import { chooseRows } from "./matched-rows.ts";

/** Epoch ms; the end does not belong to it. */
export interface AbusePeriod {
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Servers; all when none is named. */
  readonly servers?: readonly Pattern[];
  /** True: only what {@link AbuseReader.choose} has found. */
  readonly isChosen?: boolean;
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

export interface AccountFailureRow {
  /** Login, as far as it is logged. */
  readonly account: string;
  readonly failures: number;
  /** Different client addresses. */
  readonly ips: number;
  /** JSON array of the client addresses that failed most, so many as were asked for. */
  readonly most: string;
  readonly first_ms: number;
  readonly last_ms: number;
  /** JSON array of the client addresses that failed and then logged in. */
  readonly successes: string;
}

export interface TroubleRow {
  readonly ip: string;
  readonly host: string | null;
  readonly troubles: number;
  /** JSON object of how often each trouble. */
  readonly kinds: string;
  readonly first_ms: number;
  readonly last_ms: number;
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
  readonly bounced: number;
  /** Text of its arrival. */
  readonly bytes: string | undefined;
}

/** By account or local user, what it used most, that first. */
export type MostUsed = ReadonlyMap<string, readonly string[]>;

/** Submission of a message: by an account that logged in, or by a local user. */
type SenderKind = "login" | "local";

/** Messages by account or local user; messages that Exim itself generated are left out. */
const SENDERS = {
  login: { column: "m.auth_id", condition: sql`m.auth_id IS NOT NULL` },
  local: {
    column: "m.ident_id",
    condition: sql`m.ident_id IS NOT NULL AND m.ip_id IS NULL AND m.host_id IS NULL AND m.parent_exim_id IS NULL`,
  },
} as const;

/** A login that was refused, rather than one that this server could not check. */
const IS_LOGIN = sql`j.is_permanent AND j.phase = (SELECT code FROM codes WHERE family = 'phase' AND name = 'auth')`;

/** Condition on the details of an entry, as `d`: a line about a session that went wrong; see session-trouble.ts. */
export const IS_TROUBLE = sql<boolean>`d.text LIKE '["trouble",%'`;

/** Invocations read at once. */
const PAGE = 2000;

export class AbuseReader {
  readonly #database: Kysely<Schema>;
  readonly #rawText: RawTextReader;
  readonly #search: SearchReader;

  constructor(database: Kysely<Schema>, rawText: RawTextReader, search: SearchReader) {
    this.#database = database;
    this.#rawText = rawText;
    this.#search = search;
  }

  /** Finds what a filter of `search` finds, for periods that are chosen. Errors: `usage`. */
  async choose(subjects: Filter): Promise<void> {
    await chooseRows(this.#database, this.#search, subjects, ["message", "rejection", "event"]);
  }

  /** Figures of all accounts of a time and its servers, whatever is chosen; those before it are its baseline. */
  accountHours({ sinceMs, untilMs, servers = [] }: AbusePeriod): Promise<readonly AccountHour[]> {
    return readAccountHours(this.#database, { sinceMs, untilMs, servers });
  }

  /** Accounts that what was chosen tells of in a time, as `server\naccount`. */
  chosenAccounts({ sinceMs, untilMs, servers = [] }: AbusePeriod): Promise<ReadonlySet<string>> {
    return readMatchedAccounts(this.#database, { sinceMs, untilMs, servers });
  }

  /** The accounts, or the local users, that sent most. */
  async senders(kind: SenderKind, period: AbusePeriod, limit: number): Promise<readonly SenderRow[]> {
    const { column, condition } = SENDERS[kind];
    const key = sql.ref(column);
    const isMeant = sql`${condition} AND ${messagesWithin(period)}`;
    const { rows } = await sql<SenderRow>`
      WITH most AS (
        SELECT s.id, s.text AS name, count(*) AS messages, count(DISTINCT m.sender_id) AS senders,
          count(DISTINCT m.ip_id) AS ips, min(${MESSAGE_MS}) AS first_ms, max(${MESSAGE_MS}) AS last_ms
        FROM stored_messages m JOIN strings s ON s.id = ${key}
        WHERE ${isMeant}
        GROUP BY s.id ORDER BY messages DESC, s.text LIMIT ${limit}
      ),
      reached AS (
        SELECT ${key} AS id, count(*) AS recipients,
          sum(r.status = (SELECT code FROM codes WHERE family = 'recipient_status' AND name = 'bounced')) AS bounced
        FROM stored_messages m JOIN stored_recipients r ON r.message_id = m.id
        WHERE ${key} IN (SELECT id FROM most) AND ${isMeant}
        GROUP BY 1
      )
      SELECT name, messages, senders, ips, first_ms, last_ms,
        coalesce(recipients, 0) AS recipients, coalesce(bounced, 0) AS bounced
      FROM most LEFT JOIN reached USING (id)
      ORDER BY messages DESC, name
    `.execute(this.#database);
    return rows;
  }

  /** The sender addresses that each of them used most. */
  addressesOf(kind: SenderKind, names: readonly string[], period: AbusePeriod, limit: number): Promise<MostUsed> {
    return this.#mostUsed(kind, names, period, limit, sql`addresses a ON a.id = m.sender_id`, sql`a.address`);
  }

  /** The client addresses that each of them used most. */
  clientsOf(kind: SenderKind, names: readonly string[], period: AbusePeriod, limit: number): Promise<MostUsed> {
    return this.#mostUsed(kind, names, period, limit, sql`strings a ON a.id = m.ip_id`, sql`a.text`);
  }

  /** The clients whose logins failed most. */
  async loginFailures(period: AbusePeriod, limit: number): Promise<readonly FailureRow[]> {
    const { rows } = await sql<FailureRow>`
      WITH failed AS MATERIALIZED (
        SELECT j.ip_id, i.text AS ip, count(*) AS failures, min(e.at) AS first_at, max(e.at) AS last_at,
               json_group_array(DISTINCT s.text ORDER BY s.text) FILTER (WHERE s.text IS NOT NULL) AS accounts
        FROM stored_rejections j JOIN stored_entries e ON e.id = j.entry_id
        LEFT JOIN strings s ON s.id = j.auth_id LEFT JOIN strings i ON i.id = j.ip_id
        WHERE ${IS_LOGIN} AND ${entriesWithin(period)}
        GROUP BY j.ip_id ORDER BY failures DESC, i.text LIMIT ${limit}
      ),
      logins AS (
        SELECT DISTINCT m.ip_id, m.auth_id FROM stored_messages m CROSS JOIN failed f ON f.ip_id = m.ip_id
        WHERE m.auth_id IS NOT NULL AND m.arrival_at > f.first_at
      ),
      entered AS (
        SELECT l.ip_id, json_group_array(s.text ORDER BY s.text) AS successes
        FROM logins l JOIN strings s ON s.id = l.auth_id GROUP BY l.ip_id
      )
      SELECT f.ip, f.failures, f.accounts, f.first_at / 1000 AS first_ms, f.last_at / 1000 AS last_ms,
        coalesce(n.successes, '[]') AS successes
      FROM failed f LEFT JOIN entered n ON n.ip_id = f.ip_id ORDER BY f.failures DESC, f.ip
    `.execute(this.#database);
    return rows;
  }

  /** The accounts whose logins failed most, with so many of the clients that tried. */
  async accountFailures(period: AbusePeriod, limit: number, clients: number): Promise<readonly AccountFailureRow[]> {
    const { rows } = await sql<AccountFailureRow>`
      WITH tries AS (
        SELECT j.auth_id, j.ip_id, count(*) AS failures, min(e.at) AS first_at, max(e.at) AS last_at
        FROM stored_rejections j JOIN stored_entries e ON e.id = j.entry_id
        WHERE ${IS_LOGIN} AND j.auth_id IS NOT NULL AND ${entriesWithin(period)}
        GROUP BY j.auth_id, j.ip_id
      ),
      failed AS (
        SELECT t.auth_id, s.text AS account, sum(t.failures) AS failures, count(t.ip_id) AS ips,
          min(t.first_at) AS first_at, max(t.last_at) AS last_at
        FROM tries t JOIN strings s ON s.id = t.auth_id GROUP BY t.auth_id ORDER BY 3 DESC, 2 LIMIT ${limit}
      ),
      entered AS MATERIALIZED (
        SELECT DISTINCT t.auth_id, t.ip_id FROM stored_messages m JOIN tries t ON t.auth_id = m.auth_id AND t.ip_id = m.ip_id
        WHERE m.auth_id IS NOT NULL AND m.arrival_at > t.first_at
      )
      SELECT f.account, f.failures, f.ips, f.first_at / 1000 AS first_ms, f.last_at / 1000 AS last_ms,
        (SELECT json_group_array(text) FROM (SELECT i.text FROM tries t JOIN strings i ON i.id = t.ip_id
         WHERE t.auth_id = f.auth_id ORDER BY t.failures DESC, i.text LIMIT ${clients})) AS most,
        (SELECT json_group_array(text) FROM (SELECT i.text FROM entered n JOIN strings i ON i.id = n.ip_id
         WHERE n.auth_id = f.auth_id ORDER BY i.text)) AS successes
      FROM failed f ORDER BY f.failures DESC, f.account
    `.execute(this.#database);
    return rows;
  }

  /** The clients whose sessions went wrong most, in ways that no rejection reports. */
  async sessionTroubles(period: AbusePeriod, limit: number): Promise<readonly TroubleRow[]> {
    const { rows } = await sql<TroubleRow>`
      WITH troubles AS (
        SELECT k.ip_id, k.host_id, e.at, json_extract(d.text, '$[1]') AS trouble
        FROM stored_clients k JOIN stored_entries e ON e.id = k.entry_id JOIN strings d ON d.id = e.details_id
        WHERE e.message_id IS NULL AND k.ip_id IS NOT NULL AND ${entriesWithin(period)} AND ${IS_TROUBLE}
      ),
      kinds AS (
        SELECT ip_id, max(host_id) AS host_id, trouble, count(*) AS times, min(at) AS first_at, max(at) AS last_at
        FROM troubles GROUP BY ip_id, trouble
      )
      SELECT i.text AS ip, max(h.text) AS host, sum(n.times) AS troubles, json_group_object(n.trouble, n.times) AS kinds,
        CAST(min(n.first_at) / 1000 AS INTEGER) AS first_ms, CAST(max(n.last_at) / 1000 AS INTEGER) AS last_ms
      FROM kinds n JOIN strings i ON i.id = n.ip_id LEFT JOIN strings h ON h.id = n.host_id
      GROUP BY n.ip_id ORDER BY troubles DESC, i.text LIMIT ${limit}
    `.execute(this.#database);
    return rows;
  }

  /** Calls of Exim in order of time, a page at a time, each with its own text only. */
  async *invocations({ sinceMs, untilMs, servers }: AbusePeriod): AsyncGenerator<readonly InvocationRow[]> {
    for (let at = sinceMs * 1000, after = -1; ; ) {
      const { rows } = await sql<{ id: number; server_id: number; at: number }>`
        SELECT e.id, e.server_id, e.at FROM stored_entries e
        WHERE e.message_id IS NULL AND (e.at, e.id) > (${at}, ${after}) AND e.at >= ${at} AND e.at < ${untilMs * 1000}
          AND e.event = (SELECT code FROM codes WHERE family = 'event' AND name = 'invocation')
          AND ${isOf(sql.ref("e.server_id"), servers)}
        ORDER BY e.at, e.id LIMIT ${PAGE}
      `.execute(this.#database);
      const last = rows.at(-1);
      if (last === undefined) return;
      yield rows.map((row) => ({ ...row, ms: Math.floor(row.at / 1000), bytes: this.#rawText.entryText(row.id) }));
      [at, after] = [last.at, last.id];
    }
  }

  /** Messages that local processes handed over, in the order of time, and of their ids where that is the same. */
  async localMessages(period: AbusePeriod): Promise<readonly LocalMessageRow[]> {
    const { rows } = await sql<Omit<LocalMessageRow, "bytes"> & { readonly entry_id: number }>`
      SELECT m.id AS key, m.exim_id AS id, m.server_id, m.arrival_at / 1000 AS ms, a.address AS sender, s.text AS ident, min(e.id) AS entry_id,
        (SELECT count(*) FROM stored_recipients r WHERE r.message_id = m.id) AS recipients,
        (SELECT count(*) FROM stored_recipients r WHERE r.message_id = m.id
          AND r.status = (SELECT code FROM codes WHERE family = 'recipient_status' AND name = 'bounced')) AS bounced
      FROM stored_messages m
      JOIN stored_entries e ON e.message_id = m.id AND e.event = (SELECT code FROM codes WHERE family = 'event' AND name = 'arrival')
      LEFT JOIN addresses a ON a.id = m.sender_id
      LEFT JOIN strings s ON s.id = m.ident_id
      WHERE m.ip_id IS NULL AND m.host_id IS NULL AND m.parent_exim_id IS NULL AND m.arrival_at IS NOT NULL
        AND ${messagesWithin(period)}
      GROUP BY m.id ORDER BY m.arrival_at, m.exim_id
    `.execute(this.#database);
    return rows.map((row) => ({ ...row, bytes: this.#rawText.entryText(row.entry_id) }));
  }

  async #mostUsed(
    kind: SenderKind,
    names: readonly string[],
    period: AbusePeriod,
    limit: number,
    texts: RawBuilder<unknown>,
    text: RawBuilder<unknown>,
  ): Promise<MostUsed> {
    const { column, condition } = SENDERS[kind];
    const { rows } = await sql<{ name: string; text: string }>`
      SELECT name, text FROM (
        SELECT s.text AS name, ${text} AS text, row_number() OVER (PARTITION BY s.id ORDER BY count(*) DESC, ${text}) AS place
        FROM stored_messages m JOIN ${texts} JOIN strings s ON s.id = ${sql.ref(column)}
        WHERE s.text IN (SELECT value FROM json_each(${JSON.stringify(names)})) AND ${condition} AND ${messagesWithin(period)}
        GROUP BY s.id, a.id
      ) WHERE place <= ${limit} ORDER BY place
    `.execute(this.#database);
    const most = new Map<string, string[]>();
    for (const row of rows) most.set(row.name, [...(most.get(row.name) ?? []), row.text]);
    return most;
  }
}

/** Condition on messages, as `m`. */
function messagesWithin({ sinceMs, untilMs, servers, isChosen }: AbusePeriod): ReturnType<typeof sql> {
  const chosen = isChosen === true ? sql`m.id IN (SELECT id FROM temp.matched_messages)` : sql`1`;
  return sql`${MESSAGE_MS} >= ${sinceMs} AND ${MESSAGE_MS} < ${untilMs} AND ${isOf(sql.ref("m.server_id"), servers)} AND ${chosen}`;
}

/** Condition on entries, as `e`. */
function entriesWithin({ sinceMs, untilMs, servers, isChosen }: AbusePeriod): ReturnType<typeof sql> {
  const chosen = isChosen === true ? sql`e.id IN (SELECT id FROM temp.matched_rejections)` : sql`1`;
  return sql`e.at >= ${sinceMs * 1000} AND e.at < ${untilMs * 1000} AND ${isOf(sql.ref("e.server_id"), servers)} AND ${chosen}`;
}

function isOf(serverId: RawBuilder<unknown>, servers: readonly Pattern[] = []): ReturnType<typeof sql> {
  return servers.length === 0 ? sql`1` : sql`${serverId} IN (SELECT id FROM stored_servers WHERE ${isServer(servers)})`;
}
