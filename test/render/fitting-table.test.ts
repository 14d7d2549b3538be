import { expect, test } from "vitest";
import { renderFacts, renderFittingTable } from "../../src/render/form/fitting-table.ts";
import { renderHanging, widthOf, wrapLines } from "../../src/render/form/layout.ts";
import { createPaint } from "../../src/render/form/paint.ts";

const paint = createPaint(false);
const TABLE = {
  titles: ["Time (UTC)", "Action", "Result", "User", "From"],
  rows: [
    ["2026-04-01 00:00:00", "backup", "done", "kim as root", "192.0.2.7"],
    ["2026-04-01 00:00:01", "prune", "failed", "root", ""],
  ],
};

test("a table that fits has all of its columns", () => {
  expect(renderFittingTable({ ...TABLE, right: [4] }, { columns: 60, paint })).toBe(
    [
      "Time (UTC)           Action  Result  User              From",
      "2026-04-01 00:00:00  backup  done    kim as root  192.0.2.7",
      "2026-04-01 00:00:01  prune   failed  root",
    ].join("\n"),
  );
});

test("columns that do not fit stand below each row with their titles, without empty cells", () => {
  expect(renderFittingTable(TABLE, { columns: 36, paint })).toBe(
    [
      "Time (UTC)           Action  Result",
      "2026-04-01 00:00:00  backup  done",
      "    User kim as root, From 192.0.2.7",
      "2026-04-01 00:00:01  prune   failed",
      "    User root",
    ].join("\n"),
  );
});

test("a first column that is wider than the screen wraps, and loses nothing", () => {
  const path = "a/rather/long/path/of/a/log/that/somebody/gave";
  const text = renderFittingTable({ titles: ["Path", "Size"], rows: [[path, "1 KiB"]] }, { columns: 24, paint });
  for (const line of text.split("\n")) expect(widthOf(line)).toBeLessThanOrEqual(24);
  expect(text.replaceAll(/\s+/g, "")).toBe(`Path${path}Size1KiB`);
});

test("a table without rows has its titles", () => {
  expect(renderFittingTable({ titles: ["A", "B"], rows: [] }, { columns: 60, paint })).toBe("A  B");
});

test("a label that is wider than the indent leaves its line as narrow as the others", () => {
  const columns = 40;
  for (let length = 20; length <= 60; length++) {
    const text = `${"x".repeat(length)}  (main)`;
    const lines = renderHanging("  12345  ", text, 4, columns).split("\n");
    expect(lines.filter((line) => widthOf(line) > columns)).toEqual([]);
    expect(lines.join("").replaceAll(/\s+/g, "")).toBe(`12345${text.replaceAll(/\s+/g, "")}`);
  }
});

test("facts wrap beside their labels", () => {
  expect(
    renderFacts(
      [
        ["Seen", "one two three"],
        ["Stored", "x"],
      ],
      { columns: 30, paint },
      2,
    ),
  ).toBe("  Seen    one two three\n  Stored  x");
  expect(renderFacts([["Seen", "some words that are too long"]], { columns: 28, paint })).toBe(
    "Seen  some words that are\n      too long",
  );
});

test("lines that are too long wrap where they begin, and none in a pipe", () => {
  const page = "a short line\n  an indented line that is longer\n";
  expect(wrapLines(page, 24)).toBe("a short line\n  an indented line that\n  is longer\n");
  expect(wrapLines(page, Infinity)).toBe(page);
});
