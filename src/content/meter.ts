import { createHash } from "node:crypto";
import { Transform } from "node:stream";

const HEADER_BYTES = 1024 * 1024;

/** Counts and hashes what flows through, and keeps the beginning. */
export class Meter extends Transform {
  bytes = 0;
  readonly #hash = createHash("sha256");
  readonly #head: Buffer[] = [];
  #headBytes = 0;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: (error: null, chunk: Buffer) => void): void {
    this.add(chunk);
    done(null, chunk);
  }

  add(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.#hash.update(chunk);
    if (this.#headBytes >= HEADER_BYTES) return;
    this.#head.push(chunk.subarray(0, HEADER_BYTES - this.#headBytes));
    this.#headBytes += chunk.length;
  }

  /** The beginning, as latin1. */
  get head(): string {
    return Buffer.concat(this.#head).toString("latin1");
  }

  digest(): string {
    return this.#hash.digest("hex");
  }
}
