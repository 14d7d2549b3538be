/** The manifest beside each backup: enough to check that the backup is whole, and to say what it contains. */
import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, statSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { PilotError } from "../errors.ts";
import type { RowCounts } from "../store/database/snapshot.ts";
import { OWNER_ONLY, readRegularFile } from "../store/files/disk.ts";
import { manifestPath } from "./name.ts";

/** Raised when a field changes its meaning. */
const MANIFEST_VERSION = 1;

export interface Manifest {
  readonly version: typeof MANIFEST_VERSION;
  /** Name of the backup, which is beside it. */
  readonly file: string;
  /** ISO-8601 UTC. */
  readonly createdAt: string;
  /** Version of exim-pilot that made it. */
  readonly program: string;
  readonly compression: "none" | "gzip";
  readonly encryption: "none" | "age";
  /** Size of the file as it is kept, in bytes. */
  readonly size: number;
  readonly sha256: string;
  /** The database inside the backup. */
  readonly database: {
    /** Random, of its making; see the table database_identity. */
    readonly id: string;
    /** Path when the backup was made: absolute, symbolic links resolved. */
    readonly path: string;
    readonly schema: number;
    readonly size: number;
    readonly sha256: string;
    /** Rows by table. */
    readonly counts: RowCounts;
  };
}

export type ManifestContent = Omit<Manifest, "version" | "file">;

/** Writes the manifest of the backup that will be at `backup` to the new file `path`. Errors: those of the file system. */
export function writeManifest(path: string, backup: string, content: ManifestContent): void {
  const manifest: Manifest = { version: MANIFEST_VERSION, file: basename(backup), ...content };
  const text = `${JSON.stringify({ ...manifest, checksum: checksumOf(manifest) }, undefined, 2)}\n`;
  const descriptor = openSync(path, "wx", OWNER_ONLY.file);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** SHA-256 of all fields, in their order. */
function checksumOf(manifest: Manifest): string {
  return createHash("sha256").update(JSON.stringify(manifest)).digest("hex");
}

/**
 * Reads the manifest of a backup. Errors: `io` when there is no such backup; `check_failed` when it is missing, damaged, or that of a file with another name.
 */
export function readManifest(backup: string): Manifest {
  const status = statSync(backup, { throwIfNoEntry: false });
  if (status?.isFile() !== true) {
    const sentence =
      status === undefined ? `There is no backup "${backup}".` : `"${backup}" is not a file, so not a backup.`;
    throw new PilotError("io", sentence, {
      hint: "`exim-pilot backup --list DIRECTORY` lists the existing ones.",
    });
  }
  const manifest = parseManifest(manifestPath(backup), backup);
  if (manifest.file !== basename(backup)) {
    throw new PilotError("check_failed", `"${backup}" was made as "${manifest.file}" and renamed since.`, {
      hint: "Give it and its manifest their old names: they say which database it is from, and when it was made.",
    });
  }
  return manifest;
}

/** Reads the manifest at `path`, which must name `backup` if one is given. Errors: `check_failed`. */
export function parseManifest(path: string, backup: string): Manifest {
  try {
    const { checksum, ...manifest } = JSON.parse(readRegularFile(path)) as Manifest & { checksum: string };
    if (!isManifest(manifest)) throw new Error("it has another form");
    if (checksum !== checksumOf(manifest)) throw new Error("it was changed since it was written");
    return manifest;
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const sentence = isMissing ? `"${backup}" has no manifest beside it.` : `The manifest "${path}" cannot be used.`;
    throw new PilotError("check_failed", sentence, {
      hint: `A backup is two files: keep "${basename(manifestPath(backup))}" beside it. Without it, nothing shows that the backup is complete.`,
      cause: error,
    });
  }
}

function isManifest(value: Manifest): boolean {
  return (
    value.version === MANIFEST_VERSION &&
    [value.file, value.createdAt, value.sha256, value.database?.sha256, value.database?.id, value.database?.path].every(
      (text) => typeof text === "string",
    ) &&
    [value.size, value.database?.size, value.database?.schema].every((number) => Number.isSafeInteger(number)) &&
    ["none", "gzip"].includes(value.compression) &&
    ["none", "age"].includes(value.encryption) &&
    typeof value.database.counts === "object"
  );
}
