import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chooseSurplus, parseKeep } from "../../src/backup/rotation.ts";

describe("parseKeep", () => {
  test("reads counts and periods", () => {
    expect(parseKeep("7d,4w, 12m,2y")).toEqual([
      { count: 7, period: "d" },
      { count: 4, period: "w" },
      { count: 12, period: "m" },
      { count: 2, period: "y" },
    ]);
  });

  test.each(["", "7", "d", "0d", "7d,", "7x", "-1d", "1.5d"])("refuses %j", (text) => {
    expect(() => parseKeep(text)).toThrow("is not a rule for backups to keep");
  });
});

describe("chooseSurplus", () => {
  test("keeps the last of each of so many periods that have one", () => {
    const times = [
      "2026-01-31T23:00:00.000Z", // the last of January
      "2026-03-01T01:00:00.000Z", // a Sunday
      "2026-03-02T01:00:00.000Z",
      "2026-03-09T01:00:00.000Z",
      "2026-03-10T01:00:00.000Z",
      "2026-03-10T02:00:00.000Z",
    ];
    expect(kept(times, "2d")).toEqual([times[3], times[5]]);
    expect(kept(times, "3w")).toEqual([times[1], times[2], times[5]]);
    expect(kept(times, "12m")).toEqual([times[0], times[5]]);
    expect(kept(times, "1d,2m")).toEqual([times[0], times[5]]);
  });

  test("keeps the newest whatever the rule, and more for more rules", () => {
    const time = fc.date({ min: new Date("2020-01-01"), max: new Date("2030-01-01"), noInvalidDate: true });
    const rule = fc.constantFrom("1d", "3d", "2w", "5m", "1y", "9999d");
    fc.assert(
      fc.property(fc.array(time, { minLength: 1, maxLength: 40 }), rule, rule, (dates, one, other) => {
        const times = dates.map((date) => date.toISOString());
        const [newest] = [...times].sort().reverse();
        const both = new Set(kept(times, `${one},${other}`));
        expect(kept(times, one)).toContain(newest);
        expect(kept(times, one).filter((time) => !both.has(time))).toEqual([]);
        expect(new Set(kept(times, "9999d,9999w").map((time) => time.slice(0, 10)))).toEqual(
          new Set(times.map((time) => time.slice(0, 10))),
        );
      }),
    );
  });
});

function kept(times: readonly string[], rules: string): string[] {
  const backups = times.map((createdAt) => ({ createdAt }));
  const surplus = new Set(chooseSurplus(backups, parseKeep(rules)));
  return backups.filter((backup) => !surplus.has(backup)).map(({ createdAt }) => createdAt);
}
