/** Making a backup: copied while others write, checked, packed, read back, and only then given its name. */
import { randomUUID } from "node:crypto";
import { renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { PilotError } from "../errors.ts";
import { makePrivateDirectory, syncToDisk } from "../store/disk.ts";
import { assertFreeSpace, type FreeBytes } from "../store/free-space.ts";
import type { Migrations } from "../store/migrations.ts";
import { checkFile, copyDatabase, databaseSize } from "../store/snapshot.ts";
import { type EpochMs, toIso } from "../units.ts";
import { listBackups, removeBackup, removeRemains } from "./catalogue.ts";
import { type Locks, makeEncrypter } from "./encryption.ts";
import { type Manifest, readManifest, writeManifest } from "./manifest.ts";
import { backupName, UNFINISHED } from "./name.ts";
import { fingerprintOf, pack } from "./packing.ts";
import { chooseSurplus, type KeepRule } from "./rotation.ts";
import { assertUntouched } from "./verify.ts";

export interface BackupOptions {
  /** The database. */
  readonly path: string;
  readonly directory: string;
  readonly isCompressed: boolean;
  readonly locks: Locks | undefined;
  /** Undefined: keep all. */
  readonly keep: readonly KeepRule[] | undefined;
  readonly migrations: Migrations;
  readonly program: string;
  readonly waitMs: number;
  readonly now: () => EpochMs;
  readonly signal?: AbortSignal | undefined;
  /** When a step begins; while copying, the share that is copied, from 0 to 1. */
  readonly onProgress?: ((step: BackupStep, share: number) => void) | undefined;
  readonly freeBytes?: FreeBytes;
}

export type BackupStep = "copy" | "check" | "pack";

export interface BackupReport {
  readonly path: string;
  readonly manifest: Manifest;
  /** Older backups that were removed. */
  readonly removed: readonly string[];
}

/**
 * Makes a backup of the state of this instant, then removes those that `keep` does not want any more.
 * Errors: `exists` (one was made in the same second), `io`, `busy`, `corrupt`, `disk_full`, `usage` (a recipient that is none), `interrupted`; nothing is left then.
 */
export async function makeBackup(options: BackupOptions): Promise<BackupReport> {
  const { path, directory, now } = options;
  const encrypter = options.locks === undefined ? undefined : makeEncrypter(options.locks);
  const size = databaseSize(path, options.waitMs);
  makePrivateDirectory(directory);
  const form = { isCompressed: options.isCompressed, isEncrypted: encrypter !== undefined };
  const isPlain = !form.isCompressed && !form.isEncrypted;
  const at = now();
  const target = join(directory, backupName(path, at, form));
  // NOTE: what is to be encrypted is not written to the directory of the backups before it is.
  const plainDirectory = form.isEncrypted ? dirname(path) : directory;
  const plain = join(plainDirectory, partialName(target, "plain"));
  const packed = isPlain ? plain : join(directory, partialName(target, "packed"));
  for (const place of new Set([directory, plainDirectory])) removeRemains(place, now());
  assertFreeSpace(directory, isPlain || form.isEncrypted ? size : 2 * size, options.freeBytes);
  assertFreeSpace(plainDirectory, size, options.freeBytes);
  try {
    await copyDatabase(path, plain, { ...options, onCopied: (share) => options.onProgress?.("copy", share) });
    options.onProgress?.("check", 0);
    const state = checkFile(plain, options.migrations);
    options.onProgress?.("pack", 0);
    const database = isPlain ? await fingerprintOf(plain) : await pack(plain, packed, { ...options, encrypter });
    await syncToDisk(packed);
    const kept = isPlain ? database : await fingerprintOf(packed);
    writeManifest(target, {
      createdAt: toIso(at),
      program: options.program,
      compression: form.isCompressed ? "gzip" : "none",
      encryption: form.isEncrypted ? "age" : "none",
      ...kept,
      database: { ...state, ...database },
    });
    renameSync(packed, target);
    await syncToDisk(directory);
  } catch (error) {
    throw options.signal?.aborted === true ? interrupted(error) : error;
  } finally {
    for (const left of [plain, packed]) rmSync(left, { force: true });
  }
  const manifest = readManifest(target);
  await assertUntouched(target, manifest);
  return { path: target, manifest, removed: rotate(options) };
}

/** The newest is the one just made and checked, so a good one always stays. */
function rotate({ keep, directory, path }: BackupOptions): readonly string[] {
  if (keep === undefined) return [];
  const whole = listBackups(directory, path).flatMap((backup) =>
    backup.manifest === undefined || backup.problem !== undefined
      ? []
      : [{ backup, createdAt: backup.manifest.createdAt }],
  );
  const surplus = chooseSurplus(whole, keep).map(({ backup }) => backup);
  for (const backup of surplus) removeBackup(backup);
  return surplus.map((backup) => backup.path);
}

/** Another process may make a backup in the same second. */
function partialName(target: string, part: string): string {
  return `${UNFINISHED}${part}-${basename(target)}-${randomUUID()}`;
}

function interrupted(cause: unknown): PilotError {
  return new PilotError("interrupted", "Interrupted: no backup was made.", {
    hint: "Run it again; what is stored is as it was.",
    cause,
  });
}
