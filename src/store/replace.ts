/** One database in the place of another. */
import { chmodSync, chownSync, existsSync, linkSync, renameSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type Database from "better-sqlite3";
import { PilotError } from "../errors.ts";
import { retryWhileBusy } from "./busy.ts";
import { openForWriting } from "./connection.ts";
import { syncToDiskAtOnce } from "./disk.ts";

/** What SQLite keeps beside a database. */
const COMPANIONS = ["-wal", "-shm", "-journal"];
const RWX = 0o777;

/**
 * Puts the file `replacement` at `path`; a database that is there is kept at `aside`, with all that was committed. Waits until
 * nobody uses it. Errors: `busy`, `read_only`, `io`.
 */
export function replaceDatabase(replacement: string, path: string, aside: string, waitMs: number): void {
  if (!existsSync(path)) {
    renameSync(replacement, path);
    return;
  }
  takeOwnership(replacement, path);
  const old = openAlone(path, waitMs);
  try {
    keepAside(path, aside);
    // NOTE: what is left beside a damaged database would be taken for a part of the new one.
    for (const ending of COMPANIONS) if (existsSync(path + ending)) renameSync(path + ending, aside + ending);
    // NOTE: a power cut may leave any of these names and not the others: without the old database, or with the new one beside what SQLite
    // kept for the old one.
    syncToDiskAtOnce(dirname(resolve(path)));
    renameSync(replacement, path);
  } finally {
    old?.close();
  }
}

/** Whoever uses the database is to go on using it: a service, when an administrator restores. Errors: `io`. */
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
    database = openForWriting(path, { create: false, waitMs });
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

/** A second name first, so that there is a database at `path` at every instant; not every file system has them. */
function keepAside(path: string, aside: string): void {
  try {
    linkSync(path, aside);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EOPNOTSUPP") throw error;
    renameSync(path, aside);
  }
}
