/** What can be written in one transaction, and the statements for it, prepared once. */
import type Database from "better-sqlite3";
import type { Outcome } from "../message/statuses.ts";
import type { EpochMs, Moment } from "../units.ts";
import { BulkInsert, type SqlValue } from "./bulk-insert.ts";
import { type Codes, type EntryKind, type LogType, logTypeBit } from "./codes.ts";
import { Interner } from "./interner.ts";
import { entryIdOf, type PackedText, type RawTextReader } from "./raw-text.ts";
import { IDENTITY_BYTES, type ServerRow, type SourceRow } from "./source-catalogue.ts";
import type {
  AddressEventsTable,
  StoredMessagesTable,
  StoredRecipientsTable,
  StoredRejectionsTable,
} from "./tables.ts";
import type { TwinFinder } from "./twins.ts";

/** What is stored of a message, as the fold needs it to go on. */
export interface StoredMessage {
  readonly id: number;
  readonly firstAt: Moment;
  readonly lastAt: Moment;
  readonly arrivalAt: Moment | undefined;
  readonly queueMs: number | undefined;
  readonly marks: MessageMarks;
  readonly recipients: readonly StoredRecipient[];
  readonly words: readonly StoredWord[];
}

export type MessageMarks = Readonly<Record<MarkName, Moment | undefined>>;
export type MarkName =
  | "completed"
  | "frozen"
  | "thawed"
  | "removed"
  | "cancelled"
  | "rejected"
  | "discarded"
  | "notAccepted"
  | "queued"
  | "ignored";

export interface StoredRecipient {
  readonly address: string;
  readonly announced: boolean;
}

export interface StoredWord {
  readonly recipient: string;
  readonly target: string;
  readonly outcome: Outcome;
  readonly at: Moment;
  readonly isAttempt: boolean;
  /** Still a template; see templates.ts. */
  readonly error: string | undefined;
}

/** State of a message, without what only its arrival tells. */
export type MessageStateRow = Omit<StoredMessagesTable, "id" | "server_id" | "exim_id" | keyof ArrivalRow>;

/** What the arrival line tells. */
export type ArrivalRow = Pick<
  StoredMessagesTable,
  | "arrival_at"
  | "sender_id"
  | "size"
  | "subject"
  | "header_message_id"
  | "host_id"
  | "helo_id"
  | "ip_id"
  | "port"
  | "protocol_id"
  | "auth_id"
  | "ident_id"
  | "tls_id"
  | "parent_exim_id"
  | "fake_reject"
>;

export const NO_ARRIVAL: ArrivalRow = {
  arrival_at: null,
  sender_id: null,
  size: null,
  subject: null,
  header_message_id: null,
  host_id: null,
  helo_id: null,
  ip_id: null,
  port: null,
  protocol_id: null,
  auth_id: null,
  ident_id: null,
  tls_id: null,
  parent_exim_id: null,
  fake_reject: 0,
};

export interface BlockRow {
  readonly id: number;
  readonly sourceId: number;
  readonly position: number;
  readonly text: PackedText;
  readonly lines: number;
  readonly firstMs: EpochMs | undefined;
  readonly lastMs: EpochMs | undefined;
  readonly clockMs: EpochMs | undefined;
}

const STATE_COLUMNS = [
  "status",
  "first_at",
  "last_at",
  "queue_ms",
  "completed_at",
  "frozen_at",
  "thawed_at",
  "removed_at",
  "cancelled_at",
  "rejected_at",
  "discarded_at",
  "not_accepted_at",
  "queued_at",
  "ignored_at",
] as const satisfies readonly (keyof MessageStateRow)[];

const ARRIVAL_COLUMNS = [
  "arrival_at",
  "sender_id",
  "size",
  "subject",
  "header_message_id",
  "host_id",
  "helo_id",
  "ip_id",
  "port",
  "protocol_id",
  "auth_id",
  "ident_id",
  "tls_id",
  "parent_exim_id",
  "fake_reject",
] as const satisfies readonly (keyof ArrivalRow)[];

