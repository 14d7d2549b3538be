/** The storing side of batches: arrays from their numbers to ids of the database. */
import type { SqlValue } from "../../store/database/bulk-insert.ts";
import { type ColumnKind, kindsOf, offsetsOf } from "../../store/schema/records.ts";
import type { Transactor } from "../../store/write/transactor.ts";
import { type EncodedBatch, isNull, ROW_LAYOUTS, textAt } from "../batch/encoded-batch.ts";

/** Id of a text that must be looked up, for the first time or again. */
const NO_ID = 0;

/** Texts of one table by their number, and their ids once they are needed. */
class TextIds {
  readonly #lookUp: (text: string) => number;
  #texts: string[] = [];
  #ids: number[] = [];

  constructor(lookUp: (text: string) => number) {
    this.#lookUp = lookUp;
  }

  add(texts: readonly string[]): void {
    for (const text of texts) {
      this.#texts.push(text);
      this.#ids.push(NO_ID);
    }
  }

  textOf(number: number): string {
    const text = this.#texts[number];
    if (text === undefined) throw new Error(`No text has the number ${number}.`);
    return text;
  }

  idOf(number: number): number {
    const id = this.#ids[number];
    return id === undefined || id === NO_ID ? this.#find(number) : id;
  }

  clear(): void {
    this.#texts = [];
    this.#ids = [];
  }

  forgetIds(): void {
    this.#ids.fill(NO_ID);
  }

  #find(number: number): number {
    const id = this.#lookUp(this.textOf(number));
    this.#ids[number] = id;
    return id;
  }
}

const path = offsetsOf(ROW_LAYOUTS.paths);
const problem = offsetsOf(ROW_LAYOUTS.problems);
const PATH_KINDS = kindsOf(ROW_LAYOUTS.paths);
const PROBLEM_KINDS = kindsOf(ROW_LAYOUTS.problems);

/** Decodes the batches of one encoder, in their order, within transactions. */
export class BatchDecoder {
  readonly strings = new TextIds((text) => this.#current().string(text));
  readonly addresses = new TextIds((text) => this.#current().address(text));
  #transactor: Transactor | undefined;
  #messages: string[] = [];
  #paths = new TupleIds(PATH_KINDS, (values) => this.#current().pathOf(values));
  #problems = new TupleIds(PROBLEM_KINDS, (values) => this.#current().problemOf(values));
  #texts = "";

  /** Makes the numbers known that a batch brings. */
  take(transactor: Transactor, batch: EncodedBatch): void {
    this.#transactor = transactor;
    if (batch.isFresh) {
      this.strings.clear();
      this.addresses.clear();
      this.#messages = [];
      this.#paths.clear();
      this.#problems.clear();
    }
    this.strings.add(batch.strings);
    this.addresses.add(batch.addresses);
    for (const eximId of batch.messages) this.#messages.push(eximId);
    this.#paths.add(batch.rows.paths);
    this.#problems.add(batch.rows.problems);
    this.#texts = batch.texts;
  }

  /** Ids are looked up again: after a rollback, or when another process has written. */
  forgetIds(): void {
    this.strings.forgetIds();
    this.addresses.forgetIds();
    this.#paths.forgetIds();
    this.#problems.forgetIds();
  }

  /** Exim's id of a message. */
  messageOf(number: number): string {
    const eximId = this.#messages[number];
    if (eximId === undefined) throw new Error(`No message has the number ${number}.`);
    return eximId;
  }

  optionalText(stringNumber: number): string | undefined {
    return isNull(stringNumber) ? undefined : this.strings.textOf(stringNumber);
  }

  /** A number of a row as it is bound; those of entries, messages and servers are the caller's. `texts`: those of its batch. */
  valueOf(number: number, kind: ColumnKind, texts = this.#texts): SqlValue {
    // NOTE: null is NaN, the one number that is not equal to itself.
    // biome-ignore lint/suspicious/noSelfCompare: faster than Number.isNaN.
    if (number !== number) return null;
    switch (kind) {
      case "number":
      case "flag":
        return number;
      case "string":
        return this.strings.idOf(number);
      case "address":
        return this.addresses.idOf(number);
      case "text":
        return textAt(texts, number);
      case "path":
        return this.#paths.idOf(number, this);
      case "problem":
        return this.#problems.idOf(number, this);
      default:
        throw new Error(`A ${kind} is not a value of a batch alone.`);
    }
  }

  /** The id of the host of a path; 0 when there is none. */
  hostIdOf(pathNumber: number): number {
    if (isNull(pathNumber)) return 0;
    const host = this.#paths.valueOf(pathNumber, path.host_id);
    return isNull(host) ? 0 : this.strings.idOf(host);
  }

  /** The id of a problem; 0 when there is none. */
  problemIdOf(problemNumber: number): number {
    return isNull(problemNumber) ? 0 : this.#problems.idOf(problemNumber, this);
  }

  isTimeout(problemNumber: number): boolean {
    return !isNull(problemNumber) && this.#problems.valueOf(problemNumber, problem.is_timeout) === 1;
  }

  #current(): Transactor {
    if (this.#transactor === undefined) throw new Error("No batch has been taken.");
    return this.#transactor;
  }
}

/** Tuples by their number, and their ids once they are needed. */
class TupleIds {
  readonly #kinds: readonly ColumnKind[];
  readonly #lookUp: (values: readonly (number | null)[]) => number;
  #numbers: number[] = [];
  #ids: number[] = [];

  constructor(kinds: readonly ColumnKind[], lookUp: (values: readonly (number | null)[]) => number) {
    this.#kinds = kinds;
    this.#lookUp = lookUp;
  }

  add(tuples: Float64Array): void {
    for (let at = 0; at < tuples.length; at++) this.#numbers.push(tuples[at] as number);
  }

  /** The value of a tuple in a column, as it was sent. */
  valueOf(number: number, column: number): number {
    const value = this.#numbers[number * this.#kinds.length + column];
    if (value === undefined) throw new Error(`No tuple has the number ${number}.`);
    return value;
  }

  idOf(number: number, decoder: BatchDecoder): number {
    const id = this.#ids[number];
    return id === undefined || id === NO_ID ? this.#find(number, decoder) : id;
  }

  clear(): void {
    this.#numbers = [];
    this.#ids = [];
  }

  forgetIds(): void {
    this.#ids.fill(NO_ID);
  }

  #find(number: number, decoder: BatchDecoder): number {
    const start = number * this.#kinds.length;
    const values = this.#kinds.map((kind, column) => {
      const value = decoder.valueOf(this.#numbers[start + column] as number, kind);
      return typeof value === "number" ? value : null;
    });
    const id = this.#lookUp(values);
    this.#ids[number] = id;
    return id;
  }
}
