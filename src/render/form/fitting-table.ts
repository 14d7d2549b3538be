/** Tables and facts that fit their lines: nothing is cut, and what has no room stands below or wraps. */
import { renderColumns } from "./columns.ts";
import { greatest, renderHanging, widthOf } from "./layout.ts";
import type { Paint } from "./paint.ts";

export interface FittingTable {
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Indexes of columns that are aligned to the right. */
  readonly right?: readonly number[];
}

interface Screen {
  readonly columns: number;
  readonly paint: Paint;
}

const GAP = 2;
const BELOW = 4;

/**
 * Rows in aligned columns below their titles. Where lines are wider than the screen, the last columns leave the table: each row has them
 * below it, with their titles.
 *
 *     Time (UTC)           Action  Result
 *     2026-04-01 00:00:00  backup  done
 *         User kim as root, From 192.0.2.7, Took 0 s
 */
export function renderFittingTable({ titles, rows, right = [] }: FittingTable, { columns, paint }: Screen): string {
  const cells = [titles, ...rows];
  const widths = titles.map((_, index) => greatest(cells.map((row) => widthOf(row[index] ?? ""))));
  const kept = countFitting(widths, columns);
  const table = [titles.map((title) => paint.faint(title)), ...rows].map((row) => row.slice(0, kept));
  // A single column may be wider than the screen.
  const lines =
    kept === 1
      ? table.map(([name = ""]) => renderHanging("", name, GAP, columns))
      : renderColumns(table, { right }).split("\n");
  if (kept === titles.length) return lines.join("\n");
  return lines
    .flatMap((line, at) => {
      const row = at === 0 ? [] : (rows[at - 1] ?? []);
      const pairs = row.flatMap((cell, index) => (index < kept || cell === "" ? [] : [`${titles[index]} ${cell}`]));
      return [line, ...fillLines(pairs, columns)];
    })
    .join("\n");
}

/** Number of leading columns whose lines fit, one at least. */
function countFitting(widths: readonly number[], columns: number): number {
  let [count, length] = [0, -GAP];
  for (const width of widths) {
    length += width + GAP;
    if (length > columns) break;
    count++;
  }
  return Math.max(count, 1);
}

/** Fills lines with pairs; only a pair that is longer than a line is torn. */
function fillLines(pairs: readonly string[], columns: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const [index, pair] of pairs.entries()) {
    const text = index === pairs.length - 1 ? pair : `${pair},`;
    const longer = line === "" ? text : `${line} ${text}`;
    if (line === "" || BELOW + widthOf(longer) <= columns) line = longer;
    else {
      lines.push(line);
      line = text;
    }
  }
  if (line !== "") lines.push(line);
  return lines.map((filled) => renderHanging(" ".repeat(BELOW), filled, BELOW, columns));
}

/** Labels and beside them their values, which wrap where they do not fit. */
export function renderFacts(
  facts: readonly (readonly [label: string, value: string])[],
  { columns, paint }: Screen,
  indent = 0,
): string {
  const width = greatest(facts.map(([label]) => widthOf(label)));
  return facts
    .map(([label, value]) => {
      const name = `${" ".repeat(indent)}${paint.faint(label)}${" ".repeat(width - widthOf(label) + GAP)}`;
      return renderHanging(name, value, indent + width + GAP, columns);
    })
    .join("\n");
}
