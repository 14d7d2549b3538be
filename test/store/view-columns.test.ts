/** Columns of the views that follow from others: times as numbers, times of the tool, ids, severities, codes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { makeGoldenDatabase } from "../support/golden.ts";
import { queryAll } from "../support/views.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
beforeAll(async () => {
  await makeGoldenDatabase(DB);
  await runCli(["tag", "1vx5YT-0006RL-10", "ticket-4711", "--db", DB]);
});
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const planOf = (sql: string): string[] =>
  queryAll<{ detail: string }>(DB, `EXPLAIN QUERY PLAN ${sql}`).map(({ detail }) => detail);

test.each(["messages", "delivery_attempts", "rejections", "log_entries"])("at_ms of %s is its timestamp", (view) => {
  const rows = queryAll<{ timestamp: string | null; at_ms: number | null }>(DB, `SELECT timestamp, at_ms FROM ${view}`);
  expect(rows.length).toBeGreaterThan(5);
  for (const { timestamp, at_ms } of rows) expect(at_ms).toBe(timestamp === null ? null : Date.parse(timestamp));
});

test("messages of a time are found by an index", () => {
  const plan = planOf("SELECT id FROM messages WHERE at_ms >= 1772409600000 AND at_ms < 1772419600000");
  expect(plan).toContain("SEARCH m USING INDEX idx_stored_messages_at_ms (<expr>>? AND <expr><?)");
});

describe.each(["log_entries", "delivery_attempts", "rejections"])("%s of a time, through log_blocks", (view) => {
  const middle = `(SELECT at_ms FROM ${view} WHERE at_ms IS NOT NULL ORDER BY at_ms LIMIT 1 OFFSET (SELECT count(at_ms) / 2 FROM ${view}))`;
  const joined = `FROM log_blocks b JOIN ${view} x ON x.id BETWEEN b.first_id AND b.last_id
    WHERE b.last_at_ms >= ${middle} AND x.at_ms >= ${middle}`;

  test("are those that the view alone gives", () => {
    const wanted = queryAll(DB, `SELECT id FROM ${view} WHERE at_ms >= ${middle} ORDER BY id`);
    expect(wanted.length).toBeGreaterThan(0);
    expect(queryAll(DB, `SELECT x.id ${joined} ORDER BY x.id`)).toEqual(wanted);
  });

  test("are looked up by their ids", () => {
    expect(planOf(`SELECT x.id ${joined}`).join("\n")).toMatch(
      /SEARCH \w USING INTEGER PRIMARY KEY \(rowid>\? AND rowid<\?\)/,
    );
  });
});

test("every row says when it was read, and rows of people when they were made", () => {
  for (const view of [
    "messages",
    "recipients",
    "delivery_attempts",
    "rejections",
    "log_entries",
    "message_tags",
    "servers",
  ]) {
    const [row] = queryAll<{ rows: number; known: number; newest: string }>(
      DB,
      `SELECT count(*) AS rows, count(created_at) AS known, max(created_at) AS newest FROM ${view}`,
    );
    expect(row?.rows, view).toBeGreaterThan(0);
    expect(row?.known, view).toBe(row?.rows);
    expect(row?.newest, view).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  }
});

test("a message and its recipients are updated with the last line about them", () => {
  const wrong = queryAll(
    DB,
    `SELECT m.id FROM messages m WHERE m.updated_at <> (SELECT max(e.timestamp) FROM log_entries e WHERE e.message_id = m.id AND e.server = m.server)
     UNION ALL SELECT r.id FROM recipients r JOIN messages m ON m.id = r.message_id AND m.server = r.server
     WHERE r.updated_at IS NULL OR r.updated_at > m.updated_at OR r.updated_at < coalesce(r.delivered_at, '')`,
  );
  expect(wrong).toEqual([]);
});

test.each(["messages", "recipients", "delivery_attempts", "log_metadata", "message_tags", "servers"])(
  "ids of %s are unique",
  (view) => {
    const key = view === "messages" ? "server || '/' || id" : "id";
    const [row] = queryAll<{ rows: number; ids: number }>(
      DB,
      `SELECT count(*) AS rows, count(DISTINCT ${key}) AS ids FROM ${view}`,
    );
    expect(row?.rows).toBeGreaterThan(0);
    expect(row?.ids).toBe(row?.rows);
  },
);

test("a tag is a row with its message", () => {
  expect(queryAll(DB, "SELECT id, message_id, tag FROM message_tags")).toEqual([
    { id: "mx1/1vx5YT-0006RL-10/ticket-4711", message_id: "1vx5YT-0006RL-10", tag: "ticket-4711" },
  ]);
});

test("the code of a success is that of its confirmation", () => {
  const rows = queryAll<{ smtp_code: number | null; confirmation: string | null }>(
    DB,
    "SELECT smtp_code, confirmation FROM delivery_attempts WHERE status = 'success'",
  );
  expect(rows.filter(({ smtp_code }) => smtp_code === 250).length).toBeGreaterThan(0);
  for (const { smtp_code, confirmation } of rows) {
    const told = /^[1-5]\d\d(?=[ -]|$)/.exec(confirmation ?? "");
    expect(smtp_code).toBe(told === null ? null : Number(told[0]));
  }
});

test("the code of a rejection is that of its line", () => {
  const rows = queryAll<{ smtp_code: number | null; error_code: number | null; raw: string | null; permanent: 0 | 1 }>(
    DB,
    `SELECT r.smtp_code, e.error_code, r.reason AS raw, r.permanent FROM rejections r JOIN log_entries e ON e.id = r.id`,
  );
  expect(rows.filter(({ smtp_code }) => smtp_code !== null).length).toBeGreaterThan(0);
  for (const { smtp_code, error_code, raw, permanent } of rows) {
    expect(error_code).toBe(smtp_code);
    if (smtp_code === null) continue;
    expect(raw).toContain(String(smtp_code));
    expect(Math.floor(smtp_code / 100)).toBe(permanent === 1 ? 5 : 4);
  }
});

test("every entry about something that went wrong says what, in words of its line", () => {
  const rows = queryAll<{ event: string; said: number; entries: number }>(
    DB,
    `SELECT event, count(error_text) AS said, count(*) AS entries FROM log_entries
     WHERE severity <> 'info' AND event NOT IN ('rejection', 'frozen', 'error_ignored') GROUP BY event`,
  );
  expect(rows.map(({ event }) => event)).toEqual(expect.arrayContaining(["host_error", "tls", "verification", "dns"]));
  for (const { event, said, entries } of rows) expect(said, event).toBe(entries);
});

test("each event has one severity", () => {
  const rows = queryAll<{ event: string; severity: string }>(DB, "SELECT DISTINCT event, severity FROM log_entries");
  const severities = new Map(rows.map(({ event, severity }) => [event, severity]));
  expect(severities.size).toBe(rows.length);
  expect(severities.get("failure")).toBe("error");
  expect(severities.get("deferral")).toBe("warning");
  expect(severities.get("rejection")).toBe("warning");
  expect(severities.get("arrival")).toBe("info");
});
