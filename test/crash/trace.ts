/** A command's system calls, recorded by strace(1), as operations on the tree below one directory. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { createInterface } from "node:readline";
import { SECOND_MS } from "../../src/units.ts";
import { Content, type Inode, type Operation, type Place, ROOT, type Tree } from "./file-system.ts";

/** All that changes files or names, and what tells which file a descriptor stands for. */
const CALLS = [
  ..."open openat openat2 creat close dup dup2 dup3 fcntl lseek read write pwrite64 writev pwritev pwritev2".split(" "),
  ..."truncate ftruncate fallocate copy_file_range sendfile splice fsync fdatasync sync syncfs sync_file_range msync".split(
    " ",
  ),
  ..."rename renameat renameat2 link linkat symlink symlinkat unlink unlinkat mkdir mkdirat rmdir".split(" "),
  ..."clone clone3 fork vfork connect".split(" "),
];

export function hasStrace(): boolean {
  return spawnSync("strace", ["-V"], { stdio: "ignore" }).status === 0;
}

/** Starts `command` under strace, which writes to the file `trace`. Its standard input and output are pipes. */
export function startTraced(command: readonly string[], trace: string, env: NodeJS.ProcessEnv): ChildProcess {
  const flags = [
    "-f",
    "-ttt",
    "-y",
    "-xx",
    "-qq",
    "-s",
    "16777216",
    "-e",
    "signal=none",
    "-e",
    `trace=${CALLS.join(",")}`,
  ];
  // NOTE: strace does not see calls that libuv makes through io_uring.
  return spawn("strace", [...flags, "-o", trace, "--", ...command], { env: { ...env, UV_USE_IO_URING: "0" } });
}

interface OpenFile {
  readonly target: Inode | "stdin" | "stdout" | "outside";
  readonly appends: boolean;
  position: number;
}

type Descriptors = Map<number, OpenFile>;

/** The operations of a trace on `folder`, which was `before`. Files with the ending `without` are passed over. Throws on a call that it cannot follow. */
export async function readTrace(trace: string, folder: string, before: Tree, without: string): Promise<Operation[]> {
  const reader = new TraceReader(folder, before, without);
  for await (const line of createInterface({
    input: createReadStream(trace, "latin1"),
    crlfDelay: Number.POSITIVE_INFINITY,
  }))
    reader.take(line);
  return reader.operations;
}

/** Process, epoch seconds, call. */
const LINE = /^(\d+) +(\d+\.\d+) +(.*)$/s;
const UNFINISHED = / *<unfinished \.\.\.>$/;
const RESUMED = /^<\.\.\. \w+ resumed>/;
const CALL = /^(\w+)\((.*)\) += (-?\d+|\?)/s;
const STRING = /"((?:\\x[0-9a-f]{2})*)"/;
/** strace's mark at the name of a file that has none any more. */
const DELETED = / \(deleted\)$/;
const STRINGS = new RegExp(STRING, "g");

class TraceReader {
  readonly operations: Operation[] = [];
  readonly #folder: string;
  readonly #without: string;
  readonly #names: Map<Inode, Map<string, Inode>>;
  readonly #contents: Map<Inode, Content>;
  readonly #processes = new Map<string, Descriptors>();
  readonly #unfinished = new Map<string, { readonly text: string; readonly begun: number }>();
  #made = 0;
  #nowMs = 0;

  constructor(folder: string, before: Tree, without: string) {
    this.#folder = folder;
    this.#without = without;
    this.#names = new Map([...before.directories].map(([inode, names]) => [inode, new Map(names)]));
    this.#contents = new Map([...before.files].map(([inode, bytes]) => [inode, new Content(bytes)]));
  }

