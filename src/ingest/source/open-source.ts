/** Interface of an open source of log text, and of the stored text that it is compared with. */
import type { Readable } from "node:stream";

/** Returns stored bytes of a log, as latin1, that end at `end`; fewer than `length` if the rest is no longer stored. */
export type ReadStoredBytes = (end: number, length: number) => string;

/**
 * - `continues`: the bytes before the position are the stored ones; {@link OpenSource.read} continues behind them.
 * - `known`: the log ends at or before the position, and its end is the stored one: nothing is new.
 * - `different`: it is another log.
 */
export type SourceComparison = "continues" | "known" | "different";

/** Settings with which sources are opened. */
export interface SourceOptions {
  readonly stdin: Readable;
  /** Environment of the programs that decompress. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends all waiting and reading, with an error where there is no end to be told from it. */
  readonly signal?: AbortSignal | undefined;
}

/** The text of a file that is not compressed, from a position on: all that another thread needs to read it. */
export interface FileText {
  readonly descriptor: number;
  /** Bytes before `position` that are read already and belong to the text; may be empty. */
  readonly begun: Uint8Array;
  readonly position: number;
  /** The bytes before `position`, or the last of them. */
  readonly before: Uint8Array;
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
  readonly compare: (position: number, stored: ReadStoredBytes) => Promise<SourceComparison>;
  /** Streams the bytes: all of them, or what follows the position of the last comparison. To be called once. */
  readonly read: () => Readable;
  /**
   * Like {@link read}, but ends when the source pauses, so that what has come can be stored; after it {@link goesOn} tells
   * whether there is more, to be read by the next call. What lies on a disk does not pause.
   */
  readonly readUntilPause: () => Readable;
  /** Where {@link read} would read, for another thread to read it in its place; undefined where only this one can. */
  readonly fileText?: () => FileText;
  /** Takes note of how far another thread has read. */
  readonly noteRead?: (bytes: number) => void;
  /** Waits for more; false at the end. Errors: `unreadable`. */
  readonly goesOn: () => Promise<boolean>;
  readonly close: () => void;
}
