/** Pipes and other streams: stored while they flow, whatever their pauses, and given up at once on a signal. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, test, vi } from "vitest";
import { availableArchivers } from "../support/archivers.ts";
import { runCli } from "../support/cli.ts";
import { ingestInto, temporaryFolder } from "../support/database.ts";
import { SMALL_LOGS } from "../support/small-log.ts";
import { differences, dumpSources, dumpViews, queryAll } from "../support/views.ts";

const ENTRY = "2026-03-02 06:16:00 Start queue run: pid=1\n";

test("lines are stored while the pipe is open, before the batch is full", async () => {
  const database = join(temporaryFolder(), "pilot.db");
  const pipe = new PassThrough();
  const run = ingestInto(database, ["-"], {}, pipe);
  for (let lines = 1; lines <= 3; lines++) {
    pipe.write(ENTRY.replace("pid=1", `pid=${lines}`));
    await expect.poll(() => storedLines(database), { timeout: 5000 }).toBe(lines);
  }
  pipe.end();
  expect((await run).logs).toMatchObject([{ result: "read", lines: 3, entries: 3 }]);
});

test("a pipe that never pauses long is stored all the same", async () => {
  const database = join(temporaryFolder(), "pilot.db");
  const pipe = new PassThrough();
  const run = ingestInto(database, ["-"], {}, pipe);
  const trickle = setInterval(() => pipe.write(ENTRY), 20);
  await expect.poll(() => storedLines(database), { timeout: 5000 }).toBeGreaterThan(1);
  clearInterval(trickle);
  pipe.end();
  await run;
});

test.each(["main", "reject"] as const)(
  "a %s log that comes in pieces, paused anywhere, is the log in one",
  async (log) => {
    const folder = temporaryFolder();
    const text = SMALL_LOGS[log];
    const [whole, other] = [join(folder, "whole.db"), join(folder, "other")];
    const otherType = log === "main" ? "reject" : "main";
    writeFileSync(other, SMALL_LOGS[otherType]);
    await ingestInto(whole, [other], { logType: otherType });
    const { totals } = await ingestInto(whole, ["-"], { logType: log }, inPieces(whole, [text]));
    expect(totals.repeated).toBeGreaterThan(0);
    for (const place of [200, Math.floor(text.length / 2), text.length - 1]) {
      const database = join(folder, `${place}.db`);
      const middle = text.subarray(0, place).lastIndexOf("\n") + 1;
      await ingestInto(database, [other], { logType: otherType });
      const pieces = [text.subarray(0, middle), text.subarray(middle, place), text.subarray(place)];
      const run = await ingestInto(database, ["-"], { logType: log }, inPieces(database, pieces));
      expect(run.totals).toEqual(totals);
      expect(differences(dumpViews(database), dumpViews(whole))).toEqual([]);
      expect(dumpSources(database)).toEqual(dumpSources(whole));
      const path = join(folder, "log");
      writeFileSync(path, text);
      expect((await ingestInto(database, [path], { logType: log })).totals.lines).toBe(0);
    }
  },
);

test.each(availableArchivers())("a named pipe gives an archive of $codec", async ({ compress }) => {
  const folder = temporaryFolder();
  const [database, pipe, archive] = ["pilot.db", "pipe", "archive"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  execFileSync("mkfifo", [pipe]);
  writeFileSync(archive, compress(SMALL_LOGS.main));
  const writer = spawn("/bin/sh", ["-c", 'cat "$1" > "$2"', "sh", archive, pipe]);
  const { totals } = await ingestInto(database, [pipe]);
  writer.kill();
  expect(totals.lines).toBe(SMALL_LOGS.main.toString("latin1").split("\n").length - 1);
});

test.each(["nobody writes to", "nothing comes from", "something came from"])(
  "an interrupt ends the waiting for a pipe that %s",
  async (which) => {
    const folder = temporaryFolder();
    const [database, pipe] = [join(folder, "pilot.db"), join(folder, "pipe")];
    execFileSync("mkfifo", [pipe]);
    const controller = new AbortController();
    const run = runCli(["ingest", "--db", database, pipe], { signal: controller.signal });
    if (which !== "nobody writes to") {
      const descriptor = openSync(pipe, "r+");
      if (which === "something came from") writeSync(descriptor, ENTRY);
    }
    if (which === "something came from") await expect.poll(() => storedLines(database)).toBe(1);
    else await expect.poll(() => readFileSync(database).length).toBeGreaterThan(0);
    controller.abort();
    expect(await run).toMatchObject({ status: 130, stderr: "" });
  },
);

test("a program that decompresses does not outlive an interrupt", async () => {
  const [archiver] = availableArchivers().filter(({ codec }) => codec === "xz");
  if (archiver === undefined) return;
  const pipe = new PassThrough();
  const controller = new AbortController();
  const database = join(temporaryFolder(), "pilot.db");
  const run = ingestInto(database, ["-"], { signal: controller.signal, env: process.env }, pipe);
  pipe.write(archiver.compress(SMALL_LOGS.main).subarray(0, 100));
  await expect.poll(ownChildren).toContain("xz");
  controller.abort();
  expect((await run).isInterrupted).toBe(true);
  await expect.poll(ownChildren).not.toContain("xz");
});

function ownChildren(): string[] {
  return execFileSync("ps", ["-o", "comm=", "--ppid", String(process.pid)], { encoding: "utf8" })
    .split("\n")
    .map((name) => name.trim());
}

function storedLines(database: string): number {
  return sumOf(database, "lines");
}

function storedBytes(database: string): number {
  return sumOf(database, "position");
}

/** 0 while there is no database. */
function sumOf(database: string, column: string): number {
  if (!existsSync(database)) return 0;
  const [row] = queryAll<{ sum: number | null }>(database, `SELECT sum(${column}) AS sum FROM sources`);
  return row?.sum ?? 0;
}

/** A pipe that gives the next piece when all before it is stored in the database, beside what is there already. */
function inPieces(database: string, pieces: readonly Uint8Array[]): PassThrough {
  const pipe = new PassThrough();
  void (async () => {
    let sent = storedBytes(database);
    for (const piece of pieces) {
      pipe.write(piece);
      sent += piece.length;
      await vi.waitUntil(() => storedBytes(database) === sent, { timeout: 10_000, interval: 20 });
    }
    pipe.end();
  })();
  return pipe;
}
