import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  eachLine,
  type LineEnd,
  type LineOptions,
  LONGEST_PIECE,
  SourceFailure,
} from "../../src/ingest/batch/lines.ts";

type Piece = readonly [line: string, end: LineEnd];

/** Text of a log: few different characters, so that newlines come in every place. */
const TEXT = fc.string({ unit: fc.constantFrom("a", "b", "\n", "\r", "\0", "\xe9", "\xff"), maxLength: 60 });

describe("a text read in chunks", () => {
  test("gives the same lines however it is cut into chunks", async () => {
    await fc.assert(
      fc.asyncProperty(TEXT, fc.array(fc.nat(60)), async (text, cuts) => {
        expect(await linesOf(chunksAt(text, cuts))).toEqual(linesIn(text));
      }),
    );
  });

  test("gives its lines with their place in the text: all of them together are the text", async () => {
    await fc.assert(
      fc.asyncProperty(TEXT, async (text) => {
        expect(join(await linesOf([text]))).toBe(text);
      }),
    );
  });

  test.each([
    ["", []],
    ["\n", [["", "newline"]]],
    [
      "\n\n",
      [
        ["", "newline"],
        ["", "newline"],
      ],
    ],
    ["a", [["a", "eof"]]],
    ["a\n", [["a", "newline"]]],
    [
      "a\r\n\nb",
      [
        ["a\r", "newline"],
        ["", "newline"],
        ["b", "eof"],
      ],
    ],
  ] as const)("%j", async (text, lines) => {
    expect(await linesOf([text])).toEqual(lines);
  });
});

describe("a line longer than a piece", () => {
  test.each([
    [LONGEST_PIECE, [LONGEST_PIECE]],
    [LONGEST_PIECE + 1, [LONGEST_PIECE, 1]],
    [2 * LONGEST_PIECE, [LONGEST_PIECE, LONGEST_PIECE]],
    [2 * LONGEST_PIECE + 1, [LONGEST_PIECE, LONGEST_PIECE, 1]],
  ])("of %i bytes is cut exactly at the limit, in whatever chunks it comes", async (length, pieces) => {
    const text = `first\n${"x".repeat(length)}\nlast`;
    for (const chunk of [65_536, LONGEST_PIECE - 1, LONGEST_PIECE, LONGEST_PIECE + 1, text.length]) {
      const lines = await linesOf(chunksOf(text, chunk));
      expect(lines.map(([line, end]) => [line.length, end])).toEqual([
        [5, "newline"],
        ...pieces.map((size, index) => [size, index === pieces.length - 1 ? "newline" : "cut"]),
        [4, "eof"],
      ]);
      expect(join(lines) === text).toBe(true);
    }
  });

  test("is cut where it would have been when its beginning was read before", async () => {
    const text = "x".repeat(2.5 * LONGEST_PIECE);
    const whole = await linesOf([text]);
    for (const length of [1, 1000, LONGEST_PIECE - 1, LONGEST_PIECE]) {
      const rest = await linesOf(chunksOf(text.slice(length), 65_536), { unfinished: length });
      expect(rest[0]?.[0].length).toBe(LONGEST_PIECE - length);
      expect(rest.slice(1).map(([line, end]) => [line.length, end])).toEqual(
        whole.slice(1).map(([line, end]) => [line.length, end]),
      );
    }
  });
});

describe("reading ends", () => {
  test("with the failure of the source, after all lines before it, the last one as it stands", async () => {
    const lines: Piece[] = [];
    const cause = new Error("the disk");
    const reading = eachLine(failing(["a\nb\n", "c"], cause), (line, end) => lines.push([line, end]), QUIET);
    await expect(reading).rejects.toThrow(SourceFailure);
    await expect(reading).rejects.toMatchObject({ cause });
    expect(lines).toEqual([
      ["a", "newline"],
      ["b", "newline"],
      ["c", "eof"],
    ]);
  });

  test("with the first error in the handling of a line, which is thrown as it is", async () => {
    const error = new Error("the database");
    let calls = 0;
    const source = Readable.from(["a\nb\nc\n", "d\n"]);
    const reading = eachLine(
      source,
      () => {
        calls++;
        throw error;
      },
      QUIET,
    );
    await expect(reading).rejects.toBe(error);
    expect(calls).toBe(1);
    expect(source.destroyed).toBe(true);
  });

  test("early and without an error when it is told to stop", async () => {
    const controller = new AbortController();
    const endless = Readable.from(
      (function* () {
        for (;;) yield "line\n".repeat(100);
      })(),
    );
    let calls = 0;
    await eachLine(endless, () => ++calls === 250 && controller.abort(), { unfinished: 0, signal: controller.signal });
    expect(calls).toBeGreaterThanOrEqual(250);
    expect(endless.destroyed).toBe(true);
  });

  test("at once when it was told to stop before", async () => {
    const lines: string[] = [];
    await eachLine(Readable.from(["a\n"]), (line) => lines.push(line), { unfinished: 0, signal: AbortSignal.abort() });
    expect(lines).toEqual([]);
  });
});

const QUIET: LineOptions = { unfinished: 0, signal: undefined };

async function linesOf(chunks: readonly string[], options: Partial<LineOptions> = {}): Promise<Piece[]> {
  const lines: Piece[] = [];
  await eachLine(Readable.from(chunks), (line, end) => lines.push([line, end]), { ...QUIET, ...options });
  return lines;
}

function linesIn(text: string): Piece[] {
  const lines = text.split("\n");
  const last = lines.pop();
  const pieces = lines.map((line): Piece => [line, "newline"]);
  return last === "" || last === undefined ? pieces : [...pieces, [last, "eof"]];
}

function join(lines: readonly Piece[]): string {
  return lines.map(([line, end]) => (end === "newline" ? `${line}\n` : line)).join("");
}

function chunksAt(text: string, cuts: readonly number[]): string[] {
  const places = [0, ...cuts.filter((cut) => cut < text.length).sort((one, other) => one - other), text.length];
  return places.slice(1).map((end, index) => text.slice(places[index], end));
}

function chunksOf(text: string, size: number): string[] {
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
    text.slice(index * size, (index + 1) * size),
  );
}

function failing(chunks: readonly string[], error: Error): Readable {
  return Readable.from(
    (async function* () {
      yield* chunks;
      throw error;
    })(),
  );
}
