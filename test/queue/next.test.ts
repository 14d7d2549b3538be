import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import type { RetryHint } from "../../src/spool/hints.ts";
import { findNextTries, nextRun, toQueueRuns } from "../../src/spool/next-try.ts";
import { epochMs } from "../../src/units.ts";
import { expectFailure, runCli } from "../support/cli.ts";
import { FIXTURES, ingestInto, temporaryFolder } from "../support/database.ts";
import { trimmedSpool } from "./snapshots.ts";

const HINTS = join(FIXTURES, "queue", "hints", "retry");
const hint = (key: string): RetryHint => ({
  key,
  firstFailedAt: epochMs(0),
  lastTriedAt: epochMs(60_000),
  nextTryAt: epochMs(600_000),
  isExpired: false,
  errno: -44,
  moreErrno: 0,
  reason: "later",
});

describe("a record is about", () => {
  const ask = (key: string, name: string, sender?: string, hosts: string[] = []): string | undefined =>
    findNextTries({
      subjects: [{ name, sender, hosts }],
      hints: [hint(key)],
      runs: undefined,
      rules: undefined,
      now: epochMs(0),
    })[0]?.tries[0]?.about;

  test.each([
    ["R:bob@x.example", "bob@x.example", undefined, "address"],
    ["R:bob@x.example:<a@y.example>", "bob@x.example", "a@y.example", "address"],
    ["R:bob@x.example:<a@y.example>", "bob@x.example", "b@y.example", undefined],
    ["R:bob@x.example:<>", "bob@x.example", "", "address"],
    ["R:x.example", "bob@x.example", undefined, "domain"],
    ["R:x.example", "x.example", undefined, "domain"],
    ["R:bob@x.example:<a@y.example>", "x.example", undefined, "address"],
    ["R:bob@other.example", "bob@x.example", undefined, undefined],
    ["T:mx.x.example:192.0.2.1", "mx.x.example", undefined, "host"],
    ["T:mx.x.example:192.0.2.1", "mx.x", undefined, undefined],
    ["T:/var/mail/bob:bob@x.example", "bob@x.example", undefined, "delivery"],
    ["T:bob@x.example", "bob@x.example", undefined, "delivery"],
  ])("%s for %s from %s", (key, name, sender, expected) => {
    expect(ask(key, name, sender)).toBe(expected);
  });

  test("a host that the log names for a recipient", () => {
    expect(ask("T:mx.x.example:192.0.2.1", "bob@x.example", undefined, ["mx.x.example"])).toBe("host");
  });
});

test("queue runs: the median of the times between them, and the first one that is not too early", () => {
  const minutes = (...values: number[]) => values.map((value) => epochMs(value * 60_000));
  const now = epochMs(210 * 60_000);
  expect(toQueueRuns(minutes(90, 60), now)).toBeUndefined();
  expect(toQueueRuns(minutes(200, 190, 90, 50, 0), now)).toBeUndefined();
  expect(toQueueRuns(minutes(90, 60, 30, 0), now)).toBeUndefined();
  const runs = toQueueRuns(minutes(200, 90, 60, 30, 0), now);
  expect(runs).toEqual({ lastAt: 200 * 60_000, everySeconds: 1800 });
  expect(nextRun(epochMs(210 * 60_000), runs)).toBe(230 * 60_000);
  expect(nextRun(epochMs(230 * 60_000), runs)).toBe(230 * 60_000);
  expect(nextRun(epochMs(230 * 60_000 + 30_000), runs)).toBe(230 * 60_000);
  expect(nextRun(epochMs(232 * 60_000), runs)).toBe(260 * 60_000);
  expect(nextRun(epochMs(0), runs)).toBe(230 * 60_000);
});

const AT = "2026-03-06T23:45:00Z";
const LOG = ["21:11", "21:41", "22:11", "22:41", "23:11", "23:41"]
  .map(
    (clock, index) =>
      `2026-03-06 ${clock}:01 Start queue run: pid=${100 + index}\n2026-03-06 ${clock}:05 End queue run: pid=${100 + index}\n`,
  )
  .join("");

test("queue next says when an address is tried next, from hints and queue runs, and where each sentence is from", async () => {
  const folder = temporaryFolder();
  const [log, db] = [join(folder, "mainlog"), join(folder, "mail.db")];
  writeFileSync(log, LOG);
  await ingestInto(db, [log], { timeZone: "UTC" });
  const { status, stdout } = await runCli([
    "queue",
    "next",
    "mar@rules.example",
    "--db",
    db,
    "--hints",
    HINTS,
    "--at",
    AT,
  ]);
  expect(status).toBe(0);
  expect(stdout.replace(/\s+/g, " ")).toBe(
    "mar@rules.example Exim has a retry record of this address, R:mar@rules.example:<app@partner.example>: first failure 2026-03-02 21:20:29, " +
      "last try 2026-03-06 23:41:01, next try not before 2026-03-07 05:41:01 (in 5 h 56 min). [hint record] " +
      "Because: H=mx.rules.example [203.0.113.14]: SMTP error from remote mail server after RCPT TO:<mar@rules.example>: 450 4.2.0 stuck for mar [hint record] " +
      "It is past the final cut-off: the next failure bounces it. [hint record] " +
      "Next try about 2026-03-07 05:41:01. [hint record and queue runs in the log] " +
      "Queue runs begin every 30 min. [seen in the log] Times are in UTC. ",
  );
});

