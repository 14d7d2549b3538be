/** Where logs that came through syslog begin and end, and the entries of which another log has lines: a rotation has cut them. */
import type Database from "better-sqlite3";
import { type EpochMs, type Moment, momentMs } from "../../units.ts";
import { entryIdOf, LINES_PER_BLOCK, type RawTextReader } from "../log-text/blocks.ts";
import { type Codes, type LogType, logTypeBit } from "../schema/codes.ts";

/** Lines at one end of a log. */
export interface EndLines {
  readonly lines: readonly string[];
  /** The location of each. */
  readonly locations: readonly number[];
  /** The last of them has no newline. */
  readonly isUnfinished: boolean;
  /** Lines of the log before them; infinite where its beginning has been pruned. */
  readonly linesBefore: number;
}

/** Another place of an entry. */
export interface OtherPlace {
  readonly location: number;
  /** The log that the first place was sent for. */
  readonly logType: LogType;
}

/** Logs that are looked at, those closest in time. */
const MOST_LOGS = 16;
const LOG_TYPES = ["main", "reject", "panic"] as const satisfies readonly LogType[];
/** SQL of a line that is in another block than the first one of its entry. */
const IS_APART = `location / ${LINES_PER_BLOCK} <> first_location / ${LINES_PER_BLOCK}`;

export class LogEnds {
  readonly #rawText: RawTextReader;
  readonly #others: Database.Statement<
    [{ readonly server: number; readonly source: number; readonly at: number | null }],
    number
  >;
  readonly #firstBlocks: Database.Statement<[sourceId: number], { id: number; position: number; lines: number }>;
  readonly #lastBlock: Database.Statement<[sourceId: number], { id: number; lines_before: number | null }>;
  readonly #sourceOf: Database.Statement<[blockId: number], number>;
  readonly #isFirst: Database.Statement<[location: number, location: number], 0 | 1>;
  readonly #firstOf: Database.Statement<[location: number], number>;
  readonly #linesAfter: Database.Statement<[firstLocation: number], number>;
  readonly #momentAt: Database.Statement<[location: number, location: number], Moment | null>;
  readonly #otherPlace: Database.Statement<[{ readonly location: number }], { location: number; log_type: number }>;
  readonly #codes: Codes;
  readonly #apart: Database.Statement<[{ readonly from: number; readonly to: number }], number>;

