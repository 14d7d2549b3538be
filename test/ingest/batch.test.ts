import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Batch, Batcher } from "../../src/ingest/batch/batcher.ts";
import type { LineEnd } from "../../src/ingest/batch/lines.ts";
import type { LogRecord } from "../../src/ingest/batch/log-record.ts";

const ENTRY = "2026-03-02 06:16:00 Start queue run: pid=1";

/** Lines of a log: some begin an entry, some go on with it. */
const LINES = fc.array(
  fc.constantFrom(ENTRY, `${ENTRY} `, "2026-03-02 06:16", "  Subject: x", "", "\t2026-03-02 06:16:00 x"),
  {
    maxLength: 40,
  },
);

describe("batches in blocks", () => {
  test("are the same batches; records are counted within their block", () => {
    fc.assert(
      fc.property(LINES, fc.integer({ min: 1, max: 12 }), fc.integer({ max: 500 }), (lines, batchLines, blockBytes) => {
        const batches = batchesOf(lines, batchLines, blockBytes);
        expect(batches.map(({ text }) => text)).toEqual(batchesOf(lines, batchLines).map(({ text }) => text));
        for (const block of new Set(batches.map((batch) => batch.block))) {
          const own = batches.filter((batch) => batch.block === block);
          const physical = own
            .map(({ text }) => text)
            .join("")
            .split("\n");
          for (const { line, lines: texts, places } of own.flatMap(({ records }) => records))
            expect([line, ...places].map((place) => physical[place])).toEqual(texts);
        }
      }),
    );
  });

  test("end before a block holds more than its bytes, unless it is one batch", () => {
    const batches = batchesOf(Array<string>(1000).fill(ENTRY), 10, 10_000);
    const sizes = new Map<number, number>();
    for (const { block, text } of batches) sizes.set(block, (sizes.get(block) ?? 0) + text.length);
    expect(Math.max(...sizes.values())).toBeLessThanOrEqual(10_000);
    expect(sizes.size).toBeLessThan(batches.length / 15);
    expect(new Set(batchesOf(Array<string>(50).fill(ENTRY), 10, 100).map(({ block }) => block)).size).toBe(5);
  });

  test("end before a block has more lines than 16 bits count, however short they are", () => {
    const batches = batchesOf(Array<string>(150_000).fill("x"), 500, 1 << 20);
    const lines = new Map<number, number>();
    for (const batch of batches) lines.set(batch.block, (lines.get(batch.block) ?? 0) + batch.lines);
    expect(Math.max(...lines.values())).toBeLessThan(65_536);
    expect([...lines.values()].reduce((sum, count) => sum + count, 0)).toBe(150_000);
  });
});

