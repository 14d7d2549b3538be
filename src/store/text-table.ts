/** First size of a table; a power of two. */
const FIRST_PLACES = 1 << 10;

/** Differs from run to run, so that nobody can write a log whose texts all have one hash. */
const SEED = Math.trunc(Math.random() * 2 ** 32);

/**
 * Numbers texts in the order in which they come. Measured with 40,000 texts: a Map reads four places of memory for each text that it
 * looks for, this one or two; and it is no work for the garbage collector.
 */
export class TextTable {
  /** By number. */
  readonly #texts: string[] = [];
  /** In pairs, at or behind the place that its hash gives: hash, number + 1. Half of the pairs are free at least. */
  #pairs = new Int32Array(2 * FIRST_PLACES);
  /** Where the text that was looked for last is to be added. */
  #free = 0;
  #hash = 0;

  get size(): number {
    return this.#texts.length;
  }

  textOf(number: number): string | undefined {
    return this.#texts[number];
  }

  /** The texts from a number on, in the order of their numbers. */
  textsFrom(number: number): string[] {
    return this.#texts.slice(number);
  }

  /** The number of a text; undefined when it has none. */
  find(text: string): number | undefined {
    const hash = hashOf(text);
    const pairs = this.#pairs;
    const mask = pairs.length - 1;
    for (let at = (2 * hash) & mask; ; at = (at + 2) & mask) {
      const number = (pairs[at + 1] as number) - 1;
      if (number === -1) {
        this.#free = at;
        this.#hash = hash;
        return undefined;
      }
      if (pairs[at] === hash && this.#texts[number] === text) return number;
    }
  }

  /** Adds the text that {@link find} has just not found, or a copy of it; returns its number. */
  add(text: string): number {
    const number = this.#texts.length;
    this.#texts.push(text);
    this.#pairs[this.#free] = this.#hash;
    this.#pairs[this.#free + 1] = number + 1;
    if (4 * this.#texts.length > this.#pairs.length) this.#grow();
    return number;
  }

  #grow(): void {
    const before = this.#pairs;
    const pairs = new Int32Array(2 * before.length);
    const mask = pairs.length - 1;
    for (let from = 0; from < before.length; from += 2) {
      if (before[from + 1] === 0) continue;
      let at = (2 * (before[from] as number)) & mask;
      while (pairs[at + 1] !== 0) at = (at + 2) & mask;
      pairs[at] = before[from] as number;
      pairs[at + 1] = before[from + 1] as number;
    }
    this.#pairs = pairs;
  }
}

function hashOf(text: string): number {
  let hash = SEED;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash ^ (hash >>> 15);
}
