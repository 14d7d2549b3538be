/** From the text of a log to batches ready to be stored: needs no database, so that another thread can do it. */
import type { Readable } from "node:stream";
import { parseEntry, startsEntry } from "../parse/record.ts";
import { parseSyslogLine } from "../parse/syslog.ts";
import type { LogType } from "../store/codes.ts";
import { type PackedText, packText } from "../store/raw-text.ts";
import { IDENTITY_BYTES } from "../store/source-catalogue.ts";
import { canHaveTwin } from "../store/twins.ts";
import { type EpochMs, type Moment, momentMs } from "../units.ts";
import { type Batch, Batcher, type LogRecord } from "./batch.ts";
import { LogClock } from "./clock.ts";
import { digestEntry, type EntryDigest, momentOf, UNPARSED } from "./digest.ts";
import { eachLine, type LineEnd, SourceFailure } from "./lines.ts";
import { logTypeOf, type SyslogTwin, syslogTwinOf } from "./syslog-twin.ts";

/** What is to be known of a log before its new text is read. */
export interface ReadingStart {
  readonly batchLines: number;
  readonly timeZone: string;
  /** The text came through syslog. */
  readonly isSyslog: boolean;
  /** About when the log begins, for stamps without a year; undefined when there is an entry before. */
  readonly beginMs: EpochMs | undefined;
  /** Moment of its last entry so far. */
  readonly clockMs: EpochMs | undefined;
  /** What is stored of it last; undefined for a new log. */
  readonly lastBlock: LastBlock | undefined;
}

export interface LastBlock {
  readonly text: string;
  /** The block begins within a line. */
  readonly isWithinLine: boolean;
  /** The log's clock before the block. */
  readonly clockMs: EpochMs | undefined;
}

/** The lines of one transaction and what they say. */
export interface EntryBatch {
  /** It begins with the text of {@link ReadingStart.lastBlock}, which new lines continue: it is to be stored in place of that. */
  readonly isRedone: boolean;
  readonly text: PackedText;
  /** The last bytes of the text, up to {@link IDENTITY_BYTES}. */
  readonly tail: Uint8Array;
  readonly lines: number;
  readonly entries: readonly BatchEntry[];
  /** Earliest and latest entry. */
  readonly firstMs: EpochMs | undefined;
  readonly lastMs: EpochMs | undefined;
  /** The log's clock after its last entry. */
  readonly clockMs: EpochMs | undefined;
}

export interface BatchEntry {
  /** Place of its first line within the batch. */
  readonly line: number;
  /** Of its further lines, where these are stored: those of syslog, and below which headers stand. */
  readonly places: readonly number[];
  /** Its first line as latin1, when another log may show it too. */
  readonly twinLine: string | undefined;
  /** The log it was sent for by way of syslog; undefined when that is not known. */
  readonly logType: LogType | undefined;
  /** Undefined in a log file, and when no other line of syslog says the same. */
  readonly syslogTwin: SyslogTwin | undefined;
  readonly digest: EntryDigest;
}

const NO_PLACES: readonly number[] = [];

/**
 * Reads `source`, a stream of latin1 strings that goes on where `start` ends, and calls `onBatch` for each batch. Ends early,
 * and leaves the last batch out, when `signal` aborts; also at an exception in `onBatch`.
 * Errors: {@link SourceFailure} with its cause, after the batches of all text before it.
 */
export async function readBatches(
  source: Readable,
  start: ReadingStart,
  onBatch: (batch: EntryBatch) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const reading = new Reading(start, onBatch);
  const { unfinished } = reading;
  try {
    await eachLine(source, (line, end) => reading.add(line, end), { unfinished, signal });
  } catch (error) {
    if (error instanceof SourceFailure) reading.end();
    throw error;
  }
  if (signal?.aborted !== true) reading.end();
}

class Reading {
  readonly #start: ReadingStart;
  readonly #onBatch: (batch: EntryBatch) => void;
  #clock: LogClock;
  #batcher: Batcher;
  #isFirst = true;
  /** The next batch begins with the last block. */
  #isRedone = false;

