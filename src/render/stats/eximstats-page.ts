/** The tables of eximstats, under its titles. */
import type { Eximstats } from "../../stats/eximstats/eximstats.ts";
import type { HostKey } from "../../stats/eximstats/host-keys.ts";
import type { League } from "../../stats/eximstats/leagues.ts";
import type { EximstatsReport } from "../../stats/eximstats/tally.ts";
import { countOf } from "../form/format.ts";
import { renderHanging } from "../form/layout.ts";
import { type Cell, column, part, type Table } from "./table.ts";
import { renderTerminalTable, type Screen } from "./terminal-table.ts";

const VERSIONS: Readonly<Record<EximstatsReport["dialect"], string>> = {
  "4.96": "up to 4.96",
  "4.97": "of 4.97 and 4.98",
  "4.99": "from 4.99 on",
};

export function renderEximstatsPage(report: Eximstats, screen: Screen, limit: number): string {
  const { from, until, dialect, syslogLogs } = report;
  const period =
    from === null ? "No line was counted" : `Exim statistics from ${from} to ${until} on the clock of the logs`;
  const heading = `${period}, as eximstats ${VERSIONS[dialect]} counts`;
  const tables = eximstatsTables(report, limit).map((table) => renderTerminalTable(table, screen));
  const leftOut = `Not counted: ${countOf(syslogLogs, "log")} that came through syslog from servers that have main logs.`;
  const facts = [heading, ...(syslogLogs === 0 ? [] : [leftOut])].map((text) =>
    renderHanging("", text, 0, screen.columns),
  );
  return `${[facts.join("\n"), ...tables].join("\n\n")}\n`;
}

/** All of them; lists with their `limit` first. */
export function eximstatsTables(report: EximstatsReport, limit: number): Table[] {
  const keys = Object.keys(report.senders) as HostKey[];
  const first = (leagues: readonly League[]): readonly League[] => leagues.slice(0, limit);
  return [
    totals(report),
    transports(report),
    histogram("received", "Messages received per hour", report.receivedByQuarter),
    histogram("delivered", "Deliveries per hour", report.deliveredByQuarter),
    queueTimes("queue", "Time spent on the queue: all messages", report.queueTimes),
    queueTimes(
      "remote-queue",
      "Time spent on the queue: messages with at least one remote delivery",
      report.remoteQueueTimes,
    ),
    relays(report, limit),
    counts("reasons", "Mail rejection reasons", "Reason", first(report.rejectReasons)),
    counts("temporary-reasons", "Mail temporary rejection reasons", "Reason", first(report.temporaryRejectReasons)),
    ...keys.map((key) => league(`sending-${key}`, `Sending ${key}s`, key, first(report.senders[key]))),
    league("local-senders", "Local senders", "sender", first(report.localSenders)),
    ...keys.map((key) =>
      league(`${key}-destinations`, `Destinations by ${key}`, key, first(delivered(report.destinations[key])), true),
    ),
    league("local-destinations", "Local destinations", "destination", first(delivered(report.localDestinations)), true),
    counts("rejected-ips", "Rejected ips", "Address", first(report.rejectedIps)),
    counts("temporarily-rejected-ips", "Temporarily rejected ips", "Address", first(report.temporarilyRejectedIps)),
    errors(report, limit),
  ];
}

/** Leaves out what was delivered only together with something else: it is counted, not listed. */
function delivered(leagues: readonly League[]): readonly League[] {
  return leagues.filter(({ messages }) => messages > 0);
}

const EMPTY = "None.";
const VOLUME = column("bytes", "Volume", "bytes");

function totals({
  received,
  delivered,
  delayed,
  failed,
  rejects,
  temporaryRejects,
  senders,
  destinations,
}: EximstatsReport): Table {
  const rows: Cell[][] = [
    ["received", received.bytes, received.messages, null, senders.host.length, delayed, failed],
    ["delivered", delivered.bytes, delivered.messages, delivered.addresses, listed(destinations.host), null, null],
    ["rejects", null, rejects.messages, null, rejects.hosts, null, null],
    ["temporary rejects", null, temporaryRejects.messages, null, temporaryRejects.hosts, null, null],
  ];
  return {
    name: "totals",
    title: "Grand total summary",
    columns: [
      column("total", "Total", "word"),
      VOLUME,
      column("messages", "Messages", "count"),
      column("addresses", "Addresses", "count"),
      column("hosts", "Hosts", "count"),
      column("delayed", "Delayed", "count"),
      column("failed", "Failed", "count"),
    ],
    rows,
    empty: EMPTY,
  };
}

