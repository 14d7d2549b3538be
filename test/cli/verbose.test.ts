/** A command reports its steps when it is asked to: on standard error alone, without anything of the logs, and for any command. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { diagnosticListener, listen, traced } from "../../src/diagnostics.ts";
import { runCli } from "../support/cli.ts";
import { PLAIN_QUESTIONS } from "../support/commands.ts";
import { makeGoldenDatabase } from "../support/golden.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
beforeAll(() => makeGoldenDatabase(DB));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const LINE = /^debug +\+[\d.]+ m?s {2}/;
const ASKED: readonly (readonly string[])[] = [
  // NOTE: doctor tells the free space, which changes meanwhile.
  ...PLAIN_QUESTIONS.filter((name) => name !== "doctor").map((name) => [name, "--json"]),
  ["trace", "1vx5YT-0006RL-10", "--json"],
  ["search", "--from", "bob@example.org", "--json"],
  ["sql", "SELECT count(*) AS n FROM messages", "--format", "json"],
  ["tag", "--json"],
  ["servers", "--json"],
  ["migrate", "--status", "--json"],
  ["prune", "--dry-run", "--force", "--json"],
];

describe("--verbose", () => {
  test.each(ASKED)("of %s leaves the answer as it is", async (...argv) => {
    const plain = await runCli([...argv, "--db", DB]);
    const verbose = await runCli([...argv, "--db", DB, "--verbose"]);
    expect(verbose.status).toBe(plain.status);
    expect(verbose.stdout.replaceAll(/"(?:seconds|durationMs|duration_seconds)": ?[\d.]+/g, "")).toBe(
      plain.stdout.replaceAll(/"(?:seconds|durationMs|duration_seconds)": ?[\d.]+/g, ""),
    );
    const lines = verbose.stderr.split("\n").filter((line) => LINE.test(line));
    expect(lines[0]).toContain(` ${argv[0]}, Node.js `);
    expect(lines.some((line) => line.includes(`open ${DB} for `))).toBe(true);
    expect(lines.at(-1)).toMatch(new RegExp(`ended with status ${plain.status} after `));
    expect(verbose.stderr.replaceAll(/^debug .*\n/gm, "")).toBe(plain.stderr);
  });

  test("reads a database that is opened without locks, by a URI", async () => {
    const ingested = join(FOLDER, "ingested.db");
    const line = "2026-03-02 05:40:05 exim 4.96 daemon started: pid=812\n";
    await runCli(["ingest", "-", "--log-type", "main", "--db", ingested], { stdin: line });
    // NOTE: the last connection to close removes the log, which a reader then does not make.
    const last = new Database(ingested);
    last.pragma("wal_checkpoint(TRUNCATE)");
    last.close();
    expect(existsSync(`${ingested}-wal`)).toBe(false);
    const { status, stderr } = await runCli(["servers", "--verbose", "--db", ingested]);
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringMatching(/for reading: .* bytes \d+, log 0, schema \d+/),
    });
  });

  test("tells how many rows a statement gave, and no value that the user or a log gave", async () => {
    const secret = "bob@example.org";
    const { stderr } = await runCli(["search", "--address", secret, "--db", DB], { env: { EXIM_PILOT_LOG: "plans" } });
    expect(stderr).toMatch(/ms, runs \d+, rows \d+: SELECT /i);
    expect(stderr).toMatch(/plan of select .*\n.*(?:SEARCH|SCAN) /i);
    expect(stderr).not.toContain(secret);
    expect(stderr).not.toContain("example.org");
  });

  test("tells what an ingest does, and for how long each log is read", async () => {
    const log = join(FOLDER, "new.db");
    const { stderr } = await runCli(["ingest", "-", "--quiet", "--verbose", "--log-type", "main", "--db", log], {
      stdin: "2026-03-02 05:40:05 exim 4.96 daemon started: pid=812\n",
    });
    expect(stderr).toMatch(/read -: [\d.]+ m?s, result read, lines 1, bytes 54\n/);
    expect(stderr).toMatch(/commit: /);
  });

  test("tells of the process that works on a statement, and nothing of its arguments", async () => {
    const { stderr } = await runCli(["sql", "SELECT 4711", "--verbose", "--db", DB]);
    expect(stderr).toMatch(/process \d+ \(node\d*\): [\d.]+ m?s, ended with /);
    expect(stderr).not.toContain("4711");
  });

  test("may stand before the command, and in the environment", async () => {
    for (const [argv, env] of [
      [["--verbose", "servers", "--db", DB], {}],
      [["servers", "--db", DB], { EXIM_PILOT_LOG: "debug" }],
    ] as const)
      expect((await runCli(argv, { env })).stderr).toMatch(LINE);
    for (const env of [{}, { EXIM_PILOT_LOG: "" }])
      expect((await runCli(["servers", "--db", DB], { env })).stderr).toBe("");
  });

  test("is refused as another word of the environment", async () => {
    const { status, stderr } = await runCli(["servers", "--db", DB], { env: { EXIM_PILOT_LOG: "info" } });
    expect(status).toBe(2);
    expect(stderr).toMatch(/EXIM_PILOT_LOG cannot be "info"\.\nhint: Give debug or plans/);
  });

  test("tells the end of what failed", async () => {
    const { status, stderr } = await runCli(["servers", "--verbose", "--db", join(FOLDER, "none.db")]);
    expect(status).toBe(3);
    expect(stderr).toMatch(/ended with status 3 after /);
    expect(diagnosticListener()).toBeUndefined();
  });
});

describe("a step", () => {
  async function told(run: () => unknown): Promise<string[]> {
    const events: string[] = [];
    listen({
      onStep: (name) => {
        events.push(`begin ${name}`);
        return (figures) => events.push(`end ${name} ${JSON.stringify(figures)}`);
      },
      onStatement: () => () => {},
      onPlan: undefined,
    });
    try {
      await run();
    } catch (error) {
      events.push(String(error));
    } finally {
      listen(undefined);
    }
    return events;
  }

  test.each([
    [
      "at once",
      () =>
        traced(
          "x",
          () => 2,
          (n) => ({ n }),
        ),
      ["begin x", 'end x {"n":2}'],
    ],
    [
      "later",
      () =>
        traced(
          "x",
          async () => 2,
          (n) => ({ n }),
        ),
      ["begin x", 'end x {"n":2}'],
    ],
    [
      "with a failure",
      () =>
        traced("x", () => {
          throw new Error("no");
        }),
      ["begin x", 'end x {"failed":"yes"}', "Error: no"],
    ],
    [
      "with a failure later",
      () => traced("x", () => Promise.reject(new Error("no"))),
      ["begin x", 'end x {"failed":"yes"}', "Error: no"],
    ],
  ] as const)("that ends %s is told", async (_how, run, events) => {
    expect(await told(run)).toEqual(events);
  });

  test("is only run when nobody listens", () => {
    expect(traced("x", () => 2)).toBe(2);
  });
});