  take(line: string): void {
    const [, thread, seconds, rest] = LINE.exec(line) ?? [];
    if (thread === undefined || rest === undefined) throw new Error(`strace printed: ${line.slice(0, 200)}`);
    this.#nowMs = Number(seconds) * SECOND_MS;
    const descriptors = this.#descriptorsOf(thread);
    if (UNFINISHED.test(rest)) {
      // NOTE: close frees a descriptor as it begins; another thread may be given its number before the call returns.
      if (rest.startsWith("close(")) descriptors.delete(Number.parseInt(rest.slice("close(".length), 10));
      this.#unfinished.set(thread, { text: rest.replace(UNFINISHED, ""), begun: this.operations.length });
      return;
    }
    const begin = this.#unfinished.get(thread);
    const isResumed = RESUMED.test(rest);
    if (isResumed && begin === undefined) throw new Error(`strace resumes what has not begun: ${rest.slice(0, 200)}`);
    const text = isResumed ? begin?.text + rest.replace(RESUMED, "") : rest;
    const begun = isResumed ? (begin?.begun ?? 0) : this.operations.length;
    this.#unfinished.delete(thread);
    const [, call, given, result] = CALL.exec(text) ?? [];
    // NOTE: a call that the end of the process has cut off has no result.
    if (call === undefined || given === undefined || result === undefined || result === "?") return;
    if (isResumed && call === "close") return;
    // NOTE: it is under way when it returns, which it does at once.
    if (call === "connect" && /sa_family=AF_INET6?\b/.test(given)) this.operations.push({ kind: "request" });
    if (Number(result) >= 0) this.#follow(call, given, Number(result), descriptors, begun);
  }

  /** Threads share descriptors, processes begin with a copy of them. */
  #descriptorsOf(thread: string): Descriptors {
    const known = this.#processes.get(thread);
    if (known !== undefined) return known;
    const [parent, call] = [...this.#unfinished].find(([, { text }]) => /^(clone3?|v?fork)\(/.test(text)) ?? [];
    const inherited = parent === undefined ? undefined : this.#processes.get(parent);
    const descriptors = this.#inherit(inherited, call?.text ?? "");
    this.#processes.set(thread, descriptors);
    return descriptors;
  }

  #inherit(inherited: Descriptors | undefined, call: string): Descriptors {
    if (inherited === undefined) {
      if (this.#processes.size > 0) throw new Error("A process appears that nobody has made.");
      return new Map([
        [0, { target: "stdin", appends: false, position: 0 }],
        [1, { target: "stdout", appends: false, position: 0 }],
      ]);
    }
    return call.includes("CLONE_FILES") ? inherited : new Map(inherited);
  }

