/** The moment that a page of the queue shows, and how much of the logs tells of it. */
import type { LogEnd } from "../../queue/report.ts";
import { formatCount, formatSeconds, formatTime, formatZonedTime } from "../form/format.ts";
import { toVisibleLine } from "../form/terminal-text.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * The end of the log and the moment: `The log was read up to 2026-03-10 16:34:33 (UTC); ages are counted to 2026-03-10 17:00:00, …`.
 * The moment alone where another origin tells the queue, or the log was read up to it. `logEnds`: the earliest first.
 */
export function describeMoment(
  { at, logEnds }: { readonly at: string; readonly logEnds: readonly LogEnd[] },
  timeZone: string,
): string {
  const [first] = logEnds;
  const lateMs = first === undefined ? 0 : Date.parse(at) - Date.parse(first.newestLine);
  if (first === undefined || lateMs < MINUTE_MS) return `Ages are counted to ${formatZonedTime(at, timeZone)}.`;
  const later = formatSeconds(Math.round(lateMs / 1000));
  return `${describeLogEnds(logEnds, timeZone)}; ages are counted to ${formatTime(at, timeZone)}, ${later} later.`;
}

/** `The log was read up to 2026-03-10 16:34:33 (UTC)`; without any end, that nothing was read. */
export function describeLogEnds(logEnds: readonly LogEnd[], timeZone: string): string {
  const [first, ...others] = logEnds;
  if (first === undefined) return "No line of a log was read";
  const end = formatZonedTime(first.newestLine, timeZone);
  const last = others.at(-1);
  if (last === undefined) return `The log was read up to ${end}`;
  const isFarBehind = Date.parse(last.newestLine) - Date.parse(first.newestLine) > HOUR_MS;
  const where = isFarBehind ? `, where that of ${toVisibleLine(first.server)} ends` : "";
  return `The logs of ${formatCount(logEnds.length)} servers were read up to ${end}${where}`;
}
