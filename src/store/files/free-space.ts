/** Space on a disk, asked for before it is used: a full disk stops the mail server beside us. */
import { statfsSync } from "node:fs";
import { PilotError } from "../../errors.ts";

/** Bytes that may still be written to the file system of a directory, by this user. */
export function freeBytesAt(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

export type FreeBytes = typeof freeBytesAt;

/** Errors: `disk_full` when the file system of `directory` has less than `neededBytes` left. */
export function assertFreeSpace(directory: string, neededBytes: number, freeBytes: FreeBytes = freeBytesAt): void {
  const free = freeBytes(directory);
  if (free >= neededBytes) return;
  throw new PilotError(
    "disk_full",
    `The disk that holds "${directory}" has ${inMib(free)} MiB left, and up to ${inMib(neededBytes)} MiB are needed.`,
    { hint: "Free some space, or name a directory on another disk. Nothing was changed." },
  );
}

function inMib(bytes: number): string {
  return Math.ceil(bytes / 1024 / 1024).toLocaleString("en-US");
}
