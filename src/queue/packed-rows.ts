/** Rows that are kept as bytes: an object takes several times as much, and 100,000 of them more than a command may. */

/** Values of JSON. */
export type PackedRow = readonly unknown[];

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** Rows are added one by one, and read in any order. */
export class PackedRows<Row extends PackedRow> {
  readonly #chunks: Buffer[] = [];
  /** Bytes of the last chunk that are taken. */
  #taken = CHUNK_BYTES;
  /** Chunk and start of each row. */
  readonly #starts: number[] = [];

  add(row: Row): void {
    const text = `${JSON.stringify(row)}\n`;
    const bytes = Buffer.byteLength(text);
    if (this.#taken + bytes > (this.#chunks.at(-1)?.length ?? 0)) {
      this.#chunks.push(Buffer.allocUnsafe(Math.max(CHUNK_BYTES, bytes)));
      this.#taken = 0;
    }
    this.#starts.push((this.#chunks.length - 1) * CHUNK_BYTES + this.#taken);
    this.#taken += this.#chunks.at(-1)?.write(text, this.#taken) ?? 0;
  }

  get length(): number {
    return this.#starts.length;
  }

  at(index: number): Row {
    const place = this.#starts[index] ?? 0;
    const [chunk, start] = [this.#chunks[Math.floor(place / CHUNK_BYTES)], place % CHUNK_BYTES];
    if (chunk === undefined) throw new Error(`There is no row ${index}.`);
    return JSON.parse(chunk.toString("utf8", start, chunk.indexOf(NEWLINE, start))) as Row;
  }

  *[Symbol.iterator](): Generator<Row> {
    for (let index = 0; index < this.length; index++) yield this.at(index);
  }

  *reversed(): Generator<Row> {
    for (let index = this.length - 1; index >= 0; index--) yield this.at(index);
  }
}
