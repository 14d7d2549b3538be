/** The lines of one transaction, joined into records: a line with a stamp and the lines that continue it. */
import { startsEntry } from "../parse/record.ts";
import { KIB, MIB } from "../units.ts";
import type { LineEnd } from "./lines.ts";

export interface LogRecord {
  /** Place of its first line within the batch. */
  readonly line: number;
  /** As latin1, without newlines. Of a line that is cut, its first piece; the others are text of the batches that follow, and of no record. */
  readonly lines: string[];
  /** False for a line without a stamp that continues no entry. */
  readonly isEntry: boolean;
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

/** Joins lines into records and records into batches; a batch ends where a record ends. */
export class Batcher {
  readonly #batchLines: number;
  readonly #onBatch: (batch: Batch) => void;
  #isWithinLine: boolean;
  #isHeld = false;
  #texts: string[] = [];
  #textLength = 0;
  #lineCount = 0;
  #records: LogRecord[] = [];
  #open: LogRecord | undefined;
  #continuationLength = 0;

  /** `isWithinLine`: what comes first is the rest of a line that was cut. */
  constructor(batchLines: number, isWithinLine: boolean, onBatch: (batch: Batch) => void) {
    this.#batchLines = batchLines;
    this.#isWithinLine = isWithinLine;
    this.#onBatch = onBatch;
  }

  add(line: string, end: LineEnd): void {
    const isStart = !this.#isWithinLine && startsEntry(line);
    if (this.#isWithinLine) this.#open = undefined;
    else if (isStart || !this.#continues(line)) {
      this.#endBatchIfFull();
      const record = { line: this.#lineCount, lines: [line], isEntry: isStart };
      this.#records.push(record);
      this.#open = isStart ? record : undefined;
      this.#continuationLength = 0;
    }
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
    this.#onBatch(batch);
  }

  #continues(line: string): boolean {
    if (this.#open === undefined) return false;
    this.#continuationLength += line.length;
    if (this.#continuationLength > LONGEST_CONTINUATION || this.#open.lines.length > MOST_CONTINUATION_LINES) {
      this.#open = undefined;
      return false;
    }
    this.#open.lines.push(line);
    return true;
  }

  #endBatchIfFull(): void {
    if (!this.#isHeld && (this.#lineCount >= this.#batchLines || this.#textLength >= FULL_TEXT)) this.end();
  }
}
