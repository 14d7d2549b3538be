/** First guesses: what people type before they have read anything becomes a command, or is told which one they mean. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readArgv } from "../../src/cli/declare/argv.ts";
import { COMMANDS, commandMeantBy, isOneSlip } from "../../src/cli/declare/command-words.ts";
import { buildProgram } from "../../src/cli/declare/program.ts";
import { expectFailure, runCli } from "../support/cli.ts";
import { makeGoldenDatabase } from "../support/golden.ts";
import { SMALL_LOGS } from "../support/small-log.ts";
import { stillIo } from "../support/still-io.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
const ID = "1vzzei-000A8x-2B";
const SMALL_ID = "1vwwZU-0005V4-1s";

beforeAll(() => makeGoldenDatabase(DB));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const read = (...argv: string[]): readonly string[] => readArgv(argv, (name) => name.endsWith("mainlog"));

test("the words for commands are those of the program", () => {
  expect([...COMMANDS].sort()).toEqual(
    buildProgram(stillIo(), () => {})
      .commands.map((command) => command.name())
      .sort(),
  );
});

describe("arguments", () => {
  test.each<[string[], string[]]>([
    [
      ["trace", "x", "--json"],
      ["trace", "x", "--json"],
    ],
    [
      ["--db", "m.db", "trace", "x"],
      ["trace", "--db", "m.db", "x"],
    ],
    [
      ["--db=m.db", "--json", "-s", "mx1", "stats"],
      ["stats", "--db=m.db", "--json", "-s", "mx1"],
    ],
    [["--version"], ["--version"]],
    [["version"], ["--version"]],
    [
      ["check", "--quick"],
      ["verify", "--quick"],
    ],
    [
      ["show", ID],
      ["trace", ID],
    ],
    [
      ["find", "x"],
      ["search", "x"],
    ],
    [
      ["stats", "yesterday"],
      ["stats", "--since", "yesterday", "--until", "yesterday"],
    ],
    [
      ["stats", "top", "2026-03-05"],
      ["stats", "top", "--since", "2026-03-05", "--until", "2026-03-05"],
    ],
    [
      ["stats", "7d", "bounces"],
      ["stats", "--since", "7d", "bounces"],
    ],
    [
      ["stats", "--since", "yesterday", "--until", "7d"],
      ["stats", "--since", "yesterday", "--until", "7d"],
    ],
    [
      ["grep", "x"],
      ["search", "x"],
    ],
    [[ID], ["trace", ID]],
    [
      ["--db", "m.db", "1wOu9A-000000005dE-1lr8", "--raw"],
      ["trace", "--db", "m.db", "1wOu9A-000000005dE-1lr8", "--raw"],
    ],
    [["1vzzei"], ["trace", "1vzzei"]],
    [["1vzzei-000A8x"], ["trace", "1vzzei-000A8x"]],
    [["<a.b@c>"], ["trace", "<a.b@c>"]],
    [
      ["bob@example.org", "-n", "3"],
      ["search", "--address", "bob@example.org", "-n", "3"],
    ],
    [["203.0.113.0/24"], ["search", "--ip", "203.0.113.0/24"]],
    [["2001:db8::25"], ["search", "--ip", "2001:db8::25"]],
    [["example.org"], ["search", "--domain", "example.org"]],
    [["@example.org"], ["search", "--domain", "example.org"]],
    [
      ["trace", "--log", "mainlog", "bob@example.org", "--json"],
      ["trace", "bob@example.org", "--log", "mainlog", "--json"],
    ],
    [
      ["search", "--log", "mainlog", "rejectlog.2.gz", "rejected RCPT"],
      ["search", "rejected RCPT", "--log", "mainlog", "rejectlog.2.gz"],
    ],
    [
      ["stats", "bounces", "--log", "/x/exim*", "series", "--csv"],
      ["stats", "bounces", "series", "--log", "/x/exim*", "--csv"],
    ],
    [
      ["trace", "--log", "nowhere", "--json"],
      ["trace", "--log", "nowhere", "--json"],
    ],
    [
      ["stats", "-bydomain", "-t20", "-html=page.html", "-utc"],
      ["stats", "--by", "domain", "--by", "sender-domain", "--limit", "20", "--html", "page.html", "--timezone", "UTC"],
    ],
    [
      ["search", "-t20"],
      ["search", "-t20"],
    ],
    [["servers", "list"], ["servers"]],
    [["users", "list"], ["users"]],
    [["note", "list"], ["note"]],
    [
      ["incidents", "list", "--all"],
      ["incidents", "--all"],
    ],
    [
      ["--db", "m.db", "tag", "list", "--json"],
      ["tag", "--db", "m.db", "--json"],
    ],
    [["-v"], ["--version"]],
    [
      ["--help", "trace"],
      ["trace", "--help"],
    ],
    [
      ["--help", "nonsense"],
      ["--help", "nonsense"],
    ],
    [[], []],
    [["--help"], ["--help"]],
  ])("%j are %j", (argv, expected) => {
    expect(read(...argv)).toEqual(expected);
  });

  test.each([
    ["import", "ingest"],
    ["serch", "search"],
    ["tarce", "trace"],
    ["stat", "stats"],
    ["report", "stats"],
    ["upgrade", "migrate"],
    ["STATUS", "doctor"],
  ])("%s is no command, and means %s", (word, meant) => {
    expect(() => read(word)).toThrow(`There is no command "${word}".`);
    expect(commandMeantBy(word)).toBe(meant);
  });

  test.each(["frobnicate", "x", "sources2x", "1234567"])("%s means nothing", (word) => {
    expect(() => read(word)).toThrow(`There is no command "${word}".`);
    expect(commandMeantBy(word)).toBeUndefined();
  });

  test.each(["mainlog", "example.org.mainlog"])("%s that is a file is told what can be done with it", (name) => {
    expect(() => read(name)).toThrow("is a file");
  });
});

test.each([
  ["stats", "stat", true],
  ["stats", "sttas", true],
  ["stats", "stxts", true],
  ["stats", "staats", true],
  ["stats", "stats", false],
  ["stats", "sats2", false],
  ["stats", "tsast", false],
])("from %s to %s is one slip: %j", (meant, typed, isOne) => {
  expect(isOneSlip(typed, meant)).toBe(isOne);
});

describe("guessed flags", () => {
  const count = async (...argv: string[]): Promise<number> =>
    Number((await runCli(["search", "--db", DB, "--count", ...argv])).stdout);

  test("-i of grep is what search does anyway", async () => {
    expect(await count("-i", "COMPLETED")).toBe(await count("completed"));
    expect((await runCli(["search", "-i", "-I", "x", "--db", DB])).status).toBe(2);
  });

  test("ask what the flags ask that they mean", async () => {
    const pairs: readonly (readonly [string[], string[]])[] = [
      [
        ["--from", "bob@example.org"],
        ["--sender", "bob@example.org"],
      ],
      [
        ["--from", "example.org"],
        ["--sender", "*@example.org"],
      ],
      [
        ["--to", "@bigmail.example"],
        ["--recipient", "*@bigmail.example"],
      ],
      [
        ["--from", "2026-03-09"],
        ["--since", "2026-03-09"],
      ],
      [
        ["--to", "2026-03-09"],
        ["--until", "2026-03-09"],
      ],
      [
        ["--from", "2026-03-05", "--to", "2026-03-09", "--from", "example.org"],
        ["--since", "2026-03-05", "--until", "2026-03-09", "--sender", "*@example.org"],
      ],
    ];
    const everything = await count();
    for (const [guessed, meant] of pairs) {
      const found = await count(...guessed);
      expect(found, guessed.join(" ")).toBe(await count(...meant));
      expect(found, guessed.join(" ")).toBeGreaterThan(0);
      expect(found, guessed.join(" ")).toBeLessThan(everything);
    }
  });

  test.each([
    [["--from", "?"], "--from cannot be"],
    [["--last", "fortnight"], "--last cannot be"],
    [["--last", "2h", "--since", "3h"], "--last and --since both name a time"],
    [["--from", "2h", "--since", "3h"], "--from and --since both name a time"],
  ])("%j are refused", async (argv, says) => {
    expectFailure(await runCli(["search", "--db", DB, ...argv]), { status: 2, says });
  });
});

describe("an id that is cut", () => {
  test.each([ID.slice(0, 6), ID.slice(0, 9), ID.slice(0, 14)])("%s finds the message", async (text) => {
    const { status, stdout } = await runCli(["trace", text, "--db", DB, "--limit", "1000"]);
    expect(status).toBe(0);
    expect(stdout).toContain(ID);
  });

  test("that no message has is told as one", async () => {
    expectFailure(await runCli(["trace", "1zzzzz-00", "--db", DB]), {
      status: 1,
      says: "The database knows no message whose id begins with 1zzzzz-00.",
    });
  });
});

describe("a failure", () => {
  const failing = ["trace", "1zzzzz-000000-00", "--db", DB];

  test("is printed as JSON too where JSON is asked for, and nothing else is", async () => {
    const { status, stdout, stderr } = await runCli([...failing, "--json"]);
    expect(JSON.parse(stdout)).toEqual({
      version: 1,
      kind: "error",
      error: {
        code: "not_found",
        message: expect.stringContaining("knows no message"),
        hint: expect.any(String),
        coverage: expect.objectContaining({ state: expect.any(String) }),
      },
    });
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^error: The database knows no message/)]);
  });

  test("of wrong usage is one line where lines are asked for", async () => {
    const { status, stdout } = await runCli(["search", "--ndjson", "--limit", "none", "--db", DB]);
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as object),
    ).toEqual([{ error: expect.objectContaining({ code: "usage", message: '--limit cannot be "none".' }) }]);
    expect(status).toBe(2);
  });

  test("is on standard error alone where nothing is asked for", async () => {
    expect((await runCli(failing)).stdout).toBe("");
    expect((await runCli(["search", "--db", DB, "--", "--json[x"])).stdout).toBe("");
  });
});

test("a server that is not there is told, not taken for an empty answer", async () => {
  expectFailure(await runCli(["search", "--server", "nosuch", "--db", DB]), {
    status: 1,
    says: 'The database knows no server "nosuch".',
  });
});

describe("--log", () => {
  const LOG = join(FOLDER, "mainlog");
  const temporary = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith(".exim-pilot-logs-"));

  test.each([
    ["trace", ["trace", SMALL_ID]],
    ["search", ["search", "--ids"]],
    ["stats", ["stats", "totals", "--json"]],
  ])("%s answers from logs that are in no database, and leaves nothing", async (_command, argv) => {
    writeFileSync(LOG, SMALL_LOGS.main);
    const stored = join(mkdtempSync(join(FOLDER, "stored-")), "pilot.db");
    expect((await runCli(["ingest", "-q", "--db", stored, LOG])).status).toBe(0);
    const before = temporary();
    const fromLog = await runCli([...argv, "--log", LOG]);
    expect(fromLog).toEqual(await runCli([...argv, "--db", stored]));
    expect(fromLog.status).toBe(0);
    expect(temporary()).toEqual(before);
  });

  test("that cannot be read is told, and nothing is answered", async () => {
    const { status, stdout, stderr } = await runCli(["stats", "--log", join(FOLDER, "none")]);
    expect([status, stdout]).toEqual([3, ""]);
    expect(stderr).toMatch(/^error: There is no file/);
  });

  test("removes what a killed run has left, and no other's", async () => {
    const left = join(tmpdir(), ".exim-pilot-logs-00000000-1-1-8f14e45f-ceea-467f-a8e2-3c1a4b5d6e7f");
    mkdirSync(left);
    utimesSync(left, 0, 0);
    await runCli(["search", "--ids", "--log", LOG]);
    expect(temporary()).not.toContain(basename(left));
  });
});
