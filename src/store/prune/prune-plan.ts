/**
 * Plans a prune before anything is removed. Blocks of log text expire whole, from the beginning of their log, so the end of a log
 * always remains. A message expires when it is old, has ended and has no line with text left. All messages of its chain (bounces
 * and their originals) must expire with it.
 */
import type Database from "better-sqlite3";
import type { MessageStatus } from "../../message/statuses.ts";
import type { EpochMs } from "../../units.ts";
import { LINES_PER_BLOCK } from "../log-text/blocks.ts";
import type { Codes } from "../schema/codes.ts";
import { isPlausible, type PlausibleTime, plausibleTime } from "../schema/plausible-time.ts";
import { tableSizes } from "../schema/table-sizes.ts";
import { INDEX_OF, type TextTableName } from "../schema/text-references.ts";
import { finish, UsedTexts } from "./orphan-texts.ts";

export interface Cutoffs {
  /** By this clock; it tells which stamps can be true. */
  readonly nowMs: EpochMs;
  /** Text whose last line is older expires. */
  readonly logsMs: EpochMs;
  /** Messages whose last line is older go. */
  readonly messagesMs: EpochMs;
  /** Messages still on the queue as far as the log tells go when their last line is older; undefined: they stay. */
  readonly openMs: EpochMs | undefined;
  /** Records of the audit log that are older go, and runs of ingest. */
  readonly auditMs: EpochMs;
  /** Looks at queues that are older go, and messages that no later look has seen. */
  readonly snapshotsMs: EpochMs;
  /** Contents that were kept before go. */
  readonly contentMs: EpochMs;
  /** Notifications that are settled since before go. */
  readonly outboxMs: EpochMs;
  /** Incidents that ended before go, with what people said about them. */
  readonly incidentsMs: EpochMs;
  /** Notes that were written or edited before go, although their messages stay. */
  readonly notesMs: EpochMs;
}

export const OLD_AUDIT = "at_ms < ?";
/** The last one stays: it tells when lines were last read. */
export const OLD_RUNS = "started_ms < ? AND id < (SELECT max(id) FROM ingest_runs)";

/** A notification that is neither waiting nor on its way. */
export const OLD_NOTIFICATION = "updated_ms < ? AND status IN ('confirmed', 'failed', 'cancelled')";

/** Tables of snapshots, contents, notifications, incidents and notes: for each, the condition under which a row is older than a moment, and its ids. */
export const KEPT_TABLES = {
  snapshots: [
    {
      table: "snapshot_domains",
      key: "snapshot_id",
      isOld: "snapshot_id IN (SELECT id FROM stored_snapshots WHERE at_ms < ?)",
    },
    { table: "stored_snapshots", key: "id", isOld: "at_ms < ?" },
    { table: "queue_stays", key: "id", isOld: "last_seen_ms < ?" },
    { table: "stored_hints", key: "server_id", isOld: "seen_ms < ?" },
  ],
  content: [
    {
      table: "stored_attachments",
      key: "content_id",
      isOld: "content_id IN (SELECT id FROM stored_contents WHERE captured_ms < ?)",
    },
    { table: "stored_contents", key: "id", isOld: "captured_ms < ?" },
  ],
  // NOTE: a digest has a greater number than what is in it, so it goes after that.
  outbox: [{ table: "stored_outbox", key: "number", isOld: OLD_NOTIFICATION }],
  incidents: [
    {
      table: "incident_messages",
      key: "incident_id",
      isOld: "incident_id IN (SELECT id FROM stored_incidents WHERE end_ms < ?)",
    },
    {
      table: "incident_actions",
      key: "incident_id",
      isOld: "incident_id IN (SELECT id FROM stored_incidents WHERE end_ms < ?)",
    },
    { table: "stored_incidents", key: "id", isOld: "end_ms < ?" },
  ],
  notes: [{ table: "stored_notes", key: "id", isOld: "updated_ms < ?" }],
} as const;

export type KeptClass = keyof typeof KEPT_TABLES;

/** Tables of facts about an entry, by its id. The facts stay as long as the entry, whose text may be gone. */
export const FACT_TABLES = [
  "address_events",
  "stored_rejections",
  "stored_clients",
  "stored_headers",
  "stored_envelopes",
] as const;

