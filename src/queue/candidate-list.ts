/** Candidates that have to be held before the first is known: they are kept packed. */
import { type PackedMessage, packMessage, unpackMessage } from "../spool/queued-message.ts";
import { compareText } from "../text.ts";
import { PackedRows } from "./packed-rows.ts";
import type { Candidate } from "./selection.ts";
import { SortColumn } from "./sort-column.ts";

/** Most candidates have their message alone. */
type PackedCandidate = readonly [message: PackedMessage, shown?: readonly string[], open?: Candidate["open"]];

export class CandidateList implements Iterable<Candidate> {
  readonly #rows = new PackedRows<PackedCandidate>();
  readonly #keys: SortColumn[] = [];
  #lastId = "";
  /** They were added by id. */
  #isById = true;

  add({ message, shown, open, sortKeys }: Candidate): void {
    const packed = packMessage(message);
    this.#rows.add(shown.length === 0 && open.length === 0 ? [packed] : [packed, shown, open]);
    if (message.id < this.#lastId) this.#isById = false;
    this.#lastId = message.id;
    for (const [index, text] of sortKeys.entries()) {
      const key = this.#keys[index] ?? new SortColumn();
      this.#keys[index] = key;
      key.add(text);
    }
  }

  /** In the order in which they were added. */
  *[Symbol.iterator](): Generator<Candidate> {
    for (let index = 0; index < this.#rows.length; index++) yield this.#at(index);
  }

  /** By their keys; ids decide where all keys are the same. */
  *sorted(isReversed: boolean): Generator<Candidate> {
    const comparisons = this.#keys.map((key) => key.comparison());
    const order = this.#rows.orderBy((one, other) => {
      for (const compare of comparisons) {
        const difference = compare(one, other);
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
