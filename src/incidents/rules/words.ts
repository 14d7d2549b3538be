/** Words that several rules share. */
import type { Threshold } from "../../message/account-risk.ts";
import { HOUR_MS } from "../../units.ts";
import type { Past, Thresholds } from "../rule.ts";

/** Pause that does not end an incident. */
export const SHORT_PAUSE_MS = 2 * HOUR_MS;

/** `1 message`, `20 messages`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** The names that a sentence has room for. */
export function namesOf(names: readonly string[], count = names.length, most = 3): string {
  const shown = names.slice(0, most).join(", ");
  return count > Math.min(names.length, most) ? `${shown} and ${count - Math.min(names.length, most)} more` : shown;
}

export const TIMES: Threshold = { value: 5, about: "how many times the usual figure of an hour" };

/** Hours of the log without which nobody knows what is usual. */
const FEWEST_HOURS = 24;

/** True when a figure is far above the usual, of which a day must be known. `floor`: usual figures below count as this. */
export function isUnusual(figure: number, past: Past, thresholds: Thresholds, floor = 0): boolean {
  return past.hours >= FEWEST_HOURS && figure > (thresholds["times"] ?? TIMES.value) * Math.max(past.usual, floor);
}

/** Reads a threshold that the rule defines. */
export function limit(thresholds: Thresholds, name: string): number {
  const value = thresholds[name];
  if (value === undefined) throw new Error(`The rule has no threshold "${name}".`);
  return value;
}

/** A name as a shell takes it, however strange: it comes from a log. */
export function shellWord(name: string): string {
  return /^[\w@%+=:,./-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
}
