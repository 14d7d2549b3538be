/** Sections as tables: which columns there are, in which order, under which names. */
import type { Durations } from "../../stats/durations.ts";
import type { FailureReasons, RejectionReasons } from "../../stats/reasons.ts";
import type { SectionName, Sections } from "../../stats/sections.ts";
import type { Stats } from "../../stats/stats.ts";
import type { Totals } from "../../stats/totals.ts";
import type { Ranking } from "../../store/stats/ranking.ts";
import { countOf, formatSeconds } from "../format.ts";
import { type ComparisonOf, withComparison } from "./compared.ts";
import { describeProblem } from "./problem-text.ts";
import { type Cell, type Column, formatShare, part, type Table } from "./table.ts";

/** The tables of all sections that were asked for, in their order; a section `top` has one for each axis. */
export function toTables(stats: Stats): Table[] {
  const names = Object.keys(stats.sections) as SectionName[];
  return names.flatMap((name) => tablesOf(name, stats));
}

/** Those of one section, each with what it is compared with. */
export function tablesOf(name: SectionName, stats: Stats): Table[] {
  const tables = buildTables(name, stats.sections, stats.timeZone);
  const { before } = stats;
  if (before?.sections[name] === undefined) return tables;
  const earlier = new Map(buildTables(name, before.sections, stats.timeZone).map((table) => [table.name, table]));
  return tables.map((table) => {
    const was = earlier.get(table.name);
    if (was === undefined) return table;
    if (name === "series") return withComparison(table, onTheSameClock(was, table), COMPARED.series);
    return withComparison(withoutClients(table), withoutClients(was), comparisonOf(name, table));
  });
}

const ROWS = { missing: 0, showsGone: true } as const;
/** Lists that were cut off: what is there before is looked up for the rows that are shown. */
const SHOWN_ROWS = { missing: 0, showsGone: false } as const;

const COMPARED: Readonly<Record<Exclude<SectionName, "top">, ComparisonOf>> = {
  problems: { keys: ["problem"], figure: "count", ...ROWS },
  totals: { keys: ["figure"], figure: "count", ...ROWS },
  series: { keys: ["from"], figure: "received", ...SHOWN_ROWS },
  bounces: { keys: ["category"], figure: "attempts", ...ROWS },
  deferrals: { keys: ["category"], figure: "attempts", ...ROWS },
  rejections: { keys: ["phase", "category", "kind"], figure: "rejections", ...ROWS },
  blocklists: { keys: ["list"], figure: "rejections", ...ROWS },
  queue: { keys: ["duration"], figure: "messages", ...ROWS },
  delivery: { keys: ["duration"], figure: "deliveries", ...ROWS },
  tls: { keys: ["direction", "version", "cipher"], figure: "count", ...ROWS },
  origins: { keys: ["origin", "authenticator", "protocol"], figure: "messages", ...ROWS },
  providers: { keys: ["provider"], figure: "deferred", ...SHOWN_ROWS },
  slow: { keys: ["host"], figure: "p95Seconds", missing: null, showsGone: false },
  retries: { keys: ["attempts"], figure: "recipients", ...ROWS },
};

/** Of a ranking the figure that it is ordered by. */
function comparisonOf(name: SectionName, { columns }: Table): ComparisonOf {
  if (name !== "top") return COMPARED[name];
  return { keys: ["key"], figure: columns.find(({ hasBar }) => hasBar === true)?.name ?? "", ...SHOWN_ROWS };
}

/** Each bucket has the place of the one it is compared with. */
function onTheSameClock(before: Table, now: Table): Table {
  return { ...before, rows: before.rows.map((row, index) => [now.rows[index]?.[0] ?? null, ...row.slice(1)]) };
}

/** There is no room for it beside a comparison. */
function withoutClients(table: Table): Table {
  const index = table.columns.findIndex(({ name }) => name === "clients");
  if (index === -1) return table;
  return {
    ...table,
    columns: table.columns.toSpliced(index, 1),
    rows: table.rows.map((row) => row.toSpliced(index, 1)),
  };
}

