/** Renders a queue for people: totals, and a row for each message with the recipients that it waits for, and why. */
import type { QueueEntry, QueueReport } from "../../queue/report.ts";
import { renderCsvRow } from "../form/csv.ts";
import { countOf, formatBytes, formatCount, formatSeconds, formatTime } from "../form/format.ts";
import { renderHanging, widthOf } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { toVisibleLine } from "../form/terminal-text.ts";
import { describeMoment } from "./moment.ts";

interface Screen {
  readonly columns: number;
  readonly paint: Paint;
  readonly timeZone: string;
}

const AGE_WIDTH = 6;
const SIZE_WIDTH = 8;
const MOST_DOMAINS = 3;
const MOST_RECIPIENTS = 5;
const INDENT = 2 + AGE_WIDTH + 2 + SIZE_WIDTH + 2;
/** In less room than this addresses would be torn: they then stand further left. */
const NARROWEST_TEXT = 50;
const NARROW_INDENT = 4;

/** The rows there are, and how many more. */
export function renderQueue(report: QueueReport, screen: Screen): string {
  const { columns, paint, timeZone } = screen;
  const wrap = (text: string): string => renderHanging("", text, 0, columns);
  const others = report.otherQueues.map(toVisibleLine).join(", ");
  const hidden =
    others === "" ? [] : ["", paint.faint(wrap(`Not shown: queue ${others}; -G NAME shows one, -G '*' all.`))];
  if (report.totals.messages === 0) return `${[wrap(renderHead(report)), ...hidden].join("\n")}\n`;
  const heading = paint.faint(`  ${"Age".padEnd(AGE_WIDTH)}  ${"Size".padStart(SIZE_WIDTH)}  Message`);
  const hasServers = report.server === null;
  const rows = report.messages.flatMap((entry) => renderEntry(entry, hasServers, screen));
  const rest = report.totals.messages - report.messages.length;
  const more =
    rest === 0 ? [] : ["", paint.faint(`${formatCount(rest)} more; --limit ${report.totals.messages} shows all.`)];
  const head = [renderHead(report), ...renderWaiting(report), describeMoment(report, timeZone)].map(wrap);
  return `${[...head, "", heading, ...rows, ...more, ...hidden].join("\n")}\n`;
}

function renderHead({ totals, server, spool }: QueueReport): string {
  if (totals.messages === 0) return `No message is on the queue${spool === null ? "" : ` in ${toVisibleLine(spool)}`}.`;
  const where = server === null ? "" : ` on ${toVisibleLine(server)}`;
  const oldest = totals.oldestSeconds === null ? "" : `, the oldest waiting for ${formatSeconds(totals.oldestSeconds)}`;
  const size = totals.bytes === 0 ? "" : ` (${formatBytes(totals.bytes)})`;
  return `${countOf(totals.messages, "message")}${size} for ${countOf(totals.recipients, "recipient")}${where}${oldest}`;
}

function renderWaiting({ totals, waiting }: QueueReport): readonly string[] {
  const parts: string[] = [];
  if (totals.frozen > 0) parts.push(`${formatCount(totals.frozen)} frozen`);
  if (totals.damaged > 0) parts.push(`${formatCount(totals.damaged)} damaged`);
  const leaders = waiting
    .slice(0, MOST_DOMAINS)
    .map(({ domain, messages }) => `${formatCount(messages)} for ${toVisibleLine(domain)}`);
  const rest = waiting.length - leaders.length;
  if (rest > 0) leaders.push(`${countOf(rest, "other domain")}`);
  if (leaders.length > 0) parts.push(`waiting: ${leaders.join(", ")}`);
  return parts.length === 0 ? [] : [parts.join(" · ")];
}

