/** The backups in a directory. */
import { existsSync, lstatSync, renameSync, rmSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { PilotError } from "../errors.ts";
import { moveToNewName } from "../store/database/replace-database.ts";
import type { DatabaseIdentity } from "../store/database/snapshot.ts";
import { findRemains, namesIn, type Processes, unfinishedName } from "../store/files/remains.ts";
import { escapeForm } from "../text.ts";
import type { EpochMs } from "../units.ts";
import { type Manifest, parseManifest, readManifest } from "./manifest.ts";
import { manifestPath, stemOf } from "./name.ts";

export interface ListedBackup {
  readonly path: string;
  /** Undefined when it cannot be used; see `problem`. */
  readonly manifest: Manifest | undefined;
  readonly sizeBytes: number;
  /** The fault that its name, size and manifest show; undefined if they show none. */
  readonly problem: string | undefined;
}

/** A backup that appears usable. */
export interface WholeBackup extends ListedBackup {
  readonly manifest: Manifest;
  readonly problem: undefined;
}

const STAMP = String.raw`-\d{8}T\d{6}Z\.db(?:\.gz)?(?:\.age)?`;

/** The backups in `directory` of databases that are called as `database`, the newest first. Errors: `io` when the directory cannot be read. */
export function listBackups(directory: string, database: string): readonly ListedBackup[] {
  const form = new RegExp(`^${escapeForm(stemOf(database))}${STAMP}$`);
  return namesIn(directory, "Name the directory of the backups; `exim-pilot backup` creates it if it is missing.")
    .filter((name) => form.test(name))
    .sort()
    .reverse()
    .flatMap((name) => lookAt(join(directory, name)));
}

/** Backups made of this very file: not those of a copy with the same id, nor of another database with the same name. */
export function backupsOf(directory: string, { id, path }: DatabaseIdentity): readonly WholeBackup[] {
  return listBackups(directory, path).filter(
    (backup): backup is WholeBackup =>
      backup.problem === undefined && backup.manifest?.database.id === id && backup.manifest.database.path === path,
  );
}

/**
 * The newest that looks whole. `id`: of the database, or undefined when it cannot be read; then its name has to do. Errors: `not_found`.
 */
export function findNewest(directory: string, database: string, id: string | undefined): ListedBackup {
  const newest = listBackups(directory, database).find(
    ({ problem, manifest }) => problem === undefined && (id === undefined || manifest?.database.id === id),
  );
  if (newest !== undefined) return newest;
  throw new PilotError("not_found", `There is no whole backup of "${database}" in "${directory}".`, {
    hint: "Make one with `exim-pilot backup`.",
  });
}

/** Removes a backup. Killed at any instant, it leaves either what {@link tidy} makes whole again or what that removes. */
export function removeBackup({ path }: ListedBackup, directory: string, processes: Processes): void {
  const manifest = join(directory, unfinishedName("manifest", processes));
  renameSync(manifestPath(path), manifest);
  unlinkSync(path);
  unlinkSync(manifest);
}

/**
 * Removes what killed runs have left in a directory, and nothing else. A run may have been killed while it gave a manifest its
 * name or took it away. A backup that lacks nothing but that name gets it back.
 */
export function tidy(directory: string, processes: Processes, now: EpochMs): void {
  for (const { kind, path } of findRemains(directory, processes, now)) {
    if (kind === "manifest" && giveBack(directory, path)) continue;
    rmSync(path, { recursive: true, force: true });
  }
}

/** True when the manifest is beside its backup now. */
function giveBack(directory: string, manifest: string): boolean {
  try {
    const { file, size } = parseManifest(manifest, manifest);
    const backup = join(directory, file);
    if (lstatSync(backup, { throwIfNoEntry: false })?.size !== size || existsSync(manifestPath(backup))) return false;
    moveToNewName(manifest, manifestPath(backup));
    return true;
  } catch (error) {
    // NOTE: a run that was killed while it wrote it has made no backup.
    if (error instanceof PilotError && error.code === "check_failed") return false;
    throw error;
  }
}

/** Empty if it was removed meanwhile. */
function lookAt(path: string): readonly ListedBackup[] {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined) return [];
  const sizeBytes = status.size;
  if (!status.isFile())
    return [{ path, manifest: undefined, sizeBytes, problem: `"${path}" is not a file of its own.` }];
  try {
    const manifest = readManifest(path);
    const problem =
      manifest.size === sizeBytes ? undefined : `is ${sizeBytes} bytes long and was made with ${manifest.size}`;
    return [{ path, manifest, sizeBytes, problem }];
  } catch (error) {
    if (!(error instanceof PilotError)) throw error;
    return [{ path, manifest: undefined, sizeBytes, problem: error.message }];
  }
}
