/** Columns and paragraphs that fit a terminal. */
import Table from "cli-table3";
import stringWidth from "fast-string-width";
import { wrapAnsi } from "fast-wrap-ansi";

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
  const table = new Table({
    chars: NO_BORDERS,
    colAligns,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  table.push(...rows.map((row) => [...row]));
  return trimLines(table.toString());
}

/** Text wrapped to `columns`, its first line after `label` and all others below where that one begins. */
export function renderHanging(label: string, text: string, indent: number, columns: number): string {
  const lines = wrapAnsi(text, Math.max(columns - indent, 20), { hard: true, trim: true }).split("\n");
  return trimLines(lines.map((line, index) => (index === 0 ? label : " ".repeat(indent)) + line).join("\n"));
}

/** Columns that a text takes on a terminal: wide characters take two, escape sequences none. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

function trimLines(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
