import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { type EpochMs, epochMs, toIso } from "../src/units.ts";
import {
  type Bucket,
  bucketEdges,
  chooseBucket,
  formatBucket,
  isTimeZone,
  parseBucket,
  parseDuration,
  parseWhen,
  shiftDays,
} from "../src/when.ts";

const NEW_YORK = "America/New_York";
const DAY_MS = 86_400_000;
/** A Saturday, half past five in the morning in New York. */
const NOW = at("2026-11-21T10:30:00Z");

function at(iso: string): EpochMs {
  return epochMs(Date.parse(iso));
}

function iso(moment: number | undefined): string | undefined {
  return moment === undefined ? undefined : new Date(moment).toISOString().replace(".000Z", "Z");
}

describe("a time as people type it", () => {
  test.each([
    ["now", "2026-11-21T10:30:00Z"],
    ["today", "2026-11-21T05:00:00Z"],
    ["Yesterday", "2026-11-20T05:00:00Z"],
    ["90min", "2026-11-21T09:00:00Z"],
    ["15m", "2026-11-21T10:15:00Z"],
    ["2h", "2026-11-21T08:30:00Z"],
    ["7d", "2026-11-14T10:30:00Z"],
    ["2w", "2026-11-07T10:30:00Z"],
    ["2026-03-02", "2026-03-02T05:00:00Z"],
    ["2026-07-02", "2026-07-02T04:00:00Z"],
    ["2026-03-02 05:40", "2026-03-02T10:40:00Z"],
    ["2026-03-02T05:40:05", "2026-03-02T10:40:05Z"],
    ["2026-03-02T05:40:05.5Z", "2026-03-02T05:40:05.500Z"],
    ["2026-03-02 05:40:05 +02:00", "2026-03-02T03:40:05Z"],
    ["2026-03-02T05:40:05-0730", "2026-03-02T13:10:05Z"],
  ])("%s", (text, expected) => {
    expect(iso(parseWhen(text, { now: NOW, timeZone: NEW_YORK })?.from)).toBe(expected);
  });

  // A Wednesday.
  const WEDNESDAY = at("2026-03-04T15:20:00Z");
  test.each([
    ["monday", "2026-03-02T05:00:00Z", "2026-03-03T05:00:00Z"],
    ["mon", "2026-03-02T05:00:00Z", "2026-03-03T05:00:00Z"],
    ["wednesday", "2026-03-04T05:00:00Z", "2026-03-05T05:00:00Z"],
    ["last wednesday", "2026-02-25T05:00:00Z", "2026-02-26T05:00:00Z"],
    ["Last Thursday", "2026-02-26T05:00:00Z", "2026-02-27T05:00:00Z"],
    ["last week", "2026-02-23T05:00:00Z", "2026-03-02T05:00:00Z"],
    ["this week", "2026-03-02T05:00:00Z", "2026-03-09T04:00:00Z"],
    ["last month", "2026-02-01T05:00:00Z", "2026-03-01T05:00:00Z"],
    ["this month", "2026-03-01T05:00:00Z", "2026-04-01T04:00:00Z"],
    ["last hour", "2026-03-04T14:20:00Z", "2026-03-04T15:20:00Z"],
    ["1 hour ago", "2026-03-04T14:20:00Z", "2026-03-04T14:20:00Z"],
    ["3 days ago", "2026-03-01T15:20:00Z", "2026-03-01T15:20:00Z"],
    ["7 days", "2026-02-25T15:20:00Z", "2026-02-25T15:20:00Z"],
    ["90 minutes ago", "2026-03-04T13:50:00Z", "2026-03-04T13:50:00Z"],
  ])("%s is from %s up to %s", (text, from, until) => {
    const span = parseWhen(text, { now: WEDNESDAY, timeZone: NEW_YORK });
    expect([iso(span?.from), iso(span?.until)]).toEqual([from, until]);
  });

  test("days are counted on the clock of the wall, hours are not", () => {
    const now = at("2026-11-01T17:00:00Z");
    expect(iso(parseWhen("1d", { now, timeZone: NEW_YORK })?.from)).toBe("2026-10-31T16:00:00Z");
    expect(iso(parseWhen("24h", { now, timeZone: NEW_YORK })?.from)).toBe("2026-10-31T17:00:00Z");
  });

  test.each([
    "",
    "tomorrow",
    "7",
    "in 7 days",
    "week",
    "last",
    "this monday",
    "last fortnight",
    "-2h",
    "2026-13-01",
    "2026-02-30",
    "2026-03-02 25:00",
    "2026-03-02 05:60",
    "2026-3-2",
    "03/02/2026",
    `${"9".repeat(400)}d`,
  ])("refuses %s", (text) => {
    expect(parseWhen(text, { now: NOW, timeZone: NEW_YORK })).toBeUndefined();
  });

  test("never throws, whatever is typed", () => {
    fc.assert(fc.property(fc.string(), (text) => void parseWhen(text, { now: NOW, timeZone: NEW_YORK })));
  });
});

