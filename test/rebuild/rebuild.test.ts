/** Facts derived anew from the stored lines: what heals, what stays, and what a kill or another run may do to it. */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readBlocks } from "../../src/ingest/batch/batch-thread.ts";
import { NOTHING, SMALL_LOAD, storeLog } from "../../src/ingest/save/log-writer.ts";
import { MessageCache } from "../../src/ingest/save/message-cache.ts";
import { replay } from "../../src/ingest/save/replay.ts";
import type { OpenSource } from "../../src/ingest/source/open-source.ts";
import { PARSER_VERSION } from "../../src/parse/parser-version.ts";
import { rebuild } from "../../src/rebuild/rebuild.ts";
import { openReader, openWriter } from "../../src/store/store.ts";
import { WorkingCopy } from "../../src/store/working-copy.ts";
import { verifyDeep } from "../../src/verify/verify-deep.ts";
import { startProgram } from "../support/child.ts";
import { expectFailure, runCli } from "../support/cli.ts";
import {
  FIXTURES,
  ingestInto,
  NOW,
  OPTIONS,
  openDirectly,
  storeSettings,
  temporaryFolder,
  withWriter,
} from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";
import { ENDED_MARK, FOREIGN_MARK, PROCESSES } from "../support/processes.ts";
import { differences, dumpSources, dumpViews, queryAll, readSources } from "../support/views.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const SOUND = join(FOLDER, "sound.db");
const LOG = readFileSync(join(FIXTURES, "corpus", "default", "mainlog"));
const KILLS = Number(process.env["EXIM_PILOT_TORTURE"] ?? 3);

vi.setConfig({ testTimeout: 60_000 + KILLS * 10_000 });

/** Facts that a worse parser might have left: all that people see differ. */
const WRONG = `
  UPDATE stored_messages SET subject = 'wrong', status = 0;
  UPDATE stored_recipients SET status = 0, attempts = 77;
  UPDATE delivery_problems SET smtp_code = 999;
  UPDATE stored_rejections SET is_permanent = 1 - is_permanent;
  UPDATE stored_servers SET version = 'wrong';
  UPDATE stored_entries SET details_id = NULL;
  DELETE FROM parser_versions;
  INSERT INTO parser_versions VALUES (0, 0);`;

beforeAll(async () => {
  await makeGoldenDatabase(SOUND);
});
afterAll(() => {
  rmSync(FOLDER, { recursive: true, force: true });
});

