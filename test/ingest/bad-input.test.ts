/** Unusable input by mistake of people and disks: one clear sentence, the right status, and nothing lost that was good. */
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { availableArchivers } from "../support/archivers.ts";
import { type CliOptions, type CliResult, expectFailure, runCli } from "../support/cli.ts";
import { temporaryFolder } from "../support/database.ts";
import { generateLog, Random } from "../support/generate.ts";
import { SMALL_LOGS } from "../support/small-log.ts";
import { differences, dumpViews, queryAll, readSources } from "../support/views.ts";

vi.setConfig({ testTimeout: 120_000 });

const ID = "1vwwZU-0005V4-1s";
const ARRIVAL = `2026-03-02 06:16:00 ${ID} <= bob@example.org U=bob P=local S=430 for alice@example.org`;
const DELIVERY = `2026-03-02 06:16:01 ${ID} => alice <alice@example.org> R=local_user T=mail_spool`;
const COMPLETED = `2026-03-02 06:16:01 ${ID} Completed`;
const GOOD = `${ARRIVAL}\n${DELIVERY}\n${COMPLETED}\n`;
const TORTURE = process.env["EXIM_PILOT_TORTURE"] !== undefined;
const isRoot = process.getuid?.() === 0;

let folder: string;
let database: string;
let good: string;

beforeEach(() => {
  folder = temporaryFolder();
  database = join(folder, "pilot.db");
  good = write("mainlog", GOOD);
});

describe("a log that cannot be read is told", () => {
  test("when it is missing", async () => {
    expectFailure(await ingest(join(folder, "nothing")), {
      status: 3,
      says: `There is no file "${join(folder, "nothing")}".`,
    });
    await expectStillUsable();
  });

  test("when it is below something that is no directory", async () => {
    expectFailure(await ingest(join(good, "mainlog")), { status: 3, says: "cannot be opened" });
    await expectStillUsable();
  });

  test.skipIf(isRoot)("when this user may not read it", async () => {
    const secret = write("mainlog.1", GOOD);
    chmodSync(secret, 0o000);
    expectFailure(await ingest(secret), { status: 3, says: "may not be read by this user" });
    await expectStillUsable();
  });

  test("when it is one of several: the others are stored, and each failure is told", async () => {
    const other = write("rejectlog", "2026-03-02 06:16:05 H=(y) [203.0.113.104] rejected EHLO or HELO y: no\n");
    const result = await ingest(
      join(folder, "nothing"),
      good,
      join(folder, "x*"),
      write("noise", randomBytes(5000)),
      other,
    );
    expect(result.status).toBe(3);
    expect(result.stderr.match(/^error: .+\.$/gm)).toHaveLength(3);
    expect(result.stderr.match(/^hint: .+\.$/gm)).toHaveLength(3);
    expect(result.stdout).toMatch(/^Stored 4 /);
    expectStored([GOOD, readFileSync(other)]);
  });

  test("even under --quiet, and in the JSON report", async () => {
    const quiet = await ingest("--quiet", join(folder, "nothing"), good);
    expectFailure(quiet, { status: 3, says: "There is no file" });
    expect(quiet.stdout).toBe("");
    const json = await ingest("--json", join(folder, "nothing"), good);
    expect(json.status).toBe(3);
    const { logs } = JSON.parse(json.stdout);
    expect(logs[0]).toMatchObject({
      result: "failed",
      error: { code: "unreadable", message: expect.stringMatching(/There is no file/) },
    });
    expect(logs[1]).toMatchObject({ result: "unchanged" });
  });
});

