import { describe, expect, test } from "vitest";
import { toHistory } from "../../src/queue/history.ts";
import type { KeptLook } from "../../src/store/read/look-reader.ts";
import { epochMs, HOUR_MS, MINUTE_MS } from "../../src/units.ts";

const START = Date.UTC(2026, 2, 2, 12);
const look = (minutes: number, messages: number | null, changes: Partial<KeptLook> = {}): KeptLook => ({
  at: epochMs(START + minutes * MINUTE_MS),
  messages,
  bytes: 100,
  frozen: 1,
  oldestAt: epochMs(START - HOUR_MS),
  came: 0,
  went: 0,
  isComplete: true,
  ...changes,
});
const EDGES = [0, 60, 120, 180].map((minutes) => epochMs(START + minutes * MINUTE_MS));
const history = (looks: readonly KeptLook[], domain?: string) =>
  toHistory(looks, { server: "mx1", domain, bucket: { minutes: 60 }, edges: EDGES });

describe("the history of a queue", () => {
  test("has a row for each bucket, with the figures of its last look and the most of all", () => {
    const { points } = history([look(0, 5, { came: 5 }), look(30, 9, { came: 6, went: 2 }), look(50, 7), look(130, 8)]);
    expect(points.map(({ looks, messages, most, came, went }) => ({ looks, messages, most, came, went }))).toEqual([
      { looks: 3, messages: 7, most: 9, came: 11, went: 2 },
      { looks: 0, messages: null, most: null, came: null, went: null },
      { looks: 1, messages: 8, most: 8, came: 0, went: 0 },
    ]);
    expect(points[2]?.oldestSeconds).toBe(3600 + 130 * 60);
  });

  test("tells growth and traffic an hour between the first look and the last; what the first found came before", () => {
    const told = history([
      look(0, 50, { came: 50 }),
      look(60, 60, { came: 30, went: 20 }),
      look(120, 80, { came: 20 }),
    ]);
    expect(told).toMatchObject({ first: 50, last: 80, growthPerHour: 15, camePerHour: 25, wentPerHour: 10 });
  });

  test("says nothing of rates within a single look, nor without any", () => {
    expect(history([look(0, 5)])).toMatchObject({ first: 5, last: 5, growthPerHour: null, camePerHour: null });
    expect(history([])).toMatchObject({ looks: 0, first: null, last: null, growthPerHour: null });
  });

  test("of a domain does not tell who came, nor how many there were at a look that named others", () => {
    const told = history([look(0, 5), look(30, null), look(130, null)], "x.example");
    expect(told).toMatchObject({ domain: "x.example", first: 5, last: null, growthPerHour: null, camePerHour: null });
    expect(told.points[0]).toMatchObject({ messages: null, most: 5, came: null, went: null });
  });

  test("marks buckets in which a look could not read everything", () => {
    const { points } = history([look(0, 5), look(70, 1, { isComplete: false })]);
    expect(points.map(({ isPartial }) => isPartial)).toEqual([false, true, false]);
  });
});
