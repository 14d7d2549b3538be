import { renderColumns } from "./form/columns.ts";
import type { Paint } from "./form/paint.ts";
import { toVisibleLine } from "./form/terminal-text.ts";

export interface SettingRow {
  readonly setting: string;
  /** Its name in the environment; null: it has none. */
  readonly variable: string | null;
  readonly value: string | number | boolean | readonly string[] | null;
  readonly from: string;
}

/** The effective settings as a table. */
export function renderConfiguration(rows: readonly SettingRow[], path: string | undefined, paint: Paint): string {
  const file =
    path === undefined ? "No configuration file is in use." : `The configuration file is "${toVisibleLine(path)}".`;
  const head = ["Setting", "Value", "From"].map((title) => paint.strong(title));
  const lines = rows.map(({ setting, variable, value, from }) => [
    setting,
    value === null ? paint.faint("not set") : toVisibleLine(String(value)),
    from === "environment" ? (variable ?? from) : from,
  ]);
  return `${file}\n\n${renderColumns([head, ...lines])}\n`;
}
