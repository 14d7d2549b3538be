import { setImmediate } from "node:timers/promises";
import { createGunzip } from "node:zlib";
import { KIB } from "../../units.ts";
import { ArchiveFailure } from "./archive-failure.ts";

/** Code that zlib gives an archive that ends too early. */
const CUT_OFF = "Z_BUF_ERROR";

/** Given to zlib at once. It keeps all that comes of it, up to 1,032 times as much: 8 MiB of an archive that was made to be a burden. */
const PIECE_BYTES = 8 * KIB;

/**
 * The text of a gzip archive, of several streams one after the other too; zeros behind them are padding, as tapes have it. Of one that is cut off or damaged all that can be read comes before the failure: in a pipeline
 * it would be lost with the stream. Errors: {@link ArchiveFailure}.
 */
export async function* inflate(compressed: AsyncIterable<Buffer>, chunkBytes: number): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: chunkBytes });
  const inflated: Buffer[] = [];
  let failure: ArchiveFailure | undefined;
  gunzip.on("data", (chunk: Buffer) => inflated.push(chunk));
  const failed = new Promise<void>((resolve) => {
    gunzip.once("error", (error: NodeJS.ErrnoException) => {
      failure = new ArchiveFailure(error.code === CUT_OFF ? "cut_off" : "damaged", error.message, error);
      resolve();
    });
  });
  let hasEnded = false;
  const ended = new Promise<void>((resolve) => {
    gunzip.once("end", () => {
      hasEnded = true;
      resolve();
    });
  });
  let givenBytes = 0;
  // NOTE: only from the next turn on are chunks handed over at once instead of being kept.
  await setImmediate();
  try {
    for await (const chunk of inPieces(compressed)) {
      if (hasEnded) {
        assertPadding(chunk);
        continue;
      }
      givenBytes += chunk.length;
      // NOTE: at a zero behind a stream gunzip ends by itself, and never says that it has taken the chunk.
      await Promise.race([failed, ended, new Promise<void>((resolve) => gunzip.write(chunk, () => resolve()))]);
      yield* inflated.splice(0);
      if (failure !== undefined) throw failure;
      if (hasEnded) assertPadding(chunk.subarray(chunk.length - (givenBytes - gunzip.bytesWritten)));
    }
    if (hasEnded) return;
    gunzip.end();
    await Promise.race([failed, ended]);
    yield* inflated.splice(0);
    if (failure !== undefined) throw failure;
  } finally {
    gunzip.destroy();
  }
}

async function* inPieces(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    for (let start = 0; start < chunk.length; start += PIECE_BYTES) yield chunk.subarray(start, start + PIECE_BYTES);
  }
}

/** Errors: {@link ArchiveFailure} when anything but zeros follows the last stream: it may be a part of the archive. */
function assertPadding(bytes: Buffer): void {
  if (bytes.some((byte) => byte !== 0)) throw new ArchiveFailure("damaged", "something follows its end");
}
