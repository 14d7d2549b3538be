/** Checks a backup: its manifest, its hash, and the database in it, which is opened. */
import { mkdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { PilotError } from "../errors.ts";
import type { Migrations } from "../store/database/migrations.ts";
import { checkFile, type FileState, type RowCounts } from "../store/database/snapshot.ts";
import { OWNER_ONLY } from "../store/files/disk.ts";
import { assertFreeSpace } from "../store/files/free-space.ts";
import { type Processes, unfinishedName } from "../store/files/remains.ts";
import { withSystemErrors } from "../store/files/system-errors.ts";
import type { EpochMs } from "../units.ts";
import { tidy } from "./catalogue.ts";
import type { Keys } from "./encryption.ts";
import { type Manifest, readManifest } from "./manifest.ts";
import { fingerprintOf, unpack } from "./packing.ts";

export interface UnpackOptions {
  readonly keys: Keys;
  readonly migrations: Migrations;
  readonly signal?: AbortSignal | undefined;
}

export interface BackupVerifyOptions extends UnpackOptions {
  readonly processes: Processes;
  readonly now: () => EpochMs;
  /** Directory in which it may be unpacked for the check; undefined means beside the backup. */
  readonly scratch?: string;
}

export interface VerifiedBackup {
  readonly path: string;
  readonly manifest: Manifest;
  readonly counts: RowCounts;
}

/**
 * Unpacks a backup into a directory that is removed again, and checks it from its manifest to its last page.
 * Errors: `check_failed`, `usage` (a key is missing), `schema_newer`, `disk_full`, `io`, `interrupted`.
 */
export async function verifyBackup(path: string, options: BackupVerifyOptions): Promise<VerifiedBackup> {
  return withSystemErrors(path, () =>
    inFolder(options.scratch ?? dirname(path), "verify", options, async (folder) => {
      const manifest = await unpackVerified(path, join(folder, "database"), options);
      return { path, manifest, counts: manifest.database.counts };
    }),
  );
}

/** Runs `action` with a directory of its own below `parent`, which is removed afterwards. Errors: `io`. */
export async function inFolder<Result>(
  parent: string,
  kind: "verify" | "drill",
  { processes, now }: Pick<BackupVerifyOptions, "processes" | "now">,
  action: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = join(parent, unfinishedName(kind, processes));
  try {
    tidy(parent, processes, now());
    mkdirSync(folder, { mode: OWNER_ONLY.directory });
  } catch (error) {
    throw new PilotError("io", `Nothing can be written in "${parent}", where the backup is to be unpacked.`, {
      hint: "Check that the directory exists, and its rights.",
      cause: error,
    });
  }
  try {
    return await action(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes the database in a backup to the new file `target` once all of it has been checked. Errors: as {@link verifyBackup}. */
export async function unpackVerified(
  path: string,
  target: string,
  { keys, migrations, signal }: UnpackOptions,
): Promise<Manifest> {
  const manifest = readManifest(path);
  try {
    await assertUntouched(path, manifest, signal);
    assertFreeSpace(dirname(target), manifest.database.size);
    const { size, sha256 } = await unpack(path, target, manifest, { keys, signal });
    if (size !== manifest.database.size || sha256 !== manifest.database.sha256)
      throw damaged(path, "its content is not what was put into it");
    signal?.throwIfAborted();
    assertUnpacked(path, target, manifest, migrations);
    signal?.throwIfAborted();
    return manifest;
  } catch (error) {
    throw signal?.aborted === true ? interrupted(error) : error;
  }
}

/** Builds the error of a run that a signal ended. */
export function interrupted(cause: unknown): PilotError {
  return new PilotError("interrupted", "Interrupted: nothing was changed.", { hint: "Run it again.", cause });
}

/** Errors: `check_failed` when the file is not the one that was made. */
export async function assertUntouched(path: string, manifest: Manifest, signal?: AbortSignal): Promise<void> {
  const { size, sha256 } = await fingerprintOf(path, signal).catch((error: unknown) => {
    if (signal?.aborted === true) throw error;
    throw new PilotError("io", `The backup "${path}" cannot be read.`, {
      hint: "Check the name and the rights of the file; `exim-pilot backup --list` lists the backups.",
      cause: error,
    });
  });
  if (size < manifest.size) throw damaged(path, `it ends after ${size} of ${manifest.size} bytes`);
  if (size !== manifest.size || sha256 !== manifest.sha256) throw damaged(path, "it was changed since it was made");
}

function assertUnpacked(path: string, unpacked: string, manifest: Manifest, migrations: Migrations): void {
  try {
    const difference = differenceFrom(manifest, checkFile(unpacked, migrations));
    if (difference !== undefined) throw damaged(path, difference);
  } catch (error) {
    if (!(error instanceof PilotError)) throw error;
    // NOTE: where it was unpacked to says nothing to anybody.
    const message = error.message.replaceAll(unpacked, basename(path));
    throw new PilotError(
      error.code === "corrupt" || error.code === "not_a_database" ? "check_failed" : error.code,
      message,
      {
        ...(error.hint === undefined ? {} : { hint: error.hint }),
        cause: error,
      },
    );
  }
}

/** The difference between a database and its manifest, as the end of a sentence; undefined if they agree. */
export function differenceFrom({ database }: Manifest, { id, schema, counts }: FileState): string | undefined {
  if (id !== database.id) return "its manifest describes another database";
  if (schema !== database.schema) return "its manifest describes another schema";
  const different = Object.keys({ ...counts, ...database.counts }).filter(
    (table) => counts[table] !== database.counts[table],
  );
  return different.length === 0 ? undefined : `its manifest counts other rows of ${different.join(", ")}`;
}

function damaged(path: string, why: string): PilotError {
  return new PilotError("check_failed", `The backup "${path}" is damaged: ${why}.`, {
    hint: "Use another one; `exim-pilot backup --list` lists them.",
  });
}
