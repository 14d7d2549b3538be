/**
 * A name of an entry that outlives its place in the file. It is told from the entry's first line, the kind of log, its server, and where
 * the line begins in the text of the log: of all of this nothing changes when a log is rotated, compressed, or read again elsewhere. It is
 * stored only when that can no longer be told, as the text has been pruned, or tells two entries the same name.
 */
import { createHash } from "node:crypto";
import type Database from "better-sqlite3";
import { PilotError } from "../../errors.ts";
import { remember } from "../database/bounded-map.ts";
import { prepareOnce } from "../database/prepared.ts";
import { blockOf, entryIdOf, lineOf, type RawTextReader } from "./blocks.ts";

const KEY_BYTES = 8;
/** Entries are asked for in runs. */
const BLOCKS_REMEMBERED = 16;

interface BlockOrigin {
  readonly server: string;
  /** codes.log_type */
  readonly log_type: number;
  readonly position: number;
}

/** Facts that distinguish an entry from all but those equal word for word at the same place. */
interface Words {
  readonly server: string;
  readonly logType: number;
  /** Offset of the first byte of its first line in the uncompressed log. */
  readonly offset: number;
  /** Latin1. */
  readonly line: string;
}

/** Tells the keys of entries, over one connection. */
export class FactKeys {
  readonly #rawText: RawTextReader;
  readonly #kept: Database.Statement<[number], Uint8Array>;
  readonly #duplicateLocations: Database.Statement<[number], number>;
  readonly #origin: Database.Statement<[number], BlockOrigin>;
  readonly #origins = new Map<number, BlockOrigin | undefined>();

  constructor(database: Database.Database, rawText: RawTextReader) {
    this.#rawText = rawText;
    this.#kept = database.prepare<[number], Uint8Array>("SELECT fact_key FROM kept_keys WHERE entry_id = ?").pluck();
    this.#duplicateLocations = database
      .prepare<[number], number>("SELECT location FROM duplicate_locations WHERE entry_id = ?")
      .pluck();
    this.#origin = database.prepare(
      `SELECT v.name AS server, s.log_type, b.position FROM raw_blocks b
       JOIN stored_sources s ON s.id = b.source_id JOIN stored_servers v ON v.id = s.server_id WHERE b.id = ?`,
    );
  }

  /** 16 hexadecimal digits; undefined when neither the key nor the text is there. Errors: `corrupt`. */
  keyOf(entryId: number): string | undefined {
    return this.kept(entryId) ?? this.told(entryId);
  }

  /** The key that is stored for the entry. */
  kept(entryId: number): string | undefined {
    const key = this.#kept.get(entryId);
    return key === undefined ? undefined : Buffer.from(key).toString("hex");
  }

  /** The key that its text tells, the `copy`-th of those that are the same word for word, from 0. */
  told(entryId: number, copy = 0): string | undefined {
    const words = this.#wordsOf(entryId);
    return words === undefined ? undefined : hashOf(words, copy);
  }

  /** Facts of the place that comes first: main log before reject log before panic log, whichever was read first. */
  #wordsOf(entryId: number): Words | undefined {
    let first: Words | undefined;
    for (const location of [entryId, ...this.#duplicateLocations.all(entryId)]) {
      const words = this.#wordsAt(location);
      if (words !== undefined && (first === undefined || comesBefore(words, first))) first = words;
    }
    return first;
  }

  #wordsAt(location: number): Words | undefined {
    const origin = this.#originOf(blockOf(location));
    const block = origin === undefined ? undefined : this.#rawText.block(blockOf(location));
    if (origin === undefined || block === undefined) return undefined;
    const offset = origin.position + block.startOf(lineOf(location));
    return { server: origin.server, logType: origin.log_type, offset, line: block.lineAt(lineOf(location)) };
  }

  #originOf(blockId: number): BlockOrigin | undefined {
    const known = this.#origins.get(blockId);
    if (known !== undefined) return known;
    const origin = this.#origin.get(blockId);
    remember(this.#origins, blockId, origin, BLOCKS_REMEMBERED);
    return origin;
  }
}

function comesBefore(one: Words, other: Words): boolean {
  return one.logType < other.logType || (one.logType === other.logType && one.offset < other.offset);
}

function hashOf({ server, logType, offset, line }: Words, copy: number): string {
  return createHash("sha256")
    .update(`${server}\0${logType}\0${offset}\0${copy}\0`)
    .update(line, "latin1")
    .digest()
    .toString("hex", 0, KEY_BYTES);
}

export type EntryKey = readonly [entryId: number, key: string];

/** The keys of entries that a block tells of and that stay without its text. */
export function keysOf(database: Database.Database, keys: FactKeys, blockId: number): readonly EntryKey[] {
  // NOTE: an entry that belongs to no message, and is in no other log, is removed with its text.
  const staying = prepareOnce<[number, number, number, number], { id: number }>(
    database,
    `SELECT id FROM stored_entries WHERE id >= ? AND id < ?
       AND (message_id IS NOT NULL OR EXISTS (SELECT 1 FROM duplicate_locations WHERE entry_id = stored_entries.id))
     UNION SELECT entry_id FROM duplicate_locations WHERE location >= ? AND location < ?`,
  );
  const [from, to] = [entryIdOf(blockId, 0), entryIdOf(blockId + 1, 0)];
  try {
    return staying.all(from, to, from, to).flatMap(({ id }) => {
      const key = keys.keyOf(id);
      return key === undefined ? [] : [[id, key] as const];
    });
  } catch (error) {
    // NOTE: no key can be told from damaged text, which may go all the same.
    if (error instanceof PilotError && error.code === "corrupt") return [];
    throw error;
  }
}

