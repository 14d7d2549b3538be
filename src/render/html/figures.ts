/** The charts of a report, each with a legend, and with its figures as a table behind it. */
import type { Sections, SomeSections } from "../../stats/sections.ts";
import type { Stats } from "../../stats/stats.ts";
import { formatCount, formatSeconds, formatTime } from "../form/format.ts";
import { type ChartAxis, type ChartSeries, drawColumns, drawDurations } from "./charts.ts";
import { escapeHtml } from "./markup.ts";

const OUTCOMES = [
  ["delivered", "var(--good)"],
  ["deferred", "var(--waiting)"],
  ["bounced", "var(--bad)"],
  ["rejected", "var(--rejected)"],
] as const;

const BEFORE = { name: "the time compared with", colour: "var(--text)", isBefore: true } as const;

/** Two figures side by side: what arrived, and what came of attempts. */
export function renderTraffic({ points, bucket }: Sections["series"], stats: Stats): string {
  const axis = axisOf(points, bucket, stats.timeZone);
  const before = pointsBefore(stats, "series");
  const received: ChartSeries = {
    name: "received",
    colour: "var(--received)",
    values: points.map((point) => point.received),
  };
  const outcomes = OUTCOMES.map(
    ([name, colour]): ChartSeries => ({ name, colour, values: points.map((point) => point[name]) }),
  );
  const receivedBefore = before?.map((point) => point.received);
  const outcomesBefore = before?.map((point) => OUTCOMES.reduce((total, [name]) => total + point[name], 0));
  return [
    renderFigure(`Messages received, by ${bucket}`, axis, [received, ...beforeOf(receivedBefore)]),
    renderFigure(`Attempts and rejections, by ${bucket}`, axis, [...outcomes, ...beforeOf(outcomesBefore)]),
  ].join("\n");
}

const PERCENTILES = [
  ["50 %", "p50Seconds", "var(--good)"],
  ["90 %", "p90Seconds", "var(--waiting)"],
  ["99 %", "p99Seconds", "var(--bad)"],
] as const;

/** How long messages were on the queue, over time; empty when none is completed. */
export function renderWaits({ points, bucket }: Sections["waits"], stats: Stats): string {
  if (points.every(({ completed }) => completed === 0)) return "";
  const axis = axisOf(points, bucket, stats.timeZone);
  const before = pointsBefore(stats, "waits")?.map((point) => point.p90Seconds);
  const series = PERCENTILES.map(
    ([name, figure, colour]): ChartSeries => ({
      name: `${name} within`,
      colour,
      values: points.map((point) => point[figure]),
    }),
  );
  const lines = [
    ...series,
    ...beforeOf(before).map((one) => ({ ...one, name: "90 % within, in the time compared with" })),
  ];
  return renderFigure(`Time on the queue over time, by ${bucket}`, axis, lines, {
    draw: drawDurations,
    format: formatSeconds,
    caption: "",
    peak: "",
  });
}

function pointsBefore<Name extends "series" | "waits">(
  { before }: Stats,
  name: Name,
): Sections[Name]["points"] | undefined {
  return (before?.sections as SomeSections | undefined)?.[name]?.points;
}

function beforeOf(values: readonly (number | null)[] | undefined): ChartSeries[] {
  return values === undefined || values.length === 0 ? [] : [{ ...BEFORE, values }];
}

type Draw = (title: string, axis: ChartAxis, series: readonly ChartSeries[]) => string;

interface FigureOptions {
  readonly draw: Draw;
  readonly format: (value: number) => string;
  /** Shown above it; the title is for who cannot see the chart. */
  readonly caption: string;
  /** The greatest height of the columns, and when that was. */
  readonly peak: string;
}

function renderFigure(
  title: string,
  axis: ChartAxis,
  series: readonly ChartSeries[],
  { draw, format, caption, peak }: FigureOptions = {
    draw: drawColumns,
    format: formatCount,
    caption: title,
    peak: peakOf(axis, series),
  },
): string {
  const keys = series.map(
    ({ name, colour, isBefore }) =>
      `<li><svg viewBox="0 0 10 10" aria-hidden="true">${isBefore === true ? `<path d="M0 5h4M6 5h4" stroke="${colour}" stroke-width="2"/>` : `<rect width="10" height="10" fill="${colour}"/>`}</svg>${escapeHtml(name)}</li>`,
  );
  const words = `${title}. ${axis.times.length === 0 ? "" : `${axis.times[0]} to ${axis.times.at(-1)}. `}${series.map((one) => describe(one, axis, format)).join(" ")}`;
  const legend = series.length === 1 ? "" : `<ul class="legend">${keys.join("")}</ul>`;
  const most = peak === "" ? "" : ` <small class="peak">${escapeHtml(peak)}</small>`;
  return `<figure><figcaption>${escapeHtml(caption)}${most}${legend}</figcaption>${draw(words, axis, series)}</figure>`;
}

/** `Peak 1,203 at 2026-03-04 09:00`: of all that stands in one column; empty where nothing does. */
function peakOf({ times }: ChartAxis, series: readonly ChartSeries[]): string {
  const stacked = series.filter(({ isBefore }) => isBefore !== true);
  const heights = times.map((_, index) => stacked.reduce((sum, { values }) => sum + (values[index] ?? 0), 0));
  const most = heights.reduce((greatest, height) => Math.max(greatest, height), 0);
  return most === 0 ? "" : `Peak ${formatCount(most)} at ${times[heights.indexOf(most)]}`;
}

/** `received: at most 1,203, 2026-03-04 09:00.` */
function describe({ name, values }: ChartSeries, { times }: ChartAxis, format: (value: number) => string): string {
  const most = values.reduce<number>((greatest, value) => Math.max(greatest, value ?? 0), 0);
  return `${name}: at most ${format(most)}${most === 0 ? "" : `, ${times[values.indexOf(most)] ?? ""}`}.`;
}

/** Labels as short as the buckets and the time allow. */
function axisOf(points: readonly { readonly from: string }[], bucket: string, timeZone: string): ChartAxis {
  const times = points.map(({ from }) => formatTime(from, timeZone).slice(0, "2026-03-02 05:40".length));
  const isOneDay = new Set(times.map((time) => time.slice(0, "2026-03-02".length))).size <= 1;
  const short = (time: string): string => {
    if (bucket === "month") return time.slice(0, "2026-03".length);
    if (bucket === "day" || bucket === "week") return time.slice("2026-".length, "2026-03-02".length);
    return isOneDay ? time.slice("2026-03-02 ".length) : time.slice("2026-".length);
  };
  return { labels: times.map(short), times };
}
