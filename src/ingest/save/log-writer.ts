/** Stores the new part of one log, a few batches in a transaction together with the checkpoint behind them. */
import { PilotError } from "../../errors.ts";
import { blockOf, entryIdOf } from "../../store/log-text/blocks.ts";
import { POSTING_KINDS, postingCode } from "../../store/log-text/postings.ts";
import type { LogType } from "../../store/schema/codes.ts";
import { ENTRY, offsetsOf } from "../../store/schema/records.ts";
import { SINGLE_LOG_KINDS } from "../../store/write/duplicate-finder.ts";
import type { LoneRejection } from "../../store/write/lone-rejections.ts";
import type { BlockCounts, BlockRow } from "../../store/write/rows.ts";
import { type BlockPlace, IDENTITY_BYTES, type SourceRow } from "../../store/write/source-catalogue.ts";
import type { Transactor } from "../../store/write/transactor.ts";
import type { Writer } from "../../store/write/writer.ts";
import { type EpochMs, MIB, type Moment, momentMs } from "../../units.ts";
import type { LogText } from "../batch/batch-thread.ts";
import type { EncodedBlock, LastBlock, ReadingStart } from "../batch/block-builder.ts";
import { beginOfLog } from "../batch/clock.ts";
import { isNull, type LineExtras, widthOf } from "../batch/encoded-batch.ts";
import { addHeaderDump } from "../batch/header-dump-rows.ts";
import { SourceFailure } from "../batch/lines.ts";
import { keyOfText, tellingKeyOf } from "../batch/syslog-duplicate.ts";
import { couldBeRest, FARTHEST_PIECE } from "../batch/syslog-pieces.ts";
import { couldBe } from "../source/identify-log.ts";
import { firstStamps } from "../source/log-type.ts";
import type { OpenSource } from "../source/open-source.ts";
import { readFailure } from "../source/read-failure.ts";
import { BatchWriter, type BlockTarget } from "./batch-writer.ts";
import { CutEntryWriter, type DuplicateOf, type StoredChanges, type StoreRecord } from "./cut-entries.ts";
import type { MessageCache } from "./message-cache.ts";
import { restoreFacts } from "./stored-facts.ts";
import { SyslogDoubling, type TellingLine } from "./syslog-doubling.ts";

/** Counts of what one run added from one log. */
export interface LogFigures {
  bytes: number;
  lines: number;
  entries: number;
  /** Entries of no known form. */
  other: number;
  /** Lines without a stamp that belong to no entry. */
  unparsed: number;
  /** Lines among them whose text `journalctl` left out. */
  lost: number;
  /** Entries that another log of the server shows too. */
  repeated: number;
  /** Messages seen for the first time. */
  messages: number;
}

export const NOTHING: LogFigures = {
  bytes: 0,
  lines: 0,
  entries: 0,
  other: 0,
  unparsed: 0,
  lost: 0,
  repeated: 0,
  messages: 0,
};

/** Unread bytes of a log beyond which another thread makes the blocks. */
export const LARGE_LOG = 2 * MIB;

/** Numbers of batches that share a transaction and a block: more are faster, fewer are stored sooner. */
export interface Load {
  readonly transactionBatches: number;
  /** See {@link ReadingStart.blockBytes}. */
  readonly blockBytes: number;
}

/** Load for a log that is read as it grows, or that has little to read. */
export const SMALL_LOAD: Load = { transactionBatches: 1, blockBytes: 0 };

/**
 * Load for a large log: a message in several batches of a transaction is written once, and so is each page of the database.
 * Measured: a block of this size takes 0.175 of its text, one of a batch 0.2, and is packed 2.4 times as fast.
 */
export const BULK_LOAD: Load = { transactionBatches: 128, blockBytes: MIB };

export interface ReaderOptions {
  readonly batchLines: number;
  readonly load: Load;
  readonly timeZone: string;
  readonly now: () => EpochMs;
  readonly signal: AbortSignal | undefined;
  /** Is called after each transaction. */
  readonly onCommit: () => void;
  /** Reads the text: in this thread or in another. */
  readonly readBlocks: ReadBlocks;
}

/** See {@link readBlocks} in batch-thread.ts. */
export type ReadBlocks = (
  log: LogText,
  start: ReadingStart,
  onBlock: (block: EncodedBlock) => void,
  signal: AbortSignal | undefined,
) => Promise<void>;