test("Berkeley DB, SQLite and exim_dumpdb tell the same; without queue runs nothing is guessed", async () => {
  const folder = temporaryFolder();
  const sqlite = join(folder, "retry");
  const dump = readFileSync(`${HINTS}.txt`, "utf8");
  const database = new Database(sqlite);
  database.exec("CREATE TABLE tblblob (ky BLOB PRIMARY KEY, dat BLOB)");
  const value = Buffer.alloc(48 + 5);
  for (const [index, seconds] of [1_772_840_461, 1_772_486_429, 1_772_840_461, 1_772_862_061].entries())
    value.writeBigInt64LE(BigInt(seconds), 8 * index);
  value.write("later\0", 44);
  database
    .prepare("INSERT INTO tblblob VALUES (?, ?)")
    .run(Buffer.from("R:mar@rules.example:<app@partner.example>\0"), value);
  database.close();
  const ask = async (...argv: string[]) => {
    const { stdout } = await runCli(
      ["queue", "next", "mar@rules.example", "--db", join(folder, "none.db"), "--at", AT, "--json", ...argv],
      { stdin: dump },
    );
    const { runsEverySeconds, answers } = JSON.parse(stdout);
    expect(runsEverySeconds).toBeNull();
    const [{ firstFailedAt, lastTriedAt, notBefore, nextAbout }] = answers[0].tries;
    return { firstFailedAt, lastTriedAt, notBefore, nextAbout };
  };
  const expected = {
    firstFailedAt: "2026-03-02T21:20:29.000Z",
    lastTriedAt: "2026-03-06T23:41:01.000Z",
    notBefore: "2026-03-07T05:41:01.000Z",
    nextAbout: null,
  };
  expect(await ask("--hints", HINTS)).toEqual(expected);
  expect(await ask("--hints", sqlite)).toEqual(expected);
  expect(await ask("--hints", "-")).toEqual(expected);
  expect((await ask("--hints", "-", "--hints-timezone", "America/New_York")).notBefore).toBe(
    "2026-03-07T10:41:01.000Z",
  );
});

test("a message asks for each of its recipients; a frozen one waits for nobody", async () => {
  const { directory } = trimmedSpool("default");
  const ask = (id: string) =>
    runCli(["queue", "next", id, "--spool", directory, "--hints", HINTS, "--db", "none.db", "--json"]);
  const answers = JSON.parse((await ask("1vzOI8-0009wa-1t")).stdout).answers;
  expect(answers.map(({ subject, tries }: { subject: string; tries: object[] }) => [subject, tries.length])).toEqual([
    ["busy92689@rules.example", 1],
  ]);
  expect(JSON.parse((await ask("1vzzei-000A94-2t")).stdout).isFrozen).toBe(true);
  expectFailure(await ask("1vzzei-000A94-2X"), { status: 1, says: /is not on the queue/ });
});

test("what cannot be read is told", async () => {
  const folder = temporaryFolder();
  const file = (name: string, bytes: Buffer | string): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const ask = (...argv: string[]) => runCli(["queue", "next", "x.example", "--db", "none.db", ...argv]);
  expectFailure(await ask(), { status: 2, says: /The log does not say when Exim tries again/ });
  expectFailure(await ask("--hints", join(folder, "none")), { status: 3, says: /no such file/ });
  expectFailure(await ask("--hints", folder), { status: 2, says: /is no regular file/ });
  expectFailure(await ask("--hints", file("gdbm", "\x13\x57\x9a\xcd")), { status: 2, says: /GDBM/ });
  expectFailure(await ask("--hints", file("cut", readFileSync(HINTS).subarray(0, 5000))), {
    status: 3,
    says: /cannot be read: It says it has/,
  });
  const other = join(folder, "other");
  new Database(other).exec("CREATE TABLE mail (id INTEGER)").close();
  expectFailure(await ask("--hints", other), { status: 2, says: /none with hints of Exim's/ });
  expectFailure(await ask("--hints", file("bad", `SQLite format 3\0${"x".repeat(4096)}`)), {
    status: 3,
    says: /SQLite that cannot be read/,
  });
});