describe("a file that is no log", () => {
  test.each([
    ["noise", () => randomBytes(100_000)],
    ["a picture", () => Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), randomBytes(3000)])],
    ["text", () => Buffer.from("Dear Bob,\n\nthe log is attached.\n\nAlice\n")],
    [
      "another program's log",
      () => Buffer.from("Mar  2 06:16:00 mx1 postfix/smtpd[812]: connect from x[203.0.113.7]\n".repeat(50)),
    ],
    ["zeros", () => Buffer.alloc(4096)],
    ["JSON on one line", () => Buffer.from(JSON.stringify(Array.from({ length: 2000 }, (_, index) => ({ index }))))],
  ])("is refused: %s", async (_, content) => {
    const path = write("mainlog.1", content());
    expectFailure(await ingest(path), {
      status: 3,
      says: /does not look like a log of Exim|none of its first lines is of Exim/,
    });
    expect(readSources(database)).toEqual([]);
    await expectStillUsable();
  });

  test("is refused: what only begins like an archive", async () => {
    const path = write("mainlog.gz", Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), randomBytes(3000)]));
    expectFailure(await ingest(path), { status: 3, says: `"${path}" is damaged: ` });
    await expectStillUsable();
  });

  test("is taken all the same with --log-type", async () => {
    const text = "Dear Bob,\nno stamp here\n";
    expect(await report("--log-type", "main", write("letter", text))).toMatchObject({
      status: 0,
      totals: { lines: 2, unparsed: 2 },
    });
    expectStored([text]);
  });
});

