/**
 * Power cuts, systematically (after ALICE, OSDI 2014): records the system calls of each command that writes, builds the states that a file
 * system may leave, and opens each. `node test/crash/crash.ts [--states N] [--only NAME] [--seed N] [--keep DIRECTORY]`.
 */
import "./environment.ts";
import { createHash } from "node:crypto";
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import Database from "better-sqlite3";
import { Random } from "../support/generate.ts";
import { History, hashState, type Operation, readTree, type State, writeState } from "./file-system.ts";
import { makeScenarios } from "./scenarios.ts";
import { type Cut, powerCuts } from "./states.ts";
import { hasStrace, readTrace, startTraced } from "./trace.ts";
import type { Findings, Moment, Scenario } from "./world.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/exim-pilot.js", import.meta.url));
/** The index of the log is memory that SQLite makes anew; no power cut leaves it to anybody. */
const INDEX_OF_LOG = "-shm";
/** Names of files that are never read again: only their existence matters. */
const REMAINS = /(?:^|\/)(?:\.exim-pilot-|[^/]*\.copy-\d)/;
/** More than what may be between the taking of a line and its being durable; between two pieces it is longer. */
const STORED_WITHIN_MS = 1000;
const PAUSE_MS = 1500;
const MOST_SHOWN = 5;
/** Cuts in a row that give no new state: then there are none, or hardly any. */
const MOST_REPEATED = 4000;
const COMMANDS_THAT_MUST_FAIL = [
  "ingest, append",
  "prune --archive",
  "rebuild",
  "backup",
  "restore",
  "tag",
  "notify run",
];
const STATES_THAT_MUST_FAIL = 400;

interface Recorded {
  readonly scenario: Scenario;
  readonly history: History;
}

interface Failure {
  readonly cut: Cut;
  readonly problem: string;
  readonly state: State;
}