/** Stores keys, of entries that have none stored; inside a transaction. */
export function keepKeys(database: Database.Database, keys: readonly EntryKey[]): void {
  const insert = prepareOnce<[number, Uint8Array]>(
    database,
    "INSERT OR IGNORE INTO kept_keys (entry_id, fact_key) VALUES (?, ?)",
  );
  for (const [entryId, key] of keys) insert.run(entryId, Buffer.from(key, "hex"));
}

/**
 * Stores a key of its own for each entry of the blocks after `indexed` that another log of the server repeats: word for word, at
 * the same place. Logs may begin alike. Inside a transaction, with all rows flushed.
 */
export function keepEqualKeys(database: Database.Database, rawText: RawTextReader, indexed: number): void {
  const pairs = alikeBlocks(database, indexed);
  const lost = new Set(blocksBesidePruned(database, indexed));
  if (pairs.size === 0 && lost.size === 0) return;
  const keys = new FactKeys(database, rawText);
  // Pruned entries have left only their keys.
  const allKept = lost.size === 0 ? undefined : readKept(database);
  for (const blockId of new Set([...pairs.keys(), ...lost])) {
    const others = new Map<string, number[]>();
    for (const other of pairs.get(blockId) ?? [])
      for (const id of entriesIn(database, other)) {
        const key = keys.told(id);
        if (key !== undefined) others.set(key, [...(others.get(key) ?? []), id]);
      }
    const prunedKeys = lost.has(blockId) ? allKept : undefined;
    for (const id of entriesIn(database, blockId)) {
      const first = keys.told(id);
      if (first === undefined || keys.kept(id) !== undefined) continue;
      const equals = (others.get(first) ?? []).filter((other) => other !== id);
      const taken = new Set(equals.map((other) => keys.keyOf(other)));
      let key: string | undefined = first;
      for (let copy = 1; key !== undefined && (taken.has(key) || prunedKeys?.has(key) === true); copy++)
        key = keys.told(id, copy);
      if (key === undefined || key === first) continue;
      keepKeys(database, [[id, key]]);
      allKept?.add(key);
    }
  }
}

function readKept(database: Database.Database): Set<string> {
  const keys = database.prepare<[], string>("SELECT lower(hex(fact_key)) FROM kept_keys").pluck();
  return new Set(keys.iterate());
}

/** Entries that are told of in a block. */
function entriesIn(database: Database.Database, blockId: number): readonly number[] {
  const [from, to] = [entryIdOf(blockId, 0), entryIdOf(blockId + 1, 0)];
  return prepareOnce<[number, number, number, number], { id: number }>(
    database,
    `SELECT id FROM stored_entries WHERE id >= ? AND id < ?
     UNION SELECT entry_id FROM duplicate_locations WHERE location >= ? AND location < ? ORDER BY 1`,
  )
    .all(from, to, from, to)
    .map(({ id }) => id);
}

/** The new blocks, each with its likes in other logs of the server and kind: those at the same place and of the same time. */
function alikeBlocks(database: Database.Database, indexed: number): ReadonlyMap<number, readonly number[]> {
  const rows = prepareOnce<[number], { id: number; other: number }>(
    database,
    `SELECT b.id, o.id AS other
     FROM raw_blocks b
     JOIN stored_sources s ON s.id = b.source_id
     JOIN stored_sources t ON t.server_id = s.server_id AND t.log_type = s.log_type AND t.id <> s.id
     JOIN raw_blocks o INDEXED BY idx_raw_blocks_last_ms
       ON o.source_id = t.id AND o.last_ms >= b.first_ms AND o.first_ms <= b.last_ms
       AND o.position < b.position + b.size AND o.position + o.size > b.position
     WHERE b.id > ? ORDER BY b.id, o.id`,
  ).all(indexed);
  const found = new Map<number, number[]>();
  for (const { id, other } of rows) found.set(id, [...(found.get(id) ?? []), other]);
  return found;
}

/** The new blocks that lie where another log of the server and kind has lost text of the same time. */
function blocksBesidePruned(database: Database.Database, indexed: number): readonly number[] {
  return prepareOnce<[number], { id: number }>(
    database,
    `SELECT DISTINCT b.id
     FROM raw_blocks b
     JOIN stored_sources s ON s.id = b.source_id
     JOIN stored_sources t ON t.server_id = s.server_id AND t.log_type = s.log_type AND t.id <> s.id
     WHERE b.id > ? AND t.pruned > b.position AND t.first_ms <= b.last_ms AND t.last_ms >= b.first_ms ORDER BY b.id`,
  )
    .all(indexed)
    .map(({ id }) => id);
}
