/**
 * Statistics as one page that needs nothing else: no request, its only style and its only script allowed by their hashes, and nothing
 * missing where the script does not run. What is at risk and the first chart are on the first screen.
 */
import type { SectionName } from "../../stats/sections.ts";
import type { Stats } from "../../stats/stats.ts";
import { describeRow } from "../abuse/page.ts";
import { ABUSE_FIGURES, type AbuseTable, toAbuseTables } from "../abuse/tables.ts";
import { describeCoverage } from "../coverage-text.ts";
import { countOf, formatBytes, formatCount, formatTime } from "../form/format.ts";
import { describeProblems } from "../stats/problem-text.ts";
import { tablesOf } from "../stats/section-tables.ts";
import { column, proseColumn, type Table } from "../stats/table.ts";
import { renderTraffic, renderWaits } from "./figures.ts";
import { renderHeatMap } from "./heat-map.ts";
import { renderHtmlTable } from "./html-table.ts";
import { escapeHtml, proseHtml } from "./markup.ts";
import { commandFor, NEXT_STEPS } from "./next-steps.ts";
import type { Report } from "./report.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";
import { renderTiles } from "./tiles.ts";

export interface StatsHtmlOptions {
  /** SHA-256 of a text in base64, for the policy that lets the browser use this style and this script alone. */
  readonly hash: (text: string) => string;
  /** ISO-8601; when the page was made. */
  readonly madeAt: string;
  /** Version of exim-pilot. */
  readonly program: string;
}

