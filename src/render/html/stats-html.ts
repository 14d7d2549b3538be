/**
 * Statistics as one page that needs nothing else: no script, no request, its only style allowed by its hash. Charts are SVG with the
 * same figures in tables below them.
 */
import type { SectionName, Sections } from "../../stats/sections.ts";
import type { Stats } from "../../stats/stats.ts";
import { describeCoverage } from "../coverage-text.ts";
import { countOf, formatBytes, formatCount, formatTime } from "../form/format.ts";
import { describeProblems } from "../stats/problem-text.ts";
import { tablesOf } from "../stats/section-tables.ts";
import { type Cell, type Column, formatCell, formatShare, isNumeric, type Table } from "../stats/table.ts";
import { type BarDatum, type ChartSeries, drawBars, drawColumns, drawSparkline } from "./charts.ts";
import { escapeHtml } from "./markup.ts";
import { STYLE } from "./style.ts";

export interface StatsHtmlOptions {
  /** SHA-256 of a text in base64, for the policy that lets the browser use this style alone. */
  readonly hash: (text: string) => string;
  /** ISO-8601; when the page was made. */
  readonly madeAt: string;
}

/** Rows that a chart shows; the table shows all. */
const MOST_BARS = 12;

export function renderStatsHtml(stats: Stats, { hash, madeAt }: StatsHtmlOptions): string {
  const names = Object.keys(stats.sections) as SectionName[];
  const sections = names.flatMap((name) => renderSection(name, stats));
  const policy = `default-src 'none'; style-src 'sha256-${hash(STYLE)}'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Mail statistics ${escapeHtml(spanOf(stats))}</title>
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#content">To the figures</a>
<header>
<h1>Mail statistics</h1>
${renderFacts(stats, madeAt)}
<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => `<li><a href="#${id}">${escapeHtml(title)}</a></li>`).join("")}</ul></nav>
</header>
<main id="content">
${sections.map(({ id, title, content }) => `<section id="${id}" aria-labelledby="${id}-title">\n<h2 id="${id}-title">${escapeHtml(title)}</h2>\n${content}\n</section>`).join("\n")}
</main>
</body>
</html>
`;
}

interface Section {
  readonly id: string;
  readonly title: string;
  readonly content: string;
}

function renderSection(name: SectionName, stats: Stats): Section[] {
  return tablesOf(name, stats).map((table) => ({
    id: table.name,
    title: table.title,
    content: renderContent(name, table, stats),
  }));
}

function renderContent(name: SectionName, table: Table, stats: Stats): string {
  const { problems, totals, series } = stats.sections;
  if (table.rows.length === 0) return `<p>${escapeHtml(table.empty)}</p>`;
  if (name === "problems" && problems !== undefined) return renderProblems(stats);
  const figures = renderTable(table, stats.timeZone);
  if (name === "totals" && totals !== undefined) return `${renderKeyFigures(totals)}\n${figures}`;
  if (name === "series" && series !== undefined)
    return `${renderSeries(series, table.title, stats.timeZone)}\n<details><summary>As a table</summary>\n${figures}\n</details>`;
  return `${renderBars(table, stats.timeZone)}${figures}`;
}

function spanOf({ from, until, timeZone }: Stats): string {
  if (from === null || until === null) return "of a time that no log covers";
  return `${formatTime(from, timeZone)} to ${formatTime(until, timeZone)} (${timeZone})`;
}

function renderFacts(stats: Stats, madeAt: string): string {
  const { overview, filter, before, timeZone } = stats;
  const { lines, bytes, logs, servers, unparsed } = overview;
  const facts: (readonly [string, string])[] = [
    ["Time", spanOf(stats)],
    ["Coverage", describeCoverage(stats.coverage, timeZone)],
  ];
  if (before !== undefined)
    facts.push(["Compared with", `${formatTime(before.since, timeZone)} to ${formatTime(before.until, timeZone)}`]);
  if (filter.servers.length > 0) facts.push(["Server", filter.servers.join(", ")]);
  for (const [flag, values] of Object.entries(filter.subjects))
    facts.push(["Filter", `--${flag} ${values.join(", ")}`]);
  for (const limit of filter.limits) facts.push(["Note", limit]);
  facts.push(
    [
      "Logs",
      `${countOf(lines, "line")} (${formatBytes(bytes)}) of ${countOf(logs, "log")} of ${countOf(servers, "server")}, ${formatCount(unparsed)} unparsed`,
    ],
    ["Made", formatTime(madeAt, timeZone)],
  );
  return `<dl class="facts">${facts.map(([term, text]) => `<dt>${term}</dt><dd>${escapeHtml(text)}</dd>`).join("")}</dl>`;
}

