/** Equal lines of syslog are one refusal where Exim writes each twice, and as many as there are lines where it does not. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isDoubling, SyslogDoubling, type TellingLine } from "../../src/ingest/save/syslog-doubling.ts";
import { epochMs } from "../../src/units.ts";
import { runCli } from "../support/cli.ts";
import { ingestInto, temporaryFolder } from "../support/database.ts";
import { differences, dumpViews, queryAll } from "../support/views.ts";

const failed = (second: number, process: number, user: string): string =>
  `Dec 29 12:19:${second} mx1 exim[${process}]: plain_server authenticator failed for (x) [203.0.113.103]: 535 Incorrect authentication data (set_id=${user})`;
const refused = (second: number, process: number, recipient: string): string =>
  `Dec 29 12:19:${second} mx1 exim[${process}]: H=(y) [203.0.113.104] F=<a@b.example> rejected RCPT <${recipient}@example.org>: relay not permitted`;

/** A log that begins as another one ends would be taken for the same one. */
const BEGIN = "Dec 29 12:19:30 mx1 exim[1]: Start queue run: pid=1";

/** With syslog_duplication off: a client tries the same login three times within a second. */
const OFF = [
  BEGIN,
  failed(34, 23656, "alice"),
  failed(36, 23664, "user2"),
  failed(36, 23664, "user2"),
  failed(36, 23664, "user2"),
  refused(37, 23665, "c"),
];
const ON = [
  BEGIN,
  failed(34, 1, "alice"),
  failed(34, 1, "alice"),
  failed(36, 2, "user2"),
  refused(36, 3, "c"),
  failed(36, 2, "user2"),
  refused(36, 3, "c"),
  failed(36, 2, "user2"),
  failed(36, 2, "user2"),
  refused(38, 4, "d"),
  refused(38, 4, "d"),
];
const FAILED = "SELECT count(*) AS n FROM rejections WHERE phase = 'auth'";
const REFUSED = "SELECT count(*) AS n FROM rejections WHERE phase = 'rcpt'";

function figuresOf(database: string): readonly (number | undefined)[] {
  return [FAILED, REFUSED].map((sql) => queryAll<{ n: number }>(database, sql)[0]?.n);
}

const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

describe.each([
  ["off", OFF, [4, 1]],
  ["on", ON, [3, 2]],
] as const)("with syslog_duplication %s", (_name, lines, figures) => {
  test("as many refusals are counted as there were, wherever the log is cut", async () => {
    const folder = temporaryFolder();
    const whole = join(folder, "whole.db");
    writeFileSync(join(folder, "whole.log"), textOf(lines));
    await ingestInto(whole, [join(folder, "whole.log")]);
    expect(figuresOf(whole)).toEqual(figures);
    for (let cut = 1; cut < lines.length; cut++) {
      const grown = join(folder, `grown-${cut}.db`);
      const log = join(folder, `grown-${cut}.log`);
      for (const end of [cut, lines.length]) {
        writeFileSync(log, textOf(lines.slice(0, end)));
        await ingestInto(grown, [log], { batchLines: 1 });
      }
      expect(differences(dumpViews(grown), dumpViews(whole)), `grown after ${cut} lines`).toEqual([]);
      const rotated = join(folder, `rotated-${cut}.db`);
      for (const [index, part] of [lines.slice(0, cut), lines.slice(cut)].entries()) {
        writeFileSync(join(folder, `part-${cut}-${index}.log`), textOf(part));
        await ingestInto(rotated, [join(folder, `part-${cut}-${index}.log`)]);
      }
      expect(figuresOf(rotated), `rotated after ${cut} lines`).toEqual(figures);
    }
  });

  test("a rebuild, and the check of all facts, count the same", async () => {
    const folder = temporaryFolder();
    const database = join(folder, "pilot.db");
    const log = join(folder, "mail.log");
    for (let end = 1; end <= lines.length; end++) {
      writeFileSync(log, textOf(lines.slice(0, end)));
      await ingestInto(database, [log]);
    }
    const before = dumpViews(database);
    expect((await runCli(["verify", "--deep", "--db", database])).stdout).toContain("Sound");
    expect((await runCli(["rebuild", "--quiet", "--db", database])).status).toBe(0);
    expect(differences(dumpViews(database), before)).toEqual([]);
    expect(figuresOf(database)).toEqual(figures);
  });
});

describe("what earlier lines tell", () => {
  const line = (second: number, key: string): TellingLine => ({ at: epochMs(second * 1000), key });
  const pair = (second: number, key: string): TellingLine[] => [line(second, key), line(second, key)];

  test.each<[name: string, lines: TellingLine[], isDoubled: boolean]>([
    ["nothing", [], true],
    ["a pair", pair(1, "a"), true],
    ["a pair whose lines got different stamps", [line(1, "a"), line(2, "a")], true],
    ["a single line", [line(1, "a")], false],
    ["three equal lines", [line(1, "a"), ...pair(1, "a")], false],
    ["two pairs at once", [...pair(1, "a"), ...pair(1, "a")], true],
    ["equal lines far apart", [line(1, "a"), line(9, "a")], false],
    ["a pair, and a line that an ACL wrote to the main log alone", [line(1, "m"), ...pair(1, "a")], true],
    [
      "a pair by chance among single lines",
      [..."bcdefg"].flatMap((key, at) => line(at, key)).concat(pair(9, "a")),
      false,
    ],
  ])("of %s", (_name, lines, isDoubled) => {
    expect(isDoubling(lines.toReversed())).toBe(isDoubled);
  });

  test("is the same whether they are in memory or stored", () => {
    const lines = fc.array(
      fc.record({
        gap: fc.integer({ min: 0, max: 4 }),
        key: fc.constantFrom("a", "b", "c"),
        copies: fc.constantFrom(1, 1, 2, 3),
      }),
      { maxLength: 80 },
    );
    fc.assert(
      fc.property(lines, fc.nat(), (drawn, at) => {
        let second = 0;
        const all = drawn.flatMap(({ gap, key, copies }) => {
          second += gap;
          return Array.from({ length: copies }, () => line(second, key));
        });
        const cut = all.length === 0 ? 0 : at % all.length;
        const earlier = (from: readonly TellingLine[]) => ({ ofLog: () => from.toReversed(), ofLogBefore: () => [] });
        const [atOnce, later] = [new SyslogDoubling(earlier([])), new SyslogDoubling(earlier(all.slice(0, cut)))];
        for (const one of all) atOnce.note(one);
        for (const one of all.slice(cut)) later.note(one);
        const now = epochMs((second + 2) * 1000);
        expect(later.isDoubled(now)).toBe(atOnce.isDoubled(now));
      }),
      { numRuns: 300 },
    );
  });

  test("is that of lines a few seconds before, and not of a day before", () => {
    const doubling = new SyslogDoubling({ ofLog: () => [], ofLogBefore: () => [] });
    doubling.note(line(100, "a"));
    expect(doubling.isDoubled(epochMs(101_000))).toBe(true);
    expect(doubling.isDoubled(epochMs(102_000))).toBe(false);
    expect(doubling.isDoubled(epochMs(100_000 + 25 * 3_600_000))).toBe(true);
    doubling.forget();
    expect(doubling.isDoubled(epochMs(102_000))).toBe(true);
  });
});
