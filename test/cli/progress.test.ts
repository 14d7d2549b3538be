/** Commands that show progress, on a terminal: the spinner writes through outputs that others change, too. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { FIXTURES } from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
beforeAll(() => makeGoldenDatabase(DB));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const LOG = join(FIXTURES, "corpus", "default", "paniclog");

describe.each(["C", "C.UTF-8"])("on a terminal in the locale %s", (locale) => {
  test.each([
    [
      "ingest",
      ["ingest", "--server", "mx1", "--timezone", "UTC", LOG, "--db", join(FOLDER, `${locale}.db`)],
      "Stored 11 lines",
    ],
    ["verify", ["verify", "--db", DB], "Sound:"],
    ["backup", ["backup", join(FOLDER, `backups-${locale}`), "--db", DB], "Made "],
    ["prune", ["prune", "--logs", "forever", "--messages", "forever", "--db", DB], "Nothing has expired"],
  ])("%s shows what it is at, and ends", async (_name, argv, said) => {
    const { status, stdout, stderr } = await runCli(argv, { isTTY: true, env: { LANG: locale } });
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining(said) });
    expect(stderr).not.toMatch(/Error/);
    expect(stderr).toContain("opening the database");
  });
});