function renderProblems(stats: Stats): string {
  const items = describeProblems(stats).map(
    ({ label, text }) => `<li class="${label}"><strong>${label}</strong>: ${escapeHtml(text)}</li>`,
  );
  return `<ul class="problems">${items.join("")}</ul>`;
}

function renderKeyFigures({ messages, recipients, attempts, rejections }: Sections["totals"]): string {
  const ofRecipients = (count: number): string => (recipients.total === 0 ? "" : formatShare(count / recipients.total));
  const figures: readonly (readonly [string, number, string])[] = [
    ["messages received", messages.received, formatBytes(messages.bytes)],
    ["recipients delivered", recipients.byStatus.delivered, ofRecipients(recipients.byStatus.delivered)],
    ["recipients bounced", recipients.byStatus.bounced, ofRecipients(recipients.byStatus.bounced)],
    [
      "attempts deferred",
      attempts.deferred,
      attempts.total === 0 ? "" : formatShare(attempts.deferred / attempts.total),
    ],
    ["rejections", rejections.total, `${formatCount(rejections.temporary)} temporary`],
    ["messages on the queue", messages.open, `${formatCount(messages.byStatus.frozen)} frozen`],
  ];
  const items = figures.map(
    ([what, count, more]) => `<li><b>${formatCount(count)}</b>${what}<br><small>${more}</small></li>`,
  );
  return `<ul class="figures">${items.join("")}</ul>`;
}

const SERIES = [
  ["delivered", "var(--good)"],
  ["deferred", "var(--waiting)"],
  ["bounced", "var(--bad)"],
  ["rejected", "var(--rejected)"],
] as const;

function renderSeries({ points }: Sections["series"], title: string, timeZone: string): string {
  const labels = points.map(({ from }) => formatTime(from, timeZone).slice("2026-".length, "2026-03-02 05:40".length));
  const attempts: ChartSeries[] = SERIES.map(([name, colour]) => ({
    name,
    colour,
    values: points.map((point) => point[name]),
  }));
  const received: ChartSeries = {
    name: "received",
    colour: "var(--received)",
    values: points.map((point) => point.received),
  };
  return [
    renderFigure(drawColumns(`${title}: messages received`, labels, [received]), [received]),
    renderFigure(drawColumns(`${title}: attempts and rejections`, labels, attempts), attempts),
  ].join("\n");
}

function renderFigure(chart: string, series: readonly ChartSeries[]): string {
  const keys = series.map(
    ({ name, colour }) =>
      `<li><svg viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" fill="${colour}"/></svg>${name}</li>`,
  );
  return `<figure>${chart}<figcaption><ul class="legend">${keys.join("")}</ul></figcaption></figure>`;
}

/** Bars of the column that has them, labelled with the words before it; empty when the table has none. */
function renderBars({ title, columns, rows }: Table, timeZone: string): string {
  const bar = columns.findIndex(({ hasBar }) => hasBar === true);
  const column = columns[bar];
  if (column === undefined) return "";
  const data = rows.slice(0, MOST_BARS).map((row): BarDatum => {
    const words = columns
      .slice(0, bar)
      .flatMap((one, index) => (isNumeric(one) ? [] : [formatCell(row[index] ?? null, one, timeZone)]));
    const value = Number(row[bar] ?? 0);
    return { label: words.filter((word) => word !== "").join(" "), value, text: formatCell(value, column, timeZone) };
  });
  return `<figure>${drawBars(title, data, "var(--accent)")}</figure>\n`;
}

/** In a box that can be scrolled, also with the keyboard, where the screen is narrower. */
function renderTable({ title, columns, rows, note }: Table, timeZone: string): string {
  const head = columns.map((column) => `<th scope="col"${classOf(column)}>${escapeHtml(column.title)}</th>`).join("");
  const body = rows.map(
    (row) => `<tr>${columns.map((column, index) => renderCell(row[index] ?? null, column, timeZone)).join("")}</tr>`,
  );
  const remark = note === undefined ? "" : `\n<p class="note">${escapeHtml(note)}</p>`;
  return `<div class="scroll" role="region" tabindex="0" aria-label="${escapeHtml(title)}">
<table><thead><tr>${head}</tr></thead><tbody>
${body.join("\n")}
</tbody></table></div>${remark}`;
}

function renderCell(cell: Cell, column: Column, timeZone: string): string {
  if (column.kind === "curve") return `<td>${drawSparkline(Array.isArray(cell) ? cell : [])}</td>`;
  if (column.kind === "path") {
    const parts = String(cell).split(".");
    return `<td class="path${parts.length > 1 ? " child" : ""}">${escapeHtml(parts.at(-1) ?? "")}</td>`;
  }
  return `<td${classOf(column)}>${escapeHtml(formatCell(cell, column, timeZone))}</td>`;
}

function classOf(column: Column): string {
  if (isNumeric(column)) return ' class="number"';
  return ` class="${column.kind}"`;
}
