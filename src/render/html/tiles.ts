/** Key figures in tiles: each with its course, and the change to an earlier time where that was read. */
import type { CoverageState } from "../../coverage/holes.ts";
import type { SeriesPoint } from "../../stats/series.ts";
import type { Stats } from "../../stats/stats.ts";
import type { Totals } from "../../stats/totals.ts";
import { formatBytes, formatCount, formatTime } from "../form/format.ts";
import { formatShare } from "../stats/table.ts";
import { drawSparkline } from "./charts.ts";
import { escapeHtml } from "./markup.ts";
import type { EarlierTotals, Report } from "./report.ts";

interface Tile {
  readonly label: string;
  /** Sections that tell more, the best first. */
  readonly more: readonly string[];
  readonly countOf: (totals: Totals) => number;
  /** Words below the figure. */
  readonly detailOf: (totals: Totals) => string;
  readonly course?: Exclude<keyof SeriesPoint, "from">;
  readonly colour: string;
  /** More is worse. */
  readonly isBad: boolean;
  /** Earlier messages had longer to leave the queue. */
  readonly isIncomparable?: boolean;
}

const TILES: readonly Tile[] = [
  {
    label: "Received",
    more: ["series"],
    countOf: ({ messages }) => messages.received,
    detailOf: ({ messages }) => formatBytes(messages.bytes),
    course: "received",
    colour: "var(--received)",
    isBad: false,
  },
  {
    label: "Delivered",
    more: ["providers", "totals"],
    countOf: ({ recipients }) => recipients.byStatus.delivered,
    detailOf: ({ recipients }) => partOf(recipients.byStatus.delivered, recipients.total, "recipients"),
    course: "delivered",
    colour: "var(--good)",
    isBad: false,
  },
  {
    label: "Bounced",
    more: ["bounces", "totals"],
    countOf: ({ recipients }) => recipients.byStatus.bounced,
    detailOf: ({ recipients }) => partOf(recipients.byStatus.bounced, recipients.total, "recipients"),
    course: "bounced",
    colour: "var(--bad)",
    isBad: true,
  },
  {
    label: "Deferred",
    more: ["deferrals", "totals"],
    countOf: ({ attempts }) => attempts.deferred,
    detailOf: ({ attempts }) => partOf(attempts.deferred, attempts.total, "attempts"),
    course: "deferred",
    colour: "var(--waiting)",
    isBad: true,
  },
  {
    label: "Rejected",
    more: ["rejections", "totals"],
    countOf: ({ rejections }) => rejections.total,
    detailOf: ({ rejections }) => `${formatCount(rejections.temporary)} for now`,
    course: "rejected",
    colour: "var(--rejected)",
    isBad: false,
  },
  {
    label: "On the queue",
    more: ["queue", "totals"],
    countOf: ({ messages }) => messages.open,
    detailOf: ({ messages }) => `${formatCount(messages.byStatus.frozen)} frozen`,
    colour: "var(--waiting)",
    isBad: true,
    isIncomparable: true,
  },
];

/** One value has no course. */
const FEWEST_VALUES = 2;

/** `ids`: the sections of the page. Nothing without totals. */
export function renderTiles({ stats, earlier }: Report, ids: ReadonlySet<string>): string {
  const { totals, series } = stats.sections;
  if (totals === undefined) return "";
  const unknown = earlier === undefined ? undefined : whyNotCompared(earlier, stats.timeZone);
  const before = unknown === undefined ? (earlier?.totals ?? undefined) : undefined;
  // Unknown is not zero.
  const isRead = stats.from !== null;
  const tiles = TILES.map(({ label, more, countOf, detailOf, course, colour, isBad, isIncomparable }) => {
    const count = countOf(totals);
    const section = more.find((id) => ids.has(id));
    const values = course === undefined ? [] : (series?.points.map((point) => point[course]) ?? []);
    const curve = values.length < FEWEST_VALUES ? "" : drawSparkline(values, colour);
    const change = before === undefined || isIncomparable === true ? "" : renderChange(count, countOf(before), isBad);
    const content = `<span class="label">${label}</span>${change}<b>${isRead ? formatCount(count) : "–"}</b>${curve}<small>${isRead ? detailOf(totals) : "not read"}</small>`;
    return `<li>${section === undefined ? `<div>${content}</div>` : `<a href="#${section}">${content}</a>`}</li>`;
  });
  return `<ul class="tiles">${tiles.join("\n")}</ul>\n${renderBasis(stats, earlier, unknown)}`;
}

function renderBasis({ timeZone }: Stats, earlier: EarlierTotals | undefined, unknown: string | undefined): string {
  if (earlier === undefined) return "";
  const text = unknown ?? `Change: from ${spanOf(earlier, timeZone)}, the same figures.`;
  return `<p class="basis">${escapeHtml(text)}</p>`;
}

const UNREAD: Readonly<Record<CoverageState, string | undefined>> = {
  whole: undefined,
  unknown: undefined,
  partial: "was read only in part",
  none: "was not read",
};

/** Undefined where both times were read, as far as the logs tell. */
function whyNotCompared(earlier: EarlierTotals, timeZone: string): string | undefined {
  const now = UNREAD[earlier.readNow];
  if (now !== undefined) return `No change is shown: the time of this report ${now}.`;
  const before = earlier.totals === null ? UNREAD.none : UNREAD[earlier.read];
  if (before === undefined) return undefined;
  return `No change is shown: the time before, ${spanOf(earlier, timeZone)}, ${before}.`;
}

function spanOf({ since, until }: EarlierTotals, timeZone: string): string {
  const minute = (iso: string): string => formatTime(iso, timeZone).slice(0, "2026-03-02 05:40".length);
  return `${minute(since)} to ${minute(until)}`;
}

const SAME = 0.0005;

function renderChange(now: number, before: number, isBad: boolean): string {
  const title = `before: ${formatCount(before)}`;
  if (before === 0)
    return `<span class="change" title="${title}">${now === 0 ? "±0" : `<i class="${isBad ? "worse" : ""}">new</i>`}</span>`;
  const change = (now - before) / before;
  if (Math.abs(change) < SAME) return `<span class="change" title="${title}">±0 %</span>`;
  const tone = isBad ? (change > 0 ? "worse" : "better") : "";
  return `<span class="change" title="${title}"><i class="${tone}">${change > 0 ? "▲" : "▼"} ${formatChange(Math.abs(change))}</i></span>`;
}

const MANY_TIMES = 10;

/** `12.3 %`; from ten times on `14 ×`. */
function formatChange(change: number): string {
  return change >= MANY_TIMES ? `${formatCount(Math.round(change + 1))} ×` : formatShare(change);
}

function partOf(count: number, whole: number, what: string): string {
  return whole === 0 ? `of no ${what}` : `${formatShare(count / whole)} of ${what}`;
}
