/** Comparison with an earlier time: the same figures as for that time alone, in every section and form. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withComparison } from "../../src/render/stats/compared.ts";
import { SECTION_NAMES, type Sections } from "../../src/stats/sections.ts";
import { runCli } from "../support/cli.ts";
import { makeGoldenDatabase } from "../support/golden.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
beforeAll(() => makeGoldenDatabase(DB));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

async function statsOf(...argv: string[]): Promise<{ sections: Sections; before?: { sections: Sections } }> {
  const { stdout, status } = await runCli(["stats", "--json", "--db", DB, ...argv]);
  expect(status).toBe(0);
  return JSON.parse(stdout);
}

/** Sections of which the golden log says nothing: there is no row to compare. */
const EMPTY = ["forwarding", "blocklists", "delivery", "accounts", "incidents"];

const NOW = ["--since", "2026-03-02 12:00", "--until", "2026-03-03 00:00", "--compare", "previous"];

describe("a comparison", () => {
  test("of a time without an end goes as far as the logs, and not on to now", async () => {
    const { stdout } = await runCli([
      "stats",
      "totals",
      "--json",
      "--db",
      DB,
      "--since",
      "2026-03-10",
      "--compare",
      "day",
    ]);
    const { until, before } = JSON.parse(stdout);
    expect(until).toMatch(/^2026-03-10T16:34:33/);
    expect(before).toMatchObject({ since: "2026-03-09T00:00:00.000Z", until: until.replace("03-10", "03-09") });
  });

  test.each([
    ["is whole as far as is known", ["--since", "2026-03-05", "--until", "2026-03-05", "--compare", "day"], []],
    [
      "before is partly covered",
      ["--since", "2026-03-03", "--until", "2026-03-03", "--compare", "day"],
      ["The time before is only"],
    ],
    [
      "before is not covered",
      ["--since", "2026-03-03", "--until", "2026-03-03", "--compare", "week"],
      ["The time before is not"],
    ],
    [
      "now is partly covered",
      ["--since", "2026-03-10", "--until", "2026-03-12", "--compare", "previous"],
      ["The time that is compared with it is only"],
    ],
  ] as const)("says in each form when a time of it %s", async (_what, flags, expected) => {
    const run = (...form: string[]) => runCli(["stats", "totals", ...form, "--db", DB, ...flags]);
    const { before } = JSON.parse((await run("--json")).stdout);
    expect(before.isPartlyCovered).toBe(expected.length > 0);
    const [text, markdown, csv] = [await run(), await run("--markdown"), await run("--csv")];
    expect(csv.stdout).not.toContain("covered");
    for (const told of [text.stdout, markdown.stdout, csv.stderr]) {
      for (const sentence of expected) expect(told).toContain(sentence);
      expect(told.includes("A difference may be of what was not read.")).toBe(expected.length > 0);
    }
  });

  test("has every section of the other time", async () => {
    const { sections, before } = await statsOf("all", ...NOW, "--bucket", "6h", "--limit", "3");
    const other = await statsOf("all", "--since", "2026-03-02 00:00", "--until", "2026-03-02 12:00", "--bucket", "6h");
    expect(Object.keys(before?.sections ?? {})).toEqual(SECTION_NAMES.filter((name) => name !== "coverage"));
    const { series, top, providers, slow, ...same } = (before as { sections: Sections }).sections;
    // Coverage is that of the requested time.
    const {
      coverage: _coverage,
      series: otherSeries,
      top: _top,
      providers: otherProviders,
      slow: _slow,
      ...expected
    } = other.sections;
    // The problems of a time depend on its end, which is the last line that is stored.
    const problems = expected.problems.filter(({ name }) => name !== "unread");
    expect(same).toEqual({ ...expected, problems });
    expect(series.points.map(({ received }) => received)).toEqual(otherSeries.points.map(({ received }) => received));
    for (const ranking of top) {
      const [all] = (
        await statsOf("--by", ranking.axis, "--since", "2026-03-02", "--until", "2026-03-02 12:00", "--limit", "999")
      ).sections.top;
      const now = sections.top.find(({ axis }) => axis === ranking.axis)?.rows.map(({ key }) => key) ?? [];
      expect(ranking.rows.map(({ key }) => key)).toEqual(now);
      const nothing = { messages: 0, deliveries: 0, bytes: 0, deferrals: 0, bounces: 0, rejections: 0 };
      const known = (key: string) => all?.rows.find((row) => row.key === key);
      for (const row of ranking.rows) {
        const figures = known(row.key) ?? { ...nothing, key: row.key };
        expect(row).toEqual(
          Object.fromEntries(
            Object.entries(row).map(([name, value]) => [
              name,
              value === null ? null : figures[name as keyof typeof figures],
            ]),
          ),
        );
      }
    }
    for (const { provider, delivered } of providers.providers)
      expect(otherProviders.providers.find((one) => one.provider === provider)?.delivered).toBe(delivered);
    expect(slow.hosts.map(({ host }) => host)).toEqual(
      sections.slow.hosts.map(({ host }) => host).filter((host) => slow.hosts.some((one) => one.host === host)),
    );
  });

  test("counts a series where it is, also from the middle of a minute on, and when the logs of this time end early", async () => {
    const half = ["--since", "2026-03-02 16:41", "--until", "2026-03-02T17:30:30", "--bucket", "minute"];
    const { before } = await statsOf("series", "totals", ...half, "--compare", "previous");
    const { series, totals } = (before as { sections: Sections }).sections;
    expect(totals.messages.received).toBeGreaterThan(0);
    expect(series.points.map(({ received }) => received).reduce((sum, count) => sum + count)).toBe(
      totals.messages.received,
    );
    const early = await statsOf(
      "series",
      "--since",
      "2026-03-09",
      "--until",
      "2026-03-15",
      "--compare",
      "week",
      "--bucket",
      "day",
    );
    const other = await statsOf("series", "--since", "2026-03-02", "--until", "2026-03-08", "--bucket", "day");
    const points = early.before?.sections.series.points ?? [];
    expect(points).toHaveLength(2);
    expect(points).toEqual(other.sections.series.points.slice(0, 2));
  });

  test.each(SECTION_NAMES.filter((name) => !["problems", "top", "coverage", ...EMPTY].includes(name)))(
    "of %s is in its CSV, its Markdown and on its page",
    async (name) => {
      const csv = await runCli(["stats", name, "--csv", "--db", DB, ...NOW]);
      expect(csv.stdout.split("\n", 1)[0]).toMatch(/before,change/);
      expect(
        csv.stdout.split("\n").length,
        `The golden log has no row of ${name}, so that nothing is compared: list it in EMPTY above.`,
      ).toBeGreaterThan(2);
      const markdown = await runCli(["stats", name, "--markdown", "--db", DB, ...NOW]);
      expect(markdown.stdout).toMatch(/\| Before \| Change \|/);
      const html = join(FOLDER, `${name}.html`);
      expect((await runCli(["stats", name, "--html", html, "--quiet", "--db", DB, ...NOW])).status).toBe(0);
      expect(readFileSync(html, "utf8")).toMatch(/Before<\/th>\s*<th[^>]*>Change/);
      expect((await runCli(["stats", name, "--db", DB, ...NOW])).stdout).toMatch(/Before +Change/);
    },
  );
});

test("rows that were not there were nothing, and rows that are no more are nothing now", () => {
  const table = (...rows: [string, number, number][]) => ({
    name: "x",
    title: "X",
    columns: [
      { name: "key", title: "Key", kind: "word" as const },
      { name: "count", title: "Count", kind: "count" as const },
      { name: "share", title: "Share", kind: "share" as const },
    ],
    rows,
    empty: "",
  });
  const [now, before] = [table(["a", 3, 0.75], ["b", 1, 0.25]), table(["a", 2, 0.5], ["c", 2, 0.5])];
  const how = { keys: ["key"], figure: "count", missing: 0, showsGone: true } as const;
  expect(withComparison(now, before, how).rows).toEqual([
    ["a", 3, 0.75, 2, 0.5],
    ["b", 1, 0.25, 0, null],
    ["c", 0, 0, 2, -1],
  ]);
  expect(withComparison(now, before, { ...how, missing: null, showsGone: false }).rows).toEqual([
    ["a", 3, 0.75, 2, 0.5],
    ["b", 1, 0.25, null, null],
  ]);
});
