/** `exim-pilot tail`: the last lines of logs or of the database, and then each new one. */
import { appendFileSync, copyFileSync, existsSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { LineFilter } from "../../src/explain/line-filter.ts";
import { readLine } from "../../src/explain/read-line.ts";
import { LogTail } from "../../src/ingest/source/log-tail.ts";
import { runCli } from "../support/cli.ts";
import { ingestInto, temporaryFolder } from "../support/database.ts";

const ID = "1vwwZU-0005V4-1s";
const OTHER = "1vwwZU-0005V9-1y";
const lineAt = (second: number, id: string, text: string): string =>
  `2026-03-02 06:16:${String(second).padStart(2, "0")} ${id} ${text}\n`;
const ARRIVAL = lineAt(0, ID, "<= bob@example.org U=bob P=local S=430 for alice@example.net");
const DELIVERY = lineAt(1, ID, "=> alice@example.net R=out T=smtp H=mx.example.net [203.0.113.5]");
const COMPLETED = lineAt(2, ID, "Completed");
const ANOTHER = lineAt(3, OTHER, "<= robbob@example.org U=rob P=local S=430 for kim@example.net");

describe("the end of a log", () => {
  test("is its last entries, and then what is added", async () => {
    const { log, next } = tailOf(ARRIVAL + DELIVERY + COMPLETED, 2);
    expect(await next()).toEqual([DELIVERY, COMPLETED]);
    appendFileSync(log, ANOTHER + ARRIVAL.slice(0, 30));
    expect(await next()).toEqual([ANOTHER]);
    appendFileSync(log, ARRIVAL.slice(30));
    expect(await next()).toEqual([ARRIVAL]);
  });

  test("goes on in the file that a rotation puts in its place, and in one that was emptied", async () => {
    const { log, next } = tailOf(ARRIVAL, 10);
    expect(await next()).toEqual([ARRIVAL]);
    renameSync(log, `${log}.1`);
    writeFileSync(log, DELIVERY);
    expect(await next()).toEqual([DELIVERY]);
    truncateSync(log);
    appendFileSync(log, COMPLETED);
    expect(await next()).toEqual([COMPLETED]);
  });

  test("is also what comes to the old file after a rotation, and what came to it unseen before", async () => {
    const { log, next } = tailOf(ARRIVAL, 10);
    expect(await next()).toEqual([ARRIVAL]);
    appendFileSync(log, DELIVERY);
    renameSync(log, `${log}.1`);
    writeFileSync(log, ANOTHER);
    expect(await next()).toEqual([DELIVERY, ANOTHER]);
    appendFileSync(`${log}.1`, COMPLETED);
    expect(await next()).toEqual([COMPLETED]);
    appendFileSync(log, ARRIVAL);
    appendFileSync(`${log}.1`, DELIVERY);
    expect(await next()).toEqual([DELIVERY, ARRIVAL]);
  });

  test("is what came to a file that was removed, and to the one in its place", async () => {
    const { log, next } = tailOf(ARRIVAL, 10);
    await next();
    appendFileSync(log, DELIVERY);
    rmSync(log);
    writeFileSync(log, COMPLETED);
    expect(await next()).toEqual([DELIVERY, COMPLETED]);
  });

  test("is what came to each file when several rotations came between two looks", async () => {
    const { log, next } = tailOf(ARRIVAL, 10);
    writeFileSync(`${log}.1`, ARRIVAL);
    await next();
    for (const line of [DELIVERY, COMPLETED, ANOTHER]) {
      for (const number of [3, 2, 1])
        if (existsSync(`${log}.${number}`)) renameSync(`${log}.${number}`, `${log}.${number + 1}`);
      renameSync(log, `${log}.1`);
      writeFileSync(log, line);
    }
    expect(await next()).toEqual([DELIVERY, COMPLETED, ANOTHER]);
  });

  test("is not shown again where a copy is made and the log emptied, though it has grown beyond its former end", async () => {
    const { log, next } = tailOf(ARRIVAL + DELIVERY, 10, "mainlog*");
    await next();
    appendFileSync(log, COMPLETED);
    copyFileSync(log, `${log}.1`);
    writeFileSync(log, ANOTHER.repeat(4));
    expect(await next()).toEqual([...Array.from({ length: 4 }, () => ANOTHER), COMPLETED]);
  });

  test("is not shown again where a pattern finds the rotated log under its new name", async () => {
    const { log, next } = tailOf(ARRIVAL + DELIVERY, 10, "mainlog*");
    await next();
    renameSync(log, `${log}.1`);
    writeFileSync(log, COMPLETED);
    expect(await next()).toEqual([COMPLETED]);
    appendFileSync(`${log}.1`, ANOTHER);
    expect(await next()).toEqual([ANOTHER]);
  });

  test("is found behind megabytes, an entry with its further lines", async () => {
    const dump = `${lineAt(9, ID, "H=h [192.0.2.1] rejected after DATA: spam").trimEnd()}\nEnvelope-from: <a@b.test>\n`;
    const { next } = tailOf(ARRIVAL.repeat(40_000) + dump, 1);
    expect(await next()).toEqual([dump]);
  });

  test("of none asked for is only what comes", async () => {
    const { log, next } = tailOf(ARRIVAL, 0);
    expect(await next()).toEqual([]);
    appendFileSync(log, DELIVERY);
    expect(await next()).toEqual([DELIVERY]);
  });
});

describe("a word", () => {
  const chosen = (words: readonly string[], ...lines: readonly string[]): readonly string[] => {
    const filter = new LineFilter({ words });
    return lines.filter((line) => filter.wants(readLine([line.trimEnd()], true, { file: "", lineNumber: 1 })));
  };
  const ALL = [ARRIVAL, ANOTHER, DELIVERY, COMPLETED];

  test.each([
    ["bob@example.org", [ARRIVAL, DELIVERY, COMPLETED]],
    ["BOB@EXAMPLE.ORG", [ARRIVAL, DELIVERY, COMPLETED]],
    ["@example.org", ALL],
    ["203.0.113.5", [DELIVERY, COMPLETED]],
    ["203.0.113", []],
    [OTHER, [ANOTHER]],
    ["kim", [ANOTHER]],
  ])("%s selects the lines that have it whole, and then those of the message", (word, lines) => {
    expect(chosen([word], ...ALL)).toEqual(lines);
  });

  test("beside another one selects lines that have both", () => {
    expect(chosen(["bob@example.org", "alice@example.net"], ...ALL)).toEqual([ARRIVAL, DELIVERY, COMPLETED]);
    expect(chosen(["robbob@example.org", "alice@example.net"], ...ALL)).toEqual([]);
  });
});

describe("exim-pilot tail", () => {
  test("shows the newest lines of the database, whichever log was stored last", async () => {
    const { folder, db } = await makeDatabase();
    const { status, stdout } = await runCli(["tail", "--no-follow", "-n", "2", "--db", db]);
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: `Times as logged, in UTC\n2026-03-02 06:16:02  ${ID}      Completed\n2026-03-02 06:16:03  ${OTHER}  <=  received from robbob@example.org (local, 430 B)\n`,
    });
    expect(folder).not.toBe("");
  });

  test("shows lines that are stored while it looks, and ends with 0 when it is told to", async () => {
    const { folder, db } = await makeDatabase();
    const controller = new AbortController();
    let printed = "";
    const stdout = {
      write: (text: string | Uint8Array) => {
        printed += text;
        if (printed.includes("kim@")) controller.abort();
      },
    };
    const run = runCli(["tail", "-n", "0", "--db", db], { signal: controller.signal, stdout });
    const log = join(folder, "mainlog.new");
    writeFileSync(log, lineAt(30, OTHER, "** kim@example.net: no such user"));
    await pause(300);
    await ingestInto(db, [log]);
    expect((await run).status).toBe(0);
    expect(printed).toMatch(/\*\* {2}kim@example.net failed/);
  });

  test("prints JSON as parse does, with the server in place of the file", async () => {
    const { db } = await makeDatabase();
    const { stdout } = await runCli(["tail", "--no-follow", "--ndjson", "--kind", "delivery", "--db", db]);
    expect(JSON.parse(stdout)).toMatchObject({ kind: "delivery", server: "mx1", messageId: ID });
  });

  test("redacts", async () => {
    const { db } = await makeDatabase();
    const { stdout } = await runCli(["tail", "--no-follow", "--redact", "--db", db]);
    expect(stdout).not.toMatch(/alice|robbob|kim|203\.0\.113/);
  });

  test.each([
    [["/nosuch/mainlog", "--no-follow"], 3, "There is no file"],
    [["--server", "nosuch"], 1, "knows no server"],
    [["--kind", "nosuch"], 2, "--kind"],
  ])("%j is refused", async (args, status, says) => {
    const { db } = await makeDatabase();
    expect(await runCli(["tail", ...args, "--db", db])).toMatchObject({
      status,
      stdout: "",
      stderr: expect.stringContaining(says),
    });
  });

  test("refuses a compressed log that is named, and passes over those of a directory", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "mainlog"), ARRIVAL);
    writeFileSync(join(folder, "mainlog.2.gz"), gzipSync(DELIVERY));
    writeFileSync(join(folder, "notes.txt"), "not a log\n");
    expect((await runCli(["tail", "--no-follow", join(folder, "mainlog.2.gz")])).stderr).toContain("is compressed");
    expect((await runCli(["tail", "--no-follow", "--raw", folder])).stdout).toBe(ARRIVAL);
  });
});

function tailOf(text: string, count: number, name = "mainlog") {
  const folder = temporaryFolder();
  const log = join(folder, "mainlog");
  writeFileSync(log, text);
  const tail = new LogTail([join(folder, name)], count);
  const signal = AbortSignal.timeout(30_000);
  const next = async (): Promise<readonly string[]> =>
    (await tail.next(signal)).map(({ lines }) => `${lines.join("\n")}\n`);
  return { log, next };
}

/** A reject log that is stored after the main log, whose lines are newer. */
async function makeDatabase() {
  const folder = temporaryFolder();
  const db = join(folder, "pilot.db");
  const [main, reject] = [join(folder, "mainlog"), join(folder, "rejectlog")];
  writeFileSync(main, ARRIVAL + DELIVERY + COMPLETED + ANOTHER);
  writeFileSync(reject, "2026-03-01 06:16:00 H=h [192.0.2.1] F=<a@b.test> rejected RCPT <x@example.org>: no\n");
  await ingestInto(db, [main]);
  await ingestInto(db, [reject]);
  return { folder, db };
}
