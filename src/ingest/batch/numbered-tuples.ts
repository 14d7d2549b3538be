import { NULL } from "./encoded-batch.ts";
import { NumberList } from "./number-list.ts";

/** First size of the table; a power of two. */
const FIRST_PLACES = 1 << 10;
/** The hash of a tuple of nulls. */
const EMPTY = -1;

/** Gives tuples of numbers their numbers, such as the paths of deliveries. */
export class NumberedTuples {
  readonly #width: number;
  /** The tuple that is asked for: to be filled before {@link numberOfNext}. */
  readonly next: Float64Array;
  /** The tuples, one after the other. */
  #tuples: Float64Array;
  /** Number + 1 of each tuple, at or behind the place that its hash gives; half of the places are free at least. */
  #places = new Int32Array(FIRST_PLACES);
  #size = 0;
  readonly #added = new NumberList();

  constructor(width: number) {
    this.#width = width;
    this.next = new Float64Array(width);
    this.#tuples = new Float64Array(width * FIRST_PLACES);
  }

  get size(): number {
    return this.#size;
  }

  /** The number of the tuple in {@link next}; NULL when all of that is null. */
  numberOfNext(): number {
    const hash = this.#hashOfNext();
    if (hash === EMPTY) return NULL;
    const places = this.#places;
    const mask = places.length - 1;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const number = (places[place] as number) - 1;
      if (number === -1) return this.#add(place);
      if (this.#isNext(number)) return number;
    }
  }

  /** The tuples that have got numbers since the last call. */
  takeAdded(): Float64Array<ArrayBuffer> {
    return this.#added.take();
  }

  clear(): void {
    this.#size = 0;
    this.#places.fill(0);
  }

  /** {@link EMPTY} when all of it is null. */
  #hashOfNext(): number {
    let hash = 0;
    let isEmpty = true;
    for (let column = 0; column < this.#width; column++) {
      const value = this.next[column] as number;
      // NOTE: NaN stands for null, and is not equal to itself.
      // biome-ignore lint/suspicious/noSelfCompare: faster than Number.isNaN.
      const isValue = value === value;
      if (isValue) isEmpty = false;
      hash = Math.imul(hash, 0x01000193) + (isValue ? value + 1 : 0);
      hash ^= hash >>> 15;
    }
    return isEmpty ? EMPTY : hash >>> 1;
  }

  #isNext(number: number): boolean {
    const start = number * this.#width;
    for (let column = 0; column < this.#width; column++) {
      const one = this.#tuples[start + column] as number;
      const other = this.next[column] as number;
      if (one !== other && !(Number.isNaN(one) && Number.isNaN(other))) return false;
    }
    return true;
  }

  #add(place: number): number {
    const number = this.#size++;
    const start = number * this.#width;
    if (start + this.#width > this.#tuples.length) {
      const longer = new Float64Array(this.#tuples.length * 2);
      longer.set(this.#tuples);
      this.#tuples = longer;
    }
    this.#tuples.set(this.next, start);
    for (const value of this.next) this.#added.push(value);
    this.#places[place] = number + 1;
    if (this.#size * 2 > this.#places.length) this.#grow();
    return number;
  }

  #grow(): void {
    const mask = this.#places.length * 2 - 1;
    const places = new Int32Array(mask + 1);
    for (let number = 0; number < this.#size; number++) {
      this.next.set(this.#tuples.subarray(number * this.#width, (number + 1) * this.#width));
      let place = this.#hashOfNext() & mask;
      while (places[place] !== 0) place = (place + 1) & mask;
      places[place] = number + 1;
    }
    this.#places = places;
  }
}
