/** Input that is made to be a burden, or comes from unusual places: bounded memory, an end by signal, and every byte stored. */
import { execFileSync, spawn } from "node:child_process";
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { eachLine } from "../../src/ingest/batch/lines.ts";
import { inflate } from "../../src/ingest/source/inflate.ts";
import { MIB } from "../../src/units.ts";
import { availableArchivers } from "../support/archivers.ts";
import { ingestArgv, startProgram } from "../support/child.ts";
import { expectFailure, runCli } from "../support/cli.ts";
import { ingestInto, temporaryFolder } from "../support/database.ts";
import { Random } from "../support/generate.ts";
import { SMALL_LOGS } from "../support/small-log.ts";
import { queryAll, readSources } from "../support/views.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const ENTRY = "2026-03-02 06:16:00 Start queue run: pid=1\n";
/** To standard output. */
const COMPRESS: Readonly<Record<string, string>> = {
  gzip: "gzip -1",
  bzip2: "bzip2 -1",
  xz: "xz -0 -T1",
  zstd: "zstd -q -1",
  lzma: "xz --format=lzma -0",
};
const MOST_RESIDENT = 600 * MIB;
const TORTURE = process.env["EXIM_PILOT_TORTURE"] !== undefined;
/** Read of each before the signal: EXIM_PILOT_TORTURE reads 10 GiB. */
const ENOUGH = TORTURE ? 10 * 1024 * MIB : 4 * MIB;
/** An end within a second is asked for; the limit is ten times that. */
const MOST_MS = 10_000;

describe("an archive of zeros without an end", () => {
  test.each(availableArchivers())("of $codec takes bounded memory, and ends by a signal", async ({ codec }) => {
    const folder = temporaryFolder();
    const [database, pipe] = [join(folder, "pilot.db"), join(folder, "pipe")];
    execFileSync("mkfifo", [pipe]);
    const bomb = spawn(
      "/bin/sh",
      ["-c", `(printf '%s' "$1"; cat /dev/zero) | ${COMPRESS[codec]} > "$2"`, "sh", ENTRY, pipe],
      { stdio: "ignore" },
    );
    const { child, ended } = startProgram(ingestArgv(database, ["--log-type", "main", pipe]));
    onTestFinished(() => {
      bomb.kill();
      child.kill("SIGKILL");
    });
    while (child.exitCode === null && storedBytes(database) < ENOUGH) await sleep(50);
    const resident = residentBytes(child.pid);
    if (resident !== undefined) expect(resident).toBeLessThan(MOST_RESIDENT);
    const toldMs = performance.now();
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ status: 130 });
    expect(performance.now() - toldMs).toBeLessThan(MOST_MS);
    if (TORTURE) return;
    const [source] = readSources(database);
    expect(source?.bytes.subarray(0, ENTRY.length).toString()).toBe(ENTRY);
    expect(source?.bytes.subarray(ENTRY.length).every((byte) => byte === 0)).toBe(true);
  });
});

test("little of a gzip archive is inflated before it is handed on", async () => {
  const archive = gzipSync(Buffer.alloc(200 * MIB));
  const before = process.memoryUsage().arrayBuffers;
  let bytes = 0;
  for await (const chunk of inflate(Readable.from([archive]), 64 * 1024)) {
    if (bytes === 0) expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * MIB);
    bytes += chunk.length;
  }
  expect(bytes).toBe(200 * MIB);
});

test("a line that comes in many pieces is searched a few times, not once for each of them", async () => {
  const pieces = Array.from({ length: 4096 }, () => "x".repeat(1024));
  const split = String.prototype.split;
  let searched = 0;
  const spy = vi.spyOn(String.prototype, "split").mockImplementation(function (this: string, ...args) {
    searched += this.length;
    return Reflect.apply(split, this, args);
  });
  let length = 0;
  try {
    const onLine = (line: string): void => {
      length += line.length;
    };
    await eachLine(Readable.from(pieces), onLine, { unfinished: 0, signal: undefined });
  } finally {
    spy.mockRestore();
  }
  expect(length).toBe(4096 * 1024);
  expect(searched).toBeGreaterThan(0);
  expect(searched).toBeLessThan(8 * length);
});

