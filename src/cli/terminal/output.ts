/** Results that are too large to be made as a whole: written piece by piece, no faster than they are read. */
import { once } from "node:events";
import { Writable } from "node:stream";
import { EXIT_STATUS } from "../../errors.ts";
import { type Io, isReaderGone, type OutputStream } from "../io.ts";

/** Writes a piece, and waits while the reader is slower; false when the rest is not wanted any more. */
export async function writePiece(
  stream: OutputStream,
  piece: string | Uint8Array,
  signal: AbortSignal,
): Promise<boolean> {
  if (signal.aborted) return false;
  if (stream.write(piece) !== false || !(stream instanceof Writable)) return true;
  try {
    await once(stream, "drain", { signal });
    return true;
  } catch (error) {
    // NOTE: a reader that goes away shows as an error of the stream, which io.ts has turned into an abort.
    if (signal.aborted) return false;
    throw error;
  }
}

/** Exit status of output that ended early because of `signal`. */
export function statusOfAbort({ signal }: Io): number {
  return isReaderGone(signal) ? 0 : EXIT_STATUS.interrupted;
}
