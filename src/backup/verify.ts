/** Whether a backup can be trusted: its manifest, its hash, and the database in it, opened. */
import { mkdtempSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { PilotError } from "../errors.ts";
import { assertFreeSpace } from "../store/free-space.ts";
import type { Migrations } from "../store/migrations.ts";
import { checkFile, type RowCounts } from "../store/snapshot.ts";
import type { Keys } from "./encryption.ts";
import { type Manifest, readManifest } from "./manifest.ts";
import { UNFINISHED } from "./name.ts";
import { fingerprintOf, unpack } from "./packing.ts";

export interface VerifyOptions {
  readonly keys: Keys;
  readonly migrations: Migrations;
  /** Where it may be unpacked for a while; undefined: beside the backup. */
  readonly scratch?: string;
}

export interface VerifiedBackup {
  readonly path: string;
  readonly manifest: Manifest;
  readonly counts: RowCounts;
}

/**
 * Unpacks a backup into a directory that is removed again, and checks it from its manifest to its last page.
 * Errors: `check_failed`, `usage` (a key is missing), `schema_newer`, `disk_full`, `io`.
 */
export async function verifyBackup(path: string, options: VerifyOptions): Promise<VerifiedBackup> {
  const folder = makeFolder(options.scratch ?? dirname(path));
  try {
    const manifest = await unpackVerified(path, join(folder, "database"), options);
    return { path, manifest, counts: manifest.database.counts };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes the database in a backup to the new file `target` once all of it has been checked. Errors: as {@link verifyBackup}. */
export async function unpackVerified(
  path: string,
  target: string,
  { keys, migrations }: VerifyOptions,
): Promise<Manifest> {
  const manifest = readManifest(path);
  await assertUntouched(path, manifest);
  assertFreeSpace(dirname(target), manifest.database.size);
  const { size, sha256 } = await unpack(path, target, manifest, keys);
  if (size !== manifest.database.size || sha256 !== manifest.database.sha256)
    throw damaged(path, "what is in it is not what was put there");
  assertState(path, target, manifest, migrations);
  return manifest;
}

/** Errors: `check_failed` when the file is not the one that was made. */
export async function assertUntouched(path: string, manifest: Manifest): Promise<void> {
  const { size, sha256 } = await fingerprintOf(path).catch((error: unknown) => {
    throw new PilotError("io", `The backup "${path}" cannot be read.`, {
      hint: "Check the name and the rights of the file; `exim-pilot backup --list` names them.",
      cause: error,
    });
  });
  if (size < manifest.size) throw damaged(path, `it was cut off after ${size} of ${manifest.size} bytes`);
  if (size !== manifest.size || sha256 !== manifest.sha256) throw damaged(path, "it was changed since it was made");
}

function assertState(path: string, unpacked: string, { database }: Manifest, migrations: Migrations): void {
  try {
    const { schema, counts } = checkFile(unpacked, migrations);
    const different = Object.keys({ ...counts, ...database.counts }).filter(
      (table) => counts[table] !== database.counts[table],
    );
    if (schema !== database.schema) throw damaged(path, "its manifest speaks of another schema");
    if (different.length > 0) throw damaged(path, `its manifest counts other rows of ${different.join(", ")}`);
  } catch (error) {
    if (!(error instanceof PilotError)) throw error;
    // NOTE: where it was unpacked to says nothing to anybody.
    const message = error.message.replaceAll(unpacked, basename(path));
    throw new PilotError(
      error.code === "corrupt" || error.code === "not_a_database" ? "check_failed" : error.code,
      message,
      {
        ...(error.hint === undefined ? {} : { hint: error.hint }),
        cause: error,
      },
    );
  }
}

function damaged(path: string, why: string): PilotError {
  return new PilotError("check_failed", `The backup "${path}" is damaged: ${why}.`, {
    hint: "Use another one; `exim-pilot backup --list` names them.",
  });
}

function makeFolder(parent: string): string {
  try {
    return mkdtempSync(join(parent, `${UNFINISHED}verify-`));
  } catch (error) {
    throw new PilotError("io", `Nothing can be written in "${parent}", where the backup is to be unpacked.`, {
      hint: "Check that the directory exists, and its rights.",
      cause: error,
    });
  }
}
