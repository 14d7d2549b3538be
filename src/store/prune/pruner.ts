/**
 * Takes away what a plan lets go, a slice at a time. Each slice is a short transaction of its own: an ingest that runs meanwhile
 * does not wait for long. A kill between two slices leaves a sound database.
 */
import { randomInt } from "node:crypto";
import type Database from "better-sqlite3";
import { PilotError } from "../../errors.ts";
import { type EpochMs, epochMs, toIso } from "../../units.ts";
import { retryWhileBusy } from "../database/busy.ts";
import { closeWriter } from "../database/companions.ts";
import { dataVersion, withTranslation } from "../database/connection.ts";
import { prepareOnce } from "../database/prepared.ts";
import type { StoreSettings } from "../database/settings.ts";
import { translateSqliteError } from "../database/sqlite-errors.ts";
import {
  ALONE,
  damagedText,
  entryIdOf,
  LINES_PER_BLOCK,
  RawTextReader,
  sha256,
  unpackBytes,
} from "../log-text/blocks.ts";
import { FactKeys, keepKeys, keysOf } from "../log-text/fact-keys.ts";
import { forgetPostings, type PostingRow, PostingSweep, postingEntries, textKey } from "../log-text/postings.ts";
import { type Codes, loadCodes, logTypeBit } from "../schema/codes.ts";
import { isPlausible, plausibleTime } from "../schema/plausible-time.ts";
import { tableSizes } from "../schema/table-sizes.ts";
import { INDEX_OF, type TextTableName } from "../schema/text-references.ts";
import { type UnusedText, UsedTexts } from "./orphan-texts.ts";
import {
  blockTimes,
  type Cutoffs,
  FACT_TABLES,
  KEPT_TABLES,
  type KeptClass,
  OLD_AUDIT,
  OLD_NOTIFICATION,
  OLD_RUNS,
  PrunePlan,
  TUPLES,
  textOf,
  usedTuples,
} from "./prune-plan.ts";

/** Rows that went, by table. */
export type RemovedRows = Readonly<Record<string, number>>;

/** A block of text that expires, with its log. */
export interface ExpiredBlock {
  readonly id: number;
  readonly sourceId: number;
  /** Position of its first byte in the log. */
  readonly position: number;
  readonly size: number;
  /** Size of the text as the database keeps it. */
  readonly packedSize: number;
  /** Hash of its text when the plan was made. */
  readonly sha256: Buffer;
  readonly lines: number;
  readonly firstMs: EpochMs | null;
  readonly lastMs: EpochMs | null;
}

export interface PrunedLog {
  readonly sourceId: number;
  readonly server: string;
  readonly timeZone: string;
  readonly logType: string;
  readonly path: string;
  /** The first bytes of the log. */
  readonly head: Uint8Array;
}

export interface FileSize {
  /** Size of the file. */
  readonly bytes: number;
  /** Bytes in use. */
  readonly usedBytes: number;
}

/** One class of what is kept. */
export interface ClassTotals {
  readonly name: "logs" | "messages" | "audit" | "snapshots" | "content" | "outbox" | "incidents" | "notes";
  /** Lines, messages, records, looks at queues, messages with content, notifications, incidents, notes. */
  readonly total: number;
  /** Number of them that expire by the plan. */
  readonly expired: number;
  /** ISO-8601 UTC; null when there are none. */
  readonly oldest: string | null;
  readonly newest: string | null;
  /** On disk. */
  readonly bytes: number;
}

export interface UnusedTuples {
  readonly table: (typeof TUPLES)[number]["table"];
  readonly ids: readonly number[];
  /** Version of the database at which nothing refers to them. */
  readonly version: number;
}

