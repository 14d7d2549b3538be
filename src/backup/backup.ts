/** Making a backup: copied while others write, checked, packed, read back, and only then given its name. */
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { traced } from "../diagnostics.ts";
import { PilotError } from "../errors.ts";
import type { Migrations } from "../store/database/migrations.ts";
import { moveToNewName } from "../store/database/replace-database.ts";
import { checkFile, copyDatabase, type DatabaseIdentity, databaseSize, identify } from "../store/database/snapshot.ts";
import { makePrivateDirectory, syncToDisk } from "../store/files/disk.ts";
import { assertFreeSpace, type FreeBytes } from "../store/files/free-space.ts";
import { type Processes, unfinishedName } from "../store/files/remains.ts";
import { withSystemErrors } from "../store/files/system-errors.ts";
import { checkTexts } from "../store/log-text/text-check.ts";
import { type EpochMs, toIso } from "../units.ts";
import { backupsOf, removeBackup, tidy } from "./catalogue.ts";
import { type Locks, makeEncrypter } from "./encryption.ts";
import { type Manifest, readManifest, writeManifest } from "./manifest.ts";
import { backupName, manifestPath } from "./name.ts";
import { fingerprintOf, pack } from "./packing.ts";
import { chooseRemovals, type KeepRule, type Shrinkage } from "./rotation.ts";
import { assertUntouched } from "./verify.ts";

export interface BackupOptions {
  /** The database. */
  readonly path: string;
  readonly directory: string;
  readonly isCompressed: boolean;
  readonly locks: Locks | undefined;
  /** Undefined keeps all. */
  readonly keep: readonly KeepRule[] | undefined;
  readonly migrations: Migrations;
  readonly program: string;
  readonly waitMs: number;
  readonly now: () => EpochMs;
  readonly processes: Processes;
  readonly signal?: AbortSignal | undefined;
  /** Called when a step begins, and during the copy with the share copied so far, 0 to 1. */
  readonly onProgress?: ((step: BackupStep, share: number) => void) | undefined;
  readonly freeBytes?: FreeBytes;
}

export type BackupStep = "copy" | "check" | "pack";

export interface BackupReport {
  readonly path: string;
  readonly manifest: Manifest;
  /** Older backups that were removed. */
  readonly removed: readonly string[];
  /** An older backup that `keep` would remove, and that stays because it holds more than twice as many entries. */
  readonly spared: string | undefined;
  /** Set when so much is missing that nothing was removed. */
  readonly shrinkage: Shrinkage | undefined;
}

/**
 * Makes a backup of the state of this instant, then removes those that `keep` does not want any more. Errors: `io`, `busy`,
 * `corrupt`, `disk_full`, `interrupted`; `exists` when one was made in the same second; `not_a_database` for one without a schema
 * of ours; `usage` for a recipient that is none. No backup is made then, unless the error says so.
 */
export async function makeBackup(options: BackupOptions): Promise<BackupReport> {
  return withSystemErrors(options.directory, async () => {
    const encrypter = options.locks === undefined ? undefined : makeEncrypter(options.locks);
    const identity = identify(options.path, options.migrations, options.waitMs);
    const target = await store(options, identity, encrypter);
    const manifest = readManifest(target);
    await assertUntouched(target, manifest, options.signal).catch((error: unknown) => {
      throw options.signal?.aborted === true ? interruptedAfter(target, error) : error;
    });
    return { path: target, manifest, ...rotate(options, identity, target, manifest) };
  });
}

