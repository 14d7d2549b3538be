/**
 * CSV for spreadsheets. What strangers wrote into a log must not become a formula there: a text that begins like one gets an
 * apostrophe in front. A null is an empty field, an empty text is `""`.
 */
import { stringify } from "csv-stringify/sync";
import { toVisible } from "./terminal-text.ts";

const OPTIONS = { escape_formulas: true, quoted_match: /^$/ };

/** `a,b,"c, d"` and a newline. */
export function renderCsvRow(cells: readonly (string | number | bigint | null)[]): string {
  return stringify([[...cells]], OPTIONS);
}

/** The same of texts that strangers wrote: none of them controls a terminal. */
export function renderVisibleCsvRow(cells: readonly (string | number | bigint | null)[]): string {
  return renderCsvRow(cells.map((cell) => (typeof cell === "string" ? toVisible(cell) : cell)));
}