function buildTables(name: SectionName, sections: Partial<Sections>, timeZone: string): Table[] {
  const build = <Name extends SectionName>(
    key: Name,
    toTable: (section: Sections[Name]) => Table | Table[],
  ): Table[] => {
    const section = (sections as Sections)[key];
    return section === undefined ? [] : [toTable(section)].flat();
  };
  switch (name) {
    case "problems":
      return build(name, (problems) => problemTable(problems, timeZone));
    case "totals":
      return build(name, totalsTable);
    case "series":
      return build(name, seriesTable);
    case "bounces":
      return build(name, (reasons) => failureTable(name, "Bounces by reason", "bounced", reasons));
    case "deferrals":
      return build(name, (reasons) => failureTable(name, "Deferrals by reason", "was deferred", reasons));
    case "rejections":
      return build(name, rejectionTable);
    case "blocklists":
      return build(name, blocklistTable);
    case "top":
      return build(name, (rankings) => rankings.map(rankingTable));
    case "queue":
      return build(name, (durations) =>
        durationTable(name, "Time on the queue", "Messages", durations, "No message was completed."),
      );
    case "delivery":
      return build(name, (durations) =>
        durationTable(
          name,
          "Time of deliveries",
          "Deliveries",
          durations,
          "No line says how long a delivery took (log_selector = +deliver_time).",
        ),
      );
    case "tls":
      return build(name, tlsTable);
    case "origins":
      return build(name, originTable);
    case "providers":
      return build(name, providerTable);
    case "slow":
      return build(name, slowTable);
    case "retries":
      return build(name, retryTable);
  }
}

const column = (name: string, title: string, kind: Column["kind"], hasBar = false): Column => ({
  name,
  title,
  kind,
  hasBar,
});

const COUNT_SHARE = (name: string, title: string): Column[] => [
  column(name, title, "count", true),
  column("share", "Share", "share"),
];

function problemTable(problems: Sections["problems"], timeZone: string): Table {
  return {
    name: "problems",
    title: "Problems",
    columns: [
      column("severity", "Severity", "word"),
      column("problem", "Problem", "word"),
      column("count", "Count", "count"),
      column("share", "Share", "share"),
      column("since", "Since", "time"),
      column("subjects", "About", "text"),
      column("text", "In words", "text"),
    ],
    rows: problems.map((problem) => [
      problem.severity,
      problem.name,
      problem.count,
      problem.share,
      problem.since,
      problem.subjects.join(" "),
      describeProblem(problem, timeZone),
    ]),
    empty: "None that exceeds its threshold (see `exim-pilot help counting`).",
  };
}

/** Figures that are zero are left out, but for the heads of groups. */
function totalsTable(totals: Totals): Table {
  return {
    name: "totals",
    title: "Totals",
    columns: [
      column("figure", "Figure", "path"),
      column("count", "Count", "count"),
      column("share", "Share", "share"),
      column("bytes", "Volume", "bytes"),
    ],
    rows: totalRows(totals)
      .filter(({ path, count }) => !path.includes(".") || count > 0)
      .map(({ path, count, share, bytes }) => [path, count, share, bytes]),
    empty: "Nothing.",
  };
}

interface TotalRow {
  readonly path: string;
  readonly count: number;
  readonly share: number | null;
  readonly bytes: number | null;
}

function totalRows({ messages, recipients, attempts, discarded, rejections }: Totals): TotalRow[] {
  const row = (path: string, count: number, whole: number | null, bytes: number | null = null): TotalRow => ({
    path,
    count,
    share: whole === null ? null : part(count, whole),
    bytes,
  });
  const statuses = (group: string, counts: Readonly<Record<string, number>>, whole: number): TotalRow[] =>
    Object.entries(counts)
      .filter(([, count]) => count > 0)
      .sort(([, one], [, other]) => other - one)
      .map(([status, count]) => row(`${group}.${status}`, count, whole));
  return [
    row("messages", messages.received, null, messages.bytes),
    ...statuses("messages", messages.byStatus, messages.received),
    row("recipients", recipients.total, null, recipients.deliveredBytes),
    ...statuses("recipients", recipients.byStatus, recipients.total),
    row("attempts", attempts.total, null),
    row("attempts.delivered", attempts.delivered, attempts.total),
    row("attempts.deferred", attempts.deferred, attempts.total),
    row("attempts.bounced", attempts.bounced, attempts.total),
    row("attempts.timeouts", attempts.timeouts, attempts.total),
    row("discarded", discarded, null),
    row("rejections", rejections.total, null),
    row("rejections.permanent", rejections.permanent, rejections.total),
    row("rejections.temporary", rejections.temporary, rejections.total),
  ];
}

function seriesTable({ bucket, points }: Sections["series"]): Table {
  return {
    name: "series",
    title: `Over time, by ${bucket}`,
    columns: [
      column("from", "From", "time"),
      column("received", "Received", "count", true),
      column("delivered", "Delivered", "count"),
      column("deferred", "Deferred", "count"),
      column("bounced", "Bounced", "count"),
      column("rejected", "Rejected", "count"),
      column("bytes", "Volume", "bytes"),
    ],
    rows: points.map(({ from, received, delivered, deferred, bounced, rejected, bytes }) => [
      from,
      received,
      delivered,
      deferred,
      bounced,
      rejected,
      bytes,
    ]),
    empty: "The logs do not cover that time.",
  };
}

