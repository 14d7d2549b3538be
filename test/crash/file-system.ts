/**
 * A file system as a power cut leaves it: of what was not synced anything may be there or not. Strict, after ALICE (OSDI 2014): only fsync of
 * a file makes its content durable, and only fsync of a directory its names; all else is kept, dropped, cut, torn or reordered at will.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export type Inode = number;

export const ROOT: Inode = 0;

const LONGEST_STORY = 12;

/** An entry of a directory. */
export interface Place {
  readonly directory: Inode;
  readonly name: string;
}

/** Operations of a program, in order. Data and names are what a power cut can lose. */
export type Operation =
  | { readonly kind: "write"; readonly inode: Inode; readonly offset: number; readonly data: Buffer }
  | { readonly kind: "truncate"; readonly inode: Inode; readonly size: number }
  /** The name stands for this file from now on; with `from`, a rename, that one is gone at the same instant. */
  | {
      readonly kind: "bind";
      readonly at: Place;
      readonly inode: Inode;
      readonly from?: Place;
      readonly isDirectory?: true;
    }
  | { readonly kind: "unbind"; readonly at: Place }
  /** Covers what had been done before operation number `begun`. */
  | { readonly kind: "sync"; readonly inode: Inode; readonly begun: number }
  /** Said to the user: what it promises must hold from here on. */
  | { readonly kind: "output"; readonly bytes: number }
  /** A connection to another machine begins: what it is told must be known to have been told from here on. */
  | { readonly kind: "request" }
  /** Taken from a pipe; it cannot be read again. `atMs`: epoch milliseconds. */
  | { readonly kind: "input"; readonly bytes: number; readonly atMs: number };

type DataOperation = Extract<Operation, { kind: "write" | "truncate" }>;
type NameOperation = Extract<Operation, { kind: "bind" | "unbind" }>;

/** Files and directories at one instant. */
export interface Tree {
  readonly files: ReadonlyMap<Inode, Buffer>;
  readonly directories: ReadonlyMap<Inode, ReadonlyMap<string, Inode>>;
}

/** Contents by path. */
export type State = ReadonlyMap<string, Buffer>;

/** Pending operations that reached the disk. */
export interface Choice {
  /** By the number of the operation. */
  readonly keeps: (operation: number) => boolean;
  /** Tells which sectors of the file a kept operation wrote; undefined for all of them. */
  readonly keepsSector?: ((operation: number, sector: number) => boolean) | undefined;
  /** Bytes. */
  readonly sectorSize: number;
  /** Size of a file: that of its last kept operation, or ahead of its data, which is then zeros. */
  readonly size: "with data" | "ahead";
}

/** A directory on the disk as a tree, without the files of that ending. */
export function readTree(folder: string, without: string): Tree {
  const files = new Map<Inode, Buffer>();
  const directories = new Map<Inode, Map<string, Inode>>();
  const known = new Map<number, Inode>();
  let next = ROOT;
  const read = (path: string): Inode => {
    const status = statSync(path);
    const before = known.get(status.ino);
    if (before !== undefined) return before;
    const inode = next++;
    known.set(status.ino, inode);
    if (!status.isDirectory()) files.set(inode, readFileSync(path));
    else {
      const names = new Map<string, Inode>();
      directories.set(inode, names);
      for (const name of readdirSync(path)) if (!name.endsWith(without)) names.set(name, read(join(path, name)));
    }
    return inode;
  };
  read(folder);
  return { files, directories };
}

export function writeState(state: State, folder: string): void {
  for (const [path, content] of state) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content, { mode: 0o600 });
  }
}

