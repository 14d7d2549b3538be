/** Looking through the text of all lines that are stored. */
import type Database from "better-sqlite3";
import { entryIdOf, LINES_PER_BLOCK, lineOf, type RawTextReader } from "./blocks.ts";

/** One pattern twice: for a whole block (global, `^` and `$` at each line), and for a line alone. */
export interface LinePattern {
  readonly inBlock: RegExp;
  readonly inLine: RegExp;
}

export interface LineMatch {
  readonly entryId: number;
  /** Key of the message in the database; null when the line belongs to none. */
  readonly messageId: number | null;
}

/** An entry that names a message which is not its own. */
export interface IdPosting {
  readonly messageId: number;
  /** Exim's id of the other. */
  readonly namedId: string;
}

interface PlacedEntry {
  readonly location: number;
  readonly id: number;
  readonly message_id: number | null;
}

/** An id in a text, between boundaries. */
const ANY_ID = /(?<![\w-])(?:\w{6}-\w{6}-\w{2}|\w{6}-\w{11}-\w{4})(?![\w-])/g;

export class RawLines {
  readonly #rawText: RawTextReader;
  readonly #blocks: Database.Statement<[number], { id: number; data: Uint8Array; is_syslog: 0 | 1 }>;
  readonly #blockCount: Database.Statement<[number], number>;
  readonly #entries: Database.Statement<[{ readonly from: number; readonly to: number }], PlacedEntry>;
  readonly #hasOthers: Database.Statement<[{ readonly from: number; readonly to: number }], 0 | 1>;
  readonly #entryBefore: Database.Statement<[number, number], PlacedEntry>;
  readonly #eximIds: Database.Statement<[number, number], { id: number; exim_id: string }>;

