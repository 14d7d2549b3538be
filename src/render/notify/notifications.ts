/** Notifications, for people. */
import type { NotificationChange } from "../../notify/changes.ts";
import type { NotificationFacts } from "../../notify/notification-facts.ts";
import type { NotifyRunAnswer, NotifyStatsAnswer, NotifyTestAnswer, ShownNotification } from "../answers.ts";
import { countOf, formatCount, formatSeconds, formatTime } from "../form/format.ts";
import { renderColumns, renderHanging } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { toVisible, toVisibleLine } from "../form/terminal-text.ts";

export interface NotificationPage {
  readonly columns: number;
  readonly timeZone: string;
  readonly paint: Paint;
}

/** A line for each, and its title below. */
export function renderNotifications(
  notifications: readonly NotificationFacts[],
  { columns, timeZone, paint }: NotificationPage,
): string {
  if (notifications.length === 0) return "No notification is stored, or none has the status asked for.\n";
  const colour = (status: NotificationFacts["status"]): Paint["plain"] =>
    status === "failed" ? paint.bad : status === "confirmed" ? paint.good : paint.plain;
  return notifications
    .map(({ number, createdAt, severity, status, channel, server, title, error }) => {
      const head = [
        String(number).padStart(4),
        formatTime(createdAt, timeZone),
        severity.padEnd("critical".length),
        colour(status)(status),
        ...(channel === null ? [] : [toVisibleLine(channel)]),
      ].join("  ");
      const text = `${server === null ? "" : `${toVisibleLine(server)}: `}${toVisibleLine(title)}`;
      const why = error === null || status === "confirmed" ? [] : [toVisibleLine(error)];
      return `${[head, ...[text, ...why].map((line) => renderHanging(INDENT, line, INDENT.length, columns))].join("\n")}\n`;
    })
    .join("");
}

const INDENT = "      ";

const CONFIRMATIONS: Readonly<Record<NonNullable<NotificationFacts["confirmedBy"]>, string>> = {
  reply: "the receiver took it",
  log: "our log shows that it was delivered",
  fallback: "the receiver took it, and no log showed the delivery",
};

export function renderNotification(shown: ShownNotification, { columns, timeZone, paint }: NotificationPage): string {
  const { number, severity, status, server, title, notes, since, until, text, related } = shown;
  const time = (at: string | null): string | null => (at === null ? null : formatTime(at, timeZone));
  const went = until === null ? "" : ` to ${time(until)}`;
  const facts: readonly (readonly [string, string | null])[] = [
    ["Status", status],
    ["About", `${shown.reason}${server === null ? "" : ` on ${toVisibleLine(server)}`}`],
    ["Incident", shown.incident === null ? null : String(shown.incident)],
    ["Time", since === null ? null : `${time(since)}${went}`],
    ["Mark", shown.mark],
    ["Created", time(shown.createdAt)],
    ["Sent", time(shown.sentAt)],
    ["Taken", time(shown.acceptedAt)],
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
  const width = Math.max(...given.map(([label]) => label.length)) + 2;
  const lines = given.map(([label, value]) => renderHanging(label.padEnd(width), value, width, columns));
  const page = [
    paint.strong(renderHanging("", `Notification ${number}, ${severity}: ${toVisibleLine(title)}`, 0, columns)),
    ...notes.map((note) => renderHanging("", toVisibleLine(note), 0, columns)),
    "",
    ...lines,
    ...(text === null ? [] : ["", paint.faint("Text as it was sent"), toVisible(text)]),
  ];
  return `${page.join("\n")}\n`;
}

export function renderNotificationChange({ changed, unchanged }: NotificationChange, isRetry: boolean): string {
  const list = (numbers: readonly number[]): string => numbers.join(", ");
  const lines = [
    changed.length === 0
      ? ""
      : isRetry
        ? `In line again: ${list(changed)}; the next \`exim-pilot notify run\` sends ${changed.length === 1 ? "it" : "them"}.\n`
        : `Cancelled: ${list(changed)}.\n`,
    unchanged.length === 0
      ? ""
      : isRetry
        ? `Being sent, nothing was changed: ${list(unchanged)}.\n`
        : `Cancelled before, nothing was changed: ${list(unchanged)}.\n`,
  ];
  return lines.join("") || "No notification has failed.\n";
}

export function renderNotifyRun(report: NotifyRunAnswer, timeZone: string): string {
  const { sent, confirmed, accepted, unseen, retried, failed, recovered, digests, waiting, nextTryAt } = report;
  const parts = [
    `${countOf(sent, "notification")} sent`,
    ...(confirmed > 0 ? [`${formatCount(confirmed)} confirmed`] : []),
    ...(accepted > 0 ? [`${formatCount(accepted)} taken, the log is awaited`] : []),
    ...(retried > 0 ? [`${formatCount(retried)} to be tried again`] : []),
    ...(failed > 0 ? [`${formatCount(failed)} failed`] : []),
    ...(digests > 0 ? [`${countOf(digests, "digest")} made`] : []),
    ...(recovered > 0 ? [`${formatCount(recovered)} left by a run that was ended`] : []),
  ];
  const waits =
    waiting === 0
      ? ""
      : `${countOf(waiting, "notification")} waiting${nextTryAt === null ? "" : `, the next from ${formatTime(nextTryAt, timeZone)}`}.\n`;
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
    return `${name} took it${called}. \`exim-pilot notify show ${number}\` tells when the log shows the delivery.\n`;
  if (status === "confirmed") {
    const blind = confirmedBy === "fallback" && error !== null ? ` Note: ${toVisibleLine(error)}.` : "";
    return `${name} took it${called}.${blind}\n`;
  }
  return `${name} did not take it: ${toVisibleLine(error ?? status)}.\n`;
}

export function renderNotifyStats(stats: NotifyStatsAnswer, { timeZone, paint }: NotificationPage): string {
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
    rows.length === 0 ? [] : ["", renderColumns([titles.map((title) => paint.strong(title)), ...rows])];
  return `${[
    renderColumns(facts),
    ...table(["Tier", "Channel", "Confirmed", "Failed", "Mean time"], tierRows),
    ...table(["Channel", "Taken", "Failed tries", "Blocked until", "Last error"], channelRows),
  ].join("\n")}\n`;
}
