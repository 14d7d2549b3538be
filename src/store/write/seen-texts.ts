/** 2 MiB: of a million texts that are new, one in a hundred is looked for all the same. */
const BITS = 1 << 24;

/** Tells of most texts that are new that they are: a Bloom filter with three bits a text. */
export class SeenTexts {
  readonly #words = new Uint32Array(BITS / 32);

  /** Notes a text by its hash; false when it is new for sure. */
  add(hash: number): boolean {
    const second = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) ^ (hash >>> 13);
    const isSet = this.#set(hash);
    const isSecondSet = this.#set(second);
    return this.#set(hash + (second << 1)) && isSecondSet && isSet;
  }

  /** Sets a bit; returns what it was. */
  #set(hash: number): boolean {
    const bit = (hash ^ (hash >>> 17)) & (BITS - 1);
    const word = this.#words[bit >>> 5] as number;
    const mask = 1 << (bit & 31);
    this.#words[bit >>> 5] = word | mask;
    return (word & mask) !== 0;
  }
}
