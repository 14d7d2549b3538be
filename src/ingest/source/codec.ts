/** Detects how a log is compressed, by its first bytes and never by its name, and chooses the program that decompresses it. */

/** Enough of a file to know its codec. */
export const MAGIC_BYTES = 6;

export type Codec = "gzip" | ExternalCodec;
/**
 * Decompressed by a program of the system: no library checks as much, or reads an archive of any size piece by piece. Node's own
 * zstd (24.21) ends without an error behind the first frame, and before a skippable one as if there were no text. It takes any
 * garbage behind a frame for a good end. `zstd --threads`, pzstd, and logs that are appended compressed make archives of several
 * frames.
 */
export type ExternalCodec = "bzip2" | "xz" | "lzma" | "zstd";

/** A program that decompresses standard input to standard output. */
export interface Decompressor {
  readonly program: string;
  readonly args: readonly string[];
  /** The package of Debian that has it. */
  readonly debianPackage: string;
  /** False when its archives have no checksum: one that ends too early may then be damaged as well as cut off. */
  readonly isChecked: boolean;
}

/** One thread, so that memory stays bounded. */
const XZ: Decompressor = { program: "xz", args: ["-d", "-c", "-T1"], debianPackage: "xz-utils", isChecked: true };

export const DECOMPRESSORS: Readonly<Record<ExternalCodec, Decompressor>> = {
  bzip2: { program: "bzip2", args: ["-d", "-c"], debianPackage: "bzip2", isChecked: true },
  xz: XZ,
  lzma: { ...XZ, isChecked: false },
  zstd: { program: "zstd", args: ["-d", "-c", "-q", "--no-progress"], debianPackage: "zstd", isChecked: true },
};

/** A log of Exim begins with none of these. A `.lzma` file has no magic: these are its usual settings, as `file` knows them. */
const MAGICS: readonly (readonly [magic: Buffer, codec: Codec])[] = [
  [Buffer.from([0x1f, 0x8b]), "gzip"],
  [Buffer.from("BZh"), "bzip2"],
  [Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]), "xz"],
  [Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), "zstd"],
  [Buffer.from([0x5d, 0x00, 0x00]), "lzma"],
];
/** `5? 2A 4D 18`: a frame without text; pzstd begins its archives with one. */
const ZSTD_SKIPPABLE = Buffer.from([0x2a, 0x4d, 0x18]);

/** Undefined for what is not compressed. `head` is the beginning of the file, {@link MAGIC_BYTES} or more unless it is shorter. */
export function findCodec(head: Buffer): Codec | undefined {
  if (((head[0] ?? 0) & 0xf0) === 0x50 && begins(head.subarray(1), ZSTD_SKIPPABLE)) return "zstd";
  return MAGICS.find(([magic]) => begins(head, magic))?.[1];
}

function begins(bytes: Buffer, magic: Buffer): boolean {
  return bytes.subarray(0, magic.length).equals(magic);
}
