/**
 * A log that grew between two runs, cut anywhere: the content must not tell that there were two. The log is cut around every end
 * of a line and every byte beyond ASCII. The rest is cut at every 29th byte, which is another one in each line.
 * EXIM_PILOT_TORTURE=1 cuts at every byte.
 */
import { appendFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { ingest } from "../../src/ingest/ingest.ts";
import { openWriter } from "../../src/store/store.ts";
import type { Writer } from "../../src/store/write/writer.ts";
import { OPTIONS, storeSettings, temporaryFolder } from "../support/database.ts";
import { Random } from "../support/generate.ts";
import { SMALL_LOGS, type SmallLogs } from "../support/small-log.ts";
import { differences, dumpViewsByServer, readSources } from "../support/views.ts";

type LogName = keyof SmallLogs;

/** Logs of one run, each with its length by then; all of it if no length is given. */
type Run = Partial<Record<LogName, number | "all">>;

const ALL: Run = { main: "all", reject: "all", panic: "all" };
/** Taken by turns; mostly one batch a log, for small ones take time. */
const BATCH_LINES = [500, 500, 3, 500, 1, 500, 8, 500];

const STEP = process.env["EXIM_PILOT_TORTURE"] === undefined ? 29 : 1;

// Thousands of runs: seconds on an idle machine, more on a busy one.
vi.setConfig({ testTimeout: 240_000 });

describe("a log that is cut anywhere gives the same as the whole log", () => {
  test("the main log alone", async () => {
    await expectSameAsWhole(
      { main: "all" },
      cutsOf("main").map((main) => [{ main }, { main: "all" }]),
    );
  });

  test("the reject log, after the main log", async () => {
    await expectSameAsWhole(
      { main: "all", reject: "all" },
      cutsOf("reject").map((reject) => [{ main: "all", reject }, { reject: "all" }]),
    );
  });

  test("the reject log, with the main log read before it has grown", async () => {
    await expectSameAsWhole(
      ALL,
      everyLength("reject", 5).map((reject) => [
        { reject, main: "all" },
        { reject: "all", panic: "all" },
      ]),
    );
  });

  test("the main log, with the other logs read before it has grown", async () => {
    await expectSameAsWhole(
      ALL,
      everyLength("main", 9).map((main) => [{ main, reject: "all", panic: "all" }, { main: "all" }]),
    );
  });

  test("the main log, with the other logs read first", async () => {
    await expectSameAsWhole(
      ALL,
      everyLength("main", 17).map((main) => [{ reject: "all", panic: "all", main }, { main: "all" }]),
    );
  });

  test("all three logs, at two instants before the last", async () => {
    const random = new Random(3);
    await expectSameAsWhole(
      ALL,
      Array.from({ length: 100 }, () => {
        const early = {
          reject: lengthOf("reject", random),
          main: lengthOf("main", random),
          panic: lengthOf("panic", random),
        };
        const late = { ...early, main: early.main + random.upTo(SMALL_LOGS.main.length - early.main) };
        return random.isOneOf(2) ? [early, late, ALL] : [late, { panic: "all", main: "all", reject: "all" }];
      }),
    );
  });

  test("a log of syslog", async () => {
    await expectSameAsWhole(
      { syslog: "all" },
      cutsOf("syslog").map((syslog) => [{ syslog }, { syslog: "all" }]),
    );
  });

  test("a log of syslog, line by line", async () => {
    const lines = everyLength("syslog").filter((length) => SMALL_LOGS.syslog[length - 1] === 0x0a);
    await expectSameAsWhole({ syslog: "all" }, [[...lines.map((syslog) => ({ syslog })), { syslog: "all" }]]);
  });

  test("line by line, and byte by byte", async () => {
    const bytes = everyLength("main");
    const lines = bytes.filter((length) => SMALL_LOGS.main[length - 1] === 0x0a);
    await expectSameAsWhole(ALL, [
      [...lines.map((main) => ({ main })), ALL],
      [{ reject: "all", panic: "all" }, ...lines.map((main) => ({ main })), ALL],
      [{ reject: 200, panic: 10 }, ...bytes.slice(650, 950).map((main) => ({ main })), ALL],
    ]);
  });
});

/** Lengths of the parts of a log that are tried. */
function cutsOf(log: LogName): number[] {
  const bytes = SMALL_LOGS[log];
  const isDelicate = (length: number) =>
    bytes.subarray(Math.max(0, length - 2), length + 2).some((byte) => byte === 0x0a || byte >= 0x80);
  return everyLength(log).filter((length) => length % STEP === 0 || isDelicate(length));
}

/** Every proper part of a log, from the empty one; or every `step`-th. */
function everyLength(log: LogName, step = 1): number[] {
  return Array.from({ length: Math.ceil(SMALL_LOGS[log].length / step) }, (_, index) => index * step);
}

function lengthOf(log: LogName, random: Random): number {
  return random.upTo(SMALL_LOGS[log].length);
}

/**
 * Plays each history as a server of its own in one database, and compares it with a server that read all at once. Databases of
 * their own would cost ten times as much. Two connections take turns, so that none can rely on what it remembers.
 */
async function expectSameAsWhole(whole: Run, histories: readonly (readonly Run[])[]): Promise<void> {
  const folder = new LogFolder();
  const database = join(folder.path, "pilot.db");
  const writers = [openWriter(storeSettings(database)), openWriter(storeSettings(database))] as const;
  onTestFinished(() => {
    for (const writer of writers) writer.close();
  });
  await play(folder, writers, "whole", [whole], 500);
  for (const [index, history] of histories.entries()) {
    await play(folder, writers, nameOf(history), history, BATCH_LINES[index % BATCH_LINES.length] ?? 500);
  }
  expectEqualServers(database);
  const sources = readSources(database);
  expect(sources).toHaveLength(Object.keys(whole).length * (1 + histories.length));
  const wrong = sources.filter(({ logType, bytes }) => !bytes.equals(SMALL_LOGS[logType as LogName]));
  expect(wrong.map(({ server }) => server)).toEqual([]);
}

async function play(
  folder: LogFolder,
  writers: readonly [Writer, Writer],
  server: string,
  history: readonly Run[],
  batchLines: number,
): Promise<void> {
  for (const [index, run] of history.entries()) {
    const paths = Object.entries(run).map(([log, length]) => folder.write(log as LogName, length));
    const writer = writers[index % 2 === 0 ? 0 : 1];
    const { logs } = await ingest(paths, { stdin: Readable.from([]) }, writer, { ...OPTIONS, server, batchLines });
    expect(logs.map(({ error }) => error)).toEqual(paths.map(() => undefined));
  }
}

/** The logs as they are at an instant. */
class LogFolder {
  readonly path = temporaryFolder();
  readonly #lengths: Partial<Record<LogName, number>> = {};

  /** Gives the log this length; returns its path. */
  write(log: LogName, length: number | "all"): string {
    const bytes = SMALL_LOGS[log].subarray(0, length === "all" ? undefined : length);
    const path = join(this.path, `${log}log`);
    const before = this.#lengths[log];
    // NOTE: emptying a file that is written again costs milliseconds on some file systems; cutting and appending does not.
    if (before === undefined) writeFileSync(path, bytes);
    else if (bytes.length < before) truncateSync(path, bytes.length);
    else appendFileSync(path, bytes.subarray(before));
    this.#lengths[log] = bytes.length;
    return path;
  }
}

/** `main:17 | main:all reject:all`. */
function nameOf(history: readonly Run[]): string {
  const runs = history.map((run) =>
    Object.entries(run)
      .map(([log, length]) => `${log}:${length}`)
      .join(" "),
  );
  return runs.length <= 4 ? runs.join(" | ") : `${runs.length} runs, first ${runs[0]} | ${runs[1]}`;
}

/** Fails with the first few servers that differ from the one that read all at once, and the rows that differ. */
function expectEqualServers(database: string): void {
  const dumps = dumpViewsByServer(database);
  const whole = dumps.get("whole") ?? {};
  expect(Object.keys(whole)).toContain("delivery_attempts");
  const text = JSON.stringify(whole);
  const different = [...dumps].filter(([, dump]) => JSON.stringify(dump) !== text);
  const details = different.slice(0, 3).map(([name, dump]) => [name, ...differences(dump, whole)]);
  expect(
    details,
    `${different.length} of ${dumps.size - 1} differ: ${different
      .map(([name]) => name)
      .slice(0, 200)
      .join("; ")}`,
  ).toEqual([]);
}