/** Tables of tuples that lines share, the column that refers to each, and the tables that have this column. */
export const TUPLES = [
  { table: "delivery_paths", column: "path_id", users: ["address_events"] },
  { table: "delivery_problems", column: "problem_id", users: ["address_events", "stored_clients"] },
] as const;

/** The ids of tuples that entries refer to. `filter`: what follows FROM, the user as `t`. */
export function usedTuples({ column, users }: (typeof TUPLES)[number], filter = "WHERE TRUE"): string {
  return users
    .map((user) => `SELECT t.${column} FROM ${user} t ${filter} AND t.${column} IS NOT NULL`)
    .join(" UNION ALL ");
}

export interface PlannedCounts {
  /** Rows that go, by table. */
  readonly rows: Readonly<Record<string, number>>;
  /** Log text in bytes, uncompressed. */
  readonly textBytes: number;
  /** About: what the rows take up, by the share of their tables. */
  readonly bytes: number;
}

/** Still on the queue, as far as the log tells. */
const OPEN_STATUSES: readonly MessageStatus[] = ["received", "queued", "deferred", "frozen"];

/**
 * Blocks with the time up to which their log goes at them (until_ms), so that what is old is a beginning of its log. A block is as old
 * as its last line; one without a stamp as the entry before it, or as its log. One with a stamp that no clock can have told was read
 * before the blocks behind it, or when its log was last read.
 */
export function blockTimes(time: PlausibleTime): string {
  const stamp = `iif(${isPlausible("stamp_ms", time)}, stamp_ms, NULL)`;
  return `SELECT id, source_id, position, sha256, bytes, max(at_ms) OVER (PARTITION BY source_id ORDER BY position) AS until_ms
    FROM (
      SELECT *, CASE WHEN stamp_ms IS NULL THEN created_ms
                     ELSE coalesce(${stamp}, min(${stamp}) OVER behind, updated_ms) END AS at_ms
      FROM (
        SELECT b.id, b.source_id, b.position, b.sha256, length(b.data) AS bytes, coalesce(b.last_ms, b.clock_ms) AS stamp_ms,
               s.created_ms, s.updated_ms
        FROM raw_blocks b JOIN stored_sources s ON s.id = b.source_id
      )
      WINDOW behind AS (PARTITION BY source_id ORDER BY position DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    )`;
}

/**
 * The time of the last line of a message (m), epoch milliseconds, by the stamps that a clock can have told; a message without one is
 * as old as can be, and goes with its text.
 */
function messageTime(time: PlausibleTime): string {
  return `CASE WHEN ${isPlausible("m.last_at / 1000", time)} THEN m.last_at / 1000
    ELSE coalesce((SELECT max(t.at / 1000) FROM stored_entries t
                   WHERE t.message_id = m.id AND ${isPlausible("t.at / 1000", time)}), ${time.fromMs}) END`;
}

/** Rows of a table, and how many of them the plan removes. */
export interface Share {
  readonly all: number;
  readonly going: number;
}

/** Works on temporary tables of its connection, which may be a read-only one. */
export class PrunePlan {
  readonly #database: Database.Database;
  readonly #codes: Codes;

  constructor(database: Database.Database, codes: Codes) {
    this.#database = database;
    this.#codes = codes;
    database.exec(`
      CREATE TEMP TABLE expired_blocks (
        id INTEGER PRIMARY KEY, source_id INTEGER NOT NULL, position INTEGER NOT NULL, sha256 BLOB NOT NULL);
      CREATE TEMP TABLE expired_messages (id INTEGER PRIMARY KEY, last_at INTEGER NOT NULL, status INTEGER NOT NULL);`);
  }

