/** Times as people type them, and the clock of the wall cut into even pieces. Pure: the time now is given. */
import { tzOffset } from "@date-fns/tz";
import type { EpochMs } from "./units.ts";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK_DAYS = 7;

/** The time a word stands for: a day, a minute, a second; `from` is in it, `until` is the first moment after it. */
export interface NamedTime {
  readonly from: EpochMs;
  readonly until: EpochMs;
  /** A whole day of the wall's clock was named: `2026-03-02`, `today`, `yesterday`. */
  readonly isDay: boolean;
}

export interface Clock {
  readonly now: EpochMs;
  /** IANA name of the zone in which times without one are meant. */
  readonly timeZone: string;
}

/** True when the name is an IANA time zone this machine knows. */
export function isTimeZone(name: string): boolean {
  // NOTE: Node takes longer to load what it knows of zones than a question about one message takes in all else.
  if (name === "UTC") return true;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Forms that {@link parseWhen} takes, for messages. */
export const WHEN_FORMS =
  "a date (2026-03-02), a time (2026-03-02 05:40), today, yesterday, monday, last week, or how long ago (90min, 2h, 7d, 2w)";

/**
 * The time that a text names on the clock of `timeZone`; undefined when it names none.
 *
 *     2026-03-02             that day
 *     2026-03-02 05:40       that minute; with seconds that second; and with a zone: 2026-03-02T05:40:05+02:00, …Z
 *     now, today, yesterday
 *     monday, last monday    the latest day of that name that is over, or is today
 *     this week, last month  all its days; weeks begin on Monday
 *     90min 2h 1h30m         so long ago; also 1 hour ago, 3 days ago
 *     7d 2w                  at this time of the day, so many days ago
 */
export function parseWhen(text: string, clock: Clock): NamedTime | undefined {
  const word = text.trim().toLowerCase();
  if (word === "now") return instant(clock.now);
  if (word === "today") return dayFrom(startOfDay(clock.now, clock.timeZone), clock.timeZone);
  if (word === "yesterday") {
    return dayFrom(shiftDays(startOfDay(clock.now, clock.timeZone), -1, clock.timeZone), clock.timeZone);
  }
  const named = parseNamed(word, clock);
  if (named !== undefined) return named;
  const parts = durationParts(word.replace(/ ago$/, ""));
  return parts === undefined ? parseDate(word, clock.timeZone) : timeAgo(parts, clock);
}

const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const NAMED = /^(last |this |)(?:(hour|day|week|month)|([a-z]{3,9}))$/;

/** `monday`, `last week`; a single `week` is none. */
function parseNamed(word: string, { now, timeZone }: Clock): NamedTime | undefined {
  const [, which = "", unit, name = ""] = NAMED.exec(word.replace(/ {2,}/g, " ")) ?? [];
  if (unit === undefined) return parseWeekday(which.trim(), name, { now, timeZone });
  if (which === "") return undefined;
  if (unit === "hour") {
    const end = which === "last " ? now : ((now + HOUR_MS) as EpochMs);
    return { from: (end - HOUR_MS) as EpochMs, until: end, isDay: true };
  }
  const bucket = unit as "day" | "week" | "month";
  const start = startOfPeriod(bucket, now, timeZone);
  if (which === "this ") return { from: start, until: nextPeriod(bucket, start, timeZone), isDay: true };
  return { from: startOfPeriod(bucket, shiftDays(start, -1, timeZone), timeZone), until: start, isDay: true };
}

/** `mon`, `monday`: with `last`, today is not meant. */
function parseWeekday(which: string, name: string, { now, timeZone }: Clock): NamedTime | undefined {
  const weekday = WEEKDAYS.findIndex((day) => name.length >= 3 && (name === day || name === day.slice(0, 3)));
  if (weekday < 0 || which === "this") return undefined;
  const today = startOfDay(now, timeZone);
  const back = (wall(today, timeZone).getUTCDay() - weekday + 7) % 7;
  return dayFrom(shiftDays(today, -(back === 0 && which === "last" ? 7 : back), timeZone), timeZone);
}

/** Milliseconds of `90s`, `15min`, `2h`, `7d`, `1h30m`; undefined when it is no duration. A number alone has no unit, and is none. */
export function parseDuration(text: string): number | undefined {
  return durationParts(text)?.reduce((sum, { count, unitMs }) => sum + count * unitMs, 0);
}

interface DurationPart {
  readonly count: number;
  readonly unitMs: number;
}

const UNITS: Readonly<Record<string, number>> = {
  s: SECOND_MS,
  sec: SECOND_MS,
  second: SECOND_MS,
  seconds: SECOND_MS,
  m: MINUTE_MS,
  min: MINUTE_MS,
  minute: MINUTE_MS,
  minutes: MINUTE_MS,
  h: HOUR_MS,
  hour: HOUR_MS,
  hours: HOUR_MS,
  d: DAY_MS,
  day: DAY_MS,
  days: DAY_MS,
  w: WEEK_DAYS * DAY_MS,
  week: WEEK_DAYS * DAY_MS,
  weeks: WEEK_DAYS * DAY_MS,
};

const DURATION = /^(?:\d+(?:\.\d+)?\s?(?:seconds?|sec|s|minutes?|min|m|hours?|h|days?|d|weeks?|w)\s*)+$/;

function durationParts(text: string): readonly DurationPart[] | undefined {
  if (!DURATION.test(text)) return undefined;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s?([a-z]+)/g)];
  return parts.map(([, count = "", unit = ""]) => ({ count: Number(count), unitMs: UNITS[unit] ?? 0 }));
}