const ADDRESS_EVENT_COLUMNS = [
  "entry_id",
  "at",
  "recipient_id",
  "final_id",
  "outcome",
  "is_attempt",
  "router_id",
  "transport_id",
  "host_id",
  "ip_id",
  "port",
  "tls_id",
  "is_timeout",
  "smtp_code",
  "enhanced_id",
  "phase_id",
  "error_id",
  "confirmation",
  "queue_ms",
  "duration_ms",
] as const satisfies readonly (keyof AddressEventsTable)[];

const RECIPIENT_COLUMNS = [
  "message_id",
  "address_id",
  "announced",
  "status",
  "status_at",
  "delivered_ms",
  "attempts",
  "error_id",
] as const satisfies readonly (keyof StoredRecipientsTable)[];

const REJECTION_COLUMNS = [
  "entry_id",
  "phase",
  "is_permanent",
  "host_id",
  "helo_id",
  "ip_id",
  "sender_id",
  "recipient_id",
  "auth_id",
  "category_id",
  "reason_id",
] as const satisfies readonly (keyof StoredRejectionsTable)[];

/** A message that lost lines: what is left of it is in the log entries {@link entryIds}. */
export interface BereftMessage {
  readonly id: number;
  readonly serverId: number;
  readonly eximId: string;
  readonly entries: readonly { readonly id: number; readonly at: Moment }[];
}

export type RunResult = "done" | "interrupted" | "failed";

export interface RunFigures {
  readonly sources: number;
  readonly lines: number;
  readonly messages: number;
  readonly bytes: number;
}

/** What can be done inside a write transaction. */
export class Transactor {
  readonly codes: Codes;
  readonly #database: Database.Database;
  readonly #tables: Tables;
  readonly #rawText: RawTextReader;
  readonly #twins: TwinFinder;
  readonly #ids = new Map<string, number>();
  #ended = false;

  constructor(database: Database.Database, tables: Tables, codes: Codes, rawText: RawTextReader, twins: TwinFinder) {
    this.#database = database;
    this.#tables = tables;
    this.codes = codes;
    this.#rawText = rawText;
    this.#twins = twins;
  }

  string(text: string): number {
    return this.#open().strings.idOf(text);
  }

  optionalString(text: string | undefined): number | null {
    return text === undefined ? null : this.#open().strings.idOf(text);
  }

  address(address: string): number {
    return this.#open().addresses.idOf(address);
  }

  optionalAddress(address: string | undefined): number | null {
    return address === undefined ? null : this.#open().addresses.idOf(address);
  }

  /** Makes strings and addresses findable by their text: to be done when a run ends, so that readers find all of them. */
  indexTexts(): void {
    const { strings, addresses } = this.#open();
    strings.index();
    addresses.index();
  }

  /** A new id for a row of the table: one more than the largest. */
  nextId(table: "stored_messages" | "raw_blocks"): number {
    const { maxIds } = this.#open();
    const id = this.#ids.get(table) ?? maxIds[table].get()?.id ?? 0;
    this.#ids.set(table, id + 1);
    return id + 1;
  }

  addBlock(block: BlockRow): void {
    const { id, sourceId, position, text, lines } = block;
    const times = [block.firstMs ?? null, block.lastMs ?? null, block.clockMs ?? null];
    this.#open().addBlock.run(id, sourceId, position, text.size, lines, ...times, text.sha256, text.data);
  }