describe("a rebuild", () => {
  test("derives everything anew", async () => {
    const path = wrongDatabase();
    expect(differences(dumpViews(path), dumpViews(SOUND)).length).toBeGreaterThan(100);
    expect(await runCli(["rebuild", "--db", path])).toMatchObject({
      status: 0,
      stderr: "",
      stdout: expect.stringContaining(
        `Read 576 lines (60.9 KiB) of 3 logs again with parser ${PARSER_VERSION} (before: 0) in `,
      ),
    });
    expect(differences(dumpViews(path), dumpViews(SOUND))).toEqual([]);
    expect(queryAll(path, "SELECT version FROM parser_versions")).toEqual([{ version: PARSER_VERSION }]);
    expect(await runCli(["verify", "--deep", "--db", path])).toMatchObject({ status: 0 });
  });

  test("keeps what lines do not tell: settings, ids and times of logs, the record of runs, a user's own tables", async () => {
    const path = wrongDatabase();
    inDatabase(
      path,
      `UPDATE stored_servers SET owner = 'joe', environment = 'live';
       UPDATE stored_sources SET created_ms = 5, updated_ms = 7, path = '/old/mainlog', id = 17 WHERE id = 1;
       UPDATE raw_blocks SET source_id = 17 WHERE source_id = 1;
       CREATE TABLE my_notes (text TEXT); INSERT INTO my_notes VALUES ('kept');
       CREATE VIEW my_view AS SELECT id FROM messages;`,
    );
    const before = keptIn(path);
    await runCli(["rebuild", "--quiet", "--db", path]);
    expect(keptIn(path)).toEqual(before);
    expect(queryAll(path, "SELECT owner, environment, version FROM servers")).toEqual([
      { owner: "joe", environment: "live", version: "4.96" },
    ]);
    expect(queryAll(path, "SELECT count(*) AS n FROM my_view")).toEqual([{ n: 84 }]);
  });

  test("gives every log back as before", async () => {
    const path = wrongDatabase();
    await runCli(["rebuild", "--quiet", "--db", path]);
    expect(readSources(path)).toEqual(readSources(SOUND));
    expect(dumpSources(path)).toEqual(dumpSources(SOUND));
  });

  test("reads stamps in the time zone that is set now", async () => {
    const path = copyOf(SOUND);
    await runCli(["servers", "set", "mx1", "--timezone", "America/New_York", "--db", path]);
    await runCli(["rebuild", "--quiet", "--db", path]);
    const expected = join(temporaryFolder(), "expected.db");
    const logs = ["mainlog", "rejectlog", "paniclog"].map((log) => join(FIXTURES, "corpus", "default", log));
    await ingestInto(expected, logs, { timeZone: "America/New_York" });
    expect(differences(dumpViews(path), dumpViews(expected))).toEqual([]);
    expect(dumpViews(path)["messages"]).not.toEqual(dumpViews(SOUND)["messages"]);
  });

  test("that is rehearsed says what it needs and changes nothing", async () => {
    const path = wrongDatabase();
    const before = dumpViews(path);
    const { status, stdout } = await runCli(["rebuild", "--dry-run", "--json", "--db", path]);
    expect({ status, report: JSON.parse(stdout) }).toMatchObject({
      status: 0,
      report: {
        kind: "rebuild",
        isApplied: false,
        logs: 3,
        lines: 576,
        parserVersions: [0],
        parserVersion: PARSER_VERSION,
      },
    });
    expect((await runCli(["rebuild", "--dry-run", "--db", path])).stdout).toMatch(
      /^Would read 576 lines .*\nIt would need /,
    );
    expect(dumpViews(path)).toEqual(before);
    expect(filesBeside(path)).toEqual([]);
  });

  test("refuses what it cannot read, and changes nothing", async () => {
    const path = wrongDatabase();
    inDatabase(path, "UPDATE raw_blocks SET sha256 = zeroblob(32) WHERE id = 3");
    const before = dumpViews(path);
    expectFailure(await runCli(["rebuild", "--db", path]), { status: 3, says: "block 3 of source 3" });
    expect(dumpViews(path)).toEqual(before);
    expect(filesBeside(path)).toEqual([]);
  });

  test("that is told to stop changes nothing", async () => {
    const path = wrongDatabase();
    const before = dumpViews(path);
    const stop = new AbortController();
    stop.abort();
    expect(await runCli(["rebuild", "--db", path], { signal: stop.signal })).toMatchObject({ status: 130, stdout: "" });
    expect(dumpViews(path)).toEqual(before);
    expect(filesBeside(path)).toEqual([]);
  });

  test("needs a database", async () => {
    expectFailure(await runCli(["rebuild", "--db", join(temporaryFolder(), "none.db")]), {
      status: 3,
      says: "no database",
    });
  });
});

