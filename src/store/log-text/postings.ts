/** The block index (postings): from an address, host, login or Message-ID to the blocks that hold it. */
import { crc32 } from "node:zlib";
import type Database from "better-sqlite3";
import { BulkInsert } from "../database/bulk-insert.ts";
import { dataVersion } from "../database/connection.ts";
import { prepareOnce } from "../database/prepared.ts";
import { blockOf, entryIdOf, GREATEST_BLOCK, LINES_PER_BLOCK } from "./blocks.ts";

/** Kinds of postings, in the order of their codes in the database. */
export const POSTING_KINDS = ["address", "string", "message_id", "next_hop"] as const;
export type PostingKind = (typeof POSTING_KINDS)[number];

export function postingCode(kind: PostingKind): number {
  return POSTING_KINDS.indexOf(kind);
}

/**
 * A Message-ID or the id of a next hop as the key of its postings: 31 bits, for which SQLite takes four bytes. Different texts
 * may share one: what is found is checked.
 */
export function textKey(text: string): number {
  return crc32(text) >>> 1;
}

const NEXT_HOP = /\bid=(\w{6}-\w{6}-\w{2}|\w{6}-\w{11}-\w{4})\b/;

/** Exim's id of the message in the next Exim, from that one's reply: `250 OK id=1vwz8c-0005eI-2Q`. Source: exim-log-grammar §16. */
export function nextHopId(confirmation: string): string | undefined {
  return NEXT_HOP.exec(confirmation)?.[1];
}

/** Most blocks whose postings are sorted together. */
const SEGMENT_BLOCKS = 2048;
/** Postings that are sorted together at most, but for those of a last block: 4 MiB. */
const SEGMENT_POSTINGS = 1 << 19;

/** The insert that {@link indexPostings} uses. */
export function postingsInsert(database: Database.Database): BulkInsert<"postings"> {
  return new BulkInsert(database, "postings", ["kind", "key", "block_id", "further_blocks"], "replace");
}

/** Adds the postings of all blocks that are not indexed yet to their table; inside a transaction, with all rows flushed. */
export function indexPostings(database: Database.Database, table: BulkInsert<"postings">, known: FreshPostings): void {
  const { indexed, greatest } = prepareOnce(
    database,
    `SELECT (SELECT last_id FROM text_indexes WHERE table_name = 'raw_blocks') AS indexed,
            ${GREATEST_BLOCK} AS greatest`,
  ).get() as { indexed: number; greatest: number };
  if (indexed >= greatest) return;
  if (!known.write(database, table, indexed, greatest)) readPostings(database, table, indexed, greatest);
  table.flush();
  prepareOnce(database, "UPDATE text_indexes SET last_id = ? WHERE table_name = 'raw_blocks'").run(greatest);
}

/** The last block whose postings are stored. */
export function lastIndexedBlock(database: Database.Database): number {
  const sql = "SELECT last_id FROM text_indexes WHERE table_name = 'raw_blocks'";
  return prepareOnce<[], { last_id: number }>(database, sql).get()?.last_id ?? 0;
}

/** Reads the postings of the blocks after `indexed` from their rows. */
function readPostings(
  database: Database.Database,
  table: BulkInsert<"postings">,
  indexed: number,
  greatest: number,
): void {
  const sources = prepareSources(database);
  let segment = new Segment(indexed + 1);
  for (let block = indexed + 1; block <= greatest; block++) {
    if (!segment.hasRoomFor(block)) {
      segment.writeTo(table);
      segment = new Segment(block);
    }
    for (const { rows, kinds } of sources)
      collect(rows.iterate(entryIdOf(block, 0), entryIdOf(block + 1, 0)), kinds, (...posting) =>
        segment.add(...posting),
      );
  }
  segment.writeTo(table);
}

/**
 * Makes blocks be indexed again after one was taken back: those that have got entries of it, and, when it was the last, the next
 * one, which gets its id.
 */
