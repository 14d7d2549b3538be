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

/** `rank` is 0 to 999. */
export function momentAt(at: EpochMs, rank: number): Moment {
  return (at * MOMENTS_PER_MS + rank) as Moment;
}

export function momentMs(moment: Moment): EpochMs {
  return epochMs(Math.floor(moment / MOMENTS_PER_MS));
}
