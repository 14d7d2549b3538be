/**
 * Damaged and forged lines. `npm run bench -- --only fuzz` tries a million of them, and how long each takes. EXIM_PILOT_SEED tries
 * others.
 */
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { type Explanation, explain } from "../../src/explain/explain.ts";
import { readLine } from "../../src/explain/read-line.ts";
import { type ParsedEntry, parseEntryText, startsEntry } from "../../src/parse/record.ts";
import { unwrapLine } from "../../src/parse/wrappers.ts";
import { allLogFixtures } from "../support/log-fixtures.ts";
import { mutateLine, overgrowLine } from "../support/mutate-lines.ts";
import { valuesAsWritten } from "../support/written-values.ts";

const SAMPLES = allLogFixtures().flatMap(({ lines }) => lines);
const FIRST_SEED = Number(process.env["EXIM_PILOT_SEED"] ?? 1);

interface Fuzzed {
  readonly seed: number;
  readonly line: string;
}

const MUTATED = fuzz(20_000, (seed) => mutateLine(SAMPLES, seed));
const OVERGROWN = fuzz(1000, (seed) => overgrowLine(SAMPLES, seed, 8192));
const FAR_TOO_LONG = fuzz(20, (seed) => overgrowLine(SAMPLES, seed, 1024 * 1024));

describe("a line that Exim did not write", () => {
  test("is parsed without an error, or begins no entry", () => {
    const kinds = new Set<string | undefined>();
    for (const { line } of [...MUTATED, ...OVERGROWN, ...FAR_TOO_LONG]) {
      const parsed = parseEntryText(line);
      kinds.add(parsed?.event.kind);
      const isStart = startsEntry(firstLine(line)) || isWrapped(firstLine(line));
      if ((parsed !== undefined) !== isStart) expect.fail(`begins an entry, or not: ${line}`);
    }
    expect(kinds.size).toBeGreaterThan(30);
  });

  test("means the same whatever was parsed before it", () => {
    const forwards = MUTATED.map(parse);
    const backwards = MUTATED.toReversed().map(parse).toReversed();
    const changed = MUTATED.filter((_, index) => !isDeepStrictEqual(forwards[index], backwards[index]));
    expect(changed).toEqual([]);
  });

  test("holds what was read of it", () => {
    const invented = [...MUTATED, ...OVERGROWN].filter((fuzzed) => {
      const parsed = parse(fuzzed);
      return parsed !== undefined && !holds(parsed);
    });
    expect(invented.map(({ seed }) => seed)).toEqual([]);
  });

  test("holds the place of each of its fields", () => {
    const outside = MUTATED.slice(0, 2000).filter(({ seed, line }) => {
      const lines = line.split("\n");
      return !arePlacesInside(
        explain(readLine(lines, startsEntry(firstLine(line)), { file: "fuzz", lineNumber: seed })),
      );
    });
    expect(outside).toEqual([]);
  });
});

function fuzz(count: number, lineOf: (seed: number) => string): Fuzzed[] {
  return Array.from({ length: count }, (_, index) => {
    const seed = FIRST_SEED + index;
    return { seed, line: lineOf(seed) };
  });
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

function parse({ line }: Fuzzed): ParsedEntry | undefined {
  return parseEntryText(line);
}

/** NOTE: the lines are decoded, and so are the values; pieces of syslog are put together. */
function holds({ line, prefix, text, event }: ParsedEntry): boolean {
  if (prefix.messageId !== undefined && !line.slice(0, prefix.textStart).includes(prefix.messageId)) return false;
  return prefix.textStart <= line.length && valuesAsWritten(event).every((value) => text.includes(value));
}

function arePlacesInside({ text, fields }: Explanation): boolean {
  return fields.every(
    ({ range }) => range === undefined || (range.from >= 0 && range.from < range.to && range.to <= text.length),
  );
}

/** Some wrappers tell no time; then Exim's stamp has to. */
function isWrapped(line: string): boolean {
  const wrapped = unwrapLine(line.replace(/\r$/, ""));
  return wrapped !== undefined && (wrapped.header.wallMs !== undefined || startsEntry(wrapped.text));
}
