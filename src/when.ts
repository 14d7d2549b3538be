/** Times as people type them, and the clock of the wall cut into even pieces. Pure: the time now is given. */
import { TZDate } from "@date-fns/tz";
import type { EpochMs } from "./units.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** What {@link parseWhen} takes, for messages. */
export const WHEN_FORMS =
  "a date (2026-03-02), a time (2026-03-02 05:40), today, yesterday, or how long ago (90min, 2h, 7d, 2w)";

const AGO = /^(\d+)\s*(min|m|h|d|w)$/;
const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?\s*(Z|[+-]\d\d:?\d\d)?)?$/;

/**
 * The moment that a text names on the clock of `timeZone`; undefined when it names none.
 *
 *     2026-03-02            its first moment there
 *     2026-03-02 05:40:05   and with a zone: 2026-03-02T05:40:05+02:00, …Z
 *     now, today, yesterday the first moment of that day
 *     90min 2h              so long ago
 *     7d 2w                 at this time of the day, so many days ago
 */
export function parseWhen(text: string, now: EpochMs, timeZone: string): EpochMs | undefined {
  const word = text.trim().toLowerCase();
  const today = startOfDay(now, timeZone);
  if (word === "now") return now;
  if (word === "today") return today;
  if (word === "yesterday") return shiftDays(today, -1, timeZone);
  const ago = AGO.exec(word);
  if (ago !== null) return timeAgo(Number(ago[1]), ago[2] ?? "", now, timeZone);
  return parseDate(text.trim(), timeZone);
}

function timeAgo(count: number, unit: string, now: EpochMs, timeZone: string): EpochMs | undefined {
  const at =
    unit === "h" || unit.startsWith("m")
      ? now - count * (unit === "h" ? HOUR_MS : MINUTE_MS)
      : shiftDays(now, -count * (unit === "w" ? 7 : 1), timeZone);
  return Number.isFinite(at) ? (at as EpochMs) : undefined;
}

function parseDate(text: string, timeZone: string): EpochMs | undefined {
  const [form, year, month, day, hour, minute, second, fraction = "", zone] = DATE.exec(text) ?? [];
  if (form === undefined) return undefined;
  const parts = [year, month, day, hour, minute, second].map((part) => Number(part ?? 0)) as DateParts;
  parts[1]--;
  const milliseconds = Number(fraction.padEnd(3, "0"));
  // NOTE: Date takes 31 February for 3 March, and 25:00 for 01:00 of the day after.
  const inUtc = new Date(Date.UTC(...parts));
  const isReal =
    inUtc.getUTCMonth() === parts[1] && inUtc.getUTCDate() === parts[2] && inUtc.getUTCHours() === parts[3];
  if (!isReal || parts[4] > 59 || parts[5] > 59) return undefined;
  const wall = inUtc.getTime() + milliseconds;
  if (zone !== undefined) return (wall - offsetOf(zone)) as EpochMs;
  return new TZDate(...parts, milliseconds, timeZone).getTime() as EpochMs;
}

type DateParts = [year: number, month: number, day: number, hour: number, minute: number, second: number];

/** Milliseconds east of Greenwich of `Z`, `+02:00`, `-0730`. */
function offsetOf(zone: string): number {
  if (zone === "Z") return 0;
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(zone) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS);
}

/** A piece of time: so many minutes that divide the hour or the day, a day, a week from Monday, or a month. */
export type Bucket = { readonly minutes: number } | "day" | "week" | "month";

/** What {@link parseBucket} takes, for messages. */
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
  return minutes / (7 * DAY_MINUTES) <= most ? "week" : "month";
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
  if (bucket === "month") return shiftDays(day, 1 - wall(day, timeZone).getDate(), timeZone);
  // Sunday is 0; weeks begin on Monday.
  return bucket === "week" ? shiftDays(day, -((wall(day, timeZone).getDay() + 6) % 7), timeZone) : day;
}

function nextPeriod(bucket: Bucket, start: EpochMs, timeZone: string): EpochMs {
  if (bucket !== "month") return shiftDays(start, bucket === "week" ? 7 : 1, timeZone);
  const date = wall(start, timeZone);
  return new TZDate(date.getFullYear(), date.getMonth() + 1, 1, 0, 0, 0, 0, timeZone).getTime() as EpochMs;
}

function startOfDay(at: EpochMs, timeZone: string): EpochMs {
  return atWall(at, 0, timeZone);
}

function atWall(at: EpochMs, hour: number, timeZone: string): EpochMs {
  const date = wall(at, timeZone);
  return new TZDate(date.getFullYear(), date.getMonth(), date.getDate(), hour, 0, 0, 0, timeZone).getTime() as EpochMs;
}

/** The same time of the wall's clock so many days later, or earlier. */
export function shiftDays(at: EpochMs, days: number, timeZone: string): EpochMs {
  const date = wall(at, timeZone);
  return date.setDate(date.getDate() + days) as EpochMs;
}

function wall(at: EpochMs, timeZone: string): TZDate {
  return new TZDate(at, timeZone);
}
