/** Notifications, for people. */
import type { NotificationChange } from "../../notify/changes.ts";
import type { NotificationFacts } from "../../notify/notification-facts.ts";
import type { NotifyRunAnswer, NotifyStatsAnswer, NotifyTestAnswer, ShownNotification } from "../answers.ts";
import { renderColumns } from "../form/columns.ts";
import { renderFacts, renderFittingTable } from "../form/fitting-table.ts";
import { countOf, formatCount, formatSeconds, formatTime, formatZonedTime } from "../form/format.ts";
import { renderHanging } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { toVisible, toVisibleLine } from "../form/terminal-text.ts";

export interface NotificationPage {
  readonly columns: number;
  readonly timeZone: string;
  readonly paint: Paint;
}

/** A line for each, and its title below; at the end the zone of the times. */
export function renderNotifications(
  notifications: readonly NotificationFacts[],
  { columns, timeZone, paint }: NotificationPage,
): string {
  if (notifications.length === 0) return "No notification is stored, or none has the status asked for.\n";
  const colour = (status: NotificationFacts["status"]): Paint["plain"] =>
    status === "failed" ? paint.bad : status === "confirmed" ? paint.good : paint.plain;
  const blocks = notifications.map(({ number, createdAt, severity, status, channel, server, title, error }) => {
    const label = `${String(number).padStart(4)}  `;
    const head = [
      formatTime(createdAt, timeZone),
      severity.padEnd("critical".length),
      colour(status)(status),
      ...(channel === null ? [] : [toVisibleLine(channel)]),
    ].join("  ");
    const text = `${server === null ? "" : `${toVisibleLine(server)}: `}${toVisibleLine(title)}`;
    const why = error === null || status === "confirmed" ? [] : [toVisibleLine(error)];
    const below = [text, ...why].map((line) => renderHanging(INDENT, line, INDENT.length, columns));
    return [renderHanging(label, head, label.length, columns), ...below].join("\n");
  });
  const sum = `${countOf(notifications.length, "notification")}. Times are in ${timeZone}.`;
  return `${[...blocks, paint.faint(sum)].join("\n")}\n`;
}

const INDENT = "      ";

const CONFIRMATIONS: Readonly<Record<NonNullable<NotificationFacts["confirmedBy"]>, string>> = {
  reply: "the receiver accepted it",
  log: "our log shows that it was delivered",
  fallback: "the receiver accepted it, and no log showed the delivery",
};

export function renderNotification(shown: ShownNotification, page: NotificationPage): string {
  const { columns, timeZone, paint } = page;
  const { number, severity, status, server, title, notes, since, until, text, related } = shown;
  const time = (at: string | null): string | null => (at === null ? null : formatZonedTime(at, timeZone));
  const span = since === null || until === null ? time(since) : `${formatTime(since, timeZone)} to ${time(until)}`;
  const facts: readonly (readonly [string, string | null])[] = [
    ["Status", status],
    ["About", `${shown.reason}${server === null ? "" : ` on ${toVisibleLine(server)}`}`],
    ["Incident", shown.incident === null ? null : String(shown.incident)],
    ["Time", span],
    ["Mark", shown.mark],
    ["Created", time(shown.createdAt)],
    ["Sent", time(shown.sentAt)],
    ["Accepted", time(shown.acceptedAt)],
    ["Confirmed", time(shown.confirmedAt)],
    ["By", shown.confirmedBy === null ? null : CONFIRMATIONS[shown.confirmedBy]],
    ["Next try", time(shown.nextTryAt)],
    ["Channel", shown.channel === null ? null : `${toVisibleLine(shown.channel)} (tier ${shown.tier})`],
    ["Retries", shown.retryCount === 0 ? null : formatCount(shown.retryCount)],
    ["Uncertain", shown.mayHaveArrived ? "a try without an answer may have arrived" : null],
    ["Receiver's id", shown.remoteId === null ? null : toVisibleLine(shown.remoteId)],
    ["Error", shown.error === null ? null : toVisibleLine(shown.error)],
    [shown.reason === "digest" ? "Stands for" : "In digest", related.length === 0 ? null : related.join(", ")],
    ["Id", shown.id],
  ];
  const given = facts.filter((fact): fact is readonly [string, string] => fact[1] !== null);
  const parts = [
    paint.strong(renderHanging("", `Notification ${number}, ${severity}: ${toVisibleLine(title)}`, 0, columns)),
    ...notes.map((note) => renderHanging("", toVisibleLine(note), 0, columns)),
    "",
    renderFacts(given, page),
    ...(text === null ? [] : ["", paint.faint("Text as it was sent"), toVisible(text)]),
  ];
  return `${parts.join("\n")}\n`;
}

