import type { QueueHealth } from "../../queue/health.ts";
import { countOf, formatCount, formatSeconds, formatTime } from "../form/format.ts";
import { renderHanging } from "../form/layout.ts";
import { toVisibleLine } from "../form/terminal-text.ts";

const COLUMNS = 80;

/** Lines for a mail of cron. */
export function renderHealth(health: QueueHealth, timeZone: string): string {
  const { totals, waiting, messagesHourAgo, hourAgoFrom, arrivedInHour, completedInHour, failed, unknown } = health;
  const oldest = totals.oldestSeconds === null ? "" : `, the oldest for ${formatSeconds(totals.oldestSeconds)}`;
  const lines = [`${countOf(totals.messages, "message")} (${formatCount(totals.frozen)} frozen)${oldest}`];
  if (totals.damaged > 0) lines.push(`${countOf(totals.damaged, "file")} damaged`);
  if (messagesHourAgo !== null) {
    const growth = totals.messages - messagesHourAgo;
    lines.push(
      `An hour ago ${formatCount(messagesHourAgo)}: ${growth < 0 ? "−" : "+"} ${formatCount(Math.abs(growth))}${hourAgoFrom === "snapshot" ? " [kept look]" : " [log]"}`,
    );
  }
  if (arrivedInHour !== null && completedInHour !== null)
    lines.push(`In ${formatCount(arrivedInHour)} an hour · out ${formatCount(completedInHour)} an hour`);
  if (waiting.length > 0) {
    const domains = waiting
      .map(({ domain, messages }) => `${toVisibleLine(domain)} ${formatCount(messages)}`)
      .join(", ");
    lines.push(renderHanging("For ", domains, "For ".length, COLUMNS));
  }
  for (const condition of unknown) lines.push(`Not known: ${toVisibleLine(condition)}`);
  for (const condition of failed) lines.push(`Failed: ${toVisibleLine(condition)}`);
  for (const { server, newestLine, ageSeconds, allowedSeconds } of health.silent) {
    const age = `silence of ${toVisibleLine(server)}>${formatSeconds(allowedSeconds)}: it is ${formatSeconds(ageSeconds)}`;
    lines.push(`Failed: ${age}; the newest line is of ${formatTime(newestLine, timeZone)} (${timeZone})`);
  }
  return `${lines.join("\n")}\n`;
}
