/**
 * Entries of syslog that a rotation has cut: their first pieces are at the end of one log, the others at the beginning of another.
 * Whichever log is read second completes them. An entry is stored where its first piece is, and says what all its pieces say.
 */
import { parseEntry } from "../../parse/record.ts";
import { isEximSyslogLine } from "../../parse/syslog.ts";
import { unwrapLine } from "../../parse/wrappers.ts";
import { blockOf, entryIdOf, lineOf } from "../../store/log-text/blocks.ts";
import { type LogType, logTypeBit } from "../../store/schema/codes.ts";
import type { EndLines, OtherPlace } from "../../store/write/log-ends.ts";
import type { BlockCounts } from "../../store/write/rows.ts";
import type { Transactor } from "../../store/write/transactor.ts";
import type { Writer } from "../../store/write/writer.ts";
import type { EpochMs } from "../../units.ts";
import { BatchEncoder } from "../batch/batch-encoder.ts";
import type { EncodedBatch } from "../batch/encoded-batch.ts";
import { momentOf } from "../batch/entry-facts.ts";
import { keyOfText, logTypeOf, syslogDuplicateOf } from "../batch/syslog-duplicate.ts";
import { areOneEntry, type CutEntry, cutEntriesIn, FARTHEST_PIECE } from "../batch/syslog-pieces.ts";
import { BatchWriter } from "./batch-writer.ts";
import { MessageCache } from "./message-cache.ts";
import { restoreFacts } from "./stored-facts.ts";

/** Stores a batch of one record of a block; returns how many entries of it other lines show too. `duplicate`: the entry that it is. */
export type StoreRecord = (
  transactor: Transactor,
  blockId: number,
  batch: EncodedBatch,
  batches: BatchWriter,
  duplicate: DuplicateOf | undefined,
) => number;

/** An entry that is stored, and the log for which another place of it was sent. */
export interface DuplicateOf {
  readonly duplicate: number;
  readonly logType: LogType;
}

/** Changes of what was stored before; counts may be negative. */
export interface StoredChanges {
  /** By source. */
  readonly counts: ReadonlyMap<number, BlockCounts>;
  /** Messages seen for the first time. */
  readonly messages: number;
  /** Entries that other lines show too. */
  readonly repeated: number;
}

/** Locations of the lines of an entry, or of lines that belong to none: the first one first. */
type Lines = readonly [first: number, ...others: number[]];

interface StoredPieces extends CutEntry {
  readonly lines: Lines;
}

export class CutEntryWriter {
  readonly #writer: Writer;
  readonly #serverId: number;
  readonly #storeRecord: StoreRecord;

  constructor(writer: Writer, serverId: number, storeRecord: StoreRecord) {
    this.#writer = writer;
    this.#serverId = serverId;
    this.#storeRecord = storeRecord;
  }

  /** Joins pieces with which a log begins to entries with which others end; undefined when there are none. `at`: about its begin. */
  joinBegin(transactor: Transactor, sourceId: number, at: EpochMs | undefined): StoredChanges | undefined {
    const begins = this.#begins(sourceId);
    if (begins.length === 0) return undefined;
    const others = this.#writer.logEnds.othersOf(this.#serverId, sourceId, at);
    return this.#join(transactor, pairsOf(others, this.#ends, begins, areOneEntry));
  }

  /** Joins entries with which a log ends to pieces with which others begin; undefined when there are none. `at`: about its end. */
  joinEnd(transactor: Transactor, sourceId: number, at: EpochMs | undefined): StoredChanges | undefined {
    const ends = this.#ends(sourceId);
    if (ends.length === 0) return undefined;
    const others = this.#writer.logEnds.othersOf(this.#serverId, sourceId, at);
    const pairs = pairsOf(others, this.#begins, ends, (begin, end) => areOneEntry(end, begin));
    return this.#join(
      transactor,
      pairs.map(([begin, end]) => [end, begin]),
    );
  }

