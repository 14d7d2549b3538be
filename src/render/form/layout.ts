/** Columns and paragraphs that fit a terminal. */
import Table from "cli-table3";
import stringWidth from "fast-string-width";
import { wrapAnsi } from "fast-wrap-ansi";
import { PRINTABLE } from "./terminal-text.ts";

const NO_BORDERS = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
} as const;

/** Rows in aligned columns without lines; blanks at line ends removed. */
export function renderColumns(
  rows: readonly (readonly string[])[],
  { right = [] }: { readonly right?: readonly number[] } = {},
): string {
  const [first] = rows;
  if (first === undefined) return "";
  const colAligns = first.map((_, index) => (right.includes(index) ? ("right" as const) : ("left" as const)));
  // NOTE: the library takes time that grows with the square of the rows. Cells of one line, as wide as their column, need it no more.
  const even = padCells(rows, right);
  const pieces: string[] = [];
  for (let start = 0; start < even.length; start += ROWS_TOGETHER) {
    const piece = even.slice(start, start + ROWS_TOGETHER);
    if (piece.every((row) => row.every((cell) => !cell.includes("\n")))) {
      pieces.push(trimLines(piece.map((row) => row.join(NO_BORDERS.middle)).join("\n")));
      continue;
    }
    const table = new Table({
      chars: NO_BORDERS,
      colAligns,
      style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
    });
    table.push(...piece.map((row) => [...row]));
    pieces.push(trimLines(table.toString()));
  }
  return pieces.join("\n");
}

/** Rows that one table of the library gets. */
const ROWS_TOGETHER = 100;

/** Cells of one line become as wide as their column. */
function padCells(rows: readonly (readonly string[])[], right: readonly number[]): readonly (readonly string[])[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, widthOfCell(cell));
  return rows.map((row) =>
    row.map((cell, index) => {
      if (cell.includes("\n")) return cell;
      const blanks = " ".repeat((widths[index] ?? 0) - widthOfCell(cell));
      return right.includes(index) ? blanks + cell : cell + blanks;
    }),
  );
}

function widthOfCell(cell: string): number {
  if (!cell.includes("\n")) return widthOf(cell);
  return greatest(cell.split("\n").map(widthOf));
}

/** The greatest of numbers from 0 up, however many: a call takes about 100,000 arguments. */
export function greatest(numbers: Iterable<number>): number {
  let most = 0;
  for (const number of numbers) if (number > most) most = number;
  return most;
}

/** Width of what is drawn where lines have no end: in a pipe or a file. */
const DRAWN_COLUMNS = 80;

/** Columns for charts, which need an end though text does not. */
export function chartColumns(columns: number): number {
  return Number.isFinite(columns) ? columns : DRAWN_COLUMNS;
}

/**
 * Text wrapped to `columns`, its first line after `label` and all others after `indent` blanks; `Infinity` wraps nothing. A label may be
 * wider than the indent.
 */
export function renderHanging(label: string, text: string, indent: number, columns: number): string {
  const width = Math.max(columns - Math.max(indent, widthOf(label)), 20);
  if (text.length <= width && UNPADDED.test(text)) return label + text;
  if (width === Infinity) return trimLines(label + text.trim());
  const glued = text.replace(TOGETHER, GLUE);
  const lines = wrapAnsi(glued, width, { hard: true, trim: true }).replaceAll(GLUE, " ").split("\n");
  return trimLines(lines.map((line, index) => (index === 0 ? label : " ".repeat(indent)) + line).join("\n"));
}

/** The same lines; those that are wider than `columns` are wrapped, and begin where they began. */
export function wrapLines(page: string, columns: number): string {
  if (columns === Infinity) return page;
  return page
    .split("\n")
    .map((line) => {
      if (widthOf(line) <= columns) return line;
      const indent = line.length - line.trimStart().length;
      return renderHanging(" ".repeat(indent), line.trim(), indent, columns);
    })
    .join("\n");
}

/** Blanks at which no line ends: within `2026-03-02 05:40:05` and `436 B`. */
const TOGETHER = /(?<=\b\d{4}-\d\d-\d\d) (?=\d\d:\d\d)|(?<=\d) (?=(?:B|[KMGT]iB)\b)/g;
/** A character for private use, which text that is shown has only as an escape. */
const GLUE = "\ue000";

/** Printable ASCII, without blanks at its ends. */
const UNPADDED = /^[!-~](?:[ -~]*[!-~])?$/;

/** Columns that a text takes on a terminal: wide characters take two, escape sequences none. */
export function widthOf(text: string): number {
  if (PRINTABLE.test(text)) return text.length;
  return stringWidth(text);
}

function trimLines(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