/** Whole days are counted on the clock of the wall, all else in the time that passed. */
function timeAgo(parts: readonly DurationPart[], { now, timeZone }: Clock): NamedTime | undefined {
  let [days, passedMs] = [0, 0];
  for (const { count, unitMs } of parts) {
    const isInDays = unitMs >= DAY_MS && Number.isInteger(count);
    if (isInDays) days += (count * unitMs) / DAY_MS;
    else passedMs += count * unitMs;
  }
  const at = (days === 0 ? now : shiftDays(now, -days, timeZone)) - passedMs;
  // Dates beyond the range of Date are refused.
  return Math.abs(at) <= MOST_MS ? instant(at) : undefined;
}

/** Range of Date, in milliseconds. */
const MOST_MS = 8.64e15;

const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[t ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)?\s*(z|[+-]\d\d:?\d\d)?)?$/;

function parseDate(text: string, timeZone: string): NamedTime | undefined {
  const [form, year, month, day, hour, minute, second, fraction, zone] = DATE.exec(text) ?? [];
  if (form === undefined) return undefined;
  const parts = [year, month, day, hour, minute, second].map((part) => Number(part ?? 0)) as DateParts;
  parts[1]--;
  // NOTE: Date takes 31 February for 3 March, and 25:00 for 01:00 of the day after.
  const inUtc = new Date(Date.UTC(...parts));
  const isReal =
    inUtc.getUTCMonth() === parts[1] && inUtc.getUTCDate() === parts[2] && inUtc.getUTCHours() === parts[3];
  if (!isReal || parts[4] > 59 || parts[5] > 59) return undefined;
  const milliseconds = Number((fraction ?? "").padEnd(3, "0"));
  const at =
    zone === undefined
      ? momentOf(inUtc.getTime() + milliseconds, timeZone)
      : inUtc.getTime() + milliseconds - offsetOf(zone);
  if (hour === undefined) return dayFrom(at as EpochMs, timeZone);
  const length = second === undefined ? MINUTE_MS : fraction === undefined ? SECOND_MS : 1;
  return { from: at as EpochMs, until: (at + length) as EpochMs, isDay: false };
}

type DateParts = [year: number, month: number, day: number, hour: number, minute: number, second: number];

/** Milliseconds east of Greenwich of `z`, `+02:00`, `-0730`. */
function offsetOf(zone: string): number {
  if (zone === "z") return 0;
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(zone) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS);
}

function dayFrom(start: EpochMs, timeZone: string): NamedTime {
  return { from: start, until: startOfDay(shiftDays(start, 1, timeZone), timeZone), isDay: true };
}

function instant(at: number): NamedTime {
  return { from: at as EpochMs, until: at as EpochMs, isDay: false };
}

