/** Raw log text as it is kept: the bytes of one batch, compressed, with their hash; and where an entry is in it. */
import { createHash } from "node:crypto";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import type Database from "better-sqlite3";
import { PilotError } from "../errors.ts";
import { remember } from "./remember.ts";

/** Measured: quality 1 takes two thirds of the time of deflate level 1 for the same ratio (0.3 on logs). */
const BROTLI_OPTIONS = {
  params: { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT },
};

export interface PackedText {
  readonly data: Uint8Array;
  readonly sha256: Uint8Array;
  readonly size: number;
}

/** Packs text read as latin1: one character is one byte. */
export function packText(text: string): PackedText {
  const bytes = Buffer.from(text, "latin1");
  return { data: brotliCompressSync(bytes, BROTLI_OPTIONS), sha256: sha256(bytes), size: bytes.length };
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

/** The bytes of a block. Errors: `corrupt`. */
export function unpackBytes(blockId: number, data: Uint8Array): Buffer {
  try {
    return brotliDecompressSync(data);
  } catch (error) {
    throw damagedText(blockId, error);
  }
}

export function damagedText(blockId: number, cause?: unknown): PilotError {
  return new PilotError("corrupt", `The log text in block ${blockId} of the database is damaged.`, {
    hint: "Keep the file, restore a backup, and ingest the logs again: lines already there are not added twice.",
    cause,
  });
}

/** How an entry id is made: the block × this, plus the line within the block. */
export const LINES_PER_BLOCK = 65536;

/**
 * SQL for the greatest number of a block that is there, or of which something is left: what entries say outlives their text when
 * that is pruned, and the ids of both are made of the block's.
 */
export const GREATEST_BLOCK = `max(
  (SELECT coalesce(max(id), 0) FROM raw_blocks),
  ${["stored_entries", "stored_headers", "stored_envelopes"].map((table) => `(SELECT coalesce(max(id), 0) FROM ${table}) / ${LINES_PER_BLOCK}`).join(",\n  ")})`;

export function entryIdOf(blockId: number, line: number): number {
  return blockId * LINES_PER_BLOCK + line;
}

export function blockOf(entryId: number): number {
  return Math.floor(entryId / LINES_PER_BLOCK);
}

export function lineOf(entryId: number): number {
  return entryId % LINES_PER_BLOCK;
}

/** Offset in `text` at which line number `line` begins. */
export function offsetOfLine(text: string, line: number): number {
  let offset = 0;
  for (let passed = 0; passed < line; passed++) offset = text.indexOf("\n", offset) + 1;
  return offset;
}

/** Blocks kept open: entries are asked for in runs, and a message's lines stand close together. */
const OPEN_BLOCKS = 32;

export interface OpenBlock {
  readonly text: string;
  /** Where each of its lines begins: an entry is found without passing those before it. */
  readonly lineStarts: readonly number[];
  /** Its lines came through syslog. */
  readonly isSyslog: boolean;
}

function startOf({ text, lineStarts }: OpenBlock, line: number): number {
  return lineStarts[line] ?? text.length;
}

function findLineStarts(text: string): number[] {
  const starts = [0];
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", end + 1)) starts.push(end + 1);
  return starts;
}

function lineAt(block: OpenBlock, line: number): string {
  const { text } = block;
  const start = startOf(block, line);
  const end = text.indexOf("\n", start);
  return text.slice(start, end === -1 ? text.length : end);
}

/** Of the places of an entry, whichever was read first, the text that says most: the reject log's has the headers. */
export function longestText(
  entryId: number,
  sightings: readonly number[],
  textAt: (location: number) => string | undefined,
): string | undefined {
  let longest = textAt(entryId);
  for (const location of sightings) {
    const text = textAt(location);
    if (text !== undefined && text.length > (longest?.length ?? 0)) longest = text;
  }
  return longest;
}

/** Reads entries' text from the blocks of one connection. */
export class RawTextReader {
  readonly #block: Database.Statement<[number], { data: Uint8Array; log_type: string }>;
  readonly #sightings: Database.Statement<[number], number>;
  readonly #nextLocation: Database.Statement<[number, number, number, number], { location: number | null }>;
  readonly #otherLines: Database.Statement<[number], { location: number }>;
  readonly #open = new Map<number, OpenBlock>();

  constructor(database: Database.Database) {
    this.#block = database.prepare(
      `SELECT b.data, c.name AS log_type FROM raw_blocks b JOIN stored_sources s ON s.id = b.source_id
       JOIN codes c ON c.family = 'log_type' AND c.code = s.log_type
       WHERE b.id = ?`,
    );
    this.#otherLines = database.prepare("SELECT location FROM entry_lines WHERE first_location = ? ORDER BY location");
    this.#sightings = database.prepare<[number], number>("SELECT location FROM sightings WHERE entry_id = ?").pluck();
    this.#nextLocation = database.prepare(
      `SELECT min(location) AS location FROM (
         SELECT min(id) AS location FROM stored_entries WHERE id > ? AND id < ?
         UNION ALL
         SELECT min(location) FROM sightings WHERE location > ? AND location < ?
       )`,
    );
  }

  /**
   * The bytes of an entry as latin1 text: its line and its continuation lines, without the last newline; undefined when
   * pruned. Of an entry in several logs it is the longest text.
   */
  entryText(entryId: number): string | undefined {
    return longestText(entryId, this.#sightings.all(entryId), (location) => this.textAt(location));
  }

  /** The bytes of an entry, or of a sighting of it, in one log: latin1, its lines without the last newline; undefined when pruned. */
  textAt(location: number): string | undefined {
    const block = this.block(blockOf(location));
    if (block === undefined) return undefined;
    const { text, isSyslog } = block;
    if (isSyslog) {
      const others = this.#otherLines.all(location);
      return [{ location }, ...others].map((line) => lineAt(block, lineOf(line.location))).join("\n");
    }
    const start = startOf(block, lineOf(location));
    const blockEnd = entryIdOf(blockOf(location) + 1, 0);
    const next = this.#nextLocation.get(location, blockEnd, location, blockEnd)?.location;
    const end = next === null || next === undefined ? text.length : startOf(block, lineOf(next));
    return text.slice(start, text.charAt(end - 1) === "\n" ? end - 1 : end);
  }

  /** The text of a whole block; undefined when pruned. */
  blockText(blockId: number): string | undefined {
    return this.block(blockId)?.text;
  }

  /** A block, unpacked; undefined when pruned. Errors: `corrupt`. */
  block(blockId: number): OpenBlock | undefined {
    let block = this.#open.get(blockId);
    if (block !== undefined) return block;
    const row = this.#block.get(blockId);
    if (row === undefined) return undefined;
    const text = this.unpack(blockId, row.data);
    block = { text, lineStarts: findLineStarts(text), isSyslog: row.log_type === "syslog" };
    remember(this.#open, blockId, block, OPEN_BLOCKS);
    return block;
  }

  /** The text of a block whose data is at hand already. */
  unpack(blockId: number, data: Uint8Array): string {
    return unpackBytes(blockId, data).toString("latin1");
  }

  /** Forgets open blocks; their text may have changed. */
  clear(): void {
    this.#open.clear();
  }
}
