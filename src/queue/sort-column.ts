/** One of the variables by which candidates are sorted. */
import { PackedTexts } from "./packed-texts.ts";

const WHOLE_NUMBER = /^-?\d+$/;
/** An empty text counts as zero. */
const NUMERIC = /^(?:-?\d+)?$/;

/** Texts of all candidates. They are kept as numbers while each of them is the form of one. */
export class SortColumn {
  #numbers: number[] = [];
  /** Undefined while numbers are enough. */
  #texts: PackedTexts | undefined;
  #isNumeric = true;

  add(text: string): void {
    if (this.#texts === undefined) {
      const number = Number(text);
      if (WHOLE_NUMBER.test(text) && String(number) === text) {
        this.#numbers.push(number);
        return;
      }
      this.#texts = new PackedTexts();
      for (const one of this.#numbers) this.#texts.add(String(one));
      this.#numbers = [];
    }
    if (!NUMERIC.test(text)) this.#isNumeric = false;
    this.#texts.add(text);
  }

  /** The order of two candidates: by numbers where all texts are, else by text. To be asked for when all have been added. */
  comparison(): (one: number, other: number) => number {
    const texts = this.#texts;
    if (texts !== undefined && !this.#isNumeric) return (one, other) => texts.compare(one, other);
    const numbers = new Float64Array(texts?.length ?? this.#numbers.length);
    for (let index = 0; index < numbers.length; index++)
      numbers[index] = texts === undefined ? (this.#numbers[index] ?? 0) : Number(texts.at(index));
    return (one, other) => (numbers[one] ?? 0) - (numbers[other] ?? 0);
  }
}
