/** Keys of entries: the same wherever and however a log is read, and never one for two. */
import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import Database from "better-sqlite3";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RawTextReader } from "../../src/store/log-text/blocks.ts";
import { FactKeys } from "../../src/store/log-text/fact-keys.ts";
import { addTextColumns } from "../../src/store/reader.ts";
import { runCli } from "../support/cli.ts";
import { temporaryFolder } from "../support/database.ts";
import { SMALL_LOGS } from "../support/small-log.ts";

const FLAGS = ["--server", "mx1", "--timezone", "UTC"];
const VIEWS = {
  log_entries: "SELECT fact_key, timestamp, message_id, event, seen_in FROM log_entries",
  delivery_attempts: "SELECT fact_key, timestamp, message_id, recipient, status FROM delivery_attempts",
  rejections: "SELECT fact_key, timestamp, message_id, reason FROM rejections",
};

/** The rows of the views that have keys, by their keys. */
function keyed(path: string): Readonly<Record<string, readonly string[]>> {
  const [database, other] = [new Database(path, { readonly: true }), new Database(path, { readonly: true })];
  try {
    const keys = new FactKeys(other, new RawTextReader(other));
    addTextColumns(database, { raw_line: () => null, fact_key: (id) => keys.keyOf(id) ?? null });
    const rowsOf = (sql: string): string[] =>
      database
        .prepare(sql)
        .raw()
        .all()
        .map((row) => JSON.stringify(row))
        .sort();
    return Object.fromEntries(Object.entries(VIEWS).map(([view, sql]) => [view, rowsOf(sql)]));
  } finally {
    database.close();
    other.close();
  }
}

/** Every entry has a key, and no two have the same. */
function expectDistinct(rows: readonly string[]): void {
  const keys = rows.map((row) => (JSON.parse(row) as readonly [string])[0]);
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{16}$/);
  expect(new Set(keys).size).toBe(keys.length);
}

async function ingest(database: string, ...logs: readonly string[]): Promise<string> {
  const { status, stderr } = await runCli(["ingest", "--db", database, ...FLAGS, ...logs]);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return database;
}

function written(folder: string, name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

function smallLogs(folder: string): readonly string[] {
  return (["main", "reject", "panic"] as const).map((name) => written(folder, `${name}log`, SMALL_LOGS[name]));
}

async function plainly() {
  const folder = temporaryFolder();
  const logs = smallLogs(folder);
  const database = await ingest(join(folder, "pilot.db"), ...logs);
  return { folder, logs, database, rows: keyed(database) };
}

describe("the keys of entries", () => {
  test("are there, each once, also of attempts and rejections", async () => {
    const { rows } = await plainly();
    for (const view of Object.keys(VIEWS)) {
      expect(rows[view]?.length).toBeGreaterThan(1);
      expectDistinct(rows[view] ?? []);
    }
    const keysOf = (view: string) => (rows[view] ?? []).map((row) => row.slice(0, 20));
    for (const view of ["delivery_attempts", "rejections"])
      expect(keysOf("log_entries")).toEqual(expect.arrayContaining(keysOf(view)));
  });

  test("are the same in any order of logs and pieces, compressed or not, under any name", async () => {
    const { rows } = await plainly();
    const order = fc.shuffledSubarray(["main", "reject", "panic"] as const, { minLength: 3, maxLength: 3 });
    const cut = fc.integer({ min: 300, max: SMALL_LOGS.main.length - 1 });
    await fc.assert(
      fc.asyncProperty(order, cut, fc.boolean(), async (names, at, isCompressed) => {
        const folder = temporaryFolder();
        const database = join(folder, "pilot.db");
        for (const name of names) {
          const bytes = SMALL_LOGS[name];
          const path = written(folder, `${name}log`, bytes.subarray(0, name === "main" ? at : bytes.length));
          await ingest(database, "--log-type", name, path);
          if (name !== "main") continue;
          appendFileSync(path, bytes.subarray(at));
          const rotated = join(folder, "mainlog.1");
          renameSync(path, rotated);
          const last = isCompressed ? written(folder, "mainlog.1.gz", gzipSync(readFileSync(rotated))) : rotated;
          await ingest(database, last);
        }
        expect(keyed(database)).toEqual(rows);
      }),
      { numRuns: 12 },
    );
  });

  test("stay when the text is pruned, and when the logs are read again elsewhere", async () => {
    const { database, rows, folder } = await plainly();
    const pruned = await runCli(["prune", "--db", database, "--logs", "1d", "--messages", "forever", "--force"]);
    expect(pruned).toMatchObject({ status: 0 });
    const left = keyed(database);
    expect(left["delivery_attempts"]).toEqual(rows["delivery_attempts"]);
    expect(left["log_entries"]?.length).toBeGreaterThan(5);
    expect(rows["log_entries"]).toEqual(expect.arrayContaining([...(left["log_entries"] ?? [])]));
    const again = await ingest(join(folder, "again.db"), ...smallLogs(folder));
    expect(keyed(again)).toEqual(rows);
  });

  test("stay in a rebuild, a backup and what is restored of it", async () => {
    const { database, rows, folder } = await plainly();
    expect(await runCli(["rebuild", "--db", database])).toMatchObject({ status: 0 });
    expect(keyed(database)).toEqual(rows);
    const { stdout, status } = await runCli(["backup", "--db", database, "--json", join(folder, "kept")]);
    expect(status).toBe(0);
    const [path = ""] = /"[^"]+\.db"/.exec(stdout) ?? [];
    const restored = join(folder, "restored.db");
    expect(await runCli(["restore", "--db", restored, JSON.parse(path) as string])).toMatchObject({ status: 0 });
    expect(keyed(restored)).toEqual(rows);
  });
});

