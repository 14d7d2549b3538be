/** `exim-pilot parse` as a program: where the lines come from, how they are streamed, and how it ends. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { KIND_NAMES } from "../../src/message/kinds.ts";
import { startsEntry } from "../../src/parse/record.ts";
import { PROGRAM } from "../support/child.ts";
import { runCli } from "../support/cli.ts";
import { FIXTURES } from "../support/database.ts";
import { allLogFixtures } from "../support/log-fixtures.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const LOG = join(FIXTURES, "corpus", "default", "mainlog");
const STAMP = "2026-03-02 05:40:05";
const COMPLETED = `${STAMP} 1vx5YS-0006QZ-1J Completed\n`;

afterAll(() => {
  rmSync(FOLDER, { recursive: true, force: true });
});

interface EventLine {
  readonly kind: string;
  readonly lineNumber: number;
  readonly [field: string]: unknown;
}

function eventsOf(stdout: string): EventLine[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as EventLine);
}

describe("parse prints an object a line", () => {
  test("for each entry, with its place, its stamp and its fields", async () => {
    const stdin = [
      "2026-03-02 05:40:05.123 +0100 [77] 1vx5YS-0006QZ-1J => a@x.example R=r T=t QT=2s",
      "2026-03-02 05:40:06 gribbly: 1",
      "  and more of it",
      "2026-03-02 05:40:07 gribbly: 2",
      "",
    ].join("\n");
    const { status, stdout, stderr } = await runCli(["parse", "--raw"], { stdin });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(eventsOf(stdout)).toEqual([
      expect.objectContaining({
        kind: "delivery",
        lineNumber: 1,
        timestamp: "2026-03-02 05:40:05.123 +0100",
        processId: 77,
        messageId: "1vx5YS-0006QZ-1J",
        address: { final: "a@x.example", parents: [], original: "a@x.example" },
        router: "r",
        queueMs: 2000,
        raw: stdin.split("\n")[0],
      }),
      {
        kind: "other",
        lineNumber: 2,
        timestamp: "2026-03-02 05:40:06",
        text: "gribbly: 1\n  and more of it",
        raw: "2026-03-02 05:40:06 gribbly: 1\n  and more of it",
      },
      expect.objectContaining({ kind: "other", lineNumber: 4 }),
    ]);
  });

  test("without raw text and file unless there are several", async () => {
    const [event] = eventsOf((await runCli(["parse", "-"], { stdin: COMPLETED })).stdout);
    expect(event).toEqual({ kind: "completed", lineNumber: 1, timestamp: STAMP, messageId: "1vx5YS-0006QZ-1J" });
    const { stdout } = await runCli(["parse", LOG, "-"], { stdin: COMPLETED });
    expect(eventsOf(stdout).at(0)).toMatchObject({ file: LOG, lineNumber: 1 });
    expect(eventsOf(stdout).at(-1)).toMatchObject({ file: "-", lineNumber: 1 });
  });

  test("the kind of its event, whatever its fields are called", async () => {
    const records = allLogFixtures().map(({ lines }) => lines);
    const entries = records.filter(([line = ""]) => startsEntry(line));
    // A line that begins no entry would continue the one before it.
    const others = records.filter(([line = ""]) => !startsEntry(line));
    expect(entries.length).toBeGreaterThan(500);
    for (const log of [entries.flat(), ...others]) {
      const stdin = Buffer.from(`${log.join("\n")}\n`, "latin1");
      const events = eventsOf((await runCli(["parse"], { stdin })).stdout);
      for (const { kind } of events) expect(KIND_NAMES).toContain(kind);
      const begin = log.flatMap((line, index) => (startsEntry(line) ? [index + 1] : []));
      if (log.length > 100) expect(events.map(({ lineNumber }) => lineNumber)).toEqual(begin);
    }
  });

  test("only of the kinds that were asked for", async () => {
    const stdin = `before\n${COMPLETED}${STAMP} gribbly\n${STAMP} End queue run: pid=7\n`;
    const kindsFor = async (...flags: string[]): Promise<string[]> =>
      eventsOf((await runCli(["parse", ...flags], { stdin })).stdout).map(({ kind }) => kind);
    expect(await kindsFor()).toEqual(["unparsed", "completed", "other", "queue_run"]);
    expect(await kindsFor("--kind", "completed", "--kind", "queue_run")).toEqual(["completed", "queue_run"]);
    expect(await kindsFor("--other")).toEqual(["unparsed", "other"]);
    expect(await kindsFor("--other", "--kind", "completed")).toEqual(["unparsed", "completed", "other"]);
  });

  test("of the logs in a directory, or that match a pattern, and of no other file there", async () => {
    const directory = mkdtempSync(join(FOLDER, "logs-"));
    writeFileSync(join(directory, "mainlog"), COMPLETED);
    writeFileSync(join(directory, "mainlog.1"), COMPLETED.repeat(2));
    writeFileSync(join(directory, "notes.txt"), "nothing of Exim's\n");
    for (const [argument, count] of [
      [directory, 3],
      [join(directory, "main*.1"), 2],
      [join(directory, "{notes.txt,mainlog}"), 1],
    ] as const) {
      const { status, stdout, stderr } = await runCli(["parse", argument]);
      expect({ argument, status, stderr, count: eventsOf(stdout).length }).toEqual({
        argument,
        status: 0,
        stderr: "",
        count,
      });
    }
    const { status, stderr } = await runCli(["parse", join(directory, "*.txt")]);
    expect({ status, stderr }).toEqual({ status: 3, stderr: expect.stringContaining("is no log of Exim") });
    expect(eventsOf((await runCli(["parse", join(directory, "notes.txt")])).stdout)).toHaveLength(1);
  });

  test("the same of an archive, and line numbers that count lines of any length", async () => {
    const archive = join(FOLDER, "mainlog.gz");
    writeFileSync(archive, gzipSync(readFileSync(LOG)));
    expect((await runCli(["parse", archive])).stdout).toBe((await runCli(["parse", LOG])).stdout);
    const stdin = `${STAMP} ${"x".repeat(3_000_000)}\n${COMPLETED}`;
    expect(eventsOf((await runCli(["parse"], { stdin })).stdout).at(-1)).toMatchObject({
      lineNumber: 2,
      kind: "completed",
    });
  });
});

describe("what exim -v prints", () => {
  const OUTPUT = [
    "LOG: MAIN",
    "  <= a@b.example U=root P=local S=300",
    "Connecting to mx.c.example [192.0.2.9]:25 ... connected",
    "  SMTP<< 220 mx.c.example",
    "LOG: smtp_connection MAIN",
    '  => r@c.example R=dnslookup T=smtp H=mx.c.example [192.0.2.9] C="250 OK"',
    "LOG: MAIN",
    "  Completed",
    "LOG: MAIN REJECT",
    "  H=(x) [192.0.2.1] F=<a@b.example> rejected RCPT <x@y.example>: relay not permitted",
    "LOG: PANIC",
    "",
  ].join("\n");

  test("is the entries, without the dialogue between them", async () => {
    const { status, stdout, stderr } = await runCli(["parse", "--strict"], { stdin: OUTPUT });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(eventsOf(stdout).map(({ kind, lineNumber }) => [kind, lineNumber])).toEqual([
      ["arrival", 1],
      ["delivery", 5],
      ["completed", 7],
      ["rejection", 9],
    ]);
    expect(stdout).not.toContain("timestamp");
  });

  test("is read with CRLF, redacted, explained and counted", async () => {
    const crlf = await runCli(["parse"], { stdin: OUTPUT.replaceAll("\n", "\r\n") });
    expect(crlf.stdout).toBe((await runCli(["parse"], { stdin: OUTPUT })).stdout);
    const { stdout } = await runCli(["parse", "--redact"], { stdin: OUTPUT });
    expect(eventsOf(stdout).map(({ kind }) => kind)).toEqual(["arrival", "delivery", "completed", "rejection"]);
    expect(stdout).not.toMatch(/b\.example|192\.0\.2/);
    const explained = (await runCli(["parse", "--explain"], { stdin: OUTPUT })).stdout;
    expect(explained).toContain("<= a@b.example U=root P=local S=300\n^~ ^~~");
    expect(explained).not.toMatch(/timestamp|not marked/);
    expect((await runCli(["parse", "--summary"], { stdin: OUTPUT })).stdout).toContain("Entries  4 (11 lines");
  });

  test("may be cut at any byte", async () => {
    for (let length = 0; length <= OUTPUT.length; length += 7) {
      const { status, stdout, stderr } = await runCli(["parse"], { stdin: OUTPUT.slice(0, length) });
      expect({ length, status, stderr }).toEqual({ length, status: 0, stderr: "" });
      expect(eventsOf(stdout).length).toBeLessThanOrEqual(5);
    }
  });
});

describe("parse --summary", () => {
  test("is an object with --json, also of nothing", async () => {
    const { stdout } = await runCli(["parse", "--summary", "--json"], { stdin: `${COMPLETED}${STAMP} gribbly\n` });
    expect(JSON.parse(stdout)).toMatchObject({
      version: 1,
      kind: "parse",
      files: 1,
      lines: 2,
      entries: 2,
      unknown: { count: 1 },
    });
    expect(JSON.parse((await runCli(["parse", "--summary", "--json"])).stdout)).toMatchObject({
      entries: 0,
      kinds: [],
    });
    expect((await runCli(["parse", "--summary"])).stdout).toBe("Entries  0 (0 lines from 1 log)\n");
  });

  test("shows what strangers wrote without its control characters", async () => {
    const stdin = `${STAMP} gribbly \u001b[31m\u202e\n\u001b]0;x\u0007\n`;
    for (const flag of ["--summary", "--explain"]) {
      const { stdout } = await runCli(["parse", flag], { stdin });
      expect(stdout).toContain("\\x1b[31m\\u202e");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    }
  });
});

describe("parse --explain", () => {
  test("fits the terminal, and marks keep their places there", async () => {
    for (const columns of [30, 80, 300]) {
      const { stdout } = await runCli(["parse", "--explain", LOG], { columns });
      const rows = stdout.split("\n").filter((row) => !row.startsWith(LOG));
      const longest = Math.max(...rows.map((row) => row.length));
      expect(longest).toBeLessThanOrEqual(Math.max(columns, 50));
    }
  });

  test("counts the columns of escapes and of wide characters", async () => {
    const line =
      '2026-03-02 05:40:05 1vx5YS-0006QZ-1J <= a@b.example P=local S=1 T="日\u0001本" from <a@b.example> for c@d.example';
    const { stdout } = await runCli(["parse", "--explain"], { stdin: `${line}\n`, columns: 120 });
    const rows = stdout.split("\n");
    const at = rows.findIndex((row) => row.includes("日"));
    const columnOf = (row: string, text: string): number =>
      row.indexOf(text) + (row.slice(0, row.indexOf(text)).match(/[日本]/g)?.length ?? 0);
    expect(rows[at]).toContain("\\x01");
    expect(rows[at + 1]?.charAt(columnOf(rows[at] ?? "", "c@d.example"))).toBe("^");
    expect(rows[at + 1]?.charAt(columnOf(rows[at] ?? "", "S=1"))).toBe("^");
  });

  test("says how to report what it does not know", async () => {
    const { stdout } = await runCli(["parse", "--explain"], { stdin: `${STAMP} gribbly\n` });
    expect(stdout.replace(/\s+/g, " ")).toMatch(/does not know\. Please report it.*open an issue/);
    expect((await runCli(["parse", "--explain"], { stdin: COMPLETED })).stdout).not.toContain("report");
  });
});

describe("parse ends", () => {
  test("with 1 after a line of no known form, and --strict, whatever was shown", async () => {
    for (const stdin of [`${STAMP} gribbly\n`, "no entry\n"]) {
      expect(await runCli(["parse", "--strict", "--kind", "completed"], { stdin })).toMatchObject({
        status: 1,
        stdout: "",
      });
      expect(await runCli(["parse"], { stdin })).toMatchObject({ status: 0 });
    }
    expect(await runCli(["parse", "--strict"], { stdin: COMPLETED })).toMatchObject({ status: 0 });
  });

  test("with 3 after a file that cannot be read, and goes on with the others", async () => {
    const folder = join(FOLDER, "folder");
    mkdirSync(folder, { recursive: true });
    const damaged = join(FOLDER, "damaged.gz");
    writeFileSync(damaged, gzipSync(readFileSync(LOG)).subarray(0, 4000));
    const { status, stdout, stderr } = await runCli(["parse", join(FOLDER, "none"), folder, damaged, "-"], {
      stdin: COMPLETED,
    });
    expect(status).toBe(3);
    expect(stderr).toMatch(
      /There is no file.*\nhint: .*\n.*There is no file in the directory .*\nhint: .*\n.* is damaged or cut off: .*\nhint: The part that could be read is shown\.\n$/,
    );
    const files = new Set(eventsOf(stdout).map(({ file }) => file));
    expect([...files]).toEqual([damaged, "-"]);
  });

  test("with 2 for a kind that is none, and for flags that exclude each other", async () => {
    for (const flags of [
      ["--kind", "frobnicate"],
      ["--samples", "many"],
      ["--explain", "--summary"],
    ]) {
      expect(await runCli(["parse", ...flags])).toMatchObject({ status: 2, stdout: "" });
    }
    const { status, stdout } = await runCli(["parse", "--explain", "--json"]);
    expect([status, JSON.parse(stdout)]).toMatchObject([2, { kind: "error", error: { code: "usage" } }]);
  });

  test("with 130 when it is interrupted", async () => {
    const controller = new AbortController();
    const endless = Readable.from(
      endlessLog(() => controller.abort()),
      { objectMode: false },
    );
    const { status } = await runCli(["parse"], { stdin: endless, signal: controller.signal });
    expect(status).toBe(130);
  });
});

describe("the program itself", () => {
  test("shows entries while more are coming, and ends with 0 when its reader goes away", async () => {
    const child = spawn(process.execPath, [PROGRAM, "parse"], { stdio: ["pipe", "pipe", "pipe"] });
    const exited = once(child, "exit");
    child.stdin.on("error", () => {});
    const writing = setInterval(() => child.stdin.write(COMPLETED.repeat(1000)), 5);
    const [shown] = (await once(child.stdout, "data")) as [Buffer];
    expect(shown.toString()).toMatch(/^\{"kind":"completed","lineNumber":1,/);
    child.stdout.destroy();
    const errors: Buffer[] = [];
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    const [status] = await exited;
    clearInterval(writing);
    expect({ status, stderr: Buffer.concat(errors).toString() }).toEqual({ status: 0, stderr: "" });
  });

  test("keeps little of a large log in memory", async () => {
    const large = join(FOLDER, "large");
    // Its text alone is more than what the limit leaves to a program that has been loaded.
    writeFileSync(large, readFileSync(LOG, "latin1").repeat(250), "latin1");
    const child = spawn(process.execPath, ["--max-old-space-size=40", PROGRAM, "parse", large]);
    let lines = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      lines += chunk.toString("latin1").split("\n").length - 1;
    });
    const [status] = await once(child, "close");
    expect({ status, lines }).toEqual({ status: 0, lines: 106_750 });
  }, 120_000);
});

async function* endlessLog(afterAWhile: () => void): AsyncGenerator<Buffer> {
  for (let count = 0; ; count++) {
    if (count === 10) afterAWhile();
    yield Buffer.from(COMPLETED.repeat(1000));
  }
}
