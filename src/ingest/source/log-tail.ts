/** The end of logs that grow: their last entries, and then each new one as it is written, also across rotations. */
import { closeSync, fstatSync, openSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { PilotError } from "../../errors.ts";
import { Batcher } from "../batch/batcher.ts";
import { findCodec, MAGIC_BYTES } from "./codec.ts";
import { type ChangedLog, Follower, identityOf } from "./follow.ts";
import { CHUNK_BYTES, HEAD_BYTES, readAt } from "./log-file.ts";
import { isSurelyLog, isSyslog } from "./log-type.ts";

/** Lines of one entry, as latin1; `isEntry` is false for lines that begin none. */
export interface TailRecord {
  readonly path: string;
  readonly lines: readonly string[];
  readonly isEntry: boolean;
}

/** How far a file was read, and the bytes before that place: other bytes there mean that it was emptied and written again. */
interface Position {
  readonly end: number;
  readonly mark: Buffer;
}

/** Longer text that comes at once is read from its end. */
const MOST_TEXT = 64 * CHUNK_BYTES;
const MARK_BYTES = 256;
/** Positions that are kept of logs that were emptied: their text may be in a copy. */
const MOST_FORMER = 20;
const NEWLINE = 0x0a;

/** `names`: files, directories and patterns. */
export class LogTail {
  readonly #follower: Follower;
  /** By the identity of the file, whatever it is called. */
  readonly #positions = new Map<string, Position>();
  #former: Position[] = [];
  /** Identities of rotated logs beside each log that is named. */
  readonly #siblings = new Map<string, ReadonlySet<string>>();
  readonly #count: number;
  #isFirst = true;

  /** `count`: entries of each log to begin with. */
  constructor(names: readonly string[], count: number) {
    this.#follower = new Follower(names);
    this.#count = count;
  }

  /** The last entries of each log, for the first time; after that what is new, waited for. None when `signal` aborts. Errors: `unreadable`. */
  async next(signal: AbortSignal): Promise<readonly TailRecord[]> {
    const changed = await (this.#isFirst ? this.#follower.look() : this.#follower.untilChanged(signal));
    const records = changed.flatMap((log) => [...this.#read(log), ...this.#readSkipped(log)]);
    if (this.#isFirst) for (const { path } of changed) this.#siblings.set(path, identitiesIn(findSiblings(path)));
    this.#isFirst = false;
    const followed = this.#follower.identities();
    for (const identity of this.#positions.keys()) if (!followed.has(identity)) this.#positions.delete(identity);
    return records;
  }

  close(): void {
    this.#follower.close();
  }

  #read({ path, isNamed, descriptor, identity }: Omit<ChangedLog, "openRotated">): readonly TailRecord[] {
    const head = readAt(path, descriptor, 0, HEAD_BYTES);
    if (isOther(path, isNamed, head)) return [];
    const { size } = fstatSync(descriptor);
    const log = { path, descriptor, size, isSyslog: isSyslog(head.toString("latin1")) };
    return this.#isFirst ? this.#readEnd(log, identity) : this.#readNew(log, identity);
  }

  /** A rotated log whose next one was rotated too before it was seen: that is beside it, under a name that was not there. */
  #readSkipped({ path, isNamed, openRotated }: ChangedLog): readonly TailRecord[] {
    const known = this.#siblings.get(path);
    if (openRotated === undefined || known === undefined) return [];
    const siblings = findSiblings(path);
    this.#siblings.set(path, identitiesIn(siblings));
    const skipped = siblings.filter(({ identity }) => !known.has(identity) && !this.#positions.has(identity));
    return skipped.flatMap(({ name, identity }) => {
      const descriptor = openIfThere(name);
      if (descriptor === undefined) return [];
      try {
        const isLog = !isOther(name, false, readAt(name, descriptor, 0, HEAD_BYTES));
        return isLog ? this.#read({ path, isNamed, descriptor, identity }) : [];
      } finally {
        closeSync(descriptor);
      }
    });
  }

  #readEnd(log: OpenLog, identity: string): readonly TailRecord[] {
    const end = lastNewline(log);
    this.#setPosition(log, identity, end);
    if (this.#count === 0) return [];
    for (let length = CHUNK_BYTES; ; length *= 4) {
      const start = Math.max(0, end - Math.min(length, MOST_TEXT));
      // NOTE: the first of a part is cut off.
      const records = recordsOf(log, start, end).slice(start > 0 ? 1 : 0);
      if (start === 0 || records.length >= this.#count || length >= MOST_TEXT) return records.slice(-this.#count);
    }
  }

  #readNew(log: OpenLog, identity: string): readonly TailRecord[] {
    const start = this.#startOf(log, identity);
    const end = lastNewline(log);
    this.#setPosition(log, identity, Math.max(start, end));
    return end <= start ? [] : recordsOf(log, Math.max(start, end - MOST_TEXT), end);
  }

  /** Another file, or one that was emptied, is new from its beginning; a copy is new behind the text that was shown. */
  #startOf(log: OpenLog, identity: string): number {
    const known = this.#positions.get(identity);
    if (known !== undefined) {
      if (hasMark(log, known)) return known.end;
      this.#former = [...this.#former, known].slice(-MOST_FORMER);
      return 0;
    }
    const copied = [...this.#former, ...this.#positions.values()].filter(({ end }) => end > 0);
    return copied.find((position) => hasMark(log, position))?.end ?? 0;
  }

  #setPosition({ path, descriptor }: OpenLog, identity: string, end: number): void {
    const length = Math.min(end, MARK_BYTES);
    this.#positions.set(identity, { end, mark: readAt(path, descriptor, end - length, length) });
  }
}

/** True when the bytes before the place are those that were there. */
function hasMark({ path, descriptor, size }: OpenLog, { end, mark }: Position): boolean {
  return end <= size && readAt(path, descriptor, end - mark.length, mark.length).equals(mark);
}

interface Sibling {
  readonly name: string;
  readonly identity: string;
  readonly changedMs: number;
}

/** Files beside a log whose names begin with its own, as rotated ones have them; the one changed first comes first. */
function findSiblings(path: string): readonly Sibling[] {
  const [folder, own] = [dirname(path), basename(path)];
  const siblings = readIfThere(folder).flatMap((name): readonly Sibling[] => {
    if (!name.startsWith(own) || !/^[.-]/.test(name.slice(own.length))) return [];
    const stats = statSync(join(folder, name), { throwIfNoEntry: false });
    if (stats?.isFile() !== true) return [];
    return [{ name: join(folder, name), identity: identityOf(stats), changedMs: stats.mtimeMs }];
  });
  return siblings.sort((one, other) => one.changedMs - other.changedMs || rotations(other) - rotations(one));
}

/** The number behind `.` in the name: the greatest is the oldest. File systems may give the same time to files made one after another. */
function rotations({ name }: Sibling): number {
  return Number(/\.(\d{1,4})$/.exec(name)?.[1] ?? 0);
}

function identitiesIn(siblings: readonly Sibling[]): ReadonlySet<string> {
  return new Set(siblings.map(({ identity }) => identity));
}

/** None of a folder that cannot be listed: nothing is known of what is in it. */
function readIfThere(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Undefined for what has gone meanwhile, or cannot be read. */
function openIfThere(name: string): number | undefined {
  try {
    return openSync(name, "r");
  } catch {
    return undefined;
  }
}

interface OpenLog {
  readonly path: string;
  readonly descriptor: number;
  readonly size: number;
  readonly isSyslog: boolean;
}

/** True for what is in a directory or matches a pattern and is no log that grows. Errors: `not_a_log` for a compressed log that was named. */
function isOther(path: string, isNamed: boolean, head: Buffer): boolean {
  const isArchive = findCodec(head.subarray(0, MAGIC_BYTES)) !== undefined;
  if (isArchive && isNamed) {
    throw new PilotError("not_a_log", `"${path}" is compressed: no line will be added to it.`, {
      hint: `\`exim-pilot parse ${path}\` shows its lines.`,
    });
  }
  return isArchive || (!isNamed && !isSurelyLog(path, head.toString("latin1")));
}

/** The place behind the last newline: what follows is still being written. */
function lastNewline({ path, descriptor, size }: OpenLog): number {
  for (let end = size; end > 0; end -= CHUNK_BYTES) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const at = readAt(path, descriptor, start, end - start).lastIndexOf(NEWLINE);
    if (at >= 0) return start + at + 1;
  }
  return 0;
}

function recordsOf({ path, descriptor, isSyslog }: OpenLog, start: number, end: number): readonly TailRecord[] {
  const records: TailRecord[] = [];
  const batcher = new Batcher(
    { batchLines: 1, blockBytes: 0, linesBefore: 0, isWithinLine: false, isSyslog },
    {
      onRecord: ({ lines, isEntry }) => records.push({ path, lines, isEntry }),
      onBatch: () => true,
      onBlock: () => {},
    },
  );
  const text = readAt(path, descriptor, start, end - start).toString("latin1");
  for (const line of text.split("\n").slice(0, -1)) batcher.add(line, "newline");
  batcher.end();
  return records;
}
