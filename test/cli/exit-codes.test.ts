import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXIT_CODES } from "../../src/cli/commands/help.ts";
import { EXIT_BUG, EXIT_STATUS } from "../../src/errors.ts";
import { runCli } from "../support/cli.ts";
import { FIXTURES } from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";
import { queryAll } from "../support/views.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
const LOG = join(FIXTURES, "corpus", "default", "mainlog");

beforeAll(() => makeGoldenDatabase(DB));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

describe("help exit-codes", () => {
  test("lists every status that an error, a bug or a success ends with, and no other", async () => {
    const { stdout } = await runCli(["help", "exit-codes"]);
    const listed = [...stdout.matchAll(/^ {2}(\d+) +\S/gm)].map(([, status]) => Number(status));
    expect(listed).toEqual(EXIT_CODES.map(([status]) => status));
    expect(new Set(listed)).toEqual(new Set([0, EXIT_BUG, ...Object.values(EXIT_STATUS)]));
    expect(listed).toEqual([...new Set(listed)].sort((left, right) => left - right));
  });

  test("lists statuses that a shell can tell apart", () => {
    for (const [status] of EXIT_CODES) expect(status).toBeLessThan(256);
  });
});

describe("the program ends with", () => {
  test.each([
    ["--version"],
    ["--help"],
    ["trace", "--help"],
    ["help"],
    ["help", "trace"],
    ["stats", "--db", DB],
    ["trace", "--db", DB, "1vx5YS-0006QZ-1J"],
  ])("0 when it is done: %s %s %s", async (...argv) => {
    expect(await runCli(argv)).toMatchObject({ status: 0, stderr: "" });
  });

  test.each([
    ["a message that is not known", ["trace", "--db", DB, "1vwz8c-0005eI-2R"]],
    ["a database that is not there to be up to date", ["migrate", "--status", "--db", join(FOLDER, "none.db")]],
    [
      "a log with a line that is none, and --strict",
      ["ingest", "--strict", "--log-type", "main", "--db", join(FOLDER, "strict.db"), "-"],
    ],
  ])("1 when the answer is no: %s", async (_what, argv) => {
    expect(await runCli(argv, { stdin: "what is this\n2026-03-02 05:40:05 Completed\n" })).toMatchObject({ status: 1 });
  });

  test.each([
    ["no command", []],
    ["a command that is not there", ["frobnicate"]],
    ["a flag that is not there", ["stats", "--frobnicate"]],
    ["a topic that is not there", ["help", "frobnicate"]],
    ["a value that cannot be", ["ingest", "--batch-size", "-1", LOG]],
    ["a section that is none", ["stats", "nosuch"]],
    ["an argument too few", ["trace"]],
    ["flags that exclude each other", ["migrate", "--status", "--dry-run"]],
    ["an id that is none", ["trace", "1vzzei-000A8x-2BX"]],
    ["a time zone that is none", ["ingest", "--timezone", "Mars/Olympus", LOG]],
    ["a folder for a database", ["stats", "--db", FOLDER]],
  ])("2 when it was used wrongly: %s", async (_what, argv) => {
    const { status, stdout, stderr } = await runCli(argv, { env: { EXIM_PILOT_DB: DB } });
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).not.toContain("bug");
    expect(stderr).toMatch(argv.length === 0 ? /^Usage: / : /^error: /);
  });

  test.each([
    ["a database that is not there", ["stats", "--db", join(FOLDER, "none.db")]],
    ["a log that is not there", ["ingest", "--db", join(FOLDER, "io.db"), join(FOLDER, "none.log")]],
    ["a file that is no database", ["stats", "--db", LOG]],
    ["a folder that is not there", ["ingest", "--db", join(FOLDER, "none", "x.db"), LOG]],
    ["a folder without a log", ["ingest", "--quiet", "--db", join(FOLDER, "io.db"), join(ROOT, "schema")]],
    ["a pattern that matches nothing", ["ingest", "--db", join(FOLDER, "io.db"), join(FOLDER, "main*")]],
  ])("3 when it could not do it: %s", async (_what, argv) => {
    const { status, stderr } = await runCli(argv);
    expect({ status, stderr }).toEqual({
      status: 3,
      stderr: expect.stringMatching(/^error: \S.*\.\nhint: \S.*\.\n$/s),
    });
  });

  test("70 when it waits for what never comes, and says so", async () => {
    // NOTE: a decompression that takes a chunk and never says so.
    const preload = join(FOLDER, "never.mjs");
    writeFileSync(preload, 'import zlib from "node:zlib"; zlib.Gunzip.prototype._transform = () => {};');
    const archive = join(FOLDER, "never.gz");
    writeFileSync(archive, gzipSync(readFileSync(LOG)));
    const argv = [join(ROOT, "bin", "exim-pilot.js"), "ingest", "--db", join(FOLDER, "never.db"), archive];
    const program = spawn(process.execPath, ["--import", preload, ...argv], { stdio: ["ignore", "pipe", "pipe"] });
    const [[status], stderr] = await Promise.all([once(program, "close"), text(program.stderr)]);
    expect(status).toBe(EXIT_BUG);
    expect(stderr).toContain("This is a bug in exim-pilot");
    expect(stderr).toContain("The command ended without a result");
  });

  test("4 when the database is newer", async () => {
    const path = join(FOLDER, "newer.db");
    await runCli(["migrate", "--db", path]);
    const database = new Database(path);
    database.pragma("user_version = 999");
    database.close();
    for (const argv of [
      ["stats"],
      ["trace", "1vx5YS-0006QZ-1J"],
      ["migrate"],
      ["migrate", "--status"],
      ["ingest", LOG],
    ]) {
      const { status, stderr } = await runCli([...argv, "--db", path]);
      expect(status, argv[0]).toBe(4);
      expect(stderr).toContain("schema 999");
    }
  });

  test("130 when it was told to stop, and says so", async () => {
    const stop = new AbortController();
    stop.abort();
    const argv = ["ingest", "--db", join(FOLDER, "stopped.db"), LOG];
    const { status, stdout } = await runCli(argv, { signal: stop.signal });
    expect({ status, stdout }).toEqual({ status: 130, stdout: expect.stringContaining("Interrupted") });
  });
});

