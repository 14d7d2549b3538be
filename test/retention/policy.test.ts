/** Spans of time and sizes of a policy, as they are typed. */
import { describe, expect, test } from "vitest";
import { cutoffOf, DEFAULT_SPANS, parseSize, parseSpan } from "../../src/retention/policy.ts";
import { DAY_MS, epochMs, HOUR_MS } from "../../src/units.ts";

describe("a span", () => {
  test.each([
    ["90d", 90 * DAY_MS],
    ["12h", 12 * HOUR_MS],
    ["2w", 14 * DAY_MS],
    ["1y", 365 * DAY_MS],
    ["0d", 0],
    ["forever", undefined],
  ])("%s is understood", (text, span) => {
    expect(parseSpan(text)).toBe(span);
  });

  test.each(["", "90", "d", "-1d", "1.5d", "90 d", "9999999d", "ever"])("%j is refused", (text) => {
    expect(() => parseSpan(text)).toThrow("is not a span of time");
  });

  test("and a size have their defaults and units", () => {
    expect(Object.values(DEFAULT_SPANS).map(parseSpan)).toEqual(
      [90, 180, undefined, 365, 30, 14, 30, 365, undefined].map((days) =>
        days === undefined ? undefined : days * DAY_MS,
      ),
    );
    expect(["1", "2K", "1.5M", "20G", "1t"].map(parseSize)).toEqual([1, 2048, 1.5 * 2 ** 20, 20 * 2 ** 30, 2 ** 40]);
    for (const text of ["", "G", "20X", "-1G"]) expect(() => parseSize(text)).toThrow("is not a size");
    expect(cutoffOf(DAY_MS, epochMs(3 * DAY_MS))).toBe(2 * DAY_MS);
  });
});
