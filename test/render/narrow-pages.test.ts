/** Pages on narrow terminals, on wide ones and in pipes: nothing that tells things apart is cut, and nothing is wider than the terminal. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { widthOf } from "../../src/render/form/layout.ts";
import { createPaint } from "../../src/render/form/paint.ts";
import { column, type Table } from "../../src/render/stats/table.ts";
import { renderBriefly, renderTerminalTable } from "../../src/render/stats/terminal-table.ts";
import { runCli } from "../support/cli.ts";
import { makeGoldenDatabase } from "../support/golden.ts";
import { queryAll } from "../support/views.ts";

const paint = createPaint(false);
const LONG = "a-very-long-local-part-of-an-account@department.of.a.university.example";

/** Two keys that differ only at their ends. */
const TABLE: Table = {
  name: "top-sender",
  title: "Top",
  columns: [
    column("sender", "Sender", "text"),
    column("count", "Messages", "count", true),
    column("bytes", "Volume", "bytes"),
    column("deferrals", "Deferrals", "count"),
    column("bounces", "Bounces", "count"),
    column("rejections", "Rejections", "count"),
  ],
  rows: [
    ["2001:db8:ffff:ffff:ffff:ffff:ffff:1", 12345, 1, 2, 3, 4],
    ["2001:db8:ffff:ffff:ffff:ffff:ffff:2", 1, 1, 2, 3, 4],
    [LONG, 5, 1, 2, 3, 4],
    ["x@y.example", 5, 1, 2, 3, 4],
  ],
  empty: "None.",
};

describe.each([40, 60, 80, 200, Infinity])("a table in %s columns", (columns) => {
  const screen = { columns, paint, timeZone: "UTC" };
  test.each([
    ["whole", renderTerminalTable(TABLE, screen)],
    ["in brief", renderBriefly(TABLE, screen, 3)],
  ])("has each key whole, %s", (_what, text) => {
    const flat = text.replaceAll(/\s+/g, "");
    for (const [key] of TABLE.rows.slice(0, 3)) expect(flat).toContain(String(key));
    expect(text).not.toContain("…");
    expect(text).toContain("12,345");
    for (const line of text.split("\n")) expect(widthOf(line)).toBeLessThanOrEqual(columns);
  });
});

test("a row that is too long stands on a line of its own, its figures below in their columns", () => {
  const lines = renderTerminalTable(TABLE, { columns: 80, paint, timeZone: "UTC" }).split("\n");
  const at = lines.indexOf(LONG);
  expect(lines[at + 1]).toMatch(/^ +5 +1 B +2 +3 +4 /);
  const column = (line: string | undefined): number | undefined => line?.indexOf("1 B");
  expect(column(lines[at + 1])).toBe(column(lines[at + 2]));
});

test("a table whose figures do not fit gives each with its title", () => {
  const text = renderTerminalTable(TABLE, { columns: 40, paint, timeZone: "UTC" });
  expect(text.replaceAll(/\s+/g, " ")).toContain(
    "x@y.example Messages 5, Volume 1 B, Deferrals 2, Bounces 3, Rejections 4",
  );
});

