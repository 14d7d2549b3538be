import { MINUTE_MS, SECOND_MS, utcDayMs } from "../units.ts";
import { COLON, DIGIT_0, DOT, isDigit, LEFT_BRACKET, MINUS, PLUS, RIGHT_BRACKET, SPACE } from "./chars.ts";
import { messageIdLength } from "./message-id.ts";
import { parseWholeNumber } from "./numbers.ts";

/** The prefix of a line that begins an entry, before its text. */
export interface Prefix {
  /** The stamp as if it were UTC, in milliseconds: clock of the wall, not yet a moment. */
  readonly wallMs: number;
  /** Set when the stamp is one of syslog's that says no year; it is then of 1972. */
  readonly lacksYear: true | undefined;
  /** The `+hhmm` after the stamp, in minutes east of UTC; undefined without `log_timezone`. */
  readonly zoneMinutes: number | undefined;
  /** The `[pid]` of `log_selector = +pid`. */
  readonly pid: number | undefined;
  /** Exim message id, either length; undefined on a line about no message. */
  readonly messageId: string | undefined;
  /** Position of the text in the line. */
  readonly textStart: number;
}

const STAMP_LENGTH = 19;

/**
 * Reads the prefix of an entry; undefined when the line does not begin with a stamp (a continuation line, or no Exim log).
 *
 *     2017-07-30 18:51:05.712 +0100 [1236] 10HmbD-000000005vi-0000 <= a@b.example
 *     ^
 * Source: Exim specification, "Log files" (millisec, log_timezone and pid selectors).
 */
export function parsePrefix(line: string): Prefix | undefined {
  let wallMs = parseStamp(line);
  let position = stampEnd(line);
  if (wallMs === undefined || position === 0) return undefined;
  if (position > STAMP_LENGTH) wallMs += fractionMs(line, STAMP_LENGTH + 1, position);
  const zoneMinutes = parseZone(line, position + 1);
  if (zoneMinutes !== undefined) position += 6;
  return parseRest(line, position, { wallMs, lacksYear: undefined, zoneMinutes });
}

/**
 * Reads the prefix of an entry that syslog has given its stamp.
 *
 *     [1236] 10HmbD-000000005vi-0000 <= a@b.example
 * Source: Exim specification, `syslog_timestamp`.
 */
export function parseStamplessPrefix(
  line: string,
  stamp: Pick<Prefix, "wallMs" | "lacksYear" | "zoneMinutes">,
): Prefix {
  return parseRest(line, BEFORE_LINE, stamp);
}

/** The end of a stamp that is not there: one blank before the line. */
const BEFORE_LINE = -1;

/** Process and message, which follow the end of the stamp. */
function parseRest(
  line: string,
  stampEnd: number,
  { wallMs, lacksYear, zoneMinutes }: Pick<Prefix, "wallMs" | "lacksYear" | "zoneMinutes">,
): Prefix {
  let position = stampEnd;
  const pidEnd = bracketedNumberEnd(line, position + 1);
  const pid = pidEnd === 0 ? undefined : parseWholeNumber(line.slice(position + 2, pidEnd));
  if (pidEnd !== 0) position = pidEnd + 1;
  const isAtBlank = position === BEFORE_LINE || line.charCodeAt(position) === SPACE;
  const idLength = isAtBlank ? messageIdLength(line, position + 1) : 0;
  const idEnd = position + 1 + idLength;
  const hasId = idLength > 0 && (idEnd === line.length || line.charCodeAt(idEnd) === SPACE);
  const messageId = hasId ? line.slice(position + 1, idEnd) : undefined;
  if (hasId) position = idEnd;
  return { wallMs, lacksYear, zoneMinutes, pid, messageId, textStart: Math.min(position + 1, line.length) };
}

/** True when the line begins with `YYYY-MM-DD hh:mm:ss`, so that it begins an entry; `parsePrefix` says the same. */
export function startsWithStamp(line: string): boolean {
  return parseStamp(line) !== undefined && stampEnd(line) !== 0;
}