describe("a rebuild that is killed", () => {
  test("leaves the old content or the new, whole, and the next one removes what it left", async () => {
    const fixed = dumpViews(SOUND);
    const rebuildOnce = async (database: string, killAfterMs: number) => {
      const startedMs = performance.now();
      const { child, ended } = startProgram(["rebuild", "--db", database]);
      await Promise.race([ended, sleep(killAfterMs, undefined, { ref: false })]);
      child.kill("SIGKILL");
      const isKilled = (await ended).signal === "SIGKILL";
      return { isKilled, ms: performance.now() - startedMs };
    };
    let usualMs = (await rebuildOnce(wrongDatabase(), 60_000)).ms;
    let path = wrongDatabase();
    const wrong = dumpViews(path);
    const seen = { old: 0, new: 0 };
    for (let kill = 0; kill < KILLS; kill++) {
      const { isKilled, ms } = await rebuildOnce(path, usualMs * (0.3 + (0.7 * kill) / KILLS));
      // The machine may be less busy than it was.
      if (!isKilled) usualMs = ms;
      const isNew = differences(dumpViews(path), fixed).length === 0;
      expect(isNew ? [] : differences(dumpViews(path), wrong)).toEqual([]);
      const deep = await runCli(["verify", "--deep", "--db", path]);
      // The only findings are those from before.
      if (isNew) expect(deep).toMatchObject({ status: 0 });
      else expect((await runCli(["verify", "--db", path])).stdout).toContain("Sound");
      expect(filesBeside(path)).toEqual([]);
      seen[isNew ? "new" : "old"]++;
      if (isNew) path = wrongDatabase();
    }
    expect(seen.old).toBeGreaterThan(0);
    await runCli(["rebuild", "--quiet", "--db", path]);
    expect(filesBeside(path)).toEqual([]);
    expect(differences(dumpViews(path), fixed)).toEqual([]);
  });

  test("by a full disk says so, and leaves all as it was", async () => {
    const path = wrongDatabase();
    const before = dumpViews(path);
    const limit = "trap '' XFSZ; ulimit -f 150";
    const result = await startProgram(["rebuild", "--db", path], limit).ended;
    expect(result).toMatchObject({ status: 3, stderr: expect.stringMatching(/^error: .+\.\nhint: .+\n$/) });
    expect(dumpViews(path)).toEqual(before);
    expect(filesBeside(path)).toEqual([]);
  });

  test("takes away the copy of one that has ended, and no other file", async () => {
    const path = copyOf(SOUND);
    const { ppid } = process;
    const running = PROCESSES.mark.replace(/\d+-\d+$/, `${ppid}-${startOfProcess(ppid)}`);
    const kept = [running, FOREIGN_MARK, "2", "999999999", "before-the-move"].map((name) => `${path}.copy-${name}`);
    const ended = `${path}.copy-${ENDED_MARK}`;
    for (const file of [...kept, ended, `${ended}-wal`, `${ended}-shm`]) writeFileSync(file, "");
    // NOTE: the clock of these tests stands still, in the past.
    await runCli(["verify", "--deep", "--db", path]);
    expect(filesBeside(path).sort()).toEqual(kept.map((file) => file.slice(path.length)).sort());
    const longAgo = NOW / 1000 - 7200;
    utimesSync(`${path}.copy-${FOREIGN_MARK}`, longAgo, longAgo);
    await runCli(["verify", "--deep", "--db", path]);
    expect(filesBeside(path)).not.toContain(`.copy-${FOREIGN_MARK}`);
  });
});

