/** Charts as SVG: colours are those of the page's style, so that they follow light, dark and print. */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { formatCount, formatSeconds } from "../form/format.ts";

/** A series of a chart: its name, and the colour of the style. */
export interface ChartSeries {
  readonly name: string;
  readonly colour: string;
  /** Null: not known. */
  readonly values: readonly (number | null)[];
  /** A series of the time that is compared with: a broken line. */
  readonly isBefore?: boolean;
}

/** Buckets of a chart, each with the label of the axis and a longer one. */
export interface ChartAxis {
  readonly labels: readonly string[];
  /** `2026-03-02 05:40` */
  readonly times: readonly string[];
}

/** Widths in pixels for a screen and for a phone; the page shows the one that fits. */
const WIDTHS = { wide: 520, narrow: 330 } as const;
type Size = keyof typeof WIDTHS;
const SIZES: readonly Size[] = ["wide", "narrow"];

const HEIGHTS = { wide: 210, narrow: 170 } as const;
const MARGINS = { marginLeft: 42, marginRight: 12, marginTop: 10, marginBottom: 24 } as const;
const TICKS = { wide: 6, narrow: 3 } as const;
/** Less than this the axis does not tell apart. */
const SHORTEST_SECONDS = 0.1;

/** Stacked columns, one for each bucket, with lines of the earlier time over them; `title` is for who cannot see them. */
export function drawColumns(title: string, axis: ChartAxis, series: readonly ChartSeries[]): string {
  const stacked = series.filter(({ isBefore }) => isBefore !== true);
  const data = stacked.flatMap(({ name, colour, values }) =>
    values.map((value, index) => ({
      from: index,
      to: index + 1,
      value: value ?? 0,
      colour,
      hint: `${axis.times[index]}: ${formatCount(value ?? 0)} ${name}`,
    })),
  );
  const heights = axis.labels.map((_, index) => stacked.reduce((sum, { values }) => sum + (values[index] ?? 0), 0));
  const most = Math.max(
    1,
    ...[heights, ...series.map(({ values }) => values.map((value) => value ?? 0))].map(greatest),
  );
  return drawBoth(title, (size, document) =>
    Plot.plot({
      ...optionsOf(size, document, axis),
      // Counts are whole.
      y: { grid: true, label: null, tickFormat: formatTick, ticks: Math.min(5, most), domain: [0, most] },
      marks: [
        Plot.rectY(data, {
          ...Plot.stackY({
            x1: "from",
            x2: "to",
            y: "value",
            fill: (datum: (typeof data)[number]) => datum.colour,
            title: "hint",
          }),
          inset: axis.labels.length > WIDTHS[size] / 6 ? 0 : 0.5,
        }),
        ...lineMarks(series.filter(({ isBefore }) => isBefore === true)),
        Plot.ruleY([0]),
      ],
    }),
  );
}

/** Lines of durations in seconds, the axis logarithmic; what is not known is a gap. */
export function drawDurations(title: string, axis: ChartAxis, series: readonly ChartSeries[]): string {
  // NOTE: an axis that is logarithmic itself hides labels that are no power of ten.
  const toPlace = (seconds: number): number => Math.log10(Math.max(seconds, SHORTEST_SECONDS));
  const lines = series.map((one) => ({
    ...one,
    values: one.values.map((value) => (value === null ? null : toPlace(value))),
  }));
  const places = lines.flatMap(({ values }) => values.flatMap((value) => value ?? []));
  const [least, most] = [Math.min(...places), Math.max(...places)];
  const marks = DURATION_TICKS.map((seconds) => ({ seconds, place: toPlace(seconds) }));
  const first = marks.findLast(({ place }) => place <= least) ?? marks[0];
  const last = marks.find(({ place }) => place > most) ?? marks.at(-1);
  const domain = [first?.place ?? least, Math.max(last?.place ?? most, most)] as const;
  const ticks = marks.filter(({ place }) => place >= domain[0] && place <= domain[1]);
  const dots = series
    .filter(({ isBefore }) => isBefore !== true)
    .flatMap(({ name, colour, values }) =>
      values.flatMap((value, index) => {
        if (value === null) return [];
        const hint = `${axis.times[index]}: ${name} ${formatSeconds(value)}`;
        return [{ at: index + 0.5, place: toPlace(value), colour, hint }];
      }),
    );
  return drawBoth(title, (size, document) =>
    Plot.plot({
      ...optionsOf(size, document, axis),
      marginLeft: 52,
      y: {
        grid: true,
        label: null,
        domain,
        ticks: ticks.map(({ place }) => place),
        tickFormat: (_: number, index: number) => formatDuration(ticks[index]?.seconds ?? 0),
      },
      marks: [
        ...lineMarks(lines),
        Plot.dot(dots, { x: "at", y: "place", r: 2, fill: (dot: (typeof dots)[number]) => dot.colour, title: "hint" }),
      ],
    }),
  );
}