  constructor(database: Database.Database, rawText: RawTextReader) {
    this.#rawText = rawText;
    this.#blocks = database.prepare(
      `SELECT b.id, b.data, c.name = 'syslog' AS is_syslog
       FROM raw_blocks b JOIN stored_sources s ON s.id = b.source_id
       JOIN codes c ON c.family = 'log_type' AND c.code = s.log_type
       WHERE b.last_ms IS NULL OR b.last_ms >= ? ORDER BY b.id`,
    );
    this.#blockCount = database
      .prepare<[number], number>("SELECT count(*) FROM raw_blocks WHERE last_ms IS NULL OR last_ms >= ?")
      .pluck();
    this.#entries = database.prepare(
      `SELECT id AS location, id, message_id FROM stored_entries WHERE id >= @from AND id < @to
       UNION ALL
       SELECT s.location, e.id, e.message_id FROM duplicate_locations s JOIN stored_entries e ON e.id = s.entry_id
       WHERE s.location >= @from AND s.location < @to
       UNION ALL
       SELECT l.location, e.id, e.message_id FROM entry_lines l LEFT JOIN duplicate_locations s ON s.location = l.first_location
       JOIN stored_entries e ON e.id = coalesce(s.entry_id, l.first_location)
       WHERE l.location >= @from AND l.location < @to
       ORDER BY 1`,
    );
    this.#hasOthers = database
      .prepare<[{ readonly from: number; readonly to: number }], 0 | 1>(
        `SELECT EXISTS (SELECT 1 FROM duplicate_locations WHERE location >= @from AND location < @to)
           OR EXISTS (SELECT 1 FROM entry_lines WHERE location >= @from AND location < @to)`,
      )
      .pluck();
    this.#entryBefore = database.prepare(
      "SELECT id AS location, id, message_id FROM stored_entries WHERE id >= ? AND id <= ? ORDER BY id DESC LIMIT 1",
    );
    this.#eximIds = database.prepare(
      `SELECT id, exim_id FROM stored_messages
       WHERE id IN (SELECT message_id FROM stored_entries WHERE id >= ? AND id < ? AND message_id IS NOT NULL)`,
    );
  }

  /** Number of blocks that reach to `sinceMs`. */
  countBlocks(sinceMs: number): number {
    return this.#blockCount.get(sinceMs) ?? 0;
  }

  /** The entries of which a line matches, block by block, in those that reach to `sinceMs`; one that is in two logs may come twice. */
  *matching(pattern: LinePattern, sinceMs: number): Generator<readonly LineMatch[]> {
    for (const { id, data, is_syslog } of this.#blocks.iterate(sinceMs)) {
      const lines = findLines(this.#rawText.unpack(id, data), pattern);
      yield lines.length === 0 ? [] : this.#entriesAt(id, lines, is_syslog === 1);
    }
  }

  #entriesAt(blockId: number, lines: readonly number[], isSyslog: boolean): readonly LineMatch[] {
    const entryAt = this.#entryFinder(blockId);
    const matches: LineMatch[] = [];
    for (const line of lines) {
      const entry = entryAt(line);
      if (entry === undefined || entry.id === matches.at(-1)?.entryId) continue;
      // In a log of syslog a line that is none of an entry's own is another program's.
      if (isSyslog && lineOf(entry.location) !== line) continue;
      matches.push({ entryId: entry.id, messageId: entry.message_id });
    }
    return matches;
  }

  /** Places where an entry of a message names another message: a bounce its original, a delivery its id in the next Exim. */
  *namingOthers(): Generator<IdPosting> {
    for (const { id, data } of this.#blocks.iterate(0)) {
      const text = this.#rawText.unpack(id, data);
      const own = new Map(
        this.#eximIds.all(entryIdOf(id, 0), entryIdOf(id + 1, 0)).map((row) => [row.id, row.exim_id]),
      );
      const entryAt = walkThrough(this.#entriesIn(id));
      let [line, offset] = [0, 0];
      for (const match of text.matchAll(ANY_ID)) {
        for (let end = text.indexOf("\n", offset); end !== -1 && end < match.index; end = text.indexOf("\n", offset)) {
          offset = end + 1;
          line++;
        }
        const messageId = entryAt(line)?.message_id ?? null;
        if (messageId !== null && own.get(messageId) !== match[0]) yield { messageId, namedId: match[0] };
      }
    }
  }

  /** Tells the entry of a line of a block; the lines are asked for in their order. */
  #entryFinder(blockId: number): (line: number) => PlacedEntry | undefined {
    const [from, to] = [entryIdOf(blockId, 0), entryIdOf(blockId + 1, 0)];
    // NOTE: in most blocks every entry is where it was first read, and few lines match.
    if (this.#hasOthers.get({ from, to }) === 0) return (line) => this.#entryBefore.get(from, entryIdOf(blockId, line));
    return walkThrough(this.#entriesIn(blockId));
  }

  #entriesIn(blockId: number): readonly PlacedEntry[] {
    const [from, to] = [entryIdOf(blockId, 0), entryIdOf(blockId + 1, 0)];
    return this.#entries.all({ from, to });
  }
}

/** Tells the entry of a line; the lines are asked for in their order. */
function walkThrough(entries: readonly PlacedEntry[]): (line: number) => PlacedEntry | undefined {
  let index = 0;
  return (line) => {
    while (lineOf(entries[index + 1]?.location ?? LINES_PER_BLOCK - 1) <= line && index + 1 < entries.length) index++;
    return entries[index];
  };
}

/**
 * The numbers of the lines that match. The pattern runs over the whole text, which is much faster than line by line; what it
 * finds may reach over a line's end, so each line found is tried by itself.
 */
function findLines(text: string, { inBlock, inLine }: LinePattern): number[] {
  const lines: number[] = [];
  let [line, start] = [0, 0];
  inBlock.lastIndex = 0;
  for (let match = inBlock.exec(text); match !== null; match = inBlock.exec(text)) {
    let end = text.indexOf("\n", start);
    for (; end !== -1 && end < match.index; end = text.indexOf("\n", start)) {
      start = end + 1;
      line++;
    }
    if (start >= text.length) break;
    if (inLine.test(text.slice(start, end === -1 ? text.length : end))) lines.push(line);
    if (end === -1) break;
    start = end + 1;
    line++;
    inBlock.lastIndex = start;
  }
  return lines;
}