describe("a rebuild beside an ingest", () => {
  test("takes in what was stored while it read", async () => {
    const { path, log } = await halfIngested();
    let replays = 0;
    await withCopy(path, async (copy, bringUp) => {
      await rebuild(
        copy,
        async () => {
          await bringUp();
          if (++replays === 1) {
            writeFileSync(log, LOG);
            await ingestInto(path, [log]);
          }
        },
        { signal: new AbortController().signal, onSwap: () => {} },
      );
    });
    expect(replays).toBe(2);
    await expectAllOf(path);
  });

  test.each<[what: string, sql: string]>([
    [
      "a tag was given",
      "INSERT INTO stored_tags SELECT 'late', server_id, exim_id, 1, 'kim', NULL FROM stored_messages LIMIT 1",
    ],
    ["a tag was taken away", "DELETE FROM stored_tags"],
    ["a tag was written otherwise", "UPDATE stored_tags SET tag = 'TICKET'"],
    ["a server got an owner", "UPDATE stored_servers SET owner = 'joe', environment = 'live'"],
    ["a server was renamed", "UPDATE stored_servers SET name = 'mx2'"],
    ["a server was added", "INSERT INTO stored_servers (id, name, time_zone, created_ms) VALUES (7, 'mx7', 'UTC', 1)"],
    ["a log was renamed", "UPDATE stored_sources SET path = '/var/log/mainlog.1'"],
    ["lines were stored", ""],
  ])("and a deep verification go on when %s meanwhile, with tags there", async (_what, sql) => {
    const { path, log } = await halfIngested();
    inDatabase(
      path,
      "INSERT INTO stored_tags SELECT 'ticket', server_id, exim_id, 1, 'kim', NULL FROM stored_messages LIMIT 2",
    );
    const change = async () => {
      if (sql !== "") return inDatabase(path, sql);
      writeFileSync(log, LOG);
      await ingestInto(path, [log]);
    };
    const controller = new AbortController();
    let replays = 0;
    const report = await withCopy(path, (copy, bringUp) =>
      verifyDeep(
        copy,
        async () => {
          await bringUp();
          if (++replays === 1) await change();
        },
        { signal: controller.signal, onView: () => {} },
      ),
    );
    expect(replays).toBe(2);
    expect(report).toMatchObject({ name: "lines", count: 0, findings: [] });
    const kept = () => [
      queryAll(path, "SELECT * FROM stored_tags ORDER BY tag, server_id, exim_id"),
      queryAll(path, "SELECT id, name, owner, environment FROM stored_servers"),
      queryAll(path, "SELECT id, path FROM stored_sources"),
    ];
    const before = kept();
    inDatabase(path, "UPDATE stored_messages SET subject = 'wrong'");
    await withCopy(path, (copy, bringUp) => rebuild(copy, bringUp, { signal: controller.signal, onSwap: () => {} }));
    expect(kept()).toEqual(before);
    expect(await runCli(["verify", "--deep", "--db", path])).toMatchObject({ status: 0 });
  });

  test("gives up where lines come faster than it reads", async () => {
    const { path } = await halfIngested();
    let position = 0;
    const running = withCopy(path, (copy, bringUp) =>
      rebuild(
        copy,
        async () => {
          await bringUp();
          inDatabase(path, `UPDATE stored_sources SET position = position + ${++position}`);
          inDatabase(
            path,
            `UPDATE raw_blocks SET size = size + ${position} WHERE id = (SELECT max(id) FROM raw_blocks)`,
          );
        },
        { signal: new AbortController().signal, onSwap: () => {} },
      ),
    );
    await expect(running).rejects.toMatchObject({ name: "PilotError" });
    expect(filesBeside(path)).toEqual([]);
  });

  test("lets an ingest go on that has begun before", async () => {
    const start = LOG.indexOf("\n", LOG.length / 2) + 1;
    const { path } = await halfIngested(start);
    await readOnAfterRebuild(path, start);
    await expectAllOf(path);
  });

  test("makes an ingest try again that was about to read the last block anew", async () => {
    const start = LOG.indexOf("\n", LOG.length / 2) + 30;
    const { path, log } = await halfIngested(start);
    await expect(readOnAfterRebuild(path, start)).rejects.toMatchObject({ code: "in_use" });
    expect(await runCli(["verify", "--db", path])).toMatchObject({ status: 0 });
    writeFileSync(log, LOG);
    await ingestInto(path, [log]);
    await expectAllOf(path);
  });

  test("does not disturb who reads", async () => {
    const path = wrongDatabase();
    const reader = new Database(path, { readonly: true });
    const ask = () => reader.prepare("SELECT DISTINCT subject FROM messages").all();
    reader.exec("BEGIN");
    const before = ask();
    await runCli(["rebuild", "--quiet", "--db", path]);
    expect(ask()).toEqual(before);
    reader.exec("COMMIT");
    expect(ask()).not.toEqual(before);
    reader.close();
  });
});

/** Bytes of the main log that are stored, in many small blocks. */
async function halfIngested(bytes = LOG.length / 2): Promise<{ path: string; log: string }> {
  const folder = temporaryFolder();
  const [path, log] = [join(folder, "pilot.db"), join(folder, "mainlog")];
  writeFileSync(log, LOG.subarray(0, bytes));
  await ingestInto(path, [log], { batchLines: 10 });
  return { path, log };
}

