import { describe, expect, test } from "vitest";
import { parseEntry } from "../../src/parse/record.ts";
import { type LogFixture, logFixtureFiles, parseLogFixtures, readLogFixtures } from "../support/log-fixtures.ts";

/** Output of the parser for a record, in the shape of fixtures. */
function seen(lines: readonly string[]): Record<string, unknown> {
  const entry = parseEntry(lines);
  if (entry === undefined) return { kind: "unparsed" };
  const { wallMs, ...prefix } = entry.prefix;
  const { headerDump, text } = entry;
  return { ...entry.event, prefix: { ...prefix, wall: new Date(wallMs).toISOString() }, text, headerDump };
}

/** `actual` reduced to the keys of `expected`, so that a difference shows as a difference between the two. */
function project(actual: unknown, expected: unknown): unknown {
  if (actual === undefined) return null;
  if (!isPlainObject(actual) || !isPlainObject(expected)) return actual;
  return Object.fromEntries(Object.keys(expected).map((key) => [key, project(actual[key], expected[key])]));
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readExpectation({ expected, file, lineNumber }: LogFixture): Record<string, unknown> {
  const value: unknown = JSON.parse(expected);
  if (isPlainObject(value) && "kind" in value) return value;
  throw new Error(`${file}:${lineNumber}: an expectation is an object with a kind`);
}

/** The kind for the name of a test; bad JSON is reported by the test itself. */
function kindOf({ expected }: LogFixture): string {
  return /"kind":\s*"(\w+)"/.exec(expected)?.[1] ?? "(no kind)";
}

test("the folder of fixtures has files of lines", () => {
  expect(logFixtureFiles().length).toBeGreaterThan(0);
});

describe.each(logFixtureFiles())("%s", (file) => {
  const fixtures = readLogFixtures(file);

  test("has records, each with its lines and a comment on where it came from", () => {
    expect(fixtures.length).toBeGreaterThan(0);
    for (const { lineNumber, lines, comment } of fixtures) {
      expect(lines.length, `${file}:${lineNumber} has lines`).toBeGreaterThan(0);
      expect(comment, `${file}:${lineNumber} has a comment`).not.toBe("");
    }
  });

  for (const fixture of fixtures) {
    test(`means what it says: ${file}:${fixture.lineNumber} ${kindOf(fixture)}`, () => {
      const actual = seen(fixture.lines);
      const expected = { ...("residue" in actual ? { residue: "" } : {}), ...readExpectation(fixture) };
      expect(project(actual, expected)).toEqual(expected);
    });
  }
});

describe("the form of fixtures", () => {
  test("a record ends at the next line that begins with #, or at the end", () => {
    const bytes = Buffer.from('# from here\n#> {"kind":"other"}\nfirst\nsecond\n# there\n#> {"kind":"other"}\nthird\n');
    expect(parseLogFixtures("x.log", bytes)).toEqual([
      {
        file: "x.log",
        lineNumber: 2,
        comment: "from here",
        expected: '{"kind":"other"}',
        lines: ["first", "second"],
      },
      { file: "x.log", lineNumber: 6, comment: "there", expected: '{"kind":"other"}', lines: ["third"] },
    ]);
  });

  test("blank lines belong to the record they follow, and bytes are read as latin1", () => {
    const bytes = Buffer.from('# here\n#> {"kind":"é"}\ncaf\xe9\n\n', "latin1");
    const utf8 = Buffer.concat([Buffer.from('# here\n#> {"kind":"é"}\n'), Buffer.from("caf\xe9\n\n", "latin1")]);
    expect(parseLogFixtures("x.log", utf8)[0]).toMatchObject({
      expected: '{"kind":"é"}',
      lines: ["café", ""],
    });
    expect(parseLogFixtures("x.log", bytes)[0]?.lines).toEqual(["café", ""]);
  });

  test("a line that belongs to no record is an error", () => {
    expect(() => parseLogFixtures("x.log", Buffer.from("2026-03-02 05:40:05 Completed\n"))).toThrow("x.log:1");
  });
});
