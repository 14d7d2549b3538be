/** Hint files: `fixtures/queue/hints/retry` is a hash file of Berkeley DB 5.3 with the records that `retry.txt` prints. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { PilotError } from "../../src/errors.ts";
import {
  type HintForm,
  type HintReading,
  type HintRecord,
  hintForm,
  type RetryHint,
  readHashHints,
  readHintDump,
  readHintRecords,
} from "../../src/spool/hints.ts";
import { readSqliteHints } from "../../src/store/read/sqlite-hints.ts";
import { decodeLines } from "../../src/text.ts";
import { epochMs } from "../../src/units.ts";
import { parseWhen } from "../../src/when.ts";
import { FIXTURES, temporaryFolder } from "../support/database.ts";
import { Random } from "../support/generate.ts";

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
  for (const [index, seconds] of [100, 100, 200, 300].entries())
    head.writeBigInt64LE(BigInt(1_772_000_000 + seconds), 8 + 8 * index);
  head.writeInt32LE(1, 40);
  head.writeInt32LE(-44, 44);
  const value = Buffer.concat([head, Buffer.from("later\0pad")]);
  expect(readHintRecords([{ key: Buffer.from("R:x.example\0"), value }])).toEqual({
    kind: "read",
    hints: [
      {
        key: "R:x.example",
        firstFailedAt: 1_772_000_100_000,
        lastTriedAt: 1_772_000_200_000,
        nextTryAt: 1_772_000_300_000,
        isExpired: true,
        errno: -44,
        moreErrno: 0,
        reason: "later",
      },
    ],
  });
});

const SECTOR = 512;

/** Ways in which a disk or a cut leaves a sector: without data, never written, of other data, of another time, and not at all. */
const HARMS: Readonly<Record<string, (bytes: Buffer, at: number) => Buffer>> = {
  "without data": (bytes, at) => filled(bytes, at, Buffer.alloc(SECTOR)),
  "never written": (bytes, at) => filled(bytes, at, Buffer.alloc(SECTOR, 0xff)),
  "of noise": (bytes, at) => filled(bytes, at, noise(at)),
  "of another place": (bytes, at) => filled(bytes, at, bytes.subarray((at + 5 * SECTOR) % bytes.length)),
  "left out": (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + SECTOR)]),
  "at which it ends": (bytes, at) => bytes.subarray(0, at),
};

function filled(bytes: Buffer, at: number, other: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  other.copy(changed, at, 0, SECTOR);
  return changed;
}

function noise(seed: number): Buffer {
  const random = new Random(seed + 1);
  return Buffer.from(Array.from({ length: SECTOR }, () => random.upTo(256)));
}

const ALL = (() => {
  const reading = readHashHints(BYTES);
  if (reading.kind === "damaged") throw new Error(reading.reason);
  return reading.hints;
})();

/** A record as Exim 4.96 writes it. */
function toRecord(hint: RetryHint): HintRecord {
  const { key, firstFailedAt, lastTriedAt, nextTryAt, isExpired, errno, moreErrno, reason } = hint;
  const value = Buffer.alloc(48 + Buffer.byteLength(reason));
  for (const [index, ms] of [lastTriedAt, firstFailedAt, lastTriedAt, nextTryAt].entries())
    value.writeBigInt64LE(BigInt(ms / 1000), 8 * index);
  for (const [index, word] of [Number(isExpired), errno, moreErrno].entries()) value.writeInt32LE(word, 32 + 4 * index);
  value.write(reason, 44);
  return { key: Buffer.from(`${key}\0`), value };
}

/** The records as Exim keeps them in SQLite. */
function toSqlite(): Buffer {
  const database = new Database(":memory:");
  try {
    database.exec("CREATE TABLE tblblob (ky BLOB PRIMARY KEY, dat BLOB)");
    const put = database.prepare("INSERT INTO tblblob VALUES (?, ?)");
    for (const hint of ALL) {
      const { key, value } = toRecord(hint);
      put.run(key, value);
    }
    return database.serialize();
  } finally {
    database.close();
  }
}

function readSqlite(bytes: Buffer): HintReading {
  try {
    return readHintRecords(readSqliteHints(bytes, "retry"));
  } catch (error) {
    if (!(error instanceof PilotError)) throw error;
    return { kind: "damaged", reason: error.message };
  }
}