/** A log that is not stored yet. */
export interface NewSource extends Pick<SourceRow, "serverId" | "logType" | "path"> {
  /** Stored logs it was compared with and is not. */
  readonly notTheSame: ReadonlySet<number>;
}

/**
 * Stores the new part of a log, until its end or a pause, or until `signal` aborts; adds what it stored to `figures`. Returns
 * the source to continue with after a pause.
 * Errors: `unreadable` when the log cannot be read on, with all before it stored; `in_use` when another run reads the same
 * log; those of {@link Writer.write}.
 */
export async function storeLog(
  open: OpenSource,
  source: SourceRow | NewSource,
  writer: Writer,
  cache: MessageCache,
  figures: LogFigures,
  options: ReaderOptions,
): Promise<SourceRow | NewSource> {
  const log = new LogWriter(source, open, writer, cache, figures, options);
  try {
    await options.readBlocks(open, log.start, (block) => log.add(block), options.signal);
  } catch (error) {
    if (!(error instanceof SourceFailure)) throw log.rollBack(error);
    log.end();
    throw readFailure(open.path, error.cause);
  }
  log.end();
  return log.source ?? source;
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

class LogWriter {
  readonly start: ReadingStart;
  readonly #figures: LogFigures;
  readonly #open: OpenSource;
  readonly #writer: Writer;
  readonly #messages: MessageCache;
  readonly #options: ReaderOptions;
  readonly #lastBlock: BlockPlace | undefined;
  readonly #notTheSame: ReadonlySet<number>;
  #source: CurrentSource;
  readonly #batches: BatchWriter;
  readonly #doubling: SyslogDoubling;
  readonly #cutEntries: CutEntryWriter;
  /** The first block that was stored since {@link SyslogDoubling.forget}. */
  #firstNoted = Number.MAX_SAFE_INTEGER;
  #group: Group | undefined;
  /** The first line of the log is the rest of one, as far as its form tells. */
  readonly #beginsWithRest: boolean;
  /** Another process may have changed the counts of the log. */
  #isStale = false;

  constructor(
    start: SourceRow | NewSource,
    open: OpenSource,
    writer: Writer,
    cache: MessageCache,
    figures: LogFigures,
    options: ReaderOptions,
  ) {
    const source = "id" in start ? { ...start, path: open.path } : emptySource(start);
    this.#source = source;
    this.#notTheSame = "id" in start ? new Set() : start.notTheSame;
    this.#figures = figures;
    this.#open = open;
    this.#writer = writer;
    this.#messages = cache;
    this.#batches = new BatchWriter(cache);
    this.#options = options;
    this.#doubling = new SyslogDoubling({
      ofLog: (sinceMs) => this.#tellingLines(sinceMs),
      ofLogBefore: (untilMs, sinceMs) => this.#tellingLinesBefore(untilMs, sinceMs),
    });
    this.#cutEntries = new CutEntryWriter(writer, source.serverId, this.#storeRecord);
    this.#lastBlock = source.id === undefined ? undefined : writer.sources.findLastBlock(source.id);
    const clockMs = source.id === undefined ? undefined : writer.sources.clockOf(source.id);
    const isSyslog = source.logType === "syslog";
    this.#beginsWithRest = isSyslog && couldBeRest(open.head.toString("latin1").split("\n", 1)[0] ?? "");
    this.start = {
      batchLines: options.batchLines,
      blockBytes: options.load.blockBytes,
      codes: writer.codes.encoding,
      logType: this.#logTypeOf(undefined),
      timeZone: options.timeZone,
      isSyslog,
      linesBefore: source.position > 0 && source.lines === 0 ? Number.POSITIVE_INFINITY : source.lines,
      beginMs: isSyslog ? beginOfLog(firstStamps(open.head.toString("latin1")), options.now()) : undefined,
      clockMs,
      lastBlock: this.#lastBlock && this.#readBlock(this.#lastBlock),
    };
  }

  /** Undefined while nothing of it is stored. */
  get source(): SourceRow | undefined {
    const { id } = this.#source;
    return id === undefined ? undefined : { ...this.#source, id };
  }

  /** Stores a block, in a transaction with others around it. */
  add(block: EncodedBlock): void {
    const { size } = block.text;
    // NOTE: the disk may fill before the transaction is as long as it may be.
    if (this.#group !== undefined && !this.#writer.hasRoomFor(this.#group.textBytes + size)) this.end();
    this.#group ??= this.#beginGroup(size);
    const group = this.#group;
    this.#guard(group, () => this.#storeInto(group, block));
    group.batches += block.batches.length;
    group.textBytes += size;
    if (group.batches >= this.#options.load.transactionBatches) this.end();
  }

  /** Commits what has been added. */
  end(): void {
    const group = this.#group;
    if (group === undefined) return;
    const before = this.#source;
    const source = this.#guard(group, () => {
      const { transactor } = group;
      group.messages += this.#messages.save(transactor);
      const id = this.#checkpoint(transactor, group.source, before.position);
      for (const block of group.blocks) transactor.addBlock({ ...block, sourceId: id });
      this.#joinCutEntries(group, id);
      if (group.blocks.length > 1) transactor.rollUpEntries();
      this.#writer.commit(transactor);
      return { ...group.source, id };
    });
    this.#group = undefined;
    this.#source = source;
    this.#count({ ...group, source }, before);
    this.#options.onCommit();
  }

  /** Takes back what has been added since the last commit; returns the error. */
  rollBack(error: unknown): unknown {
    const group = this.#group;
    this.#group = undefined;
    return group === undefined ? error : this.#writer.rollBack(group.transactor, error, this.#forget);
  }

  readonly #forget = (): void => {
    this.#messages.forget();
    this.#batches.decoder.forgetIds();
    this.#forgetDoubling();
    this.#isStale = true;
  };

  #forgetDoubling(): void {
    this.#doubling.forget();
    this.#firstNoted = Number.MAX_SAFE_INTEGER;
  }

  /** True when an entry is of this log, and not of another one. */
  #isOwn(entryId: number): boolean {
    return blockOf(entryId) >= this.#firstNoted || this.#writer.loneRejections.isOf(this.#source.id, entryId);
  }

  *#tellingLines(sinceMs: EpochMs): Generator<TellingLine> {
    const { id } = this.#source;
    if (id !== undefined) yield* telling(this.#writer.loneRejections.of(id, this.#firstNoted, sinceMs));
  }

  *#tellingLinesBefore(untilMs: EpochMs, sinceMs: EpochMs): Generator<TellingLine> {
    const { id, serverId } = this.#source;
    yield* telling(this.#writer.loneRejections.ofOther(serverId, id, untilMs, sinceMs));
  }

  #beginGroup(textBytes: number): Group {
    this.#writer.assertRoomFor(textBytes);
    const transactor = this.#writer.begin(this.#forget);
    if (this.#isStale) this.#refreshCounts();
    return {
      transactor,
      source: this.#source,
      batches: 0,
      textBytes: 0,
      lost: 0,
      repeated: 0,
      messages: 0,
      blocks: [],
      lacksFirst: false,
      lacksLast: false,
    };
  }

  /** Another process that read a log before or after this one may have joined entries of both. */
  #refreshCounts(): void {
    this.#isStale = false;
    const { id, position } = this.#source;
    const stored = id === undefined ? undefined : this.#writer.sources.findSource(id);
    if (stored?.position !== position) return;
    const { entries, other, unparsed } = stored;
    this.#source = { ...this.#source, entries, other, unparsed };
  }

  #guard<Result>({ transactor }: Group, action: () => Result): Result {
    try {
      return action();
    } catch (error) {
      this.#group = undefined;
      throw this.#writer.rollBack(transactor, error, this.#forget);
    }
  }

  #storeInto(group: Group, block: EncodedBlock): void {
    const { transactor, blocks } = group;
    // NOTE: before the last block is taken back: what that leaves is newer than what the cache carries over.
    if (block.batches.some(({ isFresh }) => isFresh)) group.messages += this.#messages.renumber(transactor);
    if (block.isRedone) {
      const { source, repeated, messages } = this.#retractLastBlock(group);
      group.source = source;
      group.repeated += repeated;
      group.messages += messages;
    }
    if ((block.lacksFirst || this.#beginsWithRest) && group.source.lines <= FARTHEST_PIECE) group.lacksFirst = true;
    group.lacksLast = block.lacksLast;
    const id = transactor.nextId("raw_blocks");
    if (this.#firstNoted > id) this.#firstNoted = id;
    const counts = { entries: 0, other: 0, unparsed: 0, repeated: 0 };
    this.#storeBlock(transactor, id, block, counts);
    const { text, lines, firstMs, lastMs, clockMs } = block;
    blocks.push({
      id,
      position: group.source.position,
      text,
      lines,
      firstMs,
      lastMs,
      clockMs,
      readMs: this.#options.now(),
    });
    group.source = advance(group.source, block, counts, this.#open.head);
    group.repeated += counts.repeated;
    group.lost += block.lost;
  }

  #readBlock({ id, position, lines, clockBefore }: BlockPlace): LastBlock {
    const text = this.#writer.rawText.blockText(id);
    if (text === undefined) throw new Error(`Block ${id} is listed and has no text.`);
    const { sources } = this.#writer;
    const before = this.#source.id === undefined ? "" : sources.textBefore(this.#source.id, position, 1);
    return { text, lines, isWithinLine: before !== "" && before !== "\n", clockMs: clockBefore };
  }

  #count({ source, lost, repeated, messages }: StoredBatches, before: CurrentSource): void {
    const figures = this.#figures;
    figures.bytes += source.position - before.position;
    figures.lines += source.lines - before.lines;
    figures.entries += source.entries - before.entries;
    figures.other += source.other - before.other;
    figures.unparsed += source.unparsed - before.unparsed;
    figures.lost += lost;
    figures.repeated += repeated;
    figures.messages += messages;
  }

  /** Takes the last block back. Returned counts are negative for what the block had. */
  #retractLastBlock(group: Group): Omit<StoredBatches, "lost"> {
    const { transactor } = group;
    this.#forgetDoubling();
    const block = this.#lastBlock;
    if (block !== undefined) this.#apply(group, this.#cutEntries.part(transactor, block.id));
    const { source } = group;
    if (source.id === undefined || block === undefined) throw new Error("A log that is not stored has no last block.");
    const last = this.#writer.sources.findLastBlock(source.id);
    // NOTE: a rebuild cuts the text into other blocks.
    if (last?.id !== block.id || last.position !== block.position) throw inUse(source.path);
    const { entries, other, unparsed } = transactor.countBlock(block.id);
    const tail = Buffer.from(this.#writer.sources.textBefore(source.id, block.position, IDENTITY_BYTES), "latin1");
    const { messages, moved, duplicateLocations } = transactor.retractBlock(block.id);
    const removed = this.#messages.restore(transactor, messages, this.#writer.rawText);
    for (const entry of moved) restoreFacts(transactor, this.#writer.rawText, entry);
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
      repeated: -duplicateLocations,
      messages: -removed,
    };
  }

  #storeBlock(transactor: Transactor, blockId: number, block: EncodedBlock, counts: BatchCounts): void {
    this.#countEntries(transactor, block, counts);
    const duplicateLocations = this.#findDuplicates(transactor, blockId, block);
    counts.repeated += duplicateLocations.size;
    const { serverId } = this.#source;
    const target: BlockTarget = {
      blockId,
      serverId,
      duplicates: new Set(duplicateLocations.keys()),
      counts: transactor.counts.countsFor(blockId, serverId),
    };
    for (const batch of block.batches) this.#batches.write(transactor, batch, target);
    this.#addPostings(transactor, blockId, block);
    this.#addDuplicateLocations(transactor, duplicateLocations);
  }

  #addDuplicateLocations(transactor: Transactor, duplicateLocations: ReadonlyMap<number, DuplicateLocation>): void {
    if (duplicateLocations.size === 0) return;
    // NOTE: the entries that are seen again may be of this block.
    transactor.flush();
    for (const { duplicate, location, logType } of duplicateLocations.values())
      transactor.addDuplicateLocation(duplicate, location, logType);
  }

  /** Stores a record of a block that is stored, of this log or another one. */
  readonly #storeRecord: StoreRecord = (transactor, blockId, batch, batches, duplicate) => {
    const record = { batches: [batch], text: undefined };
    const duplicateLocations = this.#findDuplicates(transactor, blockId, record, duplicate);
    const duplicates = new Set(duplicateLocations.keys());
    batches.write(transactor, batch, { blockId, serverId: this.#source.serverId, duplicates, counts: undefined });
    this.#addDuplicateLocations(transactor, duplicateLocations);
    return duplicateLocations.size;
  };

  /** Joins the entries of syslog that are cut between this log and others. */
  #joinCutEntries(group: Group, sourceId: number): void {
    const { transactor, lacksFirst, lacksLast } = group;
    if (this.#source.logType !== "syslog" || (!lacksFirst && !lacksLast)) return;
    transactor.flush();
    const { firstMs, lastMs } = group.source;
    if (lacksFirst) this.#apply(group, this.#cutEntries.joinBegin(transactor, sourceId, firstMs), sourceId);
    if (lacksLast) this.#apply(group, this.#cutEntries.joinEnd(transactor, sourceId, lastMs), sourceId);
  }

  #apply(group: Group, changes: StoredChanges | undefined, ownId = group.source.id): void {
    if (changes === undefined) return;
    for (const [id, counts] of changes.counts) {
      group.transactor.addCounts(id, counts);
      if (id === ownId) group.source = { ...group.source, ...sumOfCounts(group.source, counts) };
    }
    group.messages += changes.messages;
    group.repeated += changes.repeated;
    // NOTE: both know an older state of what was stored again.
    this.#messages.forget();
    this.#forgetDoubling();
  }

  #addPostings(transactor: Transactor, blockId: number, { postings }: EncodedBlock): void {
    const { strings, addresses } = this.#batches.decoder;
    const known = transactor.postings;
    known.begin(blockId);
    // NOTE: an iterator makes two objects of each number.
    for (let at = 0; at < postings.addresses.length; at++)
      known.add(ADDRESS, addresses.idOf(postings.addresses[at] as number));
    for (let at = 0; at < postings.strings.length; at++)
      known.add(STRING, strings.idOf(postings.strings[at] as number));
    for (let at = 0; at < postings.messageIds.length; at++) known.add(MESSAGE_ID, postings.messageIds[at] as number);
    for (let at = 0; at < postings.nextHops.length; at++) known.add(NEXT_HOP, postings.nextHops[at] as number);
    if (known.isFull) transactor.indexPostings();
  }

  #countEntries({ codes }: Transactor, { batches }: EncodedBlock, counts: BatchCounts): void {
    const other = codes.event("other");
    eachEntry(batches, (_line, at, event) => {
      if (isNull(at)) counts.unparsed++;
      else {
        counts.entries++;
        if (event === other) counts.other++;
      }
    });
  }

  /** Stores what few lines have, and finds the lines that other logs show, by their places in the block. */
  #findDuplicates(
    transactor: Transactor,
    blockId: number,
    { batches, text }: Pick<EncodedBlock, "batches"> & { readonly text: EncodedBlock["text"] | undefined },
    known?: DuplicateOf,
  ): ReadonlyMap<number, DuplicateLocation> {
    const { serverId, logType: sourceType } = this.#source;
    const isSyslog = sourceType === "syslog";
    const hasOthers = !isSyslog && transactor.hasOtherLogs(serverId, sourceType);
    const duplicateLocations = new Map<number, DuplicateLocation>();
    const extras = new Map(batches.flatMap((batch) => batch.extras.map((extra) => [extra.line, extra] as const)));
    if (extras.size === 0 && !hasOthers) return duplicateLocations;
    const lines =
      hasOthers && text !== undefined ? this.#writer.rawText.unpack(blockId, text.data).split("\n") : undefined;
    const single = new Set(SINGLE_LOG_KINDS.map(transactor.codes.event));
    eachEntry(batches, (line, at, event) => {
      const extra = extras.get(line);
      const entryId = entryIdOf(blockId, line);
      const places = (extra?.places ?? []).map((place) => entryIdOf(blockId, place));
      if (isSyslog) transactor.addEntryLines(places, entryId);
      if (isNull(at)) return;
      if (extra?.version !== undefined) transactor.noteVersion(serverId, extra.version, at);
      const text = lines === undefined || single.has(event) ? undefined : lines[line];
      const { duplicate, logType } = known ?? this.#findDuplicate(transactor, entryId, extra, text, momentMs(at));
      if (extra?.headerDump !== undefined)
        addHeaderDump(transactor, duplicate ?? entryId, [entryId, ...places], extra.headerDump);
      if (duplicate !== undefined) duplicateLocations.set(line, { duplicate, location: entryId, logType });
    });
    return duplicateLocations;
  }

  /** The log that an entry belongs to, and the entry of another log that it repeats. */
  #findDuplicate(
    transactor: Transactor,
    entryId: number,
    extra: LineExtras | undefined,
    line: string | undefined,
    at: EpochMs,
  ): Place {
    const { serverId } = this.#source;
    const logType = this.#logTypeOf(extra?.logType);
    if (extra?.syslogDuplicate !== undefined) {
      const { key, secondLog, earlierMs, isGuess, isTelling } = extra.syslogDuplicate;
      const search = { key, at, earlierMs, serverId, keyOf: keyOfText };
      const canBeDoubled = (): boolean => !isGuess || this.#doubling.isDoubled(at);
      const duplicate = transactor.takeSyslogDuplicate(search, secondLog, canBeDoubled);
      if (isTelling) this.#doubling.note({ key, at }, duplicate !== undefined && !this.#isOwn(duplicate));
      if (duplicate !== undefined) return { duplicate, logType: secondLog };
      transactor.noteSyslogEntry(search, entryId, logType);
    }
    const duplicate = line === undefined ? undefined : transactor.takeDuplicate(line, at, serverId, logType);
    return { duplicate, logType };
  }

  /** An entry of unknown log belongs to the main log. */
  #logTypeOf(logType: LogType | undefined): LogType {
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

