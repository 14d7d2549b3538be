/** The backups in a directory. */
import { readdirSync, rmSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { PilotError } from "../errors.ts";
import { escapeForm } from "../text.ts";
import { type EpochMs, HOUR_MS } from "../units.ts";
import { type Manifest, readManifest } from "./manifest.ts";
import { manifestPath, stemOf, UNFINISHED } from "./name.ts";

export interface ListedBackup {
  readonly path: string;
  /** Undefined when it cannot be used; see `problem`. */
  readonly manifest: Manifest | undefined;
  readonly sizeBytes: number;
  /** What is wrong with it as far as a look at its name, size and manifest tells; undefined when nothing is. */
  readonly problem: string | undefined;
}

const STAMP = String.raw`-\d{8}T\d{6}Z\.db(?:\.gz)?(?:\.age)?`;

/** The backups of `database` in `directory`, the newest first. Errors: `io` when the directory cannot be read. */
export function listBackups(directory: string, database: string): readonly ListedBackup[] {
  const form = new RegExp(`^${escapeForm(stemOf(database))}${STAMP}$`);
  return namesIn(directory)
    .filter((name) => form.test(name))
    .sort()
    .reverse()
    .map((name) => lookAt(join(directory, name)));
}

/** The newest that looks whole. Errors: `not_found`. */
export function findNewest(directory: string, database: string): ListedBackup {
  const newest = listBackups(directory, database).find(({ problem }) => problem === undefined);
  if (newest !== undefined) return newest;
  throw new PilotError("not_found", `There is no whole backup of "${database}" in "${directory}".`, {
    hint: "Make one with `exim-pilot backup`.",
  });
}

export function removeBackup({ path }: ListedBackup): void {
  // NOTE: the backup first; a manifest alone is no backup, and the next run removes it.
  unlinkSync(path);
  unlinkSync(manifestPath(path));
}

/** Nothing works on a file that long without touching it. */
const ABANDONED_MS = HOUR_MS;

/** Removes what killed runs have left: unfinished files, and manifests without a backup. */
export function removeRemains(directory: string, now: EpochMs): void {
  const names = new Set(namesIn(directory));
  for (const name of names) {
    const isUnfinished = name.startsWith(UNFINISHED);
    const isManifest = new RegExp(`${STAMP}\\.json$`).test(name) && !names.has(name.slice(0, -".json".length));
    const path = join(directory, name);
    if (!isUnfinished && !isManifest) continue;
    // Another backup may just have ended, and its files be gone.
    const status = statSync(path, { throwIfNoEntry: false });
    if (status !== undefined && now - status.mtimeMs > ABANDONED_MS) rmSync(path, { recursive: true, force: true });
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    throw new PilotError("io", `The directory "${directory}" cannot be read.`, {
      hint: "Name the directory of the backups; `exim-pilot backup` makes it when it is missing.",
      cause: error,
    });
  }
}

function lookAt(path: string): ListedBackup {
  const sizeBytes = statSync(path).size;
  try {
    const manifest = readManifest(path);
    const problem =
      manifest.size === sizeBytes ? undefined : `is ${sizeBytes} bytes long and was made with ${manifest.size}`;
    return { path, manifest, sizeBytes, problem };
  } catch (error) {
    if (!(error instanceof PilotError)) throw error;
    return { path, manifest: undefined, sizeBytes, problem: error.message };
  }
}
