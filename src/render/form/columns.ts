/** Rows in columns that line up. */
import Table from "cli-table3";
import { greatest, trimLines, widthOf } from "./layout.ts";

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
