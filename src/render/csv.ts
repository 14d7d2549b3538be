/** Tables for spreadsheets: RFC 4180, a heading first. */
import { stringify } from "csv-stringify/sync";

/** One row, with its line end. Log content is written by strangers: what a spreadsheet would take for a formula is quoted as text. */
export function renderCsvRow(values: readonly (string | number | null)[]): string {
  return stringify([[...values]], { escape_formulas: true });
}