  /** Parts the entries that have lines both in a block and in another: the block is to be taken back. Undefined when there are none. */
  part(transactor: Transactor, blockId: number): StoredChanges | undefined {
    transactor.flush();
    const { logEnds } = this.#writer;
    const records = logEnds.cutBy(blockId).flatMap((first): Lines[] => {
      const lines = logEnds.linesFrom(first);
      if (lines === undefined) throw new Error(`Lines in block ${blockId} belong to ${first}, where nothing begins.`);
      const fragments = fragmentsOf(lines).filter(([line]) => [blockOf(first), blockOf(line)].includes(blockId));
      const parted = new Set(fragments.flat());
      return [[first, ...lines.slice(1).filter((line) => !parted.has(line))], ...fragments];
    });
    return records.length === 0 ? undefined : this.#storeAnew(transactor, records);
  }

  #join(
    transactor: Transactor,
    pairs: readonly (readonly [end: StoredPieces, begin: StoredPieces])[],
  ): StoredChanges | undefined {
    if (pairs.length === 0) return undefined;
    const records = pairs.map(([end, begin]): Lines => [...end.lines, ...begin.lines]);
    return this.#storeAnew(transactor, records);
  }

  readonly #begins = (sourceId: number): StoredPieces[] => {
    const { logEnds } = this.#writer;
    const end = logEnds.firstLines(sourceId, FARTHEST_PIECE + 1);
    return placed(cutEntriesIn(end.lines, end.linesBefore).atBegin, end).filter(({ lines }) => {
      const known = logEnds.linesFrom(lines[0]);
      return known === undefined ? lines.every((line) => logEnds.isForeign(line)) : areSame(lines, known);
    });
  };

  /** Entries with which a log ends, with the pieces of them that other logs have. */
  readonly #ends = (sourceId: number): StoredPieces[] => {
    const { logEnds, rawText } = this.#writer;
    const end = logEnds.lastLines(sourceId);
    return placed(cutEntriesIn(end.lines, end.linesBefore).atEnd, end).flatMap((cut) => {
      const lines = logEnds.linesFrom(cut.lines[0]);
      const own = lines?.filter((line) => blockOf(line) === blockOf(cut.lines[0])) ?? [];
      if (lines === undefined || !areSame(cut.lines, own)) return [];
      const numbers = lines.flatMap((line) => unwrapLine(rawText.lineAt(line) ?? "")?.piece?.number ?? []);
      return [{ ...cut, lines, numbers: new Set(numbers) }];
    });
  };

  /** Stores records anew, each with the lines that are given; all of their lines are among them. */
  #storeAnew(transactor: Transactor, records: readonly Lines[]): StoredChanges {
    const { rawText, logEnds } = this.#writer;
    transactor.flush();
    const times = records.map(([first]) => logEnds.timeAt(first));
    const others = records.map(([first]) => logEnds.otherPlaceOf(first));
    const lines = records.flat();
    const before = lines.map((line) => transactor.countLine(line));
    const orphaned = transactor.retractLines(lines);
    const cache = new MessageCache(this.#serverId);
    const batches = new BatchWriter(cache);
    let messages = -cache.restore(transactor, orphaned.messages, rawText);
    for (const entry of orphaned.moved) restoreFacts(transactor, rawText, entry);
    let repeated = -orphaned.duplicateLocations;
    const encoder = new BatchEncoder(transactor.codes.encoding, logTypeBit("main"));
    for (const [index, record] of records.entries()) {
      if (this.#isForeign(record)) continue;
      const key = this.#encode(encoder, record, times[index]);
      const duplicate = this.#duplicateAt(others[index], key);
      repeated += this.#storeRecord(transactor, blockOf(record[0]), encoder.takeBatch(), batches, duplicate);
    }
    messages += cache.save(transactor);
    transactor.markForeign(records.flatMap((record) => fragmentsOf(record).filter(this.#isForeign).flat()));
    transactor.endRetraction(lines);
    const after = lines.map((line) => transactor.countLine(line));
    return { counts: this.#changesOf(lines, before, after), messages, repeated };
  }

  /** True for lines of which nothing tells that they are of Exim. */
  readonly #isForeign = ([first]: Lines): boolean => {
    const line = unwrapLine(this.#writer.rawText.lineAt(first) ?? "");
    return line === undefined || !isEximSyslogLine(line);
  };

  /** The entry at another place, if it still is the one that has the key. */
  #duplicateAt(other: OtherPlace | undefined, key: string | undefined): DuplicateOf | undefined {
    if (other === undefined || key === undefined) return undefined;
    const text = this.#writer.rawText.textAt(other.location);
    return text !== undefined && keyOfText(text) === key
      ? { duplicate: other.location, logType: other.logType }
      : undefined;
  }

  /** Returns the key that it shares with its duplicates. */
  #encode(encoder: BatchEncoder, [first, ...others]: Lines, at: EpochMs | undefined): string | undefined {
    const texts = [first, ...others].map((line) => this.#writer.rawText.lineAt(line) ?? "");
    const parsed = at === undefined || !hasFirstPiece(texts) ? undefined : parseEntry(texts);
    const begin = entryIdOf(blockOf(first), 0);
    // NOTE: places are counted from the block of the first line, also of lines in other blocks.
    const place = { line: lineOf(first), places: others.map((other) => other - begin) };
    if (parsed === undefined || at === undefined) {
      encoder.addUnparsed(place);
      return undefined;
    }
    const syslogDuplicate = syslogDuplicateOf(parsed);
    encoder.add({ ...place, logType: logTypeOf(parsed), syslogDuplicate }, parsed, momentOf(parsed, at));
    return syslogDuplicate?.key;
  }

  #changesOf(
    lines: readonly number[],
    before: readonly BlockCounts[],
    after: readonly BlockCounts[],
  ): Map<number, BlockCounts> {
    const changes = new Map<number, BlockCounts>();
    for (const [index, line] of lines.entries()) {
      const source = this.#writer.logEnds.sourceOf(blockOf(line));
      const [old, now] = [before[index], after[index]];
      if (source === undefined || old === undefined || now === undefined) continue;
      const known = changes.get(source) ?? { entries: 0, other: 0, unparsed: 0 };
      changes.set(source, {
        entries: known.entries + now.entries - old.entries,
        other: known.other + now.other - old.other,
        unparsed: known.unparsed + now.unparsed - old.unparsed,
      });
    }
    return changes;
  }
}

/** For each of `own` the first of the other logs' that is of the same entry; each of these is taken once. */
function pairsOf(
  logs: readonly number[],
  piecesOf: (sourceId: number) => readonly StoredPieces[],
  own: readonly StoredPieces[],
  areOne: (other: StoredPieces, own: StoredPieces) => boolean,
): [other: StoredPieces, own: StoredPieces][] {
  const pairs: [StoredPieces, StoredPieces][] = [];
  let left = own;
  for (const log of logs) {
    if (left.length === 0) break;
    const others = new Set(piecesOf(log));
    left = left.filter((pieces) => {
      const other = [...others].find((one) => areOne(one, pieces));
      if (other === undefined) return true;
      others.delete(other);
      pairs.push([other, pieces]);
      return false;
    });
  }
  return pairs;
}

/** The lines of a record in other blocks than its first one, by block. */
function fragmentsOf([first, ...others]: Lines): Lines[] {
  const apart = others.filter((line) => blockOf(line) !== blockOf(first));
  return [...Map.groupBy(apart, blockOf).values()] as unknown as Lines[];
}

function placed(cuts: readonly CutEntry[], { locations }: EndLines): StoredPieces[] {
  return cuts.map((cut) => ({ ...cut, lines: cut.places.map((place) => locations[place] ?? 0) as unknown as Lines }));
}

function areSame(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((line, index) => line === other[index]);
}

function hasFirstPiece(texts: readonly string[]): boolean {
  return texts.some((text) => unwrapLine(text)?.piece?.number === 1);
}
