/** Candidates that have to be held before the first is known: they are kept packed. */
import { type PackedMessage, packMessage, unpackMessage } from "../spool/queued-message.ts";
import { compareText, detach } from "../text.ts";
import { PackedRows } from "./packed-rows.ts";
import type { Candidate } from "./selection.ts";

/** Most candidates have their message alone. */
type PackedCandidate = readonly [message: PackedMessage, shown?: readonly string[], open?: Candidate["open"]];

export class CandidateList implements Iterable<Candidate> {
  readonly #rows = new PackedRows<PackedCandidate>();
  /** Texts of all candidates, by key; a text that is the form of a number is kept as that number. */
  readonly #keys: (string | number)[][] = [];
  #lastId = "";
  /** They were added by id. */
  #isById = true;

  add({ message, shown, open, sortKeys }: Candidate): void {
    const packed = packMessage(message);
    this.#rows.add(shown.length === 0 && open.length === 0 ? [packed] : [packed, shown, open]);
    if (message.id < this.#lastId) this.#isById = false;
    this.#lastId = message.id;
    for (const [key, text] of sortKeys.entries()) {
      this.#keys[key] ??= [];
      const number = Number(text);
      this.#keys[key].push(String(number) === text ? number : detach(text));
    }
  }

  /** In the order in which they were added. */
  *[Symbol.iterator](): Generator<Candidate> {
    for (let index = 0; index < this.#rows.length; index++) yield this.#at(index);
  }

  /** By their keys: by numbers where all texts of a key are, else by text; ids decide where all keys are the same. */
  *sorted(isReversed: boolean): Generator<Candidate> {
    const compare = this.#keys.map((texts) => {
      if (!texts.every((text) => /^-?\d*$/.test(String(text)))) {
        return (one: number, other: number): number => compareText(String(texts[one]), String(texts[other]));
      }
      const numbers = Float64Array.from(texts, Number);
      return (one: number, other: number): number => (numbers[one] ?? 0) - (numbers[other] ?? 0);
    });
    const order = Uint32Array.from({ length: this.#rows.length }, (_, index) => index).sort((one, other) => {
      for (const compareBy of compare) {
        const difference = compareBy(one, other);
        if (difference !== 0) return difference;
      }
      return (this.#isById ? 0 : compareText(this.#idOf(one), this.#idOf(other))) || one - other;
    });
    if (isReversed) order.reverse();
    for (const index of order) yield this.#at(index);
  }

  #idOf(index: number): string {
    return this.#rows.at(index)[0][0];
  }

  #at(index: number): Candidate {
    const [message, shown = [], open = []] = this.#rows.at(index);
    return { message: unpackMessage(message), shown, open, sortKeys: [] };
  }
}
