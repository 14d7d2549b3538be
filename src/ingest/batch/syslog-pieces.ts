/** Entries that syslog cut into lines, while lines of other processes are between their pieces. */

import { startsEntry } from "../../parse/record.ts";
import { isEximSyslogLine, type SyslogHeader, type SyslogLine, syslogWriter } from "../../parse/syslog.ts";
import { unwrapLine } from "../../parse/wrappers.ts";
import { DAY_MS, MINUTE_MS } from "../../units.ts";
import type { LogRecord } from "./log-record.ts";

/** Pieces are sent at once; one that is not there so many lines later got lost. */
export const FARTHEST_PIECE = 500;

interface SplitEntry {
  readonly record: LogRecord;
  readonly count: number;
  readonly seen: Set<number>;
  /** Line of its last piece, within the batch. */
  lastLine: number;
}

/** The entries of a batch that lack pieces, by their writer. */
export class SplitEntries {
  /** The one that got a piece last is the last one. */
  readonly #open = new Map<string, SplitEntry>();

  /** True when no piece is waited for. */
  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  /**
   * Adds a piece to its entry; returns false when it is the first one to arrive, for {@link SplitEntries.begin}. `linesBefore`: of the
   * log. Near its beginning a last piece without its first one is the rest of an entry that a rotation has cut.
   */
  join(syslogLine: SyslogLine, line: string, lineNumber: number, linesBefore: number): boolean {
    const writer = syslogWriter(syslogLine);
    const entry = this.#open.get(writer);
    const { piece } = syslogLine;
    if (entry === undefined || piece === undefined) return false;
    if (entry.count !== piece.count || entry.seen.has(piece.number)) return false;
    if (linesBefore < FARTHEST_PIECE && piece.number === 1 && entry.seen.has(entry.count)) return false;
    entry.record.lines.push(line);
    entry.record.places.push(lineNumber);
    if (piece.number === 1) entry.record.isEntry = true;
    entry.seen.add(piece.number);
    entry.lastLine = lineNumber;
    this.#open.delete(writer);
    if (entry.seen.size < entry.count) this.#open.set(writer, entry);
    return true;
  }

  /** Waits for the other pieces of an entry, and no longer for those of an earlier one of its writer. */
  begin(syslogLine: SyslogLine, record: LogRecord): void {
    const writer = syslogWriter(syslogLine);
    const { piece } = syslogLine;
    this.#open.delete(writer);
    if (piece === undefined) return;
    const { number, count } = piece;
    this.#open.set(writer, { record, count, seen: new Set([number]), lastLine: record.line });
  }

  /** Waits no longer for pieces that should have come. */
  giveUp(lineNumber: number): void {
    for (const [writer, { lastLine }] of this.#open) {
      if (lineNumber - lastLine <= FARTHEST_PIECE) return;
      this.#open.delete(writer);
    }
  }

  clear(): void {
    this.#open.clear();
  }

  /** Records that lack pieces. */
  records(): readonly LogRecord[] {
    return [...this.#open.values()].map(({ record }) => record);
  }
}

/** Pieces of an entry whose others are in another log: a rotation has come between them. */
export interface CutEntry {
  /** Lines of its pieces within the text, the first one first. */
  readonly places: readonly [number, ...number[]];
  readonly writer: string;
  readonly count: number;
  readonly numbers: ReadonlySet<number>;
  readonly header: SyslogHeader;
  /** Lines between its pieces and the end of the text for the last ones of a log, and its beginning for the first ones. */
  readonly distance: number;
}

export interface CutEntries {
  /** Entries that lack their first piece, and are the first of their writers. */
  readonly atBegin: readonly CutEntry[];
  /** Entries whose pieces would be waited for in further lines. */
  readonly atEnd: readonly CutEntry[];
}

/**
 * Finds the entries of a log that its beginning or its end has cut; `lines` are whole blocks of a log of syslog there, after
 * `linesBefore` others.
 */
export function cutEntriesIn(lines: readonly string[], linesBefore: number): CutEntries {
  const split = new SplitEntries();
  const writers = new Set<string>();
  const late: LogRecord[] = [];
  for (const [place, line] of lines.entries()) {
    const syslogLine = unwrapLine(line);
    if (syslogLine === undefined || syslogLine.container !== undefined) continue;
    split.giveUp(place);
    if (split.join(syslogLine, line, place, linesBefore + place)) continue;
    const { piece } = syslogLine;
    const isEntry = piece === undefined || piece.number === 1;
    // NOTE: only the first piece may tell that further ones are Exim's, and it may be in another log.
    if (isEntry && !isEximSyslogLine(syslogLine)) continue;
    const record = { line: place, lines: [line], places: [], isEntry };
    split.begin(syslogLine, record);
    const writer = syslogWriter(syslogLine);
    if (!isEntry && !writers.has(writer)) late.push(record);
    writers.add(writer);
  }
  const cut = (records: readonly LogRecord[], distanceOf: (record: LogRecord) => number): CutEntry[] =>
    records.flatMap((record) => toCutEntry(record, distanceOf(record)) ?? []);
  return {
    atBegin: cut(
      late.filter(({ isEntry }) => !isEntry),
      ({ line }) => line,
    ),
    atEnd: cut(split.records(), ({ line, places }) => lines.length - 1 - Math.max(line, ...places)),
  };
}

function toCutEntry({ line, lines, places }: LogRecord, distance: number): CutEntry | undefined {
  const [first, ...others] = lines.map(unwrapLine);
  if (first?.piece === undefined) return undefined;
  const numbers = new Set([first, ...others].flatMap((part) => part?.piece?.number ?? []));
  const { header, piece } = first;
  return { places: [line, ...places], writer: syslogWriter(first), count: piece.count, numbers, header, distance };
}

/** Begins what journalctl writes between lines: `-- Boot 5c1… --`. */
const JOURNAL_MARK = "-- ";

/** True for a first line of a log of syslog that may be the rest of one that a rotation has cut. */
export function couldBeRest(line: string): boolean {
  return unwrapLine(line) === undefined && !startsEntry(line) && !line.startsWith(JOURNAL_MARK);
}

/** Pieces are sent at once, and stamped when they are sent or received. */
const BETWEEN_PIECES_MS = MINUTE_MS;

/** True when the last entry of one log and the first one of another are pieces of the same. */
export function areOneEntry(end: CutEntry, begin: CutEntry): boolean {
  if (end.writer !== begin.writer || end.count !== begin.count) return false;
  if ([...begin.numbers].some((number) => end.numbers.has(number))) return false;
  return end.distance + 1 + begin.distance <= FARTHEST_PIECE && areClose(end.header, begin.header, BETWEEN_PIECES_MS);
}

/** The leap year that stamps without a year are of. */
const YEAR_MS = 366 * DAY_MS;

/** True for two lines of which one is no more than `mostMs` after the other, as far as their stamps tell. */
export function areClose(one: SyslogHeader, other: SyslogHeader, mostMs: number): boolean {
  if (one.wallMs === undefined || other.wallMs === undefined || one.lacksYear !== other.lacksYear) return false;
  const apart = Math.abs(zoned(one, one.wallMs) - zoned(other, other.wallMs));
  return Math.min(apart, one.lacksYear === true ? YEAR_MS - apart : apart) <= mostMs;
}

function zoned({ zoneMinutes }: SyslogHeader, wallMs: number): number {
  return wallMs - (zoneMinutes ?? 0) * MINUTE_MS;
}
