const FIRST_LENGTH = 256;

/** A list of numbers that grows, and is handed over as it is. */
export class NumberList {
  #numbers = new Float64Array(FIRST_LENGTH);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#numbers.length) this.#numbers = doubled(this.#numbers);
    this.#numbers[this.#length++] = value;
  }

  /** The numbers so far; the list is empty again. */
  take(): Float64Array<ArrayBuffer> {
    const taken = this.#numbers.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }
}

/** Rows of numbers, one after the other. */
export class RowBuffer {
  readonly #width: number;
  #length = 0;
  /** Valid until the next {@link open}. */
  values: Float64Array<ArrayBuffer>;

  constructor(width: number) {
    this.#width = width;
    this.values = new Float64Array(width * FIRST_LENGTH);
  }

  /** Adds a row of nulls; returns where it begins in {@link values}. */
  open(): number {
    const start = this.#length;
    this.#length += this.#width;
    if (this.#length > this.values.length) this.values = doubled(this.values);
    const { values } = this;
    // NOTE: fill() is a call that takes longer than so few numbers.
    for (let at = start; at < this.#length; at++) values[at] = Number.NaN;
    return start;
  }

  /** The rows so far; there are none again. */
  take(): Float64Array<ArrayBuffer> {
    const taken = this.values.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }
}

function doubled(numbers: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const longer = new Float64Array(numbers.length * 2);
  longer.set(numbers);
  return longer;
}