const CLASS_TABLES = {
  logs: ["raw_blocks", "entry_lines"],
  messages: [
    "stored_messages",
    "stored_recipients",
    "stored_tags",
    "stored_entries",
    ...FACT_TABLES,
    "kept_keys",
    ...TUPLES.map(({ table }) => table),
    "duplicate_locations",
    "postings",
  ],
  audit: ["stored_audit", "ingest_runs"],
  snapshots: KEPT_TABLES.snapshots.map(({ table }) => table),
  content: KEPT_TABLES.content.map(({ table }) => table),
  outbox: KEPT_TABLES.outbox.map(({ table }) => table),
  incidents: KEPT_TABLES.incidents.map(({ table }) => table),
  notes: KEPT_TABLES.notes.map(({ table }) => table),
} as const;

export interface UnusedTexts extends Readonly<Record<TextTableName, readonly UnusedText[]>> {
  /** Version of the database at which no row names them. */
  readonly version: number;
}

/** Ids of texts that are out of the index. */
export interface HiddenTexts {
  readonly used: readonly number[];
  readonly unused: readonly number[];
}

export class Pruner {
  readonly plan: PrunePlan;
  readonly #database: Database.Database;
  readonly #path: string;
  readonly #waitMs: number;
  readonly #codes: Codes;
  readonly #now: () => EpochMs;
  /** Tells the texts that this prune hides from those of another. */
  readonly #runId = randomInt(GREATEST_RUN);
  #lockMs = 0;
  #longestLockMs = 0;

