/** Figures of accounts by client and hour, from which src/message/accounts-at-risk.ts tells whose password is known to others. */
import { type Kysely, sql } from "kysely";
import type { AccountHour } from "../../message/account-risk.ts";
import { HOUR_MS, MOMENTS_PER_MS } from "../../units.ts";
import { EARLIEST_MS } from "../schema/plausible-time.ts";
import type { Schema } from "../schema/tables.ts";
import { isServer, MESSAGE_MS } from "../search/conditions.ts";
import type { Pattern } from "../search/filter.ts";

/** A time of some servers, or of all when none is named; epoch ms, the end does not belong to it. */
export interface AccountSpan {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly servers: readonly Pattern[];
}

interface Key {
  readonly server_id: number;
  readonly auth_id: number;
  readonly hour: number;
}

interface SentRow extends Key {
  readonly ip_id: number | null;
  readonly messages: number;
  readonly recipients: number;
  readonly bounced: number;
  readonly first_at: number;
  readonly last_at: number;
}

interface RefusedRow extends Key {
  readonly ip_id: number | null;
  readonly failures: number;
  readonly first_failure_at: number | null;
  readonly refused: number;
  readonly first_refused_at: number | null;
  readonly last_refused_at: number | null;
}

/** Moments of an hour. */
const HOUR = HOUR_MS * MOMENTS_PER_MS;

/** Domains of fewer recipients are not counted: they are no sign of anything. */
const FEWEST_COUNTED = 8;

/** In no order. Lines that name no account are left out: they tell of nobody. */
export async function readAccountHours(database: Kysely<Schema>, span: AccountSpan): Promise<AccountHour[]> {
  const sent = await readSent(database, span);
  const domains = await countDomains(database, span, sent);
  const refused = await readRefused(database, span);
  const texts = await readTexts(
    database,
    [...sent, ...refused].flatMap(({ auth_id, ip_id }) => [auth_id, ...(ip_id === null ? [] : [ip_id])]),
  );
  const servers = await readServers(database);
  const { networkOf } = await import("./key-functions.ts");
  const networks = new Map<string, string>();
  const accounts = new Accounts();
  for (const row of [...sent, ...refused]) {
    const server = servers.get(row.server_id);
    const rows = server === undefined ? undefined : accounts.rowsOf(row, server, texts.get(row.auth_id) ?? "");
    if (rows === undefined) continue;
    const ip = row.ip_id === null ? null : (texts.get(row.ip_id) ?? null);
    const network = ip === null ? null : (networks.get(ip) ?? networkOf(ip));
    if (ip !== null && network !== null) networks.set(ip, network);
    const own = toAccountHour(
      { server: rows.server, account: rows.account, ip, network },
      row,
      domains.get(keyOf(row)) ?? 0,
    );
    const key = (row.ip_id ?? 0) * MOST_HOURS + row.hour;
    const known = rows.byKey.get(key);
    rows.byKey.set(key, known === undefined ? own : add(known, own));
  }
  return accounts.all();
}

/** Hours since the epoch are fewer: times client ids, they are numbers that a double holds. */
const MOST_HOURS = 2 ** 27;

interface AccountRows {
  readonly server: string;
  readonly account: string;
  /** By client and hour. */
  readonly byKey: Map<number, AccountHour>;
}

/** Rows of each account, which may have several logins: one for each authenticator. */
class Accounts {
  readonly #byName = new Map<string, AccountRows>();
  readonly #byLogin = new Map<number, Map<number, AccountRows | undefined>>();

  /** Undefined when the log names no account. */
  rowsOf({ server_id, auth_id }: Key, server: string, auth: string): AccountRows | undefined {
    const logins = this.#byLogin.get(server_id) ?? new Map<number, AccountRows | undefined>();
    this.#byLogin.set(server_id, logins);
    if (!logins.has(auth_id)) logins.set(auth_id, this.#find(server, accountOf(auth)));
    return logins.get(auth_id);
  }

  #find(server: string, account: string | undefined): AccountRows | undefined {
    if (account === undefined) return undefined;
    const name = `${server}\n${account}`;
    const rows = this.#byName.get(name) ?? { server, account, byKey: new Map<number, AccountHour>() };
    this.#byName.set(name, rows);
    return rows;
  }

