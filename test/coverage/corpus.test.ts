/**
 * Holes cut into real logs, at random from a seed. What left a trace has to be named, what left none is unknown, and nothing is named in
 * logs that are whole. EXIM_PILOT_TORTURE=200 cuts 200 holes.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { judgeCoverage } from "../../src/coverage/coverage.ts";
import type { Coverage } from "../../src/coverage/holes.ts";
import { DAY_MS, epochMs, HOUR_MS } from "../../src/units.ts";
import { type Corpus, corpusProfiles, type SyslogCorpus, syslogCorpora } from "../support/corpus.ts";
import { corpusDatabase } from "../support/corpus-database.ts";
import { type Cut, readTimedLines, type TimedLog, textOf, tracesOf, without, zoneOf } from "../support/cut-logs.ts";
import { ingestInto, temporaryFolder, withReader } from "../support/database.ts";

const TORTURE = process.env["EXIM_PILOT_TORTURE"];
const SEED = Number(process.env["EXIM_PILOT_SEED"] ?? 1);
const RECALL = 0.98;
const KINDS = ["hours", "file", "server", "reject"] as const;
type HoleKind = (typeof KINDS)[number];

const all: readonly (Corpus | SyslogCorpus)[] = [...corpusProfiles(), ...syslogCorpora()];
const full = all.filter(({ name }) => name.includes("full"));
if (full.length === 0)
  test.skip("the full corpus is not beside the project: holes were cut into its trimmed copy only");
const cutInto = full.length === 0 ? all : full;
/** Enough for each kind in each of the trimmed copies, where few holes leave a trace. */
const HOLES = Number(TORTURE ?? (full.length === 0 ? all.length * KINDS.length : 6));
const LEAST_TRACED = full.length === 0 ? 1 / 5 : 1 / 3;

describe.each(full)("$name", (corpus) => {
  test("has no hole while it is whole", async () => {
    const coverage = await coverageOf(await corpusDatabase(corpus));
    expect(coverage.holes).toEqual([]);
    expect(["whole", "unknown"]).toContain(coverage.state);
  });
});

test(`${HOLES} holes: what left a trace is named, and what left none is unknown`, { timeout: 3_600_000 }, async () => {
  const random = randomFrom(SEED);
  const results: Result[] = [];
  for (let index = 0; index < HOLES; index++) {
    const corpus = cutInto[index % cutInto.length];
    if (corpus === undefined) throw new Error("no corpus");
    const kinds = KINDS.filter((kind) => kind !== "reject" || "reject" in corpus.logs);
    const kind = kinds[Math.floor(index / cutInto.length) % kinds.length] ?? "hours";
    results.push(await tryHole(corpus, kind, random));
  }
  if (TORTURE !== undefined) console.log(reportOf(results));
  const traced = results.filter(({ isTraced }) => isTraced);
  const lost = traced.filter(({ isNamed }) => !isNamed);
  expect(traced.length).toBeGreaterThan(HOLES * LEAST_TRACED);
  expect({ share: lost.length <= traced.length * (1 - RECALL), lost }).toEqual({
    share: true,
    lost: expect.anything(),
  });
  expect(results.filter(({ isNamed, state }) => !isNamed && state === "whole")).toEqual([]);
});

interface Result {
  readonly profile: string;
  readonly kind: HoleKind;
  readonly cut: readonly [string, string];
  readonly removed: number;
  readonly traces: string;
  readonly isTraced: boolean;
  readonly isNamed: boolean;
  /** State of the log that was cut. */
  readonly state: string | undefined;
}

async function tryHole(corpus: Corpus | SyslogCorpus, kind: HoleKind, random: () => number): Promise<Result> {
  const logs = logsOf(corpus);
  const cut = chooseCut(logs, kind, random);
  const main = logs.find(({ logType }) => logType === "main" || logType === "syslog");
  const reject = logs.find(({ logType }) => logType === "reject");
  if (main === undefined) throw new Error("no main log");
  // A file is the main log's; hours are lost in all logs of a server.
  const isLost = ({ logType }: TimedLog): boolean =>
    kind === "reject" ? logType === "reject" : kind === "file" ? logType === "main" || logType === "syslog" : true;
  const left = logs.map((log) => (isLost(log) ? without(log, cut) : log));
  const leftOf = (log: TimedLog | undefined): TimedLog | undefined =>
    left.find(({ logType }) => logType === log?.logType);
  const [target, duplicate] = kind === "reject" ? [reject ?? main, main] : [main, reject];
  const traces = tracesOf(target, leftOf(duplicate), cut);
  const server = kind === "server" ? "mx2" : "mx1";
  const coverage = await coverageOf(await databaseOf(corpus, left, kind === "server" ? logs : undefined));
  const logType = kind === "reject" ? "reject" : "main";
  return {
    profile: corpus.profile,
    kind,
    cut: [new Date(cut.from).toISOString(), new Date(cut.until).toISOString()],
    removed: target.lines.filter(({ at }) => at >= cut.from && at < cut.until).length,
    traces: Object.entries(traces)
      .filter(([, is]) => is)
      .map(([name]) => name)
      .join(" "),
    isTraced: Object.values(traces).includes(true),
    isNamed: coverage.holes.some(
      (hole) =>
        hole.server === server &&
        hole.logType === logType &&
        Date.parse(hole.from) < cut.until &&
        Date.parse(hole.until) > cut.from,
    ),
    state: coverage.logs.find((log) => log.server === server && log.logType === logType)?.state,
  };
}