describe("a strange log", () => {
  test("is empty", async () => {
    for (const path of [write("mainlog", ""), write("mainlog.gz", gzipSync("")), "-"]) {
      expect(await ingest(path)).toEqual({ status: 0, stderr: "", stdout: expect.stringMatching(/empty/) });
      expect(await report(path)).toMatchObject({ status: 0, logs: [{ path, result: "empty" }] });
    }
    await expectStillUsable();
  });

  test("has no newline at its end", async () => {
    const text = GOOD.trimEnd();
    expect(await ingest(write("mainlog", text))).toMatchObject({ status: 0, stderr: "" });
    expectStored([text]);
    await expectTraced("delivered");
  });

  test("was cut off within an entry that is no free text: completed, nothing less than nothing is new", async () => {
    const path = write("mainlog", `${GOOD}2026-03-02 06:16:06 Start queue`);
    expect((await ingest(path)).stdout).toMatch(/, 1 of free text, 0 unparsed /);
    write("mainlog", `${GOOD}2026-03-02 06:16:06 Start queue run: pid=7\n2026-03-02 06:16:06 End queue run: pid=7\n`);
    expect((await ingest(path)).stdout).toMatch(/^Stored 1 line in \S+: 0 new messages, 0 of free text, 0 unparsed /);
    expect(queryAll(database, "SELECT other FROM sources")).toEqual([{ other: 0 }]);
  });

  test("is one newline, and blank lines", async () => {
    const text = `\n\n${GOOD}\n\n`;
    expect(await ingest(write("mainlog", text))).toMatchObject({ status: 0, stderr: "" });
    expectStored([text]);
    await expectTraced("delivered");
  });

  test("has a line of ten megabytes: stored in pieces, given back byte for byte", async () => {
    const long = `${ARRIVAL}\n2026-03-02 06:16:00 ${ID} ${"x".repeat(10_000_000)}\n${DELIVERY}\n${COMPLETED}\n`;
    expect(await report(write("mainlog", long))).toMatchObject({
      status: 0,
      totals: { lines: 4, entries: 4, unparsed: 0, messages: 1 },
    });
    expectStored([long]);
    // NOTE: memory is bounded because no piece is large, whatever the line.
    const [largest] = queryAll<{ size: number }>(database, "SELECT max(size) AS size FROM raw_blocks");
    expect(largest?.size).toBeLessThan(2 * 1024 * 1024);
    await expectTraced("delivered");
  });

  test("has a line of megabytes that grew between two runs", async () => {
    const long = `${ARRIVAL}\n2026-03-02 06:16:00 ${ID} ${"x".repeat(3_200_000)}\n${DELIVERY}\n${COMPLETED}\n`;
    for (const length of [5000, 1_000_000, 1_048_699, 1_048_700, 2_200_000, long.length - 200, long.length]) {
      expect(await ingest(write("mainlog", long.slice(0, length)))).toMatchObject({ status: 0, stderr: "" });
    }
    expectStored([long]);
    await expectTraced("delivered");
    const plain = join(folder, "plain.db");
    await runCli(["ingest", "--db", plain, write("mainlog", long)]);
    expect(differences(dumpViews(database), dumpViews(plain))).toEqual([]);
  });

  test("has NUL bytes between lines, in a line, in an address", async () => {
    const text = `${ARRIVAL}\n\0\0\0\0\n2026-03-02 06:16:00 ${ID} => a\0b@example.org R=r T=t\0\n${DELIVERY}\n${"\0".repeat(5000)}\n${COMPLETED}\n`;
    expect(await ingest(write("mainlog", text))).toMatchObject({ status: 0, stderr: "" });
    expectStored([text]);
    await expectTraced("delivered");
  });

  test("has NUL bytes at its end, as after a crash of the machine, and goes on behind them", async () => {
    const before = `${ARRIVAL}\n${"\0".repeat(3000)}`;
    const path = write("mainlog", before);
    expect(await ingest(path)).toMatchObject({ status: 0, stderr: "" });
    appendFileSync(path, `${DELIVERY}\n${COMPLETED}\n`);
    expect(await ingest(path)).toMatchObject({ status: 0, stderr: "" });
    expectStored([readFileSync(path)]);
  });

  test("has bytes that are no UTF-8: shown as Latin-1, given back as they were", async () => {
    const bytes = Buffer.from(
      `2026-03-02 06:16:00 ${ID} <= caf\xe9@example.org U=bob P=local S=430 for n\xf6body@example.org\n`,
      "latin1",
    );
    expect(await ingest(write("mainlog", bytes))).toMatchObject({ status: 0, stderr: "" });
    expectStored([bytes]);
    expect((await trace()).stdout).toContain("café@example.org");
  });

  test("has the line ends of another system: understood, given back as they were", async () => {
    const text = GOOD.replaceAll("\n", "\r\n");
    expect(await report(write("mainlog", text))).toMatchObject({
      status: 0,
      totals: { entries: 3, other: 0, unparsed: 0 },
    });
    expectStored([text]);
    await expectTraced("delivered");
    expect(queryAll(database, "SELECT recipient, status FROM recipients")).toEqual([
      { recipient: "alice@example.org", status: "delivered" },
    ]);
  });

  test("begins in the middle of an entry", async () => {
    const text = `\tby mx1.example.org\n  Subject: x\n${GOOD}`;
    expect(await report(write("mainlog", text))).toMatchObject({
      status: 0,
      totals: { lines: 5, entries: 3, unparsed: 2 },
    });
    expectStored([text]);
    expect((await ingest("--strict", "--server", "mx2", good, write("mainlog.2", text))).status).toBe(1);
  });

  test("has an entry with thousands of lines", async () => {
    const text = `2026-03-02 06:16:00 ${ID} ${"continued\n".repeat(5000)}${GOOD}`;
    expect(await ingest("--batch-size", "100", write("mainlog", text))).toMatchObject({
      status: 0,
      stderr: expect.stringContaining("note: 80 % of the lines are unparsed"),
    });
    expectStored([text]);
    await expectTraced("delivered");
  });

  test("holds what would steer a terminal: shown, never sent", async () => {
    const text = `${ARRIVAL}\n2026-03-02 06:16:01 ${ID} ** alice@example.org R=r T=t: \x1b[2J\x1b]0;owned\x07\u202e550 no\n${COMPLETED}\n`;
    await ingest(write("mainlog\x1b[2J", text));
    const { stdout } = await trace();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(stdout).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f\u202e]/);
    const missing = await ingest(join(folder, "no\x1b[2Jthing"));
    expectFailure(missing, { status: 3, says: "There is no file" });
    expect(missing.stderr).not.toContain("\x1b");
  });

  test("is named twice, and once more in other words: stored once", async () => {
    const result = await report(
      good,
      good,
      join(folder, ".", "mainlog"),
      `${folder}/../${folder.split("/").at(-1)}/mainlog`,
    );
    expect(result).toMatchObject({ status: 0, totals: { lines: 3 } });
    expect(result.logs.map((log) => log.result)).toEqual(["read", "unchanged", "unchanged", "unchanged"]);
    expectStored([GOOD]);
  });
});

