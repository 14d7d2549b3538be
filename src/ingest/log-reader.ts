/** Stores the new part of one log, a few batches in a transaction together with the checkpoint behind them. */

import type { Readable } from "node:stream";
import { PilotError } from "../errors.ts";
import { parseEntryText } from "../parse/record.ts";
import type { LogType } from "../store/codes.ts";
import { entryIdOf } from "../store/raw-text.ts";
import type { BereftEntry, BlockRow } from "../store/rows.ts";
import { type BlockPlace, IDENTITY_BYTES, type SourceRow } from "../store/source-catalogue.ts";
import type { Transactor } from "../store/transactor.ts";
import type { Writer } from "../store/writer.ts";
import { type EpochMs, momentMs } from "../units.ts";
import { beginOfLog } from "./clock.ts";
import { digestEntry } from "./digest.ts";
import { addFacts, addHeaderDump } from "./facts.ts";
import { SourceFailure } from "./lines.ts";
import { firstMessageId } from "./log-type.ts";
import type { MessageBook } from "./message-book.ts";
import { readFailure } from "./read-failure.ts";
import type { BatchEntry, EntryBatch, LastBlock, ReadingStart } from "./reading.ts";
import { couldBe } from "./recognise.ts";
import type { OpenSource } from "./source.ts";
import { keyOfText } from "./syslog-twin.ts";

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

export const NOTHING: LogFigures = { bytes: 0, lines: 0, entries: 0, other: 0, unparsed: 0, repeated: 0, messages: 0 };

/** In a transaction of a large log: a message that several of them speak of is written once, and so is each page of the database. */
export const BATCHES_TOGETHER = 16;

export interface ReaderOptions {
  readonly batchLines: number;
  /** So many batches share a transaction: more are faster, fewer are stored sooner. */
  readonly batchesTogether: number;
  readonly timeZone: string;
  readonly now: () => EpochMs;
  readonly signal: AbortSignal | undefined;
  readonly onBatch: () => void;
  /** Reads the text: in this thread or in another. */
  readonly readBatches: ReadBatches;
}

/** See {@link readBatches} in reading.ts. */
export type ReadBatches = (
  source: Readable,
  start: ReadingStart,
  onBatch: (batch: EntryBatch) => void,
  signal: AbortSignal | undefined,
) => Promise<void>;

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
    await options.readBatches(open.readUntilPause(), reader.start, (batch) => reader.add(batch), options.signal);
  } catch (error) {
    if (!(error instanceof SourceFailure)) throw error;
    reader.end();
    throw readFailure(open.path, error.cause);
  }
  reader.end();
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

