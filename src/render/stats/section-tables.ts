/** Sections as tables, each with what it is compared with. */
import type { SectionName, Sections } from "../../stats/sections.ts";
import type { Stats } from "../../stats/stats.ts";
import { accountTable, incidentTable } from "./account-table.ts";
import { type ComparisonOf, withComparison } from "./compared.ts";
import { coverageTable } from "./coverage-table.ts";
import { durationTable, forwardingTable, providerTable, retryTable, slowTable, waitTable } from "./delivery-tables.ts";
import { hourTable } from "./hour-table.ts";
import { problemTable } from "./problem-table.ts";
import { blocklistTable, failureTable, rejectionTable } from "./reason-tables.ts";
import type { Table } from "./table.ts";
import { totalsTable } from "./totals-table.ts";
import { originTable, rankingTable, seriesTable, tlsTable } from "./traffic-tables.ts";

/** The tables of all sections that were asked for, in their order; a section `top` has one for each axis. */
export function toTables(stats: Stats): Table[] {
  const names = Object.keys(stats.sections) as SectionName[];
  return names.flatMap((name) => tablesOf(name, stats));
}

/** Tables of one section, each with its comparison. */
export function tablesOf(name: SectionName, stats: Stats): Table[] {
  const tables = buildTables(name, stats.sections, stats.timeZone);
  const { before } = stats;
  if (before?.sections[name] === undefined) return tables;
  const earlier = new Map(buildTables(name, before.sections, stats.timeZone).map((table) => [table.name, table]));
  return tables.map((table) => {
    const was = earlier.get(table.name);
    if (was === undefined) return table;
    if (name === "series" || name === "waits") return withComparison(table, onTheSameClock(was, table), COMPARED[name]);
    return withComparison(withoutClients(table), withoutClients(was), comparisonOf(name, table));
  });
}

const ROWS = { missing: 0, showsGone: true } as const;
/** Lists that were cut off: what is there before is looked up for the rows that are shown. */
const SHOWN_ROWS = { missing: 0, showsGone: false } as const;

const COMPARED: Readonly<Record<Exclude<SectionName, "top">, ComparisonOf>> = {
  problems: { keys: ["problem"], figure: "count", ...ROWS },
  accounts: { keys: ["account"], figure: "recipients", ...ROWS },
  incidents: { keys: ["id"], figure: "id", ...ROWS },
  totals: { keys: ["figure"], figure: "count", ...ROWS },
  series: { keys: ["from"], figure: "received", ...SHOWN_ROWS },
  hours: { keys: ["weekday", "hour"], figure: "received", ...SHOWN_ROWS },
  bounces: { keys: ["category"], figure: "failures", ...ROWS },
  deferrals: { keys: ["category"], figure: "failures", ...ROWS },
  rejections: { keys: ["phase", "category", "kind"], figure: "rejections", ...ROWS },
  blocklists: { keys: ["list"], figure: "rejections", ...ROWS },
  queue: { keys: ["duration"], figure: "messages", ...ROWS },
  waits: { keys: ["from"], figure: "p90Seconds", missing: null, showsGone: false },
  delivery: { keys: ["duration"], figure: "deliveries", ...ROWS },
  tls: { keys: ["direction", "version", "cipher"], figure: "count", ...ROWS },
  origins: { keys: ["origin", "authenticator", "protocol"], figure: "messages", ...ROWS },
  providers: { keys: ["provider"], figure: "deferred", ...SHOWN_ROWS },
  forwarding: { keys: ["forwarder", "provider"], figure: "unwanted", ...SHOWN_ROWS },
  slow: { keys: ["host"], figure: "p95Seconds", missing: null, showsGone: false },
  retries: { keys: ["attempts"], figure: "recipients", ...ROWS },
  coverage: { keys: ["server", "log", "from"], figure: "rhythmSeconds", ...ROWS },
};

/** The comparison of a table; a ranking compares the figure that it is ordered by. */
function comparisonOf(name: SectionName, { columns }: Table): ComparisonOf {
  if (name !== "top") return COMPARED[name];
  return { keys: ["key"], figure: columns.find(({ hasBar }) => hasBar === true)?.name ?? "", ...SHOWN_ROWS };
}

/** Each bucket is at the place of the bucket that it is compared with. */
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
    case "accounts":
      return build(name, accountTable);
    case "incidents":
      return build(name, incidentTable);
    case "totals":
      return build(name, totalsTable);
    case "series":
      return build(name, seriesTable);
    case "bounces":
      return build(name, (reasons) =>
        failureTable(name, "Bounces by reason", "Recipients", reasons, "No recipient bounced."),
      );
    case "deferrals":
      return build(name, (reasons) =>
        failureTable(name, "Deferrals by reason", "Attempts", reasons, "No attempt was deferred."),
      );
    case "rejections":
      return build(name, rejectionTable);
    case "blocklists":
      return build(name, blocklistTable);
    case "top":
      return build(name, (rankings) => rankings.map(rankingTable));
    case "hours":
      return build(name, (hours) => hourTable(hours, timeZone));
    case "waits":
      return build(name, waitTable);
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
          "No line states how long a delivery took (log_selector = +deliver_time).",
        ),
      );
    case "tls":
      return build(name, tlsTable);
    case "origins":
      return build(name, originTable);
    case "providers":
      return build(name, providerTable);
    case "forwarding":
      return build(name, forwardingTable);
    case "slow":
      return build(name, slowTable);
    case "retries":
      return build(name, retryTable);
    case "coverage":
      return build(name, (coverage) => coverageTable(coverage, timeZone));
  }
}
