/** Input that is made to be a burden, or comes from unusual places: bounded memory, an end by signal, and every byte stored. */
import { spawn } from "node:child_process";
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
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { eachLine } from "../../src/ingest/batch/lines.ts";
import { inflate } from "../../src/ingest/source/inflate.ts";
import { MIB } from "../../src/units.ts";
import { expectFailure, runCli } from "../support/cli.ts";
import { ingestInto, temporaryFolder } from "../support/database.ts";
import { Random } from "../support/generate.ts";
import { SMALL_LOGS } from "../support/small-log.ts";
import { queryAll, readSources } from "../support/views.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const ENTRY = "2026-03-02 06:16:00 Start queue run: pid=1\n";
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
