import fc from "fast-check";
import { expect, test } from "vitest";
import { TextTable } from "../../src/store/write/text-table.ts";

test("texts get their numbers in the order in which they come, and keep them while the table grows", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 3 }), { maxLength: 300 }), fc.nat(5000), (texts, more) => {
      const table = new TextTable();
      const numbers = new Map<string, number>();
      for (const text of [...texts, ...Array.from({ length: more }, (_, index) => `<${index}>`), ...texts]) {
        expect(table.find(text)).toBe(numbers.get(text));
        if (!numbers.has(text)) numbers.set(text, table.add(text));
      }
      expect([...numbers.values()]).toEqual(Array.from(numbers, (_, number) => number));
      expect(table.textsFrom(0)).toEqual([...numbers.keys()]);
      expect(table.size).toBe(numbers.size);
    }),
    { numRuns: 20 },
  );
});

test("texts of one hash are told apart", () => {
  const table = new TextTable();
  for (const text of ["a", "b", "c"]) expect(table.find(text, 7) ?? table.add(text, 7)).toBe(text.charCodeAt(0) - 97);
  expect(["c", "a", "d"].map((text) => table.find(text, 7))).toEqual([2, 0, undefined]);
});
