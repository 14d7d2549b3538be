/**
 * The tables of `stats --eximstats` against those that eximstats itself made of the same logs, number by number. Its outputs are
 * beside the full corpus only.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { formatTime } from "../../src/render/form/format.ts";
import { computeEximstats } from "../../src/stats/eximstats/eximstats.ts";
import type { HostKey } from "../../src/stats/eximstats/host-keys.ts";
import type { League } from "../../src/stats/eximstats/leagues.ts";
import type { EximstatsReport } from "../../src/stats/eximstats/tally.ts";
import { decodeUtf8 } from "../../src/text.ts";
import { runCli } from "../support/cli.ts";
import { readTruth } from "../support/corpus.ts";
import { mainLogDatabase } from "../support/corpus-database.ts";
import { ingestInto, temporaryFolder, withReader } from "../support/database.ts";
import { SMALL_LOGS } from "../support/small-log.ts";

/**
 * Accepted differences by profile, with the reason. eximstats takes stamps with a zone for local time of the machine it runs on,
 * and then adds the zone again. The lab had set that machine to the same zone: two messages of 1,186 come out one hour and four
 * hours older than they were.
 */
const ACCEPTED: Readonly<Record<string, readonly string[]>> = {
  msec: [
    "Time spent on the queue: all messages: we have 1m 1023",
    "Time spent on the queue: all messages: we have 12h 13",
    "Time spent on the queue: all messages: eximstats has 1m 1022",
    "Time spent on the queue: all messages: eximstats has 12h 14",
    "Time spent on the queue: messages with at least one remote delivery: we have 6h 13",
    "Time spent on the queue: messages with at least one remote delivery: we have 12h 12",
    "Time spent on the queue: messages with at least one remote delivery: eximstats has 6h 12",
    "Time spent on the queue: messages with at least one remote delivery: eximstats has 12h 13",
    // -q60,600,3600,86400: the same two messages.
    "qt: we have 1m 1023",
    "qt: we have 1d 74",
    "qt: eximstats has 1m 1022",
    "qt: eximstats has 1d 75",
  ],
};

const CORPUS = fileURLToPath(new URL("../../../shared/corpus", import.meta.url));
const PROFILES = ["all", "cpanel", "default", "longid", "minimal", "msec", "syslog"];
const isThere = existsSync(CORPUS);

if (!isThere) test.skip("the full corpus is not beside the project: nothing was compared with eximstats");

