/** A table of figures for a terminal: aligned, with bars where there is room, samples below their rows. */
import { chartColumns, greatest, renderColumns, renderHanging, widthOf } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { toVisibleLine } from "../form/terminal-text.ts";
import { type Cell, type Column, formatCell, isNumeric, type Table } from "./table.ts";
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
  const { paint, columns } = screen;
  const title = paint.strong(table.title);
  if (table.rows.length === 0) return `${title}\n${renderHanging("  ", table.empty, 2, columns)}`;
  const [heading = "", ...lines] = alignRows(table, screen, true);
  const details = detailsOf(table, screen);
  const withDetails = lines.flatMap((line, index) => {
    const detail = details[index];
    if (detail === undefined) return [line];
    return [line, paint.faint(renderHanging(" ".repeat(DETAIL_INDENT), detail, DETAIL_INDENT, columns))];
  });
  const note = table.note === undefined ? [] : [renderHanging("", table.note, 0, columns)];
  return [title, paint.faint(heading), ...withDetails, ...note].join("\n");
}

/** The first rows, each on one line, and how many more there are. */
export function renderBriefly(table: Table, screen: Screen, most: number): string {
  const { paint, columns } = screen;
  const title = paint.strong(table.title);
  if (table.rows.length === 0) return `${title}\n${renderHanging("  ", table.empty, 2, columns)}`;
  const [, ...lines] = alignRows({ ...table, rows: table.rows.slice(0, most) }, screen, false);
  const more = table.rows.length - most;
  const rest = more > 0 ? [paint.faint(`  ${more} more: exim-pilot stats ${table.name}`)] : [];
  return [title, ...lines.map((line) => `  ${line}`), ...rest].join("\n");
}

/** The head and the rows, one line each: with bars, or with samples as far as they fit. */
function alignRows(table: Table, screen: Screen, hasBars: boolean): string[] {
  const isShown = ({ kind }: Column): boolean => kind !== "curve" && (!hasBars || kind !== "sample");
  const shown = table.columns.filter(isShown);
  const body = table.rows.map((row) =>
    table.columns.flatMap((column, index) => (isShown(column) ? [toText(row[index] ?? null, column, screen)] : [])),
  );
  const right = shown.flatMap((column, index) => (isNumeric(column) ? [index] : []));
  const width = screen.columns - (hasBars ? 0 : GAP);
  const rows = fitTexts([shown.map(({ title }) => title), ...body], shown, width);
  return renderColumns(hasBars ? addBars(rows, table, width) : rows, { right }).split("\n");
}

function toText(cell: Cell, column: Column, { timeZone }: Screen): string {
  if (column.kind === "path") {
    const parts = String(cell).split(".");
    return `${" ".repeat(GAP * (parts.length - 1))}${parts.at(-1) ?? ""}`;
  }
  const text = formatCell(cell, column, timeZone);
  return isFlexible(column) ? toVisibleLine(text) : text;
}

/** Text from logs, which may be cut. */
function isFlexible({ kind }: Column): boolean {
  return kind === "text" || kind === "sample";
}

/** Texts cut so that the lines fit; the longest give first. */
function fitTexts(rows: readonly string[][], columns: readonly Column[], width: number): string[][] {
  const widths = columns.map((_, index) => greatest(rows.map((row) => widthOf(row[index] ?? ""))));
  const textColumns = columns.flatMap((column, index) => (isFlexible(column) ? [index] : []));
  const total = (): number => widths.reduce((sum, one) => sum + one + GAP, -GAP);
  while (total() > width && textColumns.length > 0) {
    const widest = textColumns.reduce((best, index) => ((widths[index] ?? 0) > (widths[best] ?? 0) ? index : best));
    const current = widths[widest] ?? 0;
    if (current <= NARROWEST_TEXT) break;
    widths[widest] = Math.max(NARROWEST_TEXT, current - (total() - width));
  }
  return rows.map((row) => row.map((text, index) => cut(text, widths[index] ?? 0)));
}

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
