import { hashOf, TextTable } from "../../store/write/text-table.ts";
import { detach } from "../../text.ts";
import { NULL } from "./encoded-batch.ts";
import { NumberList } from "./number-list.ts";

/** Gives texts their numbers, and collects the postings of a block. */
export class NumberedTexts {
  #table = new TextTable();
  /** Number of its texts that were taken. */
  #taken = 0;
  /** By number: the last block that has a posting of it. */
  #mentionedIn = new Int32Array(1024);
  readonly #postings = new NumberList();
  #block = 1;
  /** Many texts follow themselves. */
  #lastText: string | undefined;
  #lastNumber = NULL;
  #generation = 0;

  get size(): number {
    return this.#table.size;
  }

  /** Another one once numbers have begun again. */
  get generation(): number {
    return this.#generation;
  }

  numberOf(text: string | undefined): number {
    if (text === undefined) return NULL;
    if (text === this.#lastText) return this.#lastNumber;
    const hash = hashOf(text);
    const number = this.#table.find(text, hash) ?? this.#add(text, hash);
    this.#lastText = text;
    this.#lastNumber = number;
    return number;
  }

  /** See {@link numberOf}; adds a posting for the text as well. */
  mention(text: string | undefined): number {
    if (text === undefined) return NULL;
    const number = this.numberOf(text);
    if (this.#mentionedIn[number] !== this.#block) {
      this.#mentionedIn[number] = this.#block;
      this.#postings.push(number);
    }
    return number;
  }

  /** The texts that have got numbers since the last call. */
  takeAdded(): string[] {
    const added = this.#table.textsFrom(this.#taken);
    this.#taken = this.#table.size;
    return added;
  }

  /** Postings of the block, each once; the next block begins. */
  takePostings(): Float64Array<ArrayBuffer> {
    this.#block++;
    return this.#postings.take();
  }

  /** Numbers begin again at 0; between two blocks. */
  clear(): void {
    this.#generation++;
    this.#table = new TextTable();
    this.#taken = 0;
    this.#mentionedIn.fill(0);
    this.#lastText = undefined;
    this.#lastNumber = NULL;
  }

  #add(text: string, hash: number): number {
    // NOTE: a slice would keep the text around it in memory.
    const number = this.#table.add(detach(text), hash);
    if (number >= this.#mentionedIn.length) {
      const longer = new Int32Array(number * 2);
      longer.set(this.#mentionedIn);
      this.#mentionedIn = longer;
    }
    return number;
  }
}

/** Numbers the texts of one column of rows, in which they often follow themselves: then they need not be looked for. */
export class TextColumn {
  readonly #texts: NumberedTexts;
  #generation = 0;
  #lastText: string | undefined;
  #lastNumber = NULL;

  constructor(texts: NumberedTexts) {
    this.#texts = texts;
  }

  numberOf(text: string | undefined): number {
    if (text === undefined) return NULL;
    const { generation } = this.#texts;
    if (text === this.#lastText && generation === this.#generation) return this.#lastNumber;
    this.#generation = generation;
    this.#lastText = text;
    this.#lastNumber = this.#texts.numberOf(text);
    return this.#lastNumber;
  }
}
