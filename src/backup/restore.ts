/** Back to a backup: checked whole before anything is replaced, and what is replaced is kept. */
import { existsSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { syncToDisk } from "../store/disk.ts";
import type { Migrations } from "../store/migrations.ts";
import { replaceDatabase } from "../store/replace.ts";
import type { EpochMs } from "../units.ts";
import type { Keys } from "./encryption.ts";
import type { Manifest } from "./manifest.ts";
import { stampOf, UNFINISHED } from "./name.ts";
import { unpackVerified } from "./verify.ts";

export interface RestoreOptions {
  readonly backup: string;
  /** The database to be replaced, or made. */
  readonly path: string;
  readonly keys: Keys;
  readonly migrations: Migrations;
  readonly waitMs: number;
  readonly now: () => EpochMs;
}

export interface RestoreReport {
  readonly backup: string;
  readonly path: string;
  readonly manifest: Manifest;
  /** Where the replaced database is kept; undefined when there was none. */
  readonly keptAside: string | undefined;
}

/**
 * Puts the database of a backup at `path`. Errors: `check_failed`, `usage`, `schema_newer`, `disk_full`, `busy`, `io`; the
 * database at `path` is then as it was.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreReport> {
  const { backup, path, waitMs, now } = options;
  const unpacked = join(dirname(resolve(path)), `${UNFINISHED}restore-${basename(path)}-${stampOf(now())}`);
  const aside = toReplaced(path, now());
  const keptAside = existsSync(path) ? aside : undefined;
  try {
    const manifest = await unpackVerified(backup, unpacked, options);
    await syncToDisk(unpacked);
    replaceDatabase(unpacked, path, aside, waitMs);
    await syncToDisk(dirname(resolve(path)));
    return { backup, path, manifest, keptAside };
  } finally {
    rmSync(unpacked, { force: true });
  }
}

/** Where a database is kept that is replaced at `at`. */
export function toReplaced(path: string, at: EpochMs): string {
  return `${path}.replaced-${stampOf(at)}`;
}
