/** Entries that syslog cut into lines, while lines of other processes are between their pieces. */
import { type SyslogLine, syslogWriter } from "../../parse/syslog.ts";
import type { LogRecord } from "./log-record.ts";

/** Pieces are sent at once; one that is not there so many lines later got lost. */
const FARTHEST_PIECE = 500;

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

  /** Adds a piece to its entry; returns false when it is the first one to arrive, for {@link SplitEntries.begin}. */
  join(syslogLine: SyslogLine, line: string, lineNumber: number): boolean {
    const writer = syslogWriter(syslogLine);
    const entry = this.#open.get(writer);
    const { piece } = syslogLine;
    if (entry === undefined || piece === undefined) return false;
    if (entry.count !== piece.count || entry.seen.has(piece.number)) return false;
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
}
