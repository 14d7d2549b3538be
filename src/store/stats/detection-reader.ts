/** Facts of a server in the order of time, and what detection has kept of earlier ones. */
import type Database from "better-sqlite3";
import type { Observation } from "../../incidents/observation.ts";
import type { AccountHour } from "../../message/account-risk.ts";
import { type EpochMs, epochMs, HOUR_MS, MINUTE_MS, MOMENTS_PER_MS } from "../../units.ts";
import { prepareOnce } from "../database/prepared.ts";
import { LINES_PER_BLOCK } from "../log-text/blocks.ts";
import { isOwnMail } from "../outbox/own-mail.ts";
import { type Codes, loadCodes, logTypeBit } from "../schema/codes.ts";
import { fromTemplate } from "../schema/error-templates.ts";
import { MESSAGE_MS_SQL } from "../schema/moment-sql.ts";
import { EARLIEST_MS, plausibleTime } from "../schema/plausible-time.ts";
import type { DetectionProgressTable } from "../schema/tables.ts";
import { isNamed, type Pattern } from "../search/filter.ts";
import { accountOf } from "./account-hours.ts";
import { domainOf, networkOf, providerOf } from "./key-functions.ts";

export interface DetectionServer {
  readonly id: number;
  readonly name: string;
}

/** Texts that one run remembers by their ids. */
const MOST_TEXTS = 20_000;
/** Messages that one run remembers: most lines of one come soon after its arrival. */
const MOST_MESSAGES = 20_000;
/** Lines, about as many, whose facts are in memory at a time. */
const LINES_PER_SLICE = 8000;
/** Blocks with wrong stamps in which right ones are looked for. */
const MOST_MIXED_BLOCKS = 8;

interface MessageFacts {
  readonly exim_id: string;
  readonly auth_id: number | null;
  readonly ip_id: number | null;
  readonly host_id: number | null;
  readonly ident_id: number | null;
  readonly sender_id: number | null;
  readonly parent_exim_id: string | null;
  readonly arrival_at: number | null;
}

interface Placed {
  readonly at: number;
  readonly order: number;
  readonly fact: Observation;
}

/** SQL: true for a place in a panic log. */
const IS_PANIC_LOG = "log_type = (SELECT code FROM codes WHERE family = 'log_type' AND name = 'panic')";

export class DetectionReader {
  readonly #database: Database.Database;
  readonly #codes: Codes;
  readonly #strings = new Map<number, string>();
  readonly #addresses = new Map<number, string>();
  readonly #providers = new Map<number, string | undefined>();
  readonly #problems = new Map<number, { readonly template: string; readonly category: string }>();
  readonly #networks = new Map<string, string>();
  readonly #messages = new Map<number, MessageFacts | undefined>();

  constructor(database: Database.Database) {
    this.#database = database;
    this.#codes = loadCodes(database);
  }

  /** Servers of these names, or all. */
  servers(names: readonly Pattern[] = []): readonly DetectionServer[] {
    const sql = "SELECT id, name FROM stored_servers ORDER BY name";
    return this.#all<DetectionServer>(sql).filter(({ name }) => isNamed(name, names));
  }

  /** True when a log of the server was read, whether its text is still there or not. */
  hasLogs(serverId: number): boolean {
    return this.#get("SELECT 1 FROM stored_sources WHERE server_id = ? LIMIT 1", serverId) !== undefined;
  }

  progress(serverId: number): DetectionProgressTable | undefined {
    return this.#get<DetectionProgressTable>("SELECT * FROM detection_progress WHERE server_id = ?", serverId);
  }