  all(): AccountHour[] {
    return [...this.#byName.values()].flatMap(({ byKey }) => [...byKey.values()]);
  }
}

/** `server\naccount` of the accounts that sent or failed in the time, in rows of temp.matched_messages and matched_rejections. */
export async function readMatchedAccounts(
  database: Kysely<Schema>,
  { sinceMs, untilMs }: AccountSpan,
): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ server: string; auth: string }>`
    SELECT DISTINCT v.name AS server, s.text AS auth
    FROM temp.matched_messages c JOIN stored_messages m ON m.id = c.id
    JOIN strings s ON s.id = m.auth_id JOIN stored_servers v ON v.id = m.server_id
    WHERE ${MESSAGE_MS} >= ${sinceMs} AND ${MESSAGE_MS} < ${untilMs}
    UNION
    SELECT DISTINCT v.name, s.text
    FROM temp.matched_rejections c JOIN stored_rejections j ON j.entry_id = c.id
    JOIN stored_entries e ON e.id = j.entry_id JOIN strings s ON s.id = j.auth_id JOIN stored_servers v ON v.id = e.server_id
    WHERE e.at >= ${sinceMs * MOMENTS_PER_MS} AND e.at < ${untilMs * MOMENTS_PER_MS}
  `.execute(database);
  return new Set(rows.map(({ server, auth }) => `${server}\n${accountOf(auth) ?? ""}`));
}

/** `bob` of `PLAIN:bob`; undefined when the log names the authenticator alone. */
export function accountOf(auth: string): string | undefined {
  const account = auth.slice(auth.indexOf(":") + 1).toLowerCase();
  return auth.includes(":") && account !== "" ? account : undefined;
}

function keyOf({ server_id, auth_id, hour }: Key): string {
  return `${server_id} ${auth_id} ${hour}`;
}

async function readSent(database: Kysely<Schema>, span: AccountSpan): Promise<readonly SentRow[]> {
  const { rows } = await sql<SentRow>`
    SELECT server_id, auth_id, ip_id, arrival_at / ${sql.lit(HOUR)} AS hour, count(*) AS messages,
      sum(recipients) AS recipients, sum(bounced) AS bounced, min(arrival_at) AS first_at, max(arrival_at) AS last_at
    FROM (
      SELECT m.id, m.server_id, m.auth_id, m.ip_id, m.arrival_at, count(r.address_id) AS recipients,
        coalesce(sum(r.status = (SELECT code FROM codes WHERE family = 'recipient_status' AND name = 'bounced')), 0) AS bounced
      FROM stored_messages m LEFT JOIN stored_recipients r ON r.message_id = m.id
      WHERE ${isSubmitted(span)}
      GROUP BY m.id
    )
    GROUP BY 1, 2, 3, 4
  `.execute(database);
  return rows;
}

/** Domains by server, login and hour, where there are several recipients. */
async function countDomains(
  database: Kysely<Schema>,
  span: AccountSpan,
  sent: readonly SentRow[],
): Promise<ReadonlyMap<string, number>> {
  const recipients = new Map<string, number>();
  for (const row of sent) recipients.set(keyOf(row), (recipients.get(keyOf(row)) ?? 0) + row.recipients);
  const counted = [...recipients].filter(([, count]) => count >= FEWEST_COUNTED).map(([key]) => key);
  const key = sql`m.server_id || ' ' || m.auth_id || ' ' || (m.arrival_at / ${sql.lit(HOUR)})`;
  const { rows } = await sql<{ key: string; domains: number }>`
    SELECT ${key} AS key, count(DISTINCT substr(a.address, instr(a.address, '@') + 1)) AS domains
    FROM stored_messages m JOIN stored_recipients r ON r.message_id = m.id JOIN addresses a ON a.id = r.address_id
    WHERE ${isSubmitted(span)} AND ${key} IN (SELECT value FROM json_each(${JSON.stringify(counted)}))
    GROUP BY 1
  `.execute(database);
  return new Map(rows.map((row) => [row.key, row.domains]));
}

function isSubmitted({ sinceMs, untilMs, servers }: AccountSpan): ReturnType<typeof sql> {
  // NOTE: the index of times would be walked through, and each of its rows looked up, although all of them are wanted.
  const at = sinceMs > EARLIEST_MS ? sql`${MESSAGE_MS}` : sql`m.arrival_at / ${sql.lit(MOMENTS_PER_MS)}`;
  return sql`m.auth_id IS NOT NULL AND m.arrival_at IS NOT NULL
    AND ${at} >= ${Math.max(sinceMs, EARLIEST_MS)} AND ${at} < ${untilMs} AND ${isOf(sql.ref("m.server_id"), servers)}`;
}

