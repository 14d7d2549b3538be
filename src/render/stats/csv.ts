/** One table as CSV: figures plain, times as ISO-8601, curves as figures with blanks between. */
import { renderVisibleCsvRow } from "../form/csv.ts";
import { toVisible } from "../form/terminal-text.ts";
import type { Cell, Table } from "./table.ts";

export function renderCsv({ columns, rows }: Table): string {
  const records = rows.map((row) => columns.map((_, index) => toField(row[index] ?? null)));
  return [columns.map(({ name }) => name), ...records].map(renderVisibleCsvRow).join("");
}

function toField(cell: Cell): string | number | null {
  if (typeof cell === "object" && cell !== null) return cell.join(" ");
  return typeof cell === "string" ? toVisible(cell) : cell;
}
