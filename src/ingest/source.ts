/** Where log text comes from: files, compressed files and standard input, opened so that their beginning can be looked at first. */
import { closeSync, createReadStream, fstatSync, openSync, read, readSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { PilotError } from "../errors.ts";
import { KIB } from "../units.ts";
import { ByteStream } from "./byte-stream.ts";
import { inflate } from "./inflate.ts";

/** The name under which standard input is given and shown. */
export const STDIN_PATH = "-";

/** Enough for a few hundred lines: the log type is told from them. */
const HEAD_BYTES = 64 * KIB;
const CHUNK_BYTES = 64 * KIB;
const readChunk = promisify(read);

/** By so many bytes it is made sure that a log is the one that was read before. */
const COMPARED_BYTES = 256;

/**
 * What a log is compared with: the bytes stored of one, as latin1, that end at `end`; fewer than `length` when the rest is
 * not stored any more.
 */
export type StoredText = (end: number, length: number) => string;

/**
 * - `continues`: the bytes before the position are the stored ones; {@link OpenSource.read} goes on behind them.
 * - `known`: the log ends at or before the position, and its end is the stored one: nothing is new.
 * - `different`: it is another log.
 */
export type Comparison = "continues" | "known" | "different";

/** A log that is open. */
export interface OpenSource {
  readonly path: string;
  /** The beginning of the decompressed text, up to 64 KiB. */
  readonly head: Buffer;
  /** Size on disk, compressed or not, for progress; undefined for standard input. */
  readonly sizeBytes: number | undefined;
  /** Bytes of {@link OpenSource.sizeBytes} read so far. */
  readonly bytesRead: () => number;
  /**
   * Makes sure that an archive is sound: one that is damaged in its middle gives garbage before the damage shows. One that is
   * only cut off is sound as far as it goes. Errors: `unreadable`.
   */
  readonly verify: () => Promise<void>;
  /** Compares the log with one that is stored up to `position`. */
  readonly compare: (position: number, stored: StoredText) => Promise<Comparison>;
  /** Streams the text as latin1: all of it, or what follows the position of the last comparison. To be called once. */
  readonly read: () => Readable;
  readonly close: () => void;
}

/**
 * Opens a log. Errors: `unreadable`, with a sentence for a missing or unreadable file and for a directory.
 */
export async function openSource(path: string, stdin: Readable): Promise<OpenSource> {
  if (path === STDIN_PATH) return openStream(path, stdin);
  const { descriptor, sizeBytes, isRegular } = openFile(path);
  if (!isRegular) return openStream(path, createReadStream(path, { fd: descriptor }));
  const head = readAt(path, descriptor, 0, HEAD_BYTES);
  return isGzip(head) ? openArchive(path, descriptor, sizeBytes) : openPlain(path, descriptor, sizeBytes, head);
}

/** What went wrong while reading, as a user can act on it: a damaged archive, a failing disk. */
export function readFailure(path: string, error: unknown): PilotError {
  const { code, message } = error as NodeJS.ErrnoException;
  const isArchive = code?.startsWith("Z_") === true;
  const sentence = isArchive ? `"${path}" is damaged or cut off: ${message}.` : `Reading "${path}" failed: ${message}.`;
  return new PilotError("unreadable", sentence, {
    hint: "What could be read of it is stored. Give it again when it is whole: nothing is stored twice.",
    cause: error,
  });
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
    throw new PilotError("unreadable", openFailure(path, error), {
      hint: "Check the name and the rights of the file.",
      cause: error,
    });
  }
  const status = fstatSync(descriptor);
  if (status.isDirectory()) {
    closeSync(descriptor);
    throw new PilotError("unreadable", `"${path}" is a directory.`, {
      hint: `Name the logs in it, such as "${join(path, "mainlog")}".`,
    });
  }
  return { descriptor, sizeBytes: status.size, isRegular: status.isFile() };
}

function openFailure(path: string, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return `There is no file "${path}".`;
  if (code === "EACCES" || code === "EPERM") return `"${path}" may not be read by this user.`;
  return `"${path}" cannot be opened (${code ?? String(error)}).`;
}

