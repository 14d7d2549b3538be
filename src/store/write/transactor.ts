/** Writes within one transaction. */
import type Database from "better-sqlite3";
import type { EpochMs, Moment } from "../../units.ts";
import type { SqlValue } from "../database/bulk-insert.ts";
import { prepareOnce } from "../database/prepared.ts";
import {
  type DetectionStep,
  findIncident,
  type IncidentChange,
  type IncidentMute,
  type IncidentWord,
  judgeIncident,
  muteIncidents,
  type ServerEpisodes,
  saveDetection,
  saveEpisodes,
  unmuteIncidents,
} from "../incidents/incidents.ts";
import type { ALONE, RawTextReader } from "../log-text/blocks.ts";
import { keepEqualKeys } from "../log-text/fact-keys.ts";
import { type FreshPostings, indexPostings, lastIndexedBlock, postingEntries } from "../log-text/postings.ts";
import { Outbox } from "../outbox/outbox.ts";
import { PeopleWriter } from "../people/people-writer.ts";
import { CHUNK_SIZES } from "../schema/chunks.ts";
import { type Codes, type LogType, logTypeBit } from "../schema/codes.ts";
import type { StoredEnvelopesTable, StoredHeadersTable, StoredIncidentsTable } from "../schema/tables.ts";
import { type AuditRecord, insertAudit } from "./audit-writer.ts";
import { Retraction } from "./block-retraction.ts";
import { type KeptContent, putContent } from "./contents.ts";
import type { DuplicateFinder } from "./duplicate-finder.ts";
import type { FreshCounts } from "./fresh-counts.ts";
import {
  openQueues,
  type QueueLook,
  replaceHints,
  type StayChanges,
  type StoredHint,
  storeLook,
} from "./queue-looks.ts";
import { rollUp } from "./rollups.ts";
import type {
  AttachedRows,
  BlockCounts,
  BlockRow,
  Orphaned,
  RunFigures,
  RunResult,
  StoredMessage,
  StoredRecipientEvent,
  TaggableMessage,
} from "./rows.ts";
import { IDENTITY_BYTES, type ServerRow, type SourceRow } from "./source-catalogue.ts";
import type { RecipientEventRow, WriteStatements } from "./statements.ts";
import type { SyslogDuplicateSearch, SyslogDuplicates } from "./syslog-duplicate-finder.ts";

/** State that the writer keeps from one transaction to the next. */
export interface WriterMemory {
  readonly rawText: RawTextReader;
  readonly duplicates: DuplicateFinder;
  readonly syslogDuplicates: SyslogDuplicates;
  readonly postings: FreshPostings;
  readonly counts: FreshCounts;
}

/** Operations inside a write transaction. */
export class Transactor {
  readonly codes: Codes;
  readonly #database: Database.Database;
  readonly #tables: WriteStatements;
  readonly #retraction: Retraction;
  readonly #memory: WriterMemory;
  readonly #ids = new Map<string, number>();
  #ended = false;