/** Makes it; returns its path. */
async function store(
  options: BackupOptions,
  identity: DatabaseIdentity,
  encrypter: ReturnType<typeof makeEncrypter> | undefined,
): Promise<string> {
  const { path, directory, now, processes, signal } = options;
  const size = databaseSize(path, options.waitMs);
  makePrivateDirectory(directory);
  const form = { isCompressed: options.isCompressed, isEncrypted: encrypter !== undefined };
  const isPlain = !form.isCompressed && !form.isEncrypted;
  const at = now();
  const target = join(directory, backupName(path, at, form));
  // NOTE: plain text is never written to the directory of encrypted backups.
  const plainDirectory = form.isEncrypted ? dirname(identity.path) : directory;
  const plain = join(plainDirectory, unfinishedName("plain", processes));
  const packed = isPlain ? plain : join(directory, unfinishedName("packed", processes));
  const manifest = join(directory, unfinishedName("manifest", processes));
  for (const place of new Set([directory, plainDirectory])) tidy(place, processes, now());
  assertFreeSpace(directory, isPlain || form.isEncrypted ? size : 2 * size, options.freeBytes);
  assertFreeSpace(plainDirectory, size, options.freeBytes);
  try {
    await traced("copy the database", () =>
      copyDatabase(path, plain, { ...options, onCopied: (share) => options.onProgress?.("copy", share) }),
    );
    options.onProgress?.("check", 0);
    const state = traced("check the copy", () => checkFile(plain, options.migrations));
    await traced("check the texts of the copy", () => checkTexts(plain, signal));
    options.onProgress?.("pack", 0);
    const database = isPlain
      ? await fingerprintOf(plain, signal)
      : await traced("pack the copy", () => pack(plain, packed, { ...options, encrypter }));
    await syncToDisk(packed);
    const kept = isPlain ? database : await fingerprintOf(packed, signal);
    writeManifest(manifest, target, {
      createdAt: toIso(at),
      program: options.program,
      compression: form.isCompressed ? "gzip" : "none",
      encryption: form.isEncrypted ? "age" : "none",
      ...kept,
      database: { ...state, path: identity.path, ...database },
    });
    signal?.throwIfAborted();
    nameAsNew(packed, target);
    // NOTE: only now the manifest, so that one without a backup is always somebody's own; see tidy.
    await syncToDisk(directory);
    nameAsNew(manifest, manifestPath(target));
    await syncToDisk(directory);
  } catch (error) {
    throw signal?.aborted === true ? interrupted(error) : withoutTemporaryName(error, plain, path);
  } finally {
    for (const left of [plain, packed, manifest])
      for (const ending of ["", "-wal", "-shm", "-journal"]) rmSync(left + ending, { force: true });
  }
  return target;
}

/** Errors: `exists`. */
function nameAsNew(file: string, name: string): void {
  try {
    moveToNewName(file, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new PilotError("exists", `There is a backup "${name}" already.`, {
      hint: "Backups are never overwritten, and are named by the time: wait a second.",
      cause: error,
    });
  }
}

type Rotation = Pick<BackupReport, "removed" | "spared" | "shrinkage">;

/** Only backups of this very database are looked at, and the one just made and checked always stays. */
function rotate(
  { keep, directory, processes }: BackupOptions,
  identity: DatabaseIdentity,
  made: string,
  manifest: Manifest,
): Rotation {
  const older = backupsOf(directory, identity).filter(({ path }) => path !== made);
  const dated = (path: string, { createdAt, database }: Manifest) => ({
    path,
    createdAt,
    entries: database.counts["stored_entries"] ?? 0,
  });
  const { surplus, spared, shrinkage } = chooseRemovals(
    dated(made, manifest),
    older.map((backup) => dated(backup.path, backup.manifest)),
    keep,
  );
  const removed = new Set(surplus.map(({ path }) => path));
  for (const backup of older) if (removed.has(backup.path)) removeBackup(backup, directory, processes);
  return { removed: [...removed], spared: spared?.path, shrinkage };
}

/** Names the database instead of the temporary copy: damage found in the copy is damage of the database. */
function withoutTemporaryName(error: unknown, plain: string, path: string): unknown {
  if (!(error instanceof PilotError) || !error.message.includes(plain)) return error;
  const { code, message, hint } = error;
  return new PilotError(code, message.replaceAll(plain, path), { ...(hint !== undefined && { hint }), cause: error });
}

function interrupted(cause: unknown): PilotError {
  return new PilotError("interrupted", "Interrupted: no backup was made.", {
    hint: "The database is unchanged. Run the command again.",
    cause,
  });
}

function interruptedAfter(path: string, cause: unknown): PilotError {
  return new PilotError("interrupted", `Interrupted: "${path}" was made but not read back yet; nothing was removed.`, {
    hint: "`exim-pilot backup --verify` checks it.",
    cause,
  });
}
