/** Logs that are followed: what is added is stored within a moment, whatever becomes of their names. */
import { appendFileSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type IngestReport, ingest } from "../../src/ingest/ingest.ts";
import { openWriter } from "../../src/store/store.ts";
import { ingestArgv, startProgram } from "../support/child.ts";
import { expectFailure, runCli } from "../support/cli.ts";
import { ingestInto, OPTIONS, storeSettings, temporaryFolder } from "../support/database.ts";
import { SMALL_LOGS } from "../support/small-log.ts";
import { differences, dumpViews, queryAll, readSources } from "../support/views.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const LINES = SMALL_LOGS.main.toString("latin1").split(/(?<=\n)/);

describe("a log that is followed", () => {
  test("is stored line by line, as it is written", async () => {
    const followed = follow(["mainlog"]);
    for (const [index, line] of LINES.entries()) {
      followed.write("mainlog", line);
      if (index % 7 === 0) await followed.untilStored("mainlog");
    }
    await followed.untilStored("mainlog");
    expect(await followed.stop()).toMatchObject({ isInterrupted: false, totals: { lines: LINES.length } });
    await followed.expectSameAsWhole();
  });

  test("is read to its end when it is renamed, and the next one goes on", async () => {
    const followed = follow(["mainlog"]);
    followed.write("mainlog", LINES.slice(0, 5).join(""));
    await followed.untilStored("mainlog");
    followed.write("mainlog", LINES.slice(5, 9).join(""));
    followed.rename("mainlog", "mainlog.1");
    followed.write("mainlog", LINES.slice(9, 12).join(""));
    // A process that had the old one open writes its last line late.
    followed.write("mainlog.1", "2026-03-02 06:16:02 Start queue run: pid=7\n");
    await followed.untilStored("mainlog.1");
    await followed.untilStored("mainlog");
    await followed.stop();
    expect(await followed.stored()).toEqual([followed.bytes("mainlog.1"), followed.bytes("mainlog")]);
  });

  test("that is compressed as soon as it is rotated loses nothing of its end", async () => {
    const followed = follow(["mainlog"]);
    followed.write("mainlog", LINES.slice(0, 5).join(""));
    await followed.untilStored("mainlog");
    followed.write("mainlog", LINES.slice(5, 9).join(""));
    const bytes = followed.bytes("mainlog");
    writeFileSync(join(followed.folder, "mainlog.1.gz"), gzipSync(Buffer.from(bytes, "latin1")));
    rmSync(join(followed.folder, "mainlog"));
    followed.write("mainlog", LINES.slice(9, 12).join(""));
    await followed.until(async () => (await followed.stored()).includes(bytes));
    await followed.untilStored("mainlog");
    await followed.stop();
    // The archive is the same log.
    const again = await ingestInto(followed.database, [join(followed.folder, "mainlog.1.gz")]);
    expect(again.logs.map(({ result }) => result)).toEqual(["unchanged"]);
  });

  test("that is copied and emptied begins anew", async () => {
    const followed = follow(["mainlog"]);
    followed.write("mainlog", LINES.slice(0, 9).join(""));
    await followed.untilStored("mainlog");
    writeFileSync(join(followed.folder, "mainlog.1"), followed.bytes("mainlog"), "latin1");
    truncateSync(join(followed.folder, "mainlog"));
    await sleep(700);
    followed.write("mainlog", LINES.slice(9).join(""));
    await followed.untilStored("mainlog");
    await followed.stop();
    expect((await followed.stored()).join("")).toBe(LINES.join(""));
  });

  test("may appear later, and by a pattern", async () => {
    const followed = follow(["main*"]);
    await sleep(600);
    followed.write("mainlog", LINES.join(""));
    await followed.untilStored("mainlog");
    await followed.stop();
    await followed.expectSameAsWhole();
  });
});

describe("the program that follows", () => {
  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "ends by %s with what was written, and status 0",
    async (signal) => {
      const folder = temporaryFolder();
      const log = join(folder, "mainlog");
      const database = join(folder, "pilot.db");
      writeFileSync(log, LINES.slice(0, 3).join(""));
      const { child, ended } = startProgram(ingestArgv(database, [log], "--follow"));
      await untilTrue(() => linesIn(database) === 3);
      appendFileSync(log, LINES.slice(3, 5).join(""));
      await untilTrue(() => linesIn(database) === 5);
      child.kill(signal);
      expect(await ended).toMatchObject({ status: 0, stderr: "", stdout: expect.stringContaining("Stored 5 lines") });
      expect(queryAll(database, "SELECT result FROM ingest_runs")).toEqual([{ result: "done" }]);
    },
  );

  test("takes no standard input", async () => {
    const result = await runCli(["ingest", "--follow", "-"]);
    expectFailure(result, { status: 2, says: "Standard input cannot be followed" });
  });
});

function follow(names: readonly string[]) {
  const folder = temporaryFolder();
  const database = join(folder, "pilot.db");
  const writer = openWriter(storeSettings(database));
  const controller = new AbortController();
  const running: Promise<IngestReport> = ingest(
    names.map((name) => join(folder, name)),
    { stdin: Readable.from([]) },
    writer,
    { ...OPTIONS, isFollowing: true, signal: controller.signal },
  );
  onTestFinished(async () => {
    controller.abort();
    await running;
    writer.close();
  });
  const bytes = (name: string): string => readFileSync(join(folder, name), "latin1");
  const stored = async (): Promise<string[]> => readSources(database).map((source) => source.bytes.toString("latin1"));
  return {
    folder,
    database,
    bytes,
    stored,
    write: (name: string, text: string) => appendFileSync(join(folder, name), text, "latin1"),
    rename: (from: string, to: string) => renameSync(join(folder, from), join(folder, to)),
    until: untilTrue,
    untilStored: (name: string) => untilTrue(async () => (await stored()).includes(bytes(name))),
    stop: async () => {
      controller.abort();
      return running;
    },
    expectSameAsWhole: async () => {
      const whole = join(folder, "whole.db");
      await ingestInto(whole, [join(folder, "mainlog")]);
      expect(differences(dumpViews(database), dumpViews(whole))).toEqual([]);
    },
  };
}

/** The test runs out of time when it never is. */
async function untilTrue(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}

function linesIn(database: string): number {
  try {
    return readSources(database).reduce((sum, { lines }) => sum + lines, 0);
  } catch {
    // NOTE: it is being made.
    return 0;
  }
}