  constructor(database: Database.Database, { path, waitMs, now }: Pick<StoreSettings, "path" | "waitMs" | "now">) {
    this.#database = database;
    this.#now = now;
    this.#path = path;
    this.#waitMs = waitMs;
    this.#codes = loadCodes(database);
    this.plan = new PrunePlan(database, this.#codes);
    // NOTE: with SQLite's own checkpoints, at a commit, others would wait for the disk as well.
    database.pragma("wal_autocheckpoint = 0");
    database.exec(`
      CREATE TEMP TABLE slice (id INTEGER PRIMARY KEY);
      CREATE TEMP TABLE slice_entries (id INTEGER PRIMARY KEY);`);
  }

  /** Errors: as {@link closeWriter}. */
  close(): void {
    closeWriter(this.#database, this.#path);
  }

  /** Milliseconds for which the last step kept others from writing. */
  get lockMs(): number {
    return this.#lockMs;
  }

  /** The longest that a step has kept others from writing. */
  get longestLockMs(): number {
    return this.#longestLockMs;
  }

  /** A step for each table. Errors: `corrupt`, with the first of what SQLite found. */
  *quickCheck(): Generator<undefined, void> {
    const tables = this.#database
      .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
      .pluck()
      .all();
    for (const table of ["sqlite_schema", ...tables]) {
      this.#assertWhole(table);
      yield;
    }
  }

  #assertWhole(table: string): void {
    const name = `"${table.replaceAll('"', '""')}"`;
    const damage = withTranslation(
      this.#path,
      () => this.#database.pragma(`quick_check(${name})`, { simple: true }) as string,
    );
    if (damage === "ok") return;
    throw new PilotError("corrupt", `The database "${this.#path}" is damaged: ${damage}.`, {
      hint: "Nothing was removed. Keep the file, restore a backup, and ingest the logs again.",
    });
  }

  /**
   * The newest line when the clock is behind most of the text, both when that was written and when it was read: no line alone tells
   * that a clock is wrong. Undefined: it may be right.
   */
  newestAheadOfClock(now: EpochMs): EpochMs | undefined {
    const { toMs } = plausibleTime(now);
    const row = this.#database
      .prepare<[number, number], { blocks: number; ahead: number; newest: number | null }>(
        `SELECT count(*) AS blocks, count(*) FILTER (WHERE is_ahead) AS ahead, max(last_ms) FILTER (WHERE is_ahead) AS newest
         FROM (SELECT b.last_ms, b.last_ms > ? AND s.updated_ms > ? AS is_ahead
               FROM raw_blocks b JOIN stored_sources s ON s.id = b.source_id WHERE b.last_ms IS NOT NULL)`,
      )
      .get(toMs, toMs);
    return row === undefined || row.newest === null || 2 * row.ahead <= row.blocks ? undefined : epochMs(row.newest);
  }

  classes({ auditMs, snapshotsMs, contentMs, outboxMs, nowMs, incidentsMs, notesMs }: Cutoffs): readonly ClassTotals[] {
    const sizes = tableSizes(this.#database);
    const time = plausibleTime(nowMs);
    const furthest = (choose: "min" | "max", at: string): string =>
      `${choose}(${at}) FILTER (WHERE ${isPlausible(at, time)})`;
    const row = (name: ClassTotals["name"], sql: string, ...values: number[]): ClassTotals => {
      const totals = this.#database.prepare(sql).get(...values) as Record<"total" | "expired", number> &
        Record<"oldest" | "newest", EpochMs | null>;
      const iso = (at: EpochMs | null): string | null => (at === null ? null : toIso(at));
      const bytes = CLASS_TABLES[name].reduce((sum, table) => sum + (sizes.get(table) ?? 0), 0);
      const { total, expired, oldest, newest } = totals;
      return { name, total, expired, oldest: iso(oldest), newest: iso(newest), bytes };
    };
    return [
      row(
        "logs",
        `SELECT coalesce(sum(lines), 0) AS total, ${furthest("min", "first_ms")} AS oldest, ${furthest("max", "last_ms")} AS newest,
                coalesce(sum(lines) FILTER (WHERE id IN (SELECT id FROM temp.expired_blocks)), 0) AS expired FROM raw_blocks`,
      ),
      row(
        "messages",
        `SELECT count(*) AS total, ${furthest("min", "first_at / 1000")} AS oldest, ${furthest("max", "last_at / 1000")} AS newest,
                (SELECT count(*) FROM temp.expired_messages) AS expired FROM stored_messages`,
      ),
      row(
        "audit",
        `SELECT count(*) AS total, min(at_ms) AS oldest, max(at_ms) AS newest, count(*) FILTER (WHERE ${OLD_AUDIT}) AS expired
         FROM stored_audit`,
        auditMs,
      ),
      row(
        "snapshots",
        `SELECT count(*) AS total, ${furthest("min", "at_ms")} AS oldest, ${furthest("max", "at_ms")} AS newest,
                count(*) FILTER (WHERE at_ms < ?) AS expired FROM stored_snapshots`,
        snapshotsMs,
      ),
      row(
        "content",
        `SELECT count(*) AS total, ${furthest("min", "captured_ms")} AS oldest, ${furthest("max", "captured_ms")} AS newest,
                count(*) FILTER (WHERE captured_ms < ?) AS expired FROM stored_contents`,
        contentMs,
      ),
      row(
        "outbox",
        `SELECT count(*) AS total, ${furthest("min", "created_ms")} AS oldest, ${furthest("max", "created_ms")} AS newest,
                count(*) FILTER (WHERE ${OLD_NOTIFICATION}) AS expired FROM stored_outbox`,
        outboxMs,
      ),
      row(
        "incidents",
        `SELECT count(*) AS total, ${furthest("min", "start_ms")} AS oldest, ${furthest("max", "last_ms")} AS newest,
                count(*) FILTER (WHERE end_ms < ?) AS expired FROM stored_incidents`,
        incidentsMs,
      ),
      row(
        "notes",
        `SELECT count(*) AS total, ${furthest("min", "created_ms")} AS oldest, ${furthest("max", "updated_ms")} AS newest,
                count(*) FILTER (WHERE updated_ms < ?) AS expired FROM stored_notes`,
        notesMs,
      ),
    ];
  }

  /** Removes records of the audit log and of runs of ingest that the plan lets go. */
  removeAudit(auditMs: EpochMs): RemovedRows {
    return this.#inTransaction((removed) => {
      this.#database.prepare("UPDATE audit_retention SET keep_from_ms = max(keep_from_ms, ?)").run(auditMs);
      this.#remove(removed, "stored_audit", OLD_AUDIT, auditMs);
      this.#remove(removed, "ingest_runs", OLD_RUNS, auditMs);
    });
  }

