/** Hours of the week on the clock of a zone, and percentiles of the time on the queue over time. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { weekTable } from "../../src/render/stats/hour-table.ts";
import type { Figures } from "../../src/stats/figures.ts";
import { computeWeekHours } from "../../src/stats/hours.ts";
import { epochMs, HOUR_MS } from "../../src/units.ts";
import { asking, jsonIn } from "../support/ask.ts";

/** One message, and two rejections, in each quarter of an hour of the time. */
function hoursOf(from: string, until: string, timeZone: string) {
  const slotMs = HOUR_MS / 4;
  const [start, end] = [Date.parse(from), Date.parse(until)];
  const slots = Array.from(
    { length: Math.ceil((end - start) / slotMs) },
    (_, index) => Math.floor(start / slotMs) + index,
  );
  const figures = {
    slotMs,
    messages: async () => slots.map((slot) => ({ slot, messages: 1, bytes: 0, status: "delivered" })),
    rejections: async () => slots.map((slot) => ({ slot, rejections: 2, isPermanent: true })),
  } as unknown as Figures;
  return computeWeekHours(figures, { from: epochMs(start), until: epochMs(end) }, timeZone);
}

const SUNDAY = 7;

describe("the hours of the week", () => {
  test("are those of the zone's clock, from Monday on", async () => {
    const hours = await hoursOf("2026-03-01T22:30:00Z", "2026-03-01T23:30:00Z", "Europe/Berlin");
    expect(hours).toHaveLength(168);
    expect(hours[0]).toEqual({ weekday: 1, hour: 0, hours: 0.5, received: 2, rejected: 4 });
    expect(hours[167]).toEqual({ weekday: 7, hour: 23, hours: 0.5, received: 2, rejected: 4 });
    const half = await hoursOf("2026-03-02T00:30:00Z", "2026-03-02T01:30:00Z", "Asia/Kolkata");
    expect(half.filter((hour) => hour.hours > 0)).toEqual([
      { weekday: 1, hour: 6, hours: 1, received: 4, rejected: 8 },
    ]);
  });

  test("lack one in the night when the clock is put forward, and have one twice when it is put back", async () => {
    const night = async (from: string, until: string) =>
      (await hoursOf(from, until, "Europe/Berlin")).filter(({ weekday, hour }) => weekday === SUNDAY && hour < 4);
    const spring = await night("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
    expect(spring.map(({ hours, received }) => [hours, received])).toEqual([
      [1, 4],
      [1, 4],
      [0, 0],
      [1, 4],
    ]);
    const autumn = await night("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
    expect(autumn.map(({ hours, received }) => [hours, received])).toEqual([
      [1, 4],
      [1, 4],
      [2, 8],
      [1, 4],
    ]);
  });

  test("add up to the time and to what came in it, in any zone", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(
          "UTC",
          "Europe/Berlin",
          "America/St_Johns",
          "Australia/Lord_Howe",
          "Asia/Kathmandu",
          "Pacific/Apia",
        ),
        fc.integer({ min: 0, max: 800 }),
        fc.integer({ min: 1, max: 400 }),
        async (timeZone, day, length) => {
          const from = Date.UTC(2025, 0, 1) + day * 24 * HOUR_MS;
          const until = from + length * HOUR_MS;
          const hours = await hoursOf(new Date(from).toISOString(), new Date(until).toISOString(), timeZone);
          const sum = (figure: "hours" | "received"): number => hours.reduce((all, hour) => all + hour[figure], 0);
          expect(sum("hours")).toBeCloseTo(length, 1);
          expect(sum("received")).toBe(length * 4);
        },
      ),
      { numRuns: 30 },
    );
  });

  test("are nothing where nothing is covered, and means where an hour came more than once", async () => {
    expect(await computeWeekHours({} as Figures, { from: undefined, until: undefined }, "UTC")).toEqual([]);
    const table = weekTable(await hoursOf("2026-03-02T00:00:00Z", "2026-03-10T00:00:00Z", "UTC"), "UTC");
    expect(table.rows[0]?.slice(0, 3)).toEqual(["00:00", 4, 4]);
    const oneDay = weekTable(await hoursOf("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z", "UTC"), "UTC");
    expect(oneDay.rows[5]?.slice(0, 3)).toEqual(["05:00", 4, null]);
  });
});

describe("the time on the queue over time", () => {
  test("is by the bucket of arrival, by nearest rank, and null where nothing was completed", async () => {
    const message = (number: number, at: string, done: string | undefined): string => {
      const id = `1vwz${String(number).padStart(2, "0")}-0005eI-2Q`;
      return [
        `2026-03-02 ${at} ${id} <= ann@a.test H=r.test [203.0.113.4] P=esmtp S=464 for bob@b.test`,
        ...(done === undefined
          ? []
          : [
              `2026-03-02 ${done} ${id} => bob@b.test R=out T=smtp H=mx.b.test [203.0.113.5]`,
              `2026-03-02 ${done} ${id} Completed`,
            ]),
      ].join("\n");
    };
    const log = [
      ...Array.from({ length: 10 }, (_, index) => message(index, "05:00:00", `05:00:${10 + index}`)),
      message(20, "06:00:00", undefined),
      message(21, "07:59:59", "09:59:59"),
    ];
    const ask = await asking(`${log.join("\n")}\n`);
    const { sections } = jsonIn(await ask("stats", "waits", "--bucket", "hour", "--json")) as {
      sections: { waits: { bucket: string; points: object[] } };
    };
    const none = { completed: 0, p50Seconds: null, p90Seconds: null, p99Seconds: null, maxSeconds: null };
    expect(sections.waits).toEqual({
      bucket: "hour",
      points: [
        {
          from: "2026-03-02T05:00:00.000Z",
          completed: 10,
          p50Seconds: 14,
          p90Seconds: 18,
          p99Seconds: 19,
          maxSeconds: 19,
        },
        { from: "2026-03-02T06:00:00.000Z", ...none },
        {
          from: "2026-03-02T07:00:00.000Z",
          completed: 1,
          p50Seconds: 7200,
          p90Seconds: 7200,
          p99Seconds: 7200,
          maxSeconds: 7200,
        },
        { from: "2026-03-02T08:00:00.000Z", ...none },
        { from: "2026-03-02T09:00:00.000Z", ...none },
      ],
    });
    expect(await ask("stats", "waits", "--bucket", "hour")).toContain("2 h");
    expect(await ask("stats", "hours")).toMatch(/Hour +Mon/);
  });
});
