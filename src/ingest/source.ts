/** Where log text comes from: files, compressed files, pipes and standard input, opened so that their beginning can be looked at first. */
import { createReadStream } from "node:fs";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { openArchive } from "./archive-source.ts";
import { findCodec } from "./codec.ts";
import { HEAD_BYTES, openFile, readAt } from "./log-file.ts";
import { openPlain } from "./plain-source.ts";
import { openStream } from "./stream-source.ts";

/** The name under which standard input is given and shown. */
export const STDIN_PATH = "-";

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

/** What sources are read with. */
export interface SourceSurroundings {
  readonly stdin: Readable;
  /** Of the programs that decompress. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends all waiting and reading, with an error where there is no end to be told from it. */
  readonly signal?: AbortSignal | undefined;
}

/** A log that is open. */
export interface OpenSource {
  readonly path: string;
  /** The beginning of the decompressed text, up to 64 KiB; of what flows by, as far as it has come. */
  readonly head: Buffer;
  /** Size on disk, compressed or not, for progress; undefined for standard input. */
  readonly sizeBytes: number | undefined;
  /** Size of the text; undefined where only its end tells. */
  readonly textBytes: number | undefined;
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
  /**
   * Like {@link read}, but ends when the source pauses, so that what has come can be stored; after it {@link goesOn} tells
   * whether there is more, to be read by the next call. What lies on a disk does not pause.
   */
  readonly readUntilPause: () => Readable;
  /** Waits for more; false at the end. Errors: `unreadable`. */
  readonly goesOn: () => Promise<boolean>;
  readonly close: () => void;
}

/**
 * Opens a log. Errors: `unreadable`, with a sentence for a missing or unreadable file and for a directory, for an archive whose
 * beginning is damaged and for one whose program is missing.
 */
export async function openSource(path: string, surroundings: SourceSurroundings): Promise<OpenSource> {
  if (path === STDIN_PATH) return openStream(path, surroundings.stdin, surroundings);
  const { descriptor, sizeBytes, kind } = await openFile(path, surroundings.signal);
  // NOTE: a reading of a pipe that goes by way of Node's threads cannot be given up.
  if (kind === "pipe")
    return openStream(path, new Socket({ fd: descriptor, readable: true, writable: false }), surroundings);
  if (kind === "device") return openStream(path, createReadStream(path, { fd: descriptor }), surroundings);
  const head = readAt(path, descriptor, 0, HEAD_BYTES);
  // NOTE: of what /proc and its kind make up while it is read, the size is told as nothing.
  if (sizeBytes === 0 && head.length > 0)
    return openStream(path, createReadStream(path, { fd: descriptor, start: 0 }), surroundings);
  const codec = findCodec(head);
  if (codec === undefined) return openPlain(path, descriptor, sizeBytes, head);
  return openArchive(path, descriptor, sizeBytes, codec, surroundings);
}
