/** One database in the place of another. */
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import Database from "better-sqlite3";
import { PilotError } from "../../errors.ts";
import { syncToDiskAtOnce } from "../files/disk.ts";
import { namesIn } from "../files/remains.ts";
import { retryWhileBusy } from "./busy.ts";
import { openForWriting } from "./connection.ts";

/** Endings of companion files, which SQLite takes for a part of whatever file has the name. */
const COMPANIONS = ["-wal", "-shm", "-journal"];
const RWX = 0o777;

export interface ReplaceOptions {
  /** Path at which a replaced file is kept; a number is added if that name is taken. */
  readonly aside: string;
  readonly waitMs: number;
  /** Looks at what is at the place now, while nobody else can write to it; throws when it is not what it should be. */
  readonly check: () => void;
}

export interface Replaced {
  /** Path of the replaced database; undefined if there was none. */
  readonly keptAside: string | undefined;
  /** Paths of companion files that were moved aside, as they would have been taken for a part of the new database. */
  readonly movedAside: readonly string[];
}

/**
 * Puts the file `replacement` at `path`; a database that is there is kept aside, with all that was committed. Waits until nobody
 * uses it. Errors: `busy`, `read_only`, `io`, those of `check`: the new database then stands at `path` all the same.
 */
export function replaceDatabase(replacement: string, path: string, options: ReplaceOptions): Replaced {
  const isThere = existsSync(path);
  const aside = freeName(options.aside);
  if (isThere) takeOwnership(replacement, path);
  const held = holdWriters(replacement);
  try {
    const movedAside = isThere
      ? replaceExisting(replacement, path, aside, options.waitMs)
      : putInEmptyPlace(replacement, path, aside);
    options.check();
    return { keptAside: isThere ? aside : undefined, movedAside };
  } finally {
    held.close();
  }
}

/** Companion files without a database at `path`, which would be moved aside. */
export function strayCompanions(path: string): readonly string[] {
  return existsSync(path) ? [] : filesBeside(path);
}

/** Files that SQLite would take for a part of the database at `path`. */
export function filesBeside(path: string): readonly string[] {
  return COMPANIONS.map((ending) => path + ending).filter(
    // NOTE: SQLite follows a link that leads nowhere, and makes the file there.
    (file) => lstatSync(file, { throwIfNoEntry: false }) !== undefined,
  );
}

function replaceExisting(replacement: string, path: string, aside: string, waitMs: number): readonly string[] {
  const old = openAlone(path, waitMs);
  try {
    keepAside(path, aside);
    // NOTE: a sound database has nothing beside it any more; what is left beside a damaged one would be taken for a part of the new one.
    const movedAside = moveCompanions(path, aside);
    // NOTE: a power cut may leave any of these names and not the others: without the old database, or with the new one beside what SQLite
    // kept for the old one.
    syncToDiskAtOnce(dirname(resolve(path)));
    renameSync(replacement, path);
    return movedAside;
  } finally {
    old?.close();
  }
}

function putInEmptyPlace(replacement: string, path: string, aside: string): readonly string[] {
  const movedAside = moveCompanions(path, aside);
  // NOTE: after a power cut the new one must not stand beside what SQLite kept for another.
  if (movedAside.length > 0) syncToDiskAtOnce(dirname(resolve(path)));
  try {
    moveToNewName(replacement, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new PilotError("busy", `Another process has just made a file "${path}".`, {
      hint: "It was left as it is. Look at it, and run the command again.",
      cause: error,
    });
  }
  return movedAside;
}

function moveCompanions(path: string, aside: string): readonly string[] {
  return filesBeside(path).map((file) => {
    const target = aside + file.slice(path.length);
    renameSync(file, target);
    return target;
  });
}

/** Gives a file another name that no file has yet. Errors: those of the file system, `EEXIST` among them. */
export function moveToNewName(from: string, to: string): void {
  if (linkOrRename(from, to) === "linked") unlinkSync(from);
}

/** Links a file to a new name, or renames it on a file system without hard links. */
function linkOrRename(from: string, to: string): "linked" | "renamed" {
  try {
    linkSync(from, to);
    return "linked";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EOPNOTSUPP") throw error;
    if (lstatSync(to, { throwIfNoEntry: false }) !== undefined)
      throw Object.assign(new Error(`EEXIST: "${to}" is there.`), { code: "EEXIST", syscall: "rename", path: to });
    renameSync(from, to);
    return "renamed";
  }
}

/** A second name first, so that there is a database at `path` at every instant. */
function keepAside(path: string, aside: string): void {
  linkOrRename(path, aside);
}

/** `path`, or with a number behind it, so that neither a database nor anything beside it has that name. */
function freeName(path: string): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? path : `${path}-${number}`;
    if (["", ...COMPANIONS].every((ending) => lstatSync(name + ending, { throwIfNoEntry: false }) === undefined))
      return name;
  }
}

/**
 * Removes the second name of the database at `path` that a killed run has left, by which it wanted to keep it: `prefix` is what such
 * names begin with. The database itself stays.
 */
export function removeSecondNames(path: string, prefix: string): void {
  const own = statSync(path, { throwIfNoEntry: false });
  if (own === undefined || own.nlink < 2) return;
  const folder = dirname(path);
  for (const name of namesIn(folder).filter((one) => one.startsWith(basename(prefix)))) {
    const other = join(folder, name);
    const status = lstatSync(other, { throwIfNoEntry: false });
    const isSame = status?.dev === own.dev && status.ino === own.ino;
    // NOTE: files beside it belong to a damaged database, which then needs both.
    if (isSame && filesBeside(other).length === 0) rmSync(other);
  }
}

/** The file that a path means, through links; the path itself where no file is. Errors: `io` for a link that leads nowhere. */
export function placeOf(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return path;
  throw new PilotError("io", `"${path}" is a symbolic link to nothing.`, {
    hint: "Remove the link, or name its target.",
  });
}

/** Keeps other processes from writing to a file until it is closed. */
function holdWriters(path: string): Database.Database {
  const database = new Database(path, { fileMustExist: true });
  try {
    database.exec("BEGIN IMMEDIATE");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Whoever uses the database is to continue using it: a service, when an administrator restores. Errors: `io`. */
function takeOwnership(replacement: string, path: string): void {
  const { uid, gid, mode } = statSync(path);
  const own = statSync(replacement);
  chmodSync(replacement, mode & RWX);
  if (own.uid === uid && own.gid === gid) return;
  try {
    chownSync(replacement, uid, gid);
  } catch (error) {
    throw new PilotError("io", `The database "${path}" belongs to another user, and the new one would not.`, {
      hint: "Run this as its owner or as the administrator; nothing was changed.",
      cause: error,
    });
  }
}

/** Opens it so that no other process can, with everything in the one file; undefined when it is damaged, which is no obstacle. */
function openAlone(path: string, waitMs: number): Database.Database | undefined {
  let database: Database.Database | undefined;
  try {
    database = openForWriting(path, waitMs);
    const alone = database;
    retryWhileBusy(waitMs, 0, () => alone.pragma("journal_mode = DELETE"), path);
    retryWhileBusy(waitMs, 0, () => alone.exec("BEGIN EXCLUSIVE"), path);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof PilotError && (error.code === "corrupt" || error.code === "not_a_database")) return undefined;
    throw error;
  }
}
