/** Tells a backup from a database in use: by the manifest beside it, which src/backup writes. */
import { realpathSync, statSync } from "node:fs";
import { basename } from "node:path";
import { readRegularFile } from "../files/disk.ts";

/** More than a manifest takes. */
const MOST_MANIFEST_BYTES = 1024 * 1024;

/** True when a manifest of a backup with its name is beside the file that `path` leads to. */
export function isBackup(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return false;
  const place = realpathSync(path);
  const manifest = `${place}.json`;
  const status = statSync(manifest, { throwIfNoEntry: false });
  if (status?.isFile() !== true || status.size > MOST_MANIFEST_BYTES) return false;
  try {
    const { file, sha256 } = JSON.parse(readRegularFile(manifest)) as { file?: unknown; sha256?: unknown };
    return file === basename(place) && typeof sha256 === "string";
  } catch {
    // NOTE: a file that cannot be read, or holds no object, is no manifest.
    return false;
  }
}
