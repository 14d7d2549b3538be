/**
 * Output of the program: the cases of fixtures/cli. `UPDATE_GOLDEN=1` writes them again; the difference is reviewed
 * like code.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyDatabase, FIXTURES, temporaryFolder } from "../support/database.ts";
import {
  goldenCases,
  makeGoldenDatabase,
  type Outcome,
  parseCommand,
  readOutcome,
  runCase,
  writeOutcome,
} from "../support/golden.ts";

const CASES = goldenCases();
const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
const IS_UPDATE = process.env["UPDATE_GOLDEN"] === "1";

const outcomes = new Map<string, Outcome>();

beforeAll(() => makeGoldenDatabase(DB));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

test.each(CASES)("the case $name prints what its files hold", async (golden) => {
  const folder = temporaryFolder();
  const own = join(folder, "pilot.db");
  copyDatabase(DB, own);
  const outcome = await runCase(golden, { FIXTURES, DB: own, NEW: join(folder, "new.db") });
  outcomes.set(golden.name, outcome);
  if (IS_UPDATE) writeOutcome(golden, outcome);
  expect(
    outcome,
    `If this is meant: UPDATE_GOLDEN=1 npx vitest run test/cli/golden.test.ts -t 'case ${golden.name} ' writes fixtures/cli/${golden.name} again.`,
  ).toEqual(readOutcome(golden));
});

test("a page with a path is laid out the same wherever the checkout and the temporary files lie", async () => {
  const shown = CASES.filter(({ name }) => {
    const pages = (outcomes.get(name)?.stdout ?? "").replaceAll(/^\$ .*exim-pilot .*$/gm, "");
    return ["$FIXTURES", "$DB", "$NEW"].some((place) => pages.includes(place));
  });
  expect(shown.length).toBeGreaterThan(3);
  for (const golden of shown) {
    const folder = join(temporaryFolder(), "a-folder-with-a-name-of-another-length");
    mkdirSync(folder);
    symlinkSync(FIXTURES, join(folder, "fixtures"));
    const own = join(folder, "pilot.db");
    copyDatabase(DB, own);
    const outcome = await runCase(golden, { FIXTURES: join(folder, "fixtures"), DB: own, NEW: join(folder, "new.db") });
    expect(outcome.stdout.replaceAll(FIXTURES, "$FIXTURES"), golden.name).toBe(outcomes.get(golden.name)?.stdout);
  }
});

describe("whatever is printed", () => {
  const all = (): [string, Outcome][] => [...outcomes];
  const isFor = (name: string, word: string): boolean => name.split("-").includes(word);

  test("ends with one newline, on either stream", () => {
    for (const [name, { stdout, stderr }] of all()) {
      for (const output of [stdout, stderr]) if (output !== "") expect(output, name).toMatch(/[^\n]\n$/);
    }
  });

  test("fits 80 columns: pages and help, but for log lines, JSON and what asked for more", () => {
    const pages = all().filter(
      ([name]) =>
        /^(help|trace|search|stats)/.test(name) &&
        !["json", "csv", "markdown", "raw", "120", "pipe", "colour"].some((word) => isFor(name, word)),
    );
    expect(pages.length).toBeGreaterThan(15);
    const lines = pages.flatMap(([name, { stdout }]) =>
      stdout.split("\n").map((line) => `${name}: ${line.startsWith("$ ") ? "" : line}`),
    );
    expect(lines.filter((line) => line.length - line.indexOf(": ") - 2 > 80)).toEqual([]);
  });

  test("has no blanks at the ends of lines, but in log lines", () => {
    const trailing = all().filter(([name, { stdout }]) => !isFor(name, "raw") && / $/m.test(stdout));
    expect(trailing.map(([name]) => name)).toEqual([]);
  });

  test("is one JSON object, and nothing beside it, where JSON was asked for", () => {
    const json = all().filter(([name]) => isFor(name, "json"));
    expect(json.length).toBeGreaterThan(2);
    for (const [name, { stdout, stderr }] of json) {
      expect(JSON.parse(stdout), name).toMatchObject({ version: 1, kind: expect.any(String) });
      expect(stderr, name).toBe("");
    }
  });

  test("holds no path of this machine and no escape sequence that was not asked for", () => {
    for (const [name, { stdout, stderr }] of all()) {
      expect(stdout + stderr, name).not.toContain(tmpdir());
      if (!isFor(name, "colour")) expect(stdout + stderr, name).not.toContain("\u001b");
    }
  });

  test("is on stderr when it was used wrongly or could not be done, and on stdout alone when all is well", () => {
    for (const [name, { stdout, stderr, exit }] of all()) {
      const statuses = exit.trim().split("\n").map(Number);
      if (statuses.every((status) => status === 0)) expect(stderr, name).toBe("");
      if (statuses.every((status) => status === 2)) expect(withoutFailures(stdout), name).toBe("");
      if (statuses.some((status) => status > 2)) expect(stderr, name).toMatch(/^error: /m);
    }
  });
});

describe("a golden case", () => {
  const places = { FIXTURES: "/f", DB: "/d.db", NEW: "/n.db" };

  test("has a command, three outputs and nothing else in its folder", () => {
    for (const { name, directory, commands } of CASES) {
      expect(readdirSync(directory).sort(), name).toEqual(["cmd", "exit", "stderr", "stdout"]);
      expect(commands.length, name).toBeGreaterThan(0);
    }
  });

  test("may set its environment, quote arguments and name places", () => {
    expect(parseCommand(`FORCE_COLOR=1 COLUMNS=120 exim-pilot trace "a b" --db $NEW '$DB'`, places)).toEqual({
      argv: ["trace", "a b", "--db", "/n.db", "/d.db"],
      env: { FORCE_COLOR: "1", COLUMNS: "120" },
    });
    expect(parseCommand("exim-pilot ingest $FIXTURES/corpus/x --server=''", places).argv).toEqual([
      "ingest",
      "/f/corpus/x",
      "--server=",
    ]);
    expect(() => parseCommand("ls", places)).toThrow("exim-pilot");
  });

  test("fails when the output is another", async () => {
    const [first] = CASES;
    if (first === undefined) throw new Error("There is no golden case.");
    const other = { ...first, commands: ["exim-pilot --version"] };
    const outcome = await runCase(other, { FIXTURES, DB, NEW: join(temporaryFolder(), "new.db") });
    expect(outcome).not.toEqual(readOutcome(first));
    expect(outcome).toEqual({ stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: "", exit: "0\n" });
  });
});

/** Output without the failures that `--json` prints. */
function withoutFailures(stdout: string): string {
  return stdout.replace(/^\$ .*\n/gm, "").replace(/^\{\n {2}"version": 1,\n {2}"kind": "error",\n[\s\S]*?^\}\n/gm, "");
}