describe("two logs that begin alike", () => {
  const lines = SMALL_LOGS.main.toString("latin1").split("\n");
  const edits: readonly (readonly [string, string])[] = [
    ["with a line in the middle", [...lines.slice(0, 5), "2026-03-02 06:16:01 UNIQUE", ...lines.slice(5)].join("\n")],
    ["with a line of the same length", lines.with(0, (lines[0] ?? "").replace("S=464", "S=465")).join("\n")],
    ["of which one goes on", `${lines.slice(0, 4).join("\n")}\n2026-03-02 06:20:00 Start queue run: pid=1\n`],
  ];

  test.each(edits)("%s: have keys of their own, the same in either order", async (_what, edited) => {
    const [one, other] = [temporaryFolder(), temporaryFolder()];
    const logsIn = (folder: string) => [
      written(folder, "mainlog", SMALL_LOGS.main),
      written(folder, "mainlog.edited", Buffer.from(edited, "latin1")),
    ];
    const forwards = keyed(await ingest(join(one, "pilot.db"), ...logsIn(one)));
    const backwards = keyed(await ingest(join(other, "pilot.db"), ...logsIn(other).reverse()));
    for (const rows of Object.values(forwards)) expectDistinct(rows);
    expect(backwards).toEqual(forwards);
    const alone = keyed(await ingest(join(one, "alone.db"), join(one, "mainlog")));
    expect(forwards["log_entries"]).toEqual(expect.arrayContaining([...(alone["log_entries"] ?? [])]));
  });

  test("have keys of their own when the text of one has been pruned before the other is read, and in a rebuild", async () => {
    const folder = temporaryFolder();
    const [, [, edited = ""] = []] = edits;
    const database = await ingest(join(folder, "pilot.db"), written(folder, "mainlog", SMALL_LOGS.main));
    await ingest(database, written(folder, "mainlog.edited", Buffer.from(edited, "latin1")));
    const before = keyed(database);
    expect(await runCli(["rebuild", "--db", database])).toMatchObject({ status: 0 });
    expect(keyed(database)).toEqual(before);

    const pruned = await ingest(join(folder, "pruned.db"), join(folder, "mainlog"));
    expect(await runCli(["prune", "--db", pruned, "--logs", "1d", "--messages", "forever", "--force"])).toMatchObject({
      status: 0,
    });
    await ingest(pruned, join(folder, "mainlog.edited"));
    for (const rows of Object.values(keyed(pruned))) expectDistinct(rows);
  });
});

test("a log that was shorter than what it is known by when it was first read has the keys of the whole", async () => {
  const { rows } = await plainly();
  for (const length of [1, 60, 100, 255, 256, 257]) {
    const folder = temporaryFolder();
    const log = written(folder, "mainlog", SMALL_LOGS.main.subarray(0, length));
    const database = await ingest(join(folder, "pilot.db"), "--log-type", "main", log);
    writeFileSync(log, SMALL_LOGS.main);
    smallLogs(folder);
    await ingest(database, log, join(folder, "rejectlog"), join(folder, "paniclog"));
    expect(keyed(database)).toEqual(rows);
  }
});
