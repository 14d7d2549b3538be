/** An ingest of a few lines in the first thread: as in a thread of its own when it can be, and else not begun. */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import Database from "better-sqlite3";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { briefBundleFor, NotBrief } from "../../src/cli/quick.ts";
import { epochMs } from "../../src/units.ts";
import { runCli } from "../support/cli.ts";
import { temporaryFolder } from "../support/database.ts";
import { SMALL_LOGS } from "../support/small-log.ts";
import { differences, dumpViews, queryAll } from "../support/views.ts";

const BRIEF = { isBrief: true };
const MUCH = SMALL_LOGS.main.toString("latin1").repeat(400);
const LATER = MUCH.replaceAll("06:16", "07:17");
const FEW = SMALL_LOGS.main.indexOf("\n2026-03-02 06:16:01 1vwwZU-0005VB-1y ==");

/** A database that knows the beginning of a log, and the whole log. */
async function begun() {
  const folder = temporaryFolder();
  const [database, log] = [join(folder, "pilot.db"), join(folder, "mainlog")];
  writeFileSync(log, SMALL_LOGS.main.subarray(0, FEW + 1));
  const argv = ["ingest", "--db", database, "--server", "mx1", "--timezone", "UTC"];
  expect((await runCli([...argv, log])).status).toBe(0);
  appendFileSync(log, SMALL_LOGS.main.subarray(FEW + 1));
  return { folder, database, log, argv };
}

test("a brief ingest says and stores what any other ingest does, and records it", async () => {
  const [one, other] = [await begun(), await begun()];
  writeFileSync(join(one.folder, "rejectlog"), SMALL_LOGS.reject);
  writeFileSync(join(other.folder, "rejectlog"), SMALL_LOGS.reject);
  const brief = await runCli([...one.argv, one.log, join(one.folder, "rejectlog")], BRIEF);
  const usual = await runCli([...other.argv, other.log, join(other.folder, "rejectlog")]);
  expect(brief.status).toBe(0);
  // Each names its own database.
  expect({ ...brief, stdout: brief.stdout.replace(one.database, other.database) }).toEqual(usual);
  expect(differences(dumpViews(one.database), dumpViews(other.database))).toEqual([]);
  expect(auditsOf(one.database)).toEqual([
    { action: "ingest", result: "done" },
    { action: "ingest", result: "done" },
  ]);
});

test("a brief ingest continues a log wherever it stopped before", async () => {
  const whole = temporaryFolder();
  const database = join(whole, "pilot.db");
  writeFileSync(join(whole, "mainlog"), SMALL_LOGS.main);
  const flags = ["--server", "mx1", "--timezone", "UTC"];
  await runCli(["ingest", "--db", database, ...flags, join(whole, "mainlog")]);
  const expected = dumpViews(database);
  const cut = fc.integer({ min: 1, max: SMALL_LOGS.main.length - 1 });
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(cut, { minLength: 1, maxLength: 3 }), async (cuts) => {
      const folder = temporaryFolder();
      const [path, log] = [join(folder, "pilot.db"), join(folder, "mainlog")];
      const argv = ["ingest", "--db", path, ...flags, log];
      const [first = 1, ...others] = cuts.sort((a, b) => a - b);
      writeFileSync(log, SMALL_LOGS.main.subarray(0, first));
      await runCli([...argv, "--log-type", "main"]);
      for (const end of [...others, SMALL_LOGS.main.length]) {
        writeFileSync(log, SMALL_LOGS.main.subarray(0, end));
        expect((await runCli(argv, BRIEF)).status).toBe(0);
      }
      expect(differences(dumpViews(path), expected)).toEqual([]);
    }),
    { numRuns: 15 },
  );
});

describe("a brief ingest is not begun, and leaves the database as it was,", () => {
  test.each<[string, (ground: Awaited<ReturnType<typeof begun>>) => readonly string[]]>([
    ["when a log has much that is new", ({ log }) => [written(log, MUCH)]],
    ["when little is followed by much", ({ log, folder }) => [log, written(join(folder, "much"), LATER)]],
    [
      "when an archive has something new",
      ({ folder }) => [written(join(folder, "mainlog.1.gz"), gzipSync(SMALL_LOGS.reject))],
    ],
    ["when something was read and the next is no file", ({ log }) => [log, "/dev/null"]],
    ["when the server is known with another time zone", ({ log }) => [log, "--timezone", "Asia/Tokyo"]],
  ])("%s", async (_what, words) => {
    const ground = await begun();
    const given = words(ground);
    const before = { views: dumpViews(ground.database), runs: runsOf(ground.database) };
    await expect(runCli([...ground.argv, ...given], BRIEF)).rejects.toThrow(NotBrief);
    expect({ views: dumpViews(ground.database), runs: runsOf(ground.database) }).toEqual(before);
  });

  test("when there is no database yet", async () => {
    const { log, folder } = await begun();
    await expect(runCli(["ingest", "--db", join(folder, "new.db"), log], BRIEF)).rejects.toThrow(NotBrief);
    expect(() => readFileSync(join(folder, "new.db"))).toThrow("ENOENT");
  });

  test("when another process writes", async () => {
    const { database, argv, log } = await begun();
    const holder = new Database(database);
    holder.exec("BEGIN IMMEDIATE");
    await expect(runCli([...argv, log], BRIEF)).rejects.toThrow(NotBrief);
    holder.close();
    expect((await runCli([...argv, log], BRIEF)).status).toBe(0);
  });
});

test("the work of a brief ingest is recorded though another process writes at its end", async () => {
  const { database, argv, log } = await begun();
  const holder = new Database(database);
  let isHeld = false;
  // The clock is asked after the run has been stored and before it is recorded.
  const now = () => {
    const isStored = !isHeld && runsOf(database).at(-1)?.result === "done" && runsOf(database).length === 2;
    if (isStored) {
      isHeld = true;
      holder.exec("BEGIN IMMEDIATE");
      setTimeout(() => holder.exec("COMMIT"), 300);
    }
    return epochMs(Date.now());
  };
  const { status, stderr } = await runCli([...argv, log], { ...BRIEF, now });
  expect({ status, stderr, isHeld }).toEqual({ status: 0, stderr: "", isHeld: true });
  expect(auditsOf(database)).toHaveLength(2);
  holder.close();
});

describe("which commands may be brief", () => {
  test.each([
    ["ingest /var/log/exim4", "ingest"],
    ["ingest --quiet --since 2d --db package.json mainlog", "ingest"],
    ["ingest --db is-not-there.db mainlog", undefined],
    ["ingest -q -s mx1 mainlog", "ingest"],
    ["ingest -", undefined],
    ["ingest --follow mainlog", undefined],
    ["ingest -f mainlog", undefined],
    ["ingest -qf mainlog", undefined],
    ["ingest --syslog mainlog", undefined],
    ["ingest --help", undefined],
    ["trace 1vwwZU-0005V4-1s", "trace"],
    ["trace 1vwwZU-0005V4-1s --chain", undefined],
    ["trace bob@b.test", undefined],
    ["help statuses", "words"],
    ["", "words"],
    ["stats", undefined],
  ])("%s: %s", (line, bundle) => {
    expect(briefBundleFor(line === "" ? [] : line.split(" "))).toBe(bundle);
  });
});

function written(path: string, content: string | Uint8Array): string {
  writeFileSync(path, content);
  return path;
}

function auditsOf(path: string) {
  return queryAll(path, "SELECT action, result FROM stored_audit ORDER BY id");
}

function runsOf(path: string) {
  return queryAll<{ readonly result: string }>(path, "SELECT * FROM ingest_runs ORDER BY id");
}
