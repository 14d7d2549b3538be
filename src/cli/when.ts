/** Times and durations as people type them. */
import { TZDate } from "@date-fns/tz";
import { DAY_MS, type EpochMs, epochMs, HOUR_MS, MINUTE_MS, SECOND_MS, WEEK_MS } from "../units.ts";

/** The time a word stands for: a day, a minute, a second; `from` is in it, `until` is the first moment after it. */
export interface Span {
  readonly from: EpochMs;
  readonly until: EpochMs;
}

export interface Clock {
  readonly now: EpochMs;
  /** IANA name of the zone in which times without one are meant. */
  readonly timeZone: string;
}

/**
 * Reads `2026-03-02`, `2026-03-02 05:40`, `2026-03-02T05:40:05Z`, `today`, `yesterday`, `now`, or how long ago: `2h`, `7d`,
 * `1h30m`. Undefined when it is none of them.
 */
export function parseWhen(text: string, clock: Clock): Span | undefined {
  const word = text.trim().toLowerCase();
  if (word === "now") return instant(clock.now);
  if (word === "today") return dayOf(clock, 0);
  if (word === "yesterday") return dayOf(clock, -1);
  const ago = parseDuration(word);
  if (ago !== undefined) return instant(clock.now - ago);
  return parseDate(word, clock.timeZone);
}

const UNITS: Readonly<Record<string, number>> = {
  s: SECOND_MS,
  sec: SECOND_MS,
  m: MINUTE_MS,
  min: MINUTE_MS,
  h: HOUR_MS,
  d: DAY_MS,
  w: WEEK_MS,
};

const DURATION = /^(?:\d+(?:\.\d+)?(?:sec|s|min|m|h|d|w)\s*)+$/;

/** Milliseconds of `90s`, `15min`, `2h`, `7d`, `1h30m`; undefined when it is no duration. A number alone has no unit, and is none. */
export function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([a-z]+)/g)];
  return parts.reduce((sum, [, count = "", unit = ""]) => sum + Number(count) * (UNITS[unit] ?? 0), 0);
}

const DATE =
  /^(\d{4})-(\d{2})-(\d{2})(?:[t ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3})\d*)?)?\s*(z|[+-]\d{2}:?\d{2})?)?$/;

function parseDate(text: string, timeZone: string): Span | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = match;
  const fields = [year, month, day, hour, minute, second].map((field) => Number(field ?? 0));
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0] = fields;
  const ms = fraction === undefined ? 0 : Number(fraction.padEnd(3, "0"));
  if (!isReal(y, mo, d, h, mi, s)) return undefined;
  const at = (days: number, plusMs: number): EpochMs => {
    if (zone !== undefined) return epochMs(Date.UTC(y, mo - 1, d + days, h, mi, s, ms) - zoneMs(zone) + plusMs);
    return epochMs(firstMoment(new TZDate(y, mo - 1, d + days, h, mi, s, ms, timeZone)) + plusMs);
  };
  if (hour === undefined) return { from: at(0, 0), until: at(1, 0) };
  const length = second === undefined ? MINUTE_MS : fraction === undefined ? SECOND_MS : 1;
  return { from: at(0, 0), until: at(0, length) };
}

/** Clocks are set back by an hour, or half of one. */
const SET_BACK_MS = [HOUR_MS, HOUR_MS / 2];

/** Of a time that the clock shows twice, the first. */
function firstMoment(date: TZDate): number {
  const at = date.getTime();
  const showsTheSame = (backMs: number): boolean => {
    const before = new TZDate(at - backMs, date.timeZone);
    return before.getHours() === date.getHours() && before.getMinutes() === date.getMinutes();
  };
  return at - (SET_BACK_MS.find(showsTheSame) ?? 0);
}

function isReal(year: number, month: number, day: number, hour: number, minute: number, second: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 61;
}

function zoneMs(zone: string): number {
  if (zone === "z") return 0;
  const [, sign = "+", hours = "0", minutes = "0"] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS);
}

function dayOf({ now, timeZone }: Clock, days: number): Span {
  const today = new TZDate(now, timeZone);
  const midnight = (offset: number): EpochMs =>
    epochMs(new TZDate(today.getFullYear(), today.getMonth(), today.getDate() + offset, timeZone).getTime());
  return { from: midnight(days), until: midnight(days + 1) };
}

function instant(at: number): Span {
  return { from: epochMs(at), until: epochMs(at) };
}
