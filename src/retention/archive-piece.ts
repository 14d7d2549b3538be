/**
 * One file of an archive and the manifest beside it. A name or a manifest says what a piece should hold; only its bytes, read from the
 * disk and compared with the hashes of the blocks, say what it does hold.
 */
import { createHash, type Hash } from "node:crypto";
import { createReadStream, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { PilotError } from "../errors.ts";
import { readRegularFile } from "../store/files/disk.ts";
import type { ExpiredBlock } from "../store/prune/pruner.ts";

/** Raised when a field changes its meaning. */
export const MANIFEST_VERSION = 1;

export interface ArchiveManifest {
  readonly version: typeof MANIFEST_VERSION;
  readonly file: string;
  /** ISO-8601 UTC. */
  readonly createdAt: string;
  readonly program: string;
  readonly server: string;
  readonly timeZone: string;
  readonly logType: string;
  /** Path of the log when it was last seen. */
  readonly path: string;
  /** Position of the first byte in the log. */
  readonly position: number;
  /** Size, lines and hash of the log text. */
  readonly size: number;
  readonly lines: number;
  readonly sha256: string;
  /** ISO-8601 UTC, of the earliest and the latest line; null when no line has a stamp. */
  readonly firstTimestamp: string | null;
  readonly lastTimestamp: string | null;
  /** Arguments that ingest it again, run in the directory of the archive. */
  readonly ingest: readonly string[];
}

/** A file that may hold a piece of a log. */
export interface ArchivePiece {
  readonly name: string;
  readonly path: string;
  /** Identity of the log, from its first bytes: two logs may share it. */
  readonly identity: string;
  /** Range of the log that the name states. */
  readonly range: Pick<ArchiveManifest, "position" | "size">;
  /** Undefined: it cannot be used. */
  readonly manifest: ArchiveManifest | undefined;
}

const FORM = /-([0-9a-f]{12})-(\d+)-(\d+)(?:-\d+)?\.log\.gz$/;

/** `mx1-main-1f0c2a9be01d-000000000000-000000946301`; the second of that name ends in `-2`. */
export function pieceName(log: string, from: number, end: number, count: number): string {
  return `${log}-${pad(from)}-${pad(end)}${count === 1 ? "" : `-${count}`}.log.gz`;
}

export function manifestOf(path: string): string {
  return `${path}.json`;
}

/** The pieces in a directory; a manifest without its file is none. */
export function piecesIn(directory: string): readonly ArchivePiece[] {
  return readdirSync(directory)
    .sort()
    .flatMap((name) => {
      const [, identity, from, end] = FORM.exec(name) ?? [];
      if (identity === undefined) return [];
      const path = join(directory, name);
      const range = { position: Number(from), size: Number(end) - Number(from) };
      return [{ name, path, identity, range, manifest: readManifest(path, name) }];
    });
}

/** Undefined when it is missing, damaged, or that of another file. */
function readManifest(path: string, name: string): ArchiveManifest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(readRegularFile(manifestOf(path)));
  } catch (error) {
    if (error instanceof SyntaxError || isSystemError(error)) return undefined;
    throw error;
  }
  return isManifest(value) && value.file === name ? value : undefined;
}

function isManifest(value: unknown): value is ArchiveManifest {
  if (typeof value !== "object" || value === null) return false;
  const { version, file, server, timeZone, logType, position, size, sha256, ingest } = value as Partial<
    Record<keyof ArchiveManifest, unknown>
  >;
  const isText = (field: unknown): boolean => typeof field === "string";
  const isCount = (field: unknown): boolean => Number.isSafeInteger(field) && (field as number) >= 0;
  return (
    version === MANIFEST_VERSION &&
    [file, server, timeZone, logType, sha256].every(isText) &&
    [position, size].every(isCount) &&
    Array.isArray(ingest) &&
    ingest.every(isText)
  );
}

/** Content that a file was found to have. */
export interface Holding {
  /** Ids of the blocks whose bytes are in it, at their place. */
  readonly blocks: ReadonlySet<number>;
  /** Hash of all of its text. */
  readonly sha256: string;
}

/**
 * Reads a piece from the disk, to its end; undefined when it cannot be read or has another size. `blocks`: those that it may hold, in
 * their order. Errors: `interrupted`, as the stream has it.
 */
