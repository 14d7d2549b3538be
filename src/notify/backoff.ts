/** Times between tries. */
import { DAY_MS, type EpochMs, epochMs, HOUR_MS, SECOND_MS } from "../units.ts";

/** Tries of one tier. */
export const MOST_TRIES = 8;
/** Time from the first try of a tier to its last one, in milliseconds. */
export const LONGEST_TIER_MS = DAY_MS;

const FIRST_DELAY_MS = 30 * SECOND_MS;
const LONGEST_DELAY_MS = HOUR_MS;

/**
 * Milliseconds until the next try: random(½, 1) × min(1 h, 30 s · 2ⁿ), but never less than the receiver asks for. `failures`: tries of this
 * tier that failed, 1 at least. `random`: from 0 to 1.
 */
export function delayAfter(failures: number, random: number, retryAfterMs = 0): number {
  const most = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1));
  return Math.max(Math.round(most * (0.5 + random / 2)), retryAfterMs);
}

/** Milliseconds of a header Retry-After: seconds, or a date of HTTP. Undefined: none, or of no known form. A day at most: no channel is given up for longer. */
export function parseRetryAfter(value: string | null, now: EpochMs): number | undefined {
  if (value === null) return undefined;
  const text = value.trim();
  const ms = /^\d{1,12}$/.test(text) ? Number(text) * SECOND_MS : Date.parse(text) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), DAY_MS);
}

/** The moment so many milliseconds later. */
export function later(now: EpochMs, ms: number): EpochMs {
  return epochMs(now + ms);
}
