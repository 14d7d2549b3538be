/**
 * Finds the place in the line of each field of its event. The parser keeps values, not places, so the places are found again:
 *
 * 1. A field is looked for where its key is (`R=` for the router), from left to right; only a place whose text, read as the
 *    parser reads it (quotes, escapes, durations), gives the value of the field is one.
 * 2. A field without a key is looked for by its own text, between the ends of words. Longer values are placed first: a reason
 *    that names an address is not mistaken for the address.
 * 3. Places do not overlap, but for a part in its whole: `451` in the error text; and two fields with one text share a place.
 *
 * A field that has no such place, as its form alone tells it or its text was changed beyond recognition, gets none.
 */
import { parseDuration } from "../parse/durations.ts";
import { closingQuote, printingsOf, unescapePrinted, unescapeQuoted, unescapeReply } from "../parse/quoting.ts";
import type { Field } from "./fields.ts";

/** From the first character of the key to after the last one of the value. */
export interface TextRange {
  readonly from: number;
  readonly to: number;
}

export interface PlacedField extends Field {
  readonly range: TextRange | undefined;
}

/** Places fields in `line`, whose text begins at `textStart`; in the order given. */
export function placeFields(fields: readonly Field[], line: string, textStart: number): PlacedField[] {
  const taken = new Map<Field, TextRange>();
  const ranges: TextRange[] = [];
  for (const field of inOrderOfCertainty(fields)) {
    const container = fields.find(({ name }) => name === field.within);
    const area = (container && taken.get(container)) ?? { from: textStart, to: line.length };
    const range = choose(candidates(field, line, area), ranges);
    if (range === undefined) continue;
    taken.set(field, range);
    if (!ranges.some((other) => isSame(other, range))) ranges.push(range);
  }
  return fields.map((field) => ({ ...field, range: taken.get(field) }));
}

/** Fields with a key first, in their order; then the longest text, parts after their wholes. */
function inOrderOfCertainty(fields: readonly Field[]): Field[] {
  const placeable = fields.filter(({ openers }) => openers !== undefined);
  const keyed = placeable.filter(({ openers }) => openers?.some(isKey));
  const bare = placeable.filter((field) => !keyed.includes(field));
  const length = ({ value, within }: Field): number => (within === undefined ? String(value).length : -1);
  return [...keyed, ...bare.sort((one, other) => length(other) - length(one))];
}

/** Places that are tried before a field counts as not found. */
const MOST_CANDIDATES = 64;

function choose(places: Iterable<TextRange>, ranges: readonly TextRange[]): TextRange | undefined {
  let second: TextRange | undefined;
  let looked = 0;
  for (const place of places) {
    const touched = ranges.filter((range) => place.from < range.to && range.from < place.to);
    if (touched.length === 0) return place;
    const fits = touched.every((range) => isWithin(place, range) || isWithin(range, place));
    const isShared = touched.some((range) => isSame(range, place));
    if (fits && (second === undefined || isShared)) second = place;
    if (isShared || ++looked >= MOST_CANDIDATES) break;
  }
  return second;
}

function isWithin(inner: TextRange, outer: TextRange): boolean {
  return inner.from >= outer.from && inner.to <= outer.to;
}

function isSame(one: TextRange, other: TextRange): boolean {
  return one.from === other.from && one.to === other.to;
}

/** Possible places of the field: the surest opener first, from left to right. */
function* candidates({ openers = [], value }: Field, line: string, area: TextRange): Generator<TextRange> {
  // NOTE: both ends of `451-4.7.1` are found only when a minus may end a word.
  for (const limits of [STRICT, LOOSE])
    for (const opener of openers) yield* candidatesAfter(opener, value, line, area, limits);
}

type IsEnd = (line: string, at: number) => boolean;

/** Tests for the start and the end of a word. */
interface Limits {
  readonly isStart: (line: string, at: number) => boolean;
  readonly isEnd: IsEnd;
}

/** An address, a name of a host, a number with its dots and minuses are one word. */
const STRICT: Limits = {
  isStart: (line, at) => !/[\w.@+-]/.test(line.charAt(at)) || !/[\w.@+-]/.test(line.charAt(at - 1)),
  isEnd: (line, to) => !/[\w@.-]/.test(line.charAt(to - 1)) || !/^(?:[\w@-]|\.\w)/.test(line.slice(to, to + 2)),
};

/** Letters and digits are one word. */
const LOOSE: Limits = {
  isStart: (line, at) => !/\w/.test(line.charAt(at)) || !/\w/.test(line.charAt(at - 1)),
  isEnd: (line, to) => !/\w/.test(line.charAt(to - 1)) || !/\w/.test(line.charAt(to)),
};

function* candidatesAfter(
  opener: string,
  value: Field["value"],
  line: string,
  area: TextRange,
  { isStart, isEnd }: Limits,
): Generator<TextRange> {
  const wanted = opener === "" ? bareText(value, line) : opener;
  let at = line.indexOf(wanted, area.from);
  while (at !== -1 && at + wanted.length <= area.to) {
    if (isStart(line, at)) {
      const valueFrom = opener === "" ? at : at + opener.length;
      const to = value === true ? at + wanted.length : valueEnd(line, valueFrom, value, isEnd);
      if (to !== undefined && to <= area.to && (value !== true || isEnd(line, to)))
        yield { from: isKey(opener) || value === true ? at : valueFrom, to };
    }
    at = line.indexOf(wanted, at + 1);
  }
}

/** The null sender is written in its brackets. */
function bareText(value: Field["value"], line: string): string {
  if (value === "") return "<>";
  const text = String(value);
  return printingsOf(text).find((printed) => line.includes(printed)) ?? text;
}

function isKey(opener: string): boolean {
  return /^[\w*.-]+[=:]? ?$/.test(opener);
}

/** End of the value that begins at `from`; undefined if something else stands there. */
function valueEnd(line: string, from: number, value: string | number, isEnd: IsEnd): number | undefined {
  if (typeof value === "number") return numberEnd(line, from, value, isEnd);
  for (const text of printingsOf(value)) {
    for (const spelling of [text, `<${text}>`, `"${text}"`, `(${text})`, `[${text}]`]) {
      if (spelling !== "" && line.startsWith(spelling, from) && isEnd(line, from + spelling.length))
        return from + spelling.length;
    }
  }
  return quotedEnd(line, from, value);
}

/** `"…"` with escapes that, undone, give the value. */
function quotedEnd(line: string, from: number, value: string): number | undefined {
  if (line.charAt(from) !== '"') return undefined;
  const close = closingQuote(line, from + 1);
  if (close === -1) return undefined;
  return readingsOf(line.slice(from + 1, close)).includes(value) ? close + 1 : undefined;
}

/** Possible readings of a text of the line: each field has its own way of quoting. */
export function readingsOf(quoted: string): readonly string[] {
  return [quoted, unescapeQuoted(quoted), unescapeReply(quoted), unescapePrinted(quoted)];
}

/** Digits, or a duration as Exim writes it: `3m45s`. */
function numberEnd(line: string, from: number, value: number, isEnd: IsEnd): number | undefined {
  const word = /^[-\w.]+/.exec(line.slice(from, from + 40))?.[0] ?? "";
  for (const text of [word, word.replace(/[.-]+$/, ""), /^-?\d+/.exec(word)?.[0] ?? ""]) {
    if (text !== "" && (Number(text) === value || parseDuration(text) === value) && isEnd(line, from + text.length))
      return from + text.length;
  }
  return undefined;
}
