import type { Stats } from "../stats/stats.ts";
import { countOf, formatBytes, formatCount, formatTime } from "./format.ts";
import { renderColumns } from "./layout.ts";
import type { Paint } from "./paint.ts";
import { toVisibleLine } from "./terminal-text.ts";

/** Totals as a page; times as the clock of `timeZone` shows them. */
export function renderStatsPage(
  { overview, messages, recipients, rejections }: Stats,
  timeZone: string,
  paint: Paint,
): string {
  const { logs, servers, lines, bytes, other, unparsed, from, until } = overview;
  const covered =
    from === null || until === null
      ? "nothing yet"
      : `${formatTime(from, timeZone)} to ${formatTime(until, timeZone)} (${timeZone})`;
  const facts = renderColumns([
    ["Covered", covered],
    [
      "Read",
      `${countOf(lines, "line")} (${formatBytes(bytes)}) from ${countOf(logs, "log")} of ${countOf(servers, "server")}`,
    ],
    ["Among them", `${formatCount(other)} of free text, ${formatCount(unparsed)} unparsed`],
  ]);
  const sections = [
    facts,
    renderCounts("Messages", messages, paint),
    renderCounts("Recipients", recipients, paint),
    renderCounts("Rejections", rejections, paint),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function renderCounts(
  title: string,
  counts: readonly { readonly name: string; readonly count: number }[],
  paint: Paint,
): string {
  if (counts.length === 0) return "";
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  const rows = counts.map(({ name, count }) => [`  ${toVisibleLine(name)}`, formatCount(count)]);
  return `${paint.strong(`${title}  ${formatCount(total)}`)}\n${renderColumns(rows, { right: [1] })}`;
}