interface Result {
  readonly points: number;
  readonly states: number;
  readonly contents: number;
  readonly failures: readonly Failure[];
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      states: { type: "string", default: "12000" },
      seed: { type: "string", default: String(Date.now() % 100_000) },
      only: { type: "string" },
      keep: { type: "string" },
    },
  });
  if (!hasStrace()) {
    console.log("SKIPPED: strace is not installed here, so no power cut was tried.");
    return 0;
  }
  const home = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "exim-pilot-crash-"));
  try {
    const { only } = values;
    const scenarios = (await makeScenarios(home)).filter(({ name }) => only === undefined || name.includes(only));
    const each = Math.ceil(Number(values.states) / scenarios.length);
    const seed = Number(values.seed);
    console.log(`Seed ${seed}. At most ${each} states of each of ${scenarios.length} commands.\n`);
    const results = new Map<string, Result>();
    const recorded: Recorded[] = [];
    for (const scenario of scenarios) {
      const one = { scenario, history: await record(scenario, home) };
      recorded.push(one);
      const result = await tryStates(one, each, new Random(seed), home);
      results.set(scenario.name, result);
      console.log(describe(scenario.name, result));
      report(one, result.failures, values.keep);
    }
    printTable(results);
    const blind = await findBlind(recorded, seed, home);
    for (const name of blind)
      console.log(
        `SELF-TEST FAILED: without its syncs "${name}" leaves no bad state, so the search would find no fault.`,
      );
    const failures = [...results.values()].reduce((sum, result) => sum + result.failures.length, 0);
    return failures + blind.length === 0 ? 0 : 1;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Runs the command once, whole, and reads what it did. */
async function record(scenario: Scenario, home: string): Promise<History> {
  const folder = mkdtempSync(join(home, "recorded-"));
  await scenario.prepare(folder);
  const before = readTree(folder, INDEX_OF_LOG);
  const trace = mkdtempSync(join(home, "trace-"));
  const file = join(trace, "calls");
  const database = scenario.hasReader === true ? openReader(folder) : undefined;
  const environment = { ...process.env, TZ: "UTC", NO_COLOR: "1", EXIM_PILOT_CONFIG: undefined };
  const child = startTraced([process.execPath, PROGRAM, ...scenario.argv(folder)], file, environment);
  const output = createWriteStream(join(trace, "output"));
  child.stdout?.pipe(output, { end: false });
  child.stderr?.pipe(output, { end: false });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  for (const piece of scenario.pieces ?? []) {
    child.stdin?.write(piece);
    await sleep(PAUSE_MS);
  }
  child.stdin?.end();
  const status = await ended;
  output.end();
  await finished(output);
  if (status !== 0)
    throw new Error(`${scenario.name} ended with ${status}: ${readFileSync(join(trace, "output"), "utf8")}`);
  const operations = await readTrace(file, folder, before, INDEX_OF_LOG);
  if (scenario.asks === true && !operations.some(({ kind }) => kind === "request"))
    throw new Error(`The trace of ${scenario.name} shows no connection.`);
  const history = new History(before, operations);
  assertTrue(history, scenario, folder);
  // NOTE: whoever closes it last empties the log of writes, which is no deed of the command.
  database?.close();
  rmSync(trace, { recursive: true });
  rmSync(folder, { recursive: true });
  return history;
}

/** Checks that replaying all recorded operations gives what the run left; otherwise an operation was missed. */
function assertTrue(history: History, { name }: Scenario, folder: string): void {
  const everything = { keeps: () => true, sectorSize: 4096, size: "with data" } as const;
  const derived = history.stateAt(history.operations.length, everything);
  const left = new History(readTree(folder, INDEX_OF_LOG), []).stateAt(0, everything);
  const differing = [...new Set([...derived.keys(), ...left.keys()])].filter((path) => {
    const [one, other] = [derived.get(path), left.get(path)];
    return one === undefined || other === undefined || !one.equals(other);
  });
  if (differing.length > 0) throw new Error(`The trace of ${name} does not explain ${differing.join(", ")}.`);
}

/** Holds the state of this instant, so that nobody can empty the log of writes. */
function openReader(folder: string): Database.Database {
  const database = new Database(join(folder, "mail.db"));
  database.exec("BEGIN");
  database.prepare("SELECT count(*) FROM sqlite_schema").get();
  return database;
}

/** Tries up to `most` different states. */
async function tryStates(
  { scenario, history }: Recorded,
  most: number,
  random: Random,
  home: string,
  until = Number.POSITIVE_INFINITY,
): Promise<Result> {
  const seen = new Set<string>();
  const verdicts = new Map<string, Findings>();
  const points = new Set<number>();
  const failures: Failure[] = [];
  let repeated = 0;
  for (const cut of powerCuts(history, random)) {
    if (seen.size >= most || repeated >= MOST_REPEATED || failures.length >= until) break;
    const state = history.stateAt(cut.end, cut.choice);
    const moment = momentAt(history.operations, cut.end);
    const key = `${hashState(state)} ${JSON.stringify(moment)}`;
    if (seen.has(key)) {
      repeated++;
      continue;
    }
    seen.add(key);
    points.add(cut.end);
    repeated = 0;
    const folder = mkdtempSync(join(home, "state-"));
    try {
      writeState(state, folder);
      const findings = await judge(scenario, folder, verdicts);
      const problems = [...findings.always, ...findings.at(moment)];
      if (problems[0] !== undefined) failures.push({ cut, problem: problems.join(" "), state });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  return { points: points.size, states: seen.size, contents: verdicts.size, failures };
}

/** Many states are the same once SQLite has recovered them: each content is examined once. */
async function judge(scenario: Scenario, folder: string, verdicts: Map<string, Findings>): Promise<Findings> {
  const recovery = recover(join(folder, "mail.db"));
  if (recovery !== undefined) return { always: [`SQLite cannot open it: ${recovery}`], at: () => [] };
  const key = hashFolder(folder);
  const known = verdicts.get(key);
  if (known !== undefined) return known;
  const findings = await scenario.examine(folder).catch((error: unknown): Findings => {
    return {
      always: [`It cannot be examined: ${error instanceof Error ? error.message : String(error)}`],
      at: () => [],
    };
  });
  verdicts.set(key, findings);
  return findings;
}

/** Lets SQLite do what it does after a crash; returns what it says when it cannot. */
function recover(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const database = new Database(path);
    try {
      database.pragma("wal_checkpoint(TRUNCATE)");
      database.prepare("SELECT count(*) FROM sqlite_schema").get();
    } finally {
      database.close();
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function hashFolder(folder: string): string {
  const hash = createHash("sha1");
  for (const path of (readdirSync(folder, { recursive: true }) as string[]).sort()) {
    hash.update(`${path}\0`);
    if (REMAINS.test(path)) continue;
    try {
      hash.update(readFileSync(join(folder, path)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EISDIR") throw error;
    }
  }
  return hash.digest("hex");
}

function momentAt(operations: readonly Operation[], end: number): Moment {
  const done = operations.slice(0, end);
  const inputs = done.filter((operation) => operation.kind === "input");
  // NOTE: the program may have begun late and taken several pieces at once, so the time counts and not their number.
  const untilMs = (inputs.at(-1)?.atMs ?? 0) - STORED_WITHIN_MS;
  const oldInput = inputs.reduce((sum, { atMs, bytes }) => (atMs < untilMs ? sum + bytes : sum), 0);
  return {
    hasEnded: end === operations.length,
    hasPrinted: done.some(({ kind }) => kind === "output"),
    hasAsked: done.some(({ kind }) => kind === "request"),
    oldInput,
  };
}

/** A search that cannot fail is worth nothing: commands whose syncs do nothing must leave bad states. Returns those that seem to leave none. */
async function findBlind(recorded: readonly Recorded[], seed: number, home: string): Promise<readonly string[]> {
  const blind: string[] = [];
  for (const { scenario, history } of recorded.filter(({ scenario }) =>
    COMMANDS_THAT_MUST_FAIL.includes(scenario.name),
  )) {
    const { states, failures } = await tryStates(
      { scenario, history: history.withoutSyncs() },
      STATES_THAT_MUST_FAIL,
      new Random(seed),
      home,
      1,
    );
    console.log(
      `Self-test: "${scenario.name}" without its syncs: ${failures.length === 0 ? "nothing" : "a bad state"} found in ${states} states.`,
    );
    if (failures.length === 0) blind.push(scenario.name);
  }
  return blind;
}

function describe(name: string, { points, states, contents, failures }: Result): string {
  return `${name.padEnd(42)} ${points} crash points, ${states} states, ${contents} contents, ${failures.length} failures`;
}

function report({ scenario, history }: Recorded, failures: readonly Failure[], keep: string | undefined): void {
  const kinds = Map.groupBy(failures, ({ problem }) => problem.replaceAll(/state-\w+|\d+/g, "…"));
  for (const [, [failure, ...others]] of [...kinds].slice(0, MOST_SHOWN)) {
    if (failure === undefined) continue;
    const { cut, problem, state } = failure;
    console.log(`  FAILED (${others.length + 1} states): ${problem}`);
    console.log(`    cut before operation ${cut.end} of ${history.operations.length}, on the disk: ${cut.policy}`);
    for (const line of history.story(cut)) console.log(`      ${line}`);
    if (keep === undefined) continue;
    const folder = join(
      keep,
      `${scenario.name.replaceAll(/\W+/g, "-")}-${cut.end}-${cut.policy.replaceAll(/\W+/g, "-")}`,
    );
    mkdirSync(folder, { recursive: true });
    writeState(state, folder);
    console.log(`    kept in ${folder}`);
  }
}

function printTable(results: ReadonlyMap<string, Result>): void {
  const row = (cells: readonly (string | number)[]): string =>
    `${String(cells[0]).padEnd(42)}${cells
      .slice(1)
      .map((cell) => String(cell).padStart(14))
      .join("")}`;
  const columns = ["points", "states", "contents"] as const;
  const total = columns.map((column) => [...results.values()].reduce((sum, result) => sum + result[column], 0));
  const failed = [...results.values()].reduce((sum, { failures }) => sum + failures.length, 0);
  console.log(`\n${row(["command", "crash points", "states", "recovered", "failures"])}`);
  for (const [name, result] of results)
    console.log(row([name, ...columns.map((column) => result[column]), result.failures.length]));
  console.log(`${row(["in all", ...total, failed])}\n`);
}

process.exitCode = await main();
