/** One table as CSV (RFC 4180): figures plain, times as ISO-8601, curves as figures with blanks between. */
import { stringify } from "csv-stringify/sync";
import type { Cell, Table } from "./table.ts";

/** A text that a spreadsheet would take for a formula is marked as text by a quote: strangers write into logs. */
export function renderCsv({ columns, rows }: Table): string {
  const records = rows.map((row) => columns.map((_, index) => toField(row[index] ?? null)));
  return stringify([columns.map(({ name }) => name), ...records]);
}

const FORMULA = /^[=+\-@\t\r]/;

function toField(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "object") return cell.join(" ");
  return typeof cell === "string" && FORMULA.test(cell) ? `'${cell}` : String(cell);
}
