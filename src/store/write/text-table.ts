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
  find(text: string, hash = hashOf(text)): number | undefined {
    const pairs = this.#pairs;
    const mask = pairs.length - 1;
    for (let at = (2 * hash) & mask; ; at = (at + 2) & mask) {
      const number = (pairs[at + 1] as number) - 1;
      if (number === -1) return undefined;
      if (pairs[at] === hash && this.#texts[number] === text) return number;
    }
  }

  /** Adds a text that has no number; returns its number. */
  add(text: string, hash = hashOf(text)): number {
    const number = this.#texts.length;
    this.#texts.push(text);
    put(this.#pairs, hash, number + 1);
    if (4 * this.#texts.length > this.#pairs.length) this.#grow();
    return number;
  }

  #grow(): void {
    const before = this.#pairs;
    const pairs = new Int32Array(2 * before.length);
    for (let at = 0; at < before.length; at += 2) {
      const next = before[at + 1] as number;
      if (next !== 0) put(pairs, before[at] as number, next);
    }
    this.#pairs = pairs;
  }
}

function put(pairs: Int32Array, hash: number, next: number): void {
  const mask = pairs.length - 1;
  let at = (2 * hash) & mask;
  while (pairs[at + 1] !== 0) at = (at + 2) & mask;
  pairs[at] = hash;
  pairs[at + 1] = next;
}

/** 32 bits. */
export function hashOf(text: string): number {
  let hash = SEED;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash ^ (hash >>> 15);
}
