/** Commands with a bundle of their own: what the build leaves out of it, the command never asks for, whatever its flags. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleFor } from "../../src/cli/quick.ts";
import { EXIT_BUG } from "../../src/errors.ts";
import { PROGRAM } from "../support/child.ts";
import { copyDatabase, FIXTURES, temporaryFolder } from "../support/database.ts";
import { goldenCases, makeGoldenDatabase, parseCommand } from "../support/golden.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");

interface Run {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly name: string;
}

/** Commands of the golden pages with a flag or a subcommand that none before them has. */
function runsWithNewFlags(): readonly Run[] {
  const seen = new Set<string>();
  return goldenCases().flatMap(({ commands }) =>
    commands.flatMap((command) => {
      const places = { FIXTURES, DB, NEW: join(FOLDER, "new.db") };
      const { argv, env } = parseCommand(command, places);
      const name = bundleFor(argv);
      if (name === undefined) return [];
      const words = argv.filter((word, index) => index === 1 || word.startsWith("-")).map((word) => `${name} ${word}`);
      const isNew = words.some((word) => !seen.has(word));
      for (const word of words) seen.add(word);
      return isNew ? [{ argv, env, name: command }] : [];
    }),
  );
}

const RUNS = runsWithNewFlags();

beforeAll(() => makeGoldenDatabase(DB));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

test("every bundle is tried", () => {
  const names = new Set(RUNS.map(({ argv }) => bundleFor(argv)));
  expect([...names].sort()).toEqual(["incidents", "ingest", "queue", "search", "stats", "trace"]);
});

describe("as it is built", () => {
  test.each(RUNS)("$name finds all that it asks for", ({ argv, env }) => {
    const own = join(temporaryFolder(), "pilot.db");
    copyDatabase(DB, own);
    const { status, stderr } = spawnSync(process.execPath, [PROGRAM, ...argv], {
      env: { ...process.env, ...env, EXIM_PILOT_DB: own },
      encoding: "utf8",
    });
    expect(stderr).not.toMatch(/bug|is not in this bundle/);
    expect(status).not.toBe(EXIT_BUG);
    expect(status).not.toBeNull();
  });
});