class LogReader {
  readonly start: ReadingStart;
  readonly #figures: LogFigures;
  readonly #open: OpenSource;
  readonly #writer: Writer;
  readonly #book: MessageBook;
  readonly #options: ReaderOptions;
  readonly #lastBlock: BlockPlace | undefined;
  readonly #notTheSame: ReadonlySet<number>;
  #source: CurrentSource;
  #pending: EntryBatch[] = [];

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
    const clockMs = source.id === undefined ? undefined : writer.sources.clockOf(source.id);
    const isSyslog = source.logType === "syslog";
    this.start = {
      batchLines: options.batchLines,
      timeZone: options.timeZone,
      isSyslog,
      beginMs: isSyslog ? beginOfLog(firstMessageId(open.head.toString("latin1")), options.now()) : undefined,
      clockMs,
      lastBlock: this.#lastBlock && this.#readBlock(this.#lastBlock),
    };
  }

  /** Undefined while nothing of it is stored. */
  get source(): SourceRow | undefined {
    const { id } = this.#source;
    return id === undefined ? undefined : { ...this.#source, id };
  }

  add(batch: EntryBatch): void {
    this.#pending.push(batch);
    if (this.#pending.length >= this.#options.batchesTogether) this.end();
  }

  /** Stores what has been added. */
  end(): void {
    const batches = this.#pending;
    this.#pending = [];
    if (batches.length === 0) return;
    this.#writer.assertRoom();
    const before = this.#source;
    const stored = this.#writer.write(
      (transactor) => this.#store(transactor, batches),
      () => this.#book.forget(),
    );
    this.#source = stored.source;
    this.#count(stored, before);
    this.#options.onBatch();
  }

  #readBlock({ id, position, clockBefore }: BlockPlace): LastBlock {
    const text = this.#writer.rawText.blockText(id);
    if (text === undefined) throw new Error(`Block ${id} is listed and has no text.`);
    const { sources } = this.#writer;
    const before = this.#source.id === undefined ? "" : sources.textBefore(this.#source.id, position, 1);
    return { text, isWithinLine: before !== "" && before !== "\n", clockMs: clockBefore };
  }

  #store(transactor: Transactor, batches: readonly EntryBatch[]): StoredBatches {
    let { source, repeated, messages } =
      batches[0]?.isRedone === true
        ? this.#withdrawLastBlock(transactor)
        : { source: this.#source, repeated: 0, messages: 0 };
    const blocks: Omit<BlockRow, "sourceId">[] = [];
    for (const batch of batches) {
      const id = transactor.nextId("raw_blocks");
      const counts = { entries: 0, other: 0, unparsed: 0, repeated: 0 };
      for (const entry of batch.entries) this.#storeEntry(transactor, id, entry, counts);
      blocks.push({ ...batch, id, position: source.position });
      source = advance(source, batch, counts, this.#open.head);
      repeated += counts.repeated;
    }
    messages += this.#book.save(transactor);
    const sourceId = this.#checkpoint(transactor, source, this.#source.position);
    for (const block of blocks) transactor.addBlock({ ...block, sourceId });
    return { source: { ...source, id: sourceId }, repeated, messages };
  }

  #count({ source, repeated, messages }: StoredBatches, before: CurrentSource): void {
    const figures = this.#figures;
    figures.bytes += source.position - before.position;
    figures.lines += source.lines - before.lines;
    figures.entries += source.entries - before.entries;
    figures.other += source.other - before.other;
    figures.unparsed += source.unparsed - before.unparsed;
    figures.repeated += repeated;
    figures.messages += messages;
  }

  /** What it leaves is less than nothing where the block had what is counted. */
  #withdrawLastBlock(transactor: Transactor): StoredBatches {
    const source = this.#source;
    const block = this.#lastBlock;
    if (source.id === undefined || block === undefined) throw new Error("A log that is not stored has no last block.");
    const last = this.#writer.sources.findLastBlock(source.id);
    // NOTE: a rebuild cuts the text into other blocks.
    if (last?.id !== block.id || last.position !== block.position) throw inUse(source.path);
    const { entries, other, unparsed } = transactor.countBlock(block.id);
    const tail = Buffer.from(this.#writer.sources.textBefore(source.id, block.position, IDENTITY_BYTES), "latin1");
    const { messages, moved, sightings } = transactor.withdrawBlock(block.id);
    const removed = this.#book.restore(transactor, messages, this.#writer.rawText);
    for (const entry of moved) this.#restoreFacts(transactor, entry);
    return {
      source: {
        ...source,
        ...transactor.timesOf(source.id),
        tail,
        position: block.position,
        lines: source.lines - block.lines,
        entries: source.entries - entries,
        other: source.other - other,
        unparsed: source.unparsed - unparsed,
      },
      repeated: -sightings,
      messages: -removed,
    };
  }

  #restoreFacts(transactor: Transactor, { id, at }: BereftEntry): void {
    const parsed = parseEntryText(this.#writer.rawText.entryText(id) ?? "");
    if (parsed === undefined) return;
    const digest = digestEntry(parsed, at);
    addFacts(transactor, id, digest);
    transactor.setDetails(id, digest.details);
  }

  #storeEntry(transactor: Transactor, blockId: number, entry: BatchEntry, counts: BatchCounts): void {
    const { serverId } = this.#source;
    const { digest } = entry;
    const entryId = entryIdOf(blockId, entry.line);
    const { kind, at, eximId, details, headerDump } = digest;
    const places = entry.places.map((line) => entryIdOf(blockId, line));
    if (this.start.isSyslog) transactor.addEntryLines(places, entryId);
    if (at === undefined) {
      counts.unparsed++;
      transactor.addEntry(entryId, serverId, undefined, kind, undefined, this.#logTypeOf(entry), undefined);
      return;
    }
    counts.entries++;
    if (kind === "other") counts.other++;
    if (digest.version !== undefined) transactor.noteVersion(serverId, digest.version, at);
    const { twin, logType } = this.#findTwin(transactor, entryId, entry, momentMs(at));
    if (headerDump !== undefined) addHeaderDump(transactor, twin ?? entryId, [entryId, ...places], headerDump);
    if (twin !== undefined) {
      counts.repeated++;
      transactor.addSighting(twin, entryId, logType);
      return;
    }
    const messageId = eximId === undefined ? undefined : this.#book.apply(transactor, eximId, at, digest);
    transactor.addEntry(entryId, serverId, at, kind, messageId, logType, details);
    addFacts(transactor, entryId, digest);
  }

  /** Which log an entry is of, and the entry of another one that it repeats. */
  #findTwin(transactor: Transactor, entryId: number, entry: BatchEntry, at: EpochMs): Place {
    const { serverId } = this.#source;
    const { twinLine, syslogTwin } = entry;
    const logType = this.#logTypeOf(entry);
    if (syslogTwin !== undefined) {
      const { key, secondLog, earlierMs } = syslogTwin;
      const search = { key, at, earlierMs, serverId, keyOf: keyOfText };
      const twin = transactor.takeSyslogTwin(search, secondLog);
      if (twin !== undefined) return { twin, logType: secondLog };
      transactor.noteSyslogEntry(search, entryId, logType);
    }
    const twin = twinLine === undefined ? undefined : transactor.takeTwin(twinLine, at, serverId, logType);
    return { twin, logType };
  }

  /** What is not known to be for another log is for the main log. */
  #logTypeOf({ logType }: BatchEntry): LogType {
    const { logType: sourceType } = this.#source;
    return logType ?? (sourceType === "syslog" ? "main" : sourceType);
  }

  #checkpoint(transactor: Transactor, source: CurrentSource, expectedPosition: number): number {
    const now = this.#options.now();
    const { id } = source;
    if (id === undefined ? this.#isTaken(source) : !transactor.updateSource({ ...source, id }, expectedPosition, now)) {
      throw inUse(source.path);
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

function inUse(path: string): PilotError {
  return new PilotError("in_use", `Another run of exim-pilot is reading "${path}" into the same database.`, {
    hint: "Let it finish; what it stores is not stored twice.",
  });
}

/** What a transaction has left behind. */
interface StoredBatches {
  readonly source: CurrentSource;
  /** Entries that another log shows too. */
  readonly repeated: number;
  /** Seen for the first time. */
  readonly messages: number;
}

interface Place {
  readonly logType: LogType;
  readonly twin: number | undefined;
}

interface BatchCounts {
  entries: number;
  other: number;
  unparsed: number;
  repeated: number;
}

function advance(base: CurrentSource, batch: EntryBatch, counts: BatchCounts, head: Buffer): CurrentSource {
  const position = base.position + batch.text.size;
  return {
    ...base,
    head: head.subarray(0, Math.min(IDENTITY_BYTES, position)),
    tail: Buffer.concat([base.tail, batch.tail]).subarray(-IDENTITY_BYTES),
    position,
    lines: base.lines + batch.lines,
    entries: base.entries + counts.entries,
    other: base.other + counts.other,
    unparsed: base.unparsed + counts.unparsed,
    firstMs: earlier(base.firstMs, batch.firstMs),
    lastMs: later(base.lastMs, batch.lastMs),
  };
}

function earlier(one: EpochMs | undefined, other: EpochMs | undefined): EpochMs | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one < other ? one : other;
}

function later(one: EpochMs | undefined, other: EpochMs | undefined): EpochMs | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one > other ? one : other;
}
