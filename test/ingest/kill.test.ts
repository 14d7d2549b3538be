/**
 * Ends of a run that nobody chose: kills, signals, a full disk, another run at the same time. What is stored is whole batches, the
 * next run goes on, and in the end nothing tells that there was more than one. EXIM_PILOT_TORTURE=500 kills 500 times.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ingest } from "../../src/ingest/ingest.ts";
import { type ChildResult, ingestArgv, startProgram } from "../support/child.ts";
import { runCli } from "../support/cli.ts";
import { ingestInto, OPTIONS, temporaryFolder, withWriter } from "../support/database.ts";
import { generateLog, Random } from "../support/generate.ts";
import { SMALL_LOGS } from "../support/small-log.ts";
import { differences, dumpSources, dumpViews, readSources } from "../support/views.ts";

const KILLS = Number(process.env["EXIM_PILOT_TORTURE"] ?? 4);
const random = new Random(Number(process.env["EXIM_PILOT_SEED"] ?? 1));

vi.setConfig({ testTimeout: 60_000 + KILLS * 10_000, hookTimeout: 60_000 });

let many: Logs;
let few: Logs;

beforeAll(async () => {
  many = writeLogs(3000);
  few = writeLogs(600);
});

afterAll(() => {
  for (const { folder } of [many, few]) rmSync(folder, { recursive: true, force: true });
});

describe("a run over thousands of lines", () => {
  test("that is killed again and again gives the same in the end", async () => {
    const folder = temporaryFolder();
    const expected = await ingestUndisturbed(many);
    const startedMs = performance.now();
    expectDone(await start(join(folder, "0.db"), many.paths).ended);
    const usualMs = performance.now() - startedMs;
    let database = "";
    let killed = 0;
    for (let attempt = 1; killed < KILLS; attempt++) {
      if (!existsSync(database)) database = join(folder, `${attempt}.db`);
      const { child, ended } = start(database, many.paths, "--batch-size", random.pick(["20", "100", "500"]));
      await Promise.race([ended, sleep(usualMs * (0.1 + 0.4 * random.next()))]);
      child.kill("SIGKILL");
      const result = await ended;
      if (result.signal === "SIGKILL") {
        killed++;
        expectWholeBatches(database, many);
      } else {
        expectDone(result);
        expectSame(database, expected);
        remove(database);
      }
    }
    expectDone(await start(database, many.paths).ended);
    expectSame(database, expected);
  });
});

/** Sends a signal to a run that has stored something; on a busy machine a run may be done before, and is tried again. */
async function stopWhileReading(folder: string, signal: NodeJS.Signals): Promise<ChildResult & { database: string }> {
  for (let attempt = 1; ; attempt++) {
    const database = join(folder, `${attempt}.db`);
    const { child, ended } = start(database, many.paths, "--batch-size", "10", "--json");
    await untilStored(database, 100);
    child.kill(signal);
    const result = await ended;
    if (result.status !== 0 || attempt === MOST_TRIES) return { database, ...result };
  }
}

const MOST_TRIES = 10;

