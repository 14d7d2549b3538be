import { type Codec, DECOMPRESSORS } from "./codec.ts";
import { inflate } from "./inflate.ts";
import { type DecompressorOptions, runDecompressor } from "./run-decompressor.ts";

/**
 * The text of an archive, of several streams one after the other too. What can be read of one that is cut off or damaged comes
 * before the failure. Errors: `ArchiveFailure`, those of `compressed`.
 */
export function decompress(
  codec: Codec,
  compressed: AsyncIterable<Buffer>,
  chunkBytes: number,
  options: DecompressorOptions,
): AsyncGenerator<Buffer> {
  if (codec === "gzip") return inflate(compressed, chunkBytes);
  return runDecompressor(DECOMPRESSORS[codec], compressed, options);
}
