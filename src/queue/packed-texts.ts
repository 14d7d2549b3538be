/** Texts that are kept as bytes: a string takes twice as much, and an array of 100,000 of them is looked through at every collection of garbage. */

const CHUNK_BYTES = 256 * 1024;
/** Behind each text: no byte of UTF-8. */
const END = 0xff;
const MOST_BYTES_OF_UNIT = 3;
const FIRST_STARTS = 1024;

/** Texts are added one by one, and read and compared in any order. They are well-formed Unicode. */
export class PackedTexts implements Iterable<string> {
  readonly #chunks: Buffer[] = [];
  /** Bytes of the last chunk that are taken. */
  #taken = CHUNK_BYTES;
  /** Chunk and start of each text. */
  #starts = new Uint32Array(FIRST_STARTS);
  #length = 0;
  /** Bytes of all texts, and one more for each. */
  byteLength = 0;

  get length(): number {
    return this.#length;
  }

  add(text: string): void {
    const chunk = this.#roomFor(text);
    if (this.#length === this.#starts.length) {
      const longer = new Uint32Array(2 * this.#length);
      longer.set(this.#starts);
      this.#starts = longer;
    }
    this.#starts[this.#length++] = (this.#chunks.length - 1) * CHUNK_BYTES + this.#taken;
    const bytes = chunk.write(text, this.#taken);
    this.#taken += bytes;
    chunk[this.#taken++] = END;
    this.byteLength += bytes + 1;
  }

  /** The last chunk, in which the text and its end have room. */
  #roomFor(text: string): Buffer {
    const last = this.#chunks.at(-1);
    const most = text.length * MOST_BYTES_OF_UNIT + 1;
    if (last !== undefined && this.#taken + most <= last.length) return last;
    const bytes = Buffer.byteLength(text) + 1;
    if (last !== undefined && this.#taken + bytes <= last.length) return last;
    const chunk = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, bytes));
    this.#chunks.push(chunk);
    this.#taken = 0;
    return chunk;
  }

  at(index: number): string {
    const chunk = this.#chunkOf(index);
    const start = this.#startOf(index);
    return chunk.toString("utf8", start, chunk.indexOf(END, start));
  }

  *[Symbol.iterator](): Generator<string> {
    for (let index = 0; index < this.#length; index++) yield this.at(index);
  }

  /** Copies the bytes of a text to a place of `target`; returns how many they are. */
  copy(index: number, target: Buffer, at: number): number {
    const chunk = this.#chunkOf(index);
    const start = this.#startOf(index);
    return chunk.copy(target, at, start, chunk.indexOf(END, start));
  }

  /** The order of two texts by their characters. */
  compare(one: number, other: number): number {
    const [chunk, otherChunk] = [this.#chunkOf(one), this.#chunkOf(other)];
    for (let at = this.#startOf(one), otherAt = this.#startOf(other); ; at++, otherAt++) {
      const [byte = END, otherByte = END] = [chunk[at], otherChunk[otherAt]];
      if (byte !== otherByte) return byte === END ? -1 : otherByte === END ? 1 : byte - otherByte;
      if (byte === END) return 0;
    }
  }

  /** Indexes of all texts, in the order of their characters. */
  order(): Uint32Array {
    return this.orderBy((one, other) => this.compare(one, other));
  }

  /** Indexes of all texts by `compare`, which gets two of them. */
  orderBy(compare: (one: number, other: number) => number): Uint32Array {
    return Uint32Array.from({ length: this.#length }, (_, index) => index).sort(compare);
  }

  #chunkOf(index: number): Buffer {
    const chunk = index < this.#length ? this.#chunks[Math.floor((this.#starts[index] ?? 0) / CHUNK_BYTES)] : undefined;
    if (chunk === undefined) throw new Error(`There is no text ${index}.`);
    return chunk;
  }

  #startOf(index: number): number {
    return (this.#starts[index] ?? 0) % CHUNK_BYTES;
  }
}
