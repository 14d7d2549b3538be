/** Opens sources of log text (files, compressed files, pipes and standard input) so that their beginning can be examined first. */
import { createReadStream } from "node:fs";
import { Socket } from "node:net";
import { openArchive } from "./archive-source.ts";
import { findCodec } from "./codec.ts";
import { HEAD_BYTES, openFile, readAt } from "./log-file.ts";
import type { OpenSource, SourceOptions } from "./open-source.ts";
import { openPlain } from "./plain-source.ts";
import { openStream } from "./stream-source.ts";

/** The name under which standard input is given and shown. */
export const STDIN_PATH = "-";

/**
 * Opens a log. Errors: `unreadable`. It has a sentence for a missing or unreadable file, a directory, an archive whose beginning
 * is damaged, and one whose program is missing.
 */
export async function openSource(path: string, options: SourceOptions): Promise<OpenSource> {
  if (path === STDIN_PATH) return openStream(path, options.stdin, options);
  const { descriptor, sizeBytes, kind } = await openFile(path, options.signal);
  // NOTE: a reading of a pipe that goes by way of Node's threads cannot be given up.
  if (kind === "pipe")
    return openStream(path, new Socket({ fd: descriptor, readable: true, writable: false }), options);
  if (kind === "device") return openStream(path, createReadStream(path, { fd: descriptor }), options);
  const head = readAt(path, descriptor, 0, HEAD_BYTES);
  // NOTE: files that the system generates while they are read, as in /proc, have size 0.
  if (sizeBytes === 0 && head.length > 0)
    return openStream(path, createReadStream(path, { fd: descriptor, start: 0 }), options);
  const codec = findCodec(head);
  if (codec === undefined) return openPlain(path, descriptor, sizeBytes, head);
  return openArchive(path, descriptor, sizeBytes, codec, options);
}
