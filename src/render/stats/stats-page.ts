/** Statistics for a terminal. */
import type { SectionName, Sections } from "../../stats/sections.ts";
import type { Stats } from "../../stats/stats.ts";
import type { Totals } from "../../stats/totals.ts";
import { describeCoverage } from "../coverage-text.ts";
import { renderColumns } from "../form/columns.ts";
import { countOf, formatBytes, formatCount, formatTime } from "../form/format.ts";
import { chartColumns, renderHanging } from "../form/layout.ts";
import { toVisibleLine } from "../form/terminal-text.ts";
import { describeComparison } from "./comparison-note.ts";
import { weekTable } from "./hour-table.ts";
import { describeProblems } from "./problem-text.ts";
import { tablesOf } from "./section-tables.ts";
import { type Column, type Table, zoneOf } from "./table.ts";
import { renderBriefly, renderTerminalTable, type Screen } from "./terminal-table.ts";
import { drawCurve } from "./text-charts.ts";

/** Rows of a list on the short page. */
const BRIEF_ROWS = 4;

/** Renders the page; with `isBrief` one screen: totals in a line each, curves of figures over time, and the first rows of each list. */
export function renderStatsPage(stats: Stats, screen: Screen, { isBrief }: { readonly isBrief: boolean }): string {
  const names = Object.keys(stats.sections) as SectionName[];
  const sections = names.flatMap((name) =>
    isBrief ? renderSectionBriefly(name, stats, screen) : renderSection(name, stats, screen),
  );
  return `${[renderFacts(stats, screen), ...sections].join("\n\n")}\n`;
}

function renderSection(name: SectionName, stats: Stats, screen: Screen): string[] {
  if (name === "problems") return [renderProblems(stats, screen)];
  const { hours } = stats.sections;
  if (name === "hours" && hours !== undefined && stats.before === undefined)
    return [renderTerminalTable(weekTable(hours, stats.timeZone), screen)];
  const isNarrowed = name === "series" && stats.before !== undefined;
  return tablesOf(name, stats).map((table) =>
    renderTerminalTable(isNarrowed ? without(table, ["bounced", "bytes"]) : table, screen),
  );
}

function renderSectionBriefly(name: SectionName, stats: Stats, screen: Screen): string[] {
  const { totals, series } = stats.sections;
  if (name === "totals" && totals !== undefined && stats.before === undefined)
    return [renderTotalLines(totals, screen)];
  if (name === "series" && series !== undefined && series.points.length > 0) return [renderCurves(series, screen)];
  if (name === "bounces" || name === "deferrals" || name === "rejections")
    return tablesOf(name, stats).map((table) => renderBriefly(without(table, ["kind", "clients"]), screen, BRIEF_ROWS));
  return renderSection(name, stats, screen);
}

/** Leaves out what a line has no room for. */
function without(table: Table, columns: readonly string[]): Table {
  const isKept = ({ name }: Column): boolean => !columns.includes(name);
  return {
    ...table,
    columns: table.columns.filter(isKept),
    rows: table.rows.map((row) =>
      row.filter((_, index) => isKept(table.columns[index] ?? { name: "", title: "", kind: "word" })),
    ),
  };
}

/** `Messages  1,200 received (1.8 MiB): 1,072 delivered, 88 bounced, 10 deferred` */
function renderTotalLines({ messages, recipients, attempts, rejections }: Totals, { columns, paint }: Screen): string {
  type Line = readonly [string, number, number | null, parts: Readonly<Record<string, number>>, what?: string];
  const lines: readonly Line[] = [
    ["Messages", messages.received, messages.bytes, messages.byStatus, " received"],
    ["Recipients", recipients.total, recipients.deliveredBytes, recipients.byStatus],
    [
      "Attempts",
      attempts.total,
      null,
      { delivered: attempts.delivered, deferred: attempts.deferred, bounced: attempts.bounced },
    ],
    ...(attempts.givenUp === 0
      ? []
      : [["Given up", attempts.givenUp, null, { "by retry timeout": attempts.givenUp }] as const]),
    ["Rejections", rejections.total, null, { permanent: rejections.permanent, temporary: rejections.temporary }],
  ];
  const width = "Recipients  ".length;
  return lines
    .map(([label, count, bytes, parts, what = ""]) => {
      const named = Object.entries(parts)
        .filter(([, part]) => part > 0)
        .sort(([, one], [, other]) => other - one)
        .map(([name, part]) => `${formatCount(part)} ${name}`);
      const volume = bytes === null || bytes === 0 ? "" : ` (${formatBytes(bytes)})`;
      const text = `${formatCount(count)}${what}${volume}${named.length === 0 ? "" : `: ${named.join(", ")}`}`;
      return renderHanging(label.padEnd(width), text, width, columns).replace(label, paint.strong(label));
    })
    .join("\n");
}

