/**
 * Log text that goes, written out first: gzip files for each log that loses text, each with a manifest beside it that tells how to
 * ingest it again. Text counts as archived once it was read back from the disk and is what is about to be removed.
 */
import { createHash, randomUUID } from "node:crypto";
import { createWriteStream, existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { PilotError } from "../errors.ts";
import { makePrivateDirectory, OWNER_ONLY, syncToDisk } from "../store/disk.ts";
import { assertFreeSpace, type FreeBytes } from "../store/free-space.ts";
import type { FallingBlock, PrunedLog, Pruner } from "../store/pruner.ts";
import { DAY_MS, type EpochMs, epochMs, MIB, toIso } from "../units.ts";
import {
  type ArchiveManifest,
  archiveFailure,
  MANIFEST_VERSION,
  manifestOf,
  type Piece,
  pieceName,
  piecesIn,
  readPiece,
} from "./archive-piece.ts";

export interface ArchiveOptions {
  readonly directory: string;
  readonly program: string;
  readonly now: () => EpochMs;
  readonly signal?: AbortSignal | undefined;
  readonly freeBytes?: FreeBytes | undefined;
  /** Told of each piece that cannot be relied on: a sentence. */
  readonly onWarning: (sentence: string) => void;
}

/**
 * Makes sure that the text which the plan lets go is in the directory; returns the files written.
 * Errors: `io`, `disk_full`, `check_failed`, `corrupt`, `busy`, `interrupted`.
 */
export async function archiveFalling(pruner: Pruner, options: ArchiveOptions): Promise<readonly string[]> {
  const { directory, signal } = options;
  makePrivateDirectory(directory, "Nothing was removed.");
  try {
    removeLeftovers(options);
    const pieces = piecesIn(directory);
    for (const { path, manifest } of pieces)
      if (manifest === undefined)
        options.onWarning(`The manifest "${manifestOf(path)}" is missing or damaged, so the archive is not relied on.`);
    const written: string[] = [];
    for (const [log, falling] of pruner.fallingLogs()) {
      const archived = await archivedOf(log, falling, pieces, options);
      for (const run of runsOf(falling, archived)) written.push(await archiveRun(pruner, log, run, options));
    }
    return written;
  } catch (error) {
    throw archiveFailure(error, directory, signal);
  }
}

/** Ids of the blocks that are in the directory already: a run that was killed may have left what it wrote. */
async function archivedOf(
  log: PrunedLog,
  blocks: readonly FallingBlock[],
  pieces: readonly Piece[],
  { onWarning, signal }: ArchiveOptions,
): Promise<ReadonlySet<number>> {
  const archived = new Set<number>();
  const identity = identityOf(log);
  for (const { path, manifest, ...piece } of pieces) {
    if (manifest === undefined || piece.identity !== identity) continue;
    if (manifest.server !== log.server || manifest.logType !== log.logType) continue;
    const end = manifest.position + manifest.size;
    if (!blocks.some(({ position, size }) => position >= manifest.position && position + size <= end)) continue;
    const holding = await readPiece(path, manifest, blocks, signal);
    if (holding === undefined)
      onWarning(`The archive "${path}" is damaged: what is still in the database is archived again.`);
    // NOTE: a whole one without these blocks is that of another log, which begins alike.
    for (const id of holding?.blocks ?? []) archived.add(id);
  }
  return archived;
}

/** What is not archived, in runs without a gap. */
function runsOf(blocks: readonly FallingBlock[], archived: ReadonlySet<number>): FallingBlock[][] {
  const runs: FallingBlock[][] = [];
  let end: number | undefined;
  for (const block of blocks) {
    if (archived.has(block.id)) continue;
    if (block.position === end) runs.at(-1)?.push(block);
    else runs.push([block]);
    end = block.position + block.size;
  }
  return runs;
}

async function archiveRun(
  pruner: Pruner,
  log: PrunedLog,
  blocks: readonly FallingBlock[],
  options: ArchiveOptions,
): Promise<string> {
  const { directory, signal } = options;
  // NOTE: gzip packs logs better than the database does; the rest is for the manifest and the directory.
  assertFreeSpace(directory, sum(blocks.map(({ packedSize }) => packedSize)) + MIB, options.freeBytes);
  const partial = join(directory, `${PARTIAL}${randomUUID()}.log.gz`);
  try {
    const hash = createHash("sha256");
    const texts = function* (): Generator<Buffer> {
      for (const block of blocks) {
        const bytes = pruner.bytesOf(block);
        hash.update(bytes);
        yield bytes;
      }
    };
    await pipeline(
      Readable.from(texts()),
      createGzip(),
      createWriteStream(partial, { flags: "wx", mode: OWNER_ONLY.file }),
      { signal },
    );
    await syncToDisk(partial);
    const path = giveName(partial, log, blocks, hash.digest("hex"), options);
    await syncToDisk(directory);
    await assertHolds(path, blocks, signal);
    return path;
  } finally {
    rmSync(partial, { force: true });
  }
}

/** Writes the manifest, which takes the name, and gives the file that name: the first that nothing has. */
function giveName(
  partial: string,
  log: PrunedLog,
  blocks: readonly FallingBlock[],
  sha256: string,
  { directory, program, now }: ArchiveOptions,
): string {
  const from = blocks[0]?.position ?? 0;
  const size = sum(blocks.map((block) => block.size));
  for (let count = 1; ; count++) {
    const name = pieceName(nameOf(log), from, from + size, count);
    const path = join(directory, name);
    if (existsSync(path)) continue;
    const manifest: ArchiveManifest = {
      version: MANIFEST_VERSION,
      file: name,
      createdAt: toIso(now()),
      program,
      server: log.server,
      timeZone: log.timeZone,
      logType: log.logType,
      path: log.path,
      position: from,
      size,
      lines: sum(blocks.map(({ lines }) => lines)),
      sha256,
      firstTimestamp: furthest(
        blocks.map(({ firstMs }) => firstMs),
        Math.min,
      ),
      lastTimestamp: furthest(
        blocks.map(({ lastMs }) => lastMs),
        Math.max,
      ),
      ingest: ["ingest", "--server", log.server, "--timezone", log.timeZone, "--log-type", log.logType, name],
    };
    if (!writeNew(manifestOf(path), `${JSON.stringify(manifest, undefined, 2)}\n`)) continue;
    try {
      renameSync(partial, path);
    } catch (error) {
      rmSync(manifestOf(path), { force: true });
      throw error;
    }
    return path;
  }
}

/** False when there is such a file already. */
function writeNew(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { mode: OWNER_ONLY.file, flag: "wx", flush: true });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    rmSync(path, { force: true });
    throw error;
  }
}