describe("an archive of gzip that is followed by", () => {
  const archive = gzipSync(GOOD);
  const otherLine = "2026-03-03 00:00:00 Start queue run: pid=1\n";

  test.each([
    ["one zero", Buffer.alloc(1)],
    ["a block of a tape", Buffer.alloc(10_240)],
    ["more zeros than are read at once", Buffer.alloc(1_000_000)],
  ])("%s: as without, from a file and from a pipe", async (_what, padding) => {
    const bytes = Buffer.concat([archive, padding]);
    expect(await report(write("mainlog.gz", bytes))).toMatchObject({ status: 0, totals: { lines: 3, entries: 3 } });
    expectStored([GOOD]);
    const piped = join(folder, "piped.db");
    expect(await run({ stdin: bytes }, "--log-type", "main", "--db", piped, "-")).toMatchObject({
      status: 0,
      stderr: "",
    });
    expect(dumpViews(piped)["log_entries"]).toEqual(dumpViews(database)["log_entries"]);
  });

  test("another one gives both", async () => {
    expect(await ingest(write("mainlog.gz", Buffer.concat([archive, gzipSync(otherLine)])))).toMatchObject({
      status: 0,
    });
    expectStored([GOOD + otherLine]);
  });

  test.each([
    ["text", Buffer.from("garbage\n")],
    ["text behind zeros", Buffer.concat([Buffer.alloc(600), Buffer.from("garbage\n")])],
    ["text behind more zeros than are read at once", Buffer.concat([Buffer.alloc(1_000_000), Buffer.from("x")])],
    ["another one behind zeros", Buffer.concat([Buffer.alloc(600), gzipSync(otherLine)])],
  ])("%s: told, for a part of it may be lost", async (_what, rest) => {
    const path = write("mainlog.gz", Buffer.concat([archive, rest]));
    expectFailure(await ingest(path), { status: 3, says: `"${path}" is damaged: ` });
    await expectStillUsable();
  });
});

describe.each(availableArchivers())("an archive of $codec that is", ({ codec, compress, decompress, ending }) => {
  // Several blocks of each codec: the largest are of 128 KiB.
  const text = [...generateLog("main", { messages: 300, seed: 9 })].join("");
  const archive = compress(text);
  const name = `mainlog.1.${ending}`;
  let plain: Record<string, string[]> | undefined;

  // NOTE: an archive of lzma has no checksum, so what is cut off cannot be told from what is damaged.
  const isChecked = codec !== "lzma";

  if (!isChecked)
    test("cut off: not trusted, and the whole one is stored", async () => {
      const path = write(name, archive.subarray(0, archive.length >> 1));
      expectFailure(await ingest(path), { status: 3, says: `"${path}" is damaged: ` });
      expectStored([]);
      expect(await ingest(write(name, archive))).toMatchObject({ status: 0, stderr: "" });
      expectStored([text]);
    });

  if (isChecked)
    test("cut off: all that can be read is stored, and the whole one adds the rest", async () => {
      for (const share of TORTURE ? [0.999, 0.8, 0.6, 0.3, 0.1] : [0.999, 0.4]) {
        database = join(folder, `${share}.db`);
        const cut = archive.subarray(0, Math.floor(archive.length * share));
        const readable = decompress(cut);
        const path = write(name, cut);
        for (const _ of ["once", "again"]) {
          expectFailure(await ingest(path), { status: 3, says: `"${path}" is damaged or cut off` });
          expectStored(readable.length === 0 ? [] : [readable]);
        }
        expect(await ingest(write(name, archive))).toMatchObject({ status: 0, stderr: "" });
        expectStored([text]);
        expect(differences(dumpViews(database), await plainViews())).toEqual([]);
      }
    });

  test("cut off within its first bytes: refused, and the whole one is stored", async () => {
    for (const length of [3, 9, 12, 20]) {
      const path = write(name, archive.subarray(0, length));
      expect((await ingest(path)).status).toBe(3);
    }
    await ingest(write(name, archive));
    expectStored([text]);
  });

  test("damaged in its middle: told, and nothing that may be garbage is stored", async () => {
    const random = new Random(5);
    for (let index = 0; index < (TORTURE ? 12 : 2); index++) {
      database = join(folder, `${index}.db`);
      const bytes = Buffer.from(archive);
      const place = 20 + random.upTo(bytes.length - 100);
      for (let offset = 0; offset < 1 + (index % 6) * 10; offset++) bytes[place + offset] = random.upTo(256);
      const path = write(name, bytes);
      expectFailure(await ingest(path), { status: 3, says: `"${path}" is damaged: ` });
      expectStored([]);
      expect(await ingest(write(name, archive))).toMatchObject({ status: 0, stderr: "" });
      expectStored([text]);
      expect(differences(dumpViews(database), await plainViews())).toEqual([]);
    }
  });

  if (isChecked)
    test("damaged in its checksum only: told, and not trusted", async () => {
      const bytes = Buffer.from(archive);
      bytes.fill(0, bytes.length - 8, bytes.length - 4);
      expectFailure(await ingest(write(name, bytes)), { status: 3, says: "is damaged: " });
      expectStored([]);
      expect(await ingest(write(name, archive))).toMatchObject({ status: 0, stderr: "" });
      expectStored([text]);
    });

  async function plainViews(): Promise<Record<string, string[]>> {
    if (plain === undefined) {
      const path = join(folder, "plain.db");
      await runCli(["ingest", "--db", path, write("plain.log", text)]);
      plain = dumpViews(path);
    }
    return plain;
  }
});

