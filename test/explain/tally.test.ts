import { describe, expect, test } from "vitest";
import { readLine } from "../../src/explain/read-line.ts";
import { type Summary, shapeOf, Tally } from "../../src/explain/tally.ts";
import { startsEntry } from "../../src/parse/record.ts";

function summarise(lines: readonly string[], mostSamples = 10): Summary {
  const tally = new Tally();
  for (const [index, line] of lines.entries())
    tally.add(readLine([line], startsEntry(line), { file: "mainlog", lineNumber: index + 1 }));
  return tally.summarise(mostSamples);
}

const STAMP = "2026-03-02 05:40:05";

describe("a summary", () => {
  test("counts kinds, the most frequent first", () => {
    const summary = summarise([
      `${STAMP} 1vx5YS-0006QZ-1J Completed`,
      "x",
      `${STAMP} 1vx5YT-0006QZ-1J Completed`,
      `${STAMP} y`,
    ]);
    expect(summary).toMatchObject({
      entries: 4,
      kinds: [
        { kind: "completed", count: 2, share: 0.5 },
        { kind: "other", count: 1, share: 0.25 },
        { kind: "unparsed", count: 1, share: 0.25 },
      ],
    });
  });

  test("shows the first line of each shape, the most frequent shapes first, and says how many there are", () => {
    const lines = [
      `${STAMP} once`,
      `${STAMP} size 1 of a@b.example`,
      `${STAMP} size 22 of c@d.example`,
      `${STAMP} else`,
    ];
    expect(summarise(lines, 2).unknown).toEqual({
      count: 4,
      shapes: 3,
      samples: [
        { file: "mainlog", lineNumber: 2, count: 2, raw: lines[1], residue: "" },
        { file: "mainlog", lineNumber: 1, count: 1, raw: lines[0], residue: "" },
      ],
    });
    expect(summarise(lines, 0).unknown).toMatchObject({ count: 4, samples: [] });
  });

  test("shows lines whose end could not be read", () => {
    const { residue, unknown } = summarise([`${STAMP} 1vx5YS-0006QZ-1J => x@y.example R=r T=t what is this`]);
    expect(residue).toMatchObject({ count: 1, samples: [{ residue: expect.stringContaining("what is this") }] });
    expect(unknown.count).toBe(0);
  });

  test("remembers a bounded number of shapes", () => {
    const letters = (index: number): string => index.toString(2).replaceAll("0", "a").replaceAll("1", "b");
    const { unknown } = summarise(Array.from({ length: 3000 }, (_, index) => `${STAMP} word ${letters(index)}`));
    expect(unknown).toMatchObject({ count: 3000, shapes: 1000 });
  });
});

describe("a shape", () => {
  test.each([
    ["size 12", "size 7"],
    ["1vx5YS-0006QZ-1J gone", "1wgT6G-000000005UY-01A8 gone"],
    ["from <a@b.example> [203.0.113.7]:25", "from <c.d@e.example> [2001:db8::1]"],
    ['said "one"', 'said "two \\" three"'],
    ["host mx1.example.org failed", "host a.b.c.example failed"],
  ])("is the same for %j and %j", (one, other) => {
    expect(shapeOf(one)).toBe(shapeOf(other));
  });

  test("differs with the words", () => {
    expect(shapeOf("queue_size: 3")).not.toBe(shapeOf("queue_age: 3"));
  });
});