describe("a bug", () => {
  const bug = new TypeError("streams are \u001b[31mnot\u001b[0m writable today");
  const broken = {
    write: () => {
      throw bug;
    },
  };

  test.each([
    ["help", ["help", "statuses"]],
    ["help of a command", ["help", "trace"]],
    ["stats", ["stats", "--db", DB]],
    ["trace", ["trace", "--db", DB, "1vx5YS-0006QZ-1J"]],
    ["ingest", ["ingest", "--db", join(FOLDER, "bug.db"), LOG]],
    ["migrate", ["migrate", "--db", join(FOLDER, "bug.db")]],
    ["the version", ["--version"]],
  ])("in %s ends with 70, its stack and a request to report it", async (_what, argv) => {
    const { status, stderr } = await runCli(argv, { stdout: broken });
    expect(status).toBe(70);
    expect(stderr).toContain("This is a bug in exim-pilot");
    expect(stderr).toContain("TypeError: streams are");
    expect(stderr).toMatch(/\n\s+at \S+/);
    expect(stderr).toContain(`command: ${argv[0]}`);
  });

  test("is shown without control characters, and without the arguments, which may be private", async () => {
    const { stderr } = await runCli(["trace", "--db", DB, "1vx5YS-0006QZ-1J"], { stdout: broken });
    expect(stderr).toContain("\\x1b[31mnot");
    expect(stderr).not.toContain("\u001b");
    expect(stderr).not.toContain("1vx5YS-0006QZ-1J");
  });

  test("does not leave the database open", async () => {
    await runCli(["ingest", "--db", join(FOLDER, "closed.db"), LOG], { stdout: broken });
    // Closing the database moves what was committed into it.
    expect(statSync(join(FOLDER, "closed.db-wal")).size).toBe(0);
  });
});

describe("the program as it is installed", () => {
  test.each([
    ["trace", ["trace", "--json", "1vx5YT-0006RL-10"]],
    ["stats", ["stats"]],
    ["help", ["help", "statuses"]],
    ["--help", ["--help"]],
  ])("%s ends with 0 and without a word when the reader of its output has gone", async (_what, argv) => {
    const child = start([...argv, ...(argv[0]?.includes("help") === true ? [] : ["--db", DB])]);
    child.stdout.destroy();
    const [stderr, [status]] = await Promise.all([text(child.stderr), once(child, "exit")]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  test("stores everything though nobody reads its summary", async () => {
    const path = join(FOLDER, "unread.db");
    const child = start(["ingest", "--db", path, LOG]);
    child.stdout.destroy();
    const [stderr, [status]] = await Promise.all([text(child.stderr), once(child, "exit")]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(queryAll(path, "SELECT sum(lines) AS lines FROM sources")).toEqual([
      { lines: readFileSync(LOG, "latin1").split("\n").length - 1 },
    ]);
    expect(queryAll(path, "SELECT result FROM ingest_runs")).toEqual([{ result: "done" }]);
  });

  test("hands its status on to the shell", async () => {
    const child = start(["trace", "--db", DB, "1vwz8c-0005eI-2R"]);
    const [stdout, [status]] = await Promise.all([text(child.stdout), once(child, "exit")]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  });
});

function start(argv: readonly string[]) {
  return spawn(process.execPath, [join(ROOT, "bin", "exim-pilot.js"), ...argv], { stdio: ["ignore", "pipe", "pipe"] });
}