describe("a database that", () => {
  test("is a text file: refused and left alone", async () => {
    const path = write("notes.txt", "not a database\n".repeat(100));
    expectFailure(await ingest("--db", path, good), { status: 3, says: `"${path}" is not an SQLite database.` });
    expect(readFileSync(path, "utf8")).toBe("not a database\n".repeat(100));
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  test("is the log itself: refused and left alone", async () => {
    expectFailure(await ingest("--db", good, good), { status: 3, says: "is not an SQLite database" });
    expect(readFileSync(good, "utf8")).toBe(GOOD);
  });

  test("is another program's: refused and left alone", async () => {
    const path = join(folder, "other.db");
    const other = new Database(path);
    other.exec("CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    other.close();
    const before = readFileSync(path);
    expectFailure(await ingest("--db", path, good), { status: 3, says: "is a database of another program" });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("is an empty file: made use of", async () => {
    write("pilot.db", "");
    await expectStillUsable();
  });

  test("is a directory: refused", async () => {
    expectFailure(await ingest("--db", folder, good), { status: 2, says: folder });
  });

  test("is in a directory that is missing: refused", async () => {
    const path = join(folder, "missing", "pilot.db");
    expectFailure(await ingest("--db", path, good), { status: 3, says: `The database "${path}" cannot be created.` });
    expect(existsSync(dirname(path))).toBe(false);
  });

  test.skipIf(isRoot)("is in a directory that may not be written: refused", async () => {
    const closed = join(folder, "closed");
    mkdirSync(closed);
    await ingest("--db", join(closed, "old.db"), good);
    chmodSync(closed, 0o500);
    expectFailure(await ingest("--db", join(closed, "new.db"), good), { status: 3, says: "cannot be created" });
    expectFailure(await ingest("--db", join(closed, "old.db"), good), { status: 3, says: join(closed, "old.db") });
    chmodSync(closed, 0o700);
  });

  test.skipIf(isRoot)("may not be written itself: refused", async () => {
    await ingest(good);
    chmodSync(database, 0o400);
    expectFailure(await ingest(good), { status: 3, says: "cannot be written" });
    chmodSync(database, 0o600);
    await expectStillUsable();
  });

  test("another process writes to: waited for no longer than --wait, and nothing is lost", async () => {
    await ingest(good);
    const other = new Database(database);
    other.exec("BEGIN IMMEDIATE");
    appendFileSync(good, "2026-03-02 06:17:00 Start queue run: pid=1\n");
    expectFailure(await ingest("--wait", "0.2", good), {
      status: 3,
      says: `The database "${database}" is locked by another process.`,
    });
    expectFailure(await ingest("--wait", "0", good), { status: 3, says: "is locked by another process" });
    other.exec("ROLLBACK");
    other.close();
    expect(await report(good)).toMatchObject({ status: 0, totals: { lines: 1 } });
    expectStored([readFileSync(good)]);
  });

  test("another process has locked whole before it is made: waited for", async () => {
    const other = new Database(database);
    other.exec("BEGIN EXCLUSIVE");
    expectFailure(await ingest("--wait", "0.2", good), { status: 3, says: "is locked by another process" });
    other.exec("ROLLBACK");
    other.close();
    await expectStillUsable();
  });

  test("is cut off: told, whatever part is missing", async () => {
    const size = await fillDatabase();
    const grown = write("mainlog", generated(500));
    for (const share of [0.9, 0.5, 0.2, 0.05]) {
      const path = copyDatabase();
      truncateSync(path, Math.floor(size * share));
      expect(untold(await ingest("--db", path, grown))).toBeUndefined();
    }
  });

  test("is damaged: told, whichever page it is, and the other commands tell it too", async () => {
    const size = await fillDatabase();
    const grown = write("mainlog", generated(500));
    const pages = size / PAGE_BYTES;
    const step = Math.max(1, Math.floor(pages / 24));
    const [message = ""] = queryAll<{ id: string }>(database, "SELECT id FROM messages").map(({ id }) => id);
    const notTold: string[] = [];
    for (let page = 1; page < pages; page += step) {
      const path = copyDatabase();
      damage(path, page);
      for (const command of [["ingest", grown], ["stats"], ["trace", message]]) {
        const problem = untold(await runCli([...command, "--db", path]));
        if (problem !== undefined) notTold.push(`page ${page} of ${pages}, ${command[0]}: ${problem}`);
      }
    }
    expect(notTold).toEqual([]);
  });

  test("has lost the text of a line: told when it is needed", async () => {
    await ingest(good);
    const broken = new Database(database);
    broken.exec("UPDATE raw_blocks SET data = zeroblob(length(data))");
    broken.close();
    appendFileSync(good, "  and more of the last line\n");
    expect(untold(await ingest(good))).toBeUndefined();
    expect(untold(await trace())).toBeUndefined();
  });

  test("has lost its first page: refused as no database", async () => {
    await fillDatabase();
    const path = copyDatabase();
    damage(path, 0);
    expectFailure(await ingest("--db", path, good), { status: 3, says: "is not an SQLite database" });
  });
});

describe("words the program does not know", () => {
  test.each([
    [["--nope"], "--nope"],
    [["--batch-size", "0"], "--batch-size"],
    [["--batch-size", "64001"], "--batch-size"],
    [["--batch-size", "1e3"], "--batch-size"],
    [["--wait", "soon"], "--wait"],
    [["--wait", "-1"], "--wait"],
    [["--log-type", "mail"], "--log-type"],
    [["--timezone", "Mars/Olympus"], `"Mars/Olympus" is not a time zone this machine knows.`],
    [["--timezone", ""], "is not a time zone"],
  ])("are refused before anything is done: %j", async (flags, says) => {
    const result = await ingest(...flags, good);
    expectFailure(result, { status: 2, says });
    expect(result.stdout).toBe("");
    expect(existsSync(database)).toBe(false);
  });

  test("are refused: an ingest of nothing", async () => {
    expectFailure(await ingest(), { status: 2, says: "No log is named" });
  });

  test("are refused: another command", async () => {
    expectFailure(await runCli(["injest", good]), { status: 2, says: "injest" });
  });

  test("are refused: another time zone than the one stored with the server", async () => {
    await ingest("--timezone", "Europe/Berlin", good);
    const before = dumpViews(database);
    appendFileSync(good, "2026-03-02 06:17:00 Start queue run: pid=1\n");
    expectFailure(await ingest("--timezone", "UTC", good), {
      status: 2,
      says: "The logs of mx1 are stored with the time zone Europe/Berlin, not UTC.",
    });
    expect(dumpViews(database)).toEqual(before);
    expect(await report(good)).toMatchObject({ status: 0, totals: { lines: 1 } });
    expect(queryAll(database, "SELECT max(timestamp) AS last FROM log_entries")).toEqual([
      { last: "2026-03-02T05:17:00.000Z" },
    ]);
  });
});

test("an interrupt before the first line stores nothing and says so", async () => {
  const controller = new AbortController();
  controller.abort();
  const { status, stdout } = await run({ signal: controller.signal }, "--json", good);
  expect(status).toBe(130);
  expect(JSON.parse(stdout)).toMatchObject({ isInterrupted: true, totals: { lines: 0 } });
  await expectStillUsable();
});

const PAGE_BYTES = 4096;

function run(options: CliOptions, ...args: string[]): Promise<CliResult> {
  return runCli(["ingest", ...(args.includes("--db") ? [] : ["--db", database]), ...args], options);
}

function ingest(...args: string[]): Promise<CliResult> {
  return run({}, ...args);
}

interface Report {
  readonly status: number;
  readonly totals: Readonly<Record<string, number>>;
  readonly logs: readonly { readonly path: string; readonly result: string }[];
}

/** Runs an ingest that has nothing to complain about; returns its report. */
async function report(...args: string[]): Promise<Report> {
  const { status, stdout, stderr } = await ingest("--json", ...args);
  expect(stderr).toBe("");
  return { status, ...JSON.parse(stdout) };
}

function trace(): Promise<CliResult> {
  return runCli(["trace", "--db", database, ID]);
}

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function randomBytes(count: number): Buffer {
  const random = new Random(count);
  return Buffer.from(Array.from({ length: count }, () => random.upTo(256)));
}

/** Expects that the sources give back these logs and no others. */
function expectStored(logs: readonly (string | Uint8Array)[]): void {
  const stored = readSources(database).map(({ bytes }) => bytes);
  expect(stored.map(({ length }) => length)).toEqual(logs.map((log) => Buffer.from(log).length));
  expect(stored.map((bytes, index) => bytes.equals(Buffer.from(logs[index] ?? "")))).toEqual(logs.map(() => true));
}

async function expectTraced(status: string): Promise<void> {
  const { status: exit, stdout } = await runCli(["trace", "--db", database, "--json", ID]);
  expect(exit).toBe(0);
  expect(JSON.parse(stdout).messages[0].message.status).toBe(status);
}

/** Expects that a good log can be stored and asked for after what happened. */
async function expectStillUsable(): Promise<void> {
  const path = write("good", GOOD);
  expect(await ingest(path)).toMatchObject({ status: 0, stderr: "" });
  expect((await runCli(["stats", "--db", database])).status).toBe(0);
  await expectTraced("delivered");
}

function generated(messages: number): string {
  return [...generateLog("main", { messages, seed: 2 })].join("");
}

/** Stores a log and a duplicate of it in part; returns the size of the database. */
async function fillDatabase(): Promise<number> {
  const reject = write("rejectlog", [...generateLog("reject", { messages: 400, seed: 2 })].join(""));
  await ingest("--batch-size", "100", write("mainlog", generated(400)), reject, write("small", SMALL_LOGS.main));
  return statSync(database).size;
}

function copyDatabase(): string {
  const path = join(folder, "copy.db");
  for (const ending of ["-wal", "-shm"]) if (existsSync(path + ending)) truncateSync(path + ending, 0);
  copyFileSync(database, path);
  return path;
}

function damage(path: string, page: number): void {
  const bytes = readFileSync(path);
  randomBytes(PAGE_BYTES).copy(bytes, page * PAGE_BYTES);
  writeFileSync(path, bytes);
}

/** Damage that is not met does no harm; damage that is met is named, and is no bug of the program. Says what was shown instead. */
function untold({ status, stderr }: CliResult): string | undefined {
  const isTold =
    status === 3 &&
    /^error: The (?:database "[^"]+"|log text in block \d+ of the database) is damaged\.\nhint: .+\n$/.test(stderr);
  return status === 0 || isTold ? undefined : `${status} ${stderr}`;
}
