/** Rows that are kept as bytes: an object takes several times as much, and 100,000 of them more than a command may. */
import { PackedTexts } from "./packed-texts.ts";

/** Values of JSON. */
export type PackedRow = readonly unknown[];

/** Rows are added one by one, and read in any order. */
export class PackedRows<Row extends PackedRow> {
  readonly #texts = new PackedTexts();

  add(row: Row): void {
    this.#texts.add(JSON.stringify(row));
  }

  get length(): number {
    return this.#texts.length;
  }

  at(index: number): Row {
    return JSON.parse(this.#texts.at(index)) as Row;
  }

  /** Indexes of all rows by `compare`. */
  orderBy(compare: (one: number, other: number) => number): Uint32Array {
    return this.#texts.orderBy(compare);
  }

  *[Symbol.iterator](): Generator<Row> {
    for (let index = 0; index < this.length; index++) yield this.at(index);
  }

  *reversed(): Generator<Row> {
    for (let index = this.length - 1; index >= 0; index--) yield this.at(index);
  }
}