function formatDuration(seconds: number): string {
  return `${seconds === SHORTEST_SECONDS ? "≤ " : ""}${formatSeconds(seconds)}`;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const DURATION_TICKS = [0.1, 1, 10, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY];

function optionsOf(size: Size, document: PlotDocument, { labels, times }: ChartAxis): Plot.PlotOptions {
  const midnights = times.flatMap((time, index) => (time.endsWith("00:00") ? [index] : []));
  // Days are marked where there are several of them in pieces.
  const hasDays = midnights.length > 1 && midnights.length < times.length;
  const places = hasDays ? midnights : times.map((_, index) => index);
  const step = Math.max(1, Math.ceil(places.length / TICKS[size]));
  return {
    document,
    width: WIDTHS[size],
    height: HEIGHTS[size],
    ...MARGINS,
    x: {
      domain: [0, labels.length],
      ticks: places.filter((_, index) => index % step === 0),
      tickFormat: (index: number) => (hasDays ? (labels[index] ?? "").slice(0, "03-02".length) : (labels[index] ?? "")),
      label: null,
    },
    color: { type: "identity" },
  };
}

function greatest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

/** `0`, `500`, `1.5k`, `2M`. */
function formatTick(count: number): string {
  for (const [size, unit] of TICK_UNITS) if (count >= size) return `${Number((count / size).toFixed(2))}${unit}`;
  return String(count);
}

const TICK_UNITS = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
] as const;

function lineMarks(series: readonly ChartSeries[]): Plot.Markish[] {
  return series.map(({ colour, values, isBefore }) =>
    Plot.lineY(
      values.map((value, index) => ({ at: index + 0.5, value: value ?? Number.NaN })),
      {
        x: "at",
        y: "value",
        stroke: colour,
        strokeWidth: isBefore === true ? 1.5 : 2,
        ...(isBefore === true && { strokeDasharray: "4 3" }),
      },
    ),
  );
}

/** The members of an element that are used: this program is built without the types of browsers. */
interface SvgElement {
  readonly outerHTML: string;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
  remove(): void;
  querySelectorAll(selector: string): Iterable<SvgElement>;
}

type PlotDocument = NonNullable<Plot.PlotOptions["document"]>;

function drawBoth(title: string, draw: (size: Size, document: PlotDocument) => unknown): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  return SIZES.map((size) => {
    const svg = draw(size, document) as SvgElement;
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", title);
    svg.setAttribute("class", `chart ${size}`);
    // The page's strict policy allows its own style only.
    for (const style of svg.querySelectorAll("style")) style.remove();
    for (const styled of svg.querySelectorAll("[style]")) styled.removeAttribute("style");
    svg.removeAttribute("style");
    return svg.outerHTML;
  }).join("");
}

const CURVE_HEIGHT = 20;
/** More columns are narrower than a pixel: those beside each other become one, the highest. */
const MOST_COLUMNS = 120;

/** Small columns, in one path; nothing where all are zero. */
export function drawSparkline(values: readonly number[], colour = "var(--waiting)"): string {
  const most = greatest(values);
  if (most === 0) return "";
  const size = Math.ceil(values.length / MOST_COLUMNS);
  const highest = Array.from({ length: Math.ceil(values.length / size) }, (_, index) =>
    greatest(values.slice(index * size, (index + 1) * size)),
  );
  const columns = highest.flatMap((value, index) => {
    const height = (value / most) * CURVE_HEIGHT;
    return value === 0
      ? []
      : [`M${index} ${CURVE_HEIGHT}v${-Number(height.toFixed(1))}h1v${Number(height.toFixed(1))}z`];
  });
  const words = `${formatCount(values.length)} values, at most ${formatCount(most)}`;
  return `<svg class="curve" role="img" aria-label="${words}" viewBox="0 0 ${highest.length} ${CURVE_HEIGHT}" preserveAspectRatio="none"><path fill="${colour}" d="${columns.join("")}"/></svg>`;
}
