/** Standard streams of the process, which may be full, closed or gone at any write, as each of its threads has them. */
import { createReadStream, fstatSync, writeSync } from "node:fs";
import { Socket, type SocketConstructorOpts } from "node:net";
import { type Readable, Writable } from "node:stream";
import { isatty, ReadStream, WriteStream } from "node:tty";
import type { SystemError } from "../../store/files/system-errors.ts";

const [STDIN, STDOUT, STDERR] = [0, 1, 2];
/** The reader has closed its end: it wants no more, which is no failure. */
const READER_GONE: ReadonlySet<string> = new Set(["EPIPE", "ECONNRESET"]);
const RETRY_MS = 5;

type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** Standard input is opened when it is asked for: a stream that is made may begin to read. */
export interface ProcessStreams {
  readonly stdin: Readable;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

export interface OutputListener {
  readonly onReaderGone: () => void;
  readonly onFailure: () => void;
}

/** Waits until all that was printed was taken, or never will be; returns why it was not, unless its reader has gone. */
export type FinishOutput = (signal: AbortSignal) => Promise<SystemError | undefined>;

/** Streams for the first thread. */
export function streamsOfProcess(): ProcessStreams {
  return {
    get stdin() {
      return process.stdin;
    },
    stdout: isStreamOfNode(STDOUT) ? process.stdout : new DescriptorStream(STDOUT),
    stderr: isStreamOfNode(STDERR) ? process.stderr : new DescriptorStream(STDERR),
  };
}

/** Streams for another thread: there, those of Node.js would copy everything to the first one. */
export function streamsOfThread(): ProcessStreams {
  let stdin: Readable | undefined;
  return {
    get stdin() {
      stdin ??= openInput();
      return stdin;
    },
    stdout: isatty(STDOUT) ? new WriteStream(STDOUT) : new DescriptorStream(STDOUT),
    stderr: isatty(STDERR) ? new WriteStream(STDERR) : new DescriptorStream(STDERR),
  };
}

/** Watches standard output. A failed write makes the rest unwanted; no error of it is thrown. */
export function watchOutput(stream: Writable, listener: OutputListener): FinishOutput {
  let failure: SystemError | undefined;
  stream.on("error", (error: SystemError) => {
    if (READER_GONE.has(error.code)) listener.onReaderGone();
    else {
      // NOTE: after the first one come those of writing to a stream that has ended.
      failure ??= error;
      listener.onFailure();
    }
  });
  return async (signal) => {
    if (stream.writableLength > 0) await taken(stream, signal);
    // NOTE: errors of a stream are told in a later turn of the event loop.
    await new Promise(setImmediate);
    return failure;
  };
}

/** For standard error: what cannot be told there is told nowhere, and changes nothing else. */
export function ignoreFailures(stream: Writable): void {
  stream.on("error", () => {
    // NOTE: this is the place where failures are told; there is no other one.
  });
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

function openInput(): Readable {
  if (isatty(STDIN)) return new ReadStream(STDIN);
  const kind = fstatSync(STDIN);
  if (!kind.isFIFO() && !kind.isSocket()) return createReadStream("", { fd: STDIN, autoClose: false });
  // NOTE: without manualStart it would take from the pipe what another program may be meant to read.
  const options = { fd: STDIN, readable: true, writable: false, manualStart: true };
  return new Socket(options as SocketConstructorOpts);
}

/** Written whole or failed, in the turn in which it is asked for: what is written is not lost when its thread ends. */
class DescriptorStream extends Writable {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    super({ decodeStrings: true });
    this.#descriptor = descriptor;
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    let rest = bytes;
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(this.#descriptor, rest));
      done();
    } catch (error) {
      // NOTE: a pipe that another process shares may have been set not to block.
      if ((error as SystemError).code === "EAGAIN") setTimeout(() => this._write(rest, _encoding, done), RETRY_MS);
      else done(error as Error);
    }
  }
}
