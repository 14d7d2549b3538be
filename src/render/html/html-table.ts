/** A table of figures as HTML: sorted by a click where the script runs; on a phone each row is a card. */
import { formatCount } from "../form/format.ts";
import { type Cell, type Column, formatCell, isNumeric, type Table } from "../stats/table.ts";
import { drawSparkline } from "./charts.ts";
import { escapeHtml, proseHtml } from "./markup.ts";

/** Columns that only explain a row: they have no order. */
const UNSORTED: readonly Column["kind"][] = ["curve"];

/** In a box that can be scrolled, also with the keyboard, where the screen is narrower than its columns but no phone. */
export function renderHtmlTable({ title, columns, rows, note }: Table, timeZone: string): string {
  const hasProseBelow = columns.length > MOST_BESIDE_PROSE;
  const isBeside = (column: Column): boolean => !hasProseBelow || column.isProse !== true;
  const head = columns
    .filter(isBeside)
    .map((column) => `<th scope="col"${classOf(column)}>${escapeHtml(column.title)}</th>`)
    .join("");
  const mosts = columns.map((column, index) => (column.hasBar === true ? greatestOf(columns, rows, index) : 0));
  const body = rows.map(
    (row, at) =>
      `<tr>${columns.map((column, index) => (isBeside(column) ? renderCell({ row, at, index, column, columns, most: mosts[index] ?? 0, timeZone }) : "")).join("")}</tr>${hasProseBelow ? renderProse(row, columns) : ""}`,
  );
  const remark = note === undefined ? "" : `\n<p class="note">${proseHtml(note)}</p>`;
  return `<div class="scroll" role="region" tabindex="0" aria-label="${escapeHtml(title)}">
<table class="sortable${isNarrow(columns) ? "" : " cards"}"><caption class="hidden">${escapeHtml(title)}, ${formatCount(rows.length)} ${rows.length === 1 ? "row" : "rows"}</caption><thead><tr>${head}</tr></thead><tbody>
${body.join("\n")}
</tbody></table></div>${remark}`;
}

/** More columns leave no room for sentences beside them. */
const MOST_BESIDE_PROSE = 6;

/** The sentences about a row, in one of their own below it; nothing where there is none. */
function renderProse(row: readonly Cell[], columns: readonly Column[]): string {
  const texts = columns.flatMap(({ isProse }, index) => {
    const cell = row[index] ?? null;
    return isProse === true && typeof cell === "string" && cell !== "" ? [proseHtml(cell)] : [];
  });
  if (texts.length === 0) return "";
  const others = columns.filter(({ isProse }) => isProse !== true).length;
  return `<tr class="prose"><td colspan="${others}">${texts.join(" ")}</td></tr>`;
}

const MOST_NARROW = 4;
const WIDE_KINDS: readonly Column["kind"][] = ["sample", "curve", "time"];

/** A phone has room for its columns side by side. */
function isNarrow(columns: readonly Column[]): boolean {
  return columns.length <= MOST_NARROW && columns.every(({ kind }) => !WIDE_KINDS.includes(kind));
}

interface CellPlace {
  readonly row: readonly Cell[];
  /** Number of the row. */
  readonly at: number;
  readonly index: number;
  readonly column: Column;
  readonly columns: readonly Column[];
  /** Longest bar of the column. */
  readonly most: number;
  readonly timeZone: string;
}

function renderCell(place: CellPlace): string {
  const { row, at, index, column, columns, most, timeZone } = place;
  const cell = row[index] ?? null;
  const label = index === 0 ? "" : ` data-label="${escapeHtml(column.title)}"`;
  if (UNSORTED.includes(column.kind)) return `<td${label} data-sort="">${renderCurve(cell)}</td>`;
  const text = escapeHtml(formatCell(cell, column, timeZone));
  const key = column.isOrdered === true ? String(at) : isNumeric(column) || column.kind === "time" ? cell : undefined;
  const sort = key === undefined ? "" : ` data-sort="${escapeHtml(String(key ?? ""))}"`;
  const empty = text === "" ? " empty" : "";
  const opened = `<td${classOf(column, empty)}${label}${sort}>`;
  if (column.kind === "path") return `${opened}${renderPath(String(cell))}</td>`;
  if (column.hasBar !== true || typeof cell !== "number") return `${opened}${text}</td>`;
  const before = columns.findIndex(({ name }) => name === "before");
  return `${opened}<span class="bar">${drawBar(cell, row[before] ?? null, most)}<span>${text}</span></span></td>`;
}

/** `messages.delivered`: the group, and the figure in it. */
function renderPath(path: string): string {
  const [group = "", ...parts] = path.split(".");
  if (parts.length === 0) return `<b>${escapeHtml(group)}</b>`;
  return `<span class="group">${escapeHtml(group)}</span> ${escapeHtml(parts.join("."))}`;
}

function renderCurve(cell: Cell): string {
  return typeof cell === "object" && cell !== null ? drawSparkline(cell) : "";
}

/** The greatest of a column with bars, and of what it is compared with. */
function greatestOf(columns: readonly Column[], rows: readonly (readonly Cell[])[], index: number): number {
  const before = columns.findIndex(({ name }) => name === "before");
  const values = rows.flatMap((row) => [row[index], row[before]]);
  return values.reduce<number>((most, value) => (typeof value === "number" && value > most ? value : most), 0);
}

const WIDTH = 100;

/** A bar, with a mark at the value of the earlier time. */
function drawBar(value: number, before: Cell, most: number): string {
  if (most === 0) return "";
  const at = (amount: number): string => Number(((Math.max(amount, 0) / most) * WIDTH).toFixed(1)).toString();
  const mark = typeof before === "number" ? `<path class="was" d="M${at(before)} 0V10"/>` : "";
  return `<svg viewBox="0 0 ${WIDTH} 10" preserveAspectRatio="none" aria-hidden="true"><rect width="${at(value)}" height="10"/>${mark}</svg>`;
}

function classOf(column: Column, more = ""): string {
  return ` class="${isNumeric(column) ? "number" : column.kind}${more}"`;
}
