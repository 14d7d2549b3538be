/** Files and named pipes: opened, and read at any place. */
import { closeSync, constants, fstatSync, open, openSync, read, readSync, statSync } from "node:fs";
import { PilotError } from "../../errors.ts";
import { KIB } from "../../units.ts";
import { readFailure } from "./read-failure.ts";

export const CHUNK_BYTES = 64 * KIB;

/** Enough for a few hundred lines: the log type is told from them. */
export const HEAD_BYTES = 64 * KIB;

/** By so many bytes it is made sure that a log is the one that was read before. */
export const COMPARED_BYTES = 256;

export interface LogFile {
  readonly descriptor: number;
  readonly sizeBytes: number;
  /** A `device` is what is neither a file nor a pipe. */
  readonly kind: "file" | "pipe" | "device";
}

/** Errors: `unreadable`, with a sentence for a missing or unreadable file and for a directory. */
export async function openFile(path: string, signal: AbortSignal | undefined): Promise<LogFile> {
  let descriptor: number;
  try {
    descriptor = statSync(path).isFIFO() ? await openPipe(path, signal) : openSync(path, "r");
  } catch (error) {
    throw new PilotError("unreadable", openFailure(path, error), {
      hint: "Check the name and the rights of the file.",
      cause: error,
    });
  }
  const status = fstatSync(descriptor);
  if (status.isDirectory()) {
    closeSync(descriptor);
    throw new PilotError("unreadable", `"${path}" is a directory.`, { hint: "Name a log in it." });
  }
  const kind = status.isFile() ? "file" : status.isFIFO() ? "pipe" : "device";
  return { descriptor, sizeBytes: status.size, kind };
}

/** A pipe opens when somebody begins to write to it. At an abort that is us, until it has. */
function openPipe(path: string, signal: AbortSignal | undefined): Promise<number> {
  signal?.throwIfAborted();
  let writer: number | undefined;
  const release = (): void => {
    try {
      writer = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    } catch {
      // NOTE: a pipe we may not write to waits on for its writer; a second signal ends the process.
    }
  };
  signal?.addEventListener("abort", release, { once: true });
  return new Promise<number>((resolve, reject) => {
    open(path, "r", (error, descriptor) => {
      signal?.removeEventListener("abort", release);
      if (writer !== undefined) closeSync(writer);
      if (error === null) resolve(descriptor);
      else reject(error);
    });
  });
}

function openFailure(path: string, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return `There is no file "${path}".`;
  if (code === "EACCES" || code === "EPERM") return `"${path}" may not be read by this user.`;
  return `"${path}" cannot be opened (${code ?? String(error)}).`;
}

/** Up to `length` bytes at `position`; fewer at the end of the file. Errors: `unreadable`. */
export function readAt(path: string, descriptor: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  try {
    for (;;) {
      const count = readSync(descriptor, bytes, filled, length - filled, position + filled);
      filled += count;
      if (count === 0 || filled === length) return bytes.subarray(0, filled);
    }
  } catch (error) {
    throw readFailure(path, error);
  }
}

/** Progress through a file. */
export interface ReadProgress {
  bytesRead: number;
}

/**
 * The bytes of a file behind `before`, which ends at `position`. Each reading overlaps the one before it: where that is not
 * found again, the file was cut off (copytruncate) or written again meanwhile, and the log that is being read ends there.
 */
export async function* readOn(
  descriptor: number,
  position: number,
  before: Uint8Array,
  progress: ReadProgress,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  let known: Uint8Array = before.subarray(-COMPARED_BYTES);
  let end = position;
  for (;;) {
    progress.bytesRead = end;
    signal?.throwIfAborted();
    const bytes = await readChunk(descriptor, end - known.length, known.length + CHUNK_BYTES);
    if (bytes.length <= known.length || !bytes.subarray(0, known.length).equals(known)) return;
    const chunk = bytes.subarray(known.length);
    end += chunk.length;
    known = bytes.subarray(-COMPARED_BYTES);
    yield chunk;
  }
}

/** Up to `length` bytes at `position`. */
function readChunk(descriptor: number, position: number, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.allocUnsafe(length);
    read(descriptor, bytes, 0, length, position, (error, count) => {
      if (error === null) resolve(bytes.subarray(0, count));
      else reject(error);
    });
  });
}
