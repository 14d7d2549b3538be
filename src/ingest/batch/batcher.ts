/** The lines of batches and blocks, joined into records: a line with a stamp and the lines that continue it. */
import { beginsContainerEntry, startsEntry } from "../../parse/record.ts";
import {
  continuesSyslogLine,
  isEximSyslogLine,
  parseSyslogLine,
  type SyslogLine,
  syslogTag,
} from "../../parse/syslog.ts";
import { unwrapLine } from "../../parse/wrappers.ts";
import { KIB, MIB } from "../../units.ts";
import { MOST_BLOCK_LINES } from "../limits.ts";
import { ContainerEntries } from "./container-entries.ts";
import type { LineEnd } from "./lines.ts";
import type { LogRecord } from "./log-record.ts";
import { SplitEntries } from "./syslog-pieces.ts";

export interface Batch {
  /** Size of its lines and their newlines, in bytes. */
  readonly size: number;
  /** Lines that end in it. */
  readonly lines: number;
  /** It has pieces of syslog whose entry began before they came, of Exim or of another program. */
  readonly lacksFirst: boolean;
  /** It ended within a line, or while an entry of syslog lacked pieces. */
  readonly lacksLast: boolean;
}

/** A batch that holds so much text is full, however few lines that are. */
const FULL_TEXT = MIB;
/** Longest continuation of an entry; further text is stored as lines of no entry. */
const LONGEST_CONTINUATION = 64 * KIB;
const MOST_CONTINUATION_LINES = 1000;
/** A batch that holds so much ends even while entries lack pieces. */
const MOST_TEXT = 16 * MIB;

export interface BatcherOptions {
  readonly batchLines: number;
  /** A block takes batches until it holds so many bytes; 0: each batch is a block of its own. */
  readonly blockBytes: number;
  /** Lines of the log before the text. */
  readonly linesBefore: number;
  /** The text begins with the rest of a line that was cut. */
  readonly isWithinLine: boolean;
  /** The lines came through syslog, a journal or a container; those of other programs are text of the batch and of no record. */
  readonly isSyslog: boolean;
}

export interface BatchListener {
  /** Gets each record as soon as it is whole. */
  readonly onRecord: (record: LogRecord) => void;
  /** Is called after the records of a batch; true: the block ends with it. */
  readonly onBatch: (batch: Batch) => boolean;
  /** Is called after the batches of a block. */
  readonly onBlock: () => void;
}

/** Joins lines into records, records into batches and batches into blocks; all of them end where a record ends. */
export class Batcher {
  readonly #batchLines: number;
  readonly #blockBytes: number;
  readonly #isSyslog: boolean;
  readonly #listener: BatchListener;
  #isWithinLine: boolean;
  #isHeld = false;
  /** Length of the batch so far, with a newline after each line. */
  #textLength = 0;
  #endsWithNewline = true;
  #lineCount = 0;
  /** Lines of the log so far. */
  #logLines: number;
  /** Length of the completed batches of the block. */
  #blockLength = 0;
  #blockLines = 0;
  #records: LogRecord[] = [];
  #open: LogRecord | undefined;
  #continuationLength = 0;
  readonly #split = new SplitEntries();
  #lacksFirst = false;
  /** The last entry of each writer of syslog in the batch, and its first line. */
  readonly #lastOf = new Map<string, { readonly record: LogRecord; readonly first: SyslogLine }>();
  readonly #containers = new ContainerEntries();

  constructor(options: BatcherOptions, listener: BatchListener) {
    const { batchLines, blockBytes, linesBefore, isWithinLine, isSyslog } = options;
    this.#logLines = linesBefore;
    this.#batchLines = batchLines;
    this.#blockBytes = blockBytes;
    this.#isSyslog = isSyslog;
    this.#isWithinLine = isWithinLine;
    this.#listener = listener;
  }

  /** True when the wrapped line that comes next, or one after it, may belong to an entry before it. */
  mayGoOn(next: SyslogLine, line: string): boolean {
    return !this.#split.isEmpty || this.#containers.mayGoOn(next, line);
  }