/** An hour before clocks in Berlin are put forward: 2026-03-29 00:30 there. */
const BEFORE_SUMMER = at("2026-03-28T23:30:00Z");

describe("a time on the clock of a zone", () => {
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
    const span = parseWhen(text, { now: BEFORE_SUMMER, timeZone });
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
    expect(parseWhen(text, { now: BEFORE_SUMMER, timeZone: "UTC" })).toBeUndefined();
  });
});

describe("how long a named time is", () => {
  test.each([
    ["today", "2026-11-22T05:00:00Z", true],
    ["yesterday", "2026-11-21T05:00:00Z", true],
    ["2026-11-01", "2026-11-02T05:00:00Z", true],
    ["2026-11-01 05:40", "2026-11-01T10:41:00Z", false],
    ["2026-11-01 05:40:05", "2026-11-01T10:40:06Z", false],
    ["2026-11-01 05:40:05.5", "2026-11-01T10:40:05.501Z", false],
    ["2h", "2026-11-21T08:30:00Z", false],
    ["now", "2026-11-21T10:30:00Z", false],
  ])("%s ends before %s", (text, until, isDay) => {
    const span = parseWhen(text, { now: NOW, timeZone: NEW_YORK });
    expect([iso(span?.until), span?.isDay]).toEqual([until, isDay]);
  });

  test.each([
    ["90s", 90_000],
    ["1h30m", 5_400_000],
    ["1.5 h", 5_400_000],
    ["1d 2h", 93_600_000],
    ["90", undefined],
    ["", undefined],
    ["1 year", undefined],
  ])("%s is %s ms", (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });
});

describe("a bucket", () => {
  test.each([
    ["minute", { minutes: 1 }],
    ["5min", { minutes: 5 }],
    ["15 min", { minutes: 15 }],
    ["hour", { minutes: 60 }],
    ["60min", { minutes: 60 }],
    ["6h", { minutes: 360 }],
    ["day", "day"],
    ["WEEK", "week"],
    ["month", "month"],
  ] as const)("is read from %s", (text, expected) => {
    expect(parseBucket(text)).toEqual(expected);
  });

  test.each(["", "7min", "0min", "5h", "24h", "90min", "year", "constructor", "1.5h"])("is not %s", (text) => {
    expect(parseBucket(text)).toBeUndefined();
  });

  test("is written as it is read", () => {
    for (const text of ["minute", "15min", "hour", "6h", "day", "week", "month"])
      expect(formatBucket(parseBucket(text) ?? "day")).toBe(text);
  });

  test("is chosen so that there are not too many", () => {
    const hours = (count: number): string => formatBucket(chooseBucket(NOW, epochMs(NOW + count * 3_600_000), 60));
    expect([1, 4, 24, 24 * 8, 24 * 40, 24 * 400, 24 * 4000].map(hours)).toEqual([
      "minute",
      "5min",
      "hour",
      "6h",
      "day",
      "week",
      "month",
    ]);
  });
});

describe("time is cut", () => {
  const cut = (bucket: Bucket, from: string, until: string, zone = NEW_YORK): (string | undefined)[] | undefined =>
    bucketEdges(bucket, at(from), at(until), zone, 1000)?.map(iso);

  test("into local days, one of 25 hours", () => {
    expect(cut("day", "2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z")).toEqual([
      "2026-10-31T04:00:00Z",
      "2026-11-01T04:00:00Z",
      "2026-11-02T05:00:00Z",
      "2026-11-03T05:00:00Z",
    ]);
  });

  test("into hours that are as many as they were", () => {
    expect(cut({ minutes: 60 }, "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z")).toHaveLength(26);
    expect(cut({ minutes: 60 }, "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z")).toHaveLength(24);
    expect(cut({ minutes: 15 }, "2026-03-08T06:50:00Z", "2026-03-08T07:10:00Z")).toEqual([
      "2026-03-08T06:45:00Z",
      "2026-03-08T07:00:00Z",
      "2026-03-08T07:15:00Z",
    ]);
  });

  test("into quarters of a day by the clock of the wall", () => {
    expect(cut({ minutes: 360 }, "2026-11-01T04:30:00Z", "2026-11-01T18:00:00Z")).toEqual([
      "2026-11-01T04:00:00Z",
      "2026-11-01T11:00:00Z",
      "2026-11-01T17:00:00Z",
      "2026-11-01T23:00:00Z",
    ]);
  });

  test("into weeks from Monday and months, where clocks are ahead by halves of an hour", () => {
    expect(cut("week", "2026-01-15T04:30:00Z", "2026-01-28T18:00:00Z", "Asia/Kolkata")).toEqual([
      "2026-01-11T18:30:00Z",
      "2026-01-18T18:30:00Z",
      "2026-01-25T18:30:00Z",
      "2026-02-01T18:30:00Z",
    ]);
    expect(cut("month", "2026-01-15T04:30:00Z", "2026-03-01T00:00:00Z", "Asia/Kolkata")).toEqual([
      "2025-12-31T18:30:00Z",
      "2026-01-31T18:30:00Z",
      "2026-02-28T18:30:00Z",
      "2026-03-31T18:30:00Z",
    ]);
  });

  test("into no more pieces than are wanted", () => {
    expect(bucketEdges({ minutes: 1 }, NOW, epochMs(NOW + 3_600_000), "UTC", 59)).toBeUndefined();
    expect(bucketEdges({ minutes: 1 }, NOW, epochMs(NOW + 3_600_000), "UTC", 60)).toHaveLength(61);
    expect(bucketEdges({ minutes: 1 }, epochMs(0), NOW, "UTC", 10_000)).toBeUndefined();
  });

  test("without gaps, and around what was asked for", () => {
    const buckets = fc.constantFrom<Bucket>({ minutes: 5 }, { minutes: 60 }, { minutes: 360 }, "day", "week", "month");
    const zones = fc.constantFrom(
      "UTC",
      NEW_YORK,
      "Asia/Kolkata",
      "Australia/Lord_Howe",
      "Pacific/Apia",
      "Africa/Cairo",
    );
    const start = fc.integer({ min: at("2020-01-01T00:00:00Z"), max: at("2027-01-01T00:00:00Z") });
    const length = fc.integer({ min: 1, max: 4 * DAY_MS });
    fc.assert(
      fc.property(buckets, zones, start, length, (bucket, zone, from, span) => {
        const edges = bucketEdges(bucket, epochMs(from), epochMs(from + span), zone, 2000) ?? [];
        expect(edges.length).toBeGreaterThan(1);
        expect(edges[0]).toBeLessThanOrEqual(from);
        expect(edges[1]).toBeGreaterThan(from);
        expect(edges.at(-1)).toBeGreaterThanOrEqual(from + span);
        expect(edges.at(-2)).toBeLessThan(from + span);
        for (const [index, edge] of edges.slice(1).entries()) expect(edge).toBeGreaterThan(edges[index] ?? 0);
      }),
    );
  });
});

