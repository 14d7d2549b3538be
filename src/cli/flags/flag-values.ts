/** Parses the values of flags. An invalid value is refused with a sentence that gives the valid ones. */
import { InvalidArgumentError } from "commander";
import { KIND_NAMES, LINE_KINDS } from "../../message/kinds.ts";
import { type AlarmCondition, CONDITION_FIGURES, parseCondition } from "../../stats/conditions.ts";
import { SECTION_NAMES, type SectionName } from "../../stats/sections.ts";
import type { QueryParameters } from "../../store/read/query-runner.ts";
import { AXES, type AxisName } from "../../store/stats/axes.ts";
import { epochMs, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../units.ts";
import { BUCKET_FORMS, type Bucket, parseBucket, parseDuration, parseWhen } from "../../when.ts";

/** Whatever it is; a flag that is given again adds to what there is. */
export function collectText(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

/** A number between two, both included. */
export function wholeNumber(least: number, most = Number.POSITIVE_INFINITY): (value: string) => number {
  return (value) => {
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (number >= least && number <= most) return number;
    const end = most === Number.POSITIVE_INFINITY ? "" : ` to ${most}`;
    throw new InvalidArgumentError(`Give a number from ${least}${end}.`);
  };
}

/** Any number of rows, none too. */
export function toLimit(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new InvalidArgumentError("Give a number of rows.");
  return Number(value);
}

const SIZE_UNITS = { "": 1, K: 1024, M: 1024 * 1024 } as const;
const MOST_TEXT_BYTES = 16 * 1024 * 1024;

/** `64K`, `1M`, or bytes. */
export function toByteCount(value: string): number {
  const [, digits, unit] = /^(\d{1,9})([KM]?)$/i.exec(value) ?? [];
  const bytes = Number(digits) * SIZE_UNITS[(unit ?? "").toUpperCase() as keyof typeof SIZE_UNITS];
  if (bytes >= 1 && bytes <= MOST_TEXT_BYTES) return bytes;
  throw new InvalidArgumentError("Give a size such as 64K or 1M, up to 16M.");
}

export function toSchemaVersion(value: string): number {
  if (!/^[1-9]\d{0,3}$/.test(value)) throw new InvalidArgumentError("Give the number of a schema.");
  return Number(value);
}

export function toSeconds(value: string): number {
  if (!/^\d+(\.\d+)?$/.test(value)) throw new InvalidArgumentError("Give a number of seconds.");
  return Number(value);
}

/** Seconds of `21600`, `6h`, `90min`, `2d`: exiqgrep takes a number of seconds. */
export function toQueueAge(value: string): number {
  const seconds = /^\d{1,12}$/.test(value) ? Number(value) : (parseDuration(value) ?? Number.NaN) / SECOND_MS;
  if (Number.isNaN(seconds))
    throw new InvalidArgumentError("Give a number of seconds, or an age such as 90min, 6h or 2d.");
  return seconds;
}

const DURATION_UNITS = { ms: 1, s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS } as const;

/** Limit of Node's timers, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** `500ms`, `30s`; 0 has no unit. */
export function toDurationMs(value: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(value) ?? [];
  if (value === "0") return 0;
  const milliseconds = Number(number) * DURATION_UNITS[unit as keyof typeof DURATION_UNITS];
  if (!(milliseconds > 0 && milliseconds <= LONGEST_TIMER_MS)) {
    throw new InvalidArgumentError("Give a time such as 500ms, 30s or 5m, up to 24 days; 0 is no limit.");
  }
  return milliseconds;
}

/** Checked at once; which moment it is depends on the time zone of the server. */
export function toWhen(value: string): string {
  if (parseWhen(value, { now: epochMs(0), timeZone: "UTC" }) !== undefined) return value;
  throw new InvalidArgumentError(
    "Give a date (2026-03-02), a time (2026-03-02T06:16), today, yesterday, or how long ago (2h, 7d).",
  );
}

export function toBucket(value: string): Bucket {
  const bucket = parseBucket(value);
  if (bucket === undefined) throw new InvalidArgumentError(`Buckets are ${BUCKET_FORMS}.`);
  return bucket;
}

const ALL_SECTIONS = "all";

export function collectSections(value: string, previous: readonly SectionName[] = []): readonly SectionName[] {
  if (value === ALL_SECTIONS) return SECTION_NAMES;
  const name = SECTION_NAMES.find((section) => section === value);
  if (name === undefined)
    throw new InvalidArgumentError(`Sections are ${SECTION_NAMES.join(", ")} and ${ALL_SECTIONS}.`);
  return previous.includes(name) ? previous : [...previous, name];
}

export function collectAxes(value: string, previous: readonly AxisName[] = []): readonly AxisName[] {
  if (!Object.hasOwn(AXES, value)) throw new InvalidArgumentError(`Axes are ${Object.keys(AXES).join(", ")}.`);
  return [...previous, value as AxisName];
}

export function collectConditions(value: string, previous: readonly AlarmCondition[] = []): readonly AlarmCondition[] {
  const condition = parseCondition(value);
  if (condition === undefined) {
    throw new InvalidArgumentError(
      `Conditions look like deferred>5%, frozen>=10 or queue-p95>30min; figures are ${Object.keys(CONDITION_FIGURES).join(", ")}.`,
    );
  }
  return [...previous, condition];
}

export function collectKinds(value: string, previous: readonly string[] = []): readonly string[] {
  if (!Object.hasOwn(LINE_KINDS, value)) {
    throw new InvalidArgumentError(`Kinds are ${KIND_NAMES.join(", ")}.`);
  }
  return [...previous, value];
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?$/;

/** `to=bob@example.org`; what is written as numbers are is one. */
export function collectParameters(value: string, previous: QueryParameters = {}): QueryParameters {
  const [, name, text] = /^[:@$]?(\w+)=(.*)$/s.exec(value) ?? [];
  if (name === undefined || text === undefined) throw new InvalidArgumentError("Give it as name=value.");
  const isNumber = NUMBER.test(text) && String(Number(text)) === text;
  return { ...previous, [name]: isNumber ? Number(text) : text };
}