describe("lines in batches", () => {
  test("are the same text and the same records in batches of any size", () => {
    fc.assert(
      fc.property(LINES, fc.integer({ min: 1, max: 12 }), (lines, batchLines) => {
        const batches = batchesOf(lines, batchLines);
        expect(batches.map(({ text }) => text).join("")).toBe(lines.map((line) => `${line}\n`).join(""));
        expect(recordsOf(batches)).toEqual(recordsOf(batchesOf(lines, 1000)));
      }),
    );
  });

  test("are whole records, full batches but for the last, counted within each", () => {
    fc.assert(
      fc.property(LINES, fc.integer({ min: 1, max: 12 }), (lines, batchLines) => {
        for (const [index, { text, lines: count, records }] of batchesOf(lines, batchLines).entries()) {
          const physical = text.split("\n").slice(0, -1);
          expect(count).toBe(physical.length);
          expect(records.flatMap((record) => record.lines)).toEqual(physical);
          for (const record of records) expect(physical[record.line]).toBe(record.lines[0]);
          const isLast = index === batchesOf(lines, batchLines).length - 1;
          if (!isLast) expect(count).toBeGreaterThanOrEqual(batchLines);
          expect(count - (records.at(-1)?.lines.length ?? 0)).toBeLessThan(batchLines);
        }
      }),
    );
  });

  test("go on with an entry until the next stamp, blank lines too", () => {
    const [batch] = batchesOf([ENTRY, "", "  more", ENTRY], 1000);
    expect(batch?.records).toEqual([
      { line: 0, lines: [ENTRY, "", "  more"], places: [1, 2], isEntry: true },
      { line: 3, lines: [ENTRY], places: [], isEntry: true },
    ]);
  });

  test("without an entry before them stand alone", () => {
    const [batch] = batchesOf(["  more", "", ENTRY], 1000);
    expect(batch?.records).toEqual([
      { line: 0, lines: ["  more"], places: [], isEntry: false },
      { line: 1, lines: [""], places: [], isEntry: false },
      { line: 2, lines: [ENTRY], places: [], isEntry: true },
    ]);
  });

  test("are of no record when they are the rest of a line that was cut", () => {
    const batches = collect(1000, true, (batcher) => {
      batcher.add(ENTRY, "newline");
      batcher.add(ENTRY, "cut");
      batcher.add(ENTRY, "newline");
      batcher.add("  more", "newline");
      batcher.add(ENTRY, "newline");
    });
    expect(batches.map(({ text, lines }) => ({ text, lines }))).toEqual([
      { text: `${ENTRY}\n${ENTRY}`, lines: 1 },
      { text: `${ENTRY}\n  more\n${ENTRY}\n`, lines: 3 },
    ]);
    expect(recordsOf(batches).map(([, isEntry]) => isEntry)).toEqual([true, false, true]);
  });

  test.each(["cut", "eof"] as const)("end the batch with one that has no newline (%s)", (end) => {
    const batches = collect(1000, false, (batcher) => {
      batcher.add(ENTRY, "newline");
      batcher.add(ENTRY, end);
      batcher.add("rest", "newline");
    });
    expect(batches.map(({ text }) => text)).toEqual([`${ENTRY}\n${ENTRY}`, "rest\n"]);
    expect(batches.map(({ lines }) => lines)).toEqual([end === "cut" ? 1 : 2, 1]);
  });

  test("end the batch when they are few and long", () => {
    const long = `${ENTRY} ${"x".repeat(300_000)}`;
    expect(
      batchesOf(
        Array.from({ length: 9 }, () => long),
        1000,
      ).map(({ lines }) => lines),
    ).toEqual([4, 4, 1]);
  });

  test("that go on for ever stop belonging to the entry, so that a batch can end", () => {
    const many = batchesOf([ENTRY, ...Array.from({ length: 5000 }, () => "more")], 100);
    expect(Math.max(...many.map(({ lines }) => lines))).toBeLessThan(2000);
    const long = batchesOf([ENTRY, ...Array.from({ length: 100 }, () => "x".repeat(10_000))], 5);
    expect(Math.max(...long.map(({ text }) => text.length))).toBeLessThan(200_000);
    for (const [batches, count] of [
      [many, 5001],
      [long, 101],
    ] as const) {
      expect(batches.reduce((sum, { lines }) => sum + lines, 0)).toBe(count);
      expect(recordsOf(batches).filter(([, isEntry]) => isEntry)).toHaveLength(1);
    }
  });

  test("stay together while they are held", () => {
    const batches = collect(2, false, (batcher) => {
      batcher.hold();
      for (let index = 0; index < 7; index++) batcher.add(ENTRY, "newline");
      batcher.release();
      for (let index = 0; index < 3; index++) batcher.add(ENTRY, "newline");
    });
    expect(batches.map(({ lines }) => lines)).toEqual([7, 2, 1]);
  });

  test("that are none make no batch", () => {
    expect(batchesOf([], 10)).toEqual([]);
  });
});

/** Keeps the text that it is given. */
class RecordingBatcher extends Batcher {
  text = "";

  override add(line: string, end: LineEnd): void {
    this.text += end === "newline" ? `${line}\n` : line;
    super.add(line, end);
  }
}

/** A batch with its records; `block` counts the blocks before its own. */
interface ReadBatch extends Batch {
  readonly text: string;
  readonly records: readonly LogRecord[];
  readonly block: number;
}

function batchesOf(lines: readonly string[], batchLines: number, blockBytes = 0): ReadBatch[] {
  return collect(
    batchLines,
    false,
    (batcher) => {
      for (const line of lines) batcher.add(line, "newline" satisfies LineEnd);
    },
    blockBytes,
  );
}

function collect(
  batchLines: number,
  isWithinLine: boolean,
  fill: (batcher: Batcher) => void,
  blockBytes = 0,
): ReadBatch[] {
  const batches: ReadBatch[] = [];
  let records: LogRecord[] = [];
  let block = 0;
  let position = 0;
  const batcher = new RecordingBatcher(
    { batchLines, blockBytes, linesBefore: 0, isWithinLine, isSyslog: false },
    {
      onRecord: (record) => records.push(record),
      onBatch: (batch) => {
        const text = batcher.text.slice(position, position + batch.size);
        batches.push({ ...batch, text, records, block });
        position += batch.size;
        records = [];
        return false;
      },
      onBlock: () => block++,
    },
  );
  fill(batcher);
  batcher.end();
  expect(position).toBe(batcher.text.length);
  expect(block).toBe(batches.length === 0 ? 0 : (batches.at(-1)?.block ?? 0) + 1);
  return batches;
}

function recordsOf(batches: readonly ReadBatch[]): (readonly [lines: readonly string[], isEntry: boolean])[] {
  return batches.flatMap(({ records }) => records.map(({ lines, isEntry }) => [lines, isEntry] as const));
}
