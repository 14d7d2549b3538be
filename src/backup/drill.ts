/** A restore that is only tried: does the newest backup really give a database that answers? */
import { mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { OWNER_ONLY } from "../store/disk.ts";
import type { Migrations } from "../store/migrations.ts";
import { type CheckedTexts, checkTexts } from "../store/text-check.ts";
import type { EpochMs } from "../units.ts";
import { findNewest } from "./catalogue.ts";
import type { Keys } from "./encryption.ts";
import type { Manifest } from "./manifest.ts";
import { stampOf, UNFINISHED } from "./name.ts";
import { restoreBackup } from "./restore.ts";

export interface DrillOptions {
  readonly directory: string;
  /** The database whose newest backup is tried. */
  readonly path: string;
  readonly keys: Keys;
  readonly migrations: Migrations;
  readonly waitMs: number;
  readonly now: () => EpochMs;
}

export interface DrillReport {
  readonly backup: string;
  readonly manifest: Manifest;
  /** Log text that was unpacked and compared with its hashes. */
  readonly texts: CheckedTexts;
}

/**
 * Restores the newest backup to a place of its own beside it, compares the rows of every table with its manifest and every
 * block of log text with its hash, and removes it again. Errors: `not_found`, and as {@link restoreBackup}.
 */
export async function drill({ directory, path, ...options }: DrillOptions): Promise<DrillReport> {
  const newest = findNewest(directory, path);
  const folder = join(directory, `${UNFINISHED}drill-${stampOf(options.now())}`);
  const restored = join(folder, basename(path));
  mkdirSync(folder, { mode: OWNER_ONLY.directory });
  try {
    const { manifest } = await restoreBackup({ backup: newest.path, path: restored, ...options });
    return { backup: newest.path, manifest, texts: checkTexts(restored) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
