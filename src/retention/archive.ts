/**
 * Log text that goes, written out first: one gzip file for each log that loses text, with a manifest beside it that tells how
 * to ingest it again. Blocks fall from the beginning of a log, so the archives of a log follow each other without overlap.
 */
import { createHash } from "node:crypto";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { PilotError } from "../errors.ts";
import { makePrivateDirectory, OWNER_ONLY, syncToDisk } from "../store/disk.ts";
import { assertFreeSpace } from "../store/free-space.ts";
import type { FallingBlock, PrunedLog, Pruner } from "../store/pruner.ts";
import { type EpochMs, epochMs, toIso } from "../units.ts";

const MANIFEST_VERSION = 1;

export interface ArchiveManifest {
  readonly version: typeof MANIFEST_VERSION;
  readonly file: string;
  /** ISO-8601 UTC. */
  readonly createdAt: string;
  readonly program: string;
  readonly server: string;
  readonly timeZone: string;
  readonly logType: string;
  /** Of the log, as it was last seen. */
  readonly path: string;
  /** Of the first byte in the log. */
  readonly position: number;
  /** Of the log text: bytes, lines, hash. */
  readonly size: number;
  readonly lines: number;
  readonly sha256: string;
  /** ISO-8601 UTC, of the earliest and the latest line; null when no line has a stamp. */
  readonly firstTimestamp: string | null;
  readonly lastTimestamp: string | null;
  /** Arguments that ingest it again, run in the directory of the archive. */
  readonly ingest: readonly string[];
}

export interface ArchiveOptions {
  readonly directory: string;
  readonly program: string;
  readonly now: () => EpochMs;
}

/** Writes the text that the plan lets go; returns the files written. Errors: `io`, `disk_full`, `check_failed`. */
export async function archiveFalling(pruner: Pruner, options: ArchiveOptions): Promise<readonly string[]> {
  const { directory } = options;
  makePrivateDirectory(directory, "Nothing was removed.");
  const written: string[] = [];
  for (const [log, falling] of pruner.fallingLogs()) {
    const done = archivedUntil(directory, log);
    const blocks = falling.filter(({ position }) => position >= done);
    if (blocks.length > 0) written.push(await archiveLog(pruner, log, blocks, options));
  }
  return written;
}

async function archiveLog(
  pruner: Pruner,
  log: PrunedLog,
  blocks: readonly FallingBlock[],
  { directory, program, now }: ArchiveOptions,
): Promise<string> {
  const size = sum(blocks.map((block) => block.size));
  assertFreeSpace(directory, size);
  const [first] = blocks;
  const from = first?.position ?? 0;
  const name = `${nameOf(log)}-${pad(from)}-${pad(from + size)}.log.gz`;
  const path = join(directory, name);
  const partial = join(directory, `.exim-pilot-${name}`);
  rmSync(partial, { force: true });
  try {
    const hash = createHash("sha256");
    const texts = function* (): Generator<Buffer> {
      for (const block of blocks) {
        const bytes = Buffer.from(pruner.textOf(block), "latin1");
        hash.update(bytes);
        yield bytes;
      }
    };
    await pipeline(
      Readable.from(texts()),
      createGzip(),
      createWriteStream(partial, { flags: "wx", mode: OWNER_ONLY.file }),
    );
    const sha256 = hash.digest("hex");
    await assertReadsBack(partial, sha256);
    await syncToDisk(partial);
    const times = {
      first: least(
        blocks.map(({ firstMs }) => firstMs),
        Math.min,
      ),
      last: least(
        blocks.map(({ lastMs }) => lastMs),
        Math.max,
      ),
    };
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
      firstTimestamp: times.first,
      lastTimestamp: times.last,
      ingest: ["ingest", "--server", log.server, "--timezone", log.timeZone, "--log-type", log.logType, name],
    };
    writeFileSync(`${path}.json`, `${JSON.stringify(manifest, undefined, 2)}\n`, {
      mode: OWNER_ONLY.file,
      flush: true,
    });
    renameSync(partial, path);
    await syncToDisk(directory);
    return path;
  } finally {
    rmSync(partial, { force: true });
  }
}

/** Up to which byte a log is archived already: a run that was killed may have left what it wrote. */
function archivedUntil(directory: string, log: PrunedLog): number {
  const form = new RegExp(`-${identityOf(log)}-(\\d+)-(\\d+)\\.log\\.gz$`);
  const ends = readdirSync(directory).flatMap((name) => {
    const [, from, end] = form.exec(name) ?? [];
    return end === undefined || !isWhole(join(directory, name), Number(end) - Number(from)) ? [] : [Number(end)];
  });
  return Math.max(0, ...ends);
}

/** The manifest is written first, so a file with its manifest is whole. */
function isWhole(path: string, size: number): boolean {
  if (!existsSync(`${path}.json`)) return false;
  return (JSON.parse(readFileSync(`${path}.json`, "utf8")) as ArchiveManifest).size === size;
}

async function assertReadsBack(path: string, sha256: string): Promise<void> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), createGunzip(), async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) hash.update(chunk);
  });
  if (hash.digest("hex") === sha256) return;
  throw new PilotError("check_failed", `The archive "${path}" does not read as it was written.`, {
    hint: "Nothing was removed. Look at the disk, or name another directory.",
  });
}

/** `mx1-main-1f0c2a9be01d`: of which server, what, and which one, by its first bytes. */
function nameOf(log: PrunedLog): string {
  return `${log.server.replaceAll(/[^\w.-]/g, "_")}-${log.logType}-${identityOf(log)}`;
}

function identityOf({ server, logType, head }: PrunedLog): string {
  return createHash("sha256").update(`${server}\0${logType}\0`).update(head).digest("hex").slice(0, 12);
}

function pad(position: number): string {
  return String(position).padStart(12, "0");
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function least(times: readonly (EpochMs | null)[], choose: (...values: number[]) => number): string | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0
    ? null
    : toIso(epochMs(known.reduce((one: number, other) => choose(one, other), known[0] ?? 0)));
}