  /** Makes the plan again. `isForced`: also open messages, and those whose chain stays. */
  make(cutoffs: Cutoffs, isForced: boolean): void {
    const make = this.#database.transaction(() => {
      this.#database.exec("DELETE FROM temp.expired_blocks; DELETE FROM temp.expired_messages");
      this.#markBlocks(cutoffs);
      this.#markMessages(cutoffs, isForced);
      if (!isForced) this.#keepChains();
    });
    make.deferred();
  }

  get blocks(): number {
    return this.#count("SELECT count(*) AS count FROM temp.expired_blocks");
  }

  get messages(): number {
    return this.#count("SELECT count(*) AS count FROM temp.expired_messages");
  }

  /** Rows with a plausible stamp, and how many of them expire; all rows if none has such a stamp. */
  shares({ nowMs }: Cutoffs): Readonly<Record<"blocks" | "messages", Share>> {
    const time = plausibleTime(nowMs);
    const share = (table: string, stamp: string, going: string): Share => {
      const of = (condition: string): Share => ({
        all: this.#count(`SELECT count(*) AS count FROM ${table} WHERE ${condition}`),
        going: this.#count(
          `SELECT count(*) AS count FROM ${table} WHERE ${condition} AND id IN (SELECT id FROM ${going})`,
        ),
      });
      const stamped = of(isPlausible(stamp, time));
      return stamped.all > 0 ? stamped : of("TRUE");
    };
    return {
      blocks: share("raw_blocks", "last_ms", "temp.expired_blocks"),
      messages: share("stored_messages", "last_at / 1000", "temp.expired_messages"),
    };
  }

  /** Old messages that stay because the log does not tell that they have left the queue. */
  openMessages({ messagesMs, nowMs }: Cutoffs): number {
    return this.#count(
      `SELECT count(*) AS count FROM stored_messages m WHERE ${messageTime(plausibleTime(nowMs))} < ? AND status IN (${this.#openCodes()})
         AND id NOT IN (SELECT id FROM temp.expired_messages)`,
      messagesMs,
    );
  }

  /** How many rows of each table the plan removes, and what that frees. */
  counts({ auditMs, snapshotsMs, contentMs, outboxMs, incidentsMs, notesMs }: Cutoffs): PlannedCounts {
    const count = this.#database.transaction((): PlannedCounts => {
      const blocks = this.#database
        .prepare<[], { count: number; text: number }>(
          "SELECT count(*) AS count, coalesce(sum(size), 0) AS text FROM raw_blocks WHERE id IN (SELECT id FROM temp.expired_blocks)",
        )
        .get();
      const rows = {
        raw_blocks: blocks?.count ?? 0,
        ...this.#countFacts(),
        ...this.#countTexts(),
        stored_audit: this.#count(`SELECT count(*) AS count FROM stored_audit WHERE ${OLD_AUDIT}`, auditMs),
        ingest_runs: this.#count(`SELECT count(*) AS count FROM ingest_runs WHERE ${OLD_RUNS}`, auditMs),
        ...this.#countKept("snapshots", snapshotsMs),
        ...this.#countKept("content", contentMs),
        ...this.#countKept("outbox", outboxMs),
        ...this.#countKept("incidents", incidentsMs),
        stored_notes: this.#countNotes(notesMs),
      };
      return { rows, textBytes: blocks?.text ?? 0, bytes: this.#estimateBytes(rows) };
    });
    return count.deferred();
  }

  #markBlocks({ logsMs, nowMs }: Cutoffs): void {
    this.#database
      .prepare(
        `INSERT INTO temp.expired_blocks (id, source_id, position, sha256)
         SELECT id, source_id, position, sha256 FROM (${blockTimes(plausibleTime(nowMs))}) WHERE until_ms < ?`,
      )
      .run(logsMs);
  }

  #markMessages({ messagesMs, openMs, nowMs }: Cutoffs, isForced: boolean): void {
    const lastMs = messageTime(plausibleTime(nowMs));
    const isClosed = isForced ? "TRUE" : `(m.status NOT IN (${this.#openCodes()}) OR ${lastMs} < ?)`;
    const values = isForced ? [] : [openMs ?? Number.MIN_SAFE_INTEGER];
    this.#database
      .prepare(
        `INSERT INTO temp.expired_messages (id, last_at, status)
         SELECT m.id, m.last_at, m.status FROM stored_messages m
         WHERE ${lastMs} < ? AND ${isClosed} AND NOT EXISTS (${textOf("m.id", BLOCK_STAYS)})`,
      )
      .run(messagesMs, ...values);
  }

  /** Takes back, until nothing changes, messages one of whose neighbours stays. */
  #keepChains(): void {
    const links = `FROM stored_messages child
      JOIN stored_messages parent ON parent.exim_id = child.parent_exim_id AND parent.server_id = child.server_id
      WHERE child.parent_exim_id IS NOT NULL`;
    const goes = (which: string): string => `${which}.id IN (SELECT id FROM temp.expired_messages)`;
    const keep = (one: string, other: string): Database.Statement =>
      this.#database.prepare(
        `DELETE FROM temp.expired_messages WHERE id IN (SELECT ${one}.id ${links} AND ${goes(one)} AND NOT ${goes(other)})`,
      );
    const [children, parents] = [keep("child", "parent"), keep("parent", "child")];
    for (;;) if (children.run().changes + parents.run().changes === 0) return;
  }

  #countFacts(): Record<string, number> {
    const of = (table: string, key: string): number =>
      this.#count(
        `SELECT (SELECT count(*) FROM temp.expired_blocks f
                 JOIN stored_entries e ON ${IN_BLOCK} JOIN ${table} t ON t.${key} = e.id
                 WHERE e.message_id IS NULL AND NOT EXISTS (${SEEN_ELSEWHERE}))
              + (SELECT count(*) FROM temp.expired_messages g
                 JOIN stored_entries e ON e.message_id = g.id JOIN ${table} t ON t.${key} = e.id) AS count`,
      );
    const moved = this.#count(
      `SELECT count(*) AS count FROM temp.expired_blocks f JOIN stored_entries e ON ${IN_BLOCK} WHERE EXISTS (${SEEN_ELSEWHERE})`,
    );
    const inBlocks = (table: string, key: string): number =>
      this.#count(
        `SELECT count(*) AS count FROM temp.expired_blocks f JOIN ${table} t
         ON t.${key} >= f.id * ${LINES_PER_BLOCK} AND t.${key} < (f.id + 1) * ${LINES_PER_BLOCK}`,
      );
    const duplicateLocations = inBlocks("duplicate_locations", "location");
    return {
      stored_entries: of("stored_entries", "id"),
      duplicate_locations: duplicateLocations + moved,
      entry_lines: this.#countLines(),
      ...Object.fromEntries(FACT_TABLES.map((table) => [table, of(table, "entry_id")])),
      ...Object.fromEntries(
        TUPLES.map(({ table }) => [
          table,
          this.#count(
            `SELECT (SELECT count(*) FROM ${table}) - (SELECT count(*) FROM ${table} t ${WHAT_STAYS[table]}) AS count`,
          ),
        ]),
      ),
      stored_messages: this.messages,
      stored_recipients: this.#count(
        "SELECT count(*) AS count FROM stored_recipients WHERE message_id IN (SELECT id FROM temp.expired_messages)",
      ),
      stored_tags: this.#count(
        `SELECT count(*) AS count FROM stored_tags t JOIN stored_messages m USING (exim_id, server_id)
         WHERE m.id IN (SELECT id FROM temp.expired_messages)`,
      ),
    };
  }

  /** Notes of messages that go, and those that are old. */
  #countNotes(before: EpochMs): number {
    return this.#count(
      `SELECT count(*) AS count FROM stored_notes t WHERE t.updated_ms < ? OR EXISTS (SELECT 1 FROM stored_messages m
         WHERE m.exim_id = t.exim_id AND m.server_id = t.server_id AND m.id IN (SELECT id FROM temp.expired_messages))`,
      before,
    );
  }

  /** Rows of entry_lines that go. Those of an entry that a rotation has cut go with its first line, but one that takes its place. */
  #countLines(): number {
    const inBlock = (column: string): string =>
      `t.${column} >= f.id * ${LINES_PER_BLOCK} AND t.${column} < (f.id + 1) * ${LINES_PER_BLOCK}`;
    const [own, first] = ["location", "first_location"].map((column) => `t.${column} / ${LINES_PER_BLOCK}`);
    return this.#count(
      `SELECT (SELECT count(*) FROM temp.expired_blocks f JOIN entry_lines t ON ${inBlock("location")}
               WHERE ${own} = ${first} OR ${first} IN (SELECT id FROM temp.expired_blocks))
            + (SELECT count(DISTINCT t.first_location || ' ' || ${own})
               FROM temp.expired_blocks f JOIN entry_lines t ON ${inBlock("first_location")}
               WHERE ${own} NOT IN (SELECT id FROM temp.expired_blocks)) AS count`,
    );
  }

  #countKept(name: KeptClass, before: EpochMs): Record<string, number> {
    return Object.fromEntries(
      KEPT_TABLES[name].map(({ table, isOld }) => [
        table,
        this.#count(`SELECT count(*) AS count FROM ${table} WHERE ${isOld}`, before),
      ]),
    );
  }

  #countTexts(): Record<TextTableName, number> {
    const used = finish(UsedTexts.read(this.#database, (table) => WHAT_STAYS[table] ?? ""));
    return { strings: used.countUnused("strings"), addresses: used.countUnused("addresses") };
  }

  #estimateBytes(rows: Readonly<Record<string, number>>): number {
    const sizes = tableSizes(this.#database);
    let bytes = 0;
    for (const [table, going] of Object.entries(rows)) {
      if (going === 0) continue;
      const all = this.#count(`SELECT count(*) AS count FROM ${table}`);
      const index = table in INDEX_OF ? sizes.get(INDEX_OF[table as TextTableName].index) : undefined;
      bytes += (((sizes.get(table) ?? 0) + (index ?? 0)) * going) / all;
    }
    return Math.round(bytes);
  }

  #openCodes(): string {
    return OPEN_STATUSES.map(this.#codes.messageStatus).join(", ");
  }

  #count(sql: string, ...values: number[]): number {
    return (this.#database.prepare(sql).get(...values) as { count: number }).count;
  }
}