export function forgetPostings(database: Database.Database, changedBlocks: readonly number[]): void {
  const sql = `UPDATE text_indexes SET last_id = min(last_id, ?, ${GREATEST_BLOCK}) WHERE table_name = 'raw_blocks'`;
  prepareOnce(database, sql).run(Math.min(Number.MAX_SAFE_INTEGER, ...changedBlocks) - 1);
}

/** Adds the postings of entries that have moved to another block; inside a transaction. */
export function postingEntries(database: Database.Database, entryIds: readonly number[]): void {
  // NOTE: a row too many does no harm where a row of several blocks has this one already.
  const add = database.prepare("INSERT OR IGNORE INTO postings (kind, key, block_id) VALUES (?, ?, ?)");
  for (const { rows, kinds } of prepareSources(database)) {
    for (const id of entryIds) collect(rows.all(id, id + 1), kinds, (...posting) => add.run(...posting));
  }
}

/** A row of the table. */
export interface PostingRow {
  readonly kind: number;
  readonly key: number;
  readonly block_id: number;
  readonly further_blocks: Uint8Array | null;
}

/** Rows that are read at once. */
const PAGE_ROWS = 10_000;

/**
 * Finds rows that name blocks of which nothing is left, and takes those out. What is known of blocks is kept as long as nobody else
 * writes; this connection itself is not to remove blocks or entries meanwhile.
 */
export class PostingSweep {
  readonly #database: Database.Database;
  readonly #find: Database.Statement<[number, number, number], Pick<PostingRow, "further_blocks">>;
  readonly #remove: Database.Statement<[number, number, number]>;
  readonly #put: Database.Statement<[number, number, number, Buffer | null]>;
  #version: number;
  #live: LiveBlocks;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#find = database.prepare("SELECT further_blocks FROM postings WHERE kind = ? AND key = ? AND block_id = ?");
    this.#remove = database.prepare("DELETE FROM postings WHERE kind = ? AND key = ? AND block_id = ?");
    this.#put = database.prepare(
      "INSERT OR REPLACE INTO postings (kind, key, block_id, further_blocks) VALUES (?, ?, ?, ?)",
    );
    this.#version = dataVersion(database);
    this.#live = new LiveBlocks(database);
  }

  /** The rows that name such blocks, some at a time; others can write meanwhile. */
  *stale(): Generator<readonly PostingRow[]> {
    const live = this.#live;
    const { lastDead, greatest } = live.bounds();
    // NOTE: most rows name one block, and most of those blocks are there: such rows are not worth bringing to JavaScript.
    const page = this.#database.prepare<
      [...lastRow: number[], lastDead: number, greatest: number, rows: number],
      PostingRow
    >(
      `SELECT kind, key, block_id, further_blocks FROM postings
       WHERE (kind, key, block_id) > (?, ?, ?) AND (further_blocks IS NOT NULL OR block_id <= ? OR block_id > ?)
       ORDER BY kind, key, block_id LIMIT ?`,
    );
    const after = (kind: number, key: number, block: number): PostingRow[] =>
      page.all(kind, key, block, lastDead, greatest, PAGE_ROWS);
    let rows = after(-1, 0, 0);
    for (let last = rows.at(-1); last !== undefined; last = rows.at(-1)) {
      yield rows.filter((row) => !unpackBlocks(row.block_id, row.further_blocks).every(live.lives));
      rows = after(last.kind, last.key, last.block_id);
    }
  }

  /** Takes the blocks of which nothing is left out of rows, as those are by now; inside a transaction. */
  drop(rows: readonly PostingRow[]): void {
    const { lives } = this.#liveNow();
    for (const { kind, key, block_id } of rows) {
      const row = this.#find.get(kind, key, block_id);
      if (row === undefined) continue;
      const left = unpackBlocks(block_id, row.further_blocks).filter(lives);
      this.#remove.run(kind, key, block_id);
      const [first] = left;
      if (first === undefined) continue;
      // NOTE: a block that was taken back and read again may have left another row that begins with it.
      const other = this.#find.get(kind, key, first);
      const blocks = other === undefined ? left : union(left, unpackBlocks(first, other.further_blocks));
      this.#put.run(kind, key, first, packBlocks(first, blocks.slice(1)));
    }
  }

  /** Looked up again when another process has written. */
  #liveNow(): LiveBlocks {
    const version = dataVersion(this.#database);
    if (version !== this.#version) {
      this.#version = version;
      this.#live = new LiveBlocks(this.#database);
    }
    return this.#live;
  }
}

