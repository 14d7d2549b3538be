/** The file as others use it: the plain sqlite3 program on the public views, and SQLite's own account of how our questions are answered. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { Reader } from "../../src/store/reader.ts";
import { type AuditRecord, appendAudit } from "../../src/store/write/audit-writer.ts";
import { runCli } from "../support/cli.ts";
import { corpusProfiles } from "../support/corpus.ts";
import { ingestInto, NOW } from "../support/database.ts";
import { queryAll } from "../support/views.ts";

const VIEWS = [
  "servers",
  "sources",
  "messages",
  "message_tags",
  "recipients",
  "delivery_attempts",
  "rejections",
  "log_entries",
  "log_blocks",
  "log_metadata",
  "log_headers",
  "audit_log",
  "queue_snapshots",
  "queue_messages",
  "retry_hints",
  "message_content",
  "message_attachments",
  "correlated_incidents",
  "users",
  "message_notes",
  "notifications",
];
/** Views of what `queue snapshot`, `content` and `incidents detect` keep; a corpus of logs has none of it. */
const KEPT_BY_COMMANDS = VIEWS.slice(VIEWS.indexOf("queue_snapshots"));
const SHELL = findShell();
const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

if (SHELL === undefined) test.skip("the sqlite3 program is not installed: the views were not read with it");

describe.skipIf(SHELL === undefined)("the plain sqlite3 program", () => {
  test("reads every public view, each row and column as we do", async () => {
    const path = await corpusDatabase();
    const found = queryAll<{ name: string }>(path, "SELECT name FROM sqlite_schema WHERE type = 'view'");
    expect(found.map(({ name }) => name).sort()).toEqual([...VIEWS].sort());
    for (const view of VIEWS) {
      const rows = queryAll(path, `SELECT * FROM ${view}`);
      // NOTE: it prints nothing where there is no row.
      if (rows.length === 0) expect(KEPT_BY_COMMANDS).toContain(view);
      if (rows.length === 0) continue;
      expect(JSON.parse(runShell(path, `SELECT * FROM ${view}`)), view).toEqual(rows);
    }
  });

  test("answers an everyday question", async () => {
    const path = await corpusDatabase();
    const sql = `SELECT recipient, count(*) AS tries, max(error_message) AS error FROM delivery_attempts
      WHERE status = 'defer' AND timestamp >= '2026-03-02' GROUP BY recipient ORDER BY tries DESC LIMIT 1`;
    expect(JSON.parse(runShell(path, sql))).toEqual(queryAll(path, sql));
  });

  test("finds the file whole", async () => {
    const path = await corpusDatabase();
    expect(runShell(path, "PRAGMA integrity_check", "-list").trim()).toBe("ok");
    expect(runShell(path, "PRAGMA foreign_key_check", "-list")).toBe("");
  });
});

const BIG_TABLES = [
  "stored_messages",
  "stored_entries",
  "address_events",
  "stored_recipients",
  "stored_rejections",
  "raw_blocks",
];

describe("a question about one message", () => {
  const questions: readonly (readonly [string, (reader: Reader) => Promise<unknown>])[] = [
    ["find", (reader) => reader.messages.find(KEY.id)],
    ["recipientsOf", (reader) => reader.messages.recipientsOf(KEY)],
    ["attemptsOf", (reader) => reader.messages.attemptsOf(KEY)],
    ["entriesOf", (reader) => reader.messages.entriesOf(KEY)],
    ["childrenOf", (reader) => reader.messages.childrenOf(KEY)],
  ];

  test.each(questions)("%s goes through no big table from end to end", async (_name, ask) => {
    const path = await corpusDatabase();
    const statements = await statementsOf(path, ask);
    expect(statements.length).toBeGreaterThan(0);
    expect(statements.flatMap((sql) => scansOf(path, sql))).toEqual([]);
  });

  test("asked without a key does, and this is seen", async () => {
    const path = await corpusDatabase();
    expect(scansOf(path, "SELECT * FROM messages WHERE subject = 'x'")).toEqual(["stored_messages"]);
    expect(scansOf(path, 'select "r".* from "recipients" as "r" where attempts > 1')).toEqual(["stored_recipients"]);
    expect(scansOf(path, "SELECT * FROM delivery_attempts WHERE smtp_code = 550")).toEqual(["stored_entries"]);
    expect(scansOf(path, "SELECT * FROM log_entries WHERE event = 'frozen'")).toEqual(["stored_entries"]);
    expect(scansOf(path, "SELECT at FROM stored_entries WHERE seen_in = 1")).toEqual(["stored_entries"]);
  });
});

