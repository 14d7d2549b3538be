/** Reads one log from where it was left, batch by batch, each in a transaction of its own together with its checkpoint. */

import { PilotError } from "../errors.ts";
import { rankOf } from "../message/order.ts";
import { type ParsedEntry, parseEntry, parseEntryText, startsEntry } from "../parse/record.ts";
import { entryIdOf, type PackedText, packText } from "../store/raw-text.ts";
import type { BereftEntry } from "../store/rows.ts";
import { type BlockPlace, IDENTITY_BYTES, type SourceRow } from "../store/source-catalogue.ts";
import type { Transactor } from "../store/transactor.ts";
import type { Writer } from "../store/writer.ts";
import { type EpochMs, type Moment, momentAt } from "../units.ts";
import { type Batch, Batcher, type LogRecord } from "./batch.ts";
import { LogClock } from "./clock.ts";
import { addFacts, storedWord } from "./facts.ts";
import { eachLine, type LineEnd, SourceFailure } from "./lines.ts";
import type { MessageBook } from "./message-book.ts";
import { readFailure } from "./read-failure.ts";
import { couldBe } from "./recognise.ts";
import type { OpenSource } from "./source.ts";

/** What one run added from one log. */
export interface LogFigures {
  bytes: number;
  lines: number;
  entries: number;
  /** Entries of no known form. */
  other: number;
  /** Lines without a stamp that belong to no entry. */
  unparsed: number;
  /** Entries that another log of the server shows too. */
  repeated: number;
  /** Messages seen for the first time. */
  messages: number;
}

export interface ReaderOptions {
  readonly batchLines: number;
  readonly timeZone: string;
  readonly now: () => EpochMs;
  readonly signal: AbortSignal | undefined;
  readonly onBatch: () => void;
}

/** A log that is not stored yet. */
export interface NewSource extends Pick<SourceRow, "serverId" | "logType" | "path"> {
  /** Stored logs it was compared with and is not. */
  readonly notTheSame: ReadonlySet<number>;
}

/**
 * Reads the new part of a log, until its end or a pause, and adds to `figures` what it stores; early when `signal` aborts.
 * Returns where to go on after a pause.
 * Errors: `unreadable` when the log cannot be read on, with all before it stored; `in_use` when another run reads the same
 * log; those of {@link Writer.write}.
 */
export async function readLog(
  open: OpenSource,
  source: SourceRow | NewSource,
  writer: Writer,
  book: MessageBook,
  figures: LogFigures,
  options: ReaderOptions,
): Promise<SourceRow | NewSource> {
  const reader = new LogReader(source, open, writer, book, figures, options);
  try {
    await eachLine(open.readUntilPause(), (line, end) => reader.add(line, end), {
      unfinished: reader.unfinished,
      signal: options.signal,
    });
  } catch (error) {
    if (!(error instanceof SourceFailure)) throw error;
    reader.end();
    throw readFailure(open.path, error.cause);
  }
  if (options.signal?.aborted !== true) reader.end();
  return reader.source ?? source;
}

/** A source without an id is not stored yet. */
type CurrentSource = Omit<SourceRow, "id"> & { readonly id: number | undefined };

function emptySource({ serverId, logType, path }: NewSource): CurrentSource {
  return {
    id: undefined,
    serverId,
    logType,
    path,
    head: Buffer.alloc(0),
    tail: Buffer.alloc(0),
    position: 0,
    lines: 0,
    entries: 0,
    other: 0,
    unparsed: 0,
    firstMs: undefined,
    lastMs: undefined,
  };
}

interface TimedRecord {
  readonly record: LogRecord;
  readonly parsed: ParsedEntry | undefined;
  readonly ms: EpochMs | undefined;
  readonly at: Moment | undefined;
}

class LogReader {
  /** Length of the last line stored, when it has no newline yet. */
  readonly unfinished: number;
  readonly #figures: LogFigures;
  readonly #open: OpenSource;
  readonly #writer: Writer;
  readonly #book: MessageBook;
  readonly #options: ReaderOptions;
  readonly #lastBlock: BlockPlace | undefined;
  readonly #notTheSame: ReadonlySet<number>;
  #source: CurrentSource;
  #batcher: Batcher;
  #clock: LogClock;
  #isFirst = true;
  /** The block that is read anew, until it has been stored again. */
  #withdrawn: BlockPlace | undefined;

