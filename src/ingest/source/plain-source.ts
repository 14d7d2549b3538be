import { closeSync } from "node:fs";
import { Readable } from "node:stream";
import { agrees } from "./forward-source.ts";
import { COMPARED_BYTES, type ReadProgress, readAt, readOn } from "./log-file.ts";
import type { OpenSource } from "./open-source.ts";

/** A file that is not compressed. */
export function openPlain(path: string, descriptor: number, sizeBytes: number, head: Buffer): OpenSource {
  const progress = { bytesRead: 0 };
  let start: Start = { position: 0, before: Buffer.alloc(0) };
  const read = (): Readable => Readable.from(readFrom(descriptor, start, head, progress), { objectMode: false });
  return {
    path,
    head,
    sizeBytes,
    textBytes: sizeBytes,
    verify: async () => {},
    bytesRead: () => progress.bytesRead,
    compare: async (position, stored) => {
      const end = Math.min(position, sizeBytes);
      const from = Math.max(0, end - COMPARED_BYTES);
      const before = readAt(path, descriptor, from, end - from);
      if (!agrees(before.toString("latin1"), stored, end)) return "different";
      start = { position, before };
      return sizeBytes > position ? "continues" : "known";
    },
    read,
    readUntilPause: read,
    goesOn: async () => false,
    close: () => closeSync(descriptor),
  };
}

interface Start {
  readonly position: number;
  /** The bytes before it, or the last of them. */
  readonly before: Buffer;
}

/** From a position on. The head has been read already, and is what the log was recognised by. */
async function* readFrom(
  descriptor: number,
  { position, before }: Start,
  head: Buffer,
  progress: ReadProgress,
): AsyncGenerator<Buffer> {
  if (position >= head.length) {
    yield* readOn(descriptor, position, before, progress);
    return;
  }
  yield head.subarray(position);
  yield* readOn(descriptor, head.length, head, progress);
}
