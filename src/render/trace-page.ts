/** The page of one message. */
import type { TimelineItem, Trace, TracedAttempt, TracedMessage, TracedRecipient } from "../trace/trace.ts";
import { formatBytes, formatSeconds, formatTime } from "./format.ts";
import { renderColumns, renderHanging } from "./layout.ts";
import type { Paint } from "./paint.ts";
import { toVisible, toVisibleLine } from "./terminal-text.ts";

export interface PageOptions {
  readonly columns: number;
  readonly paint: Paint;
  /** Show the raw lines instead of the timeline. */
  readonly raw: boolean;
}

/** Wider than this, lines are hard to read. */
const WIDEST = 120;
const LABEL_WIDTH = 12;

export function renderTracePage(trace: Trace, options: PageOptions): string {
  const columns = Math.min(options.columns, WIDEST);
  const page = { ...options, columns };
  const sections = [
    renderTitle(trace, page),
    renderFacts(trace.message, page),
    renderRecipients(trace, page),
    renderAttempts(trace, page),
    options.raw ? renderRaw(trace.timeline, page) : renderTimeline(trace, page),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

const STATUS_TONES: Readonly<Record<string, keyof Paint>> = {
  delivered: "good",
  success: "good",
  bounced: "bad",
  bounce: "bad",
  rejected: "bad",
  removed: "bad",
  partial: "bad",
  deferred: "waiting",
  defer: "waiting",
  timeout: "waiting",
  frozen: "waiting",
  queued: "waiting",
  pending: "waiting",
};

function paintStatus(paint: Paint, status: string): string {
  return paint[STATUS_TONES[status] ?? "plain"](status);
}

function renderTitle({ message, verdict }: Trace, { paint, columns }: PageOptions): string {
  const title = `${paint.strong(message.id)}  ${paintStatus(paint, message.status)}  ${paint.faint(`on ${toVisibleLine(message.server)}`)}`;
  return `${title}\n\n${renderHanging("", paint.strong(toVisibleLine(verdict)), 0, columns)}`;
}

function renderFacts(message: TracedMessage, { columns, paint }: PageOptions): string {
  const time = (iso: string): string => formatTime(iso, message.timeZone);
  const facts: readonly (readonly [label: string, value: string | undefined])[] = [
    ["Sender", message.sender ?? undefined],
    ["Subject", message.subject ?? undefined],
    ["Received", `${time(message.timestamp)}${formatSize(message.sizeBytes)}`],
    [
      "Completed",
      message.completedAt === null ? undefined : `${time(message.completedAt)}${formatQueueTime(message.queueSeconds)}`,
    ],
    ["Client", formatClient(message)],
    ["Login", message.auth ?? undefined],
    ["Local user", message.host === null && message.ipAddress === null ? (message.ident ?? undefined) : undefined],
    ["Protocol", formatProtocol(message)],
    ["Message-ID", message.headerMessageId ?? undefined],
    ["About", message.parentId ?? undefined],
    ["Reported by", message.childIds.length === 0 ? undefined : message.childIds.join(", ")],
    ["Note", message.isFakeReject ? "The client was told that it was rejected (fakereject)." : undefined],
  ];
  return facts
    .flatMap(([label, value]) =>
      value === undefined
        ? []
        : [renderHanging(paint.faint(label.padEnd(LABEL_WIDTH)), toVisibleLine(value), LABEL_WIDTH, columns)],
    )
    .join("\n");
}

function formatSize(bytes: number | null): string {
  return bytes === null ? "" : `, ${formatBytes(bytes)}`;
}

function formatQueueTime(seconds: number | null): string {
  return seconds === null ? "" : `, after ${formatSeconds(seconds)}`;
}

function formatClient({ host, helo, ipAddress, port, ident }: TracedMessage): string | undefined {
  if (host === null && helo === null && ipAddress === null) return undefined;
  const parts = [
    host,
    helo === null ? null : `(${helo})`,
    ipAddress === null ? null : `[${ipAddress}]${port === null ? "" : `:${port}`}`,
  ];
  const client = parts.filter((part) => part !== null).join(" ");
  return ident === null ? client : `${client}, ident ${ident}`;
}

function formatProtocol({ protocol, tls }: TracedMessage): string | undefined {
  const parts = [protocol, tls].filter((part) => part !== null);
  return parts.length === 0 ? undefined : parts.join(", ");
}

function renderRecipients({ recipients, message }: Trace, { columns, paint }: PageOptions): string {
  if (recipients.length === 0) return `${paint.strong("Recipients")}\n  none in the log`;
  const width = Math.max(...recipients.map(({ status }) => status.length));
  const lines = recipients.map((recipient) => {
    const status = paintStatus(paint, recipient.status) + " ".repeat(width - recipient.status.length);
    return renderHanging(`  ${status}  `, describeRecipient(recipient, message.timeZone), width + 4, columns);
  });
  return `${paint.strong("Recipients")}\n${lines.join("\n")}`;
}

function describeRecipient({ address, deliveredAt, attempts, lastError }: TracedRecipient, timeZone: string): string {
  const when = deliveredAt === null ? "" : ` at ${formatTime(deliveredAt, timeZone)}`;
  const tries = attempts > 1 ? `, ${attempts} attempts` : "";
  const error = lastError === null ? "" : `${deliveredAt === null ? "" : "; before that"}: ${lastError}`;
  return toVisibleLine(`${address}${when}${tries}${error}`);
}

/** The columns of an attempt, the more dispensable ones last: what does not fit is in the timeline all the same. */
function renderAttempts({ attempts, message }: Trace, { paint, columns }: PageOptions): string {
  if (attempts.length === 0) return "";
  const head = ["Time", "Result", "Recipient", "Host", "Took", "Way"].map((title) => paint.faint(title));
  const isOneDay =
    new Set(attempts.map(({ timestamp }) => formatTime(timestamp, message.timeZone).slice(0, 10))).size === 1;
  const rows = attempts.map((attempt) => {
    const time = formatTime(attempt.timestamp, message.timeZone);
    return [
      isOneDay ? time.slice(11) : time,
      paintStatus(paint, attempt.status),
      toVisibleLine(attempt.recipient),
      formatAttemptHost(attempt),
      attempt.durationSeconds === null ? "" : formatSeconds(attempt.durationSeconds),
      formatWay(attempt),
    ];
  });
  const used = head.map((_, index) => rows.some((row) => row[index] !== ""));
  const table = [head, ...rows].map((row) => row.filter((_, index) => used[index]));
  return `${paint.strong("Attempts")}\n${indent(renderFitting(table, columns - 2))}`;
}

function renderFitting(rows: readonly (readonly string[])[], columns: number): string {
  const table = renderColumns(rows);
  const isTooWide = table.split("\n").some((line) => line.replace(ANSI, "").length > columns);
  const narrower = rows.map((row) => row.slice(0, -1));
  return isTooWide && (narrower[0]?.length ?? 0) >= 3 ? renderFitting(narrower, columns) : table;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape of the colours set here.
const ANSI = /\u001b\[\d+m/g;

function formatWay({ router, transport }: TracedAttempt): string {
  return toVisibleLine([router, transport].filter((step) => step !== null).join(" / "));
}

function formatAttemptHost({ host, ipAddress, port }: TracedAttempt): string {
  const address = ipAddress === null ? null : `[${ipAddress}]${port === null ? "" : `:${port}`}`;
  return toVisibleLine([host, address].filter((part) => part !== null).join(" "));
}

function renderTimeline({ timeline, message }: Trace, { columns, paint }: PageOptions): string {
  const heading = `${paint.strong("Timeline")} ${paint.faint(`(${message.timeZone})`)}`;
  const time = (item: TimelineItem): string =>
    item.timestamp === null ? "" : formatTime(item.timestamp, message.timeZone);
  let day = "";
  const lines = groupRepetitions(timeline).map(({ first, last, count }) => {
    const shown = time(first).slice(0, 10) === day ? " ".repeat(11) + time(first).slice(11) : time(first);
    day = time(first).slice(0, 10);
    const label = `  ${paint.faint(shown.padEnd(19))}  ${first.mark.padEnd(2)}  `;
    const logs = first.seenIn.includes("main") ? "" : ` (${first.seenIn.join(", ")} log)`;
    const repeated = count === 1 ? "" : ` (${count} times until ${time(last)})`;
    return renderHanging(label, paint[first.tone](toVisibleLine(first.text + logs + repeated)), 27, columns);
  });
  return `${heading}\n${lines.join("\n")}`;
}

interface Repetition {
  readonly first: TimelineItem;
  last: TimelineItem;
  count: number;
}

/** A frozen message says so at every queue run: lines without a flag that say the same one after the other are shown once. */
function groupRepetitions(timeline: readonly TimelineItem[]): readonly Repetition[] {
  const groups: Repetition[] = [];
  for (const item of timeline) {
    const group = groups.at(-1);
    if (group !== undefined && item.mark === "" && group.last.text === item.text) {
      group.last = item;
      group.count++;
    } else {
      groups.push({ first: item, last: item, count: 1 });
    }
  }
  return groups;
}

function renderRaw(timeline: readonly TimelineItem[], { paint }: PageOptions): string {
  const lines = timeline.map(({ raw }) =>
    raw === null ? paint.faint("(the text of this line has been pruned)") : toVisible(raw),
  );
  return `${paint.strong("Log lines")}\n${lines.join("\n")}`;
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}
