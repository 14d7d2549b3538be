/** Standard streams for a thread that is not the first: those of Node.js go through the first one, which would have to copy everything. */
import { createReadStream, fstatSync, writeSync } from "node:fs";
import { Socket, type SocketConstructorOpts } from "node:net";
import { type Readable, Writable } from "node:stream";
import { isatty, ReadStream, WriteStream } from "node:tty";
import type { ProcessStreams } from "./io.ts";

const [STDIN, STDOUT, STDERR] = [0, 1, 2];

/** Standard input is opened when it is asked for. */
export function openStreams(): ProcessStreams {
  let stdin: Readable | undefined;
  return {
    get stdin() {
      stdin ??= openInput();
      return stdin;
    },
    stdout: openOutput(STDOUT),
    stderr: openOutput(STDERR),
  };
}

function openOutput(descriptor: number): ProcessStreams["stdout"] {
  return isatty(descriptor) ? new WriteStream(descriptor) : new DescriptorStream(descriptor);
}

function openInput(): Readable {
  if (isatty(STDIN)) return new ReadStream(STDIN);
  const kind = fstatSync(STDIN);
  if (!kind.isFIFO() && !kind.isSocket()) return createReadStream("", { fd: STDIN, autoClose: false });
  // NOTE: without manualStart it would take from the pipe what another program may be meant to read.
  const options = { fd: STDIN, readable: true, writable: false, manualStart: true };
  return new Socket(options as SocketConstructorOpts);
}

const RETRY_MS = 5;

/** Writes at once and waits while the reader is slower: only this thread waits, and what is written is not lost when it ends. */
class DescriptorStream extends Writable {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    super({ decodeStrings: true });
    this.#descriptor = descriptor;
  }

  override _write(piece: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    let rest = piece;
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(this.#descriptor, rest));
      done();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // NOTE: a pipe that another process shares may have been set not to block.
      if (code === "EAGAIN") setTimeout(() => this._write(rest, _encoding, done), RETRY_MS);
      else done(error as Error);
    }
  }
}