  constructor(start: ReadingStart, onBatch: (batch: EntryBatch) => void) {
    this.#start = start;
    this.#onBatch = onBatch;
    this.#clock = this.#clockAfter(start.clockMs);
    this.#batcher = this.#newBatcher(false, (batch) => this.#hand(batch));
  }

  /** Length of the last line stored, when it has no newline yet. */
  get unfinished(): number {
    const text = this.#start.lastBlock?.text ?? "";
    return text.length - text.lastIndexOf("\n") - 1;
  }

  add(line: string, end: LineEnd): void {
    const { lastBlock } = this.#start;
    if (this.#isFirst && lastBlock !== undefined && this.#goesOn(lastBlock, line)) {
      this.#addAfter(lastBlock, line, end);
    } else {
      this.#batcher.add(line, end);
    }
    this.#isFirst = false;
  }

  end(): void {
    this.#batcher.end();
  }

  /** True when the line continues what is stored, or a later one may. */
  #goesOn({ text, isWithinLine }: LastBlock, line: string): boolean {
    if (this.unfinished > 0) return true;
    if (!this.#start.isSyslog || parseSyslogLine(line) === undefined) return !startsEntry(line);
    const batcher = this.#newBatcher(isWithinLine, () => {});
    batcher.hold();
    for (const stored of text.split("\n").slice(0, -1)) batcher.add(stored, "newline");
    return batcher.lacksPieces;
  }

  /** The last block is read anew together with the line. */
  #addAfter({ text, isWithinLine, clockMs }: LastBlock, line: string, end: LineEnd): void {
    this.#isRedone = true;
    this.#clock = this.#clockAfter(clockMs);
    this.#batcher = this.#newBatcher(isWithinLine, (batch) => this.#hand(batch));
    this.#batcher.hold();
    const pieces = text.split("\n");
    const lastPiece = pieces.pop() ?? "";
    for (const piece of pieces) this.#batcher.add(piece, "newline");
    this.#batcher.add(lastPiece + line, end);
    this.#batcher.release();
  }

  #newBatcher(isWithinLine: boolean, onBatch: (batch: Batch) => void): Batcher {
    const { batchLines, isSyslog } = this.#start;
    return new Batcher({ batchLines, isWithinLine, isSyslog }, onBatch);
  }

  #clockAfter(last: EpochMs | undefined): LogClock {
    return new LogClock(this.#start.timeZone, last, this.#start.beginMs);
  }

  #hand({ text, lines, records }: Batch): void {
    const entries = records.map((record) => this.#read(record));
    const isRedone = this.#isRedone;
    this.#isRedone = false;
    this.#onBatch({
      isRedone,
      text: packText(text),
      tail: Buffer.from(text.slice(-IDENTITY_BYTES), "latin1"),
      lines,
      entries,
      ...timesOf(entries),
      clockMs: this.#clock.last,
    });
  }

  #read({ line, lines, places, isEntry }: LogRecord): BatchEntry {
    const { isSyslog } = this.#start;
    const parsed = isEntry ? parseEntry(lines) : undefined;
    if (parsed === undefined) {
      const nothing = { twinLine: undefined, logType: undefined, syslogTwin: undefined, digest: UNPARSED };
      return { line, places: isSyslog ? places : NO_PLACES, ...nothing };
    }
    const digest = digestEntry(parsed, momentOf(parsed, this.#clock.resolve(parsed.prefix)));
    return {
      line,
      places: isSyslog || digest.headerDump !== undefined ? places : NO_PLACES,
      twinLine: !isSyslog && canHaveTwin(digest.kind) ? lines[0] : undefined,
      logType: logTypeOf(parsed),
      syslogTwin: isSyslog ? syslogTwinOf(parsed) : undefined,
      digest,
    };
  }
}

function timesOf(entries: readonly BatchEntry[]): Pick<EntryBatch, "firstMs" | "lastMs"> {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { digest } of entries) {
    if (digest.at === undefined) continue;
    if (digest.at < first) first = digest.at;
    if (digest.at > last) last = digest.at;
  }
  return first > last
    ? { firstMs: undefined, lastMs: undefined }
    : { firstMs: momentMs(first as Moment), lastMs: momentMs(last as Moment) };
}