/** Tells whether a block has text or entries; each is looked up once. */
class LiveBlocks {
  readonly #database: Database.Database;
  readonly #known = new Map<number, boolean>();
  readonly #find: Database.Statement<[number, number, number], number>;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#find = database
      .prepare<[number, number, number], number>(
        `SELECT EXISTS (SELECT 1 FROM raw_blocks WHERE id = ?)
             OR EXISTS (SELECT 1 FROM stored_entries WHERE id >= ? AND id < ?)`,
      )
      .pluck();
  }

  readonly lives = (block: number): boolean => {
    let isAlive = this.#known.get(block);
    if (isAlive === undefined) {
      isAlive = this.#find.get(block, entryIdOf(block, 0), entryIdOf(block + 1, 0)) === 1;
      this.#known.set(block, isAlive);
    }
    return isAlive;
  };

  /** The last block there is, and the last one before it of which nothing is left; 0 when there is none. */
  bounds(): { readonly lastDead: number; readonly greatest: number } {
    const greatest = this.#database.prepare<[], number>(`SELECT ${GREATEST_BLOCK}`).pluck().get() as number;
    let lastDead = greatest;
    while (lastDead > 0 && this.lives(lastDead)) lastDead--;
    return { lastDead, greatest };
  }
}

function union(one: readonly number[], other: readonly number[]): number[] {
  return [...new Set([...one, ...other])].sort((left, right) => left - right);
}

/** The blocks after the first of a row: their distances, seven bits a byte, the lowest first; null when there are none. */
function packBlocks(first: number, further: readonly number[]): Buffer | null {
  if (further.length === 0) return null;
  const bytes: number[] = [];
  let last = first;
  for (const block of further) {
    let distance = block - last;
    for (; distance > 0x7f; distance >>>= 7) bytes.push((distance & 0x7f) | 0x80);
    bytes.push(distance);
    last = block;
  }
  return Buffer.from(bytes);
}

/** All blocks of a row. */
export function unpackBlocks(first: number, further: Uint8Array | null): number[] {
  const blocks = [first];
  let block = first;
  let [distance, shift] = [0, 0];
  for (const byte of further ?? []) {
    distance |= (byte & 0x7f) << shift;
    shift += 7;
    if (byte > 0x7f) continue;
    block += distance;
    blocks.push(block);
    [distance, shift] = [0, 0];
  }
  return blocks;
}

const KEYS = 2 ** 31;

/** Postings of some blocks, each as one number: kind, key, block from the first one on. */
export class Segment {
  readonly #first: number;
  #postings = new Float64Array(1 << 12);
  #count = 0;

  constructor(first: number) {
    this.#first = first;
  }

  get first(): number {
    return this.#first;
  }

  hasRoomFor(block: number): boolean {
    return block < this.#first + SEGMENT_BLOCKS && this.#count < SEGMENT_POSTINGS;
  }

