import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LogClock } from "../../src/ingest/batch/clock.ts";
import { parsePrefix } from "../../src/parse/prefix.ts";
import { epochMs, HOUR_MS, MINUTE_MS, SECOND_MS, toIso } from "../../src/units.ts";
import { messageIdAt } from "../support/generate.ts";

const ZONES = [
  "UTC",
  "Europe/Berlin",
  "Europe/Dublin",
  "America/New_York",
  "America/St_Johns",
  "America/Sao_Paulo",
  "Asia/Kathmandu",
  "Asia/Kolkata",
  "Australia/Lord_Howe",
  "Australia/Sydney",
  "Pacific/Apia",
  "Africa/Casablanca",
];

/** Moments at which clocks were or will be set back: an hour or half an hour happens twice. */
const SET_BACK: readonly (readonly [zone: string, at: string])[] = [
  ["Europe/Berlin", "2026-10-25T01:00:00Z"],
  ["America/New_York", "2026-11-01T06:00:00Z"],
  ["America/St_Johns", "2026-11-01T04:30:00Z"],
  ["Australia/Lord_Howe", "2026-04-04T15:00:00Z"],
];

describe("a stamp without a zone", () => {
  test.each([
    ["UTC", "2026-03-02 05:40:05", "2026-03-02T05:40:05.000Z"],
    ["Europe/Berlin", "2026-01-15 12:00:00", "2026-01-15T11:00:00.000Z"],
    ["Europe/Berlin", "2026-07-15 12:00:00", "2026-07-15T10:00:00.000Z"],
    ["America/Chicago", "2028-02-29 23:59:59", "2028-03-01T05:59:59.000Z"],
    ["Asia/Kathmandu", "2026-07-15 00:00:00.250", "2026-07-14T18:15:00.250Z"],
    ["Europe/Berlin", "2026-03-29 01:59:59", "2026-03-29T00:59:59.000Z"],
    ["Europe/Berlin", "2026-03-29 03:00:00", "2026-03-29T01:00:00.000Z"],
    ["Europe/Berlin", "2026-10-25 01:59:59", "2026-10-24T23:59:59.000Z"],
    ["Europe/Berlin", "2026-10-25 03:00:00", "2026-10-25T02:00:00.000Z"],
  ])("is read as time of %s: %s", (zone, stamp, moment) => {
    expect(resolve(new LogClock(zone, undefined), stamp)).toBe(moment);
  });

  test("in an hour that was skipped is read as if the clock had not been set", () => {
    const clock = new LogClock("Europe/Berlin", undefined);
    expect(resolve(clock, "2026-03-29 02:30:00")).toBe("2026-03-29T01:30:00.000Z");
    expect(resolve(clock, "2026-03-29 02:00:00")).toBe("2026-03-29T01:00:00.000Z");
    expect(resolve(clock, "2026-03-29 02:59:59")).toBe("2026-03-29T01:59:59.000Z");
  });

  test("is read right at every moment of two years, with the id of a message received then", () => {
    const from = Date.UTC(2026, 0, 1) / SECOND_MS;
    const moment = fc.integer({ min: from, max: from + 2 * 366 * 86_400 });
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), moment, (zone, second) => {
        const at = second * SECOND_MS;
        expect(resolve(new LogClock(zone, undefined), `${wall(zone, at)} ${messageIdAt(at)} Completed`)).toBe(iso(at));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("02:30 on 2026-10-25 in Berlin, which comes twice", () => {
  const FIRST = "2026-10-25T00:30:00.000Z";
  const SECOND = "2026-10-25T01:30:00.000Z";
  const STAMP = "2026-10-25 02:30:00";

  test("is the first when nothing tells", () => {
    expect(resolve(berlin(), STAMP)).toBe(FIRST);
  });

  test("is the second when the message was received after the first", () => {
    expect(resolve(berlin(), `${STAMP} ${messageIdAt(Date.parse(SECOND))} <= x@y.example`)).toBe(SECOND);
    expect(resolve(berlin(), `${STAMP} ${messageIdAt(Date.parse("2026-10-25T00:45:00Z"))} Completed`)).toBe(SECOND);
  });

  test("is the first when the message was received just before it", () => {
    expect(resolve(berlin(), `${STAMP} ${messageIdAt(Date.parse(FIRST))} <= x@y.example`)).toBe(FIRST);
    expect(resolve(berlin(), `${STAMP} ${messageIdAt(Date.parse(FIRST) + 2 * SECOND_MS)} <= x@y.example`)).toBe(FIRST);
  });

  test("is the second for a message of the day before, when the log was in the second pass already", () => {
    const clock = berlin();
    const id = messageIdAt(Date.parse("2026-10-24T12:00:00Z"));
    expect(resolve(clock, `2026-10-25 02:50:00 ${id} == x@y.example`)).toBe("2026-10-25T00:50:00.000Z");
    expect(resolve(clock, `2026-10-25 02:20:00 ${id} == x@y.example`)).toBe("2026-10-25T01:20:00.000Z");
    expect(resolve(clock, `${STAMP} ${id} Completed`)).toBe(SECOND);
  });

  test("is the second when the lines before it have reached a later time", () => {
    const clock = berlin();
    const stamps = ["02:00:00", "02:30:00", "02:59:59", "02:00:01", "02:30:00", "02:59:59", "03:00:00"];
    expect(stamps.map((stamp) => resolve(clock, `2026-10-25 ${stamp}`).slice(11, 19))).toEqual([
      "00:00:00",
      "00:30:00",
      "00:59:59",
      "01:00:01",
      "01:30:00",
      "01:59:59",
      "02:00:00",
    ]);
  });

  test("is the first when lines only stand a few minutes out of order", () => {
    const clock = berlin();
    expect(resolve(clock, "2026-10-25 02:35:00")).toBe("2026-10-25T00:35:00.000Z");
    expect(resolve(clock, STAMP)).toBe(FIRST);
  });

  test("is the second when the run before has left the log there", () => {
    const last = epochMs(Date.parse("2026-10-25T01:10:00Z"));
    expect(resolve(new LogClock("Europe/Berlin", last), STAMP)).toBe(SECOND);
  });

  test("is neither when the stamp tells its zone", () => {
    const clock = berlin();
    expect(resolve(clock, `${STAMP} +0100 Start queue run: pid=1`)).toBe(SECOND);
    expect(resolve(clock, `${STAMP} +0200 Start queue run: pid=1`)).toBe(FIRST);
    expect(resolve(clock, `${STAMP}.125 +0100 [12] Start queue run: pid=1`)).toBe("2026-10-25T01:30:00.125Z");
  });
});

test.each(SET_BACK)(
  "a log of %s that goes on through the hour when clocks are set back is read in order",
  (zone, at) => {
    const clock = new LogClock(zone, undefined);
    for (let ms = Date.parse(at) - 3 * HOUR_MS; ms < Date.parse(at) + 3 * HOUR_MS; ms += 4 * MINUTE_MS) {
      expect(resolve(clock, wall(zone, ms))).toBe(iso(ms));
    }
  },
);

test("a stamp with a zone is exact in any zone, and leaves the clock there", () => {
  for (const zone of ZONES) {
    const clock = new LogClock(zone, undefined);
    expect(resolve(clock, "2026-03-02 05:40:05.125 -0930 [12] x")).toBe("2026-03-02T15:10:05.125Z");
    expect(clock.last).toBe(Date.parse("2026-03-02T15:10:05.125Z"));
  }
});

function berlin(): LogClock {
  return new LogClock("Europe/Berlin", undefined);
}

function resolve(clock: LogClock, line: string): string {
  const prefix = parsePrefix(line);
  if (prefix === undefined) throw new Error(`This line begins no entry: ${line}`);
  return toIso(clock.resolve(prefix));
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** Wall time as Exim writes it, by ICU, which the code under test does not use. */
function wall(zone: string, ms: number): string {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
  return format.format(ms);
}
