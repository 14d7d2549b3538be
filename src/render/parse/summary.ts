/** Renders the forms of line that occur, and samples of lines that were not understood. */
import type { LineSample, LineSamples, Summary } from "../../explain/tally.ts";
import { renderColumns } from "../form/columns.ts";
import { countOf, formatCount } from "../form/format.ts";
import { renderJson } from "../form/json.ts";
import { renderHanging } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { toVisible, toVisibleLine } from "../form/terminal-text.ts";

/** Size of the input. */
export interface Extent {
  readonly files: number;
  readonly lines: number;
}

export interface SummaryOptions {
  readonly columns: number;
  readonly paint: Paint;
}

export function renderSummary(summary: Summary, { files, lines }: Extent, { columns, paint }: SummaryOptions): string {
  const { entries, kinds, unknown, residue } = summary;
  const title = `${paint.strong(`Entries  ${formatCount(entries)}`)} ${paint.faint(`(${countOf(lines, "line")} from ${countOf(files, "log")})`)}`;
  const rows = kinds.map(({ kind, count, share }) => [`  ${kind}`, formatCount(count), formatShare(share)]);
  const sections = [
    [title, renderColumns(rows, { right: [1, 2] })].filter((part) => part !== "").join("\n"),
    renderSamples("Lines of no known form", unknown, columns, paint),
    renderSamples("Lines whose end could not be read", residue, columns, paint),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

/** The contract of `exim-pilot parse --summary --json`. */
export function renderSummaryJson(summary: Summary, { files, lines }: Extent): string {
  return renderJson("parse", { files, lines, ...summary });
}

/** `12.3 %`; what is there is never shown as nothing. */
function formatShare(share: number): string {
  return share > 0 && share < 0.001 ? "< 0.1 %" : `${(share * 100).toFixed(1)} %`;
}

function renderSamples(title: string, { count, shapes, samples }: LineSamples, columns: number, paint: Paint): string {
  if (count === 0) return "";
  const heading = `${paint.strong(`${title}  ${formatCount(count)}`)} ${paint.faint(`(${countOf(shapes, "shape")})`)}`;
  const texts = samples.map((sample) => renderSample(sample, columns, paint));
  const hidden = shapes - samples.length;
  const more = hidden > 0 ? [`  … and ${countOf(hidden, "more shape")}`] : [];
  return [heading, ...texts, ...more].join("\n");
}

const INDENT = 4;

/** Renders the place of the first line of a shape, how many lines have it, and that line. */
function renderSample({ file, lineNumber, count, raw, residue }: LineSample, columns: number, paint: Paint): string {
  const place = `${toVisibleLine(file)}:${lineNumber}`;
  const times = count === 1 ? "" : `, and ${formatCount(count - 1)} like it`;
  const end = residue === "" ? [] : [renderHanging("    not read: ", toVisibleLine(residue), 14, columns)];
  const lines = toVisible(raw)
    .split("\n")
    .map((line) => renderHanging(" ".repeat(INDENT), line.replaceAll("\t", " "), INDENT, columns));
  return [`  ${paint.faint(place + times)}`, ...lines, ...end].join("\n");
}