describe("of a database", () => {
  const folder = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
  const db = join(folder, "pilot.db");
  beforeAll(async () => void (await makeGoldenDatabase(db)));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const show = async (width: number | undefined, ...args: readonly string[]): Promise<string> =>
    (await runCli([...args, "--db", db, ...(width === undefined ? [] : ["--width", String(width)])])).stdout;

  test.each([40, 60, 80, 120, 200, undefined])(
    "the attempts of a trace keep all they tell, %s columns",
    async (width) => {
      const [attempt = {}] = queryAll<Record<string, string>>(
        db,
        "SELECT message_id, recipient, host, ip_address, router, transport FROM delivery_attempts WHERE status = 'defer' AND host IS NOT NULL LIMIT 1",
      );
      const page = await show(width, "trace", attempt["message_id"] ?? "");
      const attempts = page.slice(page.indexOf("Attempts"), page.indexOf("Timeline"));
      const { message_id: _, ...told } = attempt;
      expect(Object.keys(told)).toHaveLength(5);
      for (const text of Object.values(told)) expect(attempts).toContain(text);
      if (width !== undefined)
        for (const line of attempts.split("\n")) expect(widthOf(line)).toBeLessThanOrEqual(width);
    },
  );

  test("a short page names the command that shows what was cut, and only where something was", async () => {
    const bounces = (page: string): string =>
      page.slice(page.indexOf("Bounces by reason"), page.indexOf("Deferrals by"));
    const narrow = bounces(await show(80, "stats"));
    expect(narrow).toContain("…");
    expect(narrow).toContain("\n  the full texts: exim-pilot stats bounces\n");
    const deferrals = await show(80, "stats");
    expect(deferrals).toContain("\n  2 more, and the full texts: exim-pilot stats deferrals\n");
    const wide = bounces(await show(undefined, "stats"));
    expect(wide).not.toMatch(/…|full texts/);
  });

  test("a line of tail goes on below its text, or below all of it where that has no room", async () => {
    const page = await show(80, "tail", "--no-follow", "-n", "1");
    expect(page.split("\n").slice(0, 3)).toEqual([
      "Times as logged, in UTC",
      expect.stringMatching(/^2026-03-10 16:34:33 {2}1w002T-000A9i-1j {2}==$/),
      expect.stringMatching(/^ {4}busy226723@rules\.example deferred at /),
    ]);
    const wide = await show(120, "tail", "--no-follow", "-n", "1");
    const [, first = "", second = ""] = wide.split("\n");
    expect(second.search(/\S/)).toBe(first.indexOf("busy226723"));
    for (const line of wide.split("\n")) expect(widthOf(line)).toBeLessThanOrEqual(120);
    const raw = await show(80, "tail", "--no-follow", "-n", "1", "--raw");
    expect(raw.trimEnd().split("\n")).toHaveLength(1);
  });

  test("a search in 60 columns tears no address", async () => {
    const page = await show(60, "search");
    for (const { sender } of queryAll<{ sender: string }>(
      db,
      "SELECT DISTINCT sender FROM messages WHERE sender <> ''",
    ))
      if (page.replaceAll(/\s+/g, "").includes(sender)) expect(page).toContain(sender);
    expect(withoutNextPage(page).filter((line) => widthOf(line) > 60)).toEqual([]);
  });

  test.each([
    ["trace", "1vx6ps-0006eL-0G"],
    ["stats"],
    ["stats", "all"],
    ["search"],
    ["abuse"],
    ["queue"],
    ["sources"],
    ["servers"],
    ["doctor"],
    ["verify"],
  ])("%s %s is no wider than asked for, and ASCII for a locale without UTF-8", async (...args) => {
    const { stdout } = await runCli([...args, "--db", db, "--width", "72"], { env: { LANG: "C" } });
    expect(stdout).toMatch(/^[\n -~]+$/);
    // NOTE: the three dots of ASCII take two columns more than the one that says so in UTF-8.
    expect(withoutNextPage(stdout).filter((line) => line.length > 74)).toEqual([]);
  });

  test("what programs read is as it was, whatever the locale", async () => {
    for (const flag of ["--json", "--ndjson", "--csv"]) {
      const plain = await runCli(["search", flag, "--db", db], { env: { LANG: "en_US.UTF-8" } });
      expect(await runCli(["search", flag, "--db", db], { env: { LANG: "C" } })).toEqual(plain);
    }
  });
});

/** The lines but for the one that is there to be copied. */
function withoutNextPage(page: string): readonly string[] {
  return page.split("\n").filter((line) => !line.includes("--after "));
}

test("a width that is none is refused", async () => {
  for (const width of ["12", "wide", "-1", "1e9"])
    expect(await runCli(["stats", `--width=${width}`])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("--width"),
    });
});