function renderFacts(
  { overview, asked, from, until, timeZone, filter, before, coverage }: Stats,
  { columns }: Screen,
): string {
  const { logs, servers, lines, bytes, other, unparsed } = overview;
  const time = (iso: string): string => formatTime(iso, timeZone);
  const covered =
    overview.from === null || overview.until === null
      ? "nothing yet"
      : `${time(overview.from)} to ${time(overview.until)} (${timeZone})`;
  const rows: [string, string][] = [["Covered", covered]];
  if (asked.since !== null || asked.until !== null) {
    const span = `${asked.since === null ? "the beginning" : time(asked.since)} up to ${asked.until === null ? "the end" : time(asked.until)}`;
    rows.push(["Asked for", from === null || until === null ? `${span}: the logs do not cover it` : span]);
  }
  rows.push(["Coverage", describeCoverage(coverage, timeZone)]);
  if (before !== undefined) {
    const isCovered = Object.keys(before.sections).length > 0;
    const span = `${time(before.since)} up to ${time(before.until)}`;
    rows.push(["Before", isCovered ? span : `${span}: the logs do not cover it`]);
    rows.push(...describeComparison(before, timeZone).map((note): [string, string] => ["Note", note]));
  }
  if (filter.servers.length > 0) rows.push(["Server", filter.servers.join(", ")]);
  for (const [flag, values] of Object.entries(filter.subjects)) rows.push(["Filter", `--${flag} ${values.join(", ")}`]);
  for (const limit of filter.limits) rows.push(["Note", limit]);
  rows.push(
    [
      "Read",
      `${countOf(lines, "line")} (${formatBytes(bytes)}) from ${countOf(logs, "log")} of ${countOf(servers, "server")}`,
    ],
    ["Of these", `${formatCount(other)} are free text, ${formatCount(unparsed)} could not be parsed`],
  );
  const width = Math.max(...rows.map(([label]) => label.length)) + 2;
  return rows
    .map(([label, text]) => renderHanging(label.padEnd(width), toVisibleLine(text), width, columns))
    .join("\n");
}

function renderProblems(stats: Stats, screen: Screen): string {
  const { paint, columns } = screen;
  const problems = describeProblems(stats);
  const tables = tablesOf("problems", stats);
  if (problems.length === 0) return tables.map((table) => renderTerminalTable(table, screen)).join("\n");
  const title = tables
    .map((table) => `${paint.strong(table.title)}${paint.faint(zoneOf(table, screen.timeZone))}`)
    .join("");
  const width = "  serious  ".length;
  const colours = { serious: paint.bad, warning: paint.waiting, over: paint.good };
  const lines = problems.map(({ label, text }) => {
    const hanging = renderHanging(`  ${label.padEnd(width - 4)}  `, toVisibleLine(text), width, columns);
    return hanging.replace(label, colours[label](label));
  });
  return [title, ...lines].join("\n");
}

const CURVES = ["received", "delivered", "deferred", "bounced", "rejected"] as const;
const CURVE_COLUMNS = 34;

function renderCurves({ bucket, points }: Sections["series"], { paint, columns, timeZone }: Screen): string {
  const rows = CURVES.filter((name) => points.some((point) => point[name] > 0)).map((name) => {
    const values = points.map((point) => point[name]);
    const most = Math.max(...values);
    const when = points[values.indexOf(most)]?.from ?? "";
    const peak = `peak ${formatCount(most)} at ${formatTime(when, timeZone).slice(0, "2026-03-02 05:40".length)}`;
    return [name, drawCurve(values, Math.max(chartColumns(columns) - CURVE_COLUMNS - "received  ".length, 20)), peak];
  });
  return `${paint.strong(`Over time, by ${bucket}`)}${paint.faint(` (${timeZone})`)}\n${renderColumns(rows)}`;
}
