/** What is written beside each backup: enough to tell that it is whole, and what is in it. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { basename } from "node:path";
import { PilotError } from "../errors.ts";
import { OWNER_ONLY } from "../store/disk.ts";
import type { RowCounts } from "../store/snapshot.ts";
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
  /** Of the file as it is kept; bytes. */
  readonly size: number;
  readonly sha256: string;
  /** Of the database in it. */
  readonly database: {
    readonly schema: number;
    readonly size: number;
    readonly sha256: string;
    /** Rows by table. */
    readonly counts: RowCounts;
  };
}

export type ManifestContent = Omit<Manifest, "version" | "file">;

/** Errors: `exists` when there is one already; `io`. */
export function writeManifest(backup: string, content: ManifestContent): void {
  const manifest: Manifest = { version: MANIFEST_VERSION, file: basename(backup), ...content };
  const path = manifestPath(backup);
  let descriptor: number;
  try {
    descriptor = openSync(path, "wx", OWNER_ONLY.file);
  } catch (error) {
    throw cannotWrite(path, error);
  }
  try {
    writeSync(descriptor, `${JSON.stringify(manifest, undefined, 2)}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function cannotWrite(path: string, error: unknown): PilotError {
  const exists = (error as NodeJS.ErrnoException).code === "EEXIST";
  const sentence = exists
    ? `There is a backup "${path.slice(0, -".json".length)}" already.`
    : `"${path}" cannot be written.`;
  const hint = exists
    ? "Backups are never overwritten; wait a second, for they are named by the time."
    : "Check the rights of the directory.";
  return new PilotError(exists ? "exists" : "io", sentence, { hint, cause: error });
}

/**
 * Reads the manifest of a backup. Errors: `io` when there is no such backup; `check_failed` when it is missing, damaged, or that of a file with another name.
 */
export function readManifest(backup: string): Manifest {
  if (!existsSync(backup)) {
    throw new PilotError("io", `There is no backup "${backup}".`, {
      hint: "`exim-pilot backup --list DIRECTORY` names those that are there.",
    });
  }
  const manifest = parseManifest(backup);
  if (manifest.file !== basename(backup)) {
    throw new PilotError("check_failed", `"${backup}" was made as "${manifest.file}" and renamed since.`, {
      hint: "Give it and its manifest their names back: they tell which database it is of, and when it was made.",
    });
  }
  return manifest;
}

function parseManifest(backup: string): Manifest {
  const path = manifestPath(backup);
  try {
    const value = JSON.parse(readFileSync(path, "utf8")) as Manifest;
    if (!isManifest(value)) throw new Error("it has another form");
    return value;
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const sentence = isMissing ? `"${backup}" has no manifest beside it.` : `The manifest "${path}" cannot be used.`;
    throw new PilotError("check_failed", sentence, {
      hint: `A backup is two files: keep "${basename(path)}" beside it. Without it nothing tells that the backup is whole.`,
      cause: error,
    });
  }
}

function isManifest(value: Manifest): boolean {
  return (
    value.version === MANIFEST_VERSION &&
    [value.file, value.createdAt, value.sha256, value.database?.sha256].every((text) => typeof text === "string") &&
    [value.size, value.database?.size, value.database?.schema].every((number) => Number.isSafeInteger(number)) &&
    ["none", "gzip"].includes(value.compression) &&
    ["none", "age"].includes(value.encryption) &&
    typeof value.database.counts === "object"
  );
}