/** Up to `length` bytes at `position`. */
function readAt(path: string, descriptor: number, position: number, length: number): Buffer {
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

function isGzip(head: Uint8Array): boolean {
  return head.length > 2 && head[0] === 0x1f && head[1] === 0x8b;
}

/** True when the text that ends at `end` and the stored text that ends there agree, as far as both are there. */
function agrees(actual: string, stored: StoredText, end: number): boolean {
  const expected = stored(end, actual.length);
  return actual.endsWith(expected);
}

function openPlain(path: string, descriptor: number, sizeBytes: number, head: Buffer): OpenSource {
  let start = 0;
  let stream: Readable | undefined;
  return {
    path,
    head,
    sizeBytes,
    verify: async () => {},
    bytesRead: () => start + ((stream as { bytesRead?: number } | undefined)?.bytesRead ?? 0),
    compare: async (position, stored) => {
      const end = Math.min(position, sizeBytes);
      const from = Math.max(0, end - COMPARED_BYTES);
      if (!agrees(readAt(path, descriptor, from, end - from).toString("latin1"), stored, end)) return "different";
      start = position;
      return sizeBytes > position ? "continues" : "known";
    },
    read: () => {
      stream = createReadStream(path, { fd: descriptor, start, encoding: "latin1", highWaterMark: CHUNK_BYTES });
      return stream;
    },
    close: () => {
      if (stream === undefined) closeSync(descriptor);
      else stream.destroy();
    },
  };
}

/** An archive is read anew, from its beginning, for each comparison. */
async function openArchive(path: string, descriptor: number, sizeBytes: number): Promise<OpenSource> {
  const file = { bytesRead: 0 };
  const begin = (): Promise<ForwardSource> => {
    file.bytesRead = 0;
    return openForward(path, Readable.from(readAll(descriptor, file), { objectMode: false }));
  };
  let source = await begin();
  return {
    path,
    head: source.head,
    sizeBytes,
    verify: () => verifyArchive(path, descriptor),
    bytesRead: () => file.bytesRead,
    compare: async (position, stored) => {
      const comparison = await source.advance(position, stored);
      if (comparison !== "different") return comparison;
      source.close();
      source = await begin();
      return comparison;
    },
    read: () => source.read(),
    close: () => {
      source.close();
      closeSync(descriptor);
    },
  };
}

async function verifyArchive(path: string, descriptor: number): Promise<void> {
  try {
    for await (const _chunk of inflate(readAll(descriptor, { bytesRead: 0 }), CHUNK_BYTES));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === CUT_OFF) return;
    throw new PilotError("unreadable", `"${path}" is damaged: ${message}.`, {
      hint: "Nothing more of it was stored, for its text cannot be trusted. What can be saved of it, save to a file, and ingest that.",
      cause: error,
    });
  }
}

/** What zlib calls an archive that ends too early. */
const CUT_OFF = "Z_BUF_ERROR";

/** Reads a file from its beginning and leaves it open: a stream of Node's own would close it. */
async function* readAll(descriptor: number, file: { bytesRead: number }): AsyncGenerator<Buffer> {
  for (;;) {
    const { bytesRead, buffer } = await readChunk(
      descriptor,
      Buffer.alloc(CHUNK_BYTES),
      0,
      CHUNK_BYTES,
      file.bytesRead,
    );
    if (bytesRead === 0) return;
    file.bytesRead += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** What flows by once: standard input, a named pipe. */
async function openStream(path: string, stream: Readable): Promise<OpenSource> {
  const source = await openForward(path, stream);
  return {
    path,
    head: source.head,
    sizeBytes: undefined,
    verify: async () => {},
    bytesRead: () => 0,
    compare: async (position, stored) => {
      const comparison = await source.advance(position, stored);
      if (comparison !== "different") return comparison;
      throw new PilotError(
        "unreadable",
        `"${path}" begins like a log that is stored already and then differs from it.`,
        {
          hint: "Save it to a file and ingest the file.",
        },
      );
    },
    read: () => source.read(),
    close: () => source.close(),
  };
}

/** Text that can only be read forward. */
interface ForwardSource {
  readonly head: Buffer;
  readonly advance: (position: number, stored: StoredText) => Promise<Comparison>;
  readonly read: () => Readable;
  readonly close: () => void;
}

async function openForward(path: string, stream: Readable): Promise<ForwardSource> {
  const bytes = new ByteStream(stream);
  const isCompressed = isGzip(await reading(path, bytes.peek(3)));
  const text = isCompressed ? new ByteStream(inflate(bytes, CHUNK_BYTES)) : bytes;
  const head = await reading(path, text.peek(HEAD_BYTES));
  return {
    head,
    advance: async (position, stored) => {
      const passed = await reading(path, text.skip(position, COMPARED_BYTES));
      if (!agrees(passed.lastBytes.toString("latin1"), stored, passed.count)) return "different";
      const next = await reading(path, text.peek(1));
      return passed.count < position || next.length === 0 ? "known" : "continues";
    },
    read: () => Readable.from(text, { objectMode: false }).setEncoding("latin1"),
    close: () => stream.destroy(),
  };
}

async function reading<Result>(path: string, bytes: Promise<Result>): Promise<Result> {
  try {
    return await bytes;
  } catch (error) {
    throw readFailure(path, error);
  }
}
