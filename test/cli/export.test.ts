import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectFailure, runCli } from "../support/cli.ts";
import { FIXTURES, ingestInto, temporaryFolder } from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";
import { Screen } from "../support/still-io.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
const CORPUS = join(FIXTURES, "corpus", "default");

beforeAll(() => makeGoldenDatabase(DB));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

describe("export --raw", () => {
  test.each([
    ["by its id", "2", "rejectlog"],
    ["by its path", join(CORPUS, "mainlog"), "mainlog"],
    ["by the end of its path", "paniclog", "paniclog"],
  ])("writes a stored log out, byte for byte: %s", async (_what, wanted, log) => {
    const { status, bytes } = await runForBytes(["export", "--raw", wanted, "--db", DB]);
    expect(status).toBe(0);
    expect(bytes.equals(readFileSync(join(CORPUS, log)))).toBe(true);
  });

  test("gives back bytes that are no text, in many blocks, from a compressed log", async () => {
    const folder = temporaryFolder();
    const [log, db] = [join(folder, "mainlog.2.gz"), join(folder, "pilot.db")];
    const entry = Buffer.concat([
      Buffer.from("2026-03-02 05:40:05 "),
      Buffer.from(Array.from({ length: 246 }, (_, at) => at + 10)),
    ]);
    const bytes = Buffer.concat(Array.from({ length: 3000 }, () => entry));
    writeFileSync(log, gzipSync(bytes));
    await ingestInto(db, [log], { batchLines: 100 });
    const output = join(folder, "output");
    expect(await runCli(["export", "--raw", "mainlog.2.gz", "--output", output, "--db", db])).toEqual({
      status: 0,
      stdout: "",
      stderr: "",
    });
    expect(readFileSync(output).equals(bytes)).toBe(true);
    expect(statSync(output).mode & 0o777).toBe(0o600);
  });

  test("overwrites nothing", async () => {
    const output = join(temporaryFolder(), "output");
    writeFileSync(output, "mine");
    expectFailure(await runCli(["export", "--raw", "1", "--output", output, "--db", DB]), {
      status: 3,
      says: "already",
    });
    expect(readFileSync(output, "utf8")).toBe("mine");
    expectFailure(await runCli(["export", "--raw", "1", "-o", join(FOLDER, "none", "x"), "--db", DB]), {
      status: 3,
      says: "cannot be written",
    });
  });

  test("names the logs when several have the path, unless the server tells", async () => {
    const db = join(temporaryFolder(), "pilot.db");
    copyFileSync(DB, db);
    await ingestInto(db, [join(CORPUS, "mainlog")], { server: "mx2" });
    expectFailure(await runCli(["export", "--raw", "mainlog", "--db", db]), {
      status: 2,
      says: /hint: .*1 \(.*mainlog of mx1\), 4 \(.* of mx2\)/,
    });
    expect(await runCli(["export", "--raw", "mainlog", "--server", "mx2", "--db", db])).toMatchObject({ status: 0 });
    expectFailure(await runCli(["export", "--raw", "paniclog", "--server", "mx2", "--db", db]), {
      status: 1,
      says: "exim-pilot sources",
    });
  });

  test("refuses a terminal", async () => {
    expectFailure(await runCli(["export", "--raw", "1", "--db", DB], { isTTY: true, env: { NO_COLOR: "1" } }), {
      status: 2,
      says: "--output",
    });
  });

  test.each([
    ["a block that is damaged", "UPDATE raw_blocks SET sha256 = zeroblob(32) WHERE id = 1", "block 1 of source 1"],
    ["a block that is no archive", "UPDATE raw_blocks SET data = x'ff' WHERE id = 1", "block 1"],
    ["a block that is missing", "DELETE FROM raw_blocks WHERE id = 1", "lacks the bytes 0 to"],
    ["a block that is moved", "UPDATE raw_blocks SET position = 10 WHERE id = 1", "lacks the bytes 0 to 10"],
  ])("fails at %s and leaves no file", async (_what, sql, says) => {
    const folder = temporaryFolder();
    const [db, output] = [join(folder, "pilot.db"), join(folder, "output")];
    copyFileSync(DB, db);
    const database = new Database(db);
    database.pragma("foreign_keys = OFF");
    database.exec(sql);
    database.close();
    expectFailure(await runCli(["export", "--raw", "1", "--output", output, "--db", db]), { status: 3, says });
    expectFailure(await runCli(["export", "--raw", "1", "--db", db]), { status: 3, says });
    expect(existsSync(output)).toBe(false);
  });

  test("that is told to stop leaves no file", async () => {
    const stop = new AbortController();
    stop.abort();
    const output = join(temporaryFolder(), "output");
    expect(
      await runCli(["export", "--raw", "1", "--output", output, "--db", DB], { signal: stop.signal }),
    ).toMatchObject({ status: 130 });
    expect(existsSync(output)).toBe(false);
  });
});

/** Bytes need not be UTF-8. */
async function runForBytes(argv: readonly string[]): Promise<{ status: number; bytes: Buffer }> {
  const stdout = new Screen();
  const { status } = await runCli(argv, { stdout });
  return { status, bytes: stdout.bytes };
}
