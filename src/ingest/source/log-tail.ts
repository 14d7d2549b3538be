/** The end of logs that grow: their last entries, and then each new one as it is written, also across rotations. */
import { closeSync, fstatSync, openSync } from "node:fs";
import { PilotError } from "../../errors.ts";
import { Batcher } from "../batch/batcher.ts";
import { findCodec, MAGIC_BYTES } from "./codec.ts";
import { type ChangedLog, Follower } from "./follow.ts";
import { CHUNK_BYTES, HEAD_BYTES, readAt } from "./log-file.ts";
import { isSurelyLog, isSyslog } from "./log-type.ts";
import { readFailure } from "./read-failure.ts";

/** Lines of one entry, as latin1; `isEntry` is false for lines that begin none. */
export interface TailRecord {
  readonly path: string;
  readonly lines: readonly string[];
  readonly isEntry: boolean;
}

/** The file that was read at a path, and how far. */
interface Position {
  readonly identity: string;
  end: number;
}

/** Longer text that comes at once is read from its end. */
const MOST_TEXT = 64 * CHUNK_BYTES;
const NEWLINE = 0x0a;

/** `names`: files, directories and patterns. */
export class LogTail {
  readonly #follower: Follower;
  readonly #positions = new Map<string, Position>();
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
    const logs = new Map(changed.map((log) => [log.path, log]));
    const records = [...logs.values()].flatMap((log) => this.#read(log));
    this.#isFirst = false;
    return records;
  }

  close(): void {
    this.#follower.close();
  }

  #read({ path, isNamed }: ChangedLog): readonly TailRecord[] {
    let descriptor: number;
    try {
      descriptor = openSync(path, "r");
    } catch (error) {
      // NOTE: between two files of a rotation there is none.
      if (!this.#isFirst && (error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw readFailure(path, error);
    }
    try {
      const head = readAt(path, descriptor, 0, HEAD_BYTES);
      if (isOther(path, isNamed, head)) return [];
      const { dev, ino, size } = fstatSync(descriptor);
      const log = { path, descriptor, size, isSyslog: isSyslog(head.toString("latin1")) };
      return this.#isFirst ? this.#readEnd(log, `${dev} ${ino}`) : this.#readNew(log, `${dev} ${ino}`);
    } finally {
      closeSync(descriptor);
    }
  }

  #readEnd(log: OpenLog, identity: string): readonly TailRecord[] {
    const end = lastNewline(log);
    this.#positions.set(log.path, { identity, end });
    if (this.#count === 0) return [];
    for (let length = CHUNK_BYTES; ; length *= 4) {
      const start = Math.max(0, end - Math.min(length, MOST_TEXT));
      // NOTE: the first of a part is cut off.
      const records = recordsOf(log, start, end).slice(start > 0 ? 1 : 0);
      if (start === 0 || records.length >= this.#count || length >= MOST_TEXT) return records.slice(-this.#count);
    }
  }

  #readNew(log: OpenLog, identity: string): readonly TailRecord[] {
    const known = this.#positions.get(log.path);
    // NOTE: another file, or one that was emptied, is new from its beginning.
    const start = known === undefined || known.identity !== identity || known.end > log.size ? 0 : known.end;
    const end = lastNewline(log);
    this.#positions.set(log.path, { identity, end: Math.max(start, end) });
    return end <= start ? [] : recordsOf(log, Math.max(start, end - MOST_TEXT), end);
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