  constructor(
    start: SourceRow | NewSource,
    open: OpenSource,
    writer: Writer,
    book: MessageBook,
    figures: LogFigures,
    options: ReaderOptions,
  ) {
    const source = "id" in start ? { ...start, path: open.path } : emptySource(start);
    this.#source = source;
    this.#notTheSame = "id" in start ? new Set() : start.notTheSame;
    this.#figures = figures;
    this.#open = open;
    this.#writer = writer;
    this.#book = book;
    this.#options = options;
    this.#lastBlock = source.id === undefined ? undefined : writer.sources.findLastBlock(source.id);
    const isUnfinished = source.tail.length > 0 && source.tail.at(-1) !== 0x0a;
    this.unfinished = isUnfinished && this.#lastBlock !== undefined ? lastLineLength(this.#textOf(this.#lastBlock)) : 0;
    this.#clock = new LogClock(
      options.timeZone,
      source.id === undefined ? undefined : writer.sources.clockOf(source.id),
    );
    this.#batcher = this.#newBatcher(false);
  }

  /** Undefined while nothing of it is stored. */
  get source(): SourceRow | undefined {
    const { id } = this.#source;
    return id === undefined ? undefined : { ...this.#source, id };
  }

  add(line: string, end: LineEnd): void {
    if (!this.#isFirst) {
      this.#batcher.add(line, end);
      return;
    }
    this.#isFirst = false;
    const goesOn = this.unfinished > 0 || !startsEntry(line);
    if (this.#lastBlock === undefined || !goesOn) this.#batcher.add(line, end);
    else this.#addAfterLastBlock(this.#lastBlock, line, end);
  }

  end(): void {
    this.#batcher.end();
  }

  /** The line continues what is stored, so the last block is read anew together with it. */
  #addAfterLastBlock(block: BlockPlace, line: string, end: LineEnd): void {
    const { sources } = this.#writer;
    const before = this.#source.id === undefined ? "" : sources.textBefore(this.#source.id, block.position, 1);
    this.#withdrawn = block;
    this.#clock = new LogClock(this.#options.timeZone, block.clockBefore);
    this.#batcher = this.#newBatcher(before !== "" && before !== "\n");
    this.#batcher.hold();
    const pieces = this.#textOf(block).split("\n");
    const lastPiece = pieces.pop() ?? "";
    for (const piece of pieces) this.#batcher.add(piece, "newline");
    this.#batcher.add(lastPiece + line, end);
    this.#batcher.release();
  }

  #newBatcher(isWithinLine: boolean): Batcher {
    return new Batcher(this.#options.batchLines, isWithinLine, (batch) => this.#store(batch));
  }

  #textOf(block: BlockPlace): string {
    const text = this.#writer.rawText.blockText(block.id);
    if (text === undefined) throw new Error(`Block ${block.id} is listed and has no text.`);
    return text;
  }

  #store(batch: Batch): void {
    const records = batch.records.map((record) => this.#resolve(record));
    const text = packText(batch.text);
    const before = this.#source;
    const stored = this.#writer.write(
      (transactor) => this.#storeBatch(transactor, batch, records, text),
      () => this.#book.forget(),
    );
    this.#source = stored.source;
    this.#withdrawn = undefined;
    this.#count(stored, before);
    this.#options.onBatch();
  }

  #storeBatch(transactor: Transactor, batch: Batch, records: readonly TimedRecord[], text: PackedText): StoredBatch {
    const base = this.#withdrawn === undefined ? this.#source : this.#withdraw(transactor, this.#withdrawn);
    const blockId = transactor.nextId("raw_blocks");
    const counts = { entries: 0, other: 0, unparsed: 0, repeated: 0 };
    for (const record of records) this.#storeRecord(transactor, blockId, record, counts);
    const messages = this.#book.save(transactor);
    const source = advance(base, batch, text.size, records, counts, this.#open.head);
    const id = this.#checkpoint(transactor, source, this.#source.position);
    transactor.addBlock({
      id: blockId,
      sourceId: id,
      position: base.position,
      text,
      lines: batch.lines,
      clockMs: this.#clock.last,
      ...timesOf(records),
    });
    return { source: { ...source, id }, repeated: counts.repeated, messages };
  }

  #count({ source, repeated, messages }: StoredBatch, before: CurrentSource): void {
    const figures = this.#figures;
    figures.bytes += source.position - before.position;
    figures.lines += source.lines - before.lines;
    figures.entries += source.entries - before.entries;
    figures.other += source.other - before.other;
    figures.unparsed += source.unparsed - before.unparsed;
    figures.repeated += repeated;
    figures.messages += messages;
  }

  #resolve(record: LogRecord): TimedRecord {
    const parsed = record.isEntry ? parseEntry(record.lines) : undefined;
    if (parsed === undefined) return { record, parsed, ms: undefined, at: undefined };
    const ms = this.#clock.resolve(parsed.prefix);
    return { record, parsed, ms, at: momentAt(ms, rankOf(parsed.event, parsed.text)) };
  }

  #withdraw(transactor: Transactor, block: BlockPlace): CurrentSource {
    const source = this.#source;
    if (source.id === undefined) throw new Error("A source that is not stored has no block to take back.");
    const { entries, other, unparsed } = transactor.countBlock(block.id);
    const tail = Buffer.from(this.#writer.sources.textBefore(source.id, block.position, IDENTITY_BYTES), "latin1");
    const { messages, moved } = transactor.withdrawBlock(block.id);
    this.#book.restore(transactor, messages, this.#writer.rawText);
    for (const entry of moved) this.#restoreFacts(transactor, entry);
    return {
      ...source,
      ...transactor.timesOf(source.id),
      tail,
      position: block.position,
      lines: source.lines - block.lines,
      entries: source.entries - entries,
      other: source.other - other,
      unparsed: source.unparsed - unparsed,
    };
  }

  #restoreFacts(transactor: Transactor, { id, at }: BereftEntry): void {
    const parsed = parseEntryText(this.#writer.rawText.entryText(id) ?? "");
    if (parsed === undefined) return;
    addFacts(transactor, id, parsed, storedWord(parsed, at));
  }

  #storeRecord(
    transactor: Transactor,
    blockId: number,
    { record, parsed, ms, at }: TimedRecord,
    counts: BatchCounts,
  ): void {
    const { serverId, logType } = this.#source;
    const entryId = entryIdOf(blockId, record.line);
    if (parsed === undefined || ms === undefined || at === undefined) {
      counts.unparsed++;
      transactor.addEntry(entryId, serverId, undefined, "unparsed", undefined, logType);
      return;
    }
    counts.entries++;
    const { event } = parsed;
    if (event.kind === "other") counts.other++;
    const twin = transactor.takeTwin(record.lines[0] ?? "", event.kind, ms, serverId, logType);
    if (twin !== undefined) {
      counts.repeated++;
      transactor.addSighting(twin, entryId, logType);
      return;
    }
    const eximId = parsed.prefix.messageId;
    const word = storedWord(parsed, at);
    const messageId = eximId === undefined ? undefined : this.#book.apply(transactor, eximId, event, at, word);
    transactor.addEntry(entryId, serverId, at, event.kind, messageId, logType);
    addFacts(transactor, entryId, parsed, word);
  }

  #checkpoint(transactor: Transactor, source: CurrentSource, expectedPosition: number): number {
    const now = this.#options.now();
    const { id } = source;
    if (id === undefined ? this.#isTaken(source) : !transactor.updateSource({ ...source, id }, expectedPosition, now)) {
      throw new PilotError("in_use", `Another run of exim-pilot is reading "${source.path}" into the same database.`, {
        hint: "Let it finish; what it stores is not stored twice.",
      });
    }
    return id ?? transactor.addSource(source, now);
  }

  /** True when another run has begun to store the same log since it was looked for. */
  #isTaken({ serverId, logType, path }: CurrentSource): boolean {
    const identity = { path, head: this.#open.head, logType };
    return this.#writer.sources
      .sourcesOf(serverId)
      .some((other) => !this.#notTheSame.has(other.id) && couldBe(other, identity));
  }
}