const entry = offsetsOf(ENTRY);
const [ADDRESS, STRING, MESSAGE_ID, NEXT_HOP] = POSTING_KINDS.map(postingCode) as [number, number, number, number];

function inUse(path: string): PilotError {
  return new PilotError("in_use", `Another run of exim-pilot is reading "${path}" into the same database.`, {
    hint: "Let it finish; nothing is stored twice.",
  });
}

/** A transaction that several batches share. */
interface Group extends StoredBatches {
  readonly transactor: Transactor;
  readonly blocks: Omit<BlockRow, "sourceId">[];
  /** Batches in the blocks. */
  batches: number;
  textBytes: number;
  source: CurrentSource;
  lost: number;
  repeated: number;
  messages: number;
  /** Near its beginning the log has the rest of a line or of an entry without its beginning. */
  lacksFirst: boolean;
  /** The log ends within a line, or while an entry lacks pieces. */
  lacksLast: boolean;
}

/** Result of a transaction. */
interface StoredBatches {
  readonly source: CurrentSource;
  /** Entries that another log shows too. */
  readonly repeated: number;
  /** Seen for the first time. */
  readonly messages: number;
  /** Lines of Exim without their text. */
  readonly lost: number;
}

/** A line that repeats an entry of another log. */
interface DuplicateLocation {
  readonly duplicate: number;
  readonly location: number;
  readonly logType: LogType;
}