export function renderStatsHtml(report: Report, options: StatsHtmlOptions): string {
  const { hash } = options;
  const { stats } = report;
  const groups = groupSections(report, options);
  const ids = new Set(groups.flatMap(({ sections }) => sections.map(({ id }) => id)));
  const policy = `default-src 'none'; style-src 'sha256-${hash(STYLE)}'; script-src 'sha256-${hash(SCRIPT)}'; base-uri 'none'; form-action 'none'`;
  const name = nameOf(report);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(`${name}: mail statistics, ${spanOf(stats)}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<header id="top">
<a class="jump" href="#sections">All sections</a>
<h1>Mail statistics of <bdi>${escapeHtml(name)}</bdi></h1>
${renderSubject(stats, ids)}
${renderAlert(stats, ids)}
</header>
<main>
${renderTiles(report, ids)}
${groups.map(({ title, sections }) => renderGroup(title, sections, ids)).join("\n")}
</main>
<nav id="sections" aria-label="Sections">
${groups.map(({ title, sections }) => `<h2>${title}</h2>\n<ul>${sections.map((section) => `<li><a href="#${section.id}">${escapeHtml(SHORT_TITLES[section.id] ?? section.title.split(", ranked")[0] ?? "")}</a></li>`).join("")}</ul>`).join("\n")}
</nav>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

/** Names beyond this number are counted. */
const MOST_SERVERS = 3;

function nameOf({ servers }: Report): string {
  if (servers.length === 0) return "no server";
  const more = servers.length - MOST_SERVERS;
  return `${servers.slice(0, MOST_SERVERS).join(", ")}${more > 0 ? ` and ${formatCount(more)} more` : ""}`;
}

function spanOf({ from, until, timeZone }: Stats): string {
  if (from === null || until === null) return "a time that no log covers";
  const minute = (iso: string): string => formatTime(iso, timeZone).slice(0, "2026-03-02 05:40".length);
  return `${minute(from)} to ${minute(until)} (${timeZone})`;
}

/** The time, the filters, and how much was read of it. */
function renderSubject(stats: Stats, ids: ReadonlySet<string>): string {
  const { filter, coverage, before, timeZone } = stats;
  const state = `coverage ${coverage.state}`;
  const minute = (iso: string): string => formatTime(iso, timeZone).slice(0, "2026-03-02 05:40".length);
  const parts = [
    escapeHtml(spanOf(stats)),
    `<a class="state ${coverage.state}" href="#${ids.has("coverage") ? "coverage" : "about"}">${state}</a>`,
    ...(before === undefined ? [] : [escapeHtml(`compared with ${minute(before.since)} to ${minute(before.until)}`)]),
    ...Object.entries(filter.subjects).map(([flag, values]) => escapeHtml(`only --${flag} ${values.join(", ")}`)),
  ];
  return `<p class="subject">${parts.map((part) => `<span>${part}</span>`).join("\n")}</p>`;
}

/** Names beyond this number are counted. */
const MOST_ACCOUNTS = 3;

/** Accounts at risk in one line, above all else; nothing when there is none. */
function renderAlert({ sections }: Stats, ids: ReadonlySet<string>): string {
  const names = [...new Set(sections.accounts?.map(({ account }) => account))];
  if (names.length === 0 || !ids.has("accounts")) return "";
  const more = names.length - MOST_ACCOUNTS;
  const named = names.slice(0, MOST_ACCOUNTS).map((name) => `<bdi>${escapeHtml(name)}</bdi>`);
  return `<p class="alert"><a href="#accounts">${countOf(names.length, "account")} at risk</a>: ${named.join(", ")}${more > 0 ? ` and ${formatCount(more)} more` : ""}</p>`;
}

/** A part of the page; one without content has nothing to show but the sentence that says so. */
interface Section {
  readonly id: string;
  readonly title: string;
  /** Content of a page that has sections with these ids. */
  readonly content?: (ids: ReadonlySet<string>) => string;
  readonly empty?: string;
  /** Half as wide as the page, where that has room for two. */
  readonly isHalf?: boolean;
}

interface Group {
  readonly title: string;
  readonly sections: readonly Section[];
}

const GROUPS: readonly (readonly [title: string, names: readonly (SectionName | "actors")[]])[] = [
  ["Overview", ["series", "problems", "incidents"]],
  ["Accounts and abuse", ["accounts", "actors"]],
  ["What failed", ["bounces", "deferrals", "rejections", "blocklists", "providers", "slow", "forwarding", "retries"]],
  ["Queue and delivery", ["waits", "queue", "delivery"]],
  ["Traffic", ["hours", "top", "totals", "origins", "tls"]],
];

const HALVES: readonly string[] = ["waits", "queue"];

/** Titles in the list of sections, where that of the section says more than it has room for. */
const SHORT_TITLES: Readonly<Record<string, string>> = {
  series: "Over time",
  hours: "Hours of the week",
  waits: "Queue over time",
  rejections: "Rejections by reason",
  blocklists: "Block lists",
  slow: "Slow hosts",
  forwarding: "Forwarding",
  "abuse-logins": "Senders by login",
  "abuse-users": "Local users",
  "abuse-scripts": "Scripts",
  "abuse-failures": "Clients that failed",
  "abuse-accountFailures": "Accounts that failed",
  "abuse-troubles": "Broken sessions",
};

function groupSections(report: Report, options: StatsHtmlOptions): Group[] {
  const groups = GROUPS.map(([title, names]) => ({
    title,
    sections: names.flatMap((name) => (name === "actors" ? actorSections(report) : sectionsOf(name, report.stats))),
  }));
  const about = { id: "about", title: "About this report", content: () => renderFacts(report, options) };
  const last = { title: "About", sections: [...sectionsOf("coverage", report.stats), about] };
  return [...groups, last].filter(({ sections }) => sections.length > 0);
}

/** Empty when it was not asked for. */
function sectionsOf(name: SectionName, stats: Stats): Section[] {
  const { sections, timeZone } = stats;
  return tablesOf(name, stats).map((table): Section => {
    const { name: id, title } = table;
    const isHalf = HALVES.includes(id);
    if (table.rows.length === 0) return { id, title, empty: table.empty };
    const figures = (): string => renderHtmlTable(table, timeZone);
    const { series, waits, hours } = sections;
    if (name === "problems") return { id, title, content: (ids) => renderProblems(stats, ids) };
    if (name === "series" && series !== undefined)
      return { id, title, content: () => withTable(renderTraffic(series, stats), figures()) };
    if (name === "waits" && waits !== undefined) {
      if (waits.points.every(({ completed }) => completed === 0))
        return { id, title, empty: "No message was completed." };
      return { id, title, isHalf, content: () => withTable(renderWaits(waits, stats), figures()) };
    }
    if (name === "hours" && hours !== undefined) {
      const maps = (): string[] =>
        (["received", "rejected"] as const).map((figure) => renderHeatMap(hours, figure, timeZone));
      const content = (): string => maps().join("\n");
      return { id, title, content: () => (stats.before === undefined ? content() : withTable(content(), figures())) };
    }
    return { id, title, content: figures, isHalf };
  });
}

function withTable(charts: string, table: string): string {
  return `${charts}\n<details><summary>As a table</summary>\n${table}\n</details>`;
}

/** Tables of `abuse`; those without rows are left out. */
function actorSections({ stats, actors }: Report): Section[] {
  if (actors === undefined) return [];
  const accountsAtRisk = stats.sections.accounts ?? [];
  return toAbuseTables({ accountsAtRisk, ...actors })
    .filter(({ name, rows }) => name !== "accountsAtRisk" && rows.length > 0)
    .map((table) => ({
      id: `abuse-${table.name}`,
      title: table.title,
      content: () => renderHtmlTable(toTable(table, stats.timeZone), stats.timeZone),
    }));
}

function toTable({ name, title, subject, figures, rows }: AbuseTable, timeZone: string): Table {
  return {
    name: `abuse-${name}`,
    title,
    columns: [
      column("name", subject, "text"),
      ...figures.map((figure, index) => column(figure, ABUSE_FIGURES[figure], "count", index === 0)),
      column("verdict", "Verdict", "word"),
      proseColumn("details", "Details", "sample"),
    ],
    rows: rows.map((row) => [
      row.name,
      ...figures.map((figure) => row.figures[figure] ?? 0),
      row.verdict,
      describeRow(row, timeZone),
    ]),
    empty: "Nothing.",
  };
}

function renderGroup(title: string, sections: readonly Section[], ids: ReadonlySet<string>): string {
  const blocks = sections.flatMap(({ id, title, content, isHalf }) => {
    if (content === undefined) return [];
    const half = isHalf === true ? ' class="half"' : "";
    // The charts have titles of their own.
    const heading = `<h3 id="${id}-title"${id === "series" ? ' class="hidden"' : ""}>${escapeHtml(title)}</h3>`;
    return [`<section id="${id}"${half} aria-labelledby="${id}-title">\n${heading}\n${content(ids)}\n</section>`];
  });
  const first = sections.findIndex(({ content }) => content !== undefined);
  const end = first === -1 ? sections.length : first;
  const lists = [renderEmpty(sections.slice(0, end)), ...blocks, renderEmpty(sections.slice(end))];
  const hidden = sections.some(({ id }) => id === "series") ? ' class="hidden"' : "";
  return `<h2${hidden}>${title}</h2>\n<div class="group">\n${lists.filter((part) => part !== "").join("\n")}\n</div>`;
}

/** Sections without content, in a line each. */
function renderEmpty(sections: readonly Section[]): string {
  const lines = sections.flatMap(({ id, title, content, empty }) =>
    content === undefined ? [`<li id="${id}"><b>${escapeHtml(title)}</b>: ${proseHtml(empty ?? "")}</li>`] : [],
  );
  return lines.length === 0 ? "" : `<ul class="nothing">${lines.join("\n")}</ul>`;
}

/** Each problem with the section that has its figures and the command to go on with; those that are over have nothing to go on with. */
function renderProblems(stats: Stats, ids: ReadonlySet<string>): string {
  const problems = stats.sections.problems ?? [];
  const items = describeProblems(stats).map(({ label, text }, index) => {
    const name = problems[index]?.name;
    const said = `<p><strong>${label}</strong> ${proseHtml(text)}</p>`;
    if (name === undefined) return `<li class="${label}">${said}</li>`;
    const { section } = NEXT_STEPS[name];
    const link = section !== undefined && ids.has(section) ? `<a href="#${section}">See the figures</a>` : "";
    return `<li class="${label}">${said}<p class="next">${link}<code>${escapeHtml(commandFor(name, stats))}</code></p></li>`;
  });
  return `<ul class="problems">${items.join("\n")}</ul>`;
}

function renderFacts({ stats, servers }: Report, { madeAt, program }: StatsHtmlOptions): string {
  const { overview, filter, before, timeZone, from, until } = stats;
  const { lines, bytes, logs, unparsed } = overview;
  const time = (iso: string): string => formatTime(iso, timeZone);
  const facts: (readonly [string, string])[] = [
    ["Time", from === null || until === null ? "no log covers it" : `${time(from)} to ${time(until)} (${timeZone})`],
    ["Coverage", describeCoverage(stats.coverage, timeZone)],
    ["Servers", servers.length === 0 ? "none" : servers.join(", ")],
  ];
  if (before !== undefined) facts.push(["Compared with", `${time(before.since)} to ${time(before.until)}`]);
  for (const [flag, values] of Object.entries(filter.subjects))
    facts.push(["Filter", `--${flag} ${values.join(", ")}`]);
  for (const limit of filter.limits) facts.push(["Note", limit]);
  facts.push(
    [
      "Logs",
      `${countOf(lines, "line")} (${formatBytes(bytes)}) of ${countOf(logs, "log")}, ${formatCount(unparsed)} unparsed`,
    ],
    ["Made", `${time(madeAt)}, by exim-pilot ${program}`],
    ["Counting", "`exim-pilot help counting` says how each figure is counted."],
  );
  return `<dl class="facts">${facts.map(([term, text]) => `<dt>${term}</dt><dd>${proseHtml(text)}</dd>`).join("")}</dl>`;
}
