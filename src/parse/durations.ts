import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, WEEK_MS } from "../units.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  w: WEEK_MS,
  d: DAY_MS,
  h: HOUR_MS,
  m: MINUTE_MS,
  s: SECOND_MS,
};

/**
 * Milliseconds of an Exim duration: `3m45s` is 225,000, `0.304s` is 304, `1w2d` is 777,600,000. Undefined for other text.
 * Source: Exim specification, "Log files" (queue_time, deliver_time, receive_time).
 */
export function parseDuration(text: string): number | undefined {
  const isNegative = text.startsWith("-");
  const body = isNegative ? text.slice(1) : text;
  if (!/^(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+(?:\.\d+)?s)?$/.test(body) || body === "") return undefined;
  let total = 0;
  for (const [, amount, unit] of body.matchAll(/([\d.]+)([wdhms])/g)) {
    total += Number(amount) * (UNIT_MS[unit ?? "s"] ?? 0);
  }
  return Math.round(isNegative ? -total : total);
}
