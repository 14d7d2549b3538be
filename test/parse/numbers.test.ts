/** Numbers of a log, however large: each is told exactly, or unknown with its text kept. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { metadataOf } from "../../src/ingest/batch/metadata.ts";
import { parseDuration } from "../../src/parse/durations.ts";
import { parseWholeNumber } from "../../src/parse/numbers.ts";
import { parseEntryText } from "../../src/parse/record.ts";

const PREFIX = "2026-03-02 00:00:01 1vwqw6-009HFM-Uo ";
const BEYOND = ["9007199254740992", "9223372036854775807", "9223372036854775808", "9".repeat(26), "9".repeat(400)];

/** Lines with a number in each field that has one, `#`. */
const LINES = [
  "<= a@b.example H=x [1.2.3.4] P=esmtp S=#",
  "<= a@b.example H=x [1.2.3.4]:# P=esmtp S=1",
  '=> c@d.example R=a T=b H=h [1.2.3.4]:# C="250 ok"',
  '=> c@d.example R=a T=b H=h [1.2.3.4] QT=#s C="250 ok"',
  '=> c@d.example R=a T=b H=h [1.2.3.4] DT=#s C="250 ok"',
  '=> c@d.example R=a T=b H=h [1.2.3.4] QT=#w C="250 ok"',
  "== c@d.example R=a T=b defer (#): later",
  "== c@d.example R=a T=b defer (-#): later",
  "Completed QT=#s",
];

describe("a number of a line", () => {
  test.each(LINES)("that is beyond 2^53 - 1 is unknown, and its text stays among the details: %s", (form) => {
    for (const digits of BEYOND) {
      const event = parseEntryText(PREFIX + form.replace("#", digits))?.event;
      expect(event).toBeDefined();
      if (event === undefined) continue;
      expect(metadataOf(event).some((value) => value.includes(digits))).toBe(true);
      for (const number of numbersIn(event)) expect(Number.isSafeInteger(number)).toBe(true);
    }
  });

  test.each(LINES)("is told exactly or not at all, whatever its form: %s", (form) => {
    const odd = fc.constantFrom(
      "-1",
      "1.5",
      "1e3",
      "1E400",
      "٣",
      "１２",
      "0x10",
      "+7",
      "00012",
      "NaN",
      "Infinity",
      "-",
    );
    fc.assert(
      fc.property(fc.oneof(odd, fc.bigInt({ min: 0n, max: 2n ** 80n }).map(String)), (text) => {
        const event = parseEntryText(PREFIX + form.replace("#", text))?.event;
        expect(event).toBeDefined();
        for (const number of numbersIn(event)) expect(Number.isSafeInteger(number)).toBe(true);
      }),
    );
  });
});

test("digits are read up to 2^53 - 1, and no further", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 70n }), (value) => {
      const expected = value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
      expect(parseWholeNumber(String(value))).toBe(expected);
    }),
  );
  for (const text of ["", "-1", "1.5", "1e3", "٣", " 1"]) expect(parseWholeNumber(text)).toBeUndefined();
});

test("a duration beyond 2^53 - 1 milliseconds is unknown", () => {
  expect(parseDuration("9007199254740s")).toBe(9_007_199_254_740_000);
  for (const text of ["9007199254741s", "99999999999999w", `${"9".repeat(400)}d`])
    expect(parseDuration(text)).toBeUndefined();
});

function numbersIn(value: unknown): number[] {
  if (typeof value === "number") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}
