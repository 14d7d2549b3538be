/** From the text of a log to blocks ready to be stored: needs no database, so that another thread can do it. */
import { parseEntry, startsEntry } from "../../parse/record.ts";
import { isEximSyslogLine } from "../../parse/syslog.ts";
import { unwrapLine } from "../../parse/wrappers.ts";
import { type PackedText, packBytes } from "../../store/log-text/blocks.ts";
import { type EncodingCodes, type LogType, logTypeBit } from "../../store/schema/codes.ts";
import { IDENTITY_BYTES } from "../../store/write/source-catalogue.ts";
import { DAY_MS, type EpochMs, MIB, MOMENTS_PER_MS, type Moment, momentMs } from "../../units.ts";
import { BatchEncoder } from "./batch-encoder.ts";
import { Batcher } from "./batcher.ts";
import { LogClock } from "./clock.ts";
import type { BlockPostings, EncodedBatch } from "./encoded-batch.ts";
import { momentOf } from "./entry-facts.ts";
import { type LineEnd, LineSplitter, type TextSink } from "./lines.ts";
import type { LogRecord } from "./log-record.ts";
import { logTypeOf, syslogDuplicateOf } from "./syslog-duplicate.ts";

/** State of a log before its new text is read. */
export interface ReadingStart {
  readonly batchLines: number;
  /** See {@link Batcher}. */
  readonly blockBytes: number;
  readonly codes: EncodingCodes;
  /** The log that an entry is of, unless syslog states another. */
  readonly logType: LogType;
  readonly timeZone: string;
  /** The text came through syslog. */
  readonly isSyslog: boolean;
  /** Lines that are stored; infinite where the beginning of the log is not. */
  readonly linesBefore: number;
  /** About when the log begins, for stamps without a year; undefined when there is an entry before. */
  readonly beginMs: EpochMs | undefined;
  /** Moment of its last entry so far. */
  readonly clockMs: EpochMs | undefined;
  /** The last stored block; undefined for a new log. */
  readonly lastBlock: LastBlock | undefined;
}

export interface LastBlock {
  readonly text: string;
  /** Lines that end in it. */
  readonly lines: number;
  /** The block begins within a line. */
  readonly isWithinLine: boolean;
  /** The log's clock before the block. */
  readonly clockMs: EpochMs | undefined;
}

/** The lines of one block and what they say. */
export interface EncodedBlock {
  /** It begins with the text of {@link ReadingStart.lastBlock}, which new lines continue: it is to be stored in place of that. */
  readonly isRedone: boolean;
  readonly text: PackedText;
  /** The last bytes of the text, up to {@link IDENTITY_BYTES}. */
  readonly tail: Uint8Array;
  /** Lines that end in it. */
  readonly lines: number;
  /** Lines of Exim whose text was left out by what printed them. */
  readonly lost: number;
  /** It has pieces of syslog without the first of their entry. */
  readonly lacksFirst: boolean;
  /** It ends within a line, or while an entry of syslog lacks pieces. */
  readonly lacksLast: boolean;
  readonly batches: readonly EncodedBatch[];
  readonly postings: BlockPostings;
  /** Earliest and latest entry. */
  readonly firstMs: EpochMs | undefined;
  readonly lastMs: EpochMs | undefined;
  /** The log's clock after its last entry. */
  readonly clockMs: EpochMs | undefined;
}

const NO_PLACES: readonly number[] = [];

/** Between moments: pruning removes whole blocks, so that the months of a small server must not share one. */
const LONGEST_BLOCK = DAY_MS * MOMENTS_PER_MS;

/** Reads the text that continues where `start` ends, and calls `onBlock` for each block. */
export class BlockBuilder implements TextSink<Uint8Array> {
  readonly #start: ReadingStart;
  readonly #onBlock: (block: EncodedBlock) => void;
  readonly #encoder: BatchEncoder;
  readonly #splitter: LineSplitter;
  #batches: EncodedBatch[] = [];
  /** The text that has come and is in no block yet, from {@link #begin} to {@link #end}, and room for more. */
  #bytes = Buffer.alloc(MIB);
  #begin = 0;
  #end = 0;
  /** Size of the batches of the block. */
  #size = 0;
  #lines = 0;
  #lost = 0;
  #lacksFirst = false;
  #lacksLast = false;
  #firstAt = Number.POSITIVE_INFINITY;
  #lastAt = Number.NEGATIVE_INFINITY;
  #clock: LogClock;
  #batcher: Batcher;
  #isFirst = true;
  /** The next block begins with the last one that is stored. */
  #isRedone = false;

  constructor(start: ReadingStart, onBlock: (block: EncodedBlock) => void) {
    this.#start = start;
    this.#onBlock = onBlock;
    this.#encoder = new BatchEncoder(start.codes, logTypeBit(start.logType));
    this.#splitter = new LineSplitter((line, end) => this.add(line, end), this.unfinished);
    this.#clock = this.#clockAfter(start.clockMs);
    this.#batcher = this.#newBatcher(false, start.linesBefore);
  }

  /** Length of the last line stored, when it has no newline yet. */
  get unfinished(): number {
    const text = this.#start.lastBlock?.text ?? "";
    return text.length - text.lastIndexOf("\n") - 1;
  }

  /** Takes a piece of the text. */
  write(bytes: Uint8Array): void {
    this.#addBytes(bytes);
    this.#splitter.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1"));
  }

