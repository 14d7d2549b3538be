/** Text that can only be read forward: what a pipe gives, and what comes out of an archive. */
import { Readable } from "node:stream";
import { SECOND_MS } from "../../units.ts";
import { ByteStream, type Pause } from "./byte-stream.ts";
import { findCodec, MAGIC_BYTES } from "./codec.ts";
import { decompress } from "./decompress.ts";
import { CHUNK_BYTES, COMPARED_BYTES, HEAD_BYTES } from "./log-file.ts";
import type { OpenSource, ReadStoredBytes, SourceComparison, SourceOptions } from "./open-source.ts";
import { readFailure } from "./read-failure.ts";

/** A writer that is at work gives its lines in quicker succession; what trickles is stored twice a second. */
const PAUSE: Pause = { pauseMs: SECOND_MS / 4, mostMs: SECOND_MS / 2 };

export interface ForwardSource
  extends Pick<OpenSource, "head" | "compare" | "read" | "readUntilPause" | "goesOn" | "close"> {}

/** Decompresses what is compressed. `stream` is the caller's to destroy; `pauses`: it is worth looking at before it ends. */
export async function openForward(
  path: string,
  stream: AsyncIterable<Buffer>,
  pauses: boolean,
  { env, signal }: SourceOptions,
): Promise<ForwardSource> {
  const closing = new AbortController();
  const ending = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
  const bytes = new ByteStream(stream, HEAD_BYTES);
  const codec = findCodec(await reading(path, bytes.peek(MAGIC_BYTES)));
  const text =
    codec === undefined
      ? bytes
      : new ByteStream(decompress(codec, bytes, CHUNK_BYTES, { env, signal: ending }), HEAD_BYTES);
  await reading(path, pauses ? text.peekUntilPause(HEAD_BYTES, PAUSE) : text.peek(HEAD_BYTES));
  const compare = async (position: number, stored: ReadStoredBytes): Promise<SourceComparison> => {
    const passed = await reading(path, text.skip(position, COMPARED_BYTES));
    if (!agrees(passed.lastBytes.toString("latin1"), stored, passed.count)) return "different";
    const next = await reading(path, text.peek(1));
    return passed.count < position || next.length === 0 ? "known" : "continues";
  };
  return {
    get head() {
      return text.beginning;
    },
    compare,
    read: () => Readable.from(text, { objectMode: false }),
    readUntilPause: () => Readable.from(text.untilPause(PAUSE), { objectMode: false }),
    goesOn: async () => (await reading(path, text.peek(1))).length > 0,
    close: () => closing.abort(),
  };
}

/** True when the text that ends at `end` and the stored text that ends there agree, as far as both are there. */
export function agrees(actual: string, stored: ReadStoredBytes, end: number): boolean {
  const expected = stored(end, actual.length);
  return actual.endsWith(expected);
}

async function reading<Result>(path: string, bytes: Promise<Result>): Promise<Result> {
  try {
    return await bytes;
  } catch (error) {
    throw readFailure(path, error);
  }
}