  add(kind: number, key: number, block: number): void {
    if (this.#count === this.#postings.length) {
      const larger = new Float64Array(this.#count * 2);
      larger.set(this.#postings);
      this.#postings = larger;
    }
    this.#postings[this.#count++] = (kind * KEYS + key) * SEGMENT_BLOCKS + (block - this.#first);
  }

  /** Adds a row for each kind and key, in the order of the table. */
  writeTo(table: BulkInsert<"postings">): void {
    const sorted = this.#postings.subarray(0, this.#count).sort();
    for (let start = 0; start < sorted.length; ) {
      const first = sorted[start] as number;
      const subject = Math.floor(first / SEGMENT_BLOCKS);
      const next = (subject + 1) * SEGMENT_BLOCKS;
      let end = start + 1;
      while (end < sorted.length && (sorted[end] as number) < next) end++;
      const block = this.#first + (first - subject * SEGMENT_BLOCKS);
      const kind = Math.floor(subject / KEYS);
      table.put(kind);
      table.put(subject - kind * KEYS);
      table.put(block);
      table.put(end === start + 1 ? null : this.#packFurther(sorted, start, end, subject));
      table.endRow();
      start = end;
    }
  }

  #packFurther(sorted: Float64Array, start: number, end: number, subject: number): Buffer | null {
    const further: number[] = [];
    for (let at = start + 1; at < end; at++)
      if (sorted[at] !== sorted[at - 1])
        further.push(this.#first + ((sorted[at] as number) - subject * SEGMENT_BLOCKS));
    return packBlocks(this.#first + ((sorted[start] as number) - subject * SEGMENT_BLOCKS), further);
  }
}

/**
 * Postings of the blocks that are being stored, so that their rows need not be read again at the end of a run. Valid only while
 * it knows all blocks that are not in the index: other changes of blocks call {@link spoil}, after which the rows are read.
 */
export class FreshPostings {
  #segment: Segment | undefined;
  #last = 0;
  #late: (readonly [messageId: number, addressId: number])[] = [];

  /** Begins a block; those of a segment follow one another. */
  begin(block: number): void {
    if (this.#segment === undefined || block !== this.#last + 1 || !this.#segment.hasRoomFor(block)) {
      this.spoil();
      this.#segment = new Segment(block);
    }
    this.#last = block;
  }

  /** True when no other block fits in with those there are. */
  get isFull(): boolean {
    return this.#segment !== undefined && !this.#segment.hasRoomFor(this.#last + 1);
  }

  add(kind: number, key: number): void {
    this.#segment?.add(kind, key, this.#last);
  }

  /** An address that a message got after its arrival, which speaks of it from then on. */
  addLate(messageId: number, addressId: number): void {
    this.#late.push([messageId, addressId]);
  }

  spoil(): void {
    this.#segment = undefined;
    this.#late = [];
  }

  /** False when it does not know all the blocks. */
  write(database: Database.Database, table: BulkInsert<"postings">, indexed: number, greatest: number): boolean {
    const segment = this.#segment;
    if (segment === undefined || segment.first !== indexed + 1 || this.#last !== greatest) return false;
    const arrivals = prepareOnce<[number], number>(
      database,
      "SELECT id FROM stored_entries WHERE message_id = ? AND event = (SELECT code FROM codes WHERE family = 'event' AND name = 'arrival')",
    ).pluck();
    for (const [messageId, addressId] of this.#late)
      for (const block of arrivals.all(messageId).map(blockOf)) {
        if (block >= segment.first) segment.add(postingCode("address"), addressId, block);
        else
          prepareOnce(database, "INSERT OR IGNORE INTO postings (kind, key, block_id) VALUES (?, ?, ?)").run(
            postingCode("address"),
            addressId,
            block,
          );
      }
    segment.writeTo(table);
    this.spoil();
    return true;
  }
}

type Key = number | string | null;

type PostingSourceRow = [entryId: number, ...Key[]];

interface PostingSource {
  /** SQL: the entry's id, and the columns that hold keys: numbers, or texts to be turned into keys. */
  readonly entry: string;
  readonly columns: readonly string[];
  readonly from: string;
  readonly where?: string;
  readonly kinds: readonly PostingKind[];
}

const CLIENT_KINDS = ["address", "address", "string", "string", "string"] as const;
const CLIENT_COLUMNS = ["sender_id", "recipient_id", "host_id", "ip_id", "auth_id"] as const;

/** Columns of arrivals, recipient lines, rejections and other clients that yield postings. */
const SOURCES: readonly PostingSource[] = [
  {
    entry: "e.id",
    columns: ["m.sender_id", "m.host_id", "m.ip_id", "m.auth_id", "m.header_message_id"],
    from: "stored_entries e JOIN stored_messages m ON m.id = e.message_id",
    where: "e.event = (SELECT code FROM codes WHERE family = 'event' AND name = 'arrival')",
    kinds: ["address", "string", "string", "string", "message_id"],
  },
  {
    entry: "e.id",
    columns: ["r.address_id"],
    from: "stored_entries e JOIN stored_recipients r ON r.message_id = e.message_id",
    where: `r.announced
      AND e.event IN (SELECT code FROM codes WHERE family = 'event' AND name IN ('arrival', 'envelope_edit'))`,
    kinds: ["address"],
  },
  {
    entry: "a.entry_id",
    columns: [
      "a.recipient_id",
      "a.final_id",
      "y.host_id",
      "y.ip_id",
      "iif(a.confirmation LIKE '%id=%', a.confirmation, NULL)",
    ],
    from: "address_events a LEFT JOIN delivery_paths y ON y.id = a.path_id",
    kinds: ["address", "address", "string", "string", "next_hop"],
  },
  {
    entry: "j.entry_id",
    columns: CLIENT_COLUMNS.map((name) => `j.${name}`),
    from: "stored_rejections j",
    kinds: CLIENT_KINDS,
  },
  {
    entry: "k.entry_id",
    columns: CLIENT_COLUMNS.map((name) => `k.${name}`),
    from: "stored_clients k",
    kinds: CLIENT_KINDS,
  },
];

/** Rows of entries whose ids are in a range, the end not included. */
function prepareSources(database: Database.Database) {
  return SOURCES.map(({ entry, columns, from, where = "TRUE", kinds }) => ({
    rows: prepareOnce<[from: number, to: number], PostingSourceRow>(
      database,
      `SELECT ${[entry, ...columns].join(", ")} FROM ${from} WHERE ${entry} >= ? AND ${entry} < ? AND ${where}`,
    ).raw(),
    kinds,
  }));
}

/** Kinds whose keys are numbers of texts; those of other kinds are made from a text, and two texts may share one. */
const NUMBERED = new Set<PostingKind>(["address", "string"]);

/**
 * SQL: ids of entries within blocks that yield a posting of one of the keys; of kinds that may share keys, all entries. An entry may
 * stand there more than once. `blocks`, `keys`: SQL of JSON arrays.
 */
export function postedEntries(kind: PostingKind, blocks: string, keys: string): string {
  const isWithin = (entry: string): string =>
    `${entry} >= b.value * ${LINES_PER_BLOCK} AND ${entry} < (b.value + 1) * ${LINES_PER_BLOCK}`;
  const select = (entry: string): string => `SELECT ${entry} AS entry_id FROM json_each(${blocks}) b CROSS JOIN`;
  if (!NUMBERED.has(kind)) return `${select("e.id")} stored_entries e WHERE ${isWithin("e.id")}`;
  return SOURCES.flatMap(({ entry, columns, from, where = "TRUE", kinds }) => {
    const named = columns.filter((_, index) => kinds[index] === kind);
    if (named.length === 0) return [];
    // NOTE: the plus keeps SQLite from looking up each of the keys, of which there may be many, where a row has one or two.
    const isNamed = named.map((column) => `+${column} IN (SELECT value FROM json_each(${keys}))`).join(" OR ");
    return [`${select(entry)} ${from} WHERE ${isWithin(entry)} AND ${where} AND (${isNamed})`];
  }).join(" UNION ALL ");
}

/** Calls `add` for each posting in the rows of a source. */
function collect(
  rows: Iterable<PostingSourceRow>,
  kinds: readonly PostingKind[],
  add: (kind: number, key: number, block: number) => void,
): void {
  const codes = kinds.map(postingCode);
  for (const [entryId, ...keys] of rows) {
    const block = blockOf(entryId);
    for (let index = 0; index < codes.length; index++) {
      const key = keys[index] ?? null;
      const number = typeof key === "string" ? keyOf(kinds[index], key) : key;
      if (number !== null) add(codes[index] ?? 0, number, block);
    }
  }
}

function keyOf(kind: PostingKind | undefined, text: string): number | null {
  if (kind !== "next_hop") return textKey(text);
  const id = nextHopId(text);
  return id === undefined ? null : textKey(id);
}