  #follow(call: string, given: string, result: number, descriptors: Descriptors, begun: number): void {
    const descriptor = Number.parseInt(given, 10);
    const file = this.#fileOf(descriptor, given, descriptors);
    switch (call) {
      case "clone":
      case "clone3":
      case "fork":
      case "vfork":
        if (!this.#processes.has(String(result)))
          this.#processes.set(String(result), this.#inherit(descriptors, `${call}(${given}`));
        return;
      case "open":
      case "openat":
      case "openat2":
      case "creat":
        descriptors.set(result, this.#open(given, call === "creat"));
        return;
      case "close":
        descriptors.delete(descriptor);
        return;
      case "dup":
      case "dup2":
      case "dup3":
        if (file !== undefined) descriptors.set(result, file);
        else descriptors.delete(result);
        return;
      case "fcntl":
        if (given.includes("F_DUPFD") && file !== undefined) descriptors.set(result, file);
        return;
      case "connect":
        return;
      case "lseek":
        if (file !== undefined) file.position = result;
        return;
      case "read":
        if (file?.target === "stdin") this.operations.push({ kind: "input", bytes: result, atMs: this.#nowMs });
        else if (file !== undefined) file.position += result;
        return;
      case "write":
      case "pwrite64":
      case "writev":
      case "pwritev":
      case "pwritev2":
        this.#write(call, given, result, file);
        return;
      case "ftruncate":
        this.#assertKnown(given, file);
        this.#truncate(file?.target, Number(/, (\d+)$/.exec(given)?.[1]));
        return;
      case "fsync":
      case "fdatasync":
        this.#assertKnown(given, file);
        if (typeof file?.target === "number") this.operations.push({ kind: "sync", inode: file.target, begun });
        return;
      case "rename":
      case "renameat":
      case "renameat2":
        if (/RENAME_(EXCHANGE|WHITEOUT)/.test(given)) throw new Error(`An exchange of names: ${call}`);
        this.#rename(this.#pathsIn(given));
        return;
      case "link":
      case "linkat":
        this.#link(this.#pathsIn(given));
        return;
      case "unlink":
      case "unlinkat":
      case "rmdir":
        this.#unlink(this.#pathsIn(given));
        return;
      case "mkdir":
      case "mkdirat":
        this.#makeDirectory(this.#pathsIn(given));
        return;
      default:
        // A call that is not followed must not concern the tree: its effect would be missing in every state.
        if (
          this.#concernsTree(given) ||
          (call.startsWith("sym") && this.#pathsIn(given).some((path) => this.#isInTree(path)))
        )
          throw new Error(`The trace has a call that is not followed: ${call}`);
    }
  }

  /**
   * The file behind the first descriptor of a call. strace's name of it decides: execve(2) closes descriptors unseen,
   * and the number may then stand for something else, such as an eventfd.
   */
  #fileOf(descriptor: number, given: string, descriptors: Descriptors): OpenFile | undefined {
    const file = descriptors.get(descriptor);
    const named = /^\d+<((?:\\x[0-9a-f]{2})*)>/.exec(given)?.[1];
    if (named === undefined) return file;
    const path = decode(named);
    if (typeof file?.target === "number" && !this.#isInTree(path.replace(DELETED, ""))) {
      descriptors.delete(descriptor);
      return undefined;
    }
    return file;
  }

  #open(given: string, isCreat: boolean): OpenFile {
    const [path] = this.#pathsIn(given);
    const outside: OpenFile = { target: "outside", appends: false, position: 0 };
    if (path === undefined) return outside;
    const place: Place | "root" | undefined = this.#placeOf(path);
    if (place === undefined) return outside;
    if (/O_TMPFILE/.test(given)) throw new Error("A file without a name was made.");
    const known = place === "root" ? ROOT : this.#names.get(place.directory)?.get(place.name);
    if (known === undefined && !isCreat && !given.includes("O_CREAT"))
      throw new Error(`A file was opened that is not known: ${path}`);
    const inode = known ?? this.#makeFile(place as Place);
    if (isCreat || /\bO_TRUNC\b/.test(given)) this.#truncate(inode, 0);
    return { target: inode, appends: given.includes("O_APPEND"), position: 0 };
  }

  #makeFile(at: Place): Inode {
    const inode = this.#newInode();
    this.#contents.set(inode, new Content(Buffer.of()));
    this.#bind(at, inode);
    return inode;
  }

  #write(call: string, given: string, result: number, file: OpenFile | undefined): void {
    this.#assertKnown(given, file);
    if (file?.target === "stdout") this.operations.push({ kind: "output", bytes: result });
    if (typeof file?.target !== "number") return;
    const isAtPlace = call.startsWith("p");
    const place = (call === "pwritev2" ? /, (\d+), [\w|]+$/ : /, (\d+)$/).exec(given)?.[1];
    if (isAtPlace && place === undefined) throw new Error(`A write has no place: ${call}`);
    const data = Buffer.concat([...given.matchAll(STRINGS)].map(([, text]) => unhex(text ?? ""))).subarray(0, result);
    if (data.length !== result) throw new Error(`The data of a write is missing: ${call}`);
    const content = this.#contents.get(file.target);
    if (content === undefined) throw new Error("A directory was written to.");
    const offset = isAtPlace ? Number(place) : file.appends ? content.bytes.length : file.position;
    if (!isAtPlace) file.position = offset + result;
    const operation = { kind: "write", inode: file.target, offset, data } as const;
    content.apply(operation);
    this.operations.push(operation);
  }

