/** Logs that grow while they are followed: which of them have something new, also when they were rotated away. */
import { closeSync, fstatSync, openSync, type Stats, statSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { SECOND_MS } from "../../units.ts";
import { findLogs } from "./find-logs.ts";
import { HEAD_BYTES, readAt } from "./log-file.ts";
import type { OpenSource } from "./open-source.ts";
import { openPlain } from "./plain-source.ts";
import { STDIN_PATH } from "./source.ts";

/** Interval at which new text is looked for, in milliseconds. */
const LOOK_MS = 500;
/** A process that had a log open when it was rotated may write its next line to it. */
const LOOKS_AFTER_ROTATION = (10 * SECOND_MS) / LOOK_MS;

/** A log with something new. */
export interface ChangedLog {
  readonly path: string;
  /** False when it was found in a directory or by a pattern. */
  readonly isNamed: boolean;
  /** The file, which stays open as long as it is followed. */
  readonly descriptor: number;
  /** Device and inode, as text. */
  readonly identity: string;
  /** The file that was at the path before a rotation; undefined: the one that is there now. */
  readonly openRotated: (() => OpenSource) | undefined;
}

/** A file that is kept open, so that what is added to it is found under any name. */
interface HeldFile {
  readonly path: string;
  readonly isNamed: boolean;
  readonly descriptor: number;
  readonly identity: string;
  /** Its state at the last look. */
  seen: string;
  /** After its rotation. */
  looksLeft: number;
}

export class Follower {
  readonly #names: readonly string[];
  readonly #held = new Map<string, HeldFile>();
  readonly #rotated = new Set<HeldFile>();

  /** `names`: files, directories and patterns. */
  constructor(names: readonly string[]) {
    this.#names = names;
  }

  /** Waits until some logs have something new; none when `signal` aborts, or `isOver` says so between two looks. */
  async untilChanged(
    signal: AbortSignal | undefined,
    isOver: () => boolean = () => false,
  ): Promise<readonly ChangedLog[]> {
    while (signal?.aborted !== true && !isOver()) {
      const changed = await this.look();
      if (changed.length > 0) return changed;
      // An abort ends the pause, and is no error.
      await pause(LOOK_MS, undefined, { signal }).catch(() => {});
    }
    return [];
  }

  /** The logs that have changed since the last look; all of them at the first. */
  async look(): Promise<readonly ChangedLog[]> {
    const changed: ChangedLog[] = [];
    const found = await Promise.all(this.#names.map(findLogs));
    const paths = new Map(found.flatMap(({ paths, isNamed }) => paths.map((path) => [path, isNamed] as const)));
    paths.delete(STDIN_PATH);
    for (const [path, held] of this.#held) {
      if (identityAt(path) === held.identity) continue;
      this.#held.delete(path);
      // It may have been rotated after the last look, and before it was read.
      held.seen = "";
      this.#rotated.add(held);
    }
    for (const held of this.#rotated) {
      if (hasChanged(held)) changed.push({ ...held, openRotated: () => openHeld(held) });
      held.looksLeft--;
      if (held.looksLeft <= 0) this.#letGo(held);
    }
    for (const [path, isNamed] of paths) {
      const held = this.#held.get(path) ?? this.#hold(path, isNamed);
      if (held !== undefined && hasChanged(held)) changed.push({ ...held, isNamed, openRotated: undefined });
    }
    return changed;
  }

  /** Identities of the files that are followed: no other file has one of them meanwhile. */
  identities(): ReadonlySet<string> {
    return new Set([...this.#held.values(), ...this.#rotated].map(({ identity }) => identity));
  }

  /** Lets the next look find all logs changed. */
  forgetSeen(): void {
    for (const held of [...this.#held.values(), ...this.#rotated]) held.seen = "";
  }

  close(): void {
    for (const held of [...this.#held.values(), ...this.#rotated]) closeSync(held.descriptor);
    this.#held.clear();
    this.#rotated.clear();
  }

  /** Undefined for what is not there, or cannot be read: it may be, at the next look. */
  #hold(path: string, isNamed: boolean): HeldFile | undefined {
    let descriptor: number;
    try {
      // NOTE: to open a pipe would wait for its writer.
      if (!statSync(path).isFile()) return undefined;
      descriptor = openSync(path, "r");
    } catch {
      return undefined;
    }
    const held = {
      path,
      isNamed,
      descriptor,
      identity: identityOf(fstatSync(descriptor)),
      seen: "",
      looksLeft: LOOKS_AFTER_ROTATION,
    };
    this.#held.set(path, held);
    return held;
  }

  #letGo(held: HeldFile): void {
    this.#rotated.delete(held);
    closeSync(held.descriptor);
  }
}

/** True if the file changed since the last look; this counts as a look. */
function hasChanged(held: HeldFile): boolean {
  const { size, mtimeMs } = fstatSync(held.descriptor);
  const seen = `${size} ${mtimeMs}`;
  const isNew = seen !== held.seen;
  held.seen = seen;
  return isNew;
}

function identityAt(path: string): string | undefined {
  try {
    return identityOf(statSync(path));
  } catch {
    return undefined;
  }
}

export function identityOf({ dev, ino }: Stats): string {
  return `${dev} ${ino}`;
}

/** The file stays open when the source is closed. */
function openHeld({ path, descriptor }: HeldFile): OpenSource {
  const head = readAt(path, descriptor, 0, HEAD_BYTES);
  return { ...openPlain(path, descriptor, fstatSync(descriptor).size, head), close: () => {} };
}
