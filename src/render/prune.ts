/** Renders what pruning removed or would remove. */
import type { PruneReport, PruneStatus } from "../retention/prune.ts";
import { renderColumns } from "./form/columns.ts";
import { renderFittingTable } from "./form/fitting-table.ts";
import { countOf, formatBytes, formatCount, formatTime, formatZonedTime } from "./form/format.ts";
import { wrapLines } from "./form/layout.ts";
import type { Paint } from "./form/paint.ts";
import { toVisibleLine } from "./form/terminal-text.ts";

/** Renders a sentence, a table of rows, and the change of the space. */
export function renderPrune(report: PruneReport, columns: number): string {
  const { isRehearsal, removed, archived, openMessages, before, after, textBytes, needsVacuum } = report;
  const rows = Object.entries(removed).filter(([, count]) => count > 0);
  const written = archived.map((path) => `Wrote "${toVisibleLine(path)}".`);
  const open =
    openMessages === 0
      ? []
      : [
          `${countOf(openMessages, "old message")} may still be on the queue and stayed; --open or --force removes them.`,
        ];
  const vacuum = needsVacuum
    ? ["Free space within the file is used again; `exim-pilot prune --vacuum` returns it."]
    : [];
  const page = (lines: readonly string[]): string => wrapLines(`${lines.join("\n")}\n`, columns);
  if (rows.length === 0) return page([...written, "Nothing has expired.", ...open, ...vacuum]);
  const table = renderColumns(
    rows.map(([name, count]) => [`  ${name}`, formatCount(count)]),
    { right: [1] },
  );
  const freed = formatBytes(Math.max(0, before.bytes - after.bytes));
  const head = isRehearsal ? "Would remove" : "Removed";
  const space = isRehearsal
    ? `The database has ${formatBytes(before.bytes)}; about ${freed} of it would be free.`
    : `The database had ${formatBytes(before.bytes)} and has ${formatBytes(after.bytes)} now.`;
  const sum = `${head} ${formatBytes(textBytes)} of log text, and rows:`;
  return page([...written, sum, table, space, ...open, ...vacuum]);
}

export interface StatusPage {
  /** Zone of the times that are shown. */
  readonly timeZone: string;
  readonly columns: number;
  readonly paint: Paint;
}

export function renderPruneStatus({ classes, openMessages, size, lastRun }: PruneStatus, page: StatusPage): string {
  const { timeZone } = page;
  const time = (iso: string | null): string => (iso === null ? "" : formatTime(iso, timeZone));
  const titles = ["Class", "Total", "Expired", `Oldest (${timeZone})`, `Newest (${timeZone})`, "Size"];
  const rows = classes.map(({ name, total, expired, oldest, newest, bytes }) => [
    name,
    formatCount(total),
    formatCount(expired),
    time(oldest),
    time(newest),
    formatBytes(bytes),
  ]);
  const file = `The file has ${formatBytes(size.bytes)}, of which ${formatBytes(size.bytes - size.usedBytes)} are free.`;
  const open = openMessages === 0 ? [] : [`${countOf(openMessages, "old message")} may still be on the queue.`];
  const last =
    lastRun === null ? "No prune is recorded yet." : `The last prune was at ${formatZonedTime(lastRun, timeZone)}.`;
  const table = renderFittingTable({ titles, rows, right: [1, 2, 5] }, page);
  return wrapLines(`${[table, file, last, ...open].join("\n")}\n`, page.columns);
}