export async function readPiece(
  path: string,
  { position, size }: Pick<ArchiveManifest, "position" | "size">,
  blocks: readonly ExpiredBlock[],
  signal?: AbortSignal,
): Promise<Holding | undefined> {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  const reading = new Reading(position, size, blocks);
  try {
    await pipeline(
      createReadStream(path),
      createGunzip(),
      async (source: AsyncIterable<Buffer>) => {
        for await (const chunk of source) reading.add(chunk);
      },
      { signal },
    );
  } catch (error) {
    // NOTE: errors of zlib and of the disk answer the question; a signal and a bug do not.
    if (signal?.aborted === true || !(error instanceof TooMuch || isSystemError(error) || isZlibError(error)))
      throw error;
    return undefined;
  }
  return reading.end();
}

/** The same with the hash that the manifest tells; undefined too when it is another one. Errors: as {@link readPiece}. */
export async function readAsManifestSays(
  path: string,
  manifest: ArchiveManifest,
  blocks: readonly ExpiredBlock[],
  signal?: AbortSignal,
): Promise<Holding | undefined> {
  const holding = await readPiece(path, manifest, blocks, signal);
  return holding?.sha256 === manifest.sha256 ? holding : undefined;
}

/** A file that continues beyond what its manifest says, perhaps without end. */
class TooMuch extends Error {}

/** Hashes the bytes of a piece: all of them, and those of each block. */
class Reading {
  readonly blocks = new Set<number>();
  readonly #size: number;
  readonly #position: number;
  readonly #expected: readonly ExpiredBlock[];
  readonly #all = createHash("sha256");
  #read = 0;
  #next = 0;
  #block: Hash = createHash("sha256");

  constructor(position: number, size: number, blocks: readonly ExpiredBlock[]) {
    this.#position = position;
    this.#size = size;
    this.#expected = blocks.filter(
      (block) => block.position >= position && block.position + block.size <= position + size,
    );
  }

  add(chunk: Buffer): void {
    this.#all.update(chunk);
    for (let offset = 0; offset < chunk.length; ) offset += this.#addToBlock(chunk.subarray(offset), offset);
    this.#read += chunk.length;
    if (this.#read > this.#size) throw new TooMuch();
  }

  /** Undefined when it ended too early. */
  end(): Holding | undefined {
    return this.#read === this.#size ? { blocks: this.blocks, sha256: this.#all.digest("hex") } : undefined;
  }

  /** Returns how many bytes were before, or of, the next block. `offset`: of `bytes` within their chunk. */
  #addToBlock(bytes: Buffer, offset: number): number {
    const block = this.#expected[this.#next];
    if (block === undefined) return bytes.length;
    const at = this.#position + this.#read + offset;
    if (at < block.position) return Math.min(bytes.length, block.position - at);
    const part = bytes.subarray(0, block.position + block.size - at);
    this.#block.update(part);
    if (at + part.length === block.position + block.size) {
      if (this.#block.digest().equals(block.sha256)) this.blocks.add(block.id);
      this.#block = createHash("sha256");
      this.#next++;
    }
    return part.length;
  }
}

/**
 * Translates an error of the file system while an archive is written into a sentence that a user can act on; any
 * other error is returned unchanged.
 */
export function archiveFailure(error: unknown, directory: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true && !(error instanceof PilotError)) {
    return new PilotError("interrupted", "Interrupted while the archive was written: none of that text was removed.", {
      hint: "The next run continues.",
      cause: error,
    });
  }
  if (!isSystemError(error)) return error;
  return error.code === "ENOSPC" || error.code === "EDQUOT"
    ? new PilotError("disk_full", `The disk that holds "${directory}" is full.`, {
        hint: "Nothing was removed that is not archived. Free some space, or name a directory on another disk.",
        cause: error,
      })
    : new PilotError("io", `The archive in "${directory}" cannot be read or written (${error.code}).`, {
        hint: "Nothing was removed that is not archived. Check the rights of the directory and the disk, or name another one.",
        cause: error,
      });
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException & { readonly code: string } {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string";
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith("Z_");
}

function pad(position: number): string {
  return String(position).padStart(12, "0");
}
