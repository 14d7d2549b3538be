import { describe, expect, test } from "vitest";
import { parseDuration } from "../../src/parse/durations.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe("parseDuration", () => {
  test.each([
    ["0s", 0],
    ["12s", 12_000],
    ["3m45s", 3 * MINUTE + 45_000],
    ["2m", 2 * MINUTE],
    ["1h55m", HOUR + 55 * MINUTE],
    ["1d1h10m49s", DAY + HOUR + 10 * MINUTE + 49_000],
    ["1d", DAY],
    ["1w2d", 9 * DAY],
    ["1w4h2m46s", 7 * DAY + 4 * HOUR + 2 * MINUTE + 46_000],
    ["52w", 364 * DAY],
    ["0.000s", 0],
    ["0.001s", 1],
    ["0.304s", 304],
    ["4.999s", 4_999],
    ["-5s", -5_000],
    ["-1m5s", -MINUTE - 5_000],
  ])("%s is %d ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    "",
    "-",
    "5",
    "s",
    "5 s",
    "1s2m",
    "1m1m",
    "1.5m",
    "1,5s",
    ".5s",
    "5.s",
    "1h 2m",
    "q.qqqs",
    "qqs",
    "5S",
    "1y",
    "+5s",
    "--5s",
  ])("%j is none", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});
