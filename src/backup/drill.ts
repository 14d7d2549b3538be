/** Tries a restore: the newest backup must give a database that answers. */
import { basename, join } from "node:path";
import { PilotError } from "../errors.ts";
import { identify } from "../store/database/snapshot.ts";
import { withSystemErrors } from "../store/files/system-errors.ts";
import { type CheckedTexts, checkTexts } from "../store/log-text/text-check.ts";
import { findNewest } from "./catalogue.ts";
import type { Manifest } from "./manifest.ts";
import { type RestoreOptions, restoreBackup } from "./restore.ts";
import { inFolder } from "./verify.ts";

export interface DrillOptions extends Omit<RestoreOptions, "backup"> {
  readonly directory: string;
  /** The database whose newest backup is tried. */
  readonly path: string;
}

export interface DrillReport {
  readonly backup: string;
  readonly manifest: Manifest;
  /** Log text that was unpacked and compared with its hashes. */
  readonly texts: CheckedTexts;
}

/**
 * Restores the newest backup to a place of its own beside it, checks it there, and removes it again. Compares the rows of every
 * table with the manifest, and every block of log text with its hash. Errors: `not_found`, and as {@link restoreBackup}.
 */
export async function drill({ directory, path, ...options }: DrillOptions): Promise<DrillReport> {
  const newest = findNewest(directory, path, idOf(path, options));
  return withSystemErrors(directory, () =>
    inFolder(directory, "drill", options, async (folder) => {
      const restored = join(folder, basename(path));
      const { manifest } = await restoreBackup({ backup: newest.path, path: restored, ...options });
      return { backup: newest.path, manifest, texts: await checkTexts(restored, options.signal) };
    }),
  );
}

/** Undefined when the database is gone or damaged, which is what backups are for. */
function idOf(path: string, { migrations, waitMs }: Pick<DrillOptions, "migrations" | "waitMs">): string | undefined {
  try {
    return identify(path, migrations, waitMs).id;
  } catch (error) {
    if (error instanceof PilotError && error.code !== "busy") return undefined;
    throw error;
  }
}
