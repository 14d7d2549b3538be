/** Standard output and standard error of the process, which may be full, closed or gone at any write. */
import { fstatSync, writeSync } from "node:fs";
import { Writable } from "node:stream";
import { isatty } from "node:tty";
import type { SystemError } from "../store/system-errors.ts";

/** The reader has closed its end: it wants no more, which is no failure. */
const READER_GONE: ReadonlySet<string> = new Set(["EPIPE", "ECONNRESET"]);
const RETRY_MS = 5;

export interface StandardOutput {
  readonly stream: Writable;
  /** Waits until all that was printed was taken, or never will be; returns why it was not, unless its reader has gone. */
  readonly finish: (signal: AbortSignal) => Promise<SystemError | undefined>;
}

export interface OutputListener {
  readonly onReaderGone: () => void;
  readonly onFailure: () => void;
}

/** Standard output of this process. A failed write makes the rest unwanted; no error of it is thrown. */
export function openStandardOutput(listener: OutputListener): StandardOutput {
  const stream = isStreamOfNode(1) ? process.stdout : new FileOutput(1);
  let failure: SystemError | undefined;
  stream.on("error", (error: SystemError) => {
    if (READER_GONE.has(error.code)) listener.onReaderGone();
    else {
      // NOTE: after the first one come those of writing to a stream that has ended.
      failure ??= error;
      listener.onFailure();
    }
  });
  return {
    stream,
    finish: async (signal) => {
      if (stream.writableLength > 0) await taken(stream, signal);
      // NOTE: errors of a stream are told in a later turn of the event loop.
      await new Promise(setImmediate);
      return failure;
    },
  };
}

/** Standard error of this process: what cannot be told there is told nowhere, and changes nothing else. */
export function openStandardError(): Writable {
  const stream = isStreamOfNode(2) ? process.stderr : new FileOutput(2);
  stream.on("error", () => {
    // NOTE: this is the place where failures are told; there is no other one.
  });
  return stream;
}

function taken(stream: Writable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    stream.write("", () => resolve());
    stream.once("close", resolve);
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Terminals, pipes and sockets. The stream that Node.js has for a file takes a part that was written for all of it. */
function isStreamOfNode(descriptor: number): boolean {
  if (isatty(descriptor)) return true;
  const status = fstatSync(descriptor);
  return status.isFIFO() || status.isSocket();
}

/** A file, or a device that is no terminal: written whole or failed, in the turn in which it is asked for. */
class FileOutput extends Writable {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    super();
    this.#descriptor = descriptor;
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    try {
      for (let written = 0; written < bytes.length; ) written += this.#writeSome(bytes.subarray(written));
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  #writeSome(bytes: Buffer): number {
    try {
      return writeSync(this.#descriptor, bytes);
    } catch (error) {
      if ((error as SystemError).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
      return 0;
    }
  }
}
