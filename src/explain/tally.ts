/** Counts lines by kind, with samples of those that were not understood. Memory is bounded. */

import { isUnknown, KIND_NAMES } from "../message/kinds.ts";
import type { EntryKind } from "../parse/events.ts";
import { type LinePlace, type ReadLine, residueOf } from "./read-line.ts";

export interface KindCount {
  readonly kind: EntryKind;
  readonly count: number;
  /** Share of all entries, 0 to 1. */
  readonly share: number;
}

/** The first line of a shape. */
export interface LineSample extends LinePlace {
  /** Number of lines with this shape. */
  readonly count: number;
  readonly raw: string;
  /** The part that could not be read; empty if that is the whole line. */
  readonly residue: string;
}

export interface LineSamples {
  /** Lines, and the shapes they have; shapes beyond the first thousand are not told apart. */
  readonly count: number;
  readonly shapes: number;
  /** The most frequent ones first. */
  readonly samples: readonly LineSample[];
}

export interface Summary {
  /** Entries, and lines of none. */
  readonly entries: number;
  /** Kinds that occur, the most frequent first. */
  readonly kinds: readonly KindCount[];
  /** Lines of no known form. */
  readonly unknown: LineSamples;
  /** Lines of a known form with an end that could not be read. */
  readonly residue: LineSamples;
}

const MOST_SHAPES = 1000;
/** Exim's own limit. */
const LONGEST_SAMPLE = 8192;

export class Tally {
  readonly #counts = new Map<EntryKind, number>();
  readonly #unknown = new ShapeTable();
  readonly #residue = new ShapeTable();
  #entries = 0;

  add(line: ReadLine): void {
    const { kind } = line;
    this.#entries++;
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    const residue = residueOf(line);
    if (isUnknown(kind)) this.#unknown.add(line.parsed?.text ?? line.raw, line, "");
    else if (residue !== "") this.#residue.add(`${kind} ${residue}`, line, residue);
  }

  summarise(mostSamples: number): Summary {
    const kinds = [...this.#counts]
      .map(([kind, count]) => ({ kind, count, share: count / this.#entries }))
      .sort((one, other) => other.count - one.count || KIND_NAMES.indexOf(one.kind) - KIND_NAMES.indexOf(other.kind));
    return {
      entries: this.#entries,
      kinds,
      unknown: this.#unknown.summarise(mostSamples),
      residue: this.#residue.summarise(mostSamples),
    };
  }
}

class ShapeTable {
  readonly #samples = new Map<string, { -readonly [Key in keyof LineSample]: LineSample[Key] }>();
  #count = 0;

  add(text: string, { file, lineNumber, raw }: ReadLine, residue: string): void {
    this.#count++;
    const shape = shapeOf(text);
    const known = this.#samples.get(shape);
    if (known !== undefined) known.count++;
    else if (this.#samples.size < MOST_SHAPES)
      this.#samples.set(shape, {
        file,
        lineNumber,
        count: 1,
        raw: raw.slice(0, LONGEST_SAMPLE),
        residue: residue.slice(0, LONGEST_SAMPLE),
      });
  }

  summarise(mostSamples: number): LineSamples {
    const samples = [...this.#samples.values()].sort((one, other) => other.count - one.count).slice(0, mostSamples);
    return { count: this.#count, shapes: this.#samples.size, samples };
  }
}

/** Values that differ from line to line, and the names that stand for them. */
const VALUES: readonly (readonly [RegExp, string])[] = [
  [/"(?:[^"\\]|\\.)*"/g, '"…"'],
  [/\b[0-9A-Za-z]{6}-(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{11}-[0-9A-Za-z]{4})\b/g, "ID"],
  [/[^\s<>()[\]=:,;"']+@[^\s<>()[\]=:,;"']+/g, "ADDRESS"],
  [/\[[0-9A-Fa-f:.]+\](?::\d+)?/g, "[IP]"],
  [/\b(?:[0-9A-Za-z-]+\.)+[A-Za-z]{2,}\b/g, "NAME"],
  [/\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b/gi, "0"],
  [/\d+/g, "0"],
];

/** Longer text adds nothing to a shape. */
const LONGEST_SHAPE = 300;

/** Shape of a text: ids, addresses, host names, numbers and quoted text are replaced by names. */
export function shapeOf(text: string): string {
  return VALUES.reduce((shape, [value, name]) => shape.replace(value, name), text.slice(0, LONGEST_SHAPE));
}
