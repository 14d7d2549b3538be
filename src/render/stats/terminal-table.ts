/** A table of figures for a terminal: aligned, with bars where there is room, samples below their rows. */

import { renderColumns } from "../form/columns.ts";
import { formatCount } from "../form/format.ts";
import { chartColumns, greatest, renderHanging, widthOf } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { toVisibleLine } from "../form/terminal-text.ts";
import { type Cell, type Column, formatCell, isNumeric, type Table, zoneOf } from "./table.ts";
import { drawBar, drawCurve } from "./text-charts.ts";

export interface Screen {
  readonly columns: number;
  readonly paint: Paint;
  readonly timeZone: string;
}

const GAP = 2;
const NARROWEST_BAR = 8;
const WIDEST_BAR = 30;
const NARROWEST_TEXT = 12;
const DETAIL_INDENT = 4;

export function renderTerminalTable(table: Table, screen: Screen): string {
  const { paint, columns, timeZone } = screen;
  if (table.rows.length === 0) return renderEmpty(table, screen);
  const title = `${paint.strong(table.title)}${paint.faint(zoneOf(table, timeZone))}`;
  const [heading = "", ...lines] = alignRows(table, screen, true);
  const details = detailsOf(table, screen);
  const withDetails = lines.flatMap((line, index) => {
    const detail = details[index];
    if (detail === undefined) return [line];
    return [line, paint.faint(renderHanging(" ".repeat(DETAIL_INDENT), detail, DETAIL_INDENT, columns))];
  });
  const note = table.note === undefined ? [] : [renderHanging("", table.note, 0, columns)];
  const head = heading === "" ? [] : [paint.faint(heading)];
  return [title, ...head, ...withDetails, ...note].join("\n");
}

function unwrapped(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}

function renderEmpty({ title, empty }: Table, { paint, columns }: Screen): string {
  return `${paint.strong(title)}\n${renderHanging("  ", empty, 2, columns)}`;
}

/** The first rows, and the command that shows the others and what was cut of these. */
export function renderBriefly(table: Table, screen: Screen, most: number): string {
  const { paint, columns } = screen;
  if (table.rows.length === 0) return renderEmpty(table, screen);
  const rows = table.rows.slice(0, most);
  const [, ...lines] = alignRows({ ...table, rows }, screen, false);
  const more = table.rows.length - rows.length;
  const sample = table.columns.findIndex(({ kind }) => kind === "sample");
  const isCut = rows.some(
    (row, index) => !unwrapped(lines[index] ?? "").includes(unwrapped(toVisibleLine(String(row[sample] ?? "")))),
  );
  const hidden = [...(more > 0 ? [`${formatCount(more)} more`] : []), ...(isCut ? ["the full texts"] : [])].join(
    ", and ",
  );
  const rest =
    hidden === "" ? [] : [paint.faint(renderHanging("  ", `${hidden}: exim-pilot stats ${table.name}`, 2, columns))];
  const title = `${paint.strong(table.title)}${paint.faint(zoneOf(table, screen.timeZone))}`;
  return [title, ...lines.map((line) => line.replace(/^/gm, "  ")), ...rest].join("\n");
}

/**
 * The head and the rows: with bars, or with samples as far as they fit. A row is one line where its texts have room. A longer name
 * stands on a line of its own, with the figures below it in their columns:
 *
 *     ip                                 Messages    Volume
 *     203.0.113.101                           422   184 KiB
 *     2001:db8:ffff:ffff:ffff:ffff:ffff:c
 *                                               6   2.6 KiB
 */
function alignRows(table: Table, screen: Screen, hasBars: boolean): string[] {
  const isShown = ({ kind }: Column): boolean => kind !== "curve" && (!hasBars || kind !== "sample");
  const shown = table.columns.filter(isShown);
  const body = table.rows.map((row) =>
    table.columns.flatMap((column, index) => (isShown(column) ? [toText(row[index] ?? null, column, screen)] : [])),
  );
  const right = shown.flatMap((column, index) => (isNumeric(column) ? [index] : []));
  const width = screen.columns - (hasBars ? 0 : GAP);
  const cells = [shown.map(({ title }) => title), ...body];
  const widths = fitWidths(cells, shown, width);
  if (lengthOf(widths) > width) return ["", ...body.map((row) => renderPairs(row, shown, width))];
  const longOnes = cells.map((row) =>
    shown.flatMap(({ kind }, index) =>
      kind === "text" && widthOf(row[index] ?? "") > (widths[index] ?? 0) ? [index] : [],
    ),
  );
  const rows = cells.map((row, at) =>
    row.map((text, index) => (longOnes[at]?.includes(index) ? "" : cut(text, widths[index] ?? 0))),
  );
  const lines = renderColumns(hasBars ? addBars(rows, table, width) : rows, { right }).split("\n");
  return lines.map((line, at) => withLongTexts(line, cells[at] ?? [], longOnes[at] ?? [], { shown, width }));
}

