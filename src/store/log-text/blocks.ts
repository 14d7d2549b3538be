/** Raw log text as it is kept: the bytes of one batch, compressed, with their hash; and where an entry is in it. */
import { createHash } from "node:crypto";
import { type BrotliOptions, brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import type Database from "better-sqlite3";
import { PilotError } from "../../errors.ts";
import { firstAfter } from "../../sorted.ts";
import { remember } from "../database/bounded-map.ts";

/** Bits of the usual window; a smaller one takes less time to set up. */
const WIDEST_WINDOW = 22;
const NARROWEST_WINDOW = 16;

/**
 * Measured: quality 1 takes two thirds of the time of deflate level 1 for the same ratio. The ratio on logs is 0.2 for 90 KB, 0.18 for
 * 1 MiB.
 */
function brotliOptions(size: number): BrotliOptions {
  const window = Math.min(WIDEST_WINDOW, Math.max(NARROWEST_WINDOW, Math.ceil(Math.log2(size + 1))));
  return {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 1,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_LGWIN]: window,
    },
  };
}

export interface PackedText {
  readonly data: Uint8Array;
  readonly sha256: Uint8Array;
  readonly size: number;
}

export function packBytes(bytes: Uint8Array): PackedText {
  return { data: brotliCompressSync(bytes, brotliOptions(bytes.length)), sha256: sha256(bytes), size: bytes.length };
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

/** Factor of an entry id: block × this + line within the block. */
export const LINES_PER_BLOCK = 65536;

/**
 * SQL for the greatest number of a block that is there, or of which something is left: what entries say outlives their text when
 * that is pruned, and the ids of both are made of the block's.
 */
export const GREATEST_BLOCK = `max(
  (SELECT coalesce(max(id), 0) FROM raw_blocks),
  (SELECT coalesce(max(location), 0) FROM entry_lines) / ${LINES_PER_BLOCK},
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

/** Numbers in the column `alone` of entry_lines. */
export const ALONE = { piece: 0, foreign: 1, rest: 2 } as const;

/** Blocks kept open: entries are asked for in runs, and a message's lines stand close together. */
const OPEN_BLOCKS = 16;

/** A block, unpacked. */
export class OpenBlock {
  /** Latin1. */
  readonly text: string;
  /** Its lines came through syslog. */
  readonly isSyslog: boolean;
  #starts: readonly number[] | undefined;

  constructor(text: string, isSyslog: boolean) {
    this.text = text;
    this.isSyslog = isSyslog;
  }

  /** Offset of a line in the text; the end of the text for a line that does not exist. */
  startOf(line: number): number {
    this.#starts ??= lineStarts(this.text);
    return this.#starts[line] ?? this.text.length;
  }

  /** One line, without its newline. */
  lineAt(line: number): string {
    const start = this.startOf(line);
    const end = this.text.indexOf("\n", start);
    return this.text.slice(start, end === -1 ? this.text.length : end);
  }
}

/** Offsets of all lines. */
function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", end + 1)) starts.push(end + 1);
  return starts;
}

/** The longest text among the places of an entry, whichever was read first: the reject log has the headers. */
export function longestText(
  entryId: number,
  duplicateLocations: readonly number[],
  textAt: (location: number) => string | undefined,
): string | undefined {
  let longest = textAt(entryId);
  for (const location of duplicateLocations) {
    const text = textAt(location);
    if (text !== undefined && text.length > (longest?.length ?? 0)) longest = text;
  }
  return longest;
}

/** Below this, each entry is looked up by itself. */
const FEWEST_TOGETHER = 1000;

/** Reads entries' text from the blocks of one connection. */
export class RawTextReader {
  readonly #block: Database.Statement<[number], { data: Uint8Array; log_type: string }>;
  readonly #duplicateLocations: Database.Statement<[number], number>;
  readonly #duplicatesOfAll: Database.Statement<[string], { entry_id: number; location: number }>;
  readonly #locationsWithin: Database.Statement<[number, number, number, number], number>;
  readonly #nextLocation: Database.Statement<[number, number, number, number], { location: number | null }>;
  readonly #otherLines: Database.Statement<[number], { location: number; alone: number }>;
  readonly #open = new Map<number, OpenBlock>();

  constructor(database: Database.Database) {
    this.#block = database.prepare(
      `SELECT b.data, c.name AS log_type FROM raw_blocks b JOIN stored_sources s ON s.id = b.source_id
       JOIN codes c ON c.family = 'log_type' AND c.code = s.log_type
       WHERE b.id = ?`,
    );
    this.#otherLines = database.prepare(
      "SELECT location, alone FROM entry_lines WHERE first_location = ? ORDER BY location",
    );
    this.#duplicateLocations = database
      .prepare<[number], number>("SELECT location FROM duplicate_locations WHERE entry_id = ?")
      .pluck();
    this.#duplicatesOfAll = database.prepare(
      "SELECT entry_id, location FROM duplicate_locations WHERE entry_id IN (SELECT value FROM json_each(?))",
    );
    this.#locationsWithin = database
      .prepare<[number, number, number, number], number>(
        `SELECT id FROM stored_entries WHERE id >= ? AND id < ?
         UNION ALL
         SELECT location FROM duplicate_locations WHERE location >= ? AND location < ?
         ORDER BY 1`,
      )
      .pluck();
    this.#nextLocation = database.prepare(
      `SELECT min(location) AS location FROM (
         SELECT min(id) AS location FROM stored_entries WHERE id > ? AND id < ?
         UNION ALL
         SELECT min(location) FROM duplicate_locations WHERE location > ? AND location < ?
       )`,
    );
  }

  /**
   * The bytes of an entry as latin1 text: its line and its continuation lines, without the last newline; undefined when
   * pruned. Of an entry in several logs it is the longest text.
   */
  entryText(entryId: number): string | undefined {
    return longestText(entryId, this.#duplicateLocations.all(entryId), (location) => this.textAt(location));
  }

  /** The bytes of an entry, or of a duplicate location of it, in one log: latin1, its lines without the last newline; undefined when pruned. */
  textAt(location: number, nextLocation = this.#findNext): string | undefined {
    const block = this.block(blockOf(location));
    if (block === undefined) return undefined;
    const { text, isSyslog } = block;
    if (isSyslog) {
      const blockId = blockOf(location);
      let [own, further] = [block.lineAt(lineOf(location)), ""];
      for (const { location: other, alone } of this.#otherLines.all(location)) {
        const line = blockOf(other) === blockId ? block.lineAt(lineOf(other)) : this.lineAt(other);
        if (blockOf(other) === blockId) own += `\n${line}`;
        // NOTE: the text of another log may have been pruned.
        else if (line !== undefined) further += alone === ALONE.rest ? line : `\n${line}`;
      }
      return own + further;
    }
    const start = block.startOf(lineOf(location));
    const next = nextLocation(location);
    const end = next === undefined ? text.length : block.startOf(lineOf(next));
    return text.slice(start, text.charAt(end - 1) === "\n" ? end - 1 : end);
  }

  /** One line, without its newline; undefined when pruned. */
  lineAt(location: number): string | undefined {
    return this.block(blockOf(location))?.lineAt(lineOf(location));
  }

  readonly #findNext = (location: number): number | undefined => {
    const blockEnd = entryIdOf(blockOf(location) + 1, 0);
    return this.#nextLocation.get(location, blockEnd, location, blockEnd)?.location ?? undefined;
  };

  /** The same as {@link entryText} of each: a large part of the entries of a block is found faster together. */
  entryTexts(entryIds: readonly number[]): (string | undefined)[] {
    if (entryIds.length < FEWEST_TOGETHER) return entryIds.map((id) => this.entryText(id));
    const duplicates = Map.groupBy(this.#duplicatesOfAll.all(JSON.stringify(entryIds)), ({ entry_id: id }) => id);
    const locations = new Map<number, readonly number[]>();
    const findNext = (location: number): number | undefined => {
      const block = blockOf(location);
      let known = locations.get(block);
      if (known === undefined) {
        const [from, until] = [entryIdOf(block, 0), entryIdOf(block + 1, 0)];
        known = this.#locationsWithin.all(from, until, from, until);
        locations.set(block, known);
      }
      return known[firstAfter(known, location)];
    };
    return entryIds.map((id) =>
      longestText(
        id,
        (duplicates.get(id) ?? []).map(({ location }) => location),
        (location) => this.textAt(location, findNext),
      ),
    );
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
    block = new OpenBlock(unpackBytes(blockId, row.data).toString("latin1"), row.log_type === "syslog");
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
