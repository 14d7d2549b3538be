import { describe, expect, test } from "vitest";
import { parseWhen } from "../../src/cli/when.ts";
import { epochMs, toIso } from "../../src/units.ts";

/** An hour before clocks in Berlin are put forward: 2026-03-29 00:30 there. */
const NOW = epochMs(Date.UTC(2026, 2, 28, 23, 30));

describe("a moment as a user writes it", () => {
  test.each([
    ["now", "UTC", "2026-03-28T23:30:00.000Z"],
    ["90s", "UTC", "2026-03-28T23:28:30.000Z"],
    ["45m", "UTC", "2026-03-28T22:45:00.000Z"],
    ["2h", "Europe/Berlin", "2026-03-28T21:30:00.000Z"],
    ["7d", "Europe/Berlin", "2026-03-21T23:30:00.000Z"],
    ["2w", "Europe/Berlin", "2026-03-14T23:30:00.000Z"],
    ["today", "UTC", "2026-03-28T00:00:00.000Z"],
    ["today", "Europe/Berlin", "2026-03-28T23:00:00.000Z"],
    ["yesterday", "Europe/Berlin", "2026-03-27T23:00:00.000Z"],
    ["yesterday", "America/New_York", "2026-03-27T04:00:00.000Z"],
    ["2026-03-02", "UTC", "2026-03-02T00:00:00.000Z"],
    ["2026-07-02", "Europe/Berlin", "2026-07-01T22:00:00.000Z"],
    ["2026-03-02 06:16", "Europe/Berlin", "2026-03-02T05:16:00.000Z"],
    ["2026-03-02T06:16:05", "Asia/Kolkata", "2026-03-02T00:46:05.000Z"],
    ["2026-03-02T06:16:05.250Z", "Europe/Berlin", "2026-03-02T06:16:05.250Z"],
    ["2026-03-02 06:16:05 +0530", "Europe/Berlin", "2026-03-02T00:46:05.000Z"],
    ["2026-03-02T06:16-03:30", "Europe/Berlin", "2026-03-02T09:46:00.000Z"],
    ["2025-10-26 02:30", "Europe/Berlin", "2025-10-26T00:30:00.000Z"],
    ["2024-02-29", "UTC", "2024-02-29T00:00:00.000Z"],
  ])("%s in %s", (text, timeZone, expected) => {
    const span = parseWhen(text, { now: NOW, timeZone });
    expect(span && toIso(span.from)).toBe(expected);
  });

  test.each([
    "",
    "soon",
    "2",
    "h",
    "-2h",
    "2y",
    "2026",
    "2026-03",
    "2026-3-2",
    "02.03.2026",
    "2025-02-29",
    "2026-13-01",
    "2026-03-02T",
    "2026-03-02 24:00",
    "2026-03-02 06:60",
    "2026-03-02Z",
    "2026-03-02 06:16 CET",
    "constructor",
  ])("is refused: %j", (text) => {
    expect(parseWhen(text, { now: NOW, timeZone: "UTC" })).toBeUndefined();
  });
});
