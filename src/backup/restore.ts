/** Back to a backup: checked whole before anything is replaced, and what is replaced is kept. */
import { existsSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { PilotError } from "../errors.ts";
import type { Migrations } from "../store/database/migrations.ts";
import {
  filesBeside,
  placeOf,
  removeSecondNames,
  replaceDatabase,
  strayCompanions,
} from "../store/database/replace-database.ts";
import { stateOf } from "../store/database/snapshot.ts";
import { syncToDisk } from "../store/files/disk.ts";
import { type Processes, removeRemains, unfinishedName } from "../store/files/remains.ts";
import { withSystemErrors } from "../store/files/system-errors.ts";
import { withdrawIn } from "../store/outbox/withdraw.ts";
import type { EpochMs } from "../units.ts";
import type { Keys } from "./encryption.ts";
import type { Manifest } from "./manifest.ts";
import { stampOf } from "./name.ts";
import { differenceFrom, interrupted, unpackVerified, verifyBackup } from "./verify.ts";

export interface RestoreOptions {
  readonly backup: string;
  /** The database to be replaced, or made. */
  readonly path: string;
  readonly keys: Keys;
  readonly migrations: Migrations;
  readonly waitMs: number;
  readonly now: () => EpochMs;
  readonly processes: Processes;
  readonly signal?: AbortSignal | undefined;
}

export interface RestoreReport {
  readonly backup: string;
  readonly path: string;
  readonly manifest: Manifest;
  /** Path at which the replaced database is kept; undefined if there was none. */
  readonly keptAside: string | undefined;
  /** Paths at which stray companion files are kept: SQLite would have taken them for a part of the new database. */
  readonly movedAside: readonly string[];
  /** Notifications of the backup that waited, and are cancelled: they may have been sent since. Null: it was not looked at, or its schema is older than they are. */
  readonly withdrawn: number | null;
}

/**
 * Puts the database of a backup at `path`, where it continues as the one it was made of, with its id. What it had yet to send is cancelled. Errors: `check_failed`, `usage`,
 * `schema_newer`, `disk_full`, `busy`, `io`, `interrupted`; the database at `path` is then as it was, unless the error says what
 * stands there.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreReport> {
  const { backup, path, waitMs, now, processes, migrations, signal } = options;
  return withSystemErrors(path, async () => {
    const place = placeOf(resolve(path));
    assertOther(backup, path);
    removeRemains(dirname(place), processes, now());
    removeSecondNames(place, `${place}${REPLACED}`);
    const unpacked = join(dirname(place), unfinishedName("restore", processes));
    try {
      const manifest = await unpackVerified(backup, unpacked, options);
      // NOTE: before it takes its place, or a run that is killed would leave them waiting.
      const withdrawn = withdrawIn(unpacked, WITHDRAWN, now());
      await syncToDisk(unpacked);
      if (signal?.aborted === true) throw interrupted(signal.reason);
      const check = (): void => assertRestored(path, place, manifest, migrations);
      const replaced = replaceDatabase(unpacked, place, { aside: toReplaced(place, now()), waitMs, check });
      await syncToDisk(dirname(place));
      return { backup, path, manifest, ...replaced, withdrawn };
    } finally {
      for (const ending of ["", "-wal", "-shm", "-journal"]) rmSync(unpacked + ending, { force: true });
    }
  });
}

/** Checks a backup and tells what {@link restoreBackup} would do. Errors: as that. */
export async function rehearseRestore(options: RestoreOptions): Promise<RestoreReport> {
  const { backup, path, now } = options;
  const place = placeOf(resolve(path));
  assertOther(backup, path);
  const { manifest } = await verifyBackup(backup, options);
  const aside = toReplaced(place, now());
  return {
    backup,
    path,
    manifest,
    keptAside: existsSync(place) ? aside : undefined,
    movedAside: strayCompanions(place).map((file) => aside + file.slice(place.length)),
    withdrawn: null,
  };
}

const WITHDRAWN = "the database was restored from a backup, and this may have been sent since";

/** Between the name of a database and when it was replaced. */
const REPLACED = ".replaced-";

/** Path at which a database that is replaced at `at` is kept. */
function toReplaced(path: string, at: EpochMs): string {
  return `${path}${REPLACED}${stampOf(at)}`;
}

/**
 * A backup that is put in its own place would be moved away from its manifest. To be asked before anything is written to the database
 * at `path`. Errors: `usage`; `io` for a link that leads nowhere.
 */
export function assertOther(backup: string, path: string): void {
  const one = statSync(backup, { throwIfNoEntry: false });
  const other = statSync(placeOf(resolve(path)), { throwIfNoEntry: false });
  if (one === undefined || one.dev !== other?.dev || one.ino !== other.ino) return;
  throw new PilotError("usage", `"${backup}" is both the backup and the place to restore it to.`, {
    hint: "Name the database to replace, or to create, with --db.",
  });
}

/** Errors: `check_failed` when what answers at the place is not the database of the backup. */
function assertRestored(path: string, place: string, manifest: Manifest, migrations: Migrations): void {
  const [stray] = filesBeside(place);
  const difference = stray === undefined ? differenceFrom(manifest, stateOf(place, migrations)) : `"${stray}" is there`;
  if (difference === undefined) return;
  throw new PilotError("check_failed", `What stands at "${path}" is not the database of the backup: ${difference}.`, {
    hint: "Run the command again; the replaced database is kept beside it.",
  });
}
