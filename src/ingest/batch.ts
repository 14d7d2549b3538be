/** The lines of one transaction, joined into records: a line with a stamp and the lines that continue it. */
import { startsEntry } from "../parse/record.ts";
import { isEximSyslogLine, parseSyslogLine, type SyslogLine } from "../parse/syslog.ts";
import { KIB, MIB } from "../units.ts";
import { MOST_BATCH_LINES } from "./limits.ts";
import type { LineEnd } from "./lines.ts";
import { SplitEntries } from "./split-entries.ts";

export interface LogRecord {
  /** Place of its first line within the batch. */
  readonly line: number;
  /** As latin1, without newlines. Of a line that is cut, its first piece; the others are text of the batches that follow, and of no record. */
  readonly lines: string[];
  /** Places of the lines after the first, within the batch; they need not follow one another in a log of syslog. */
  readonly places: number[];
  /** False for a line without a stamp that continues no entry, and for pieces of an entry whose first one is missing. */
  isEntry: boolean;
}

export interface Batch {
  /** The exact bytes, as latin1. */
  readonly text: string;
  /** Lines that end in it. */
  readonly lines: number;
  readonly records: readonly LogRecord[];
}

/** A batch that holds so much text is full, however few lines that are. */
const FULL_TEXT = MIB;
/** What continues an entry beyond this is stored as lines of no entry. */
const LONGEST_CONTINUATION = 64 * KIB;
const MOST_CONTINUATION_LINES = 1000;
/** A batch that holds so much ends even while entries lack pieces. */
const MOST_TEXT = 16 * MIB;

export interface BatcherOptions {
  readonly batchLines: number;
  /** What comes first is the rest of a line that was cut. */
  readonly isWithinLine: boolean;
  /** The lines came through syslog; those of other programs are text of the batch and of no record. */
  readonly isSyslog: boolean;
}

/** Joins lines into records and records into batches; a batch ends where a record ends. */
export class Batcher {
  readonly #batchLines: number;
  readonly #isSyslog: boolean;
  readonly #onBatch: (batch: Batch) => void;
  #isWithinLine: boolean;
  #isHeld = false;
  #texts: string[] = [];
  #textLength = 0;
  #lineCount = 0;
  #records: LogRecord[] = [];
  #open: LogRecord | undefined;
  #continuationLength = 0;
  readonly #split = new SplitEntries();

  constructor({ batchLines, isWithinLine, isSyslog }: BatcherOptions, onBatch: (batch: Batch) => void) {
    this.#batchLines = batchLines;
    this.#isSyslog = isSyslog;
    this.#isWithinLine = isWithinLine;
    this.#onBatch = onBatch;
  }

  /** True when an entry lacks pieces that syslog has cut it into, which may still come. */
  get lacksPieces(): boolean {
    return !this.#split.isEmpty;
  }

  add(line: string, end: LineEnd): void {
    if (this.#isWithinLine) this.#open = undefined;
    else this.#addLine(line);
    this.#texts.push(end === "newline" ? `${line}\n` : line);
    this.#textLength += line.length + 1;
    this.#isWithinLine = end === "cut";
    if (end !== "cut") this.#lineCount++;
    if (end !== "newline") this.end();
  }

  /** While held, lines are collected and no batch ends: they are stored already and are to be stored again with what is new. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
  }

  /** Ends the batch. */
  end(): void {
    if (this.#texts.length === 0) return;
    const batch = { text: this.#texts.join(""), lines: this.#lineCount, records: this.#records };
    this.#texts = [];
    this.#textLength = 0;
    this.#lineCount = 0;
    this.#records = [];
    this.#open = undefined;
    this.#split.clear();
    this.#onBatch(batch);
  }

  #addLine(line: string): void {
    const syslogLine = this.#isSyslog ? parseSyslogLine(line) : undefined;
    if (syslogLine !== undefined) {
      this.#addSyslogLine(line, syslogLine);
      return;
    }
    const isStart = startsEntry(line);
    if (!isStart && this.#continues(line)) return;
    this.#endBatchIfFull();
    const record = this.#begin(line, isStart);
    this.#open = isStart ? record : undefined;
    this.#continuationLength = 0;
  }

  #addSyslogLine(line: string, syslogLine: SyslogLine): void {
    this.#open = undefined;
    this.#split.giveUp(this.#lineCount);
    if (this.#split.join(syslogLine, line, this.#lineCount)) return;
    this.#endBatchIfFull();
    if (!isEximSyslogLine(syslogLine)) return;
    const { piece } = syslogLine;
    this.#split.begin(syslogLine, this.#begin(line, piece === undefined || piece.number === 1));
  }

  #begin(line: string, isEntry: boolean): LogRecord {
    const record = { line: this.#lineCount, lines: [line], places: [], isEntry };
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
    this.#open.places.push(this.#lineCount);
    return true;
  }

  #endBatchIfFull(): void {
    if (this.#isHeld) return;
    const isFull = this.#lineCount >= this.#batchLines || this.#textLength >= FULL_TEXT;
    const hasNoRoom = this.#lineCount >= MOST_BATCH_LINES || this.#textLength >= MOST_TEXT;
    if (hasNoRoom || (isFull && this.#split.isEmpty)) this.end();
  }
}