describe("a run", () => {
  test.each(["SIGINT", "SIGTERM"] as const)(
    "that is told to stop by %s stores what it has, and the next run completes it",
    async (signal) => {
      const folder = temporaryFolder();
      const { database, stdout, ...result } = await stopWhileReading(folder, signal);
      expect(result).toEqual({ status: 130, signal: undefined, stderr: "" });
      expect(JSON.parse(stdout)).toMatchObject({ isInterrupted: true });
      expectWholeBatches(database, many);
      expect((await runCli(["stats", "--db", database])).status).toBe(0);
      expectDone(await start(database, many.paths).ended);
      expectSame(database, await ingestUndisturbed(many));
    },
  );

  test("that finds the disk full stores what fits, says so, and the next run completes it", async () => {
    const database = join(temporaryFolder(), "pilot.db");
    const expected = await ingestUndisturbed(many);
    const limit = `trap '' XFSZ; ulimit -f ${Math.round((expected.sizeBytes * 0.8) / 1024)}`;
    const result = await startProgram(ingestArgv(database, many.paths), limit).ended;
    expect(result).toMatchObject({ status: 3, stderr: expect.stringMatching(/^error: .+\.\nhint: .+\n$/) });
    expectWholeBatches(database, many);
    expect(storedLines(database)).toBeGreaterThan(0);
    expectDone(await start(database, many.paths).ended);
    expectSame(database, expected);
  });

  test("does not keep readers from reading whole batches", async () => {
    const database = join(temporaryFolder(), "pilot.db");
    const { ended } = start(database, few.paths, "--batch-size", "10");
    let isRunning = true;
    const result = ended.finally(() => {
      isRunning = false;
    });
    await untilStored(database, 1);
    for (let reads = 0; isRunning || reads === 0; reads++) {
      const { status, stderr } = await runCli(["stats", "--db", database, "--json"]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expectSourcesBegin(database, few);
      await sleep(50);
    }
    expectDone(await result);
  });
});

describe("a run that makes its database", () => {
  test("and is killed while doing so leaves one that the next run can use", async () => {
    const folder = temporaryFolder();
    const log = join(folder, "mainlog");
    writeFileSync(log, SMALL_LOGS.main);
    for (let kill = 0; kill < Math.max(5, KILLS / 3); kill++) {
      const database = join(folder, `${kill}.db`);
      const { child, ended } = start(database, [log]);
      while (!existsSync(database)) await sleep(1);
      await sleep(random.upTo(25));
      child.kill("SIGKILL");
      await ended;
      expect(await runCli(ingestArgv(database, [log]))).toMatchObject({ status: 0, stderr: "" });
      expect(readSources(database).map(({ bytes }) => bytes.equals(SMALL_LOGS.main))).toEqual([true]);
    }
  });
});

describe.each(Array.from({ length: Math.ceil(KILLS / 15) }, (_, index) => index))("two runs at once (%i)", () => {
  test("over different logs of a server store both", async () => {
    const database = join(temporaryFolder(), "pilot.db");
    const runs = few.paths.map((path) => start(database, [path], "--batch-size", "20").ended);
    for (const result of await Promise.all(runs)) expectDoneOrRefused(result);
    expectWholeBatches(database, few);
    for (const path of few.paths) expectDone(await start(database, [path]).ended);
    expectSame(database, await ingestUndisturbed(few));
  });

  test("over the same logs store each line once", async () => {
    const database = join(temporaryFolder(), "pilot.db");
    const runs = [1, 2, 3].map(() => start(database, few.paths, "--batch-size", "20").ended);
    for (const result of await Promise.all(runs)) expectDoneOrRefused(result);
    expectWholeBatches(database, few);
    expectDone(await start(database, few.paths).ended);
    expectSame(database, await ingestUndisturbed(few));
  });
});

describe("a run over few lines", () => {
  test.each(["is stopped", "crashes"] as const)(
    "that %s after any of its batches goes on as if nothing had been",
    async (what) => {
      const folder = temporaryFolder();
      const paths = Object.entries(SMALL_LOGS).map(([log, bytes]) => {
        const path = join(folder, `${log}log`);
        writeFileSync(path, bytes);
        return path;
      });
      const whole = join(folder, "whole.db");
      await ingestInto(whole, paths, { batchLines: 1 });
      const batches = countBatches(whole);
      const expected = { views: dumpViews(whole), sources: dumpSources(whole) };
      expect(batches).toBeGreaterThan(20);
      for (let last = 1; last <= batches; last++) {
        const database = join(folder, `${last}.db`);
        await ingestUntil(database, paths, last, what);
        expect(countBatches(database)).toBe(last);
        await ingestInto(database, paths, { batchLines: 3 });
        expectSame(database, expected);
      }
    },
  );
});

interface Logs {
  readonly folder: string;
  readonly paths: readonly string[];
  /** By path. */
  readonly bytes: ReadonlyMap<string, Buffer>;
}

/** Writes a main and a reject log with the traffic of so many messages. */
function writeLogs(messages: number): Logs {
  const folder = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
  const paths = (["main", "reject"] as const).map((log) => {
    const path = join(folder, `${log}log`);
    writeFileSync(path, [...generateLog(log, { messages, seed: 7 })].join(""));
    return path;
  });
  return { folder, paths, bytes: new Map(paths.map((path) => [path, readFileSync(path)])) };
}

interface Expected {
  readonly views: Record<string, string[]>;
  readonly sources: string[];
  readonly sizeBytes: number;
}

const undisturbed = new Map<Logs, Expected>();

/** Result of one run without interruption. */
async function ingestUndisturbed(logs: Logs): Promise<Expected> {
  let known = undisturbed.get(logs);
  if (known === undefined) {
    const database = join(logs.folder, "undisturbed.db");
    expectDone(await start(database, logs.paths).ended);
    const sizeBytes = statSync(database).size;
    known = { views: dumpViews(database), sources: dumpSources(database), sizeBytes };
    undisturbed.set(logs, known);
  }
  return known;
}

function start(database: string, paths: readonly string[], ...flags: readonly string[]) {
  return startProgram(ingestArgv(database, paths, ...flags));
}

function expectDone(result: ChildResult): void {
  expect(result).toMatchObject({ status: 0, stderr: "" });
}

/** A run may find another in its way; it then says so in one sentence. */
function expectDoneOrRefused(result: ChildResult): void {
  if (result.status === 0) expectDone(result);
  else
    expect(result).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(
        /^(?:error: .*(?:is locked by another process|Another run of exim-pilot).*\.\nhint: .+\n)+$/,
      ),
    });
}