export function renderNotificationChange({ changed, unchanged }: NotificationChange, isRetry: boolean): string {
  const list = (numbers: readonly number[]): string => numbers.join(", ");
  const lines = [
    changed.length === 0
      ? ""
      : isRetry
        ? `Pending again: ${list(changed)}; the next \`exim-pilot notify run\` sends ${changed.length === 1 ? "it" : "them"}.\n`
        : `Cancelled: ${list(changed)}.\n`,
    unchanged.length === 0
      ? ""
      : isRetry
        ? `Being sent, so not changed: ${list(unchanged)}.\n`
        : `Cancelled already, so not changed: ${list(unchanged)}.\n`,
  ];
  return lines.join("") || "No notification has failed.\n";
}

export function renderNotifyRun(report: NotifyRunAnswer, timeZone: string): string {
  const { sent, confirmed, accepted, unseen, retried, failed, recovered, digests, waiting, nextTryAt } = report;
  const parts = [
    `${countOf(sent, "attempt")} to send`,
    ...(confirmed > 0 ? [`${formatCount(confirmed)} confirmed`] : []),
    ...(accepted > 0 ? [`${formatCount(accepted)} accepted and not yet in the log`] : []),
    ...(retried > 0 ? [`${formatCount(retried)} to be tried again`] : []),
    ...(failed > 0 ? [`${formatCount(failed)} failed`] : []),
    ...(digests > 0 ? [`${countOf(digests, "digest")} made`] : []),
    ...(recovered > 0 ? [`${formatCount(recovered)} taken over from a run that was ended`] : []),
  ];
  const waits =
    waiting === 0
      ? ""
      : `${countOf(waiting, "notification")} waiting${nextTryAt === null ? "" : `, the next from ${formatZonedTime(nextTryAt, timeZone)}`}.\n`;
  const blind =
    unseen === 0
      ? ""
      : `${countOf(unseen, "notification")} confirmed by the reply of the server alone: no log showed the delivery.\n`;
  return `${parts.join(", ")}.\n${blind}${waits}`;
}

export function renderNotifyTest({ channel, notification }: NotifyTestAnswer): string {
  const name = toVisibleLine(channel);
  const { status, number, acceptedAt, remoteId, error, confirmedBy } = notification;
  const called = remoteId === null ? "" : ` as ${toVisibleLine(remoteId)}`;
  if (status === "sent" && acceptedAt !== null)
    return `${name} accepted it${called}. \`exim-pilot notify show ${number}\` says when the log shows the delivery.\n`;
  if (status === "confirmed") {
    const blind = confirmedBy === "fallback" && error !== null ? ` Note: ${toVisibleLine(error)}.` : "";
    return `${name} accepted it${called}.${blind}\n`;
  }
  return `${name} did not accept it: ${toVisibleLine(error ?? status)}.\n`;
}

export function renderNotifyStats(stats: NotifyStatsAnswer, page: NotificationPage): string {
  const { timeZone } = page;
  const { enqueued, byStatus, meanSeconds, tiers, channels, confirmedByLog, confirmedUnseen, retries } = stats;
  if (enqueued === 0) return "There is no notification yet.\n";
  const seconds = (value: number | null): string => (value === null ? "" : formatSeconds(value));
  const facts = [
    ["Enqueued", formatCount(enqueued)],
    ...Object.entries(byStatus).map(([status, count]) => [`  ${status}`, formatCount(count)]),
    ["Confirmed by our log", formatCount(confirmedByLog)],
    ["Confirmed without a log", formatCount(confirmedUnseen)],
    ["Retries", formatCount(retries)],
    ["Mean time to confirmation", meanSeconds === null ? "–" : seconds(meanSeconds)],
  ];
  const tierRows = tiers.map(({ tier, channel, confirmed, failed, meanSeconds: mean }) => [
    String(tier),
    toVisibleLine(channel),
    formatCount(confirmed),
    formatCount(failed),
    seconds(mean),
  ]);
  const channelRows = channels.map(({ channel, successes, failures, blockedUntil, lastError }) => [
    toVisibleLine(channel),
    formatCount(successes),
    formatCount(failures),
    blockedUntil === null ? "" : formatTime(blockedUntil, timeZone),
    lastError === null ? "" : toVisibleLine(lastError),
  ]);
  const table = (titles: readonly string[], rows: readonly (readonly string[])[]): readonly string[] =>
    rows.length === 0 ? [] : ["", renderFittingTable({ titles, rows }, page)];
  return `${[
    renderColumns(facts),
    ...table(["Tier", "Channel", "Confirmed", "Failed", "Mean time"], tierRows),
    ...table(["Channel", "Accepted", "Failed tries", `Blocked until (${timeZone})`, "Last error"], channelRows),
  ].join("\n")}\n`;
}