/** `hasServers`: messages of several servers are shown, so each names its own. */
function renderEntry(entry: QueueEntry, hasServers: boolean, screen: Screen): readonly string[] {
  const { columns, paint, timeZone } = screen;
  const age = entry.ageSeconds === null ? "?" : shortAge(entry.ageSeconds);
  const size = entry.sizeBytes === null ? "" : formatBytes(entry.sizeBytes);
  const place = [
    ...(hasServers && entry.server !== null ? [toVisibleLine(entry.server)] : []),
    ...(entry.queueName === "" ? [] : [`queue ${toVisibleLine(entry.queueName)}`]),
  ];
  const queue = place.length === 0 ? "" : `  ${paint.faint(`(${place.join(", ")})`)}`;
  const sender = entry.sender === null ? "" : `  ${toVisibleLine(entry.sender)}`;
  const label = `  ${age.padEnd(AGE_WIDTH)}  ${size.padStart(SIZE_WIDTH)}  `;
  const indent = columns - INDENT < NARROWEST_TEXT ? NARROW_INDENT : INDENT;
  const lines: string[] = [];
  const add = (text: string): void => {
    lines.push(renderHanging(" ".repeat(indent), text, indent, columns));
  };
  const first = `${label}${paint.strong(toVisibleLine(entry.id))}`;
  if (widthOf(first + sender + queue) <= columns) lines.push(first + sender + queue);
  else {
    lines.push(first);
    if (sender + queue !== "") add(`${sender}${queue}`.trimStart());
  }
  if (entry.damage !== null) add(paint.bad(`damaged: ${toVisibleLine(entry.damageReason ?? entry.damage)}`));
  if (entry.isFrozen)
    add(paint.waiting(entry.frozenAt === null ? "frozen" : `frozen since ${formatTime(entry.frozenAt, timeZone)}`));
  const pending = entry.recipients.filter(({ isDelivered }) => !isDelivered);
  for (const { address, reason } of pending.slice(0, MOST_RECIPIENTS)) {
    add(`→ ${toVisibleLine(address)}`);
    if (reason !== null) add(paint.faint(`  ${toVisibleLine(reason)}`));
  }
  if (pending.length > MOST_RECIPIENTS) add(`and ${formatCount(pending.length - MOST_RECIPIENTS)} more`);
  const delivered = entry.recipients.length - pending.length;
  if (delivered > 0) add(paint.faint(`${countOf(delivered, "recipient")} delivered`));
  return lines;
}

const [MINUTE, HOUR, DAY] = [60, 3600, 86_400];

/** `53 min`, `25 h`, `4 d`. */
function shortAge(seconds: number): string {
  if (seconds < 2 * HOUR) return `${Math.round(seconds / MINUTE)} min`;
  if (seconds < 3 * DAY) return `${Math.round(seconds / HOUR)} h`;
  return `${Math.round(seconds / DAY)} d`;
}

const CSV_COLUMNS = [
  "id",
  "queue",
  "sender",
  "size",
  "arrived",
  "age_seconds",
  "frozen",
  "frozen_since",
  "warnings",
  "recipients",
  "waiting",
  "damage",
  "server",
] as const;

export function renderQueueCsvHeading(variables: readonly string[]): string {
  return renderCsvRow([...CSV_COLUMNS, ...variables].map(toVisibleLine));
}

/** Addresses of one field are parted by blanks. */
export function renderQueueCsvRow(entry: QueueEntry): string {
  const cells = [
    entry.id,
    entry.queueName,
    entry.sender,
    entry.sizeBytes,
    entry.arrivedAt,
    entry.ageSeconds,
    entry.isFrozen ? 1 : 0,
    entry.frozenAt,
    entry.warnings,
    entry.recipients.map(({ address }) => address).join(" "),
    entry.recipients
      .filter(({ isDelivered }) => !isDelivered)
      .map(({ address }) => address)
      .join(" "),
    entry.damageReason ?? entry.damage,
    entry.server,
    ...Object.values(entry.variables),
  ];
  return renderCsvRow(cells.map((cell) => (typeof cell === "string" ? toVisibleLine(cell) : cell)));
}

/** Lines of a listing as Exim's tools print them, safe for a terminal. */
export function renderListing(lines: readonly string[]): string {
  return lines.map((line) => `${toVisibleLine(line)}\n`).join("");
}
