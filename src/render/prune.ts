/** Renders what pruning removed or would remove. */
import type { PruneReport, PruneStatus } from "../retention/prune.ts";
import { countOf, formatBytes, formatCount, formatTime } from "./form/format.ts";
import { renderColumns } from "./form/layout.ts";
import type { Paint } from "./form/paint.ts";
import { toVisibleLine } from "./form/terminal-text.ts";

/** Renders a sentence, a table of rows, and the change of the space. */
export function renderPrune(report: PruneReport): string {
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
  if (rows.length === 0) return `${[...written, "Nothing has expired.", ...open, ...vacuum].join("\n")}\n`;
  const table = renderColumns(
    rows.map(([name, count]) => [`  ${name}`, formatCount(count)]),
    { right: [1] },
  );
  const freed = formatBytes(Math.max(0, before.bytes - after.bytes));
  const head = isRehearsal ? "Would remove" : "Removed";
  const space = isRehearsal
    ? `The database has ${formatBytes(before.bytes)}; about ${freed} of it would be free.`
    : `The database had ${formatBytes(before.bytes)} and has ${formatBytes(after.bytes)} now.`;
  return `${[...written, `${head} ${formatBytes(textBytes)} of log text, and rows:`, table, space, ...open, ...vacuum].join("\n")}\n`;
}

export interface StatusPage {
  /** Zone of the times that are shown. */
  readonly timeZone: string;
  readonly paint: Paint;
}

export function renderPruneStatus(
  { classes, openMessages, size, lastRun }: PruneStatus,
  { timeZone, paint }: StatusPage,
): string {
  const time = (iso: string | null): string => (iso === null ? "" : formatTime(iso, timeZone));
  const head = ["Class", "Total", "Expired", "Oldest", "Newest", "Size"].map((title) => paint.strong(title));
  const rows = classes.map(({ name, total, expired, oldest, newest, bytes }) => [
    name,
    formatCount(total),
    formatCount(expired),
    time(oldest),
    time(newest),
    formatBytes(bytes),
  ]);
  const file = `The file has ${formatBytes(size.bytes)}, ${formatBytes(size.bytes - size.usedBytes)} of them free.`;
  const open = openMessages === 0 ? [] : [`${countOf(openMessages, "old message")} may still be on the queue.`];
  const last = lastRun === null ? "No prune is recorded yet." : `The last prune was at ${time(lastRun)}.`;
  return `${[renderColumns([head, ...rows], { right: [1, 2, 5] }), file, last, ...open].join("\n")}\n`;
}
