/** Made-up names, in the order in which the real ones come; the same for the same. */
export class Names {
  readonly #names = new Map<string, string>();
  readonly #make: (number: number) => string;

  constructor(make: (number: number) => string) {
    this.#make = make;
  }

  of(real: string): string {
    let name = this.#names.get(real);
    if (name === undefined) {
      name = this.#make(this.#names.size + 1);
      this.#names.set(real, name);
    }
    return name;
  }

  has(real: string): boolean {
    return this.#names.has(real);
  }
}