  add(line: string, end: LineEnd): void {
    if (this.#isWithinLine) this.#open = undefined;
    else this.#addLine(line);
    this.#endsWithNewline = end === "newline";
    this.#textLength += line.length + 1;
    this.#isWithinLine = end === "cut";
    if (end !== "cut") {
      this.#lineCount++;
      this.#logLines++;
    }
    if (end !== "newline") this.end();
  }

  /** While held, lines are collected and no batch ends: they are stored already and are to be stored again with what is new. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
  }

  /** Ends the batch and the block. */
  end(): void {
    this.#endBatch();
    if (this.#blockLength === 0) return;
    this.#blockLength = 0;
    this.#blockLines = 0;
    this.#listener.onBlock();
  }

  /** True when the block is to end with it. */
  #endBatch(): boolean {
    if (this.#textLength === 0) return false;
    for (const record of this.#records) this.#listener.onRecord(record);
    const batch = {
      size: this.#endsWithNewline ? this.#textLength : this.#textLength - 1,
      lines: this.#lineCount,
      lacksFirst: this.#lacksFirst,
      lacksLast: !this.#split.isEmpty || !this.#endsWithNewline,
    };
    this.#blockLength += batch.size;
    this.#blockLines += batch.lines;
    this.#textLength = 0;
    this.#lineCount = 0;
    this.#records = [];
    this.#open = undefined;
    this.#lacksFirst = false;
    this.#split.clear();
    this.#lastOf.clear();
    this.#containers.clear();
    return this.#listener.onBatch(batch);
  }

  #addLine(line: string): void {
    const syslogLine = this.#isSyslog ? unwrapLine(line) : undefined;
    if (syslogLine !== undefined) {
      this.#open = undefined;
      if (syslogLine.container === undefined) this.#addSyslogLine(line, syslogLine);
      else this.#addContainerLine(line, syslogLine);
      return;
    }
    const isStart = startsEntry(line);
    // NOTE: a log may continue as one of syslog, among lines of other programs; such a line continues nothing.
    const foreign = isStart || this.#isSyslog ? undefined : parseSyslogLine(line);
    if (!isStart && foreign === undefined && this.#continues(line)) return;
    this.#endBatchIfFull();
    const isEntry = isStart || (foreign !== undefined && isEximSyslogLine(foreign));
    const record = this.#begin(line, isEntry);
    this.#open = isStart ? record : undefined;
    this.#continuationLength = 0;
  }

  #addSyslogLine(line: string, syslogLine: SyslogLine): void {
    this.#split.giveUp(this.#place);
    const isJoined = this.#split.join(syslogLine, line, this.#place, this.#logLines);
    if (isJoined || this.#joinLast(syslogLine, line)) return;
    this.#endBatchIfFull();
    const { piece, isLost } = syslogLine;
    const isFirst = piece === undefined || piece.number === 1;
    if (!isFirst) this.#lacksFirst = true;
    if (!isEximSyslogLine(syslogLine)) return;
    const record = this.#begin(line, !isLost && isFirst);
    this.#split.begin(syslogLine, record);
    this.#lastOf.set(syslogTag(syslogLine.header), { record, first: syslogLine });
  }

  /** Adds a line to the entry of its writer that it continues; returns false when there is none. */
  #joinLast(syslogLine: SyslogLine, line: string): boolean {
    const last = this.#lastOf.get(syslogTag(syslogLine.header));
    if (last === undefined || !continuesSyslogLine(syslogLine, last.first)) return false;
    const { record } = last;
    if (record.lines.length > MOST_CONTINUATION_LINES) return false;
    record.lines.push(line);
    record.places.push(this.#place);
    return true;
  }

  #addContainerLine(line: string, containerLine: SyslogLine): void {
    this.#containers.giveUp(this.#place);
    if (this.#containers.join(containerLine, line, this.#place)) return;
    const isEntry = beginsContainerEntry(containerLine, line);
    if (isEntry) this.#containers.end(containerLine);
    this.#endBatchIfFull();
    this.#containers.begin(containerLine, isEntry ? this.#begin(line, true) : undefined, this.#place);
  }

  #begin(line: string, isEntry: boolean): LogRecord {
    const record = { line: this.#place, lines: [line], places: [], isEntry };
    // NOTE: in a log of syslog, pieces of an entry may follow those of others.
    const before = this.#isSyslog ? undefined : this.#records.pop();
    if (before !== undefined) this.#listener.onRecord(before);
    this.#records.push(record);
    return record;
  }

  #continues(line: string): boolean {
    if (this.#open === undefined) return false;
    this.#continuationLength += line.length;
    if (this.#continuationLength > LONGEST_CONTINUATION || this.#open.lines.length > MOST_CONTINUATION_LINES) {
      this.#open = undefined;
      return false;
    }
    this.#open.lines.push(line);
    this.#open.places.push(this.#place);
    return true;
  }

  /** The place of the next line within the block. */
  get #place(): number {
    return this.#blockLines + this.#lineCount;
  }

  #endBatchIfFull(): void {
    if (this.#isHeld) return;
    const isFull = this.#lineCount >= this.#batchLines || this.#textLength >= FULL_TEXT;
    const hasNoRoom = this.#place >= MOST_BLOCK_LINES || this.#textLength >= MOST_TEXT;
    if (!hasNoRoom && !(isFull && this.#split.isEmpty && this.#containers.isEmpty)) return;
    // NOTE: another batch of the same size must fit in.
    const isBlockFull =
      this.#blockLength + 2 * this.#textLength > this.#blockBytes || this.#place + this.#batchLines > MOST_BLOCK_LINES;
    if (isBlockFull || this.#endBatch()) this.end();
  }
}
