/**
 * Small edits that are killed at any instant, and several at once: an edit and its record are both there or neither, and what is printed
 * is done. EXIM_PILOT_TORTURE kills 500 and more.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { startProgram } from "../support/child.ts";
import { runCli } from "../support/cli.ts";
import { FIXTURES } from "../support/database.ts";
import { killAgainAndAgain } from "../support/kills.ts";
import { queryAll } from "../support/views.ts";

const TORTURE = process.env["EXIM_PILOT_TORTURE"];
const KILLS = TORTURE === undefined ? 6 : Math.max(500, Number(TORTURE));
const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
const ID = "1vwwZU-0005V4-1s";

vi.setConfig({ testTimeout: 60_000 + KILLS * 10_000, hookTimeout: 60_000 });

beforeAll(async () => {
  const log = join(FIXTURES, "two-servers", "mx1.log");
  for (const argv of [
    ["ingest", "--quiet", "--server", "mx1", "--timezone", "UTC", log],
    ["note", ID, "value 0"],
    ["users", "add", "alice", "--full-name", "value 0"],
    ["tag", "--describe", "vip", "--about", "value 0"],
    ["servers", "set", "mx1", "--owner", "value 0"],
  ])
    expect(await runCli([...argv, "--db", DB])).toMatchObject({ status: 0, stderr: "" });
});
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

interface Edit {
  readonly action: string;
  readonly argv: (value: string) => readonly string[];
  /** The value that the last edit of this kind has left. */
  readonly current: string;
}

const EDITS: readonly Edit[] = [
  {
    action: "note",
    argv: (value) => ["note", ID, value],
    current: "SELECT note AS value FROM message_notes ORDER BY id DESC LIMIT 1",
  },
  {
    action: "note edit",
    argv: (value) => ["note", "--edit", "1", value],
    current: "SELECT note AS value FROM message_notes WHERE id = 1",
  },
  {
    action: "users set",
    argv: (value) => ["users", "set", "alice", "--full-name", value],
    current: "SELECT full_name AS value FROM users",
  },
  {
    action: "tag describe",
    argv: (value) => ["tag", "--describe", "vip", "--about", value],
    current: "SELECT about AS value FROM tag_names",
  },
  {
    action: "servers set",
    argv: (value) => ["servers", "set", "mx1", "--owner", value],
    current: "SELECT owner AS value FROM servers",
  },
];

function recordsOf(action: string): number {
  const sql = "SELECT count(*) AS count FROM audit_log WHERE action = ? AND result = 'done'";
  return queryAll<{ count: number }>(DB, sql, action)[0]?.count ?? 0;
}

function currentOf({ current }: Edit): string | undefined {
  return queryAll<{ value: string }>(DB, current)[0]?.value;
}

test("a small edit that is killed is there with its record, or neither is", async () => {
  let turn = 0;
  let [made, notMade] = [0, 0];
  await killAgainAndAgain(KILLS, {
    prepare: () => {
      const edit = EDITS[turn % EDITS.length] as Edit;
      const value = `value ${++turn}`;
      return { edit, value, valueBefore: currentOf(edit), recordsBefore: recordsOf(edit.action) };
    },
    argv: ({ edit, value }) => [...edit.argv(value), "--db", DB],
    check: async ({ edit, value, valueBefore, recordsBefore }) => {
      const after = { value: currentOf(edit), records: recordsOf(edit.action) - recordsBefore };
      const isMade = after.records === 1;
      expect(after).toEqual(isMade ? { value, records: 1 } : { value: valueBefore, records: 0 });
      if (isMade) made++;
      else notMade++;
    },
  });
  expect(notMade).toBeGreaterThan(0);
  expect(made + notMade).toBeGreaterThanOrEqual(KILLS);
  expect((await runCli(["verify", "--db", DB])).stdout).toContain("Sound");
});

describe("several who edit at once", () => {
  const together = async (commands: readonly (readonly string[])[]): Promise<void> => {
    const ends = await Promise.all(commands.map((argv) => startProgram([...argv, "--db", DB]).ended));
    expect(ends.map(({ status, stderr }) => ({ status, stderr }))).toEqual(
      commands.map(() => ({ status: 0, stderr: "" })),
    );
  };

  test("add all of their notes, each with a number of its own", async () => {
    const before = recordsOf("note");
    await together(["one", "two", "three", "four"].map((text) => ["note", ID, `together ${text}`]));
    const notes = queryAll<{ id: number }>(DB, "SELECT id FROM message_notes WHERE note LIKE 'together %'");
    expect(new Set(notes.map(({ id }) => id)).size).toBe(4);
    expect(recordsOf("note") - before).toBe(4);
  });

  test("change one note one after the other, and each record has the text that it replaced", async () => {
    const texts = ["by the first", "by the second"];
    const start = queryAll<{ note: string }>(DB, "SELECT note FROM message_notes WHERE id = 1")[0]?.note;
    await together(texts.map((text) => ["note", "--edit", "1", text]));
    const end = queryAll<{ note: string }>(DB, "SELECT note FROM message_notes WHERE id = 1")[0]?.note ?? "";
    const replaced = queryAll<{ affected: string }>(
      DB,
      "SELECT affected FROM audit_log WHERE action = 'note edit' ORDER BY id DESC LIMIT 2",
    ).map(({ affected }) => (JSON.parse(affected) as { noteBefore: string }).noteBefore);
    expect(replaced).toEqual([texts.find((text) => text !== end), start]);
    expect(texts).toContain(end);
  });

  test("cannot take away the last admin together", async () => {
    for (const name of ["ann", "ben"])
      expect(await runCli(["users", "add", name, "--role", "admin", "--db", DB])).toMatchObject({ status: 0 });
    const ends = await Promise.all(
      ["ann", "ben"].map((name) => startProgram(["users", "remove", name, "--db", DB]).ended),
    );
    expect(ends.map(({ status }) => status).sort()).toEqual([0, 3]);
    expect(queryAll(DB, "SELECT role FROM users WHERE role = 'admin'")).toHaveLength(1);
  });
});
