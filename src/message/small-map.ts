/** Up to this number, keys are compared one by one. */
const FEW_KEYS = 8;
const NOTHING: readonly never[] = [];

/**
 * A map in the order in which keys came, light while these are few: most messages have one recipient, and most recipients one target.
 * Measured: as Maps they were an eighth of the garbage of an ingest.
 */
export class SmallMap<Value> {
  #keys: string[] | undefined;
  #values: Value[] | undefined;
  /** Index of each key, once there are many. */
  #places: Map<string, number> | undefined;

  get size(): number {
    return this.#keys === undefined ? 0 : this.#keys.length;
  }

  get(key: string): Value | undefined {
    const place = this.placeOf(key);
    return place === undefined ? undefined : this.#values?.[place];
  }

  set(key: string, value: Value): void {
    const place = this.placeOf(key);
    if (this.#keys === undefined || this.#values === undefined) {
      this.#keys = [key];
      this.#values = [value];
    } else if (place === undefined) {
      this.#places?.set(key, this.#keys.length);
      this.#keys.push(key);
      this.#values.push(value);
    } else this.#values[place] = value;
  }

  keys(): readonly string[] {
    return this.#keys ?? NOTHING;
  }

  values(): readonly Value[] {
    return this.#values ?? NOTHING;
  }

  /** Where a key is among the keys, which is where its value is; undefined when it is not there. */
  placeOf(key: string): number | undefined {
    const keys = this.#keys;
    if (keys === undefined) return undefined;
    if (keys.length > FEW_KEYS) {
      this.#places ??= new Map(keys.map((known, place) => [known, place]));
      return this.#places.get(key);
    }
    const place = keys.indexOf(key);
    return place === -1 ? undefined : place;
  }
}