  state(serverId: number, key: string): unknown {
    const row = this.#get<{ state: string }>(
      "SELECT state FROM detection_states WHERE server_id = ? AND key = ?",
      serverId,
      key,
    );
    return row === undefined ? undefined : JSON.parse(row.state);
  }

  /** The greatest id of an entry, or place where one stands again; 0 when there is none. */
  lastEntry(): number {
    const sql = `SELECT max(coalesce((SELECT max(id) FROM stored_entries), 0),
      coalesce((SELECT max(location) FROM duplicate_locations), 0)) AS id`;
    return this.#get<{ id: number }>(sql)?.id ?? 0;
  }

  /**
   * Epoch ms of the earliest line after an entry that a clock can have told; undefined when there is none. A line that was stored before
   * is new when the panic log has it: that makes it a panic.
   */
  firstNew(serverId: number, lastEntry: number, now: EpochMs): number | undefined {
    const { fromMs, toMs } = plausibleTime(now);
    const sql = `SELECT min(at) / ${MOMENTS_PER_MS} AS ms FROM (
      SELECT server_id, at FROM stored_entries WHERE id > ?
      UNION ALL
      SELECT e.server_id, e.at FROM duplicate_locations d CROSS JOIN stored_entries e ON e.id = d.entry_id
      WHERE d.location > ? AND d.${IS_PANIC_LOG}
    ) WHERE server_id = ? AND at BETWEEN ? AND ?`;
    const values = [lastEntry, lastEntry, serverId, fromMs * MOMENTS_PER_MS, toMs * MOMENTS_PER_MS];
    return this.#get<{ ms: number | null }>(sql, ...values)?.ms ?? undefined;
  }

  /** Last stamp of the stored text that a clock can have told, in epoch ms; undefined when there is none. */
  lastMs(serverId: number, now: EpochMs): number | undefined {
    const { toMs } = plausibleTime(now);
    const known = this.#all<{ ms: number | null }>(
      `SELECT (SELECT b.last_ms FROM raw_blocks b WHERE b.source_id = s.id AND b.last_ms <= ? ORDER BY b.last_ms DESC LIMIT 1) AS ms
       FROM stored_sources s WHERE s.server_id = ?`,
      toMs,
      serverId,
    );
    const inBlocks = this.#stampsOf(
      "b.last_ms > ? ORDER BY b.id DESC",
      `max(at) / ${MOMENTS_PER_MS}`,
      [serverId, toMs],
      now,
    );
    return greatest([...known.map(({ ms }) => ms), ...inBlocks]);
  }

  /** The first one, where there is a last one. */
  firstMs(serverId: number, now: EpochMs): number {
    const { fromMs } = plausibleTime(now);
    const known = this.#all<{ ms: number | null }>(
      `SELECT (SELECT min(b.first_ms) FROM raw_blocks b WHERE b.source_id = s.id AND b.first_ms >= ?) AS ms
       FROM stored_sources s WHERE s.server_id = ?`,
      fromMs,
      serverId,
    );
    const inBlocks = this.#stampsOf(
      "b.first_ms < ? ORDER BY b.id",
      `min(at) / ${MOMENTS_PER_MS}`,
      [serverId, fromMs],
      now,
    );
    const first = least([...known.map(({ ms }) => ms), ...inBlocks]);
    if (first === undefined) throw new Error("No line has a stamp.");
    return first;
  }

  /** Stamps within blocks that also hold wrong ones: of a few such blocks. */
  #stampsOf(blocks: string, stamp: string, values: readonly number[], now: EpochMs): readonly (number | null)[] {
    const { fromMs, toMs } = plausibleTime(now);
    return this.#all<{ id: number }>(
      `SELECT b.id FROM stored_sources s CROSS JOIN raw_blocks b ON b.source_id = s.id
       WHERE s.server_id = ? AND ${blocks} LIMIT ${MOST_MIXED_BLOCKS}`,
      ...values,
    ).map(
      ({ id }) =>
        this.#get<{ ms: number | null }>(
          `SELECT ${stamp} AS ms FROM stored_entries WHERE id BETWEEN ? AND ? AND server_id = ? AND at BETWEEN ? AND ?`,
          id * LINES_PER_BLOCK,
          (id + 1) * LINES_PER_BLOCK - 1,
          values[0] ?? 0,
          fromMs * MOMENTS_PER_MS,
          toMs * MOMENTS_PER_MS,
        )?.ms ?? null,
    );
  }

  /**
   * Facts of a time, its end excluded, in the order of the lines that tell them. They are read slice by slice, each in a transaction that lasts
   * until the next one: thousands of short statements would each lock the file.
   */
  *facts(server: DetectionServer, fromMs: number, untilMs: number): Generator<Observation> {
    const blocks = this.#all<BlockOfTime>(
      `SELECT b.id, b.first_ms, b.last_ms, b.lines FROM stored_sources s CROSS JOIN raw_blocks b ON b.source_id = s.id
       WHERE s.server_id = ? AND b.last_ms >= ? AND b.first_ms < ? ORDER BY b.id`,
      server.id,
      fromMs,
      untilMs,
    );
    const lines = blocks.reduce((sum, block) => sum + block.lines, 0);
    const slices = Math.max(1, Math.ceil(lines / LINES_PER_SLICE));
    const sliceMs = Math.max(MINUTE_MS, Math.ceil((untilMs - fromMs) / slices));
    // NOTE: statistics are read in one transaction, which is not ended here.
    const isLocked = this.#database.inTransaction;
    for (let ms = fromMs; ms < untilMs; ms += sliceMs) {
      if (!isLocked) this.#database.exec("BEGIN");
      try {
        yield* this.#sliceOf(server, ms, Math.min(ms + sliceMs, untilMs), blocks);
      } finally {
        if (!isLocked) this.#database.exec("COMMIT");
      }
    }
  }

  #sliceOf(
    server: DetectionServer,
    fromMs: number,
    untilMs: number,
    blocks: readonly BlockOfTime[],
  ): readonly Observation[] {
    if (this.#messages.size > MOST_MESSAGES) this.#messages.clear();
    for (const texts of [this.#strings, this.#addresses, this.#providers, this.#problems])
      if (texts.size > MOST_TEXTS) texts.clear();
    const span = { server, from: Math.max(fromMs, EARLIEST_MS) * MOMENTS_PER_MS, until: untilMs * MOMENTS_PER_MS };
    const placed: Placed[] = [];
    this.#addArrivals(span, placed);
    const ofSlice = blocks.filter((block) => block.last_ms >= fromMs && block.first_ms < untilMs);
    for (const { first, last } of entryRanges(ofSlice)) {
      this.#addOutcomes(span, first, last, placed);
      this.#addRefusals(span, first, last, placed);
      this.#addClients(span, first, last, placed);
      this.#addStates(span, first, last, placed);
      this.#addMinutes(span, first, last, placed);
    }
    placed.sort((one, other) => one.at - other.at || one.order - other.order);
    return placed.map(({ fact }) => fact);
  }

  #addArrivals({ server, from, until }: FactSpan, placed: Placed[]): void {
    const rows = this.#iterate<Omit<MessageFacts, "arrival_at"> & { id: number; at: number }>(
      `SELECT m.id, m.arrival_at AS at, m.exim_id, m.auth_id, m.ip_id, m.host_id, m.ident_id, m.sender_id, m.parent_exim_id
       FROM stored_messages m
       WHERE ${MESSAGE_MS_SQL} >= ? AND ${MESSAGE_MS_SQL} < ? AND m.server_id = ? AND m.arrival_at IS NOT NULL
         AND NOT ${isOwnMail("m")}`,
      from / MOMENTS_PER_MS,
      until / MOMENTS_PER_MS,
      server.id,
    );
    for (const { id, at, ...message } of rows) {
      this.#messages.set(id, { ...message, arrival_at: at });
      const ms = toMs(at);
      const add = (fact: Observation): void => void placed.push({ at, order: placed.length, fact });
      add({ kind: "arrived", ms });
      const user = this.#userOf(message);
      if (user !== undefined) add({ kind: "handed_over", ms, user, messageId: message.exim_id });
      const account = this.#accountOf(message.auth_id);
      const ip = this.#string(message.ip_id);
      const isBounce = ip !== undefined && message.sender_id !== null && this.#address(message.sender_id) === "<>";
      if (account === undefined && !isBounce) continue;
      const recipients = this.#announcedOf(id);
      if (isBounce)
        for (const recipient of recipients)
          add({ kind: "bounce_received", ms, recipient, ip, messageId: message.exim_id });
      if (account !== undefined)
        add({
          kind: "account",
          ms,
          row: this.#accountRow(server, account, ip, ms, {
            messages: 1,
            recipients: recipients.length,
            firstLoginMs: ms,
            lastLoginMs: ms,
            domainNames: recipients.map(domainOf),
            messageIds: [message.exim_id],
          }),
        });
    }
  }

  #announcedOf(messageId: number): string[] {
    const sql = "SELECT address_id FROM stored_recipients WHERE message_id = ? AND announced";
    return this.#all<{ address_id: number }>(sql, messageId).map(({ address_id }) => this.#address(address_id));
  }

  #addOutcomes({ server, from, until }: FactSpan, first: number, last: number, placed: Placed[]): void {
    const rows = this.#iterate<{
      id: number;
      at: number;
      message_id: number;
      recipient: string;
      outcome: number;
      host_id: number | null;
      problem_id: number | null;
      announced: number | null;
    }>(
      `SELECT e.id, e.at, e.message_id, coalesce(d.address, '') AS recipient, a.outcome, p.host_id, a.problem_id, r.announced
       FROM address_events a CROSS JOIN stored_entries e ON e.id = a.entry_id
       LEFT JOIN addresses d ON d.id = a.recipient_id LEFT JOIN delivery_paths p ON p.id = a.path_id
       LEFT JOIN stored_recipients r ON r.message_id = e.message_id AND r.address_id = a.recipient_id
       WHERE a.entry_id BETWEEN ? AND ? AND a.is_attempt AND e.message_id IS NOT NULL
         AND e.server_id = ? AND e.at >= ? AND e.at < ?`,
      first,
      last,
      server.id,
      from,
      until,
    );
    for (const row of rows) {
      const outcome = this.#codes.outcomeName(row.outcome);
      if (outcome !== "delivered" && outcome !== "deferred" && outcome !== "bounced") continue;
      const message = this.#messageOf(row.message_id);
      if (message === undefined) continue;
      const ms = toMs(row.at);
      const { recipient } = row;
      const domain = domainOf(recipient).toLowerCase();
      const problem = outcome === "delivered" ? undefined : this.#problemOf(row.problem_id, recipient);
      const add = (fact: Observation): void => void placed.push({ at: row.at, order: row.id, fact });
      add({
        kind: "outcome",
        ms,
        outcome,
        messageId: message.exim_id,
        sender: message.sender_id === null ? "" : this.#address(message.sender_id),
        user: this.#userOf(message),
        domain,
        provider: this.#providerOf(row.host_id),
        category: problem?.category,
        reply: problem?.error,
      });
      const account = this.#accountOf(message.auth_id);
      if (account === undefined || outcome === "deferred") continue;
      // Recipients that the arrival does not name are known by their end.
      const isNew = row.announced !== 1;
      if (!isNew && outcome !== "bounced") continue;
      add({
        kind: "account",
        ms,
        row: this.#accountRow(server, account, this.#string(message.ip_id), ms, {
          recipients: isNew ? 1 : 0,
          refused: outcome === "bounced" ? 1 : 0,
          ...(isNew ? { domainNames: [domain] } : {}),
        }),
      });
    }
  }

  #addRefusals({ server, from, until }: FactSpan, first: number, last: number, placed: Placed[]): void {
    const rows = this.#iterate<{ id: number; at: number; phase: number; auth_id: number | null; ip_id: number | null }>(
      `SELECT e.id, e.at, j.phase, j.auth_id, j.ip_id FROM stored_rejections j CROSS JOIN stored_entries e ON e.id = j.entry_id
       WHERE j.entry_id BETWEEN ? AND ? AND j.is_permanent AND e.server_id = ? AND e.at >= ? AND e.at < ?`,
      first,
      last,
      server.id,
      from,
      until,
    );
    const auth = this.#codes.phase("auth");
    for (const { id, at, phase, auth_id, ip_id } of rows) {
      const ms = toMs(at);
      const account = this.#accountOf(auth_id);
      const ip = this.#string(ip_id);
      if (phase === auth) {
        if (ip === undefined) continue;
        const figures = { failures: 1, firstFailureMs: ms };
        const row = account === undefined ? undefined : this.#accountRow(server, account, ip, ms, figures);
        const network = this.#networkOf(ip);
        placed.push({ at, order: id, fact: { kind: "failed_login", ms, ip, network, account, row } });
      } else if (account !== undefined) {
        const figures = { recipients: 1, refused: 1, firstLoginMs: ms, lastLoginMs: ms };
        const row = this.#accountRow(server, account, ip, ms, figures);
        placed.push({ at, order: id, fact: { kind: "account", ms, row } });
      }
    }
  }

  #addClients({ server, from, until }: FactSpan, first: number, last: number, placed: Placed[]): void {
    const rows = this.#iterate<{ id: number; at: number; ip_id: number; problem_id: number | null }>(
      `SELECT e.id, e.at, k.ip_id, k.problem_id FROM stored_clients k CROSS JOIN stored_entries e ON e.id = k.entry_id
       WHERE k.entry_id BETWEEN ? AND ? AND e.event = ? AND e.message_id IS NULL AND k.ip_id IS NOT NULL
         AND e.server_id = ? AND e.at >= ? AND e.at < ?`,
      first,
      last,
      this.#codes.event("tls"),
      server.id,
      from,
      until,
    );
    for (const { id, at, ip_id, problem_id } of rows) {
      const ip = this.#string(ip_id) ?? "";
      const error = this.#problemOf(problem_id, "")?.error ?? "";
      placed.push({ at, order: id, fact: { kind: "tls", ms: toMs(at), ip, error } });
    }
  }

  #addStates({ server, from, until }: FactSpan, first: number, last: number, placed: Placed[]): void {
    const [completed, frozen, panic] = (["completed", "frozen", "panic"] as const).map(this.#codes.event);
    const rows = this.#iterate<{
      id: number;
      at: number;
      event: number;
      message_id: number | null;
      seen_in: number;
      problem_id: number | null;
    }>(
      `SELECT e.id, e.at, e.event, e.message_id, e.seen_in, k.problem_id
       FROM stored_entries e LEFT JOIN stored_clients k ON k.entry_id = e.id
       WHERE e.id BETWEEN ? AND ? AND (e.event IN (?, ?, ?) OR e.seen_in & ?) AND e.server_id = ? AND e.at >= ? AND e.at < ?`,
      first,
      last,
      completed,
      frozen,
      panic,
      logTypeBit("panic"),
      server.id,
      from,
      until,
    );
    for (const { id, at, event, message_id, seen_in, problem_id } of rows) {
      const ms = toMs(at);
      const message = message_id === null ? undefined : this.#messageOf(message_id);
      if (event === completed) {
        // A message whose arrival was never read is none of those that are counted.
        if (message?.arrival_at != null) placed.push({ at, order: id, fact: { kind: "left", ms } });
      } else if (event === frozen && message !== undefined)
        placed.push({ at, order: id, fact: { kind: "frozen", ms, messageId: message.exim_id } });
      if (event === panic || (seen_in & logTypeBit("panic")) !== 0) {
        const text = this.#problemOf(problem_id, "")?.error ?? "";
        placed.push({ at, order: id, fact: { kind: "panic", ms, text, messageId: message?.exim_id } });
      }
    }
  }

  /** Minutes in which something was logged. */
  #addMinutes({ server, from, until }: FactSpan, first: number, last: number, placed: Placed[]): void {
    const minute = MINUTE_MS * MOMENTS_PER_MS;
    const rows = this.#iterate<{ minute: number }>(
      `SELECT DISTINCT at / ${minute} AS minute FROM stored_entries
       WHERE id BETWEEN ? AND ? AND server_id = ? AND at >= ? AND at < ?`,
      first,
      last,
      server.id,
      from,
      until,
    );
    for (const row of rows)
      placed.push({ at: row.minute * minute, order: 0, fact: { kind: "line", ms: epochMs(row.minute * MINUTE_MS) } });
  }

  /** Undefined for mail of ours, or about it: an alarm would cause the next one. */
  #messageOf(id: number): MessageFacts | undefined {
    if (this.#messages.has(id)) return this.#messages.get(id);
    const message = this.#get<MessageFacts>(
      `SELECT exim_id, auth_id, ip_id, host_id, ident_id, sender_id, parent_exim_id, arrival_at FROM stored_messages m
       WHERE id = ? AND NOT ${isOwnMail("m")}`,
      id,
    );
    this.#messages.set(id, message);
    return message;
  }

  /** Local user who handed a message over; undefined for what came from elsewhere, or what Exim wrote itself. */
  #userOf({ ip_id, host_id, ident_id, parent_exim_id }: Omit<MessageFacts, "arrival_at">): string | undefined {
    return ip_id === null && host_id === null && parent_exim_id === null ? this.#string(ident_id) : undefined;
  }

  #accountOf(authId: number | null): string | undefined {
    const auth = this.#string(authId);
    return auth === undefined ? undefined : accountOf(auth);
  }

  #accountRow(
    { name }: DetectionServer,
    account: string,
    ip: string | undefined,
    ms: number,
    figures: Partial<AccountHour>,
  ): AccountHour {
    return {
      server: name,
      account,
      hour: Math.floor(ms / HOUR_MS),
      ip: ip ?? null,
      network: ip === undefined ? null : this.#networkOf(ip),
      failures: 0,
      firstFailureMs: null,
      messages: 0,
      recipients: 0,
      refused: 0,
      domains: 0,
      firstLoginMs: null,
      lastLoginMs: null,
      ...figures,
    };
  }

  #networkOf(ip: string): string {
    const known = this.#networks.get(ip);
    if (known !== undefined) return known;
    const network = networkOf(ip);
    this.#networks.set(ip, network);
    return network;
  }

  #providerOf(hostId: number | null): string | undefined {
    if (hostId === null) return undefined;
    if (this.#providers.has(hostId)) return this.#providers.get(hostId);
    const host = this.#string(hostId);
    const provider = host === undefined ? undefined : providerOf(host);
    this.#providers.set(hostId, provider);
    return provider;
  }

  #problemOf(
    problemId: number | null,
    recipient: string,
  ): { readonly category: string; readonly error: string } | undefined {
    if (problemId === null) return undefined;
    const known = this.#problems.get(problemId) ?? this.#readProblem(problemId);
    if (known === undefined) return undefined;
    this.#problems.set(problemId, known);
    return { category: known.category, error: fromTemplate(known.template, { recipient }) };
  }

  #readProblem(problemId: number): { readonly template: string; readonly category: string } | undefined {
    const row = this.#get<{ error_id: number | null; category_id: number }>(
      "SELECT error_id, category_id FROM delivery_problems WHERE id = ?",
      problemId,
    );
    return row === undefined
      ? undefined
      : { template: this.#string(row.error_id) ?? "", category: this.#string(row.category_id) ?? "" };
  }

  #string(id: number | null): string | undefined {
    return id === null ? undefined : this.#text(this.#strings, "SELECT text FROM strings WHERE id = ?", id);
  }

  #address(id: number): string {
    return this.#text(this.#addresses, "SELECT address AS text FROM addresses WHERE id = ?", id) ?? "";
  }

  #text(known: Map<number, string>, sql: string, id: number): string | undefined {
    const before = known.get(id);
    if (before !== undefined) return before;
    const text = this.#get<{ text: string }>(sql, id)?.text;
    if (text !== undefined) known.set(id, text);
    return text;
  }

  #get<Row>(sql: string, ...values: readonly (number | string | null)[]): Row | undefined {
    return prepareOnce<unknown[], Row>(this.#database, sql).get(...values);
  }

  #all<Row>(sql: string, ...values: readonly unknown[]): Row[] {
    return prepareOnce<unknown[], Row>(this.#database, sql).all(...values);
  }

  // NOTE: a statement that is being read keeps its connection from answering another one.
  #iterate<Row>(sql: string, ...values: readonly unknown[]): readonly Row[] {
    return this.#all<Row>(sql, ...values);
  }
}

/** Block of lines with the stamps of its first and last one, in epoch ms. */
interface BlockOfTime {
  readonly id: number;
  readonly first_ms: number;
  readonly last_ms: number;
  readonly lines: number;
}

/** Ranges of entry ids of blocks, which are in the order of ids. */
function entryRanges(blocks: readonly BlockOfTime[]): { first: number; last: number }[] {
  const ranges: { first: number; last: number }[] = [];
  for (const { id } of blocks) {
    const [first, last] = [id * LINES_PER_BLOCK, (id + 1) * LINES_PER_BLOCK - 1];
    const before = ranges.at(-1);
    if (before?.last === first - 1) before.last = last;
    else ranges.push({ first, last });
  }
  return ranges;
}

/** Moments; the end is excluded. */
interface FactSpan {
  readonly server: DetectionServer;
  readonly from: number;
  readonly until: number;
}

function toMs(at: number): EpochMs {
  return epochMs(Math.floor(at / MOMENTS_PER_MS));
}

function least(values: readonly (number | null)[]): number | undefined {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? undefined : Math.min(...known);
}

function greatest(values: readonly (number | null)[]): number | undefined {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? undefined : Math.max(...known);
}