/** Looks at what stands there now, under its name. */
async function assertHolds(
  path: string,
  blocks: readonly FallingBlock[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const piece = piecesIn(dirname(path)).find((other) => other.path === path);
  const holding = piece?.manifest === undefined ? undefined : await readPiece(path, piece.manifest, blocks, signal);
  if (blocks.every(({ id }) => holding?.blocks.has(id) === true)) return;
  throw new PilotError("check_failed", `The archive "${path}" does not read as it was written.`, {
    hint: "Nothing of it was removed from the database. Look at the disk, or name another directory.",
  });
}

const PARTIAL = ".exim-pilot-";
const LEFT_FOR_MS = DAY_MS;

/** Removes what killed runs have begun; another one may be writing now. */
function removeLeftovers({ directory, now }: ArchiveOptions): void {
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(PARTIAL) || !name.endsWith(".log.gz")) continue;
    const path = join(directory, name);
    const changedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (changedMs !== undefined && changedMs < now() - LEFT_FOR_MS) rmSync(path, { force: true });
  }
}

/** Longer names of servers are cut: a file system takes 255 bytes. */
const LONGEST_SERVER = 100;

/** `mx1-main-1f0c2a9be01d`: of which server, what, and which one, by its first bytes. */
function nameOf(log: PrunedLog): string {
  const server = log.server.slice(0, LONGEST_SERVER).replaceAll(/[^\w.-]|^[.-]/g, "_");
  return `${server}-${log.logType}-${identityOf(log)}`;
}

function identityOf({ server, logType, head }: PrunedLog): string {
  return createHash("sha256").update(`${server}\0${logType}\0`).update(head).digest("hex").slice(0, 12);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function furthest(times: readonly (EpochMs | null)[], choose: (...values: number[]) => number): string | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0
    ? null
    : toIso(epochMs(known.reduce((one: number, other) => choose(one, other), known[0] ?? 0)));
}
