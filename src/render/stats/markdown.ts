/** Statistics as GitHub-flavoured Markdown: for tickets, wikis and mail. */
import type { Stats } from "../../stats/stats.ts";
import { describeCoverage } from "../coverage-text.ts";
import { formatTime } from "../form/format.ts";
import { toVisibleLine } from "../form/terminal-text.ts";
import { describeComparison } from "./comparison-note.ts";
import { toTables } from "./section-tables.ts";
import { type Cell, type Column, formatCell, isNumeric, type Table, zoneOf } from "./table.ts";
import { drawCurve } from "./text-charts.ts";

const WIDEST_CURVE = 24;

export function renderStatsMarkdown(stats: Stats): string {
  const { from, until, timeZone } = stats;
  const span =
    from === null || until === null
      ? "The logs do not cover that time."
      : `${formatTime(from, timeZone)} up to ${formatTime(until, timeZone)} (${timeZone})`;
  const { subjects, limits } = stats.filter;
  const notes = stats.before === undefined ? [] : describeComparison(stats.before, timeZone);
  const filters = Object.entries(subjects).map(([flag, values]) => `Only ${toCode(`--${flag} ${values.join(", ")}`)}.`);
  return `${["# Mail statistics", span, `Coverage: ${toVisibleLine(describeCoverage(stats.coverage, timeZone))}`, ...filters, ...limits, ...notes.map(toVisibleLine), ...toTables(stats).map((table) => renderTable(table, timeZone))].join("\n\n")}\n`;
}

function renderTable(table: Table, timeZone: string): string {
  const { title, columns, rows, note, empty } = table;
  if (rows.length === 0) return `## ${title}\n\n${empty}`;
  const heading = `## ${title}${zoneOf(table, timeZone)}`;
  const lines = [
    columns.map((column) => column.title),
    columns.map((column) => (isNumeric(column) ? "---:" : "---")),
    ...rows.map((row) => columns.map((column, index) => toMarkdown(row[index] ?? null, column, timeZone))),
  ].map((cells) => `| ${cells.join(" | ")} |`);
  return [heading, lines.join("\n"), ...(note === undefined ? [] : [note])].join("\n\n");
}

function toMarkdown(cell: Cell, column: Column, timeZone: string): string {
  if (column.kind === "curve") return drawCurve(Array.isArray(cell) ? cell : [], WIDEST_CURVE);
  if (column.kind === "path") return String(cell).replace(".", ": ");
  const text = formatCell(cell, column, timeZone);
  return column.kind === "text" || column.kind === "sample" ? toCode(text) : text;
}

/** Text of strangers as code, in which nothing is a link, a tag or a table of its own. */
function toCode(text: string): string {
  if (text === "") return "";
  const line = toVisibleLine(text).replaceAll("|", "\\|");
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  const padding = longest > 0 || line.startsWith(" ") ? " " : "";
  return fence + padding + line + padding + fence;
}
