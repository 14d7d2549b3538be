/**
 * Prunes that are killed at any instant, stopped by a signal or by a full disk, beside runs that read logs: after each end the database
 * is sound and tells all that it has, and the next prune ends where one that nobody disturbed does. EXIM_PILOT_TORTURE=200 kills 200 times.
 */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ingestArgv, startProgram } from "../support/child.ts";
import { runCli } from "../support/cli.ts";
import { ingestInto } from "../support/database.ts";
import { generateLog, Random } from "../support/generate.ts";
import { differences, dumpViews, queryAll, readSources } from "../support/views.ts";

const KILLS = Number(process.env["EXIM_PILOT_TORTURE"] ?? 4);
const random = new Random(Number(process.env["EXIM_PILOT_SEED"] ?? 1));
const MESSAGES = process.env["EXIM_PILOT_TORTURE"] === undefined ? 120 : 400;
const DAY_MS = 86_400_000;
/** A log that began so many days ago has ended: its messages stay on the queue for four at most. */
const ENDED_DAYS = 6;
/** Share of an undisturbed prune that is skipped: text takes longest, and names and space are what a kill may leave half done. */
const EARLIEST_SHARE = 0.3;

vi.setConfig({ testTimeout: 120_000 + KILLS * 15_000, hookTimeout: 60_000 });

let folder: string;
let full: string;
let text: Buffer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
  full = join(folder, "full.db");
  const log = join(folder, "mainlog");
  const lines = [120, 40, ENDED_DAYS].flatMap((days, index) => [
    ...generateLog("main", { messages: MESSAGES, seed: index + 1, startMs: Date.now() - days * DAY_MS }),
  ]);
  writeFileSync(log, lines.join(""));
  text = readFileSync(log);
  await ingestInto(full, [log], { batchLines: 20 });
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function prune(database: string, ...flags: readonly string[]) {
  const spans = ["--logs", "30d", "--messages", "50d", "--force", "--quiet"];
  return startProgram(["prune", "--db", database, ...spans, ...flags]);
}

async function pruneWhole(database: string, ...flags: readonly string[]): Promise<number> {
  const startedMs = performance.now();
  expect(await prune(database, ...flags).ended).toMatchObject({ status: 0, stderr: "" });
  return performance.now() - startedMs;
}

/** Every text that a row names is found by it. */
async function expectSound(database: string): Promise<void> {
  const { stdout, status } = await runCli(["verify", "--db", database]);
  expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining("Sound:") });
}

async function expectAllFound(database: string): Promise<void> {
  const named = queryAll<{ address: string }>(
    database,
    "SELECT DISTINCT recipient AS address FROM recipients WHERE recipient LIKE '%@%' ORDER BY 1",
  );
  for (let turn = 0; turn < 5 && named.length > 0; turn++) {
    const { address } = random.pick(named);
    const { stdout, status } = await runCli(["search", "--recipient", address, "--count", "--db", database]);
    expect({ address, status, isFound: Number(stdout) > 0 }).toEqual({ address, status: 0, isFound: true });
  }
}

/** Expects the pieces of an archive to hold each byte of the log at its place. */
function expectArchived(directory: string, database: string): void {
  const held = Buffer.alloc(text.length);
  const isHeld = Buffer.alloc(text.length);
  for (const name of readdirSync(directory).filter((file) => /^[^.].*\.gz\.json$/.test(file))) {
    const path = join(directory, name.slice(0, -".json".length));
    if (!existsSync(path)) continue;
    const { position, size } = JSON.parse(readFileSync(join(directory, name), "utf8")) as {
      position: number;
      size: number;
    };
    gunzipSync(readFileSync(path)).copy(held, position);
    isHeld.fill(1, position, position + size);
  }
  const [{ pruned } = { pruned: -1 }] = queryAll<{ pruned: number }>(database, "SELECT pruned FROM stored_sources");
  expect(isHeld.subarray(0, pruned).every((byte) => byte === 1)).toBe(true);
  expect(held.subarray(0, pruned).equals(text.subarray(0, pruned))).toBe(true);
  expect(readSources(database)[0]?.bytes.equals(text.subarray(pruned))).toBe(true);
}

