import { once } from "node:events";
import { createWriteStream, rmSync } from "node:fs";
import { finished } from "node:stream/promises";
import { PilotError } from "../errors.ts";

const OWNER_ONLY = 0o600;

/** A new file that only its owner can read. */
export interface PrivateFile {
  /** Waits while the disk is slower. Errors: `disk_full`, `io`. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Makes sure that all of it is on the disk. */
  readonly finish: () => Promise<void>;
  /** Takes the file away. */
  readonly remove: () => Promise<void>;
}

/** Errors: `io` when there is a file of that name, or it cannot be made. */
export async function createPrivateFile(path: string): Promise<PrivateFile> {
  const stream = createWriteStream(path, { flags: "wx", mode: OWNER_ONLY, flush: true });
  const failed = finished(stream).catch((error: unknown) => {
    throw translate(error, path);
  });
  // NOTE: it is awaited where it matters; here it only must not be taken for unhandled.
  failed.catch(() => {});
  await Promise.race([once(stream, "open").catch(() => {}), failed]);
  return {
    write: async (bytes) => {
      if (!stream.write(bytes)) await Promise.race([once(stream, "drain").catch(() => {}), failed]);
    },
    finish: async () => {
      stream.end();
      await failed;
    },
    remove: async () => {
      stream.destroy();
      await failed.catch(() => {});
      rmSync(path, { force: true });
    },
  };
}

function translate(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EEXIST") {
    return new PilotError("io", `There is a file "${path}" already.`, {
      hint: "Give another name, or remove that file first: nothing is overwritten.",
      cause: error,
    });
  }
  if (code === "ENOSPC") {
    return new PilotError("disk_full", `The disk that holds "${path}" is full.`, {
      hint: "Free some space, or give a name on another disk.",
      cause: error,
    });
  }
  return new PilotError("io", `The file "${path}" cannot be written (${code ?? String(error)}).`, {
    hint: "Check that its directory exists and can be written.",
    cause: error,
  });
}