  #truncate(target: OpenFile["target"] | undefined, size: number): void {
    if (typeof target !== "number") return;
    const operation = { kind: "truncate", inode: target, size } as const;
    const content = this.#contents.get(target);
    if (content === undefined || !Number.isSafeInteger(size)) throw new Error("A file was cut that is not known.");
    if (content.bytes.length === size) return;
    content.apply(operation);
    this.operations.push(operation);
  }

  #rename([one, other]: readonly string[]): void {
    const [from, at] = [this.#placeOf(one ?? ""), this.#placeOf(other ?? "")];
    if (from === undefined && at === undefined) return;
    const inode = from === undefined || from === "root" ? undefined : this.#names.get(from.directory)?.get(from.name);
    if (inode === undefined || from === undefined || from === "root" || at === undefined || at === "root")
      throw new Error(`A rename into or out of the tree: ${one} to ${other}`);
    this.#names.get(from.directory)?.delete(from.name);
    this.#names.get(at.directory)?.set(at.name, inode);
    this.operations.push({ kind: "bind", at, inode, from });
  }

  #link([one, other]: readonly string[]): void {
    const [from, at] = [this.#placeOf(one ?? ""), this.#placeOf(other ?? "")];
    if (from === undefined && at === undefined) return;
    const inode = from === undefined || from === "root" ? undefined : this.#names.get(from.directory)?.get(from.name);
    if (inode === undefined || at === undefined || at === "root")
      throw new Error(`A link into or out of the tree: ${one} to ${other}`);
    this.#bind(at, inode);
  }

  #unlink([path]: readonly string[]): void {
    const at = this.#placeOf(path ?? "");
    if (at === undefined || at === "root") return;
    this.#names.get(at.directory)?.delete(at.name);
    this.operations.push({ kind: "unbind", at });
  }

  #makeDirectory([path]: readonly string[]): void {
    const at = this.#placeOf(path ?? "");
    if (at === undefined || at === "root") return;
    const inode = this.#newInode();
    this.#names.set(inode, new Map());
    this.#bind(at, inode);
    this.operations.splice(-1, 1, { kind: "bind", at, inode, isDirectory: true });
  }

  #bind(at: Place, inode: Inode): void {
    this.#names.get(at.directory)?.set(at.name, inode);
    this.operations.push({ kind: "bind", at, inode });
  }

  #newInode(): Inode {
    return 1_000_000 + this.#made++;
  }

  /** Absolute paths among the arguments, in order. */
  #pathsIn(given: string): readonly string[] {
    const paths = [...given.matchAll(/(?:(?:AT_FDCWD|\d+)<((?:\\x[0-9a-f]{2})*)>, )?"((?:\\x[0-9a-f]{2})*)"/g)];
    return paths.map(([, base, path]) => resolve(decode(base ?? "") || "/", decode(path ?? "")));
  }

  #placeOf(path: string): Place | "root" | undefined {
    if (path === this.#folder) return "root";
    if (!path.startsWith(`${this.#folder}/`) || path.endsWith(this.#without)) return undefined;
    let directory: Inode = ROOT;
    for (const name of dirname(path)
      .slice(this.#folder.length)
      .split("/")
      .filter((part) => part !== "")) {
      const inode = this.#names.get(directory)?.get(name);
      if (inode === undefined || !this.#names.has(inode)) throw new Error(`A directory is not known: ${path}`);
      directory = inode;
    }
    return { directory, name: basename(path) };
  }

  /** Checks that strace and the record agree about a descriptor; otherwise an operation would be missed. */
  #assertKnown(given: string, file: OpenFile | undefined): void {
    const isOurs = typeof file?.target === "number";
    if (this.#concernsTree(given) && !isOurs) throw new Error(`A descriptor is not known: ${given.slice(0, 40)}`);
  }

  /** True when a descriptor that is given stands for something in the tree. */
  #concernsTree(given: string): boolean {
    const paths = [...given.matchAll(/<((?:\\x[0-9a-f]{2})*)>/g)].map(([, path]) => decode(path ?? ""));
    return paths.some((path) => this.#isInTree(path.replace(DELETED, "")));
  }

  #isInTree(path: string): boolean {
    return (path === this.#folder || path.startsWith(`${this.#folder}/`)) && !path.endsWith(this.#without);
  }
}

function unhex(text: string): Buffer {
  return Buffer.from(text.replaceAll("\\x", ""), "hex");
}

function decode(text: string): string {
  return unhex(text).toString();
}