describe("a prune that is killed at any instant", () => {
  test("leaves a sound database that tells all it has, and the next one does the rest", async () => {
    const undisturbed = join(folder, "undisturbed.db");
    copyFileSync(full, undisturbed);
    const usualMs = await pruneWhole(undisturbed, "--archive", join(folder, "undisturbed"));
    const expected = dumpViews(undisturbed);
    let killed = 0;
    for (let attempt = 0; killed < KILLS; attempt++) {
      const [database, archive] = [join(folder, `${attempt}.db`), join(folder, `archive${attempt}`)];
      copyFileSync(full, database);
      const { child, ended } = prune(database, "--archive", archive);
      await Promise.race([ended, sleep(usualMs * (EARLIEST_SHARE + (1 - EARLIEST_SHARE) * random.next()))]);
      child.kill("SIGKILL");
      if ((await ended).signal === "SIGKILL") killed++;
      await expectSound(database);
      await expectAllFound(database);
      if (existsSync(archive)) expectArchived(archive, database);
      await pruneWhole(database, "--archive", archive);
      expectArchived(archive, database);
      expect((await runCli(["verify", "--deep", "--db", database])).stdout).toContain("Sound:");
      expect(differences(dumpViews(database), expected)).toEqual([]);
      expect(queryAll(database, "SELECT count(*) AS texts FROM unused_texts")).toEqual([{ texts: 0 }]);
      for (const path of [database, archive]) rmSync(path, { recursive: true, force: true });
    }
  });
});

describe("a prune that is told to stop", () => {
  test.each(["SIGINT", "SIGTERM"] as const)("by %s ends with 130, and the next one does the rest", async (signal) => {
    const [database, archive] = [join(folder, `${signal}.db`), join(folder, signal)];
    copyFileSync(full, database);
    const { child, ended } = prune(database, "--archive", archive);
    while (queryAll<{ pruned: number }>(database, "SELECT pruned FROM stored_sources")[0]?.pruned === 0) await sleep(5);
    child.kill(signal);
    expect(await ended).toMatchObject({ status: 130, signal: undefined });
    await expectSound(database);
    expectArchived(archive, database);
    await pruneWhole(database, "--archive", archive);
    expectArchived(archive, database);
  });
});

describe("a prune that finds the disk full", () => {
  test("says so, and removes nothing", async () => {
    const [database, archive] = [join(folder, "limited.db"), join(folder, "limited")];
    copyFileSync(full, database);
    const before = dumpViews(database);
    const argv = ["prune", "--db", database, "--logs", "30d", "--archive", archive, "--force", "--quiet"];
    expect(await startProgram(argv, "trap '' XFSZ; ulimit -f 16").ended).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/^(?:note: .+\.\n)*error: .+\.\nhint: .+\n$/),
    });
    expect(differences(dumpViews(database), before)).toEqual([]);
    await expectSound(database);
    await pruneWhole(database, "--archive", archive);
    expectArchived(archive, database);
  });
});

describe("a prune that is killed beside a run that reads logs", () => {
  test("leaves every text findable that the run came to name", async () => {
    const log = join(folder, "again");
    const database = join(folder, "beside.db");
    copyFileSync(full, database);
    // NOTE: the same names as in what goes, in messages of these days.
    const lines = [...generateLog("main", { messages: MESSAGES, seed: 1, startMs: Date.now() - ENDED_DAYS * DAY_MS })];
    writeFileSync(log, lines.join(""));
    const reading = startProgram(ingestArgv(database, [log], "--quiet", "--batch-size", "10")).ended;
    let isReading = true;
    const ended = reading.finally(() => {
      isReading = false;
    });
    for (let kill = 0; kill < Math.max(2, KILLS / 4) || isReading; kill++) {
      const running = prune(database);
      await Promise.race([running.ended, sleep(300 + 600 * random.next())]);
      running.child.kill("SIGKILL");
      await running.ended;
      await expectAllFound(database);
    }
    expect(await ended).toMatchObject({ status: 0 });
    await expectSound(database);
    await pruneWhole(database);
    await expectAllFound(database);
    expect((await runCli(["verify", "--deep", "--db", database])).stdout).toContain("Sound:");
  });
});
