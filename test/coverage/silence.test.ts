/** How long a log may be silent, for logs whose rhythm is known. */
import { describe, expect, test } from "vitest";
import { allowedSilence } from "../../src/coverage/silence.ts";
import { DAY_MS, type EpochMs, epochMs, HOUR_MS, MINUTE_MS, WEEK_MS } from "../../src/units.ts";

/** A Monday. */
const START = Date.parse("2026-02-02T00:00:00Z");

/** A log with a line every minute from 8 to 20 o'clock on weekdays, and none else, for five weeks. */
const OFFICE = instants(5 * WEEK_MS, MINUTE_MS).filter((at) => {
  const [day, hour] = [new Date(at).getUTCDay(), new Date(at).getUTCHours()];
  return day >= 1 && day <= 5 && hour >= 8 && hour < 20;
});

function instants(lengthMs: number, stepMs: number): EpochMs[] {
  return Array.from({ length: Math.ceil(lengthMs / stepMs) }, (_, index) => epochMs(START + index * stepMs));
}

/** The log as it was read up to an instant. */
function upTo(activity: readonly EpochMs[], time: string): EpochMs[] {
  return activity.filter((at) => at <= Date.parse(time));
}

function allowedAt(activity: readonly EpochMs[], time: string): number {
  const read = upTo(activity, time);
  return allowedSilence(read, read.at(-1) ?? epochMs(0));
}

describe("a log may be silent", () => {
  test("for an hour at least, however busy it is", () => {
    expect(allowedAt(OFFICE, "2026-03-04T14:00:00Z")).toBe(HOUR_MS);
  });

  test("for three times the night after the last line of a day", () => {
    expect(allowedAt(OFFICE, "2026-03-04T23:00:00Z")).toBe(3 * (12 * HOUR_MS + MINUTE_MS));
  });

  test("for three times the weekend after the last line of a week", () => {
    expect(allowedAt(OFFICE, "2026-03-07T12:00:00Z")).toBe(3 * (2.5 * DAY_MS + MINUTE_MS));
  });

  test("no longer though the same hour was silent in one week for another reason", () => {
    const outage = [Date.parse("2026-02-25T10:00:00Z"), Date.parse("2026-02-27T10:00:00Z")] as const;
    const broken = OFFICE.filter((at) => at < outage[0] || at > outage[1]);
    expect(allowedAt(broken, "2026-03-04T14:00:00Z")).toBe(HOUR_MS);
  });

  test("as its days tell, while it is younger than two weeks", () => {
    const hourly = instants(3 * DAY_MS, HOUR_MS);
    expect(allowedSilence(hourly, hourly.at(-1) ?? epochMs(0))).toBe(3 * HOUR_MS);
  });

  test("for an hour while nothing is known of it", () => {
    expect(allowedSilence([], epochMs(START))).toBe(HOUR_MS);
    expect(allowedSilence([epochMs(START)], epochMs(START))).toBe(HOUR_MS);
  });
});