function listed(leagues: readonly League[]): number {
  return delivered(leagues).length;
}

function transports({ transports }: EximstatsReport): Table {
  return {
    name: "transports",
    title: "Deliveries by transport",
    columns: [column("transport", "Transport", "text"), VOLUME, column("messages", "Messages", "count", true)],
    rows: transports.map(({ transport, bytes, messages }) => [transport, bytes, messages]),
    empty: EMPTY,
  };
}

const HOUR_QUARTERS = 4;

function histogram(name: string, title: string, quarters: readonly number[]): Table {
  const hours = Array.from({ length: quarters.length / HOUR_QUARTERS }, (_, hour) => {
    const inside = quarters.slice(hour * HOUR_QUARTERS, (hour + 1) * HOUR_QUARTERS);
    return inside.reduce((sum, count) => sum + count, 0);
  });
  const twoDigits = (hour: number): string => String(hour).padStart(2, "0");
  return {
    name,
    title,
    columns: [column("hour", "Hour", "word"), column("messages", "Messages", "count", true)],
    rows: hours.map((count, hour) => [`${twoDigits(hour)}-${twoDigits(hour + 1)}`, count]),
    empty: EMPTY,
  };
}

const LIMITS: readonly (readonly [label: string, seconds: number])[] = [
  ["under 1m", 60],
  ["5m", 5 * 60],
  ["15m", 15 * 60],
  ["30m", 30 * 60],
  ["1h", 3600],
  ["3h", 3 * 3600],
  ["6h", 6 * 3600],
  ["12h", 12 * 3600],
  ["1d", 86_400],
  ["over 1d", Number.POSITIVE_INFINITY],
];

/** A message is in the first bin whose limit it did not reach. */
function queueTimes(name: string, title: string, times: EximstatsReport["queueTimes"]): Table {
  const all = times.reduce((sum, [, messages]) => sum + messages, 0);
  let passed = 0;
  const rows = LIMITS.map(([label, limit]): Cell[] => {
    const below = times.reduce((sum, [seconds, messages]) => (seconds < limit ? sum + messages : sum), 0);
    const count = below - passed;
    passed = below;
    return [label, count, part(count, all), part(passed, all)];
  });
  return {
    name,
    title,
    columns: [
      column("duration", "Under", "word"),
      column("messages", "Messages", "count", true),
      column("share", "Share", "share"),
      column("cumulative", "Cumulative", "share"),
    ],
    rows: all === 0 ? [] : rows,
    empty: EMPTY,
  };
}

function relays({ relays }: EximstatsReport, limit: number): Table {
  const sorted = relays.toSorted((one, other) => other.count - one.count);
  return {
    name: "relays",
    title: "Relayed messages",
    columns: [column("messages", "Messages", "count"), column("from", "From", "text"), column("to", "To", "text")],
    rows: sorted.slice(0, limit).map(({ count, from, to }) => [count, from, to]),
    note: `${relays.reduce((sum, { count }) => sum + count, 0)} in all.`,
    empty: EMPTY,
  };
}

function counts(name: string, title: string, key: string, leagues: readonly League[]): Table {
  return {
    name,
    title,
    columns: [column("messages", "Messages", "count"), column("key", key, "text")],
    rows: leagues.map(({ messages, key }) => [messages, key]),
    empty: EMPTY,
  };
}

function league(name: string, title: string, key: string, leagues: readonly League[], hasAddresses = false): Table {
  return {
    name,
    title,
    columns: [
      column("messages", "Messages", "count"),
      ...(hasAddresses ? [column("addresses", "Addresses", "count")] : []),
      VOLUME,
      column("key", key, "text"),
    ],
    rows: leagues.map((one) => [one.messages, ...(hasAddresses ? [one.addresses] : []), one.bytes, one.key]),
    empty: EMPTY,
  };
}

function errors({ errors }: EximstatsReport, limit: number): Table {
  return {
    name: "errors",
    title: "List of errors",
    columns: [column("count", "Count", "count"), column("text", "Error", "text")],
    rows: errors
      .toSorted((one, other) => other.count - one.count)
      .slice(0, limit)
      .map(({ count, text }) => [count, text]),
    note: `Errors encountered: ${errors.reduce((sum, { count }) => sum + count, 0)}.`,
    empty: EMPTY,
  };
}