const IN_BLOCK = `e.id >= f.id * ${LINES_PER_BLOCK} AND e.id < (f.id + 1) * ${LINES_PER_BLOCK}`;
const BLOCK_STAYS = "b.id NOT IN (SELECT id FROM temp.expired_blocks)";
const SEEN_ELSEWHERE = `SELECT 1 FROM duplicate_locations x JOIN raw_blocks b ON b.id = x.location / ${LINES_PER_BLOCK}
  WHERE x.entry_id = e.id AND ${BLOCK_STAYS}`;

/** Places of a message's lines, in blocks that are there. */
export function textOf(messageId: string, condition: string): string {
  return `SELECT 1 FROM stored_entries l JOIN raw_blocks b ON b.id = l.id / ${LINES_PER_BLOCK}
          WHERE l.message_id = ${messageId} AND ${condition}
          UNION ALL
          SELECT 1 FROM stored_entries l JOIN duplicate_locations y ON y.entry_id = l.id JOIN raw_blocks b ON b.id = y.location / ${LINES_PER_BLOCK}
          WHERE l.message_id = ${messageId} AND ${condition}`;
}

const MESSAGE_STAYS = "NOT IN (SELECT id FROM temp.expired_messages)";
const STAYS = `CASE WHEN e.message_id IS NOT NULL THEN e.message_id ${MESSAGE_STAYS}
        ELSE e.id / ${LINES_PER_BLOCK} NOT IN (SELECT id FROM temp.expired_blocks) OR EXISTS (${SEEN_ELSEWHERE}) END`;
const ENTRY_STAYS = `JOIN stored_entries e ON e.id = t.entry_id WHERE (${STAYS})`;

/** By table: which of its rows the plan leaves. */
const WHAT_STAYS: Readonly<Record<string, string>> = {
  stored_messages: `WHERE t.id ${MESSAGE_STAYS}`,
  stored_recipients: `WHERE t.message_id ${MESSAGE_STAYS}`,
  stored_entries: `JOIN stored_entries e ON e.id = t.id WHERE ${STAYS}`,
  address_events: ENTRY_STAYS,
  stored_rejections: ENTRY_STAYS,
  stored_clients: ENTRY_STAYS,
  stored_envelopes: ENTRY_STAYS,
  ...Object.fromEntries(TUPLES.map((tuple) => [tuple.table, `WHERE t.id IN (${usedTuples(tuple, ENTRY_STAYS)})`])),
};