  constructor(database: Database.Database, rawText: RawTextReader, codes: Codes) {
    this.#rawText = rawText;
    this.#codes = codes;
    this.#others = database
      .prepare<[{ readonly server: number; readonly source: number; readonly at: number | null }], number>(
        `SELECT id FROM stored_sources
         WHERE server_id = @server AND log_type = ${codes.logType("syslog")} AND id <> @source AND position > pruned
         ORDER BY min(abs(last_ms - @at), abs(first_ms - @at)) NULLS FIRST, updated_ms DESC LIMIT ${MOST_LOGS}`,
      )
      .pluck();
    this.#firstBlocks = database.prepare(
      "SELECT id, position, lines FROM raw_blocks WHERE source_id = ? ORDER BY position",
    );
    this.#lastBlock = database.prepare(
      `SELECT b.id, iif(s.pruned = 0, (SELECT total(lines) FROM raw_blocks WHERE source_id = s.id) - b.lines, NULL) AS lines_before
       FROM stored_sources s JOIN raw_blocks b ON b.source_id = s.id WHERE s.id = ? ORDER BY b.position DESC LIMIT 1`,
    );
    this.#sourceOf = database.prepare<[number], number>("SELECT source_id FROM raw_blocks WHERE id = ?").pluck();
    this.#isFirst = database
      .prepare<[number, number], 0 | 1>(
        `SELECT EXISTS (SELECT 1 FROM stored_entries WHERE id = ?)
             OR EXISTS (SELECT 1 FROM duplicate_locations WHERE location = ?)`,
      )
      .pluck();
    this.#firstOf = database
      .prepare<[number], number>("SELECT first_location FROM entry_lines WHERE location = ?")
      .pluck();
    this.#linesAfter = database
      .prepare<[number], number>(
        `SELECT location FROM entry_lines WHERE first_location = ? ORDER BY ${IS_APART}, location`,
      )
      .pluck();
    this.#momentAt = database
      .prepare<[number, number], Moment | null>(
        `SELECT at FROM stored_entries
         WHERE id = coalesce((SELECT entry_id FROM duplicate_locations WHERE location = ?), ?)`,
      )
      .pluck();
    this.#otherPlace = database.prepare(
      `SELECT entry_id AS location, log_type FROM duplicate_locations WHERE location = @location
       UNION ALL
       SELECT min(d.location), CASE e.seen_in - sum(DISTINCT 1 << d.log_type) ${LOG_TYPES.map((log) => `WHEN ${logTypeBit(log)} THEN ${codes.logType(log)}`).join(" ")} END
       FROM duplicate_locations d JOIN stored_entries e ON e.id = d.entry_id WHERE d.entry_id = @location GROUP BY d.entry_id`,
    );
    this.#apart = database
      .prepare<[{ readonly from: number; readonly to: number }], number>(
        `SELECT first_location FROM entry_lines WHERE location >= @from AND location < @to AND ${IS_APART}
         UNION SELECT first_location FROM entry_lines WHERE first_location >= @from AND first_location < @to AND ${IS_APART}`,
      )
      .pluck();
  }

  /** The server's other logs of syslog with text, those that begin or end closest to `at` first; not all, where they are many. */
  othersOf(serverId: number, sourceId: number, at: EpochMs | undefined): readonly number[] {
    return this.#others.all({ server: serverId, source: sourceId, at: at ?? null });
  }

  /** The lines of the first blocks of a log, at least `count` of them if there are so many; none when they have been pruned. */
  firstLines(sourceId: number, count: number): EndLines {
    const [lines, locations]: [string[], number[]] = [[], []];
    for (const { id, position } of this.#firstBlocks.iterate(sourceId)) {
      if (lines.length >= count || (lines.length === 0 && position > 0)) break;
      this.#addBlock(id, lines, locations);
    }
    return { lines, locations, isUnfinished: false, linesBefore: 0 };
  }

  /** The lines of the last block of a log. */
  lastLines(sourceId: number): EndLines {
    const [lines, locations]: [string[], number[]] = [[], []];
    const block = this.#lastBlock.get(sourceId);
    const isUnfinished = block !== undefined && this.#addBlock(block.id, lines, locations);
    return { lines, locations, isUnfinished, linesBefore: block?.lines_before ?? Number.POSITIVE_INFINITY };
  }

  /** Returns true when the last line of the block has no newline. */
  #addBlock(id: number, lines: string[], locations: number[]): boolean {
    for (const [line, text] of (this.#rawText.blockText(id) ?? "").split("\n").entries()) {
      lines.push(text);
      locations.push(entryIdOf(id, line));
    }
    if (lines.at(-1) !== "") return true;
    // NOTE: behind its last newline is no line.
    lines.pop();
    locations.pop();
    return false;
  }

  /** The log of a block. */
  sourceOf(blockId: number): number | undefined {
    return this.#sourceOf.get(blockId);
  }

  /** All lines of what begins at a location, those of other logs last; undefined where nothing begins. */
  linesFrom(location: number): readonly [number, ...number[]] | undefined {
    return this.#isFirst.get(location, location) === 1 ? [location, ...this.#linesAfter.all(location)] : undefined;
  }

  /** The first line of the record that a line is of; undefined for one of another program. */
  firstOf(location: number): number | undefined {
    return this.#isFirst.get(location, location) === 1 ? location : this.#firstOf.get(location);
  }

  /** The time of what begins at a location; undefined when it has none. */
  timeAt(location: number): EpochMs | undefined {
    const at = this.#momentAt.get(location, location) ?? null;
    return at === null ? undefined : momentMs(at);
  }

  /** Where else the entry is that begins at a location, once it is no longer there; undefined when nowhere. */
  otherPlaceOf(location: number): OtherPlace | undefined {
    const row = this.#otherPlace.get({ location });
    return row && { location: row.location, logType: this.#codes.logTypeName(row.log_type) as LogType };
  }

  /** First lines of the entries that have lines both in a block and in another one. */
  cutBy(blockId: number): readonly number[] {
    return this.#apart.all({ from: entryIdOf(blockId, 0), to: entryIdOf(blockId + 1, 0) });
  }
}
