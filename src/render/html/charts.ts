/** Charts as SVG: colours are those of the page's style, so that they follow light, dark and print. */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { formatCount } from "../form/format.ts";
import { toVisibleLine } from "../form/terminal-text.ts";

/** A series of a stacked chart: its name, and the class that colours it. */
export interface ChartSeries {
  readonly name: string;
  readonly colour: string;
  readonly values: readonly number[];
}

export interface BarDatum {
  readonly label: string;
  readonly value: number;
  /** The value as people read it. */
  readonly text: string;
}

/** Widths in pixels for a screen and for a phone; the page shows the one that fits. */
const WIDTHS = { wide: 920, narrow: 330 } as const;
type Size = keyof typeof WIDTHS;
const SIZES: readonly Size[] = ["wide", "narrow"];

const COLUMNS_HEIGHT = 220;
const BAR_HEIGHT = 22;
const AXIS_HEIGHT = 30;
const LABEL_CHARACTERS = { wide: 34, narrow: 16 } as const;
/** Width of the widest letters; narrower labels leave some room. */
const CHARACTER_WIDTH = 7.2;
const TICKS = { wide: 8, narrow: 3 } as const;

/** Stacked columns, one for each label, under `title` for who cannot see them. */
export function drawColumns(title: string, labels: readonly string[], series: readonly ChartSeries[]): string {
  const data = series.flatMap(({ name, colour, values }) =>
    values.map((value, index) => ({
      from: index,
      to: index + 1,
      value,
      colour,
      hint: `${labels[index]}: ${value} ${name}`,
    })),
  );
  return drawBoth(title, (size, document) => {
    const step = Math.max(1, Math.ceil(labels.length / TICKS[size]));
    const ticks = labels.flatMap((_, index) => (index % step === 0 ? [index] : []));
    return Plot.plot({
      document,
      width: WIDTHS[size],
      height: COLUMNS_HEIGHT,
      marginLeft: 50,
      x: { domain: [0, labels.length], ticks, tickFormat: (index: number) => labels[index] ?? "", label: null },
      y: { grid: true, label: null, tickFormat: "~s" },
      marks: [
        Plot.rectY(data, {
          ...Plot.stackY({
            x1: "from",
            x2: "to",
            y: "value",
            fill: (datum: (typeof data)[number]) => datum.colour,
            title: "hint",
          }),
          inset: labels.length > WIDTHS[size] / 6 ? 0 : 0.5,
        }),
        Plot.ruleY([0]),
      ],
      color: { type: "identity" },
    });
  });
}

/** A bar for each datum, in their order. */
export function drawBars(title: string, data: readonly BarDatum[], colour: string): string {
  return drawBoth(title, (size, document) => {
    const rows = data.map(({ label, value, text }, index) => ({
      row: index,
      label: shorten(label, size),
      value,
      text,
    }));
    const longest = Math.max(...rows.map(({ label }) => label.length));
    return Plot.plot({
      document,
      width: WIDTHS[size],
      height: AXIS_HEIGHT + rows.length * BAR_HEIGHT,
      marginLeft: 10 + longest * CHARACTER_WIDTH,
      marginRight: 70,
      marginTop: 5,
      x: { axis: null },
      y: { type: "band", label: null, tickFormat: (row: number) => rows[row]?.label ?? "", tickSize: 0 },
      marks: [
        Plot.barX(rows, { x: "value", y: "row", fill: colour, insetTop: 1, insetBottom: 1 }),
        Plot.text(rows, { x: "value", y: "row", text: "text", textAnchor: "start", dx: 5 }),
        Plot.ruleX([0]),
      ],
      color: { type: "identity" },
    });
  });
}

function shorten(label: string, size: Size): string {
  const text = toVisibleLine(label);
  const most = LABEL_CHARACTERS[size];
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
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

/** Small columns, in one path; nothing where all are zero. */
export function drawSparkline(values: readonly number[]): string {
  const most = Math.max(...values, 0);
  if (most === 0) return "";
  const columns = values.flatMap((value, index) => {
    const height = (value / most) * CURVE_HEIGHT;
    return value === 0
      ? []
      : [`M${index} ${CURVE_HEIGHT}v${-Number(height.toFixed(1))}h1v${Number(height.toFixed(1))}z`];
  });
  const words = `${values.length} values, at most ${formatCount(most)}`;
  return `<svg class="curve" role="img" aria-label="${words}" viewBox="0 0 ${values.length} ${CURVE_HEIGHT}" preserveAspectRatio="none"><path fill="var(--waiting)" d="${columns.join("")}"/></svg>`;
}