  /** The text ends here, at least for now. */
  end(): void {
    this.#splitter.end();
    this.#batcher.end();
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

  /** True when the line continues what is stored, or a later one may. */
  #goesOn({ text, lines, isWithinLine }: LastBlock, line: string): boolean {
    if (this.unfinished > 0) return true;
    const next = unwrapLine(line);
    if (next === undefined) return !startsEntry(line);
    if (!this.#start.isSyslog) return false;
    const { batchLines, isSyslog } = this.#start;
    const ignore = (): void => {};
    const listener = { onRecord: ignore, onBatch: () => false, onBlock: ignore };
    const linesBefore = this.#start.linesBefore - lines;
    const batcher = new Batcher({ batchLines, blockBytes: 0, linesBefore, isWithinLine, isSyslog }, listener);
    batcher.hold();
    for (const stored of text.split("\n").slice(0, -1)) batcher.add(stored, "newline");
    return batcher.mayGoOn(next, line);
  }

  /** The last block is read again together with the line. */
  #addAfter({ text, lines, isWithinLine, clockMs }: LastBlock, line: string, end: LineEnd): void {
    this.#isRedone = true;
    this.#clock = this.#clockAfter(clockMs);
    this.#batcher = this.#newBatcher(isWithinLine, this.#start.linesBefore - lines);
    this.#batcher.hold();
    this.#bytes = Buffer.concat([Buffer.from(text, "latin1"), this.#bytes.subarray(this.#begin, this.#end)]);
    this.#begin = 0;
    this.#end = this.#bytes.length;
    const pieces = text.split("\n");
    const lastPiece = pieces.pop() ?? "";
    for (const piece of pieces) {
      // NOTE: it is counted again, and has been counted before.
      if (this.#start.isSyslog && isLostLine(piece)) this.#lost--;
      this.#batcher.add(piece, "newline");
    }
    this.#batcher.add(lastPiece + line, end);
    this.#batcher.release();
  }

  #newBatcher(isWithinLine: boolean, linesBefore: number): Batcher {
    const { batchLines, blockBytes, isSyslog } = this.#start;
    return new Batcher(
      { batchLines, blockBytes, linesBefore, isWithinLine, isSyslog },
      {
        onRecord: (record) => this.#encode(record),
        onBatch: ({ size, lines, lacksFirst, lacksLast }) => {
          this.#size += size;
          this.#lines += lines;
          this.#lacksFirst ||= lacksFirst;
          this.#lacksLast = lacksLast;
          this.#batches.push(this.#encoder.takeBatch());
          return this.#lastAt - this.#firstAt >= LONGEST_BLOCK;
        },
        onBlock: () => this.#handOver(),
      },
    );
  }

  #clockAfter(last: EpochMs | undefined): LogClock {
    return new LogClock(this.#start.timeZone, last, this.#start.beginMs);
  }

  #encode({ line, lines, places, isEntry }: LogRecord): void {
    const { isSyslog } = this.#start;
    const parsed = isEntry ? parseEntry(lines) : undefined;
    if (parsed === undefined) {
      if (isSyslog && isLostLine(lines[0] ?? "")) this.#lost++;
      this.#encoder.addUnparsed({ line, places: isSyslog ? places : NO_PLACES });
      return;
    }
    const at = momentOf(parsed, this.#clock.resolve(parsed.prefix, parsed.syslog));
    if (at < this.#firstAt) this.#firstAt = at;
    if (at > this.#lastAt) this.#lastAt = at;
    const place = {
      line,
      places: isSyslog || parsed.headerDump !== undefined ? places : NO_PLACES,
      logType: logTypeOf(parsed),
      syslogDuplicate: isSyslog ? syslogDuplicateOf(parsed) : undefined,
    };
    this.#encoder.add(place, parsed, at);
  }

  #addBytes(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#bytes.length) {
      const waiting = this.#bytes.subarray(this.#begin, this.#end);
      if (waiting.length + bytes.length > this.#bytes.length)
        this.#bytes = Buffer.concat([waiting], 2 * (waiting.length + bytes.length));
      else this.#bytes.set(waiting);
      this.#begin = 0;
      this.#end = waiting.length;
    }
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  #handOver(): void {
    const bytes = this.#bytes.subarray(this.#begin, this.#begin + this.#size);
    const block: EncodedBlock = {
      isRedone: this.#isRedone,
      text: packBytes(bytes),
      tail: Uint8Array.from(bytes.subarray(-IDENTITY_BYTES)),
      lines: this.#lines,
      lost: this.#lost,
      lacksFirst: this.#lacksFirst,
      lacksLast: this.#lacksLast,
      batches: this.#batches,
      postings: this.#encoder.takePostings(),
      ...timesOf(this.#firstAt, this.#lastAt),
      clockMs: this.#clock.last,
    };
    this.#batches = [];
    this.#begin += this.#size;
    this.#size = 0;
    this.#lines = 0;
    this.#lost = 0;
    this.#lacksFirst = false;
    this.#lacksLast = false;
    this.#firstAt = Number.POSITIVE_INFINITY;
    this.#lastAt = Number.NEGATIVE_INFINITY;
    this.#isRedone = false;
    this.#onBlock(block);
  }
}

/** True for a line of Exim without its text. */
function isLostLine(line: string): boolean {
  const unwrapped = unwrapLine(line);
  return unwrapped?.isLost === true && isEximSyslogLine(unwrapped);
}

function timesOf(first: number, last: number): Pick<EncodedBlock, "firstMs" | "lastMs"> {
  return first > last
    ? { firstMs: undefined, lastMs: undefined }
    : { firstMs: momentMs(first as Moment), lastMs: momentMs(last as Moment) };
}