/** Expects a sound database whose sources are beginnings of the logs, or none at all. */
function expectWholeBatches(path: string, logs: Logs): void {
  if (!existsSync(path) || statSync(path).size === 0) return;
  const database = new Database(path);
  try {
    expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
    expect(database.pragma("foreign_key_check")).toEqual([]);
    if (!database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'sources'").get()) return;
  } finally {
    database.close();
  }
  expectSourcesBegin(path, logs);
}

function expectSourcesBegin(path: string, { bytes }: Logs): void {
  for (const source of readSources(path)) {
    const log = bytes.get(source.path);
    expect(source.bytes.length).toBeGreaterThan(0);
    expect(log?.subarray(0, source.bytes.length).equals(source.bytes)).toBe(true);
    expect(source.lines).toBe(source.bytes.toString("latin1").split("\n").length - 1);
  }
}

function expectSame(database: string, { views, sources }: Omit<Expected, "sizeBytes">): void {
  expect(differences(dumpViews(database), views)).toEqual([]);
  expect(dumpSources(database)).toEqual(sources);
}

function remove(database: string): void {
  for (const ending of ["", "-wal", "-shm"]) rmSync(database + ending, { force: true });
}

/** Waits until a run has stored so many lines. */
async function untilStored(path: string, lines: number): Promise<void> {
  for (;;) {
    if (existsSync(path) && storedLines(path) >= lines) return;
    await sleep(5);
  }
}

function storedLines(path: string): number {
  try {
    return readSources(path).reduce((sum, source) => sum + source.lines, 0);
  } catch {
    // NOTE: it is being made.
    return 0;
  }
}

function countBatches(path: string): number {
  const database = new Database(path, { readonly: true });
  try {
    return (database.prepare("SELECT count(*) AS count FROM raw_blocks").get() as { count: number }).count;
  } finally {
    database.close();
  }
}

/** Runs until so many batches are stored, and ends there in the given way. */
async function ingestUntil(
  path: string,
  paths: readonly string[],
  batches: number,
  how: "is stopped" | "crashes",
): Promise<void> {
  const controller = new AbortController();
  let stored = 0;
  const run = withWriter(path, (writer) =>
    ingest(paths, { stdin: Readable.from([]) }, writer, {
      ...OPTIONS,
      batchLines: 1,
      signal: controller.signal,
      onProgress: () => {
        stored++;
        if (stored !== batches) return;
        if (how === "crashes") throw new Error("the crash");
        controller.abort();
      },
    }),
  );
  if (how === "crashes") await expect(run).rejects.toThrow("the crash");
  else expect((await run).isInterrupted).toBe(true);
}
