/** Hint files: `fixtures/queue/hints/retry` is a hash file of Berkeley DB 5.3 with the records that `retry.txt` prints. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hintForm, readHashHints, readHintDump, readHintRecords } from "../../src/spool/hints.ts";
import { epochMs } from "../../src/units.ts";
import { parseWhen } from "../../src/when.ts";
import { FIXTURES } from "../support/database.ts";

const BYTES = readFileSync(join(FIXTURES, "queue", "hints", "retry"));
const DUMP = readFileSync(join(FIXTURES, "queue", "hints", "retry.txt"), "utf8");
const inUtc = (wall: string) => parseWhen(wall, { now: epochMs(0), timeZone: "UTC" })?.from;

test("a hash file says what exim_dumpdb printed of it", () => {
  const [file, dump] = [readHashHints(BYTES), readHintDump(DUMP, inUtc)];
  expect(file.kind === "read" && file.hints.length).toBe(DUMP.match(/^ {2}[RT]:/gm)?.length);
  const byKey = dump.kind === "read" ? dump.hints.toSorted((left, right) => (left.key < right.key ? -1 : 1)) : [];
  expect(file).toEqual({ kind: "read", hints: byKey });
});

test("forms of hints files are told apart by their first bytes", () => {
  expect(hintForm(BYTES)).toBe("berkeley_hash");
  expect(hintForm(Buffer.from(DUMP))).toBe("dump");
  expect(hintForm(Buffer.from("SQLite format 3\0…"))).toBe("sqlite");
  expect(hintForm(Buffer.from("\x13\x57\x9a\xcdGDBM"))).toBe("unknown");
  expect(hintForm(Buffer.alloc(0))).toBe("unknown");
});

test("hints are read from records with a version in front, and of a machine with the high byte first", () => {
  const head = Buffer.alloc(16 + 36);
  head.writeInt32LE(2, 0);
  head.writeInt32LE(1, 4);
  for (const [index, seconds] of [100, 200, 300].entries()) head.writeBigInt64LE(BigInt(seconds), 16 + 8 * index);
  head.writeInt32LE(1, 40);
  head.writeInt32LE(-44, 44);
  const value = Buffer.concat([head, Buffer.from("later\0")]);
  expect(readHintRecords([{ key: Buffer.from("R:x.example\0"), value }])).toEqual({
    kind: "read",
    hints: [
      {
        key: "R:x.example",
        firstFailedAt: 100_000,
        lastTriedAt: 200_000,
        nextTryAt: 300_000,
        isExpired: true,
        errno: -44,
        moreErrno: 0,
        reason: "later",
      },
    ],
  });
});

describe("damage is told, never thrown", () => {
  const outcome = (bytes: Buffer): string => {
    if (hintForm(bytes) !== "berkeley_hash") return "no hash file";
    const reading = readHashHints(bytes);
    return reading.kind === "damaged" ? reading.reason : "read";
  };

  test("in a file that is cut at every 512 bytes", () => {
    for (let end = 0; end < BYTES.length; end += 512)
      expect(outcome(BYTES.subarray(0, end))).toMatch(/no hash file|cut/);
  });

  test("in a file with other bytes here and there", () => {
    let damaged = 0;
    for (let at = 0; at < BYTES.length; at += 37) {
      const changed = Buffer.from(BYTES);
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      if (outcome(changed) !== "read") damaged++;
    }
    expect(damaged).toBeGreaterThan(10);
  });

  test("in a dump", () => {
    expect(readHintDump("hello\nworld\n", inUtc)).toEqual({
      kind: "damaged",
      reason: "It ends within a record of exim_dumpdb.",
    });
    expect(readHintDump(DUMP.slice(0, -60), inUtc).kind).toBe("damaged");
  });
});