/** Logins that failed, and recipients and messages that were refused to clients that had logged in. */
async function readRefused(
  database: Kysely<Schema>,
  { sinceMs, untilMs, servers }: AccountSpan,
): Promise<readonly RefusedRow[]> {
  const from = Math.max(sinceMs, EARLIEST_MS) * MOMENTS_PER_MS;
  const { rows } = await sql<RefusedRow>`
    WITH lines AS (
      SELECT e.server_id, j.auth_id, j.ip_id, e.at, j.is_permanent,
        j.phase = (SELECT code FROM codes WHERE family = 'phase' AND name = 'auth') AS is_login
      FROM stored_rejections j JOIN stored_entries e ON e.id = j.entry_id
      WHERE j.auth_id IS NOT NULL AND e.at >= ${from} AND e.at < ${untilMs * MOMENTS_PER_MS}
        AND ${isOf(sql.ref("e.server_id"), servers)}
    )
    SELECT server_id, auth_id, ip_id, at / ${sql.lit(HOUR)} AS hour,
      sum(is_login) AS failures, min(at) FILTER (WHERE is_login) AS first_failure_at,
      sum(NOT is_login) AS refused, min(at) FILTER (WHERE NOT is_login) AS first_refused_at,
      max(at) FILTER (WHERE NOT is_login) AS last_refused_at
    FROM lines WHERE is_permanent GROUP BY 1, 2, 3, 4
  `.execute(database);
  return rows;
}

function isOf(serverId: ReturnType<typeof sql.ref>, servers: readonly Pattern[]): ReturnType<typeof sql> {
  if (servers.length === 0) return sql`1`;
  return sql`${serverId} IN (SELECT id FROM stored_servers WHERE ${isServer(servers)})`;
}

async function readTexts(database: Kysely<Schema>, ids: readonly number[]): Promise<ReadonlyMap<number, string>> {
  const { rows } = await sql<{ id: number; text: string }>`
    SELECT id, text FROM strings WHERE id IN (SELECT value FROM json_each(${JSON.stringify([...new Set(ids)])}))
  `.execute(database);
  return new Map(rows.map(({ id, text }) => [id, text]));
}

async function readServers(database: Kysely<Schema>): Promise<ReadonlyMap<number, string>> {
  const rows = await database.selectFrom("stored_servers").select(["id", "name"]).execute();
  return new Map(rows.map(({ id, name }) => [id, name]));
}

function toAccountHour(
  identity: Pick<AccountHour, "server" | "account" | "ip" | "network">,
  row: SentRow | RefusedRow,
  domains: number,
): AccountHour {
  const { server, account, ip, network } = identity;
  const isSent = "messages" in row;
  // One form for all rows: there may be a hundred thousand of them.
  return {
    server,
    account,
    hour: row.hour,
    ip,
    network,
    failures: isSent ? 0 : row.failures,
    firstFailureMs: isSent ? null : toMs(row.first_failure_at),
    messages: isSent ? row.messages : 0,
    recipients: isSent ? row.recipients : row.refused,
    refused: isSent ? row.bounced : row.refused,
    domains: isSent ? domains : 0,
    firstLoginMs: toMs(isSent ? row.first_at : row.first_refused_at),
    lastLoginMs: toMs(isSent ? row.last_at : row.last_refused_at),
  };
}

function toMs(at: number | null): number | null {
  return at === null ? null : Math.floor(at / MOMENTS_PER_MS);
}

/** Rows of one account, client and hour: of several authenticators, or of what was accepted and what was refused. */
function add(one: AccountHour, other: AccountHour): AccountHour {
  return {
    ...one,
    failures: one.failures + other.failures,
    firstFailureMs: least(one.firstFailureMs, other.firstFailureMs),
    messages: one.messages + other.messages,
    recipients: one.recipients + other.recipients,
    refused: one.refused + other.refused,
    domains: Math.max(one.domains, other.domains),
    firstLoginMs: least(one.firstLoginMs, other.firstLoginMs),
    lastLoginMs: greatest(one.lastLoginMs, other.lastLoginMs),
  };
}

function least(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}

function greatest(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.max(one, other);
}