/** End of the stamp, its fraction included; 0 if neither a blank nor the end of the line follows. */
function stampEnd(line: string): number {
  let end = STAMP_LENGTH;
  if (line.charCodeAt(end) === DOT && isDigit(line.charCodeAt(end + 1))) end = skipDigits(line, end + 1);
  return end >= line.length || line.charCodeAt(end) === SPACE ? end : 0;
}

/** Length of `YYYY-MM-DD hh:mm:`. */
const MINUTE_LENGTH = 17;

/** The codes of the last minute that was read, and its time: most lines are of the minute of the line before. */
const lastMinute = new Uint16Array(MINUTE_LENGTH);
let lastMinuteMs = 0;

function parseStamp(line: string): number | undefined {
  const seconds = twoDigits(line, MINUTE_LENGTH);
  // NOTE: a comparison with NaN is false, so a non-digit ends here.
  if (!(seconds <= 60)) return undefined;
  for (let at = MINUTE_LENGTH - 1; at >= 0; at--) {
    if (line.charCodeAt(at) === lastMinute[at]) continue;
    const minuteMs = parseMinute(line);
    if (minuteMs === undefined) return undefined;
    lastMinuteMs = minuteMs;
    for (let index = 0; index < MINUTE_LENGTH; index++) lastMinute[index] = line.charCodeAt(index);
    break;
  }
  return lastMinuteMs + seconds * SECOND_MS;
}

function parseMinute(line: string): number | undefined {
  if (
    line.charCodeAt(4) !== MINUS ||
    line.charCodeAt(7) !== MINUS ||
    line.charCodeAt(10) !== SPACE ||
    line.charCodeAt(13) !== COLON ||
    line.charCodeAt(16) !== COLON
  ) {
    return undefined;
  }
  const year = twoDigits(line, 0) * 100 + twoDigits(line, 2);
  const month = twoDigits(line, 5);
  const dayOfMonth = twoDigits(line, 8);
  const hours = twoDigits(line, 11);
  const minutes = twoDigits(line, 14);
  // NOTE: a comparison with NaN is false, so a non-digit anywhere ends here.
  if (!(month >= 1 && month <= 12 && dayOfMonth >= 1 && dayOfMonth <= 31)) return undefined;
  if (!(year >= 0 && hours < 24 && minutes < 60)) return undefined;
  return utcDayMs(year, month, dayOfMonth) + (hours * 60 + minutes) * MINUTE_MS;
}

function twoDigits(line: string, at: number): number {
  const tens = line.charCodeAt(at);
  const ones = line.charCodeAt(at + 1);
  return isDigit(tens) && isDigit(ones) ? (tens - DIGIT_0) * 10 + ones - DIGIT_0 : Number.NaN;
}

function skipDigits(line: string, from: number): number {
  let end = from;
  while (isDigit(line.charCodeAt(end))) end++;
  return end;
}

/** The milliseconds that are full: a nine more never makes the next second of them. */
function fractionMs(line: string, from: number, end: number): number {
  return Number(line.slice(from, Math.min(end, from + 3)).padEnd(3, "0"));
}

function parseZone(line: string, at: number): number | undefined {
  const sign = line.charCodeAt(at);
  if (sign !== PLUS && sign !== MINUS) return undefined;
  const hours = twoDigits(line, at + 1);
  const minutes = twoDigits(line, at + 3);
  const after = line.charCodeAt(at + 5);
  if (Number.isNaN(hours) || Number.isNaN(minutes) || !(at + 5 === line.length || after === SPACE)) return undefined;
  return (sign === MINUS ? -1 : 1) * (hours * 60 + minutes);
}

/** Position of the `]` of a `[1234]` at `at`, or 0. `[1/2]` is a piece of a split syslog line, not a pid. */
function bracketedNumberEnd(line: string, at: number): number {
  if (line.charCodeAt(at) !== LEFT_BRACKET) return 0;
  const end = skipDigits(line, at + 1);
  if (end === at + 1 || line.charCodeAt(end) !== RIGHT_BRACKET) return 0;
  return end + 1 === line.length || line.charCodeAt(end + 1) === SPACE ? end : 0;
}

/** The moment of a stamp that carries its own zone. */
export function zonedMs(wallMs: number, zoneMinutes: number): number {
  return wallMs - zoneMinutes * MINUTE_MS;
}