  addEntry(
    id: number,
    serverId: number,
    at: Moment | undefined,
    event: EntryKind,
    messageId: number | undefined,
    logType: LogType,
  ): void {
    this.#open().entries.add({
      id,
      server_id: serverId,
      at: at ?? null,
      event: this.codes.event(event),
      message_id: messageId ?? null,
      seen_in: logTypeBit(logType),
    });
  }

  /** Says that the entry is also at `location`, in another log; returns whether the main log is new to it. */
  addSighting(entryId: number, location: number, logType: LogType): void {
    const tables = this.#open();
    tables.addSighting.run(location, entryId, this.codes.logType(logType));
    tables.markSeen.run(logTypeBit(logType), entryId);
  }

  /** The unpaired entry of another log that `line` repeats; see {@link TwinFinder}. */
  takeTwin(line: string, at: EpochMs, serverId: number, logType: LogType): number | undefined {
    this.#open();
    return this.#twins.take(line, at, { serverId, logType, logTypeCode: this.codes.logType(logType) });
  }

  addRejection(row: StoredRejectionsTable): void {
    this.#open().rejections.add(row);
  }

  addAddressEvent(row: AddressEventsTable): void {
    this.#open().addressEvents.add(row);
  }

  findMessage(serverId: number, eximId: string): StoredMessage | undefined {
    const tables = this.#open();
    const row = tables.findMessage.get(serverId, eximId);
    if (row === undefined) return undefined;
    return {
      id: row.id,
      firstAt: row.first_at as Moment,
      lastAt: row.last_at as Moment,
      arrivalAt: moment(row.arrival_at),
      queueMs: row.queue_ms ?? undefined,
      marks: {
        completed: moment(row.completed_at),
        frozen: moment(row.frozen_at),
        thawed: moment(row.thawed_at),
        removed: moment(row.removed_at),
        cancelled: moment(row.cancelled_at),
        rejected: moment(row.rejected_at),
        discarded: moment(row.discarded_at),
        notAccepted: moment(row.not_accepted_at),
        queued: moment(row.queued_at),
        ignored: moment(row.ignored_at),
      },
      recipients: tables.recipientsOf
        .all(row.id)
        .map(({ address, announced }) => ({ address, announced: announced === 1 })),
      words: tables.wordsOf.all(row.id).map((word) => this.#toWord(word)),
    };
  }

  /** The greatest id, byte by byte, of the messages of all servers; the empty string when there are none. */
  greatestEximId(): string {
    return this.#open().greatestEximId.get()?.id ?? "";
  }

  addMessage(id: number, serverId: number, eximId: string, state: MessageStateRow, arrival: ArrivalRow): void {
    this.#open().messages.add({ id, server_id: serverId, exim_id: eximId, ...state, ...arrival });
  }

  updateMessage(id: number, state: MessageStateRow, arrival: ArrivalRow | undefined): void {
    const tables = this.#open();
    tables.updateState.run(...STATE_COLUMNS.map((column) => state[column]), id);
    if (arrival !== undefined) tables.updateArrival.run(...ARRIVAL_COLUMNS.map((column) => arrival[column]), id);
  }

  addRecipient(row: StoredRecipientsTable): void {
    this.#open().recipients.add(row);
  }

  /** Adds a recipient, or replaces what is stored of it. */
  putRecipient(row: StoredRecipientsTable): void {
    this.#open().putRecipient.run(...RECIPIENT_COLUMNS.map((column) => row[column]));
  }

  addServer(name: string, timeZone: string, now: EpochMs): ServerRow {
    const sql = "INSERT INTO stored_servers (name, time_zone, created_ms) VALUES (?, ?, ?)";
    const { lastInsertRowid } = this.#statement(sql).run(name, timeZone, now);
    return { id: Number(lastInsertRowid), name, timeZone };
  }

  addSource(source: Omit<SourceRow, "id">, now: EpochMs): number {
    const { lastInsertRowid } = this.#statement(
      `INSERT INTO stored_sources (server_id, log_type, path, head, tail, position, lines, entries, other, unparsed, first_ms, last_ms, updated_ms, created_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(source.serverId, this.codes.logType(source.logType), ...sourceValues(source), now, now);
    return Number(lastInsertRowid);
  }

  /** Stores how far a source is read; false when it is no longer where it was, because another process has read on. */
  updateSource(source: SourceRow, expectedPosition: number, now: EpochMs): boolean {
    const { changes } = this.#statement(
      `UPDATE stored_sources
       SET path = ?, head = ?, tail = ?, position = ?, lines = ?, entries = ?, other = ?, unparsed = ?, first_ms = ?, last_ms = ?, updated_ms = ?
       WHERE id = ? AND position = ?`,
    ).run(...sourceValues(source), now, source.id, expectedPosition);
    return changes === 1;
  }

  startRun(program: string, now: EpochMs): number {
    const sql =
      "INSERT INTO ingest_runs (started_ms, program, result, sources, lines, messages, bytes) VALUES (?, ?, 'running', 0, 0, 0, 0)";
    return Number(this.#statement(sql).run(now, program).lastInsertRowid);
  }

  endRun(id: number, result: RunResult, error: string | undefined, figures: RunFigures, now: EpochMs): void {
    const { sources, lines, messages, bytes } = figures;
    this.#statement(
      "UPDATE ingest_runs SET result = ?, error = ?, sources = ?, lines = ?, messages = ?, bytes = ?, finished_ms = ? WHERE id = ?",
    ).run(result, error ?? null, sources, lines, messages, bytes, now, id);
  }

  /**
   * Takes back a block that has to be read anew: its text, its entries, what they say. An entry that another log shows too
   * moves there. Returns the messages that lost lines; their rows and recipients are to be written again or removed.
   */
  withdrawBlock(blockId: number): readonly BereftMessage[] {
    const range = [entryIdOf(blockId, 0), entryIdOf(blockId + 1, 0)] as const;
    this.#moveTwins(range);
    const messages = this.#statement<[number, number], { id: number; server_id: number; exim_id: string }>(
      `SELECT id, server_id, exim_id FROM stored_messages
       WHERE id IN (SELECT message_id FROM stored_entries WHERE id >= ? AND id < ? AND message_id IS NOT NULL)`,
    ).all(...range);
    this.#statement("DELETE FROM stored_rejections WHERE entry_id >= ? AND entry_id < ?").run(...range);
    this.#statement("DELETE FROM address_events WHERE entry_id >= ? AND entry_id < ?").run(...range);
    for (const { id } of messages) this.#statement("DELETE FROM stored_recipients WHERE message_id = ?").run(id);
    this.#statement("DELETE FROM stored_entries WHERE id >= ? AND id < ?").run(...range);
    this.#statement("DELETE FROM raw_blocks WHERE id = ?").run(blockId);
    this.#rawText.clear();
    this.#twins.forget();
    const entriesOf = this.#statement<[number], { id: number; at: Moment }>(
      "SELECT id, at FROM stored_entries WHERE message_id = ? ORDER BY id",
    );
    return messages.map(({ id, server_id, exim_id }) => ({
      id,
      serverId: server_id,
      eximId: exim_id,
      entries: entriesOf.all(id),
    }));
  }

  /** Counts of the entries whose text is in a block, wherever the entry itself is stored. */
  countBlock(blockId: number): BlockCounts {
    const range = [entryIdOf(blockId, 0), entryIdOf(blockId + 1, 0)] as const;
    const events = this.#statement<[number, number, number, number], { event: number; entries: number }>(
      `SELECT event, count(*) AS entries FROM (
         SELECT event FROM stored_entries WHERE id >= ? AND id < ?
         UNION ALL
         SELECT e.event FROM sightings s JOIN stored_entries e ON e.id = s.entry_id WHERE s.location >= ? AND s.location < ?
       ) GROUP BY event`,
    ).all(...range, ...range);
    const countOf = (kind: EntryKind): number =>
      events.find(({ event }) => event === this.codes.event(kind))?.entries ?? 0;
    const all = events.reduce((sum, { entries }) => sum + entries, 0);
    return { entries: all - countOf("unparsed"), other: countOf("other"), unparsed: countOf("unparsed") };
  }

  /** Earliest and latest entry of the blocks of a source. */
  timesOf(sourceId: number): { readonly firstMs: EpochMs | undefined; readonly lastMs: EpochMs | undefined } {
    const row = this.#statement<[number], { first: EpochMs | null; last: EpochMs | null }>(
      "SELECT min(first_ms) AS first, max(last_ms) AS last FROM raw_blocks WHERE source_id = ?",
    ).get(sourceId);
    return { firstMs: row?.first ?? undefined, lastMs: row?.last ?? undefined };
  }

  removeMessage(id: number): void {
    this.#statement("DELETE FROM stored_messages WHERE id = ?").run(id);
  }

  /** Entries of the range that another log shows too move there; sightings within the range are forgotten. */
  #moveTwins([from, to]: readonly [number, number]): void {
    const gone = this.#statement<[number, number], { location: number; entry_id: number; log_type: number }>(
      "SELECT location, entry_id, log_type FROM sightings WHERE location >= ? AND location < ?",
    ).all(from, to);
    for (const { location, entry_id, log_type } of gone) {
      this.#statement("DELETE FROM sightings WHERE location = ?").run(location);
      this.#unmarkSeen(entry_id, log_type);
    }
    const moving = this.#statement<[number, number], { location: number; entry_id: number; own_type: number }>(
      `SELECT min(s.location) AS location, s.entry_id, o.log_type AS own_type
       FROM sightings s JOIN raw_blocks b ON b.id = s.entry_id / 65536 JOIN stored_sources o ON o.id = b.source_id
       WHERE s.entry_id >= ? AND s.entry_id < ? GROUP BY s.entry_id`,
    ).all(from, to);
    for (const { location, entry_id, own_type } of moving) {
      this.#statement("DELETE FROM sightings WHERE location = ?").run(location);
      this.#unmarkSeen(entry_id, own_type);
      this.#statement("UPDATE stored_entries SET id = ? WHERE id = ?").run(location, entry_id);
      this.#statement("UPDATE sightings SET entry_id = ? WHERE entry_id = ?").run(location, entry_id);
      this.#statement("UPDATE stored_rejections SET entry_id = ? WHERE entry_id = ?").run(location, entry_id);
      this.#statement("UPDATE address_events SET entry_id = ? WHERE entry_id = ?").run(location, entry_id);
    }
  }

  #unmarkSeen(entryId: number, logTypeCode: number): void {
    const bit = logTypeBit(this.codes.logTypeName(logTypeCode));
    this.#statement("UPDATE stored_entries SET seen_in = seen_in & ~? WHERE id = ?").run(bit, entryId);
  }

  /** A statement beyond the hot path, prepared at its first use. */
  #statement<Parameters extends unknown[] = unknown[], Row = unknown>(
    sql: string,
  ): Database.Statement<Parameters, Row> {
    const { prepared } = this.#open();
    let statement = prepared.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      prepared.set(sql, statement);
    }
    return statement as unknown as Database.Statement<Parameters, Row>;
  }

  /** Writes the collected rows, parents before children. */
  flush(): void {
    for (const table of this.#open().bulk) table.flush();
  }

  end(): void {
    this.#ended = true;
  }

  #open(): Tables {
    if (this.#ended) throw new Error("This transaction has ended.");
    return this.#tables;
  }

  #toWord(row: WordRow): StoredWord {
    return {
      recipient: row.recipient,
      target: row.target ?? row.recipient,
      outcome: this.codes.outcomeName(row.outcome),
      at: row.at as Moment,
      isAttempt: row.is_attempt === 1,
      error: row.error ?? undefined,
    };
  }
}

export interface BlockCounts {
  /** Entries that begin with a stamp. */
  readonly entries: number;
  readonly other: number;
  readonly unparsed: number;
}

interface WordRow {
  readonly recipient: string;
  readonly target: string | null;
  readonly outcome: number;
  readonly at: number;
  readonly is_attempt: number;
  readonly error: string | null;
}

interface Flushable {
  flush(): void;
  discard(): void;
}

export interface Tables {
  readonly prepared: Map<string, Database.Statement>;
  readonly strings: Interner;
  readonly addresses: Interner;
  readonly messages: BulkInsert<"stored_messages">;
  readonly entries: BulkInsert<"stored_entries">;
  readonly rejections: BulkInsert<"stored_rejections">;
  readonly addressEvents: BulkInsert<"address_events">;
  readonly recipients: BulkInsert<"stored_recipients">;
  readonly bulk: readonly Flushable[];
  readonly maxIds: Readonly<Record<"stored_messages" | "raw_blocks", Database.Statement<[], { id: number }>>>;
  readonly addBlock: Database.Statement;
  readonly addSighting: Database.Statement;
  readonly markSeen: Database.Statement;
  readonly greatestEximId: Database.Statement<[], { id: string | null }>;
  readonly findMessage: Database.Statement<[number, string], StoredMessagesTable & { id: number }>;
  readonly recipientsOf: Database.Statement<[number], { address: string; announced: number }>;
  readonly wordsOf: Database.Statement<[number], WordRow>;
  readonly putRecipient: Database.Statement;
  readonly updateState: Database.Statement;
  readonly updateArrival: Database.Statement;
}

export function prepareTables(database: Database.Database): Tables {
  const strings = new BulkInsert(database, "strings", ["id", "text"]);
  const addresses = new BulkInsert(database, "addresses", ["id", "address"]);
  const messages = new BulkInsert(database, "stored_messages", [
    "id",
    "server_id",
    "exim_id",
    ...STATE_COLUMNS,
    ...ARRIVAL_COLUMNS,
  ]);
  const entries = new BulkInsert(database, "stored_entries", [
    "id",
    "server_id",
    "at",
    "event",
    "message_id",
    "seen_in",
  ]);
  const rejections = new BulkInsert(database, "stored_rejections", REJECTION_COLUMNS);
  const addressEvents = new BulkInsert(database, "address_events", ADDRESS_EVENT_COLUMNS);
  const recipients = new BulkInsert(database, "stored_recipients", RECIPIENT_COLUMNS);
  return {
    prepared: new Map(),
    strings: new Interner(
      database,
      { table: "strings", column: "text", index: "string_ids" },
      {
        add: (id, text) => strings.add({ id, text }),
        flush: () => strings.flush(),
      },
    ),
    addresses: new Interner(
      database,
      { table: "addresses", column: "address", index: "address_ids" },
      {
        add: (id, address) => addresses.add({ id, address }),
        flush: () => addresses.flush(),
      },
    ),
    messages,
    entries,
    rejections,
    addressEvents,
    recipients,
    bulk: [strings, addresses, messages, entries, rejections, addressEvents, recipients],
    maxIds: {
      stored_messages: database.prepare("SELECT max(id) AS id FROM stored_messages"),
      raw_blocks: database.prepare("SELECT max(id) AS id FROM raw_blocks"),
    },
    addBlock: database.prepare(
      `INSERT INTO raw_blocks (id, source_id, position, size, lines, first_ms, last_ms, clock_ms, sha256, data, codec)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'brotli')`,
    ),
    addSighting: database.prepare("INSERT INTO sightings (location, entry_id, log_type) VALUES (?, ?, ?)"),
    markSeen: database.prepare("UPDATE stored_entries SET seen_in = seen_in | ? WHERE id = ?"),
    greatestEximId: database.prepare("SELECT max(exim_id) AS id FROM stored_messages"),
    findMessage: database.prepare("SELECT * FROM stored_messages WHERE server_id = ? AND exim_id = ?"),
    recipientsOf: database.prepare(
      "SELECT a.address, r.announced FROM stored_recipients r JOIN addresses a ON a.id = r.address_id WHERE r.message_id = ?",
    ),
    wordsOf: database.prepare(
      `SELECT a.address AS recipient, f.address AS target, e.outcome, e.at, e.is_attempt, s.text AS error
       FROM stored_entries n JOIN address_events e ON e.entry_id = n.id JOIN addresses a ON a.id = e.recipient_id
       LEFT JOIN addresses f ON f.id = e.final_id LEFT JOIN strings s ON s.id = e.error_id
       WHERE n.message_id = ?`,
    ),
    putRecipient: database.prepare(
      `INSERT OR REPLACE INTO stored_recipients (${RECIPIENT_COLUMNS.join(", ")}) VALUES (${RECIPIENT_COLUMNS.map(() => "?").join(", ")})`,
    ),
    updateState: database.prepare(
      `UPDATE stored_messages SET ${STATE_COLUMNS.map((column) => `${column} = ?`).join(", ")} WHERE id = ?`,
    ),
    updateArrival: database.prepare(
      `UPDATE stored_messages SET ${ARRIVAL_COLUMNS.map((column) => `${column} = ?`).join(", ")} WHERE id = ?`,
    ),
  };
}

function moment(value: number | null): Moment | undefined {
  return value === null ? undefined : (value as Moment);
}

function sourceValues(source: Omit<SourceRow, "id">): SqlValue[] {
  const { path, head, tail, position, lines, entries, other, unparsed, firstMs, lastMs } = source;
  return [
    path,
    head.subarray(0, IDENTITY_BYTES),
    tail,
    position,
    lines,
    entries,
    other,
    unparsed,
    firstMs ?? null,
    lastMs ?? null,
  ];
}