/** A piece of time: so many minutes that divide the hour or the day, a day, a week from Monday, or a month. */
export type Bucket = { readonly minutes: number } | "day" | "week" | "month";

/** Forms that {@link parseBucket} takes, for messages. */
export const BUCKET_FORMS = "minute, 5min, 15min, hour, 6h, day, week or month";

const BUCKET_NAMES: Readonly<Record<string, Bucket>> = {
  minute: { minutes: 1 },
  hour: { minutes: 60 },
  day: "day",
  week: "week",
  month: "month",
};
const HOUR_MINUTES = 60;
const DAY_MINUTES = 24 * HOUR_MINUTES;

/** `hour`, `15min`, `6h`; undefined when it does not divide an hour or a day into even parts. */
export function parseBucket(text: string): Bucket | undefined {
  const word = text.trim().toLowerCase();
  if (Object.hasOwn(BUCKET_NAMES, word)) return BUCKET_NAMES[word];
  const [, count, unit] = /^(\d+)\s*(min|m|h)$/.exec(word) ?? [];
  if (count === undefined) return undefined;
  const minutes = Number(count) * (unit === "h" ? HOUR_MINUTES : 1);
  const whole = minutes <= HOUR_MINUTES ? HOUR_MINUTES : DAY_MINUTES;
  if (
    minutes < 1 ||
    minutes >= DAY_MINUTES ||
    whole % minutes !== 0 ||
    (minutes > HOUR_MINUTES && minutes % HOUR_MINUTES !== 0)
  )
    return undefined;
  return { minutes };
}

/** `15min`, `hour`, `6h`, `day`. */
export function formatBucket(bucket: Bucket): string {
  if (typeof bucket === "string") return bucket;
  const { minutes } = bucket;
  if (minutes === 1) return "minute";
  if (minutes < HOUR_MINUTES) return `${minutes}min`;
  return minutes === HOUR_MINUTES ? "hour" : `${minutes / HOUR_MINUTES}h`;
}

/** The bucket that cuts a time into at most so many pieces. */
export function chooseBucket(from: EpochMs, until: EpochMs, most: number): Bucket {
  const minutes = (until - from) / MINUTE_MS;
  const fitting = [1, 5, 15, HOUR_MINUTES, 6 * HOUR_MINUTES].find((size) => minutes / size <= most);
  if (fitting !== undefined) return { minutes: fitting };
  if (minutes / DAY_MINUTES <= most) return "day";
  return minutes / (WEEK_DAYS * DAY_MINUTES) <= most ? "week" : "month";
}

/**
 * The first moments of all buckets that the time from `from` up to the later `until` touches, in order, and the first moment
 * after them; undefined when there are more than `most`. Days are those of the wall's clock: one of 23 or 25 hours is one day, and an hour
 * that comes twice is two hours.
 */
export function bucketEdges(
  bucket: Bucket,
  from: EpochMs,
  until: EpochMs,
  timeZone: string,
  most: number,
): readonly EpochMs[] | undefined {
  const edges: EpochMs[] = [];
  let period = startOfPeriod(bucket, from, timeZone);
  for (; period < until; period = nextPeriod(bucket, period, timeZone)) {
    edges.push(...cutPeriod(bucket, period, timeZone));
    if (edges.length > most + 2 * DAY_MINUTES) return undefined;
  }
  edges.push(period);
  const first = edges.findLastIndex((edge) => edge <= from);
  const end = edges.findIndex((edge) => edge >= until);
  return end - first > most ? undefined : edges.slice(first, end + 1);
}

/** First moments of the buckets within a day; a week or a month is one itself. */
function cutPeriod(bucket: Bucket, start: EpochMs, timeZone: string): EpochMs[] {
  if (typeof bucket === "string") return [start];
  const end = shiftDays(start, 1, timeZone);
  const edges: EpochMs[] = [];
  const { minutes } = bucket;
  for (let passed = 0; passed < DAY_MINUTES; passed += minutes) {
    const edge = minutes > HOUR_MINUTES ? atWall(start, passed / HOUR_MINUTES, timeZone) : start + passed * MINUTE_MS;
    if (edge < end) edges.push(edge as EpochMs);
  }
  // A day of 25 hours.
  const step = minutes * MINUTE_MS;
  for (let edge = start + DAY_MINUTES * MINUTE_MS; minutes <= HOUR_MINUTES && edge < end; edge += step)
    edges.push(edge as EpochMs);
  return edges;
}