function failureTable(
  name: "bounces" | "deferrals",
  title: string,
  what: string,
  { attempts, reasons }: FailureReasons,
): Table {
  return {
    name,
    title,
    columns: [
      column("category", "Reason", "word"),
      ...COUNT_SHARE("attempts", "Attempts"),
      column("sample", "For instance", "sample"),
    ],
    rows: reasons.map((reason) => [reason.category, reason.attempts, part(reason.attempts, attempts), reason.reply]),
    empty: `No attempt ${what}.`,
  };
}

function rejectionTable({ rejections, reasons }: RejectionReasons): Table {
  return {
    name: "rejections",
    title: "Rejections by phase and reason",
    columns: [
      column("phase", "Phase", "word"),
      column("category", "Reason", "word"),
      column("kind", "Kind", "word"),
      ...COUNT_SHARE("rejections", "Rejections"),
      column("clients", "Clients", "count"),
      column("sample", "For instance", "sample"),
    ],
    rows: reasons.map((reason) => [
      reason.phase,
      reason.category,
      reason.isPermanent ? "permanent" : "temporary",
      reason.rejections,
      part(reason.rejections, rejections),
      reason.clients,
      reason.sample.text,
    ]),
    empty: "Nothing was rejected.",
  };
}

function blocklistTable(lists: Sections["blocklists"]): Table {
  const all = lists.reduce((total, { rejections }) => total + rejections, 0);
  return {
    name: "blocklists",
    title: "Rejections by block list",
    columns: [column("list", "List", "text"), ...COUNT_SHARE("rejections", "Rejections")],
    rows: lists.map(({ list, rejections }) => [list ?? "not named", rejections, part(rejections, all)]),
    empty: "No client was refused for a block list.",
  };
}

function rankingTable({ axis, rank, rows }: Ranking): Table {
  const isClient = rows.some(({ messages }) => messages !== null);
  const hasRejections = rows.some(({ rejections }) => rejections !== null);
  const figure = (name: string, title: string, kind: Column["kind"], ranked: Ranking["rank"]): Column =>
    column(name, title, kind, rank === ranked);
  return {
    name: `top-${axis}`,
    title: `Top by ${axis}, ranked by ${rank}`,
    columns: [
      column("key", axis, "text"),
      isClient ? figure("messages", "Messages", "count", "count") : figure("deliveries", "Delivered", "count", "count"),
      figure("bytes", "Volume", "bytes", "volume"),
      figure("deferrals", "Deferrals", "count", "deferrals"),
      figure("bounces", "Bounces", "count", "bounces"),
      ...(hasRejections ? [figure("rejections", "Rejections", "count", "rejections")] : []),
    ],
    rows: rows.map(({ key, messages, deliveries, bytes, deferrals, bounces, rejections }) => [
      key,
      messages ?? deliveries,
      bytes,
      deferrals,
      bounces,
      ...(hasRejections ? [rejections] : []),
    ]),
    empty: "Nothing that the log tells this of.",
  };
}

function durationTable(
  name: "queue" | "delivery",
  title: string,
  counted: string,
  { count, percentiles, bins }: Durations,
  empty: string,
): Table {
  let passed = 0;
  const rows = bins.map((bin): Cell[] => {
    passed += bin.count;
    return [
      bin.upToSeconds === null ? "longer" : `up to ${formatSeconds(bin.upToSeconds)}`,
      bin.count,
      part(bin.count, count),
      part(passed, count),
    ];
  });
  return {
    name,
    title,
    columns: [
      column("duration", "Duration", "word"),
      ...COUNT_SHARE(counted.toLowerCase(), counted),
      column("cumulative", "Up to here", "share"),
    ],
    rows: count === 0 ? [] : rows,
    ...(percentiles !== null && {
      note: `Half took up to ${formatSeconds(percentiles.p50Seconds)}, 90 % up to ${formatSeconds(percentiles.p90Seconds)}, 95 % up to ${formatSeconds(percentiles.p95Seconds)}, 99 % up to ${formatSeconds(percentiles.p99Seconds)}; the longest ${formatSeconds(percentiles.maxSeconds)}.`,
    }),
    empty,
  };
}

function tlsTable({ incoming, outgoing }: Sections["tls"]): Table {
  const rowsOf = (direction: string, shares: Sections["tls"]["incoming"]): Cell[][] => {
    const all = shares.reduce((total, { count }) => total + count, 0);
    return shares.map(({ version, cipher, count }) => [direction, version ?? "none", cipher, count, part(count, all)]);
  };
  const tells = [...incoming, ...outgoing].some(({ version }) => version !== null);
  return {
    name: "tls",
    title: "Encryption",
    columns: [
      column("direction", "Direction", "word"),
      column("version", "TLS", "text"),
      column("cipher", "Cipher", "text"),
      ...COUNT_SHARE("count", "Count"),
    ],
    rows: [...rowsOf("incoming", incoming), ...rowsOf("outgoing", outgoing)],
    note: tells
      ? "Incoming: messages from other hosts. Outgoing: recipients delivered to other hosts."
      : "No line speaks of TLS: without log_selector = +tls_cipher the log does not tell.",
    empty: "Nothing came or went over the network.",
  };
}

