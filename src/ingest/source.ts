/** Where log text comes from: files, compressed files and standard input, opened so that their beginning can be looked at first. */
import { closeSync, createReadStream, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { PilotError } from "../errors.ts";
import { KIB } from "../units.ts";

/** The name under which standard input is given and shown. */
export const STDIN_PATH = "-";

/** Enough for a few hundred lines: the log type is told from them. */
export const HEAD_BYTES = 64 * KIB;
const CHUNK_BYTES = 64 * KIB;

/** A log that is open: its beginning, and a stream of all of it. */
export interface OpenSource {
  readonly path: string;
  /** Up to {@link HEAD_BYTES} of the decompressed text. */
  readonly head: Buffer;
  /** It can still grow: a plain file. An unterminated last line then waits for its rest. */
  readonly canGrow: boolean;
  /** Bytes on disk, compressed or not, for progress; undefined for standard input. */
  readonly sizeBytes: number | undefined;
  /** Streams the text from `position` on, as latin1. To be called once. */
  readonly read: (position: number) => Readable;
  readonly close: () => void;
}

/**
 * Opens a log. Errors: `io`, with a sentence for a missing or unreadable file and for a directory.
 */
export async function openSource(path: string, stdin: Readable): Promise<OpenSource> {
  if (path === STDIN_PATH) return openStream(path, stdin, undefined);
  const { descriptor, sizeBytes, isRegular } = openFile(path);
  if (!isRegular) return openStream(path, createReadStream(path, { fd: descriptor }), undefined);
  const head = readHead(path, descriptor);
  if (!isGzip(head)) return openPlain(path, descriptor, sizeBytes, head);
  return openStream(path, createReadStream(path, { fd: descriptor, start: 0, highWaterMark: CHUNK_BYTES }), sizeBytes);
}

interface OpenFile {
  readonly descriptor: number;
  readonly sizeBytes: number;
  readonly isRegular: boolean;
}

function openFile(path: string): OpenFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    throw new PilotError("io", openFailure(path, error), { hint: "Check the name and the rights of the file.", cause: error });
  }
  const status = fstatSync(descriptor);
  if (status.isDirectory()) {
    closeSync(descriptor);
    throw new PilotError("io", `"${path}" is a directory.`, { hint: `Name the logs in it, such as ${join(path, "mainlog")}.` });
  }
  return { descriptor, sizeBytes: status.size, isRegular: status.isFile() };
}

function openFailure(path: string, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return `There is no file "${path}".`;
  if (code === "EACCES" || code === "EPERM") return `"${path}" may not be read by this user.`;
  return `"${path}" cannot be opened (${code ?? String(error)}).`;
}

function readHead(path: string, descriptor: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  let length = 0;
  try {
    for (;;) {
      const read = readSync(descriptor, head, length, head.length - length, length);
      length += read;
      if (read === 0 || length === head.length) return head.subarray(0, length);
    }
  } catch (error) {
    closeSync(descriptor);
    throw readFailure(path, error);
  }
}

/** What went wrong while reading, as a user can act on it: a damaged archive, a failing disk. */
export function readFailure(path: string, error: unknown): PilotError {
  if (error instanceof PilotError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const isArchive = code?.startsWith("Z_") === true;
  const sentence = isArchive ? `"${path}" is damaged or cut off: ${message}.` : `Reading "${path}" failed: ${message}.`;
  return new PilotError("io", sentence, {
    hint: "What could be read of it is stored; the next run carries on from there.",
    cause: error,
  });
}

function isGzip(head: Uint8Array): boolean {
  return head.length > 2 && head[0] === 0x1f && head[1] === 0x8b;
}

function openPlain(path: string, descriptor: number, sizeBytes: number, head: Buffer): OpenSource {
  let isStreaming = false;
  return {
    path,
    head,
    canGrow: true,
    sizeBytes,
    read: (position) => {
      isStreaming = true;
      return createReadStream(path, { fd: descriptor, start: position, encoding: "latin1", highWaterMark: CHUNK_BYTES });
    },
    close: () => {
      if (!isStreaming) closeSync(descriptor);
    },
  };
}

/** A stream is read once, so its head is kept; compressed or not is told from its first bytes. */
async function openStream(path: string, stream: Readable, sizeBytes: number | undefined): Promise<OpenSource> {
  const first = await peek(path, stream, 3);
  const isCompressed = isGzip(first.head);
  const text = isCompressed ? first.rest.pipe(createGunzip({ chunkSize: CHUNK_BYTES })) : first.rest;
  if (isCompressed) first.rest.on("error", (error) => text.destroy(error));
  const { head, rest } = await peek(path, text, HEAD_BYTES);
  return {
    path,
    head,
    canGrow: false,
    sizeBytes,
    read: (position) => Readable.from(skipBytes(rest, position), { objectMode: false, encoding: "latin1" }),
    close: () => {
      rest.destroy();
      stream.destroy();
    },
  };
}

interface Peeked {
  readonly head: Buffer;
  /** The whole stream, the head included. */
  readonly rest: Readable;
}

async function peek(path: string, stream: Readable, wanted: number): Promise<Peeked> {
  const chunks: Buffer[] = [];
  const iterator = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let length = 0;
  try {
    while (length < wanted) {
      const next = await iterator.next();
      if (next.done === true) break;
      chunks.push(next.value);
      length += next.value.length;
    }
  } catch (error) {
    // NOTE: an archive may be damaged so early that there is no head at all.
    if (length === 0) throw readFailure(path, error);
    const head = Buffer.concat(chunks);
    return { head: head.subarray(0, wanted), rest: Readable.from(failAfter(head, error), { objectMode: false }) };
  }
  const head = Buffer.concat(chunks);
  return { head: head.subarray(0, wanted), rest: Readable.from(continueAfter(head, iterator), { objectMode: false }) };
}

async function* continueAfter(head: Buffer, iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  for (;;) {
    const next = await iterator.next();
    if (next.done === true) return;
    yield next.value;
  }
}

async function* failAfter(head: Buffer, error: unknown): AsyncGenerator<Buffer> {
  yield head;
  throw error;
}

async function* skipBytes(stream: Readable, count: number): AsyncGenerator<Buffer> {
  let left = count;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (left >= chunk.length) {
      left -= chunk.length;
      continue;
    }
    yield left === 0 ? chunk : chunk.subarray(left);
    left = 0;
  }
}
