import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RowBuffer } from "../../src/ingest/batch/number-list.ts";
import { NumberedTexts } from "../../src/ingest/batch/numbered-texts.ts";
import { NumberedTuples } from "../../src/ingest/batch/numbered-tuples.ts";

const NULLABLE = fc.oneof(fc.constant(Number.NaN), fc.integer({ min: 0, max: 3 }));
const TUPLES = fc.array(fc.tuple(NULLABLE, NULLABLE, NULLABLE), { maxLength: 200 });

describe("numbered tuples", () => {
  test("have one number each, in the order in which they are first met; a tuple of nulls has none", () => {
    fc.assert(
      fc.property(TUPLES, (tuples) => {
        const numbered = new NumberedTuples(3);
        const expected = new Map<string, number>();
        for (const tuple of tuples) {
          numbered.next.set(tuple);
          const number = numbered.numberOfNext();
          if (tuple.every(Number.isNaN)) expect(number).toBeNaN();
          else {
            if (!expected.has(tuple.join())) expected.set(tuple.join(), expected.size);
            expect(number).toBe(expected.get(tuple.join()));
          }
        }
        expect(numbered.size).toBe(expected.size);
        expect(numbered.takeAdded().length).toBe(3 * expected.size);
      }),
    );
  });

  test("keep their numbers while the table grows, and get new ones after it was cleared", () => {
    const numbered = new NumberedTuples(2);
    const numberOf = (one: number, other: number): number => {
      numbered.next.set([one, other]);
      return numbered.numberOfNext();
    };
    for (let at = 0; at < 5000; at++) expect(numberOf(at, at % 7)).toBe(at);
    for (let at = 4999; at >= 0; at--) expect(numberOf(at, at % 7)).toBe(at);
    numbered.clear();
    expect(numberOf(4999, 1)).toBe(0);
  });
});

describe("numbered texts", () => {
  test("have one number each, and are mentioned once a block", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("", "a", "b", "c@d.example")), (texts) => {
        const numbered = new NumberedTexts();
        for (const [index, text] of texts.entries())
          expect(numbered.mention(text)).toBe([...new Set(texts.slice(0, index + 1))].indexOf(text));
        const distinct = [...new Set(texts)];
        expect(numbered.takeAdded()).toEqual(distinct);
        expect([...numbered.takePostings()]).toEqual([...distinct.keys()]);
        expect(numbered.takeAdded()).toEqual([]);
        for (const text of texts) numbered.mention(text);
        expect([...numbered.takePostings()]).toEqual([...new Set(texts.map((text) => distinct.indexOf(text)))]);
      }),
    );
  });

  test("are none where a text is not known", () => {
    const numbered = new NumberedTexts();
    expect(numbered.mention(undefined)).toBeNaN();
    expect([...numbered.takePostings()]).toEqual([]);
  });
});

describe("rows of numbers", () => {
  test("begin as nulls, also where others were before", () => {
    const rows = new RowBuffer(3);
    for (let count = 0; count < 1000; count++) {
      const start = rows.open();
      expect(start).toBe(3 * count);
      rows.values[start] = count;
    }
    expect(rows.take().length).toBe(3000);
    rows.open();
    expect([...rows.take()]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  });
});