  constructor(database: Database.Database, tables: WriteStatements, codes: Codes, memory: WriterMemory) {
    this.#database = database;
    this.#tables = tables;
    this.codes = codes;
    this.#retraction = new Retraction(database, codes);
    this.#memory = memory;
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

  /** The id of a path of deliveries. Values in the order of the columns. */
  pathOf(values: readonly (number | null)[]): number {
    return this.#open().paths.idOf(values);
  }

  /** The id of a problem of deliveries. Values in the order of the columns. */
  problemOf(values: readonly (number | null)[]): number {
    return this.#open().problems.idOf(values);
  }

  /** The tables whose rows are bound as they come. */
  get rows(): Pick<WriteStatements, "entries" | "addressEvents" | "rejections" | "clients"> {
    return this.#open();
  }

  /** Makes all that was stored findable, for readers too: to be done when a run ends. */
  indexAll(): void {
    const { strings, addresses } = this.#open();
    strings.index();
    addresses.index();
    this.indexPostings();
  }

  /** Writes the postings of the blocks to the block index. */
  indexPostings(): void {
    this.flush();
    keepEqualKeys(this.#database, this.#memory.rawText, lastIndexedBlock(this.#database));
    indexPostings(this.#database, this.#tables.postings, this.#memory.postings);
  }

  /** Adds up for statistics what is not yet, a part of it; false when nothing is left. To be done when a run ends, again and again. */
  rollUp(sizes = CHUNK_SIZES): boolean {
    this.flush();
    return rollUp(this.#database, sizes, this.#memory.counts);
  }

  /** Adds up a chunk of entries, which no new row can fall into, while the other thread reads on. */
  rollUpEntries(): void {
    this.flush();
    rollUp(this.#database, CHUNK_SIZES, this.#memory.counts, ["entries"]);
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
    const times = [block.firstMs ?? null, block.lastMs ?? null, block.clockMs ?? null, block.readMs];
    this.#open().addBlock.run(id, sourceId, position, text.size, lines, ...times, text.sha256, text.data);
  }

  /** Replaces the fields of an entry that have no column. */
  setDetails(entryId: number, details: string | undefined): void {
    this.#open().setDetails.run(this.optionalString(details), entryId);
  }

  /** Says that the entry is also at `location`, in another log. */
  addDuplicateLocation(entryId: number, location: number, logType: LogType): void {
    const tables = this.#open();
    tables.addDuplicateLocation.run(location, entryId, this.codes.logType(logType));
    tables.markSeen.run(logTypeBit(logType), entryId);
  }

  /** True when another log may show lines of this one, too. */
  hasOtherLogs(serverId: number, logType: LogType): boolean {
    this.#open();
    return this.#memory.duplicates.hasOtherLogs(serverId, logType);
  }

  /** The unpaired entry of another log that `line` repeats; see {@link DuplicateFinder}. */
  takeDuplicate(line: string, at: EpochMs, serverId: number, logType: LogType): number | undefined {
    this.#open();
    return this.#memory.duplicates.take(line, at, serverId, logType);
  }

  /** The entry of syslog that another line of it repeats, if any may; see {@link SyslogDuplicates}. */
  takeSyslogDuplicate(search: SyslogDuplicateSearch, logType: LogType, mayBe: () => boolean): number | undefined {
    const { entries } = this.#open();
    const duplicate = this.#memory.syslogDuplicates.take(search, logType, mayBe);
    // It may be one of those that wait to be inserted.
    if (duplicate !== undefined) entries.flush();
    return duplicate;
  }

  /** Makes an entry of syslog known to {@link Transactor.takeSyslogDuplicate}, which has found none. */
  noteSyslogEntry(search: SyslogDuplicateSearch, entryId: number, logType: LogType): void {
    this.#open();
    this.#memory.syslogDuplicates.note(search, entryId, logType);
  }

  /** Says where further lines of an entry are, or of a duplicate location of it, in a log that came through syslog. */
  addEntryLines(locations: readonly number[], firstLocation: number): void {
    const { entryLines } = this.#open();
    for (const location of locations) entryLines.add({ location, first_location: firstLocation });
  }

  /** Notes of a further line of an entry what it is where only its own log is known. */
  markAlone(location: number, alone: (typeof ALONE)[keyof typeof ALONE]): void {
    this.#statement("UPDATE entry_lines SET alone = ? WHERE location = ?").run(alone, location);
  }

  addHeaders(row: StoredHeadersTable): void {
    this.#open().headers.add(row);
  }

  addEnvelopeAddress(row: StoredEnvelopesTable): void {
    this.#open().envelopes.add(row);
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
      milestones: {
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
      recipientEvents: tables.recipientEventsOf.all(row.id).map((row) => this.#toRecipientEvent(row)),
    };
  }

  /** The greatest id, byte by byte, of the messages of all servers; the empty string when there are none. */
  greatestEximId(): string {
    return this.#open().greatestEximId.get()?.id ?? "";
  }

  /** Inserts of new messages and their recipients. */
  get messageRows(): Pick<WriteStatements, "messages" | "recipients"> {
    return this.#open();
  }

  /** Values in the order of the columns. */
  updateMessage(id: number, state: readonly SqlValue[], arrival: readonly SqlValue[] | undefined): void {
    const tables = this.#open();
    tables.updateState.run(...state, id);
    if (arrival !== undefined) tables.updateArrival.run(...arrival, id);
  }

  /** Stores what few messages have. Values in the order of the columns. */
  putMilestones(messageId: number, values: readonly SqlValue[]): void {
    this.#open().putMilestones.run(messageId, ...values);
  }

  /** Adds a recipient, or replaces what is stored of it. Values in the order of the columns. */
  putRecipient(values: readonly SqlValue[]): void {
    this.#open().putRecipient.run(...values);
  }

  /** Counts of entries for statistics, kept while they are stored. */
  get counts(): FreshCounts {
    return this.#memory.counts;
  }

  /** Postings of blocks, collected while they are stored. */
  get postings(): FreshPostings {
    return this.#memory.postings;
  }

  /** The messages with an id of Exim's, one a server. */
  findTaggable(eximId: string): readonly TaggableMessage[] {
    return this.#statement(
      `SELECT m.server_id AS serverId, v.name AS server FROM stored_messages m JOIN stored_servers v ON v.id = m.server_id
       WHERE m.exim_id = ? ORDER BY v.name`,
    ).all(eximId) as TaggableMessage[];
  }

  /** Users, notes and tags. */
  get people(): PeopleWriter {
    this.#open();
    return new PeopleWriter(this.#database);
  }

  /** Adds a record to the audit log, of what this transaction does. */
  addAudit(record: AuditRecord): void {
    this.#open();
    insertAudit(this.#database, record);
  }

  /** Notifications, stored and sent in the transaction of what they are about. */
  get outbox(): Outbox {
    this.#open();
    return new Outbox(this.#database);
  }

  /** Stores a look at a queue; see {@link storeLook}. */
  addLook(look: QueueLook): StayChanges | "known" | "older" {
    this.#open();
    return storeLook(this.#database, look);
  }

  /** Keeps what is in a message, in the place of what was kept of it before. */
  putContent(kept: KeptContent): void {
    this.#open();
    putContent(this.#database, kept);
  }

  /** Names of the queues of a server on which messages are, as far as looks have told. */
  openQueues(serverId: number): readonly string[] {
    this.#open();
    return openQueues(this.#database, serverId);
  }

  /** Puts the retry records of a server in the place of those that an earlier look found. */
  replaceHints(serverId: number, hints: readonly StoredHint[], seenAt: EpochMs): void {
    this.#open();
    replaceHints(this.#database, serverId, hints, seenAt);
  }

  /** Brings the incidents of a server in line with what detection found; see {@link saveEpisodes}. */
  saveEpisodes(server: ServerEpisodes): IncidentChange[] {
    this.#open();
    return saveEpisodes(this.#database, server);
  }

  /** False, and nothing is stored, when another run of detection has stored a step meanwhile. */
  saveDetection(step: DetectionStep): boolean {
    this.#open();
    return saveDetection(this.#database, step);
  }

  findIncident(id: number): StoredIncidentsTable | undefined {
    this.#open();
    return findIncident(this.#database, id);
  }

  /** 0 when there is none. */
  highestIncident(): number {
    const sql = "SELECT coalesce(max(id), 0) AS id FROM stored_incidents";
    return this.#statement<[], { id: number }>(sql).get()?.id ?? 0;
  }

  /** False, and nothing is changed, when the incident has that status already. */
  judgeIncident(incident: StoredIncidentsTable, word: IncidentWord): boolean {
    this.#open();
    return judgeIncident(this.#database, incident, word);
  }

  muteIncidents(mute: IncidentMute, now: EpochMs): void {
    this.#open();
    muteIncidents(this.#database, mute, now);
  }

  /** False when they were not muted. */
  unmuteIncidents(kind: string, subject: string): boolean {
    this.#open();
    return unmuteIncidents(this.#database, kind, subject);
  }

  addServer(name: string, timeZone: string, now: EpochMs): ServerRow {
    const sql = "INSERT INTO stored_servers (name, time_zone, created_ms) VALUES (?, ?, ?)";
    const { lastInsertRowid } = this.#statement(sql).run(name, timeZone, now);
    const unset = { environment: undefined, owner: undefined, ownerUserId: undefined };
    return { id: Number(lastInsertRowid), name, timeZone, ...unset };
  }

  /** True while text, a message or an entry of the server is stored. */
  hasContent(serverId: number): boolean {
    return [
      "SELECT 1 FROM stored_sources s JOIN raw_blocks b ON b.source_id = s.id WHERE s.server_id = ?",
      "SELECT 1 FROM stored_messages WHERE server_id = ?",
      "SELECT 1 FROM stored_entries WHERE server_id = ?",
    ].some((question) => this.#statement(`${question} LIMIT 1`).get(serverId) !== undefined);
  }

  /** Removes a server that has no content, with its logs, of which no text is left, and all that was attached to its messages. */
  removeServer(id: number): AttachedRows {
    const remove = (table: string, condition = "server_id = ?"): number =>
      this.#statement(`DELETE FROM ${table} WHERE ${condition}`).run(id).changes;
    const ofServer = (table: string): string => `(SELECT id FROM ${table} WHERE server_id = ?)`;
    remove("snapshot_domains", `snapshot_id IN ${ofServer("stored_snapshots")}`);
    remove("stored_attachments", `content_id IN ${ofServer("stored_contents")}`);
    const attached = {
      notes: remove("stored_notes"),
      tags: remove("stored_tags"),
      snapshots: remove("stored_snapshots"),
      contents: remove("stored_contents"),
      incidents: remove("stored_incidents"),
    };
    for (const table of ["queue_stays", "stored_hints", "detection_progress", "detection_states", "stored_sources"])
      remove(table);
    remove("stored_servers", "id = ?");
    return attached;
  }

  /** Removes a server of which nothing is stored or said. Not while another run may be about to store the first log of it. */
  removeUnusedServer(id: number): void {
    this.#statement(
      `DELETE FROM stored_servers WHERE id = ? AND environment IS NULL AND owner IS NULL
         AND NOT EXISTS (SELECT 1 FROM stored_sources WHERE server_id = stored_servers.id)
         AND NOT EXISTS (SELECT 1 FROM stored_messages WHERE server_id = stored_servers.id)
         AND NOT EXISTS (SELECT 1 FROM stored_snapshots WHERE server_id = stored_servers.id)
         AND NOT EXISTS (SELECT 1 FROM stored_contents WHERE server_id = stored_servers.id)
         AND NOT EXISTS (SELECT 1 FROM stored_notes WHERE server_id = stored_servers.id)
         AND NOT EXISTS (SELECT 1 FROM stored_tags WHERE server_id = stored_servers.id)
         AND NOT EXISTS (SELECT 1 FROM stored_incidents WHERE server_id = stored_servers.id)
         AND NOT EXISTS (SELECT 1 FROM ingest_runs WHERE result = 'running')`,
    ).run(id);
  }

  updateServer({ id, name, timeZone, environment, owner, ownerUserId }: ServerRow): void {
    const sql =
      "UPDATE stored_servers SET name = ?, time_zone = ?, environment = ?, owner = ?, owner_user_id = ? WHERE id = ?";
    this.#statement(sql).run(name, timeZone, environment ?? null, owner ?? null, ownerUserId ?? null, id);
  }

  /** Notes the version of Exim that a line tells; that of the latest line counts. */
  noteVersion(serverId: number, version: string, at: Moment): void {
    this.#statement(
      `UPDATE stored_servers SET version = ?, version_at = ?
       WHERE id = ? AND (version_at IS NULL OR (version_at, version) < (?, ?))`,
    ).run(version, at, serverId, at, version);
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
       SET log_type = ?, path = ?, head = ?, tail = ?, position = ?, lines = ?, entries = ?, other = ?, unparsed = ?, first_ms = ?, last_ms = ?, updated_ms = ?
       WHERE id = ? AND position = ?`,
    ).run(this.codes.logType(source.logType), ...sourceValues(source), now, source.id, expectedPosition);
    return changes === 1;
  }

  /** Stores the name a log now has; nothing else of it is new. */
  renameSource(id: number, path: string): void {
    this.#statement("UPDATE stored_sources SET path = ? WHERE id = ?").run(path, id);
  }

  /** Notes that a version of the parser has read what this run stores. */
  noteParser(version: number, now: EpochMs): void {
    this.#statement("INSERT OR IGNORE INTO parser_versions (version, first_ms) VALUES (?, ?)").run(version, now);
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
   * Takes back a block that has to be read again: its text, its entries, what they say. An entry that another log shows too
   * moves there. Returns what is to be derived again from the lines that are left.
   */
  retractBlock(blockId: number): Orphaned {
    this.#open();
    const orphaned = this.#retraction.retract(blockId);
    this.#forget();
    return orphaned;
  }

  /**
   * Takes back the entries of some lines of stored blocks, to be added again, and then {@link endRetraction}: all lines of each. See
   * {@link retractBlock}.
   */
  retractLines(locations: readonly number[]): Orphaned {
    this.flush();
    const orphaned = this.#retraction.retractLines(locations);
    this.#forget();
    return orphaned;
  }

  #forget(): void {
    this.#memory.postings.spoil();
    this.#memory.counts.spoil();
    this.#memory.rawText.clear();
    this.#memory.duplicates.forget();
    this.#memory.syslogDuplicates.forget();
  }

  /** Ends {@link retractLines}: the entries of the lines have been added again, and are made findable. */
  endRetraction(locations: readonly number[]): void {
    this.flush();
    this.#retraction.forgetKeys(locations);
    postingEntries(this.#database, locations);
  }

  /** Counts of the entries that begin at a line, wherever the entry itself is stored. */
  countLine(location: number): BlockCounts {
    this.flush();
    return this.#retraction.countRange([location, location + 1]);
  }

  /** Adds to the counts of a source. */
  addCounts(sourceId: number, { entries, other, unparsed }: BlockCounts): void {
    this.#statement(
      "UPDATE stored_sources SET entries = entries + ?, other = other + ?, unparsed = unparsed + ? WHERE id = ?",
    ).run(entries, other, unparsed, sourceId);
  }

  /** Counts of the entries whose text is in a block, wherever the entry itself is stored. */
  countBlock(blockId: number): BlockCounts {
    this.#open();
    return this.#retraction.count(blockId);
  }

  /** Earliest and latest entry of the blocks of a source. */
  timesOf(sourceId: number): { readonly firstMs: EpochMs | undefined; readonly lastMs: EpochMs | undefined } {
    this.#open();
    return this.#retraction.timesOf(sourceId);
  }

  removeMessage(id: number): void {
    this.#statement("DELETE FROM stored_messages WHERE id = ?").run(id);
  }

  /** A statement beyond the hot path. */
  #statement<Parameters extends unknown[] = unknown[], Row = unknown>(sql: string) {
    this.#open();
    return prepareOnce<Parameters, Row>(this.#database, sql);
  }

  /** Writes the collected rows, parents before children. */
  flush(): void {
    for (const table of this.#open().bulk) table.flush();
  }

  end(): void {
    this.#ended = true;
  }

  #open(): WriteStatements {
    if (this.#ended) throw new Error("This transaction has ended.");
    return this.#tables;
  }

  #toRecipientEvent(row: RecipientEventRow): StoredRecipientEvent {
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
