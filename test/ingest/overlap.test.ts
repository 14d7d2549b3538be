/** Runs that meet: another run of the same log, a full disk, a database that takes the place of the one that is filled. */
import { spawnSync } from "node:child_process";
import { appendFileSync, copyFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { ingest } from "../../src/ingest/ingest.ts";
import { openWriter } from "../../src/store/store.ts";
import { hasStrace } from "../crash/trace.ts";
import { ingestArgv, PROGRAM } from "../support/child.ts";
import { runCli } from "../support/cli.ts";
import { ingestInto, NOW, OPTIONS, storeSettings, temporaryFolder } from "../support/database.ts";
import { generateLog } from "../support/generate.ts";
import { SMALL_LOGS } from "../support/small-log.ts";
import { differences, dumpViews, readSources } from "../support/views.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const TEXT = SMALL_LOGS.main;

describe("a run whose log another one reads meanwhile", () => {
  test.each([
    { waitMs: 5000, result: "read" },
    { waitMs: 0, result: "failed" },
  ])("waits for $waitMs ms at most", async ({ waitMs, result }) => {
    const folder = temporaryFolder();
    const [log, database] = [join(folder, "mainlog"), join(folder, "pilot.db")];
    writeFileSync(log, TEXT);
    const writer = openWriter(storeSettings(database, waitMs));
    let others = 0;
    const onProgress = (): void => {
      if (others++ > 0) return;
      const argv = [PROGRAM, ...ingestArgv(database, [log], "--log-type", "main")];
      expect(spawnSync(process.execPath, argv, { env: { ...process.env, TZ: "UTC" } }).status).toBe(0);
    };
    try {
      const { logs } = await ingest([log], { stdin: Readable.from([]) }, writer, {
        ...OPTIONS,
        batchLines: 3,
        onProgress,
      });
      expect(logs).toMatchObject([
        { result: result === "read" ? expect.stringMatching(/^(?:read|unchanged)$/) : "failed" },
      ]);
      expect(logs[0]?.error?.code).toBe(result === "failed" ? "in_use" : undefined);
    } finally {
      writer.close();
    }
    expect(readSources(database).map(({ bytes }) => bytes.equals(TEXT))).toEqual([true]);
    const whole = join(folder, "whole.db");
    await ingestInto(whole, [log], { logType: "main" });
    expect(differences(dumpViews(database), dumpViews(whole))).toEqual([]);
  });
});

describe("a disk that is nearly full", () => {
  test("is left with room for prune: nothing is written, and the next run goes on", async () => {
    const folder = temporaryFolder();
    const [log, database] = [join(folder, "mainlog"), join(folder, "pilot.db")];
    writeFileSync(log, TEXT);
    let free = Number.POSITIVE_INFINITY;
    const writer = openWriter({ ...storeSettings(database), freeBytes: () => free });
    const run = (onProgress = (): void => {}) =>
      ingest([log], { stdin: Readable.from([]) }, writer, { ...OPTIONS, batchLines: 3, onProgress });
    try {
      const stops = (): void => {
        free = 1000;
      };
      await expect(run(stops)).rejects.toMatchObject({
        code: "disk_full",
        message: expect.stringContaining("`prune`"),
      });
      const [stored] = readSources(database);
      expect(stored?.lines).toBe(3);
      await expect(run()).rejects.toMatchObject({ code: "disk_full" });
      expect(readSources(database)).toEqual([stored]);
      free = Number.POSITIVE_INFINITY;
      await run();
    } finally {
      writer.close();
    }
    expect(readSources(database).map(({ bytes }) => bytes.equals(TEXT))).toEqual([true]);
  });

  const mayMount = spawnSync("unshare", ["--mount", "true"], { stdio: "ignore" }).status === 0;
  if (!mayMount) test.skip("a small file system was not filled: nothing can be mounted here");
  test.skipIf(!mayMount)("takes prune, in fact", () => {
    const folder = temporaryFolder();
    const log = join(folder, "mainlog");
    writeFileSync(log, [...generateLog("main", { messages: 10_000, seed: 3 })].join(""));
    const script = `mount -t tmpfs -o size=8m tmpfs "$1" && cd "$1" || exit 99
      "$2" "$3" ingest -q --server mx1 --timezone UTC --db mail.db --log-type main "$4"; echo "ingest $?"
      "$2" "$3" prune -q --db mail.db --logs 1d --messages 1d --force; echo "prune $?"
      "$2" "$3" verify --db mail.db >&2; echo "verify $?"`;
    const place = temporaryFolder();
    const { stdout, stderr } = spawnSync(
      "unshare",
      ["--mount", "/bin/sh", "-c", script, "sh", place, process.execPath, PROGRAM, log],
      { encoding: "utf8" },
    );
    expect({ stdout, stderr }).toEqual({
      stdout: "ingest 3\nprune 0\nverify 0\n",
      stderr: expect.stringMatching(/^error: The disk that holds "[^"]*" is nearly full/),
    });
  });
});

test("a database that takes the place of the one that is filled gets all that it lacks, and what comes", async () => {
  const folder = temporaryFolder();
  const [log, database, other] = ["mainlog", "pilot.db", "other.db"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const lines = TEXT.toString("latin1").split(/(?<=\n)/);
  const add = (from: number, to: number): void => appendFileSync(log, lines.slice(from, to).join(""), "latin1");
  const stored = (): boolean => readSources(database).some(({ bytes }) => bytes.equals(readFileSync(log)));
  add(0, 3);
  await ingestInto(other, [log], { logType: "main" });
  const controller = new AbortController();
  const open = () => openWriter(storeSettings(database));
  const writer = open();
  const options = { ...OPTIONS, logType: "main" as const, isFollowing: true, signal: controller.signal, reopen: open };
  const running = ingest([log], { stdin: Readable.from([]) }, writer, options);
  try {
    add(3, 6);
    while (!stored()) await sleep(20);
    copyFileSync(other, `${other}.copy`);
    for (const [next, end] of [
      [other, 9],
      [`${other}.copy`, lines.length],
    ] as const) {
      renameSync(next, database);
      add(end === 9 ? 6 : 9, end);
      await sleep(600);
      while (!isThere(stored)) await sleep(20);
    }
  } finally {
    controller.abort();
    await running;
    writer.close();
  }
  const whole = join(folder, "whole.db");
  await ingestInto(whole, [log], { logType: "main" });
  expect(differences(dumpViews(database), dumpViews(whole))).toEqual([]);
  expect((await runCli(["verify", "--deep", "--db", database], { now: () => NOW })).status).toBe(0);
});

const isTraceable = hasStrace();
if (!isTraceable) test.skip("the syncs of a pipe were not counted: strace is not installed");
test.skipIf(!isTraceable)("what comes through a pipe into a new database is synced while it comes", async () => {
  const folder = temporaryFolder();
  const [database, trace] = [join(folder, "pilot.db"), join(folder, "trace")];
  const feed =
    'for n in 1 2 3 4 5 6; do echo "2026-03-02 06:16:00 Start queue run: pid=$n"; sleep 0.7; echo fed >&2; done';
  const argv = [process.execPath, PROGRAM, ...ingestArgv(database, ["-"], "-q", "--log-type", "main")];
  const { status } = spawnSync(
    "/bin/sh",
    ["-c", `(${feed}) 2>/dev/null | strace -f -qq -ttt -e trace=fsync,fdatasync -o "$0" "$@"`, trace, ...argv],
    { env: { ...process.env, TZ: "UTC", UV_USE_IO_URING: "0" } },
  );
  expect(status).toBe(0);
  const times = [...readFileSync(trace, "latin1").matchAll(/^\d+ +(\d+\.\d+) (?:fsync|fdatasync)\(/gm)].map(
    ([, time]) => Number(time),
  );
  // Two lines at most, of six that come apart, may share a sync.
  const last = times.at(-1) ?? 0;
  const meanwhile = new Set(times.filter((time) => time < last - 0.5).map((time) => Math.floor(time / 0.7)));
  expect(meanwhile.size).toBeGreaterThanOrEqual(3);
  expect(readSources(database)).toMatchObject([{ lines: 6 }]);
});

function isThere(condition: () => boolean): boolean {
  try {
    return condition();
  } catch {
    // NOTE: it is being replaced.
    return false;
  }
}