test("what came through syslog is not counted beside a main log, and that is said", async () => {
  const folder = temporaryFolder();
  const [database, main, syslog] = ["pilot.db", "mainlog", "syslog"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(main, SMALL_LOGS.main);
  writeFileSync(syslog, SMALL_LOGS.syslog);
  const report = async (): Promise<string> => (await runCli(["stats", "--eximstats", "--db", database])).stdout;
  await ingestInto(database, [main]);
  const alone = await report();
  expect(alone).not.toContain("syslog");
  await ingestInto(database, [syslog], { logType: "syslog" });
  const said = "Not counted: 1 log that came through syslog from servers that have main logs.\n";
  expect(await report()).toContain(said);
  expect((await report()).replace(said, "")).toBe(alone);
});

describe.runIf(isThere).each(PROFILES)("%s", (profile) => {
  const directory = join(CORPUS, profile);

  test("equals eximstats, but for what is accepted", async () => {
    const truth = readTruth(directory);
    const timeZone = truth.timezone;
    const logs = { main: join(directory, profile === "syslog" ? "syslog" : "mainlog") };
    const database = await mainLogDatabase({ name: `${profile} (full)`, logs, truth });
    const report = await withReader(database, ({ stats }) =>
      computeEximstats(stats, {
        filter: {},
        formatStamp: (iso) => formatTime(iso, timeZone),
        signal: new AbortController().signal,
      }),
    );
    const expected = (name: string): Map<string, string[]> => readReport(join(directory, "eximstats", `${name}.txt`));
    const plain = expected("plain");
    const differences: string[] = [];
    const compare = (title: string, ours: readonly string[], theirs: readonly string[] | undefined): void => {
      for (const line of ours.filter((one) => !theirs?.includes(one))) differences.push(`${title}: we have ${line}`);
      for (const line of theirs ?? []) if (!ours.includes(line)) differences.push(`${title}: eximstats has ${line}`);
    };
    for (const [title, ours] of tablesOf(report, "host")) compare(title, ours, plain.get(title));
    for (const key of ["domain", "email", "edomain"] as const) {
      const theirs = expected(`by${key}`);
      for (const [title, ours] of tablesOf(report, key)) {
        if (title.includes(`${key}s`) || title.includes(`${key} dest`) || title === "totals")
          compare(`${key} ${title}`, ours, theirs.get(title));
      }
    }
    // These differ only in the choice and length of tables; what they have in common with the plain one is compared.
    for (const name of ["ne", "nr", "nr-ne-nt", "tnl", "h0", "pattern"]) {
      const theirs = expected(name);
      const common = tablesOf(report, "host").filter(([title]) => theirs.has(title));
      expect(common.length, name).toBeGreaterThan(5);
      for (const [title] of common) expect(theirs.get(title), `${name}: ${title}`).toEqual(plain.get(title));
    }
    // -utc says in which zone numbers of its own are written: none of these is. -include_original_destination names an address that
    // was delivered to together with that it came of, in one kind of table; `--by recipient` tells the latter.
    for (const [name, others] of [
      ["utc", 0],
      ["include-original", 2],
    ] as const) {
      const theirs = expected(name);
      const different = [...plain.keys()].filter(
        (title) => theirs.get(title)?.join("\n") !== plain.get(title)?.join("\n"),
      );
      expect([...theirs.keys()], name).toEqual([...plain.keys()]);
      expect(different, name).toEqual(
        ["message count", "volume"].slice(0, others).map((rank) => `Top 50 local destinations by ${rank}`),
      );
    }
    const five = expected("top5");
    for (const [title, ours] of tablesOf(report, "host", 5))
      if (title.startsWith("Top 5 ")) compare(`top5 ${title}`, ours, five.get(title) ?? []);
    const hours = expected("qt");
    compare("qt", queueBins(report.queueTimes, FEWER_LIMITS), hours.get("Time spent on the queue: all messages"));
    const both = expected("byhost-bydomain");
    for (const key of ["host", "domain"] as const)
      for (const [title, ours] of tablesOf(report, key))
        if (title.includes(`sending ${key}s`) || title.includes(`${key} dest`))
          compare(`both ${title}`, ours, both.get(title));
    compare("h4", histogram(report.receivedByQuarter, 1), expected("h4").get("Messages received per 15 minutes"));
    expect(differences).toEqual(ACCEPTED[profile] ?? []);
  });
});

/** Our figures in the form of {@link readReport}: title → lines. */
function tablesOf(report: EximstatsReport, key: HostKey, longest = LONGEST): [title: string, lines: string[]][] {
  const { received, delivered, rejects, temporaryRejects, senders, destinations } = report;
  const hosts = key === "host";
  const title = key === "host" ? "host" : key;
  return [
    ["period", [`${report.from} to ${report.until}`]],
    [
      "totals",
      [
        ["Received", volume(received.bytes), received.messages, senders[key].length, report.delayed, report.failed],
        [
          "Delivered",
          volume(delivered.bytes),
          delivered.messages,
          delivered.addresses,
          destinations[key].filter(({ messages }) => messages > 0).length,
        ],
        ...(rejects.messages > 0 ? [["Rejects", rejects.messages, ...(hosts ? [rejects.hosts] : [])]] : []),
        ...(temporaryRejects.messages > 0
          ? [["Temp Rejects", temporaryRejects.messages, ...(hosts ? [temporaryRejects.hosts] : [])]]
          : []),
      ].map((row) => row.join(" ")),
    ],
    [
      "Deliveries by transport",
      report.transports.map(({ transport, messages, bytes }) => `${transport} ${volume(bytes)} ${messages}`),
    ],
    ["Messages received per hour", histogram(report.receivedByQuarter, 4)],
    ["Deliveries per hour", histogram(report.deliveredByQuarter, 4)],
    ["Time spent on the queue: all messages", queueBins(report.queueTimes)],
    ["Time spent on the queue: messages with at least one remote delivery", queueBins(report.remoteQueueTimes)],
    ["Relayed messages", report.relays.map(({ from, to, count }) => `${count} ${from} => ${to}`)],
    [`Top ${longest} mail rejection reasons by message count`, counted(report.rejectReasons, longest)],
    [
      `Top ${longest} mail temporary rejection reasons by message count`,
      counted(report.temporaryRejectReasons, longest),
    ],
    [`Top ${longest} sending ${title}s by message count`, top(senders[key], false, longest)],
    [`Top ${longest} sending ${title}s by volume`, top(byVolume(senders[key]), false, longest)],
    [`Top ${longest} local senders by message count`, top(report.localSenders, false, longest)],
    [`Top ${longest} ${title} destinations by message count`, top(destinations[key], true, longest)],
    [`Top ${longest} ${title} destinations by volume`, top(byVolume(destinations[key]), true, longest)],
    [`Top ${longest} local destinations by message count`, top(report.localDestinations, true, longest)],
    [`Top ${longest} local destinations by volume`, top(byVolume(report.localDestinations), true, longest)],
    [`Top ${longest} rejected ips by message count`, counted(report.rejectedIps, longest)],
    [`Top ${longest} temporarily rejected ips by message count`, counted(report.temporarilyRejectedIps, longest)],
    ["Errors", [String(report.errors.reduce((sum, { count }) => sum + count, 0))]],
    ["List of errors", report.errors.map(({ text, count }) => `${count} ${squeeze(text)}`)],
  ];
}

const LONGEST = 50;

function top(leagues: readonly League[], hasAddresses: boolean, longest: number): string[] {
  return leagues
    .filter(({ messages }) => messages > 0)
    .slice(0, longest)
    .map(({ key, messages, addresses, bytes }) =>
      [messages, ...(hasAddresses ? [addresses] : []), volume(bytes), squeeze(key)].join(" ").trimEnd(),
    );
}

function counted(leagues: readonly League[], longest: number): string[] {
  return leagues.slice(0, longest).map(({ key, messages }) => `${messages} ${squeeze(key)}`);
}

function byVolume(leagues: readonly League[]): League[] {
  return leagues.toSorted(
    (one, other) => other.bytes - one.bytes || other.messages - one.messages || (one.key < other.key ? -1 : 1),
  );
}

function histogram(quarters: readonly number[], size: number): string[] {
  return Array.from({ length: quarters.length / size }, (_, index) =>
    String(quarters.slice(index * size, (index + 1) * size).reduce((sum, count) => sum + count, 0)),
  ).map((count, index) => `${index}: ${count}`);
}

const QUEUE_LIMITS: readonly (readonly [string, number])[] = [
  ["1m", 60],
  ["5m", 300],
  ["15m", 900],
  ["30m", 1800],
  ["1h", 3600],
  ["3h", 10_800],
  ["6h", 21_600],
  ["12h", 43_200],
  ["1d", 86_400],
  ["Over 1d", Number.POSITIVE_INFINITY],
];

const FEWER_LIMITS: readonly (readonly [string, number])[] = [
  ["1m", 60],
  ["10m", 600],
  ["1h", 3600],
  ["1d", 86_400],
  ["Over 1d", Number.POSITIVE_INFINITY],
];

function queueBins(times: readonly (readonly [seconds: number, messages: number])[], limits = QUEUE_LIMITS): string[] {
  const counts = limits.map(([label, limit], index) => {
    const above = index === 0 ? Number.NEGATIVE_INFINITY : (limits[index - 1]?.[1] ?? 0);
    const inside = times.filter(([seconds]) => seconds >= above && seconds < limit);
    return [label, inside.reduce((sum, [, messages]) => sum + messages, 0)] as const;
  });
  return counts.filter(([, count]) => count > 0).map(([label, count]) => `${label} ${count}`);
}

/** Volume as eximstats prints it. */
function volume(bytes: number): string {
  if (bytes < 10_000) return String(bytes);
  return bytes < 10_000_000 ? `${Math.round(bytes / 1024)}KB` : `${Math.round(bytes / 1024 ** 2)}MB`;
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** Report of eximstats without averages, percentages and dots: title → lines. */
function readReport(path: string): Map<string, string[]> {
  const tables = new Map<string, string[]>();
  const lines = readFileSync(path, "latin1").split("\n").map(decodeUtf8);
  let title = "";
  for (const [index, line] of lines.entries()) {
    const period = /^Exim statistics from (.*)$/.exec(line)?.[1];
    if (period !== undefined) tables.set("period", [period]);
    const errors = /^Errors encountered: (\d+)/.exec(line)?.[1];
    if (errors !== undefined) tables.set("Errors", [errors]);
    if (/^-{3,}$/.test(lines[index + 1] ?? "")) {
      title = line.replace(/ \(each dot is .*/, "").replace("Grand total summary", "totals");
      tables.set(title, []);
    } else if (!/^-{3,}$/.test(line) && line.trim() !== "") tables.get(title)?.push(line);
  }
  return new Map([...tables].map(([name, rows]) => [name, normalise(name, rows)]));
}

function normalise(title: string, rows: readonly string[]): string[] {
  if (title === "period" || title === "Errors") return [...rows];
  if (title === "totals")
    return rows
      .slice(2)
      .map((row) => squeeze(row.replace(/\d+\.\d%/g, "")))
      .filter((row) => row !== "");
  if (/ per (?:hour|15 minutes)$/.test(title))
    return rows.map((row, index) => `${index}: ${/(\d+)[ .]*$/.exec(row)?.[1]}`);
  if (title.startsWith("Time spent"))
    return rows.map((row) => squeeze(row.replace("Under", "").replace(/(\s+[\d.]+%){2}$/, "")));
  if (title === "Deliveries by transport") return rows.slice(1).map(squeeze);
  if (title === "Relayed messages") {
    const pairs = rows.filter((row) => !row.startsWith("Total:"));
    return pairs.flatMap((row, index) => (/^\s+=> /.test(row) ? [] : [squeeze(`${row} ${pairs[index + 1] ?? ""}`)]));
  }
  if (title === "List of errors") return joinWrapped(rows);
  if (/ by volume$|senders by|sending .* by|destinations by/.test(title))
    return rows.slice(1).map((row) => withoutAverage(row, title.includes("destination")));
  return rows.slice(1).map(squeeze);
}

/** An error begins with its count; what is wrapped begins with a tab. */
function joinWrapped(rows: readonly string[]): string[] {
  const errors: string[] = [];
  for (const row of rows) {
    if (row.startsWith("\t")) errors.push(`${errors.pop() ?? ""} ${row}`);
    else errors.push(row);
  }
  return errors.map(squeeze);
}

function withoutAverage(row: string, hasAddresses: boolean): string {
  const form = hasAddresses ? /^\s*(\d+\s+\d+\s+\S+)\s+\S+ ?(.*)$/ : /^\s*(\d+\s+\S+)\s+\S+ ?(.*)$/;
  const [, figures = "", key = ""] = form.exec(row) ?? [];
  return squeeze(`${figures} ${key}`);
}
