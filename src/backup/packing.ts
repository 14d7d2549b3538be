/** Packs a database file into the file that is kept, and unpacks it; hashes on the way. Memory holds a few chunks. */
import { createHash, type Hash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { PassThrough, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { PilotError } from "../errors.ts";
import { OWNER_ONLY } from "../store/files/disk.ts";
import { MIB } from "../units.ts";
import { decrypt, type Encrypter, encrypt, type Keys } from "./encryption.ts";
import type { Manifest } from "./manifest.ts";

const CHUNK_BYTES = MIB;

export interface Fingerprint {
  readonly size: number;
  readonly sha256: string;
}

export interface PackOptions {
  readonly isCompressed: boolean;
  readonly encrypter: Encrypter | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Writes the database `plain` into the new file `packed`. Returns the fingerprint of the database. */
export async function pack(plain: string, packed: string, options: PackOptions): Promise<Fingerprint> {
  const { isCompressed, encrypter, signal } = options;
  const tally = new Tally();
  await pipeline(
    createReadStream(plain, { highWaterMark: CHUNK_BYTES }),
    tally,
    isCompressed ? createGzip() : new PassThrough(),
    (source: AsyncIterable<Buffer>) => (encrypter === undefined ? source : encrypt(source, encrypter)),
    createWriteStream(packed, { flags: "wx", mode: OWNER_ONLY.file }),
    { signal },
  );
  return tally.fingerprint;
}

/**
 * Writes the database in a backup into the new file `plain`. Returns its fingerprint.
 * Errors: `usage` (no key), `check_failed` (a wrong key, or not what the manifest says).
 */
export async function unpack(
  packed: string,
  plain: string,
  manifest: Manifest,
  { keys, signal }: { readonly keys: Keys; readonly signal?: AbortSignal | undefined },
): Promise<Fingerprint> {
  const tally = new Tally();
  try {
    await pipeline(
      createReadStream(packed, { highWaterMark: CHUNK_BYTES }),
      (source: AsyncIterable<Buffer>) => (manifest.encryption === "age" ? decrypt(source, packed, keys) : source),
      manifest.compression === "gzip" ? createGunzip() : new PassThrough(),
      tally,
      createWriteStream(plain, { flags: "wx", mode: OWNER_ONLY.file }),
      { ...(signal !== undefined && { signal }) },
    );
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // NOTE: codes of the file system begin with E; those of zlib and age do not.
    if (error instanceof PilotError || signal?.aborted === true || code?.startsWith("E") === true) throw error;
    throw new PilotError("check_failed", `"${packed}" cannot be unpacked: ${message}.`, {
      hint: "Use another backup; `exim-pilot backup --list` lists them.",
      cause: error,
    });
  }
  return tally.fingerprint;
}

/** Size and hash of a file, read from the disk. */
export async function fingerprintOf(path: string, signal?: AbortSignal): Promise<Fingerprint> {
  const tally = new Tally();
  tally.resume();
  await pipeline(createReadStream(path, { highWaterMark: CHUNK_BYTES }), tally, {
    ...(signal !== undefined && { signal }),
  });
  return tally.fingerprint;
}

/** Hands on what it is given, and knows its size and hash. */
class Tally extends Transform {
  readonly #hash: Hash = createHash("sha256");
  #size = 0;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: (error: null, chunk: Buffer) => void): void {
    this.#hash.update(chunk);
    this.#size += chunk.length;
    done(null, chunk);
  }

  get fingerprint(): Fingerprint {
    return { size: this.#size, sha256: this.#hash.digest("hex") };
  }
}
