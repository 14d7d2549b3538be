/** Compression, for archives to read: gzip always, the others where the system has the program. */
import { spawnSync } from "node:child_process";
import { constants, gunzipSync, gzipSync } from "node:zlib";

export interface Archiver {
  readonly codec: string;
  /** Ending of its file names. */
  readonly ending: string;
  readonly compress: (bytes: Uint8Array | string) => Buffer;
  /** All that can be read of an archive, be it cut off. */
  readonly decompress: (archive: Uint8Array) => Buffer;
}

const EXTERNAL: readonly (readonly [codec: string, ending: string, argv: readonly string[]])[] = [
  ["bzip2", "bz2", ["bzip2", "-c", "-1"]],
  ["xz", "xz", ["xz", "-c", "-1"]],
  ["zstd", "zst", ["zstd", "-c", "-q"]],
  ["lzma", "lzma", ["xz", "--format=lzma", "-c", "-1"]],
];

const GZIP: Archiver = {
  codec: "gzip",
  ending: "gz",
  compress: (bytes) => gzipSync(bytes),
  decompress: (archive) => gunzipSync(archive, { finishFlush: constants.Z_SYNC_FLUSH }),
};

/** Archivers that this machine has. */
export function availableArchivers(): readonly Archiver[] {
  return [GZIP, ...EXTERNAL.flatMap(([codec, ending, argv]) => archiverOf(codec, ending, argv) ?? [])];
}

function archiverOf(codec: string, ending: string, [program = "", ...args]: readonly string[]): Archiver | undefined {
  const run = (options: readonly string[], input: Uint8Array | string) =>
    spawnSync(program, options, { input, maxBuffer: 1 << 28 });
  if (run(args, "").status !== 0) return undefined;
  return {
    codec,
    ending,
    compress: (bytes) => run(args, bytes).stdout,
    decompress: (archive) => run(["-d", "-c"], archive).stdout,
  };
}