export function hashState(state: State): string {
  const hash = createHash("sha1");
  for (const path of [...state.keys()].sort()) {
    const content = state.get(path) ?? Buffer.of();
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

/** The operations of a program on a tree, and the states that a power cut may leave. */
export class History {
  readonly operations: readonly Operation[];
  readonly #before: Tree;

  constructor(before: Tree, operations: readonly Operation[]) {
    this.#before = before;
    this.operations = operations;
  }

  /** The same without its syncs, as if the program had forgotten them: of a file, a directory, or both. */
  withoutSyncs(forgets: (inode: Inode) => boolean = () => true): History {
    const operations = this.operations.map(
      (operation): Operation =>
        operation.kind === "sync" && forgets(operation.inode) ? { ...operation, begun: 0 } : operation,
    );
    return new History(this.#before, operations);
  }

  /** The last operations before a power cut, one a line: which are on the disk for sure, which are not, which have been lost. */
  story({ end, choice }: { readonly end: number; readonly choice: Choice }): readonly string[] {
    const pending = new Set(this.pendingAt(end));
    const names = new Map<Inode, string>();
    const nameAll = (inode: Inode, path: string): void => {
      names.set(inode, path);
      for (const [name, child] of this.#before.directories.get(inode) ?? [])
        nameAll(child, `${path}${path === "" ? "" : "/"}${name}`);
    };
    nameAll(ROOT, "");
    const pathOf = ({ directory, name }: Place): string =>
      [names.get(directory), name].filter((part) => part !== "").join("/");
    const lines = this.operations.slice(0, end).map((operation, number) => {
      const fate = !pending.has(number) ? "" : choice.keeps(number) ? " (not synced, there)" : " (not synced, lost)";
      if (operation.kind === "output" || operation.kind === "input")
        return `${operation.kind} of ${operation.bytes} bytes`;
      if (operation.kind === "request") return "a connection";
      if (operation.kind === "unbind") return `unlink ${pathOf(operation.at)}${fate}`;
      if (operation.kind !== "bind") {
        const size =
          operation.kind === "write"
            ? ` ${operation.data.length} bytes at ${operation.offset}`
            : operation.kind === "truncate"
              ? ` to ${operation.size}`
              : "";
        return `${operation.kind} ${names.get(operation.inode) === "" ? "the directory" : names.get(operation.inode)}${size}${fate}`;
      }
      names.set(operation.inode, pathOf(operation.at));
      return operation.from === undefined
        ? `create ${pathOf(operation.at)}${fate}`
        : `rename ${pathOf(operation.from)} to ${pathOf(operation.at)}${fate}`;
    });
    return lines.slice(-LONGEST_STORY);
  }

  /** Numbers of the operations before `end` that a power cut at `end` may lose. */
  pendingAt(end: number): readonly number[] {
    const durable = new Map<Inode, number>();
    for (const operation of this.operations.slice(0, end)) {
      if (operation.kind === "sync")
        durable.set(operation.inode, Math.max(operation.begun, durable.get(operation.inode) ?? 0));
    }
    return this.operations.slice(0, end).flatMap((operation, number) => {
      if (operation.kind === "write" || operation.kind === "truncate")
        return number < (durable.get(operation.inode) ?? 0) ? [] : [number];
      if (operation.kind === "bind" || operation.kind === "unbind")
        return placesOf(operation).every(({ directory }) => number < (durable.get(directory) ?? 0)) ? [] : [number];
      return [];
    });
  }

  /** The state after a power cut before operation `end`. */
  stateAt(end: number, choice: Choice): State {
    const pending = new Set(this.pendingAt(end));
    const directories = this.#namesAt(end, pending, choice);
    const state = new Map<string, Buffer>();
    const collect = (inode: Inode, path: string): void => {
      const names = directories.get(inode);
      if (names === undefined) state.set(path, this.#contentAt(inode, end, pending, choice));
      else for (const [name, child] of names) collect(child, path === "" ? name : `${path}/${name}`);
    };
    collect(ROOT, "");
    return state;
  }

  #namesAt(end: number, pending: ReadonlySet<number>, { keeps }: Choice): Map<Inode, Map<string, Inode>> {
    const kept = new Set<number>();
    // A later operation on a name reaches the disk only with the earlier ones: an entry has one place.
    const needed = new Set<string>();
    for (let number = end - 1; number >= 0; number--) {
      const operation = this.operations[number];
      if (operation?.kind !== "bind" && operation?.kind !== "unbind") continue;
      const keys = placesOf(operation).map(({ directory, name }) => `${directory}/${name}`);
      if (pending.has(number) && !keeps(number) && !keys.some((key) => needed.has(key))) continue;
      kept.add(number);
      for (const key of keys) needed.add(key);
    }
    const directories = new Map([...this.#before.directories].map(([inode, names]) => [inode, new Map(names)]));
    // Names in a directory that was lost cannot be reached.
    const namesIn = (inode: Inode): Map<string, Inode> => {
      const names = directories.get(inode) ?? new Map<string, Inode>();
      directories.set(inode, names);
      return names;
    };
    for (const number of [...kept].sort((one, other) => one - other)) {
      const operation = this.operations[number] as NameOperation;
      if (operation.kind === "unbind") namesIn(operation.at.directory).delete(operation.at.name);
      else {
        const { at, from, inode } = operation;
        if (from !== undefined) namesIn(from.directory).delete(from.name);
        namesIn(at.directory).set(at.name, inode);
        if (operation.isDirectory === true) namesIn(inode);
      }
    }
    return directories;
  }

  #contentAt(inode: Inode, end: number, pending: ReadonlySet<number>, choice: Choice): Buffer {
    const { sectorSize, keeps, keepsSector, size } = choice;
    const durable = new Content(this.#before.files.get(inode) ?? Buffer.of());
    const waiting: [number, DataOperation][] = [];
    for (let number = 0; number < end; number++) {
      const operation = this.operations[number];
      if (operation?.kind !== "write" && operation?.kind !== "truncate") continue;
      if (operation.inode !== inode) continue;
      if (pending.has(number)) waiting.push([number, operation]);
      else durable.apply(operation);
    }
    if (waiting.length === 0) return durable.bytes;
    // A sector is on the disk as it was in memory at one instant: with a write to it come the earlier ones.
    const [volatile, latest] = [new Content(durable.bytes), new Map<number, number>()];
    let keptSize = durable.bytes.length;
    let keptEnd = 0;
    for (const [number, operation] of waiting) {
      const [first, last] = volatile.touchedBy(operation, sectorSize);
      volatile.apply(operation);
      if (!keeps(number)) continue;
      let isComplete = true;
      for (let sector = first; sector <= last; sector++) {
        if (keepsSector !== undefined && !keepsSector(number, sector)) isComplete = false;
        else {
          latest.set(sector, number);
          keptEnd = Math.max(keptEnd, (sector + 1) * sectorSize);
        }
      }
      keptSize =
        isComplete || operation.kind === "truncate"
          ? volatile.bytes.length
          : Math.max(keptSize, Math.min(volatile.bytes.length, keptEnd));
    }
    const result = Buffer.alloc(size === "ahead" ? volatile.bytes.length : keptSize);
    durable.bytes.copy(result);
    const replayed = new Content(durable.bytes);
    const due = Map.groupBy(latest, ([, number]) => number);
    for (const [number, operation] of waiting) {
      replayed.apply(operation);
      for (const [sector] of due.get(number) ?? []) {
        const [from, to] = [sector * sectorSize, Math.min((sector + 1) * sectorSize, result.length)];
        if (from >= result.length) continue;
        result.fill(0, from, to);
        // A file that was shorter at that instant is padded with zeros.
        if (from < replayed.bytes.length) replayed.bytes.copy(result, from, from, to);
      }
    }
    return result;
  }
}

export function placesOf(operation: NameOperation): readonly Place[] {
  return operation.kind === "bind" && operation.from !== undefined ? [operation.at, operation.from] : [operation.at];
}

/** Bytes of a file that grows and shrinks. */
export class Content {
  #buffer: Buffer;
  #size: number;

  constructor(bytes: Buffer) {
    this.#buffer = Buffer.from(bytes);
    this.#size = bytes.length;
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#size);
  }

  apply(operation: DataOperation): void {
    if (operation.kind === "truncate") this.#resize(operation.size);
    else {
      this.#resize(Math.max(this.#size, operation.offset + operation.data.length));
      operation.data.copy(this.#buffer, operation.offset);
    }
  }

  /** First and last sector that it changes. */
  touchedBy(operation: DataOperation, sectorSize: number): readonly [number, number] {
    const [from, to] =
      operation.kind === "write"
        ? [operation.offset, operation.offset + operation.data.length]
        : [Math.min(operation.size, this.#size), Math.max(operation.size, this.#size)];
    return [Math.floor(from / sectorSize), Math.ceil(to / sectorSize) - 1];
  }

  #resize(size: number): void {
    if (size > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(size, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.#size);
      this.#buffer = larger;
    }
    if (size < this.#size) this.#buffer.fill(0, size, this.#size);
    this.#size = size;
  }
}
