/** Sentences on standard error: whole in a pipe, wrapped between words on a terminal. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { widthOf } from "../../src/render/form/layout.ts";
import { runCli } from "../support/cli.ts";
import { FIXTURES, temporaryFolder } from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";
import { madeOnce } from "../support/made-once.ts";

const DB = () => madeOnce("wrapped-errors.db", makeGoldenDatabase);
const PANIC = join(FIXTURES, "corpus", "default", "paniclog");

const CASES: readonly (readonly [what: string, argv: readonly string[]])[] = [
  ["an error with a hint", ["search", "--status", "gone"]],
  ["a flag that is not there", ["search", "--sendr", "ann@a.test"]],
  [
    "an empty answer",
    ["search", "--sender", "nobody@nowhere.example", "--since", "2026-03-02", "--until", "2026-03-03"],
  ],
  ["a message that is not known", ["trace", "1vwwZU-0005VB-1x"]],
  ["an alarm", ["stats", "--quiet", "--fail-if", "deferred>1%", "--silence", "0"]],
  ["a server that is not known", ["search", "--server", "a server with a long name of several words, which is wrong"]],
];

describe.each(CASES)("%s", (_what, argv) => {
  const run = async (world: object, ...more: string[]) =>
    (await runCli([...argv, "--db", await DB(), ...more], world)).stderr;

  test.each([40, 60, 100])("on a terminal of %i columns ends its lines between words", async (columns) => {
    const piped = await run({});
    const shown = await run({ isTTY: true, columns, env: { NO_COLOR: "1" } });
    expect(shown.split("\n").filter((line) => widthOf(line) > columns)).toEqual([]);
    expect(shown.replaceAll(/\s+/g, " ")).toBe(piped.replaceAll(/\s+/g, " "));
    const commands = [...piped.matchAll(/`[^`]+`/g)].map(([command]) => command);
    for (const command of commands.filter(({ length }) => length + 1 <= columns)) expect(shown).toContain(command);
  });

  test("hides with --redact on a terminal what it hides in a pipe", async () => {
    if (argv[0] !== "search" && argv[0] !== "trace") return;
    const piped = await run({}, "--redact");
    const shown = await run({ isTTY: true, columns: 40, env: { NO_COLOR: "1" } }, "--redact");
    expect(shown.replaceAll(/\s+/g, " ")).toBe(piped.replaceAll(/\s+/g, " "));
  });
});

test("the summary of ingest ends its lines between words on a terminal, and is one line in a pipe", async () => {
  const argv = (): string[] => [
    "ingest",
    "--server",
    "mx1",
    "--timezone",
    "UTC",
    PANIC,
    "--db",
    join(temporaryFolder(), "m.db"),
  ];
  const shown = (await runCli(argv(), { isTTY: true, columns: 60, env: { NO_COLOR: "1" } })).stdout;
  expect(shown.split("\n").filter((line) => widthOf(line) > 60)).toEqual([]);
  expect(shown.trim().split("\n").length).toBeGreaterThan(1);
  expect((await runCli(argv())).stdout).toMatch(/^Stored 11 lines in .*\.\n$/);
});

test("what --verbose writes stays whole, since it is copied into a report", async () => {
  const world = { isTTY: true, columns: 40 };
  const { stderr } = await runCli(["servers", "--verbose", "--db", await DB()], world);
  expect(stderr).toMatch(/^debug .*exim-pilot \S+ servers, Node\.js \S+, \w+/m);
  expect(stderr.split("\n").some((line) => widthOf(line) > 60)).toBe(true);
});
