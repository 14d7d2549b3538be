/** Pages of the queue: until when its log was read, to when ages count, whose a message is, and which files are damaged. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LogEnd } from "../../src/queue/report.ts";
import { describeMoment } from "../../src/render/queue/moment.ts";
import { runCli } from "../support/cli.ts";
import { FIXTURES, ingestInto } from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
const SPOOL = join(FOLDER, "spool");
const DAMAGED = "1vzc55-000A0Y-0z";

beforeAll(async () => {
  await makeGoldenDatabase(DB);
  await ingestInto(DB, [join(FIXTURES, "two-servers", "mx1.log")], { server: "mx2", timeZone: "UTC" });
  cpSync(join(FIXTURES, "queue", "default"), SPOOL, { recursive: true });
  const file = join(SPOOL, "input", `${DAMAGED}-H`);
  writeFileSync(file, readFileSync(file).subarray(0, 200));
});
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const queue = (...argv: string[]) => runCli(["queue", ...argv, "--db", DB]);
const AT = ["--at", "2026-03-30T08:00Z"];

const end = (server: string, time: string): LogEnd => ({ server, newestLine: `2026-03-10T${time}Z` });

describe("the moment of a page", () => {
  test.each<readonly [string, readonly LogEnd[], string]>([
    ["without a log", [], "Ages are counted to 2026-03-10 17:00:00 (UTC)."],
    ["of a log read up to it", [end("a", "16:59:01.000")], "Ages are counted to 2026-03-10 17:00:00 (UTC)."],
    [
      "of a log that ends before",
      [end("a", "16:59:00.000")],
      "The log was read up to 2026-03-10 16:59:00 (UTC); ages are counted to 2026-03-10 17:00:00, 1 min later.",
    ],
    [
      "of logs that end at about the same time",
      [end("a", "15:50:00.000"), end("b", "16:40:00.000")],
      "The logs of 2 servers were read up to 2026-03-10 15:50:00 (UTC); ages are counted to 2026-03-10 17:00:00, 1 h 10 min later.",
    ],
    [
      "of logs of which one ends long before",
      [end("a", "01:00:00.000"), end("b", "16:40:00.000"), end("c", "16:50:00.000")],
      "The logs of 3 servers were read up to 2026-03-10 01:00:00 (UTC), where that of a ends; ages are counted to 2026-03-10 17:00:00, 16 h later.",
    ],
  ])("%s", (_what, logEnds, expected) => {
    expect(describeMoment({ at: "2026-03-10T17:00:00.000Z", logEnds }, "UTC")).toBe(expected);
  });

  test("is on every page of the queue, and names its zone", async () => {
    for (const argv of [["health"], [], ["--spool", SPOOL], ["health", "--spool", SPOOL]])
      expect((await queue(...argv, ...AT)).stdout, argv.join(" ")).toMatch(
        /[Aa]ges are counted to 2026-03-30 08:00:00(?: \(UTC\)\.|, .* later\.)/,
      );
  });
});

test("messages of several servers name their own, on the page, in CSV and in JSON", async () => {
  expect((await queue(...AT)).stdout).toMatch(/1vxEXA-0007QL-01 {2}app@partner\.example {2}\(mx1\)\n/);
  expect((await queue(...AT, "--server", "mx1")).stdout).not.toContain("(mx1)");
  const rows = (await queue(...AT, "--csv")).stdout.trim().split("\n");
  expect(rows[0]).toMatch(/,damage,server$/);
  expect(new Set(rows.slice(1).map((row) => row.split(",").at(-1)))).toEqual(new Set(["mx1", "mx2"]));
  const { messages } = JSON.parse((await queue(...AT, "--json")).stdout) as { messages: { server: string }[] };
  expect(new Set(messages.map(({ server }) => server))).toEqual(new Set(["mx1", "mx2"]));
});

describe("queue health", () => {
  test("says of an hour that no log was read of that it is not known, and not zero", async () => {
    const { stdout } = await queue("health", "--at", "2026-03-31T08:00Z");
    expect(stdout).toContain("In the last hour: not known");
    expect(stdout).not.toMatch(/An hour before|0 arrived/);
    expect((await queue("health", "--at", "2026-03-10T16:30Z")).stdout).toContain(
      "In the last hour: 6 arrived, 2 completed",
    );
  });
});

describe("a damaged file of the spool", () => {
  test.each([[["-i"]], [["-b"]], [["--count"]], [["--format", "summary"]]])(
    "is counted on standard error, where %j does not show it",
    async (form) => {
      const { status, stderr } = await queue("--spool", SPOOL, ...form);
      expect({ status, stderr }).toEqual({
        status: 0,
        stderr: "note: 1 file among them is damaged; --csv says which and how.\n",
      });
    },
  );

  test.each([[["--csv"]], [["--json"]], [["--ndjson"]], [[]], [["-l"]]])(
    "is in the output itself: %j",
    async (form) => {
      const { stdout, stderr } = await queue("--spool", SPOOL, ...form);
      expect(stderr).toBe("");
      const [, around = ""] = new RegExp(`${DAMAGED}((?:.|\n){0,700})`).exec(stdout) ?? [];
      expect(around).toMatch(/It ends within the variables|spool format error/);
    },
  );

  test("is not noted where none is", async () => {
    expect((await queue("--spool", join(FIXTURES, "queue", "default"), "-i")).stderr).toBe("");
  });
});
