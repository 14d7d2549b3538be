/** Files that are written for people: whole or not at all, for their owner only, and never through a link. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { PilotError } from "../../errors.ts";
import { OWNER_ONLY } from "./disk.ts";
import { describeSystemError, isSystemError, translateSystemError } from "./system-errors.ts";

export interface PrivateFileOptions {
  /** Takes the place of a file of that name, or of a link; otherwise there must be nothing. */
  readonly replaces: boolean;
}

/** A file that has no name of its own until it is whole. */
export interface PrivateFile {
  /** Errors: `disk_full`, `io`. */
  readonly write: (bytes: Uint8Array) => void;
  /**
   * Makes sure that all of it is on the disk, gives it its name and looks at what is there. Errors: `exists` when somebody was
   * faster; as {@link PrivateFile.write}.
   */
  readonly finish: () => void;
  /** Takes the file away, unless it is finished. */
  readonly discard: () => void;
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

const UNNAMED = /^\.exim-pilot-[0-9a-f]{24}$/;

/** True for the name of a file that is not whole yet, or was not when its process was killed. */
export function isUnnamedFile(name: string): boolean {
  return UNNAMED.test(name);
}

/**
 * Begins a file with mode 0600, under a name beside it that nobody can foretell. What is at `path` stays until the end.
 * Errors: `exists`; `usage` when `path` names what is no file; `io`, `read_only`, `disk_full` when it cannot be made.
 */
export function createPrivateFile(path: string, { replaces }: PrivateFileOptions): PrivateFile {
  assertCanStandAt(path, replaces);
  const directory = dirname(path);
  const temporary = join(directory, `.exim-pilot-${randomBytes(12).toString("hex")}`);
  const file = translating(path, () => openSync(temporary, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, OWNER_ONLY.file));
  let isOpen = true;
  let isUnnamed = true;
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    closeSync(file);
  };
  return {
    write: (bytes) => {
      for (let written = 0; written < bytes.length; )
        written += translating(path, () => writeSync(file, bytes, written));
    },
    finish: () => {
      const made = translating(path, () => {
        fsyncSync(file);
        const status = fstatSync(file);
        close();
        if (replaces) renameSync(temporary, path);
        else giveName(temporary, path);
        isUnnamed = false;
        syncNames(directory);
        return status;
      });
      assertStandsAt(path, made);
    },
    discard: () => {
      close();
      if (isUnnamed) rmSync(temporary, { force: true });
      isUnnamed = false;
    },
  };
}

/** Writes all of a file, or leaves what is there as it was. Errors: as {@link createPrivateFile} and {@link PrivateFile}. */
export function writePrivateFile(path: string, content: string | Uint8Array, options: PrivateFileOptions): void {
  const file = createPrivateFile(path, options);
  try {
    file.write(Buffer.from(content));
    file.finish();
  } finally {
    file.discard();
  }
}

/** A device or a pipe is not to be replaced by a file, whatever link leads to it. */
function assertCanStandAt(path: string, replaces: boolean): void {
  if (path.trim() === "" || path.includes("\0")) {
    throw new PilotError("usage", "The name of the file to write is blank.", { hint: "Give the name of a file." });
  }
  const there = translating(path, () => lstatSync(path, { throwIfNoEntry: false }));
  if (there === undefined) return;
  if (!replaces) throw alreadyThere(path);
  const target = there.isSymbolicLink() ? targetOf(path) : there;
  if (target === undefined || target.isFile()) return;
  const kind = target.isDirectory() ? "a directory" : "a device, a pipe or a socket";
  throw new PilotError("usage", `"${path}" is ${kind}, and a file cannot take its place.`, {
    hint: "Give the name of a file.",
  });
}

/** Undefined for a link that leads nowhere. */
function targetOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    // NOTE: the link itself is replaced, so that it does not matter why nothing is found behind it.
    return undefined;
  }
}

/** A second name first, which never takes the place of a file that has come meanwhile; not every file system has them. */
function giveName(temporary: string, path: string): void {
  try {
    linkSync(temporary, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EOPNOTSUPP" && code !== "ENOSYS") throw error;
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) throw alreadyThere(path);
    renameSync(temporary, path);
    return;
  }
  rmSync(temporary);
}

/** NOTE: a directory may be one that this user may write to and not list, or of a file system that syncs none; the file is there. */
const NO_SYNC: ReadonlySet<string | undefined> = new Set(["EACCES", "EPERM", "EINVAL", "ENOTSUP"]);

/** Makes sure that the names in a directory are on the disk, as far as its file system can. Errors: those of the system. */
export function syncNames(directory: string): void {
  let names: number | undefined;
  try {
    names = openSync(directory, "r");
    fsyncSync(names);
  } catch (error) {
    if (!NO_SYNC.has((error as NodeJS.ErrnoException).code)) throw error;
  } finally {
    if (names !== undefined) closeSync(names);
  }
}

function assertStandsAt(path: string, made: Stats): void {
  const there = translating(path, () => lstatSync(path, { throwIfNoEntry: false }));
  if (there?.isFile() === true && there.ino === made.ino && there.size === made.size) return;
  throw new PilotError("io", `"${path}" is not what was written there.`, {
    hint: "Something else changes that directory: name another one.",
  });
}

function alreadyThere(path: string): PilotError {
  return new PilotError("exists", `There is a file "${path}" already.`, {
    hint: "Give another name, or remove that file first: nothing is overwritten.",
  });
}

function translating<Result>(path: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === "EEXIST") throw alreadyThere(path);
    const { code, hint = "" } = translateSystemError(error, path);
    throw new PilotError(code, `The file "${path}" cannot be written: ${describeSystemError(error)}.`, {
      hint,
      cause: error,
    });
  }
}
