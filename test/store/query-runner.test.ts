/** Rights of a user's statement, and the errors for one that exceeds them. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openReader } from "../../src/store/store.ts";
import { storeSettings } from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
let reader: ReturnType<typeof openReader>;

beforeAll(async () => {
  await makeGoldenDatabase(DB);
  reader = openReader(storeSettings(DB));
});
afterAll(async () => {
  await reader.close();
  rmSync(FOLDER, { recursive: true, force: true });
});

const ask = (statement: string): unknown[] => [...reader.queries.run(statement, {}).rows];

describe("a statement that does more than read", () => {
  const outside = join(FOLDER, "outside.db");

  test.each([
    "DELETE FROM stored_messages",
    "DELETE FROM stored_messages RETURNING exim_id",
    "WITH m AS (SELECT 1) UPDATE stored_messages SET subject = 'x'",
    "INSERT INTO codes VALUES ('x', 1, 'x')",
    "CREATE TABLE x (y)",
    "CREATE TEMP TABLE x (y)",
    "DROP VIEW messages",
    "BEGIN IMMEDIATE",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA user_version = 7",
    "PRAGMA query_only = OFF",
    "PRAGMA writable_schema = ON",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    `ATTACH '${outside}' AS outside`,
    `VACUUM INTO '${outside}'`,
    "VACUUM",
    "REINDEX",
    "DETACH main",
  ])("is refused: %s", (statement) => {
    const before = readFileSync(DB);
    expect(() => ask(statement)).toThrow("This statement does more than read.");
    expect(readFileSync(DB).equals(before)).toBe(true);
    expect(existsSync(outside)).toBe(false);
  });

  test.each([
    ["SELECT load_extension('x')", "not authorized"],
    ["SELECT writefile('x', 'y')", "no such function"],
    ["SELECT * FROM pragma_journal_mode('DELETE')", "unknown database"],
  ])("is not let through a function: %s", (statement, says) => {
    expect(() => ask(statement)).toThrow(says);
  });
});

describe("what SQLite objects to is said as it says it", () => {
  test.each([
    ["SELEC 1", 'near "SELEC": syntax error'],
    ["SELECT * FROM message", /no such table: message/],
    ["SELECT subjekt FROM messages", /no such column: subjekt/],
    ["SELECT json('{')", /malformed JSON/],
    ["SELECT abs(-9223372036854775808)", /integer overflow/],
    ["SELECT 1; SELECT 2", /more than one statement/],
    ["-- nothing", /No statement was given/],
    ["", /No statement was given/],
    ["SELECT :x", /no value/],
    ["SELECT ?", /no value/],
  ])("%s", (statement, says) => {
    expect(() => ask(statement)).toThrow(says);
  });
});