function originTable(origins: Sections["origins"]): Table {
  const all = origins.reduce((total, { messages }) => total + messages, 0);
  return {
    name: "origins",
    title: "Where messages came from",
    columns: [
      column("origin", "Origin", "word"),
      column("authenticator", "Authenticator", "text"),
      column("protocol", "Protocol", "text"),
      ...COUNT_SHARE("messages", "Messages"),
      column("bytes", "Volume", "bytes"),
    ],
    rows: origins.map(({ origin, authenticator, protocol, messages, bytes }) => [
      origin,
      authenticator,
      protocol,
      messages,
      part(messages, all),
      bytes,
    ]),
    empty: "No message arrived.",
  };
}

function providerTable({ bucket, total, providers }: Sections["providers"]): Table {
  return {
    name: "providers",
    title: "Providers",
    columns: [
      column("provider", "Provider", "text"),
      column("delivered", "Delivered", "count"),
      column("deferred", "Deferred", "count"),
      column("bounced", "Bounced", "count"),
      column("deliveredLater", "Later", "share"),
      column("lastSuccess", "Last success", "time"),
      column("deferrals", `Deferrals by ${bucket}`, "curve"),
    ],
    rows: providers.map((provider) => [
      provider.provider,
      provider.delivered,
      provider.deferred,
      provider.bounced,
      part(provider.deliveredLater, provider.deferredRecipients),
      provider.lastSuccess,
      provider.deferrals,
    ]),
    note: `Later: the share of the recipients deferred at least once that were delivered in the end.${remainder(total, providers.length, "provider")}`,
    empty: "Nothing was sent to other hosts.",
  };
}

function slowTable({ total, areTimed, timeoutsWithoutHost, hosts }: Sections["slow"]): Table {
  const others = ` Timed out without a connection, so that no line of an attempt names the host: ${countOf(timeoutsWithoutHost, "attempt")}.`;
  const isOther = timeoutsWithoutHost > 0;
  return {
    name: "slow",
    title: "Slow and silent hosts",
    columns: [
      column("host", "Host", "text"),
      column("delivered", "Delivered", "count"),
      column("timeouts", "Timeouts", "count", true),
      column("p50Seconds", "Half up to", "seconds"),
      column("p95Seconds", "95 % up to", "seconds"),
      column("maxSeconds", "Longest", "seconds"),
    ],
    rows: hosts.map(({ host, delivered, timeouts, percentiles }) => [
      host,
      delivered,
      timeouts,
      percentiles?.p50Seconds ?? null,
      percentiles?.p95Seconds ?? null,
      percentiles?.maxSeconds ?? null,
    ]),
    note: `${areTimed ? "Times are those of successful deliveries." : "No line says how long a delivery took (log_selector = +deliver_time)."}${isOther ? others : ""}${remainder(total, hosts.length, "host")}`,
    empty: `${isOther ? "No host that is named" : "No host"} was slow or silent.${isOther ? others : ""}`,
  };
}

function remainder(total: number, shown: number, what: string): string {
  return total > shown ? ` ${countOf(total - shown, `more ${what}`)}: see --limit.` : "";
}

function retryTable({ recipients, attempts, retries, attemptsForBounced, bins }: Sections["retries"]): Table {
  const rate = part(retries, attempts);
  return {
    name: "retries",
    title: "What trying again costs",
    columns: [
      column("attempts", "Attempts", "word"),
      ...COUNT_SHARE("recipients", "Recipients"),
      column("delivered", "Delivered", "count"),
      column("bounced", "Bounced", "count"),
      column("deferred", "Deferred", "count"),
    ],
    rows:
      recipients === 0
        ? []
        : bins.map((bin) => [
            bin.toAttempts === bin.fromAttempts
              ? String(bin.fromAttempts)
              : bin.toAttempts === null
                ? `${bin.fromAttempts} and more`
                : `${bin.fromAttempts} to ${bin.toAttempts}`,
            bin.recipients,
            part(bin.recipients, recipients),
            bin.byStatus.delivered,
            bin.byStatus.bounced,
            bin.byStatus.deferred,
          ]),
    note: `${countOf(attempts, "attempt")} for ${countOf(recipients, "recipient")}: ${countOf(retries, "retry", "retries")}${rate === null ? "" : ` (${formatShare(rate)} of all)`}; ${countOf(attemptsForBounced, "attempt")} for recipients that bounced in the end.`,
    empty: "Nothing was tried.",
  };
}
