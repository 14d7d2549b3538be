/**
 * Companion files of a database: the write-ahead log (`-wal`) and its index (`-shm`). They stay when the last writer has gone,
 * with the rights of the database: one who may only read can use them, and cannot make them.
 */
import { accessSync, chmodSync, chownSync, constants, lstatSync, realpathSync, type Stats, statSync } from "node:fs";
import Database from "better-sqlite3";
import { fileName } from "../files/file-name.ts";
import { translateSqliteError } from "./sqlite-errors.ts";

export interface Companions {
  readonly wal: string;
  readonly shm: string;
  /** Rollback journal of a database without `-wal`; exists only during a write. */
  readonly journal: string;
}

/** Paths of the companions, existing or not: beside the file itself, not beside a link to it. `path` must exist. */
export function companionsOf(path: string): Companions {
  const file = realpathSync(path);
  return { wal: `${file}-wal`, shm: `${file}-shm`, journal: `${file}-journal` };
}

/** True when this process may write to a file, or add and remove files in a directory; false where there is none. */
export function canWriteTo(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Makes mode, owner and group of the companions those of the database, as far as this process may change them. */
export function shareRights(path: string): void {
  for (const { name, own, wanted } of companionsWithRights(path)) {
    // NOTE: by its name: to open and close the file would end the locks that SQLite holds on it in this process.
    if (!hasSameOwner(own, wanted)) ifAllowed(() => chownSync(name, wanted.uid, wanted.gid));
    if (!hasSameMode(own, wanted)) ifAllowed(() => chmodSync(name, wanted.mode & RWX));
  }
}

/** True when whoever may use the database may use its companions, and nobody else. */
export function hasEvenRights(path: string): boolean {
  return companionsWithRights(path).every(({ own, wanted }) => hasSameOwner(own, wanted) && hasSameMode(own, wanted));
}

const RWX = 0o777;

function hasSameOwner(one: Stats, other: Stats): boolean {
  return one.uid === other.uid && one.gid === other.gid;
}

function hasSameMode(one: Stats, other: Stats): boolean {
  return (one.mode & RWX) === (other.mode & RWX);
}

/** Companions that exist as files. `wanted`: the rights of the database. */
function companionsWithRights(path: string): { readonly name: string; readonly own: Stats; readonly wanted: Stats }[] {
  const { wal, shm } = companionsOf(path);
  const wanted = statSync(path);
  return [wal, shm].flatMap((name) => {
    const own = lstatSync(name, { throwIfNoEntry: false });
    return own?.isFile() === true ? [{ name, own, wanted }] : [];
  });
}

/** One who may write need not own the file; readers that it shuts out are told so, and by `doctor`. */
function ifAllowed(change: () => void): void {
  try {
    change();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error;
  }
}

/**
 * Closes a connection that may have written, and does not wait for readers. Where none needs the old `-wal`, all that is
 * committed is then in the database, with an empty `-wal` beside it. Errors: `io`, `disk_full`; what was committed is kept all
 * the same.
 */
export function closeWriter(database: Database.Database, path: string): void {
  if (!database.open) return;
  try {
    leaveCompanions(database, path);
  } catch (error) {
    throw translateSqliteError(error, path);
  } finally {
    database.close();
  }
}

function leaveCompanions(database: Database.Database, path: string): void {
  if (database.readonly || database.pragma("journal_mode", { simple: true }) !== "wal") return;
  // NOTE: SQLite removes the files when the last connection goes, unless that is one that cannot write.
  const keeper = new Database(fileName(path), { readonly: true, fileMustExist: true });
  try {
    keeper.prepare("SELECT count(*) FROM sqlite_schema").get();
    database.pragma("busy_timeout = 0");
    // NOTE: the first does the work without a lock that another writer would have to wait for.
    database.pragma("wal_checkpoint(PASSIVE)");
    database.pragma("wal_checkpoint(TRUNCATE)");
    shareRights(path);
    database.close();
  } finally {
    keeper.close();
  }
}