describe("damage is told, never thrown, and no record is another one than Exim wrote", () => {
  const FORMS: readonly (readonly [HintForm, Buffer, (bytes: Buffer) => HintReading])[] = [
    ["berkeley_hash", BYTES, readHashHints],
    ["sqlite", toSqlite(), readSqlite],
    ["dump", Buffer.from(DUMP), (bytes) => readHintDump(decodeLines(bytes.toString("latin1")), inUtc)],
  ];

  describe.each(FORMS)("in a file of the form %s", (form, whole, read) => {
    const known = new Map(ALL.map((hint) => [hint.key, hint]));

    test("that is whole", () => {
      const reading = read(whole);
      expect(reading.kind === "read" && new Map(reading.hints.map((hint) => [hint.key, hint]))).toEqual(known);
    });

    test.each(Object.entries(HARMS))("with a sector %s, whichever it is", (harm, damage) => {
      let told = 0;
      for (let at = 0; at < whole.length; at += SECTOR) {
        const bytes = damage(whole, at);
        if (hintForm(bytes) !== form) {
          told++;
          continue;
        }
        const reading = read(bytes);
        if (reading.kind === "damaged") {
          told++;
          expect(reading.reason, `${harm} at ${at}`).toMatch(/^\S.*\.$/s);
          continue;
        }
        // NOTE: a text that was put together of others cannot be told from one that was printed.
        if (form === "dump" && ["of another place", "left out"].includes(harm)) continue;
        for (const hint of reading.hints) expect(hint, `${harm} at ${at}`).toEqual(known.get(hint.key));
        // NOTE: a text from which whole records were taken is a shorter text.
        if (form !== "dump") expect(reading.hints.length, `${harm} at ${at}`).toBe(known.size);
      }
      expect(told).toBeGreaterThan(whole.length / SECTOR / (form === "dump" ? 8 : 3));
    });
  });

  test("in a hash file with another byte here and there: it is read or not, and nothing is thrown", () => {
    let damaged = 0;
    for (let at = 0; at < BYTES.length; at += 37) {
      const changed = Buffer.from(BYTES);
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      if (hintForm(changed) !== "berkeley_hash" || readHashHints(changed).kind === "damaged") damaged++;
    }
    expect(damaged).toBeGreaterThan(30);
  });

  test.each([
    ["hello\nworld\n", "It ends within a record of exim_dumpdb."],
    [DUMP.slice(0, -60), "It ends within a record of exim_dumpdb."],
    // The asterisk that may follow is not known.
    [DUMP.slice(0, -1), "It ends within a record of exim_dumpdb."],
    ["  W:x.example 1 2 three\n02-Mar-2026 15:51:25  06-Mar-2026 17:41:05  06-Mar-2026 23:41:05 \n", /no record/],
  ])("in a dump: %j", (text, reason) => {
    expect(readHintDump(text, inUtc)).toEqual({ kind: "damaged", reason: expect.stringMatching(reason) });
  });
});

test("records of another hints database are no retry records", () => {
  const value = Buffer.alloc(60);
  expect(readHintRecords([{ key: Buffer.from("mx.x.example\0"), value }])).toEqual({
    kind: "damaged",
    reason: "A record has a key that no retry record has.",
  });
});

/** Perl brings Berkeley DB on most systems. */
const hasBerkeleyDb = spawnSync("perl", ["-MDB_File", "-e", "1"], { stdio: "ignore" }).status === 0;
if (!hasBerkeleyDb) test.skip("files that Berkeley DB makes now were not read: Perl's DB_File is missing");

/** Puts and removes records: `put KEY VALUE`, `del KEY`, in hexadecimal. */
const PUT = `
  use DB_File; use Fcntl;
  my $db = tie my %h, "DB_File", $ARGV[0], O_RDWR | O_CREAT, 0600, $DB_HASH or die $!;
  while (<STDIN>) { my ($what, @hex) = split; my ($key, $value) = map { pack "H*", $_ } @hex; if ($what eq "put") { $h{$key} = $value } else { delete $h{$key} } }
`;

describe.runIf(hasBerkeleyDb)("a file that Berkeley DB itself has written", () => {
  test.each([1, 40, 400, 4000])(
    "with %i records, some of which were changed and removed again, is read as it is",
    (count) => {
      const random = new Random(count);
      const file = join(temporaryFolder(), "retry");
      const records = new Map<string, RetryHint>();
      const lines: string[] = [];
      for (let index = 0; index < 2 * count; index++) {
        const key = `R:user${random.upTo(count)}@${"long-".repeat(random.upTo(12))}x.example`;
        if (random.isOneOf(4) && records.size > 1) {
          const [gone = ""] = records.keys();
          records.delete(gone);
          lines.push(`del ${Buffer.from(`${gone}\0`).toString("hex")}`);
        }
        const seconds = 1_772_000_000 + random.upTo(1_000_000);
        const hint: RetryHint = {
          key,
          firstFailedAt: epochMs(seconds * 1000),
          lastTriedAt: epochMs((seconds + random.upTo(100_000)) * 1000),
          nextTryAt: epochMs((seconds + random.upTo(200_000)) * 1000),
          isExpired: random.isOneOf(5),
          errno: random.upTo(100) - 50,
          moreErrno: random.upTo(65_536),
          reason: "reason ".repeat(random.upTo(30)),
        };
        records.delete(key);
        records.set(key, hint);
        const { key: name, value } = toRecord(hint);
        lines.push(`put ${name.toString("hex")} ${value.toString("hex")}`);
      }
      expect(spawnSync("perl", ["-e", PUT, file], { input: lines.join("\n") }).status).toBe(0);
      const bytes = readFileSync(file);
      expect(hintForm(bytes)).toBe("berkeley_hash");
      const reading = readHashHints(bytes);
      expect(
        reading.kind === "damaged" ? reading.reason : new Map(reading.hints.map((hint) => [hint.key, hint])),
      ).toEqual(records);
    },
  );
});
