import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, WEEK_MS } from "../units.ts";
import { exact } from "./numbers.ts";

const DURATION = /^-?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/;

/**
 * Milliseconds of an Exim duration: `3m45s` is 225,000, `0.304s` is 304, `1w2d` is 777,600,000. Undefined for other text, and
 * for a duration beyond 2^53 − 1 milliseconds.
 * Source: Exim specification, "Log files" (queue_time, deliver_time, receive_time).
 */
export function parseDuration(text: string): number | undefined {
  if (text === "" || text === "-") return undefined;
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  const [, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = match;
  const total =
    Number(weeks) * WEEK_MS +
    Number(days) * DAY_MS +
    Number(hours) * HOUR_MS +
    Number(minutes) * MINUTE_MS +
    Number(seconds) * SECOND_MS;
  return exact(Math.round(text.startsWith("-") ? -total : total));
}
