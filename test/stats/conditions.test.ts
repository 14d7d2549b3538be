import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseCondition } from "../../src/stats/conditions.ts";
import { epochMs } from "../../src/units.ts";
import { runCli } from "../support/cli.ts";
import { ingestInto, temporaryFolder, withReader } from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";

describe("a condition", () => {
  test.each([
    ["deferred>5%", { figure: "deferred", operator: ">", limit: 0.05, unit: "share" }],
    [" frozen >= 10 ", { figure: "frozen", operator: ">=", limit: 10, unit: "count" }],
    ["received<1", { figure: "received", operator: "<", limit: 1, unit: "count" }],
    ["bounced<=0.5%", { figure: "bounced", operator: "<=", limit: 0.005, unit: "share" }],
    ["queue-p95>30min", { figure: "queue-p95", operator: ">", limit: 1800, unit: "seconds" }],
    ["queue-p99>1.5d", { figure: "queue-p99", operator: ">", limit: 129_600, unit: "seconds" }],
  ])("is read from %s", (text, expected) => {
    expect(parseCondition(text)).toEqual({ text, ...expected });
  });

  test.each([
    "",
    "deferred",
    "deferred>",
    ">5%",
    "deferd>5%",
    "deferred=5%",
    "deferred>5min",
    "queue-p95>5%",
    "queue-p95>5",
  ])("is not %s", (text) => {
    expect(parseCondition(text)).toBeUndefined();
  });

  test.each(["received>5%", "serious>1%", "constructor>1", "deferred>-5%"])(
    "is not %s, which has no meaning",
    (text) => {
      expect(parseCondition(text)).toBeUndefined();
    },
  );
});

describe("stats --fail-if", () => {
  test("exits 1 with one line for each condition that holds, at its very limit too", async () => {
    const db = `${temporaryFolder()}/pilot.db`;
    await makeGoldenDatabase(db);
    const check = async (...conditions: string[]) => {
      const flags = conditions.flatMap((condition) => ["--fail-if", condition]);
      const { status, stdout, stderr } = await runCli(["stats", "--quiet", "--silence", "0", "--db", db, ...flags]);
      expect(stdout).toBe("");
      return { status, stderr };
    };
    // 8 of 81 recipients bounced, 2 of 77 messages are frozen.
    expect(await check("bounced>8")).toEqual({ status: 0, stderr: "" });
    expect(await check("bounced>=8")).toEqual({ status: 1, stderr: "fail-if bounced>=8: it is 8\n" });
    expect(await check("bounced<8", "frozen<=2", "bounced>9.87%", "bounced>9.88%")).toEqual({
      status: 1,
      stderr: "fail-if frozen<=2: it is 2\nfail-if bounced>9.87%: it is 9.9 %\n",
    });
    expect(
      await check("delivered<100%", "open>6", "rejected>=42", "discarded>=3", "timeouts>0", "received<78"),
    ).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^(fail-if .*\n){5}$/),
    });
  });

  test("takes what cannot be measured for no alarm, but that nothing was read of the time", async () => {
    const db = `${temporaryFolder()}/pilot.db`;
    await makeGoldenDatabase(db);
    const never = ["--since", "2020-01-01", "--until", "2020-01-02"];
    const flags = ["deferred<101%", "queue-p50<1d"].flatMap((condition) => ["--fail-if", condition]);
    expect(await runCli(["stats", "--quiet", "--db", db, ...never, ...flags])).toEqual({
      status: 1,
      stdout: "",
      stderr: "fail-if no data (coverage: none): the newest line is of 2026-03-10 16:34:33 (UTC)\n",
    });
  });

  test("is an alarm when nothing came for longer than is usual, or than --silence allows", async () => {
    const db = `${temporaryFolder()}/pilot.db`;
    await makeGoldenDatabase(db);
    const check = async (time: string, ...flags: string[]) => {
      const now = () => epochMs(Date.parse(time));
      const { status, stderr } = await runCli(["stats", "--quiet", "--db", db, "--fail-if", "serious>1000", ...flags], {
        now,
      });
      return { status, stderr };
    };
    // The newest line is of 2026-03-10 16:34:33; the log has gaps of hours.
    const quiet = { status: 0, stderr: "" };
    expect(await check("2026-03-10T17:00:00Z")).toEqual(quiet);
    expect(await check("2026-03-17T16:34:33Z")).toEqual({
      status: 1,
      stderr: expect.stringMatching(
        /^fail-if silence of mx1>.+: it is 7 d; the newest line is of 2026-03-10 16:34:33 \(UTC\)\n$/,
      ),
    });
    expect(await check("2026-03-10T17:00:00Z", "--silence", "10m")).toEqual({
      status: 1,
      stderr: "fail-if silence of mx1>10 min: it is 25 min 27 s; the newest line is of 2026-03-10 16:34:33 (UTC)\n",
    });
    expect(await check("2026-03-17T16:34:33Z", "--silence", "200h")).toEqual(quiet);
    expect(await check("2026-03-17T16:34:33Z", "--silence", "0")).toEqual(quiet);
    // A time that is over when the newest line came, is not asked for one; one that ended later is.
    expect((await check("2026-03-17T16:34:33Z", "--until", "2026-03-16")).status).toBe(1);
    expect(await check("2026-03-17T16:34:33Z", "--until", "2026-03-09")).toEqual(quiet);
  });
});

test("stats that is interrupted says so and prints no half of it", async () => {
  const db = `${temporaryFolder()}/pilot.db`;
  await makeGoldenDatabase(db);
  const { status, stdout, stderr } = await runCli(["stats", "--db", db], { signal: AbortSignal.abort() });
  expect({ status, stdout }).toEqual({ status: 130, stdout: "" });
  expect(stderr).toMatch(/^error: Interrupted/);
});

test("figures are those of one moment, whatever is written meanwhile", async () => {
  const db = `${temporaryFolder()}/pilot.db`;
  const log = `${db}.log`;
  await makeGoldenDatabase(db);
  await withReader(db, async ({ stats }) => {
    const count = async (): Promise<number> => (await stats.overview()).lines;
    await stats.atOneMoment(async () => {
      const before = await count();
      writeFileSync(log, "2026-04-01 05:40:05 1w7q8c-0005eI-2Q <= a@b.example U=a P=local S=1\n");
      await ingestInto(db, [log], { logType: "main" });
      expect(await count()).toBe(before);
    });
    expect(await count()).toBe(577);
  });
});
