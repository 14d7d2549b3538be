import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { delayAfter, parseRetryAfter } from "../../src/notify/backoff.ts";
import { DAY_MS, HOUR_MS, SECOND_MS } from "../../src/units.ts";
import { NOW } from "../support/database.ts";

test("a delay lies between half and all of 30 s · 2ⁿ, an hour at most, and is never less than the receiver asks for", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(DAY_MS),
      (failures, random, asked) => {
        const most = Math.min(HOUR_MS, 30 * SECOND_MS * 2 ** (failures - 1));
        const own = delayAfter(failures, random);
        expect(own).toBeGreaterThanOrEqual(most / 2);
        expect(own).toBeLessThanOrEqual(most);
        expect(delayAfter(failures, random, asked)).toBe(Math.max(own, asked));
      },
    ),
  );
});

describe("Retry-After", () => {
  test.each([
    ["120", 120_000],
    [" 0 ", 0],
    ["Wed, 01 Apr 2026 00:01:00 GMT", 60_000],
    ["Wed, 01 Apr 2020 00:00:00 GMT", 0],
    ["999999999", DAY_MS],
    ["Wed, 01 Apr 2099 00:00:00 GMT", DAY_MS],
    ["soon", undefined],
    ["", undefined],
    [null, undefined],
  ])("%j is %s ms", (text, expected) => {
    expect(parseRetryAfter(text, NOW)).toBe(expected);
  });
});
