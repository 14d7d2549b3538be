import { closeSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import { PilotError } from "../errors.ts";
import { OWNER_ONLY } from "../store/disk.ts";

/** A new file that only its owner can read. */
export interface PrivateFile {
  /** Errors: `disk_full`, `io`. */
  readonly write: (bytes: Uint8Array) => void;
  /** Makes sure that all of it is on the disk. Errors: as {@link PrivateFile.write}. */
  readonly finish: () => void;
  /** Takes the file away, unless it is finished. */
  readonly discard: () => void;
}

/** Errors: `io` when there is a file of that name, or it cannot be made. */
export function createPrivateFile(path: string): PrivateFile {
  const file = translating(path, () => openSync(path, "wx", OWNER_ONLY.file));
  let isOpen = true;
  return {
    write: (bytes) => {
      for (let written = 0; written < bytes.length; )
        written += translating(path, () => writeSync(file, bytes, written));
    },
    finish: () => {
      translating(path, () => fsyncSync(file));
      isOpen = false;
      translating(path, () => closeSync(file));
    },
    discard: () => {
      if (!isOpen) return;
      isOpen = false;
      closeSync(file);
      rmSync(path, { force: true });
    },
  };
}

function translating<Result>(path: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw translate(error, path);
  }
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
