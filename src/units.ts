/** Units as types, so that a duration cannot be passed for a moment. */

declare const unit: unique symbol;

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number & { readonly [unit]: "EpochMs" };

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
export const WEEK_MS = 7 * DAY_MS;

export const KIB = 1024;
export const MIB = 1024 * KIB;

export function epochMs(value: number): EpochMs {
  return value as EpochMs;
}

/** ISO-8601 UTC with milliseconds: `2026-03-02T05:40:05.000Z`, the form of every timestamp in views and JSON. */
export function toIso(at: EpochMs): string {
  return new Date(at).toISOString();
}

/**
 * A place in time that also orders what happened within one stamp: epoch milliseconds × 1000 + the rank of the event among
 * simultaneous ones. Logs tell seconds, and one second holds an arrival, a deferral and a delivery.
 */
export type Moment = number & { readonly [unit]: "Moment" };

export const MOMENTS_PER_MS = 1000;

/** Between doubles as large as the moments of the year 9999. */
const LARGEST_STEP = 32;

/** `rank` is 0 to 999. */
export function momentAt(at: EpochMs, rank: number): Moment {
  const moment = at * MOMENTS_PER_MS + rank;
  // NOTE: beyond the year 2255 a double holds no thousandth of a millisecond: ranks get lost, the millisecond must not.
  return (
    moment > Number.MAX_SAFE_INTEGER && momentMs(moment as Moment) < at ? moment + LARGEST_STEP : moment
  ) as Moment;
}

/** Milliseconds of the first moment of a day in UTC, of any year: `Date.UTC` takes the years 0 to 99 for 1900 to 1999. */
export function utcDayMs(year: number, month: number, dayOfMonth: number): number {
  return Date.UTC(year + CALENDAR_YEARS, month - 1, dayOfMonth) - CALENDAR_DAYS * DAY_MS;
}

/** After so many years the calendar begins again. */
const CALENDAR_YEARS = 400;
const CALENDAR_DAYS = 146_097;

export function momentMs(moment: Moment): EpochMs {
  return epochMs(Math.floor(moment / MOMENTS_PER_MS));
}