function logsOf({ logs, truth }: Corpus | SyslogCorpus): TimedLog[] {
  return Object.entries(logs).map(([logType, path]) => {
    const text = readFileSync(path, "latin1");
    const first = readTimedLines(`${text.slice(0, text.indexOf("\n"))}\n`, 0)[0]?.at ?? 0;
    return { logType: logType as TimedLog["logType"], lines: readTimedLines(text, zoneOf(truth.timezone, first)) };
  });
}

/** A day for a file, one to twelve hours else, never at an end of the log. */
function chooseCut(logs: readonly TimedLog[], kind: HoleKind, random: () => number): Cut {
  const times = (kind === "reject" ? logs.filter(({ logType }) => logType === "reject") : logs).flatMap(({ lines }) =>
    lines.map(({ at }) => at),
  );
  const [first, last] = [
    times.reduce((one, other) => Math.min(one, other)),
    times.reduce((one, other) => Math.max(one, other)),
  ];
  const size = kind === "file" ? DAY_MS : (1 + Math.floor(random() * 12)) * HOUR_MS;
  const from = first + 1000 + Math.floor(random() * Math.max(last - first - size - 2000, 1));
  return { from, until: from + size };
}

async function databaseOf(
  corpus: Corpus | SyslogCorpus,
  left: readonly TimedLog[],
  whole: readonly TimedLog[] | undefined,
): Promise<string> {
  const folder = temporaryFolder();
  const path = join(folder, "pilot.db");
  const options = { timeZone: corpus.truth.timezone, now: () => epochMs(Date.UTC(2030, 0)), batchLines: 5000 };
  const store = async (server: string, logs: readonly TimedLog[]): Promise<void> => {
    mkdirSync(join(folder, server));
    const files = logs.map((log) => {
      const file = join(folder, server, log.logType === "syslog" ? "syslog" : `${log.logType}log`);
      writeFileSync(file, textOf(log), "latin1");
      return file;
    });
    const report = await ingestInto(path, files, { ...options, server });
    for (const { error } of report.logs) if (error !== undefined) throw error;
  };
  if (whole !== undefined) await store("mx1", whole);
  await store(whole === undefined ? "mx1" : "mx2", left);
  return path;
}

function coverageOf(path: string): Promise<Coverage> {
  const request = { since: undefined, until: undefined, servers: [], now: epochMs(Date.UTC(2030, 0)) };
  return withReader(path, async ({ coverage }) => judgeCoverage(coverage, request));
}

/** Numbers from 0 up to 1, the same for a seed. */
function randomFrom(seed: number): () => number {
  let state = seed * 2_654_435_761;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function reportOf(results: readonly Result[]): string {
  const line = (name: string, some: readonly Result[]): string => {
    const traced = some.filter(({ isTraced }) => isTraced);
    const named = traced.filter(({ isNamed }) => isNamed).length;
    const beyond = some.filter(({ isTraced, isNamed }) => !isTraced && isNamed).length;
    const unknown = some.filter(({ isNamed }) => !isNamed).length;
    return `${name.padEnd(20)} ${some.length} holes, ${traced.length} with a trace, ${named} of them named, ${beyond} others named, ${unknown} unknown (${Math.round((unknown / Math.max(some.length, 1)) * 100)} %)`;
  };
  const profiles = [...new Set(results.map(({ profile }) => profile))];
  const lost = results.filter(({ isTraced, isNamed }) => isTraced && !isNamed);
  return [
    line("all", results),
    ...KINDS.map((kind) =>
      line(
        kind,
        results.filter((result) => result.kind === kind),
      ),
    ),
    ...profiles.map((profile) =>
      line(
        profile,
        results.filter((result) => result.profile === profile),
      ),
    ),
    ...lost.map((result) => `not named: ${JSON.stringify(result)}`),
  ].join("\n");
}
