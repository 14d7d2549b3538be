import fc from "fast-check";
import { expect, test } from "vitest";
import { SmallMap } from "../../src/message/small-map.ts";

test("a small map says what a Map says, however many keys there are", () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }).map(String), fc.nat(5)), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (entries) => {
      const map = new Map<string, number>();
      const small = new SmallMap<number>();
      for (const [key, value] of entries) {
        expect(small.get(key)).toBe(map.get(key));
        small.set(key, value);
        map.set(key, value);
        expect(small.size).toBe(map.size);
      }
      expect([small.keys(), small.values()]).toEqual([[...map.keys()], [...map.values()]]);
    }),
  );
});
