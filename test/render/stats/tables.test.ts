/** Tables in each form, with what strangers may have written into a log. */
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { widthOf } from "../../../src/render/form/layout.ts";
import { createPaint } from "../../../src/render/form/paint.ts";
import { renderCsv } from "../../../src/render/stats/csv.ts";
import { renderStatsMarkdown } from "../../../src/render/stats/markdown.ts";
import { formatShare, type Table } from "../../../src/render/stats/table.ts";
import { renderTerminalTable } from "../../../src/render/stats/terminal-table.ts";
import { drawBar, drawCurve } from "../../../src/render/stats/text-charts.ts";
import type { Stats } from "../../../src/stats/stats.ts";

const SCREEN = { columns: 80, paint: createPaint(false), timeZone: "UTC" };

function tableOf(...keys: string[]): Table {
  return {
    name: "top-sender",
    title: "Top",
    columns: [
      { name: "key", title: "Sender", kind: "text" },
      { name: "messages", title: "Messages", kind: "count", hasBar: true },
      { name: "change", title: "Change", kind: "change" },
      { name: "sample", title: "For instance", kind: "sample" },
    ],
    rows: keys.map((key, index) => [key, index + 1, -0.25, key]),
    empty: "Nothing.",
  };
}

describe("CSV", () => {
  test("gives figures plain, and marks text that a spreadsheet would calculate", () => {
    const records = parse(renderCsv(tableOf("=1+1", "@x", "a,b", 'say "hi"', "plain@example.org")));
    expect(records[0]).toEqual(["key", "messages", "change", "sample"]);
    expect(records.map(([key]: string[]) => key)).toEqual([
      "key",
      "'=1+1",
      "'@x",
      "a,b",
      'say "hi"',
      "plain@example.org",
    ]);
    expect(records[1]).toEqual(["'=1+1", "1", "-0.25", "'=1+1"]);
  });

  test("can be read back, whatever is in a log", () => {
    const safe = fc.string().filter((text) => !/^[=+\-@\t\r]/.test(text) && text !== "");
    fc.assert(
      fc.property(fc.array(safe, { minLength: 1, maxLength: 5 }), (keys) => {
        const records = parse(renderCsv(tableOf(...keys)), { relax_column_count: false }) as string[][];
        expect(records.slice(1).map(([key]) => key)).toEqual(keys);
      }),
    );
  });
});

describe("Markdown", () => {
  const render = (...keys: string[]): string[] => {
    const stats = {
      from: null,
      until: null,
      timeZone: "UTC",
      filter: { servers: [], subjects: {}, limits: [] },
      sections: { top: [rankingOf(keys)] },
      coverage: { state: "unknown", logs: [], holes: [], from: null, until: null },
    } as unknown as Stats;
    return renderStatsMarkdown(stats)
      .split("\n")
      .filter((line) => line.startsWith("| `"));
  };

  test("shows text as code, in which nothing is a tag, a link or a column", () => {
    expect(
      render("<script>alert(1)</script>", "a|b", "tick`s", "http://evil.example/", "two\nlines", "\u001b[31m"),
    ).toEqual([
      "| `<script>alert(1)</script>` | 1 | 0 B | 0 | 0 |",
      "| `a\\|b` | 1 | 0 B | 0 | 0 |",
      "| `` tick`s `` | 1 | 0 B | 0 | 0 |",
      "| `http://evil.example/` | 1 | 0 B | 0 | 0 |",
      "| `two lines` | 1 | 0 B | 0 | 0 |",
      "| `\\x1b[31m` | 1 | 0 B | 0 | 0 |",
    ]);
  });
});

function rankingOf(keys: readonly string[]) {
  const rows = keys.map((key) => ({
    key,
    messages: 1,
    deliveries: null,
    bytes: 0,
    deferrals: 0,
    bounces: 0,
    rejections: null,
  }));
  return { axis: "sender", rank: "count", rows };
}

describe("on a terminal", () => {
  test("control characters are shown, and what is too long stands on lines of its own", () => {
    const lines = renderTerminalTable(tableOf("\u001b[31mred", "x".repeat(200), "漢字".repeat(40)), SCREEN).split("\n");
    expect(lines.join("\n")).not.toContain("\u001b");
    expect(lines[2]).toMatch(/^\\x1b\[31mred +1 {2}-25\.0 %/);
    expect(lines.join("").replaceAll(" ", "")).toContain("x".repeat(200));
    expect(lines.join("").replaceAll(" ", "")).toContain("漢字".repeat(40));
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(80);
  });

  test("bars are exact to an eighth, and what is there is seen", () => {
    expect(drawBar(10, 10, 4)).toBe("████");
    expect(drawBar(5, 10, 3)).toBe("█▌");
    expect(drawBar(1, 100_000, 10)).toBe("▏");
    expect(drawBar(0, 10, 10)).toBe("");
    expect(drawBar(0, 0, 10)).toBe("");
  });

  test("curves add up neighbours that have no room", () => {
    expect(drawCurve([0, 1, 4, 8], 10)).toBe("·▁▄█");
    expect(drawCurve([0, 0, 4, 4, 8, 8], 3)).toBe("·▄█");
    expect(drawCurve([], 10)).toBe("");
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1 }), fc.integer({ min: 1, max: 40 }), (values, width) => {
        expect(drawCurve(values, width).length).toBeLessThanOrEqual(width);
      }),
    );
  });
});

test("a share that is not nothing never looks like it", () => {
  expect([0, 0.0001, 0.0005, 0.143, 1].map(formatShare)).toEqual(["0.0 %", "< 0.1 %", "0.1 %", "14.3 %", "100.0 %"]);
});