const AUDIT_RECORD: AuditRecord = {
  requestId: "00000000-0000-4000-8000-000000000001",
  at: NOW,
  action: "backup",
  result: "done",
  error: undefined,
  durationMs: 1500,
  user: "root",
  sudoUser: "kim",
  sshClient: undefined,
  host: "mx1",
  program: "0.0.0-test",
  parameters: { keep: "7d" },
  affected: {},
};

/** A deferred message whose bounce is in the log too. */
const KEY = { id: "1vx5YT-0006RL-10", server: "default" };

let database: Promise<string> | undefined;

/** Database of two trimmed corpora, each a server; made once and only read. */
function corpusDatabase(): Promise<string> {
  database ??= makeDatabase();
  return database;
}

async function makeDatabase(): Promise<string> {
  const path = join(FOLDER, "corpus.db");
  for (const { name, profile, logs, truth } of corpusProfiles()) {
    if (!/^(default|all) \(trimmed\)/.test(name)) continue;
    await ingestInto(path, Object.values(logs), { server: profile, timeZone: truth.timezone });
  }
  const [message] = queryAll<{ id: string; server: string }>(path, "SELECT id, server FROM messages LIMIT 1");
  await runCli(["tag", message?.id ?? "", "ticket-4711", "--server", message?.server ?? "", "--db", path]);
  appendAudit(path, AUDIT_RECORD, 0);
  return path;
}

/** Statements that SQLite gets while `ask` runs, values filled in. */
async function statementsOf(path: string, ask: (reader: Reader) => Promise<unknown>): Promise<string[]> {
  const statements: string[] = [];
  const connection = new Database(path, { readonly: true, verbose: (sql) => statements.push(String(sql)) });
  const reader = new Reader(connection);
  statements.length = 0;
  try {
    await ask(reader);
  } finally {
    await reader.close();
  }
  return statements;
}

/** The big tables that the statement goes through as a whole, by its own account. */
function scansOf(path: string, sql: string): string[] {
  const connection = new Database(path, { readonly: true });
  onTestFinished(() => void connection.close());
  new Reader(connection);
  const plan = connection.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[];
  const aliases = aliasesOf(connection, sql);
  return plan.flatMap(({ detail }) => {
    const alias = /^SCAN (\S+)/.exec(detail)?.[1];
    const table = alias === undefined ? undefined : (aliases.get(alias) ?? alias);
    return table !== undefined && BIG_TABLES.includes(table) ? [table] : [];
  });
}

/** The tables behind the short names in the statement and in the view it reads: plans use those. */
function aliasesOf(connection: Database.Database, sql: string): Map<string, string> {
  const view = VIEWS.find((name) => new RegExp(`\\bfrom\\s+"?${name}\\b`, "i").test(sql));
  const definition = connection.prepare("SELECT sql FROM sqlite_schema WHERE name = ?").pluck().get(view);
  const pairs = `${sql}\n${definition ?? ""}`.matchAll(/\b(?:FROM|JOIN)\s+(\w+)\s+(?:AS\s+)?(\w+)/gi);
  return new Map([...pairs].map(([, table = "", alias = ""]) => [alias, table]));
}

function runShell(path: string, sql: string, mode = "-json"): string {
  return execFileSync(SHELL ?? "sqlite3", ["-batch", "-readonly", mode, path, sql], { encoding: "utf8" });
}

function findShell(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(":");
  return folders.map((directory) => join(directory, "sqlite3")).find((path) => existsSync(path));
}