async function expectAllOf(path: string): Promise<void> {
  const folder = temporaryFolder();
  const [expected, log] = [join(folder, "expected.db"), join(folder, "mainlog")];
  writeFileSync(log, LOG);
  await ingestInto(expected, [log]);
  expect(differences(dumpViews(path), dumpViews(expected))).toEqual([]);
  expect(readSources(path).map(({ bytes }) => bytes.equals(LOG))).toEqual([true]);
  expect(await runCli(["verify", "--deep", "--db", path])).toMatchObject({ status: 0 });
}

/** Reads the rest of the log, with a rebuild between the first look at what is stored and the first line. */
async function readOnAfterRebuild(path: string, start: number): Promise<void> {
  const rest = async function* (): AsyncGenerator<Buffer> {
    await runCli(["rebuild", "--quiet", "--db", path]);
    yield LOG.subarray(start);
  };
  await withWriter(path, async (writer) => {
    const source = writer.sources.findSource(1);
    if (source === undefined) throw new Error("The log is not stored.");
    const read = (): Readable => Readable.from(rest(), { objectMode: false });
    const open: OpenSource = {
      path: source.path,
      head: LOG,
      sizeBytes: undefined,
      textBytes: undefined,
      verify: async () => {},
      bytesRead: () => 0,
      compare: async () => "continues",
      read,
      readUntilPause: read,
      goesOn: async () => false,
      close: () => {},
    };
    await storeLog(
      open,
      source,
      writer,
      new MessageCache(source.serverId),
      { ...NOTHING },
      {
        ...OPTIONS,
        load: SMALL_LOAD,
        readBlocks,
        timeZone: "UTC",
        signal: undefined,
        onCommit: () => {},
      },
    );
  });
}

async function withCopy<Result>(
  path: string,
  action: (copy: WorkingCopy, bringUp: () => Promise<void>) => Promise<Result>,
): Promise<Result> {
  const settings = storeSettings(path);
  // NOTE: opens it as the command does, so that it can be read with locks.
  openWriter(settings, { create: false }).close();
  const reader = openReader(settings);
  const copy = new WorkingCopy(settings, { purpose: "replace", processes: PROCESSES });
  const options = { now: () => NOW, signal: new AbortController().signal, onProgress: () => {} };
  try {
    return await action(copy, () => replay(reader.text, copy.writer, options));
  } finally {
    copy.close();
    await reader.close();
  }
}

/** Start time as in proc_pid_stat(5). */
function startOfProcess(processId: number): string {
  const status = readFileSync(`/proc/${processId}/stat`, "utf8");
  return status.slice(status.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

function wrongDatabase(): string {
  const path = copyOf(SOUND);
  inDatabase(path, WRONG);
  return path;
}

function copyOf(database: string): string {
  const path = join(temporaryFolder(), "pilot.db");
  copyFileSync(database, path);
  return path;
}

function inDatabase(path: string, sql: string): void {
  const database = openDirectly(path);
  database.pragma("foreign_keys = OFF");
  database.exec(sql);
  database.close();
}

function keptIn(path: string): unknown[] {
  return [
    queryAll(path, "SELECT name, owner, environment, time_zone, created_ms FROM stored_servers"),
    queryAll(path, "SELECT id, path, created_ms, updated_ms FROM stored_sources"),
    queryAll(path, "SELECT * FROM ingest_runs"),
    queryAll(path, "SELECT * FROM schema_migrations"),
    queryAll(path, "SELECT * FROM my_notes"),
  ];
}

/** Copies that are still there, by what follows the name of the database. */
function filesBeside(path: string): string[] {
  const folder = join(path, "..");
  return readdirSync(folder).flatMap((file) =>
    file.includes(".copy-") ? [join(folder, file).slice(path.length)] : [],
  );
}
