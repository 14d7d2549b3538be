/**
 * Entries of syslog that a rotation has cut: their first pieces are at the end of one log, the others at the beginning of another.
 * Whichever log is read second completes them. An entry is stored where its first piece is, and says what all its pieces say.
 */
import { parseEntry } from "../../parse/record.ts";
import { isEximSyslogLine, type SyslogHeader } from "../../parse/syslog.ts";
import { unwrapLine } from "../../parse/wrappers.ts";
import { ALONE, blockOf, entryIdOf, lineOf } from "../../store/log-text/blocks.ts";
import { type LogType, logTypeBit } from "../../store/schema/codes.ts";
import type { EndLines, OtherPlace } from "../../store/write/log-ends.ts";
import type { BlockCounts } from "../../store/write/rows.ts";
import type { Transactor } from "../../store/write/transactor.ts";
import type { Writer } from "../../store/write/writer.ts";
import { type EpochMs, HOUR_MS } from "../../units.ts";
import { BatchEncoder } from "../batch/batch-encoder.ts";
import type { EncodedBatch } from "../batch/encoded-batch.ts";
import { momentOf } from "../batch/entry-facts.ts";
import { keyOfText, logTypeOf, syslogDuplicateOf } from "../batch/syslog-duplicate.ts";
import {
  areClose,
  areOneEntry,
  type CutEntry,
  couldBeRest,
  cutEntriesIn,
  FARTHEST_PIECE,
} from "../batch/syslog-pieces.ts";
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

/** Records at the end of a log that another log may go on with. */
interface LogEnd {
  /** Entries that lack pieces. */
  readonly pieces: readonly StoredPieces[];
  /** The record whose last line has no newline, and the header of that line. */
  readonly unfinished: { readonly lines: Lines; readonly header: SyslogHeader } | undefined;
}

/** Lines at the beginning of a log that may go on with records of another log. */
interface LogBegin {
  /** Entries that lack their first piece. */
  readonly pieces: readonly StoredPieces[];
  /** A first line without a header, and the header of the line that follows. */
  readonly rest: { readonly line: number; readonly next: SyslogHeader } | undefined;
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

  /** Joins what a log begins with to entries with which others end; undefined when there are none. `at`: about its begin. */
  joinBegin(transactor: Transactor, sourceId: number, at: EpochMs | undefined): StoredChanges | undefined {
    const begin = this.#beginOf(sourceId);
    if (begin.pieces.length === 0 && begin.rest === undefined) return undefined;
    const others = this.#writer.logEnds.othersOf(this.#serverId, sourceId, at);
    return this.#join(
      transactor,
      others.map((other) => [this.#endOf(other), begin]),
    );
  }

  /** Joins entries with which a log ends to what others begin with; undefined when there are none. `at`: about its end. */
  joinEnd(transactor: Transactor, sourceId: number, at: EpochMs | undefined): StoredChanges | undefined {
    const end = this.#endOf(sourceId);
    if (end.pieces.length === 0 && end.unfinished === undefined) return undefined;
    const others = this.#writer.logEnds.othersOf(this.#serverId, sourceId, at);
    return this.#join(
      transactor,
      others.map((other) => [end, this.#beginOf(other)]),
    );
  }

  /** Parts the entries that have lines both in a block and in another: the block is to be taken back. Undefined when there are none. */
  part(transactor: Transactor, blockId: number): StoredChanges | undefined {
    transactor.flush();
    const { logEnds } = this.#writer;
    const records = logEnds.cutBy(blockId).flatMap((first): Lines[] => {
      const lines = logEnds.linesFrom(first);
      if (lines === undefined) throw new Error(`Lines in block ${blockId} belong to ${first}, where nothing begins.`);
      const fragments = this.#fragmentsOf(lines).filter(([line]) => [blockOf(first), blockOf(line)].includes(blockId));
      const parted = new Set(fragments.flat());
      return [[first, ...lines.slice(1).filter((line) => !parted.has(line))], ...fragments];
    });
    return records.length === 0 ? undefined : this.#storeAnew(transactor, records);
  }

  /** Each entry is joined to the first of what fits it, and this to no other. */
  #join(transactor: Transactor, seams: readonly (readonly [LogEnd, LogBegin])[]): StoredChanges | undefined {
    const records = new Map<number, [number, ...number[]]>();
    const taken = new Set<unknown>();
    const add = ([first, ...others]: Lines, further: readonly number[], ends: readonly unknown[]): void => {
      const record = records.get(first) ?? [first, ...others];
      record.push(...further);
      records.set(first, record);
      for (const end of ends) taken.add(end);
    };
    for (const [{ pieces, unfinished }, begin] of seams) {
      const { rest } = begin;
      const isLineCut = unfinished !== undefined && rest !== undefined && isSoonAfter(unfinished.header, rest.next);
      // NOTE: before the pieces, which come after it.
      if (isLineCut && !taken.has(unfinished) && !taken.has(rest))
        add(unfinished.lines, [rest.line], [unfinished, rest]);
      for (const cut of begin.pieces) {
        const entry = taken.has(cut) ? undefined : pieces.find((one) => !taken.has(one) && areOneEntry(one, cut));
        if (entry !== undefined) add(entry.lines, cut.lines, [entry, cut]);
      }
    }
    return records.size === 0 ? undefined : this.#storeAnew(transactor, [...records.values()]);
  }

  #beginOf(sourceId: number): LogBegin {
    const { logEnds } = this.#writer;
    const begin = logEnds.firstLines(sourceId, FARTHEST_PIECE + 1);
    const pieces = placed(cutEntriesIn(begin.lines, begin.linesBefore).atBegin, begin).filter(({ lines }) => {
      const known = logEnds.linesFrom(lines[0]);
      return known === undefined ? lines.every((line) => logEnds.firstOf(line) === undefined) : areSame(lines, known);
    });
    return { pieces, rest: this.#restOf(begin) };
  }

  #restOf({ lines: [text, ...others], locations: [line] }: EndLines): LogBegin["rest"] {
    if (text === undefined || line === undefined || !couldBeRest(text)) return undefined;
    const isAlone = areSame(this.#writer.logEnds.linesFrom(line) ?? [], [line]);
    const next = others
      .slice(0, FARTHEST_PIECE)
      .map(unwrapLine)
      .find((other) => other !== undefined);
    return isAlone && next !== undefined ? { line, next: next.header } : undefined;
  }

  #endOf(sourceId: number): LogEnd {
    const { logEnds, rawText } = this.#writer;
    const end = logEnds.lastLines(sourceId);
    const pieces = placed(cutEntriesIn(end.lines, end.linesBefore).atEnd, end).flatMap((cut) => {
      const lines = logEnds.linesFrom(cut.lines[0]);
      const own = lines?.filter((line) => blockOf(line) === blockOf(cut.lines[0])) ?? [];
      if (lines === undefined || !areSame(cut.lines, own)) return [];
      // NOTE: other logs may have some already.
      const numbers = lines.flatMap((line) => unwrapLine(rawText.lineAt(line) ?? "")?.piece?.number ?? []);
      return [{ ...cut, lines, numbers: new Set(numbers) }];
    });
    return { pieces, unfinished: end.isUnfinished ? this.#unfinishedOf(end) : undefined };
  }

  #unfinishedOf({ lines: texts, locations }: EndLines): LogEnd["unfinished"] {
    const { logEnds } = this.#writer;
    const first = logEnds.firstOf(locations.at(-1) ?? 0);
    const lines = first === undefined ? undefined : logEnds.linesFrom(first);
    const last = unwrapLine(texts.at(-1) ?? "");
    if (lines === undefined || last === undefined || last.container !== undefined) return undefined;
    const isFinished = this.#fragmentsOf(lines).some(([line]) => this.#isRest(line));
    return isFinished ? undefined : { lines, header: last.header };
  }