/** What a batch has left behind, once it is stored. */
interface StoredBatch {
  readonly source: CurrentSource;
  /** Entries that another log shows too. */
  readonly repeated: number;
  /** Seen for the first time. */
  readonly messages: number;
}

interface BatchCounts {
  entries: number;
  other: number;
  unparsed: number;
  repeated: number;
}

function advance(
  base: CurrentSource,
  batch: Batch,
  bytes: number,
  records: readonly TimedRecord[],
  counts: BatchCounts,
  head: Buffer,
): CurrentSource {
  const position = base.position + bytes;
  const { firstMs, lastMs } = timesOf(records);
  return {
    ...base,
    head: head.subarray(0, Math.min(IDENTITY_BYTES, position)),
    tail: Buffer.concat([base.tail, Buffer.from(batch.text.slice(-IDENTITY_BYTES), "latin1")]).subarray(
      -IDENTITY_BYTES,
    ),
    position,
    lines: base.lines + batch.lines,
    entries: base.entries + counts.entries,
    other: base.other + counts.other,
    unparsed: base.unparsed + counts.unparsed,
    firstMs: earlier(base.firstMs, firstMs),
    lastMs: later(base.lastMs, lastMs),
  };
}

function timesOf(records: readonly TimedRecord[]): {
  readonly firstMs: EpochMs | undefined;
  readonly lastMs: EpochMs | undefined;
} {
  let firstMs: EpochMs | undefined;
  let lastMs: EpochMs | undefined;
  for (const { ms } of records) {
    firstMs = earlier(firstMs, ms);
    lastMs = later(lastMs, ms);
  }
  return { firstMs, lastMs };
}

function earlier(one: EpochMs | undefined, other: EpochMs | undefined): EpochMs | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one < other ? one : other;
}

function later(one: EpochMs | undefined, other: EpochMs | undefined): EpochMs | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one > other ? one : other;
}

function lastLineLength(text: string): number {
  return text.length - text.lastIndexOf("\n") - 1;
}