describe("a number of 2^63 and more", () => {
  const BEYOND = "99999999999999999999999999";
  test.each([
    `<= a@b.example H=x [1.2.3.4] P=esmtp S=${BEYOND}`,
    "<= a@b.example H=x [1.2.3.4] P=esmtp S=9223372036854775808",
    `<= a@b.example H=x [1.2.3.4]:${BEYOND} P=esmtp S=1`,
    `=> c@d.example R=a T=b H=h [1.2.3.4] QT=${BEYOND}s C="250 ok"`,
  ])("is unknown, its text is kept, and all lines are stored: %s", async (form) => {
    const folder = temporaryFolder();
    const [log, database] = [join(folder, "mainlog"), join(folder, "pilot.db")];
    const text = `${SMALL_LOGS.main.toString("latin1")}2026-03-02 00:00:01 1vwqw6-009HFM-Uo ${form}\n${ENTRY}`;
    writeFileSync(log, text, "latin1");
    const { totals } = await ingestInto(database, [log]);
    expect(totals).toMatchObject({ lines: text.split("\n").length - 1 });
    expect((await ingestInto(database, [log])).logs).toMatchObject([{ result: "unchanged" }]);
    const [message] = queryAll(database, "SELECT size, port FROM messages WHERE id = '1vwqw6-009HFM-Uo'");
    expect(Object.values(message ?? {}).filter((value) => value !== null && value !== 1)).toEqual([]);
    const digits = /\d{19,}/.exec(form)?.[0] ?? "";
    const kept = queryAll(database, `SELECT 1 FROM log_metadata WHERE metadata_value LIKE '%${digits}%'`);
    expect(kept).toHaveLength(1);
    expect((await runCli(["verify", "--deep", "--db", database])).status).toBe(0);
  });
});

describe("a place that is unusual:", () => {
  test("links that lead in a circle, to nothing, to their own directory", async () => {
    const folder = temporaryFolder();
    const [logs, database] = [join(folder, "logs"), join(folder, "pilot.db")];
    mkdirSync(logs);
    symlinkSync("circle2", join(logs, "circle1"));
    symlinkSync("circle1", join(logs, "circle2"));
    symlinkSync("nothing", join(logs, "dangling"));
    symlinkSync(".", join(logs, "itself"));
    writeFileSync(join(logs, "mainlog"), ENTRY);
    const named = await runCli(["ingest", "--db", database, join(logs, "circle1")]);
    expectFailure(named, { status: 3, says: "cannot be opened (ELOOP)" });
    for (const path of [logs, join(logs, "**/mainlog"), join(logs, "itself/itself/mainlog")])
      expect(await runCli(["ingest", "--db", database, path])).toMatchObject({ status: 0, stderr: "" });
    expect(readSources(database).map(({ bytes }) => bytes.toString())).toEqual([ENTRY]);
  });

  test("a sparse file is stored with its zeros, in little room", async () => {
    const folder = temporaryFolder();
    const [log, database] = [join(folder, "mainlog"), join(folder, "pilot.db")];
    writeFileSync(log, ENTRY);
    truncateSync(log, 20 * MIB);
    expect(await runCli(["ingest", "--db", database, log])).toMatchObject({ status: 0, stderr: "" });
    expect(readSources(database).map(({ bytes }) => bytes.equals(readFileSync(log)))).toEqual([true]);
    expect(statSync(database).size).toBeLessThan(2 * MIB);
  });

  test("random bytes that are taken for a log are given back", async () => {
    const folder = temporaryFolder();
    const [log, database] = [join(folder, "mainlog"), join(folder, "pilot.db")];
    const random = new Random(7);
    writeFileSync(log, Buffer.from(Array.from({ length: 2 * MIB }, () => random.upTo(256))));
    expect(await runCli(["ingest", "--db", database, "--log-type", "main", log])).toMatchObject({ status: 0 });
    expect(readSources(database).map(({ bytes }) => bytes.equals(readFileSync(log)))).toEqual([true]);
  });

  test.skipIf(process.platform !== "linux")("a file whose size is said to be nothing is read to its end", async () => {
    const folder = temporaryFolder();
    const database = join(folder, "pilot.db");
    const holder = spawn("sleep", ["60"], { argv0: ENTRY.repeat(3) });
    onTestFinished(() => {
      holder.kill();
    });
    const path = `/proc/${holder.pid}/cmdline`;
    await vi.waitUntil(() => readFileSync(path, "latin1").startsWith(ENTRY), { timeout: 5000 });
    expect(statSync(path).size).toBe(0);
    // The last is what stands behind the name of the program.
    for (const lines of [4, 0]) {
      const { logs } = await ingestInto(database, [path], { logType: "main" });
      expect(logs).toMatchObject([{ error: undefined, lines }]);
    }
    expect(readSources(database).map(({ bytes }) => bytes.equals(readFileSync(path)))).toEqual([true]);
    expectFailure(await runCli(["ingest", "--db", database, "/proc/self/status"]), {
      status: 3,
      says: "does not look",
    });
  });
});

