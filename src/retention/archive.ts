/**
 * Log text that goes, written out first: gzip files for each log that loses text, each with a manifest beside it that tells how to
 * ingest it again. Text counts as archived once it was read back from the disk and is what is about to be removed. The manifest comes
 * last: a run that was killed before leaves a whole file without one, which the next run gives one.
 */
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { PilotError } from "../errors.ts";
import { makePrivateDirectory } from "../store/files/disk.ts";
import { assertFreeSpace, type FreeBytes } from "../store/files/free-space.ts";
import { createPrivateFile, isUnnamedFile, writePrivateFile } from "../store/files/private-file.ts";
import type { ExpiredBlock, PrunedLog, Pruner } from "../store/prune/pruner.ts";
import { DAY_MS, type EpochMs, epochMs, MIB, toIso } from "../units.ts";
import {
  type ArchiveManifest,
  type ArchivePiece,
  archiveFailure,
  MANIFEST_VERSION,
  manifestOf,
  pieceName,
  piecesIn,
  readAsManifestSays,
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
export async function archiveExpired(pruner: Pruner, options: ArchiveOptions): Promise<readonly string[]> {
  const { directory, signal } = options;
  makePrivateDirectory(directory, "Nothing was removed.");
  try {
    removeLeftovers(options);
    for (const [log, expired] of pruner.expiredLogs()) await finishPieces(log, expired, options);
    const pieces = piecesIn(directory);
    for (const { path, manifest } of pieces)
      if (manifest === undefined)
        options.onWarning(
          `The manifest "${manifestOf(path)}" is missing or damaged, so this archive is not relied on.`,
        );
    const written: string[] = [];
    for (const [log, expired] of pruner.expiredLogs()) {
      const archived = await archivedOf(log, expired, pieces, options);
      for (const run of runsOf(expired, archived)) written.push(await archiveRun(pruner, log, run, options));
    }
    return written;
  } catch (error) {
    throw archiveFailure(error, directory, signal);
  }
}

/** Gives the files a manifest that a killed run has left without one, when they hold what goes and nothing else. */
async function finishPieces(log: PrunedLog, expired: readonly ExpiredBlock[], options: ArchiveOptions): Promise<void> {
  const identity = identityOf(log);
  for (const { path, name, range, ...piece } of piecesIn(options.directory)) {
    if (piece.identity !== identity || !isFree(manifestOf(path))) continue;
    const end = range.position + range.size;
    const blocks = expired.filter(({ position, size }) => position >= range.position && position + size <= end);
    if (sum(blocks.map(({ size }) => size)) !== range.size) continue;
    const holding = await readPiece(path, range, blocks, options.signal);
    if (holding !== undefined && blocks.every(({ id }) => holding.blocks.has(id)))
      writeManifest(path, manifestFor(name, log, blocks, holding.sha256, options));
  }
}

/** Ids of the blocks that are in the directory already: a run that was killed may have left what it wrote. */
async function archivedOf(
  log: PrunedLog,
  blocks: readonly ExpiredBlock[],
  pieces: readonly ArchivePiece[],
  { onWarning, signal }: ArchiveOptions,
): Promise<ReadonlySet<number>> {
  const archived = new Set<number>();
  const identity = identityOf(log);
  for (const { path, manifest, ...piece } of pieces) {
    if (manifest === undefined || piece.identity !== identity) continue;
    if (manifest.server !== log.server || manifest.logType !== log.logType) continue;
    const end = manifest.position + manifest.size;
    if (!blocks.some(({ position, size }) => position >= manifest.position && position + size <= end)) continue;
    const holding = await readAsManifestSays(path, manifest, blocks, signal);
    if (holding === undefined)
      onWarning(`The archive "${path}" is damaged: text that is still in the database is archived again.`);
    // NOTE: a whole one without these blocks is that of another log, which begins alike.
    for (const id of holding?.blocks ?? []) archived.add(id);
  }
  return archived;
}

/** Blocks not yet archived, in runs without a gap. */
function runsOf(blocks: readonly ExpiredBlock[], archived: ReadonlySet<number>): ExpiredBlock[][] {
  const runs: ExpiredBlock[][] = [];
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
  blocks: readonly ExpiredBlock[],
  options: ArchiveOptions,
): Promise<string> {
  const { directory, signal } = options;
  // NOTE: gzip packs logs better than the database does; the rest is for the manifest and the directory.
  assertFreeSpace(directory, sum(blocks.map(({ packedSize }) => packedSize)) + MIB, options.freeBytes);
  for (;;) {
    const name = freeName(directory, log, blocks);
    const path = join(directory, name);
    try {
      const sha256 = await writeText(path, pruner, blocks, signal);
      writeManifest(path, manifestFor(name, log, blocks, sha256, options));
    } catch (error) {
      // NOTE: another prune archives the same log at the same time.
      if (error instanceof PilotError && error.code === "exists") continue;
      throw error;
    }
    await assertHolds(path, blocks, signal);
    return path;
  }
}

/** Returns the hash of the text. Errors: as {@link createPrivateFile}, and those of reading the text. */
async function writeText(
  path: string,
  pruner: Pruner,
  blocks: readonly ExpiredBlock[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const hash = createHash("sha256");
  const texts = function* (): Generator<Buffer> {
    for (const block of blocks) {
      const bytes = pruner.bytesOf(block);
      hash.update(bytes);
      yield bytes;
    }
  };
  const file = createPrivateFile(path, { replaces: false });
  try {
    await pipeline(
      Readable.from(texts()),
      createGzip(),
      async (packed: AsyncIterable<Buffer>) => {
        for await (const chunk of packed) file.write(chunk);
      },
      { signal },
    );
    file.finish();
  } finally {
    file.discard();
  }
  return hash.digest("hex");
}

/** The first name that no file has, nor a manifest. */
function freeName(directory: string, log: PrunedLog, blocks: readonly ExpiredBlock[]): string {
  const from = blocks[0]?.position ?? 0;
  const end = from + sum(blocks.map(({ size }) => size));
  for (let count = 1; ; count++) {
    const name = pieceName(nameOf(log), from, end, count);
    const path = join(directory, name);
    if (isFree(path) && isFree(manifestOf(path))) return name;
  }
}

function isFree(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) === undefined;
}

function manifestFor(
  file: string,
  log: PrunedLog,
  blocks: readonly ExpiredBlock[],
  sha256: string,
  { program, now }: ArchiveOptions,
): ArchiveManifest {
  return {
    version: MANIFEST_VERSION,
    file,
    createdAt: toIso(now()),
    program,
    server: log.server,
    timeZone: log.timeZone,
    logType: log.logType,
    path: log.path,
    position: blocks[0]?.position ?? 0,
    size: sum(blocks.map(({ size }) => size)),
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
    ingest: ["ingest", "--server", log.server, "--timezone", log.timeZone, "--log-type", log.logType, file],
  };
}

function writeManifest(path: string, manifest: ArchiveManifest): void {
  writePrivateFile(manifestOf(path), `${JSON.stringify(manifest, undefined, 2)}\n`, { replaces: false });
}

/** Looks at what is there now, under its name. */
async function assertHolds(
  path: string,
  blocks: readonly ExpiredBlock[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const piece = piecesIn(dirname(path)).find((other) => other.path === path);
  const holding =
    piece?.manifest === undefined ? undefined : await readAsManifestSays(path, piece.manifest, blocks, signal);
  if (blocks.every(({ id }) => holding?.blocks.has(id) === true)) return;
  throw new PilotError("check_failed", `The archive "${path}" does not read as it was written.`, {
    hint: "Nothing of it was removed from the database. Look at the disk, or name another directory.",
  });
}

const LEFT_FOR_MS = DAY_MS;

/** Removes what killed runs have begun; another one may be writing now. */
function removeLeftovers({ directory, now }: ArchiveOptions): void {
  for (const name of readdirSync(directory).filter(isUnnamedFile)) {
    const path = join(directory, name);
    const status = lstatSync(path, { throwIfNoEntry: false });
    if (status?.isFile() === true && status.mtimeMs < now() - LEFT_FOR_MS) rmSync(path, { force: true });
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