function startOfPeriod(bucket: Bucket, at: EpochMs, timeZone: string): EpochMs {
  const day = startOfDay(at, timeZone);
  const date = wall(day, timeZone);
  if (bucket === "month") return shiftDays(day, 1 - date.getUTCDate(), timeZone);
  // Sunday is 0; weeks begin on Monday.
  return bucket === "week" ? shiftDays(day, -((date.getUTCDay() + 6) % 7), timeZone) : day;
}

function nextPeriod(bucket: Bucket, start: EpochMs, timeZone: string): EpochMs {
  if (bucket !== "month") return shiftDays(start, bucket === "week" ? 7 : 1, timeZone);
  const date = wall(start, timeZone);
  return momentOf(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1), timeZone);
}

function startOfDay(at: EpochMs, timeZone: string): EpochMs {
  return atWall(at, 0, timeZone);
}

function atWall(at: EpochMs, hour: number, timeZone: string): EpochMs {
  return momentOf(wall(at, timeZone).setUTCHours(hour, 0, 0, 0), timeZone);
}

/**
 * The same time of the wall's clock so many days later, or earlier; of the first moment of a day that of the other, for where
 * the clock is put forward at midnight a day begins at one.
 */
export function shiftDays(at: EpochMs, days: number, timeZone: string): EpochMs {
  const date = wall(at, timeZone);
  if (startOfDay(at, timeZone) === at) date.setUTCHours(0, 0, 0, 0);
  return momentOf(date.setUTCDate(date.getUTCDate() + days), timeZone);
}

/** The hour of the week that a moment is in, 0 from Monday 00:00 on, and the time that has passed of it; by the clock of the wall. */
export function weekHourAt(at: EpochMs, timeZone: string): { readonly place: number; readonly passedMs: number } {
  const date = wall(at, timeZone);
  const weekday = (date.getUTCDay() + WEEK_DAYS - 1) % WEEK_DAYS;
  const passedMs = ((date.getTime() % HOUR_MS) + HOUR_MS) % HOUR_MS;
  return { place: (weekday * DAY_MINUTES) / HOUR_MINUTES + date.getUTCHours(), passedMs };
}

/** A moment on the clock of the wall: its parts are those of UTC in what is returned. */
function wall(at: EpochMs, timeZone: string): Date {
  return new Date(at + offsetAt(at, timeZone));
}

/** The moment of a time of the wall's clock: the first one when it comes twice. */
function momentOf(wallMs: number, timeZone: string): EpochMs {
  return (wallMs - offsetsOfWall(wallMs, timeZone)[0]) as EpochMs;
}

/** Offsets to subtract from the wall's milliseconds: one, or two in an hour that occurs twice (the earlier pass first). */
export type WallOffsets = readonly [firstMs: number, secondMs: number | undefined];

export function offsetsOfWall(wallMs: number, timeZone: string): WallOffsets {
  const before = offsetAt(wallMs - DAY_MS, timeZone);
  const after = offsetAt(wallMs + DAY_MS, timeZone);
  const isBefore = offsetAt(wallMs - before, timeZone) === before;
  const isAfter = offsetAt(wallMs - after, timeZone) === after;
  if (before === after) return [before, undefined];
  if (isBefore && isAfter) return [before, after];
  // NOTE: a time in an hour that was skipped is read with the offset before the change.
  return [isAfter ? after : before, undefined];
}

/**
 * Milliseconds east of Greenwich that the clocks of a zone are ahead at a moment.
 * NOTE: the library's conversion of a wall time depends on the zone of the process, so it is done here.
 */
function offsetAt(at: number, timeZone: string): number {
  // Measured: Node takes 30 ms to load what it knows of zones and languages.
  return timeZone === "UTC" ? 0 : tzOffset(timeZone, new Date(at)) * MINUTE_MS;
}