  /** Stores records again, each with the lines that are given; all of their lines are among them. */
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
    transactor.flush();
    for (const fragment of records.flatMap((record) => this.#fragmentsOf(record))) {
      const alone = this.#isRest(fragment[0]) ? ALONE.rest : this.#isForeign(fragment) ? ALONE.foreign : ALONE.piece;
      for (const line of fragment) transactor.markAlone(line, alone);
    }
    transactor.endRetraction(lines);
    const after = lines.map((line) => transactor.countLine(line));
    return { counts: this.#changesOf(lines, before, after), messages, repeated };
  }

  /** True for lines of which nothing tells that they are of Exim. */
  readonly #isForeign = ([first]: Lines): boolean => {
    const line = unwrapLine(this.#writer.rawText.lineAt(first) ?? "");
    return line !== undefined && !isEximSyslogLine(line);
  };

  /** True for the rest of a line that another log has the beginning of. */
  readonly #isRest = (location: number): boolean =>
    unwrapLine(this.#writer.rawText.lineAt(location) ?? "") === undefined;

  /** The lines of a record in other blocks than its first one, as they belong together there. */
  #fragmentsOf([first, ...others]: Lines): Lines[] {
    const apart = others.filter((line) => blockOf(line) !== blockOf(first));
    const byBlock = Map.groupBy(apart, (line) => `${blockOf(line)} ${this.#isRest(line)}`);
    return [...byBlock.values()] as unknown as Lines[];
  }

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
    const texts = [this.#writer.rawText.lineAt(first) ?? ""];
    for (const line of others) {
      const text = this.#writer.rawText.lineAt(line) ?? "";
      if (blockOf(line) !== blockOf(first) && this.#isRest(line)) texts.push(`${texts.pop()}${text}`);
      else texts.push(text);
    }
    const parsed = at === undefined || !isEntry(texts) ? undefined : parseEntry(texts);
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

/** A log may be written to seldom: the line after one that was cut is no later than this. */
const UNTIL_NEXT_MS = HOUR_MS;

function isSoonAfter(header: SyslogHeader, next: SyslogHeader): boolean {
  return areClose(header, next, UNTIL_NEXT_MS);
}

function placed(cuts: readonly CutEntry[], { locations }: EndLines): StoredPieces[] {
  return cuts.map((cut) => ({ ...cut, lines: cut.places.map((place) => locations[place] ?? 0) as unknown as Lines }));
}

function areSame(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((line, index) => line === other[index]);
}

/** True when the lines have the beginning of an entry. */
function isEntry(texts: readonly string[]): boolean {
  return texts.map(unwrapLine).some((line) => line?.isLost === false && (line.piece?.number ?? 1) === 1);
}
