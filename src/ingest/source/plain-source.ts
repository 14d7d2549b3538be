import { closeSync } from "node:fs";
import { Readable } from "node:stream";
import { agrees } from "./forward-source.ts";
import { COMPARED_BYTES, type ReadProgress, readAt, readOn } from "./log-file.ts";
import type { FileText, OpenSource } from "./open-source.ts";

/** A file that is not compressed. */
export function openPlain(path: string, descriptor: number, sizeBytes: number, head: Buffer): OpenSource {
  const progress = { bytesRead: 0 };
  let start: Start = { position: 0, before: Buffer.alloc(0) };
  const fileText = (): FileText => textFrom(descriptor, start, head);
  const read = (): Readable => Readable.from(readFileText(fileText(), progress), { objectMode: false });
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
    fileText,
    noteRead: (bytes) => {
      progress.bytesRead = bytes;
    },
    goesOn: async () => false,
    close: () => closeSync(descriptor),
  };
}

interface Start {
  readonly position: number;
  /** The bytes before it, or the last of them. */
  readonly before: Buffer;
}

/** The text from a position on. The head has been read already, and is what the log was recognised by. */
function textFrom(descriptor: number, { position, before }: Start, head: Buffer): FileText {
  if (position >= head.length) return { descriptor, begun: Buffer.alloc(0), position, before };
  return { descriptor, begun: head.subarray(position), position: head.length, before: head };
}

/** The bytes of a text; see {@link readOn} for where it ends. */
export async function* readFileText(
  { descriptor, begun, position, before }: FileText,
  progress: ReadProgress,
): AsyncGenerator<Uint8Array> {
  if (begun.length > 0) yield begun;
  yield* readOn(descriptor, position, before, progress);
}