interface Place {
  readonly logType: LogType;
  readonly duplicate: number | undefined;
}

interface BatchCounts {
  entries: number;
  other: number;
  unparsed: number;
  repeated: number;
}

/** Calls `action` for each entry of a block, in their order; `at` is null as in a row, of a line that belongs to no entry. */
function eachEntry(batches: EncodedBlock["batches"], action: (line: number, at: Moment, event: number) => void): void {
  const width = widthOf("entries");
  for (const { rows } of batches) {
    const { entries } = rows;
    for (let start = 0; start < entries.length; start += width)
      action(
        entries[start + entry.id] as number,
        entries[start + entry.at] as Moment,
        entries[start + entry.event] as number,
      );
  }
}

function advance(base: CurrentSource, batch: EncodedBlock, counts: BatchCounts, head: Buffer): CurrentSource {
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

function sumOfCounts(one: BlockCounts, other: BlockCounts): BlockCounts {
  return {
    entries: one.entries + other.entries,
    other: one.other + other.other,
    unparsed: one.unparsed + other.unparsed,
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

/** Yields the lines that show whether Exim writes refusals twice. */
function* telling(lines: Iterable<LoneRejection>): Generator<TellingLine> {
  for (const { at, text, isHalf } of lines) {
    const key = tellingKeyOf(text);
    if (key === undefined) continue;
    yield { at, key };
    if (isHalf) yield { at, key };
  }
}
