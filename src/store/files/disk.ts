/** Directories and files that outlive a crash, and that only their owner can read. */
import { closeSync, constants, fstatSync, fsyncSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { PilotError } from "../../errors.ts";

/** Rights of what is made. */
export const OWNER_ONLY = { file: 0o600, directory: 0o700 } as const;

/** Makes a directory with those above it, unless it is there; it then outlives a power cut. `consequence`: what a failure means, a sentence. Errors: `io`. */
export function makePrivateDirectory(directory: string, consequence = ""): void {
  try {
    const first = mkdirSync(directory, { recursive: true, mode: OWNER_ONLY.directory });
    if (first === undefined) return;
    // NOTE: the name of a directory is in the one above; if it is lost, so is its synced content.
    const highest = dirname(resolve(first));
    for (let above = dirname(resolve(directory)); ; above = dirname(above)) {
      syncToDiskAtOnce(above);
      if (above === highest || above === dirname(above)) break;
    }
  } catch (error) {
    const advice = "Check the rights of the directory above, or name another one.";
    throw new PilotError("io", `The directory "${directory}" cannot be made.`, {
      hint: consequence === "" ? advice : `${consequence} ${advice}`,
      cause: error,
    });
  }
}

/**
 * The text of a regular file. What is in a directory under a name of ours may be anything: a pipe would be waited for without end, a
 * device may never end. Errors: those of the file system, `EINVAL` for what is no regular file.
 */
export function readRegularFile(path: string): string {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (fstatSync(descriptor).isFile()) return readFileSync(descriptor, "utf8");
    throw Object.assign(new Error(`EINVAL: "${path}" is no regular file.`), { code: "EINVAL", syscall: "read", path });
  } finally {
    closeSync(descriptor);
  }
}

/** Makes sure that a file, or the names in a directory, are on the disk. */
export async function syncToDisk(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The same, where nobody else may have a turn meanwhile. */
export function syncToDiskAtOnce(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
