import type { QueueHealth } from "../../queue/health.ts";
import { countOf, formatCount, formatSeconds, formatZonedTime } from "../form/format.ts";
import { wrapLines } from "../form/layout.ts";
import { toVisibleLine } from "../form/terminal-text.ts";
import { describeMoment } from "./moment.ts";

const HOUR_MS = 3_600_000;

/** Lines for a mail of cron, or for a terminal. */
export function renderHealth(
  health: QueueHealth,
  { columns, timeZone }: { readonly columns: number; readonly timeZone: string },
): string {
  const { totals, waiting, failed, unknown, at, origin, logEnds } = health;
  const oldest = totals.oldestSeconds === null ? "" : `, the oldest waiting for ${formatSeconds(totals.oldestSeconds)}`;
  const lines = [
    `${countOf(totals.messages, "message")} on the queue (${formatCount(totals.frozen)} frozen)${oldest}`,
    ...(totals.damaged > 0 ? [countOf(totals.damaged, "damaged file")] : []),
    ...describeHour(health),
  ];
  if (waiting.length > 0) {
    const domains = waiting.map(({ domain, messages }) => `${toVisibleLine(domain)} (${formatCount(messages)})`);
    lines.push(`Most wait for: ${domains.join(", ")}`);
  }
  for (const condition of unknown) lines.push(`Not known: ${toVisibleLine(condition)}`);
  for (const condition of failed) lines.push(`Failed: ${toVisibleLine(condition)}`);
  for (const { server, newestLine, ageSeconds, allowedSeconds } of health.silent) {
    const silence = `the log of ${toVisibleLine(server)} has been silent for ${formatSeconds(ageSeconds)}`;
    const newest = `the newest line is of ${formatZonedTime(newestLine, timeZone)}`;
    lines.push(`Failed: ${silence} (at most ${formatSeconds(allowedSeconds)} is allowed); ${newest}`);
  }
  lines.push(describeMoment({ at, logEnds: origin === "log" ? logEnds : [] }, timeZone));
  return wrapLines(`${lines.join("\n")}\n`, columns);
}

/** The size an hour before, and what came and went since; where no log was read so far, that it is not known. */
function describeHour(health: QueueHealth): readonly string[] {
  const { totals, messagesHourAgo, hourAgoFrom, arrivedInHour, completedInHour, at, logEnds } = health;
  const isRead =
    logEnds.length === 0 || logEnds.some(({ newestLine }) => Date.parse(at) - Date.parse(newestLine) < HOUR_MS);
  const lines: string[] = [];
  if (messagesHourAgo !== null && (isRead || hourAgoFrom === "snapshot")) {
    const source = hourAgoFrom === "snapshot" ? "a snapshot" : "the log";
    const growth = describeGrowth(totals.messages - messagesHourAgo);
    lines.push(`An hour before: ${countOf(messagesHourAgo, "message")}, ${growth} (by ${source})`);
  }
  if (arrivedInHour === null || completedInHour === null) return lines;
  const traffic = `In the last hour: ${formatCount(arrivedInHour)} arrived, ${formatCount(completedInHour)} completed`;
  return [...lines, isRead ? traffic : "In the last hour: not known, the log was not read up to here"];
}

function describeGrowth(growth: number): string {
  if (growth === 0) return "as many as now";
  return `so ${formatCount(Math.abs(growth))} ${growth < 0 ? "fewer" : "more"} now`;
}
