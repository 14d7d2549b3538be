/** Figures with what is added up in advance are those without it, whatever came in which order and whatever went. */
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SectionName } from "../../src/stats/sections.ts";
import { computeStats, type Stats } from "../../src/stats/stats.ts";
import { CheckRunner } from "../../src/store/integrity/check-runner.ts";
import { ROLLUPS } from "../../src/store/integrity/checks/rollups.ts";
import type { StatsFilter } from "../../src/store/stats/selection.ts";
import { type EpochMs, epochMs, HOUR_MS, MINUTE_MS } from "../../src/units.ts";
import { runCli } from "../support/cli.ts";
import { ingestInto, temporaryFolder, withReader, withWriter } from "../support/database.ts";
import { generateTraffic } from "../support/generate.ts";
import { pruneOptions, runPrune } from "../support/pruning.ts";
import { SMALL_LOGS } from "../support/small-log.ts";
import { statsRequest } from "../support/stats-request.ts";
import { queryAll } from "../support/views.ts";

const START_MS = Date.UTC(2026, 2, 2);
const RUNS = Number(process.env["EXIM_PILOT_TORTURE"] ?? 2);
/** Sizes so small that a few messages make several chunks. */
const SIZES = { messages: 4, blocks: 2 };

/** Sections made of rollups. */
const SECTIONS: readonly SectionName[] = [
  "problems",
  "totals",
  "series",
  "hours",
  "bounces",
  "deferrals",
  "providers",
  "retries",
];

const LOGS = ["main", "reject", "panic", "syslog"] as const;

const scenario = fc.record({
  seed: fc.nat(1_000_000),
  messages: fc.integer({ min: 5, max: 40 }),
  gapMs: fc.constantFrom(MINUTE_MS, HOUR_MS),
  batchLines: fc.constantFrom(1, 4, 25),
  steps: fc.array(fc.tuple(fc.constantFrom(...LOGS), fc.double({ min: 0, max: 1, noNaN: true })), {
    minLength: 2,
    maxLength: 3,
  }),
  time: fc.tuple(fc.integer({ min: -1, max: 40 }), fc.integer({ min: 1, max: 40 })),
  kept: fc.double({ min: 0.1, max: 0.9, noNaN: true }),
});

describe("what is added up in advance", () => {
  test("changes no figure: while logs grow in any order, after a prune, after a rebuild", {
    timeout: 60_000 + RUNS * 15_000,
  }, async () => {
    let chunks = 0;
    await fc.assert(
      fc.asyncProperty(scenario, async ({ steps, time, kept, batchLines, ...traffic }) => {
        const path = join(temporaryFolder(), "pilot.db");
        const since = epochMs(START_MS + time[0] * (HOUR_MS / 2));
        const filters = [{}, { servers: ["mx1"], since, until: epochMs(since + time[1] * HOUR_MS) }];
        const logs = logsOf(traffic);
        const all = LOGS.map((log) => [log, 1] as const);
        for (const [log, share] of [...steps, ...all]) {
          const file = join(temporaryFolder(), `${log}log`);
          writeFileSync(file, logs[log].subarray(0, Math.ceil(logs[log].length * share)));
          await ingestInto(path, [file], { batchLines, logType: log });
          chunks += await expectSame(path, filters);
        }
        expect(await runCli(["rebuild", "--db", path])).toMatchObject({ status: 0 });
        await expectSame(path, filters);
        const now = epochMs(START_MS + traffic.messages * traffic.gapMs);
        await pruneTo(path, now, traffic.messages * traffic.gapMs * kept);
        await expectSame(path, filters);
      }),
      {
        numRuns: RUNS,
        examples: [
          // More than 128 blocks: the run of ingest makes a chunk of its own size.
          [
            {
              ...{ seed: 0, messages: 15, gapMs: HOUR_MS, batchLines: 1, kept: 0.1 },
              ...{ steps: [["main", 0] as const, ["main", 0] as const], time: [0, 1] },
            },
          ],
        ],
      },
    );
    expect(chunks).toBeGreaterThan(10 * RUNS);
  });
});

function logsOf(traffic: { seed: number; messages: number; gapMs: number }): Record<(typeof LOGS)[number], Buffer> {
  const entries = [...generateTraffic({ ...traffic, startMs: START_MS })];
  const text = (log: "main" | "reject"): Buffer =>
    Buffer.concat([Buffer.from(entries.map((entry) => entry[log] ?? "").join("")), SMALL_LOGS[log]]);
  return { ...SMALL_LOGS, main: text("main"), reject: text("reject") };
}

/** Before and after all is added up anew; returns how many chunks there were. */
async function expectSame(path: string, filters: readonly StatsFilter[]): Promise<number> {
  const plain = withoutChunks(path);
  const expected = await figuresOf(plain, filters);
  // Earlier chunks are still sound after the changes.
  expectSound(path);
  expect(await figuresOf(path, filters)).toEqual(expected);
  await withWriter(path, (writer) => {
    while (writer.write((transactor) => transactor.rollUp(SIZES)));
  });
  expectSound(path);
  expect(await figuresOf(path, filters)).toEqual(expected);
  return queryAll(path, "SELECT 1 FROM rolled_chunks").length;
}

function figuresOf(path: string, filters: readonly StatsFilter[]): Promise<Stats[]> {
  return withReader(path, async ({ stats }) => {
    const all: Stats[] = [];
    for (const filter of filters) {
      const request = statsRequest({ filter, sections: SECTIONS, timeZone: "Europe/Berlin", axes: ["sender", "mx"] });
      all.push(await computeStats(stats, request));
    }
    return all;
  });
}

/** A copy of the database in which nothing is added up. */
function withoutChunks(path: string): string {
  const copy = join(temporaryFolder(), "plain.db");
  copyFileSync(path, copy);
  const database = new Database(copy);
  database.exec("DELETE FROM rolled_chunks");
  database.close();
  return copy;
}

function expectSound(path: string): void {
  const database = new Database(path, { readonly: true });
  try {
    const steps = [...new CheckRunner(database).run(ROLLUPS, false)];
    expect(steps.filter((step) => typeof step === "string")).toEqual([]);
  } finally {
    database.close();
  }
}

async function pruneTo(path: string, now: EpochMs, keptMs: number): Promise<void> {
  const policy = {
    logs: keptMs,
    messages: keptMs,
    open: undefined,
    audit: undefined,
    snapshots: undefined,
    content: undefined,
    outbox: undefined,
    incidents: undefined,
    notes: undefined,
  };
  await runPrune(path, { ...pruneOptions(path, now), policy, isForced: true });
}