  /** Removes up to `amount` of what was kept before, table by table; undefined when nothing of it is left. */
  removeKept(name: KeptClass, before: EpochMs, amount: number): RemovedRows | undefined {
    for (const { table, key, isOld } of KEPT_TABLES[name]) {
      const removed = this.#inTransaction((rows) => {
        this.#remove(
          rows,
          table,
          `${key} IN (SELECT DISTINCT ${key} FROM ${table} WHERE ${isOld} LIMIT ?)`,
          before,
          amount,
        );
      });
      if ((removed[table] ?? 0) > 0) return removed;
    }
    return undefined;
  }

  /** When a prune last ended as it should. */
  lastRunMs(): EpochMs | undefined {
    const at = this.#database
      .prepare<[], EpochMs | null>("SELECT max(at_ms) FROM stored_audit WHERE action = 'prune' AND result = 'done'")
      .pluck()
      .get();
    return at ?? undefined;
  }

  size(): FileSize {
    const [pages = 0, free = 0, pageSize = 0] = ["page_count", "freelist_count", "page_size"].map(
      (name) => this.#database.pragma(name, { simple: true }) as number,
    );
    return { bytes: pages * pageSize, usedBytes: (pages - free) * pageSize };
  }

  /** The logs that lose text, each with its blocks in their order. */
  *expiredLogs(): Generator<readonly [log: PrunedLog, blocks: readonly ExpiredBlock[]]> {
    const logs = this.#database
      .prepare<[], PrunedLog & { log_type: number }>(
        `SELECT s.id AS sourceId, v.name AS server, v.time_zone AS timeZone, s.log_type, s.path, s.head
         FROM stored_sources s JOIN stored_servers v ON v.id = s.server_id
         WHERE s.id IN (SELECT source_id FROM temp.expired_blocks) ORDER BY s.id`,
      )
      .all();
    const blocks = this.#database.prepare<[number], ExpiredBlock>(
      `SELECT id, source_id AS sourceId, position, size, length(data) AS packedSize, sha256, lines, first_ms AS firstMs,
              last_ms AS lastMs
       FROM raw_blocks JOIN temp.expired_blocks USING (id, source_id, position, sha256) WHERE source_id = ? ORDER BY position`,
    );
    for (const { log_type, ...log } of logs)
      yield [{ ...log, logType: this.#codes.logTypeName(log_type) }, blocks.all(log.sourceId)];
  }

  /** The text of a block, held against its hash. Errors: `busy` when it has changed since the plan was made, `corrupt`. */
  bytesOf({ id, sha256: expected }: ExpiredBlock): Buffer {
    const row = this.#prepare("SELECT data FROM raw_blocks WHERE id = ? AND sha256 = ?").get(id, expected) as
      | { data: Uint8Array }
      | undefined;
    if (row === undefined) {
      throw new PilotError("busy", "A log was read again while what goes was being archived.", {
        hint: "Nothing of it was removed. Run it again.",
      });
    }
    const bytes = unpackBytes(id, row.data);
    if (!sha256(bytes).equals(expected)) throw damagedText(id);
    return bytes;
  }

  /** Ids of the blocks that fall, those of a log in their order: to be removed before {@link expiredMessages}. */
  expiredBlocks(): number[] {
    return this.#database
      .prepare<[], number>("SELECT id FROM temp.expired_blocks ORDER BY source_id, position")
      .pluck()
      .all();
  }

  /** Ids of the messages that go. */
  expiredMessages(): number[] {
    return this.#database.prepare<[], number>("SELECT id FROM temp.expired_messages ORDER BY id").pluck().all();
  }

  /**
   * Removes blocks, and what only their text tells. A block that was read again since the plan was made stays, and so do those
   * behind it: what is left of a log is its end.
   */
  removeBlocks(ids: readonly number[]): RemovedRows {
    return this.#inTransaction((removed) => {
      const isAsPlanned = this.#database
        .prepare<[number], number>(
          `SELECT 1 FROM raw_blocks b JOIN temp.expired_blocks f USING (id, source_id, position, sha256)
           JOIN stored_sources s ON s.id = b.source_id AND s.pruned = b.position WHERE b.id = ?`,
        )
        .pluck();
      const keys = new FactKeys(this.#database, new RawTextReader(this.#database));
      for (const id of ids) if (isAsPlanned.get(id) === 1) this.#removeBlock(id, keys, removed);
      // The next block may get the id of one that has gone.
      forgetPostings(this.#database, []);
    });
  }

  /** Removes messages with all that is known of them. One that has got a line since the plan was made stays. */
  removeMessages(ids: readonly number[]): RemovedRows {
    return this.#inTransaction((removed) => {
      this.#fillSlice(
        ids,
        `SELECT m.id FROM stored_messages m JOIN temp.expired_messages g USING (id, last_at, status)
         WHERE m.id = ? AND NOT EXISTS (${textOf("m.id", "TRUE")})`,
      );
      this.#run("DELETE FROM temp.slice_entries");
      this.#run(
        `INSERT INTO temp.slice_entries (id)
         SELECT id FROM stored_entries INDEXED BY idx_stored_entries_message_id WHERE message_id IN (SELECT id FROM temp.slice)`,
      );
      const entries = "SELECT id FROM temp.slice_entries";
      for (const table of [...FACT_TABLES, "duplicate_locations"])
        this.#remove(removed, table, `entry_id IN (${entries})`);
      this.#run(`DELETE FROM kept_keys WHERE entry_id IN (${entries})`);
      this.#remove(removed, "stored_entries", `id IN (${entries})`);
      this.#remove(removed, "stored_recipients", "message_id IN (SELECT id FROM temp.slice)");
      const keys = "SELECT exim_id, server_id FROM stored_messages WHERE id IN (SELECT id FROM temp.slice)";
      for (const table of ["stored_tags", "stored_notes"])
        this.#remove(removed, table, `(exim_id, server_id) IN (${keys})`);
      this.#remove(removed, "stored_messages", "id IN (SELECT id FROM temp.slice)");
      forgetPostings(this.#database, []);
    });
  }

  /** Ways of delivery and reasons that no entry has any more, looked for without a lock. */
  unusedTuples(tuple: (typeof TUPLES)[number]): UnusedTuples {
    const version = dataVersion(this.#database);
    const ids = this.#database
      .prepare<[], number>(`SELECT id FROM ${tuple.table} WHERE id NOT IN (${usedTuples(tuple)})`)
      .pluck()
      .all();
    return { table: tuple.table, ids, version };
  }

  /** Removes some of them; undefined, and nothing is removed, when another process has written since they were looked for. */
  removeTuples({ table, version }: UnusedTuples, ids: readonly number[]): RemovedRows | undefined {
    let isCurrent = false;
    const removed = this.#inTransaction((counts) => {
      isCurrent = dataVersion(this.#database) === version;
      if (!isCurrent) return;
      this.#fillSlice(ids, "SELECT ?");
      this.#remove(counts, table, "id IN (SELECT id FROM temp.slice)");
    });
    return isCurrent ? removed : undefined;
  }

  /** Finds postings of removed blocks: to be done after the blocks of the plan are removed, and again after more are. */
  sweepPostings(): PostingSweep {
    return new PostingSweep(this.#database);
  }

  removeStalePostings(sweep: PostingSweep, rows: readonly PostingRow[]): void {
    this.#inTransaction(() => sweep.drop(rows));
  }

  /** Texts that no row names any more, looked for without a lock. */
  *unusedTexts(): Generator<undefined, UnusedTexts> {
    const version = dataVersion(this.#database);
    const used = yield* UsedTexts.read(this.#database);
    return { strings: used.unused("strings"), addresses: used.unused("addresses"), version };
  }

  /**
   * Takes texts that are to be removed out of the index and into unused_texts. From then on no row can come to name them unseen: a
   * run that reads logs meanwhile and needs one takes it back.
   */
  hideTexts(table: TextTableName, texts: readonly UnusedText[]): void {
    this.#inTransaction(() => {
      const { index, column } = INDEX_OF[table];
      const find = this.#prepare(`SELECT ${column} FROM ${table} WHERE id = ?`).pluck();
      for (const { id, key } of texts) {
        const text = find.get(id) as string | undefined;
        // NOTE: another text has the id when a rebuild has taken place meanwhile.
        if (text === undefined || textKey(text) !== key) continue;
        const isFound = this.#prepare(`DELETE FROM ${index} WHERE ${column} = ? AND id = ?`).run(text, id).changes > 0;
        if (!isFound) continue;
        this.#prepare("INSERT INTO unused_texts (table_name, text, text_rowid, run) VALUES (?, ?, ?, ?)").run(
          table,
          text,
          id,
          this.#runId,
        );
      }
    });
  }

  /**
   * The ids of hidden texts that can be removed, and of those that a row has come to name before they were hidden. When nobody else
   * has written since they were looked for, no row need be read.
   */
  *hiddenTexts({ version }: UnusedTexts): Generator<undefined, Readonly<Record<TextTableName, HiddenTexts>>> {
    const hidden = (table: TextTableName): number[] => this.#idsOfUnused(`run = ${this.#runId}`, table);
    const ids = { strings: hidden("strings"), addresses: hidden("addresses") };
    const isAny = ids.strings.length + ids.addresses.length > 0;
    const isAlone = dataVersion(this.#database) === version;
    const used = isAny && !isAlone ? yield* UsedTexts.read(this.#database) : undefined;
    const split = (table: TextTableName): HiddenTexts => {
      const isUsed = (id: number): boolean => used?.isUsed(table, id) === true;
      return { used: ids[table].filter(isUsed), unused: ids[table].filter((id) => !isUsed(id)) };
    };
    return { strings: split("strings"), addresses: split("addresses") };
  }

  /** The ids of texts that another prune has hidden: one that was killed, or runs now and then leaves them alone. */
  textsHiddenByOthers(table: TextTableName): number[] {
    return this.#idsOfUnused(`run <> ${this.#runId}`, table);
  }

  /** Puts hidden texts back into the index. */
  recoverTexts(table: TextTableName, ids: readonly number[]): void {
    this.#inTransaction(() => {
      const { index, column } = INDEX_OF[table];
      this.#fillSlice(ids, "SELECT ?");
      this.#run(
        `INSERT INTO ${index} (${column}, id) SELECT text, text_rowid FROM unused_texts
         WHERE table_name = '${table}' AND text_rowid IN (SELECT id FROM temp.slice) ORDER BY text`,
      );
      this.#run(`DELETE FROM unused_texts WHERE table_name = '${table}' AND text_rowid IN (SELECT id FROM temp.slice)`);
    });
  }

  /** Removes texts that are still hidden: what a run has taken back stays. */
  removeTexts(table: TextTableName, ids: readonly number[]): RemovedRows {
    return this.#inTransaction((removed) => {
      this.#fillSlice(
        ids,
        `SELECT text_rowid FROM unused_texts WHERE table_name = '${table}' AND run = ${this.#runId} AND text_rowid = ?`,
      );
      this.#remove(removed, table, "id IN (SELECT id FROM temp.slice)");
      this.#run(`DELETE FROM unused_texts WHERE table_name = '${table}' AND text_rowid IN (SELECT id FROM temp.slice)`);
    });
  }

  /** Gives up to so many free pages at the end of the file back to the system; returns how many are left. */
  returnPages(pages: number): number {
    this.#inTransaction(() => this.#database.pragma(`incremental_vacuum(${pages})`));
    return this.#database.pragma("freelist_count", { simple: true }) as number;
  }

  /** True if the file can shrink a little at a time; otherwise only {@link vacuum} makes it smaller. */
  get canShrink(): boolean {
    return (this.#database.pragma("auto_vacuum", { simple: true }) as number) === INCREMENTAL;
  }

  /** Writes what is in the log of the transactions to the file, as far as no reader needs it, and cuts the file off. */
  checkpoint(): void {
    this.#database.pragma("wal_checkpoint(PASSIVE)");
  }

  /** Writes the whole file again; nobody else can write meanwhile. From then on it can shrink a little at a time. */
  vacuum(): void {
    this.#database.pragma("auto_vacuum = INCREMENTAL");
    retryWhileBusy(this.#waitMs, 0, () => this.#database.exec("VACUUM"), this.#path);
    this.#database.pragma("wal_checkpoint(TRUNCATE)");
  }

  /**
   * A moment up to which text has to go so that about `bytes` are freed; undefined when all of it would have to. `share`: how
   * many bytes of the file one byte of compressed text stands for.
   */
  cutoffToFree(bytes: number, now: EpochMs): EpochMs | undefined {
    const { usedBytes } = this.size();
    const rows = this.#database
      .prepare<[], { until: number; bytes: number }>(
        `SELECT until_ms AS until, bytes FROM (${blockTimes(plausibleTime(now))}) ORDER BY until_ms`,
      )
      .all();
    const share = usedBytes / rows.reduce((sum, row) => sum + row.bytes, 0);
    let freed = 0;
    for (const [index, row] of rows.entries()) {
      freed += row.bytes * share;
      if (freed >= bytes) return index === rows.length - 1 ? undefined : epochMs(row.until + 1);
    }
    return undefined;
  }

  #removeBlock(id: number, keys: FactKeys, removed: Record<string, number>): void {
    const [from, to] = [entryIdOf(id, 0), entryIdOf(id + 1, 0)];
    const told = keysOf(this.#database, keys, id);
    this.#run(
      `UPDATE stored_sources SET pruned = b.position + b.size, pruned_clock_ms = b.clock_ms, pruned_ms = ?
       FROM raw_blocks b WHERE b.id = ? AND stored_sources.id = b.source_id`,
      this.#now(),
      id,
    );
    this.#remove(removed, "raw_blocks", "id = ?", id);
    // NOTE: in the room that the text has left, for there may be no other.
    keepKeys(this.#database, told);
    this.#remove(removed, "duplicate_locations", "location >= ? AND location < ?", from, to);
    // NOTE: a line of an entry whose first one stays is kept as a sign that its text is not whole.
    this.#remove(removed, "entry_lines", `location >= ? AND location < ? AND NOT (${IS_OF_TEXT_ELSEWHERE})`, from, to);
    this.#leaveLines(from, to, removed);
    this.#moveDuplicates(from, to, removed);
    const alone = "SELECT id FROM stored_entries WHERE id >= ? AND id < ? AND message_id IS NULL";
    for (const table of FACT_TABLES)
      this.#remove(removed, table, `entry_id >= ? AND entry_id < ? AND entry_id IN (${alone})`, from, to, from, to);
    this.#run(
      `DELETE FROM kept_keys WHERE entry_id >= ? AND entry_id < ? AND entry_id IN (${alone})`,
      from,
      to,
      from,
      to,
    );
    this.#remove(removed, "stored_entries", "id >= ? AND id < ? AND message_id IS NULL", from, to);
  }

  /** Lines that other logs have of entries which begin in a block, as a rotation has cut those, belong to no entry without it. */
  #leaveLines(from: number, to: number, removed: Record<string, number>): void {
    const lines = this.#prepare(
      `SELECT l.location, l.first_location || ' ' || b.id || ' ' || l.alone AS entry, l.alone, s.id AS source, s.server_id AS server
       FROM entry_lines l JOIN raw_blocks b ON b.id = l.location / ${LINES_PER_BLOCK} JOIN stored_sources s ON s.id = b.source_id
       WHERE l.first_location >= ? AND l.first_location < ? ORDER BY l.location`,
    ).all(from, to) as { location: number; entry: string; alone: number; source: number; server: number }[];
    for (const [first, ...others] of Map.groupBy(lines, ({ entry }) => entry).values()) {
      if (first === undefined || first.alone === ALONE.foreign) continue;
      this.#remove(removed, "entry_lines", "location = ?", first.location);
      for (const { location } of others)
        this.#run("UPDATE entry_lines SET first_location = ?, alone = 0 WHERE location = ?", first.location, location);
      this.#run(
        "INSERT INTO stored_entries (id, server_id, event, seen_in) VALUES (?, ?, ?, ?)",
        ...[first.location, first.server, this.#codes.event("unparsed"), logTypeBit("main")],
      );
      this.#run("UPDATE stored_sources SET unparsed = unparsed + 1 WHERE id = ?", first.source);
    }
    this.#remove(removed, "entry_lines", "first_location >= ? AND first_location < ?", from, to);
  }

  /** An entry whose line another log has as well moves there, with what it says. */
  #moveDuplicates(from: number, to: number, removed: Record<string, number>): void {
    const moving = this.#prepare(
      "SELECT entry_id, min(location) AS location FROM duplicate_locations WHERE entry_id >= ? AND entry_id < ? GROUP BY entry_id",
    ).all(from, to) as { entry_id: number; location: number }[];
    if (moving.length === 0) return;
    for (const { entry_id, location } of moving) {
      this.#remove(removed, "duplicate_locations", "location = ?", location);
      this.#run("UPDATE stored_entries SET id = ? WHERE id = ?", location, entry_id);
      for (const table of [...FACT_TABLES, "duplicate_locations", "kept_keys"])
        this.#run(`UPDATE ${table} SET entry_id = ? WHERE entry_id = ?`, location, entry_id);
    }
    postingEntries(
      this.#database,
      moving.map(({ location }) => location),
    );
  }

  #idsOfUnused(condition: string, table: TextTableName): number[] {
    return this.#database
      .prepare<[], number>(
        `SELECT text_rowid FROM unused_texts WHERE table_name = '${table}' AND ${condition} ORDER BY text_rowid`,
      )
      .pluck()
      .all();
  }

  /** `select` takes an id and returns it when it is to be in the slice. */
  #fillSlice(ids: readonly number[], select: string): void {
    this.#run("DELETE FROM temp.slice");
    const add = this.#prepare(`INSERT INTO temp.slice (id) ${select}`);
    for (const id of ids) add.run(id);
  }

  #remove(removed: Record<string, number>, table: string, condition: string, ...values: number[]): void {
    const changes = this.#run(`DELETE FROM ${table} WHERE ${condition}`, ...values);
    removed[table] = (removed[table] ?? 0) + changes;
  }

  /** Returns how many rows have changed. */
  #run(sql: string, ...values: number[]): number {
    return this.#prepare(sql).run(...values).changes;
  }

  #prepare(sql: string) {
    return prepareOnce(this.#database, sql);
  }

  #inTransaction(action: (removed: Record<string, number>) => void): RemovedRows {
    const removed: Record<string, number> = {};
    const timeoutMs = this.#database.pragma("busy_timeout", { simple: true }) as number;
    retryWhileBusy(this.#waitMs, timeoutMs, () => this.#database.exec("BEGIN IMMEDIATE"), this.#path);
    const lockedMs = this.#now();
    try {
      action(removed);
      this.#database.exec("COMMIT");
      this.#lockMs = this.#now() - lockedMs;
      this.#longestLockMs = Math.max(this.#longestLockMs, this.#lockMs);
      return removed;
    } catch (error) {
      if (this.#database.inTransaction) this.#database.exec("ROLLBACK");
      throw translateSqliteError(error, this.#path);
    }
  }
}

/** SQL of a row of entry_lines whose first line is in another block, which is there. */
const IS_OF_TEXT_ELSEWHERE = `location / ${LINES_PER_BLOCK} <> first_location / ${LINES_PER_BLOCK}
  AND first_location / ${LINES_PER_BLOCK} IN (SELECT id FROM raw_blocks)`;
const INCREMENTAL = 2;
const GREATEST_RUN = 2 ** 47;