/** A name that is too long stands above the row that it begins; other texts stand below, with their titles where there are several. */
function withLongTexts(
  line: string,
  row: readonly string[],
  longOnes: readonly number[],
  { shown, width }: { readonly shown: readonly Column[]; readonly width: number },
): string {
  const isOneOfSeveral = shown.filter(({ kind }) => kind === "text").length > 1;
  const above = longOnes.includes(0) ? [renderHanging("", row[0] ?? "", GAP, width)] : [];
  const below = longOnes
    .filter((index) => index > 0)
    .map((index) => (isOneOfSeveral ? `${shown[index]?.title}: ${row[index]}` : row[index]))
    .join(" ".repeat(GAP));
  const indented = below === "" ? [] : [renderHanging(" ".repeat(DETAIL_INDENT), below, DETAIL_INDENT, width)];
  return [...above, line, ...indented].join("\n");
}

/** A row whose figures do not fit beside one another: its texts, and below them each figure with its title. */
function renderPairs(row: readonly string[], columns: readonly Column[], width: number): string {
  const isName = ({ kind }: Column): boolean => kind === "text" || kind === "path" || kind === "word";
  const names = row.filter((text, index) => text !== "" && isName(columns[index] as Column));
  const pairs = columns.flatMap((column, index) =>
    isName(column) || (row[index] ?? "") === "" ? [] : [`${column.title} ${row[index]}`],
  );
  const title = renderHanging("", names.join(" ".repeat(GAP)), GAP, width);
  return `${title}\n${renderHanging(" ".repeat(DETAIL_INDENT), pairs.join(", "), DETAIL_INDENT, width)}`;
}

function toText(cell: Cell, column: Column, { timeZone }: Screen): string {
  if (column.kind === "path") {
    const parts = String(cell).split(".");
    return `${" ".repeat(GAP * (parts.length - 1))}${parts.at(-1) ?? ""}`;
  }
  const text = formatCell(cell, column, timeZone);
  return isFlexible(column) ? toVisibleLine(text) : text;
}

/** Text from logs, which may be as long as strangers like. */
function isFlexible({ kind }: Column): boolean {
  return kind === "text" || kind === "sample";
}

/** Widths of columns whose lines fit, as far as texts can give: the longest give first. */
function fitWidths(rows: readonly string[][], columns: readonly Column[], width: number): readonly number[] {
  const widths = columns.map((_, index) => greatest(rows.map((row) => widthOf(row[index] ?? ""))));
  const textColumns = columns.flatMap((column, index) => (isFlexible(column) ? [index] : []));
  while (lengthOf(widths) > width && textColumns.length > 0) {
    const widest = textColumns.reduce((best, index) => ((widths[index] ?? 0) > (widths[best] ?? 0) ? index : best));
    const current = widths[widest] ?? 0;
    if (current <= NARROWEST_TEXT) break;
    widths[widest] = Math.max(NARROWEST_TEXT, current - (lengthOf(widths) - width));
  }
  return widths;
}

function lengthOf(widths: readonly number[]): number {
  return widths.reduce((sum, one) => sum + one + GAP, -GAP);
}

/** Cuts a sample, the one text that need not be whole: {@link renderTerminalTable} shows it below its row. */
function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  for (const character of text) {
    if (widthOf(kept + character) > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Bars of the column that has them, in the room that is left. */
function addBars(texts: readonly string[][], { columns, rows }: Table, width: number): string[][] {
  const used =
    texts[0]?.reduce((sum, _, at) => sum + greatest(texts.map((row) => widthOf(row[at] ?? ""))) + GAP, 0) ?? 0;
  const room = Math.min(width - used, WIDEST_BAR);
  const bar = columns.findIndex(({ hasBar }) => hasBar === true);
  if (room < NARROWEST_BAR || bar === -1) return texts.map((row) => [...row]);
  const values = rows.map((row) => Number(row[bar] ?? 0));
  const most = Math.max(...values);
  return texts.map((row, at) => [...row, at === 0 ? "" : drawBar(values[at - 1] ?? 0, most, room)]);
}

/** The detail below each row: a sample, or a curve with its title. */
function detailsOf({ columns, rows }: Table, screen: Screen): readonly (string | undefined)[] {
  const sample = columns.findIndex(({ kind }) => kind === "sample");
  const curve = columns.findIndex(({ kind }) => kind === "curve");
  return rows.map((row) => {
    const [text, values] = [row[sample], row[curve]];
    if (typeof text === "string" && text !== "") return toVisibleLine(text);
    if (!Array.isArray(values) || values.every((value) => value === 0)) return undefined;
    const title = `${columns[curve]?.title} `;
    return title + drawCurve(values, chartColumns(screen.columns) - DETAIL_INDENT - title.length);
  });
}