describe("days", () => {
  /** Zones in which clocks go forward at midnight, so that a day begins at one, or back at one, so that midnight comes twice. */
  const ZONES = ["UTC", "Europe/Berlin", "America/Havana", "America/Santiago", "Atlantic/Azores", "Asia/Beirut"];
  const DAYS = Array.from({ length: 365 }, (_, index) => toIso(epochMs(Date.UTC(2026, 0, 1 + index))).slice(0, 10));

  test.each(ZONES)("follow one another in %s", (timeZone) => {
    const first = at("2026-01-01T12:00:00Z");
    const starts = DAYS.map((day) => parseWhen(day, { now: first, timeZone })?.from ?? 0);
    const end = parseWhen("2026-12-31", { now: first, timeZone })?.until ?? epochMs(0);
    expect(bucketEdges("day", epochMs(starts[0] ?? 0), end, timeZone, 400)).toEqual([...starts, end]);
    const nextOf = (index: number): number => starts[index + 1] ?? end;
    const isUneven = (index: number): boolean => nextOf(index) - (starts[index] ?? 0) !== DAY_MS;
    for (const [index, start] of starts.entries()) {
      if (index > 0 && ![index - 1, index, index + 1].some(isUneven)) continue;
      const next = nextOf(index);
      const asked = [
        parseWhen(DAYS[index] ?? "", { now: first, timeZone }),
        parseWhen("today", { now: epochMs(start), timeZone }),
        parseWhen("today", { now: epochMs(next - 1), timeZone }),
        parseWhen("yesterday", { now: epochMs(next), timeZone }),
      ];
      for (const span of asked) expect([span?.from, span?.until].map(iso)).toEqual([start, next].map(iso));
      const quarters = bucketEdges({ minutes: 360 }, epochMs(start), epochMs(next), timeZone, 10);
      expect([quarters?.length, quarters?.[0], quarters?.at(-1)]).toEqual([5, start, next]);
    }
  });

  test("begin where they begin, whatever the zone of the process", () => {
    const { TZ } = process.env;
    onTestFinished(() => {
      if (TZ === undefined) delete process.env["TZ"];
      else process.env["TZ"] = TZ;
    });
    for (const zone of ["UTC", "America/New_York", "Atlantic/Azores"]) {
      process.env["TZ"] = zone;
      const clock = { now: at("2026-10-25T12:00:00Z"), timeZone: "Atlantic/Azores" };
      expect([parseWhen("today", clock), parseWhen("yesterday", clock)].map((span) => iso(span?.from))).toEqual([
        "2026-10-25T00:00:00Z",
        "2026-10-24T00:00:00Z",
      ]);
    }
  });
});

test("a day earlier is the same time on the wall", () => {
  expect(iso(shiftDays(at("2026-11-02T17:00:00Z"), -2, NEW_YORK))).toBe("2026-10-31T16:00:00Z");
});

test("a time zone is a name this machine knows", () => {
  expect(["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"].map(isTimeZone)).toEqual([true, true, true]);
  expect(["", "Mars/Olympus", "Europe/Berlin ", "Europe/Berlin\n"].map(isTimeZone)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});