test("two servers that gave the same ids keep their messages apart", async () => {
  const database = join(temporaryFolder(), "pilot.db");
  const folder = temporaryFolder();
  const text = SMALL_LOGS.main.toString("latin1");
  const logs = ["mx1", "mx2"].map((server) => {
    const path = join(folder, server);
    writeFileSync(path, text.replaceAll("al@b.test", `al@${server}.test`), "latin1");
    return { server, path };
  });
  for (const { server, path } of logs) await ingestInto(database, [path], { server, logType: "main" });
  const counts = queryAll<{ n: number }>(database, "SELECT count(*) AS n FROM messages GROUP BY server");
  expect(counts).toHaveLength(2);
  expect(counts[0]).toEqual(counts[1]);
  for (const { server } of logs)
    expect(
      queryAll(
        database,
        `SELECT recipient FROM recipients WHERE server = '${server}' AND message_id = '1vwwZU-0005V4-1s' AND recipient LIKE 'al@%'`,
      ),
    ).toEqual([{ recipient: `al@${server}.test` }]);
  const { stdout } = await runCli(["trace", "--db", database, "--json", "1vwwZU-0005V4-1s"]);
  expect(JSON.parse(stdout).messages.map((one: { message: { server: string } }) => one.message.server)).toEqual([
    "mx1",
    "mx2",
  ]);
  expect((await runCli(["verify", "--deep", "--db", database])).status).toBe(0);
});

test("a directory that changes while it is read: what is gone is told, and the next run has the rest", async () => {
  const folder = temporaryFolder();
  const [logs, database] = [join(folder, "logs"), join(folder, "pilot.db")];
  mkdirSync(logs);
  const texts = ["mainlog.1", "mainlog.2", "mainlog"].map((name) => {
    const text = ENTRY.replace("pid=1", `pid=${name}`);
    writeFileSync(join(logs, name), text);
    return text;
  });
  let isChanged = false;
  const onProgress = (): void => {
    if (isChanged) return;
    isChanged = true;
    const [first, second] = queryAll<{ path: string }>(database, "SELECT path FROM sources");
    expect(second).toBeUndefined();
    const [gone] = ["mainlog.1", "mainlog.2", "mainlog"].filter((name) => join(logs, name) !== first?.path);
    renameSync(join(logs, gone ?? ""), join(logs, "mainlog.3"));
  };
  const { logs: reports } = await ingestInto(database, [logs], { onProgress });
  expect(isChanged).toBe(true);
  expect(reports.map(({ result }) => result).sort()).toEqual(["failed", "read", "read"]);
  expect(reports.find(({ error }) => error !== undefined)?.error?.message).toMatch(/^There is no file/);
  expect((await ingestInto(database, [logs])).totals.lines).toBe(1);
  expect(
    readSources(database)
      .map(({ bytes }) => bytes.toString())
      .sort(),
  ).toEqual(texts.sort());
  rmSync(logs, { recursive: true });
});

function storedBytes(database: string): number {
  try {
    return queryAll<{ sum: number | null }>(database, "SELECT sum(position) AS sum FROM sources")[0]?.sum ?? 0;
  } catch {
    // NOTE: it is being made.
    return 0;
  }
}

/** The most memory that a process has had; undefined where the system does not tell. */
function residentBytes(processId: number | undefined): number | undefined {
  if (process.platform !== "linux") return undefined;
  const [, kib] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${processId}/status`, "latin1")) ?? [];
  return Number(kib) * 1024;
}
