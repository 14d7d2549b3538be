/** Moments as users write them: `2026-03-02`, `2026-03-02 06:16`, `yesterday`, `2h`, `7d`. */
import { DAY_MS, type EpochMs, epochMs, HOUR_MS, MINUTE_MS, SECOND_MS, WEEK_MS } from "../units.ts";

/**
 * A moment that still depends on when it is asked for, and on whose clock it is read from. `ago`: so long before now. `day`: the
 * midnight with which a day before today began. `wall`: what a clock showed, as if it were UTC. `moment`: exact.
 */
export type When =
  | { readonly kind: "ago"; readonly ms: number }
  | { readonly kind: "day"; readonly daysAgo: number }
  | { readonly kind: "wall"; readonly wallMs: number }
  | { readonly kind: "moment"; readonly at: EpochMs };

const UNITS: Readonly<Record<string, number>> = { s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS, w: WEEK_MS };
const AGO = /^(\d{1,6})([smhdw])$/;
const WORDS: Readonly<Record<string, When>> = {
  now: { kind: "ago", ms: 0 },
  today: { kind: "day", daysAgo: 0 },
  yesterday: { kind: "day", daysAgo: 1 },
};
/** ISO-8601, with a blank for the `T` as in Exim's logs; without a zone it is the time of the server. */
const DATE = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d{1,3})?)?(Z| ?[+-]\d\d:?\d\d)?)?$/;

/** Undefined for anything else than the forms above. */
export function parseWhen(text: string): When | undefined {
  if (Object.hasOwn(WORDS, text)) return WORDS[text];
  const [, count, unit] = AGO.exec(text) ?? [];
  if (count !== undefined && unit !== undefined)
    return { kind: "ago", ms: Number(count) * (UNITS[unit] ?? Number.NaN) };
  return parseDate(text);
}

function parseDate(text: string): When | undefined {
  const [, date = "", time = "00:00", seconds = ":00", zone] = DATE.exec(text) ?? [];
  const wallMs = Date.parse(`${date}T${time}${seconds}Z`);
  // NOTE: a day that a month does not have would become one of the next month, as 24:00 would.
  if (Number.isNaN(wallMs) || new Date(wallMs).toISOString().slice(0, date.length) !== date) return undefined;
  return zone === undefined ? { kind: "wall", wallMs } : { kind: "moment", at: epochMs(wallMs - zoneMs(zone)) };
}

/** Of `+0530`, `+05:30`, `Z`. */
function zoneMs(zone: string): number {
  const [, sign, hours = "0", minutes = "0"] = /([+-])(\d\d):?(\d\d)$/.exec(zone) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS);
}
