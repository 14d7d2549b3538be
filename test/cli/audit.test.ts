import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { openPruner } from "../../src/store/store.ts";
import { epochMs } from "../../src/units.ts";
import { expectFailure, runCli } from "../support/cli.ts";
import { NOW, openDirectly, storeSettings, temporaryFolder, withWriter } from "../support/database.ts";
import { queryAll } from "../support/views.ts";

const LINE = "2026-03-02 05:40:05 exim 4.96 daemon started: pid=812\n";

interface Entry {
  readonly action: string;
  readonly result: string;
  readonly user: string;
  readonly sudo_user: string | null;
  readonly ssh_client: string | null;
  readonly request_id: string;
  readonly error: string | null;
  readonly parameters: Record<string, unknown>;
  readonly affected: Record<string, unknown>;
}

describe("the audit log", () => {
  test("tells who did what, from where, with what result and what it touched", async () => {
    const database = await smallDatabase();
    const env = { SUDO_USER: "kim", SSH_CONNECTION: "192.0.2.7 55012 192.0.2.1 22" };
    const directory = join(temporaryFolder(), "backups");
    await runCli(["backup", "--db", database, "--keep", "3d", directory], { env, user: "mail" });
    const [ingest, started, backup] = await entries(database);
    expect(started).toMatchObject({ action: "backup", result: "started", user: "mail" });
    expect(ingest).toMatchObject({
      action: "ingest",
      result: "done",
      user: "root",
      sudo_user: null,
      affected: { lines: 1, server: "mx1" },
    });
    expect(backup).toMatchObject({
      action: "backup",
      result: "done",
      user: "mail",
      sudo_user: "kim",
      ssh_client: "192.0.2.7 55012 192.0.2.1 22",
      parameters: { keep: "3d", directory },
      affected: { backup: join(directory, "pilot-20260401T000000Z.db"), removed: [] },
    });
    expect(backup?.request_id).toMatch(/^[\da-f-]{36}$/);
  });

  test("has servers that were changed, logs that were given back, and facts that were derived anew", async () => {
    const database = await smallDatabase();
    const output = join(temporaryFolder(), "mainlog");
    for (const argv of [
      ["servers", "rename", "mx1", "mx2"],
      ["servers", "set", "mx2", "--owner", "kim"],
      ["servers"],
      ["export", "--raw", "1", "--output", output],
      ["rebuild", "--dry-run"],
      ["rebuild"],
    ])
      expect((await runCli([...argv, "--db", database])).status, argv.join(" ")).toBe(0);
    const done = (await entries(database)).slice(1).filter(({ result }) => result === "done");
    const recorded = done.map(({ action, affected }) => ({ action, affected }));
    expect(recorded).toMatchObject([
      { action: "servers rename", affected: { before: { name: "mx1" }, after: { name: "mx2" } } },
      { action: "servers set", affected: { after: { owner: "kim" } } },
      { action: "export", affected: { server: "mx2" } },
      { action: "rebuild", affected: { logs: 1, lines: 1 } },
    ]);
  });

  test("has statements of sql, whether they worked or not", async () => {
    const database = await smallDatabase();
    const statement = "SELECT owner FROM servers WHERE name = :name";
    expect((await runCli(["sql", "--param", "name=mx1", statement, "--db", database])).status).toBe(0);
    expect((await runCli(["sql", "SELECT nothing", "--db", database])).status).toBeGreaterThan(0);
    expect((await entries(database)).slice(1)).toMatchObject([
      { action: "sql", result: "started", parameters: { statement, param: { name: "mx1" } } },
      { action: "sql", result: "done", parameters: { statement, param: { name: "mx1" } }, affected: { isWhole: true } },
      { action: "sql", result: "started", parameters: { statement: "SELECT nothing" } },
      { action: "sql", result: "failed", error: expect.stringContaining("nothing") },
    ]);
  });

  test("tells that a run that follows logs has begun, and how far it came", async () => {
    const database = await smallDatabase();
    const log = join(temporaryFolder(), "mainlog");
    writeFileSync(log, LINE.replace("02 05", "03 05"));
    const stop = new AbortController();
    const running = runCli(["ingest", "--follow", "--log-type", "main", "--db", database, log], {
      signal: stop.signal,
    });
    await vi.waitUntil(() => queryAll<{ n: number }>(database, "SELECT count(*) AS n FROM log_entries")[0]?.n === 2, {
      timeout: 10_000,
    });
    stop.abort();
    await running;
    expect((await entries(database)).slice(1)).toMatchObject([
      { action: "ingest", result: "started", parameters: { follow: true } },
      { action: "ingest", result: "done", affected: { lines: 1 } },
    ]);
  });

  test("does not record what only looked, found nothing new, or rehearsed", async () => {
    const database = await smallDatabase();
    for (const argv of [["stats"], ["prune", "--dry-run"], ["prune", "--status"], ["migrate", "--status"], ["migrate"]])
      expect((await runCli([...argv, "--db", database])).status, argv.join(" ")).toBe(0);
    await runCli(["ingest", "--log-type", "main", "--db", database, "-"], { stdin: LINE });
    expect((await entries(database)).map(({ action }) => action)).toEqual(["ingest"]);
  });

  test("has a failure with its reason, and the beginning of what is drastic, under one request", async () => {
    const database = await smallDatabase();
    expect((await runCli(["prune", "--logs", "1d", "--db", database])).status).toBe(1);
    const [, started, failed] = await entries(database);
    expect(started).toMatchObject({ action: "prune", result: "started", error: null });
    expect(failed).toMatchObject({ action: "prune", result: "failed", error: expect.stringContaining("all log text") });
    expect(failed?.request_id).toBe(started?.request_id);
  });

  test("is written to the restored database, and the replaced one keeps its own", async () => {
    const database = await smallDatabase();
    const directory = join(temporaryFolder(), "backups");
    await runCli(["backup", "--db", database, directory]);
    const backup = join(directory, "pilot-20260401T000000Z.db");
    expect((await runCli(["restore", "--db", database, backup])).status).toBe(0);
    expect((await entries(database)).map(({ action, result }) => `${action} ${result}`)).toEqual([
      "ingest done",
      "backup started",
      "restore done",
    ]);
    expect(
      (await entries(`${database}.replaced-20260401T000000Z`)).map(({ action, result }) => `${action} ${result}`),
    ).toEqual(["ingest done", "backup started", "backup done", "restore started"]);
  });

  test("can be searched by time, user, action, and what is named", async () => {
    const database = await smallDatabase();
    const insert = openDirectly(database);
    const add = insert.prepare(
      `INSERT INTO stored_audit (request_id, at_ms, action, result, user_name, sudo_user, host, program, parameters, affected)
       VALUES ('r', ?, ?, 'done', ?, ?, 'mx1', '0', ?, ?)`,
    );
    add.run(NOW - 5000, "export", "ann", null, '{"message":"1vx5YS-0006QZ-1J"}', "{}");
    add.run(NOW - 4000, "search", "root", "bob", "{}", '{"to":["Carol@example.org"]}');
    insert.close();
    const found = async (...argv: string[]) => (await entries(database, ...argv)).map(({ action }) => action);
    expect(await found("--user", "ann")).toEqual(["export"]);
    expect(await found("--user", "bob")).toEqual(["search"]);
    expect(await found("--action", "search")).toEqual(["search"]);
    expect(await found("--message", "1vx5YS-0006QZ-1J")).toEqual(["export"]);
    expect(await found("--message", "1vx5YS")).toEqual([]);
    expect(await found("--address", "carol@example.org")).toEqual(["search"]);
    expect(await found("--until", "2026-03-31T23:59:56Z")).toEqual(["export"]);
    expect(await found("--since", "2026-03-31 23:59:56", "--until", "2026-03-31T23:59:57Z")).toEqual(["search"]);
    expect(await found("--since", "1h", "--limit", "1")).toEqual(["search"]);
    expect(await found("--since", "yesterday", "--until", "yesterday")).toEqual(["export", "search"]);
    expect(await found("--until", "2026-03-30")).toEqual([]);
  });

  test("can be leafed through, page by page", async () => {
    const database = await smallDatabase();
    const insert = openDirectly(database);
    const add = insert.prepare(
      `INSERT INTO stored_audit (request_id, at_ms, action, result, user_name, host, program, parameters, affected)
       VALUES ('r', ?, ?, 'done', 'ann', 'mx1', '0', '{}', '{}')`,
    );
    for (let number = 1; number <= 9; number++) add.run(NOW + number, `a${number}`);
    insert.close();
    const page = async (offset: number) =>
      (await entries(database, "--limit", "4", "--offset", `${offset}`)).map(({ action }) => action);
    expect(await page(0)).toEqual(["a6", "a7", "a8", "a9"]);
    expect(await page(4)).toEqual(["a2", "a3", "a4", "a5"]);
    expect(await page(8)).toEqual(["ingest", "a1"]);
    expect(await page(10)).toEqual([]);
    const all = await entries(database);
    expect((await entries(database, "--user", "ann", "--offset", "2")).map(({ action }) => action)).toEqual(
      all.slice(1, -2).map(({ action }) => action),
    );
  });

  test("is CSV that a spreadsheet reads as text", async () => {
    const database = await smallDatabase();
    const { stdout } = await runCli(["audit", "--csv", "--db", database], { env: {} });
    const [head = "", row = ""] = stdout.split("\r\n");
    expect(head.split(",").slice(0, 3)).toEqual(["timestamp", "request_id", "user"]);
    expect(row).toContain('"{""');
    await runCli(["backup", "--db", database, temporaryFolder()], { user: '=cmd|" /C calc"!A0' });
    expect((await runCli(["audit", "--csv", "--db", database])).stdout).toContain(`,"'=cmd|"" /C calc""!A0",`);
  });

  test("cannot be changed, and only what is older than it is kept can go", async () => {
    const path = await smallDatabase();
    const database = openDirectly(path);
    for (const sql of [
      "UPDATE stored_audit SET user_name = 'nobody'",
      "DELETE FROM stored_audit",
      "DELETE FROM audit_retention",
      "INSERT OR REPLACE INTO stored_audit SELECT * FROM stored_audit",
    ])
      expect(() => database.exec(sql), sql).toThrow("append-only");
    database.close();
    const pruner = openPruner(storeSettings(path), { isRehearsal: false });
    expect(pruner.removeAudit(epochMs(NOW))).toMatchObject({ stored_audit: 0 });
    expect(pruner.removeAudit(epochMs(NOW + 1))).toMatchObject({ stored_audit: 1, ingest_runs: 0 });
    pruner.close();
    expect(queryAll(path, "SELECT * FROM audit_log")).toEqual([]);
    expect(queryAll(path, "SELECT count(*) AS runs FROM ingest_runs")).toEqual([{ runs: 1 }]);
  });

  test("goes to the system log too when asked, and says when it cannot", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "bin"));
    writeFileSync(
      join(folder, "bin", "logger"),
      `#!/bin/sh\nprintf '%s\\n' "$*" > '${folder}/args'\n/bin/cat > '${folder}/line'\n`,
    );
    chmodSync(join(folder, "bin", "logger"), 0o700);
    const database = join(folder, "pilot.db");
    const argv = ["ingest", "--syslog", "--quiet", "--log-type", "main", "--db", database, "-"];
    const options = { stdin: LINE, env: { PATH: join(folder, "bin") } };
    expect(await runCli(argv, options)).toMatchObject({ status: 0, stderr: "" });
    expect(readFileSync(join(folder, "args"), "utf8")).toBe("-t exim-pilot -p authpriv.notice\n");
    expect(JSON.parse(readFileSync(join(folder, "line"), "utf8"))).toMatchObject({
      action: "ingest",
      affected: { lines: 1 },
    });
    const without = { stdin: `${LINE}${LINE}`, env: { PATH: join(folder, "nothing") } };
    const { status, stderr } = await runCli(argv, without);
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringMatching(/^note: this was not recorded in the system log: /),
    });
  });

  test("that cannot be written does not undo what was done", async () => {
    const database = await smallDatabase();
    const directory = join(temporaryFolder(), "backups");
    await withWriter(database, async (writer) => {
      const held = openDirectly(database);
      held.exec("BEGIN IMMEDIATE");
      const { status, stdout, stderr } = await runCli(["backup", "--wait", "0.1", "--db", database, directory]);
      held.close();
      expect({ status, stderr }).toEqual({
        status: 0,
        stderr: expect.stringMatching(/^note: this was not recorded in the audit log: .*locked/),
      });
      expect(stdout).toContain("Made ");
      expect(writer.path).toBe(database);
    });
  });
});

describe("a small edit", () => {
  const LOGGED = "2026-03-02 05:40:06 1vx5YS-0006QZ-1J <= a@b.example U=root P=local S=300\n";
  const EDITS: readonly (readonly [name: string, argv: readonly string[]])[] = [
    ["tag", ["tag", "1vx5YS-0006QZ-1J", "ticket-1"]],
    ["tag remove", ["tag", "1vx5YS-0006QZ-1J", "old", "--remove"]],
    ["tag describe", ["tag", "--describe", "old", "--colour", "red"]],
    ["note", ["note", "1vx5YS-0006QZ-1J", "text"]],
    ["note edit", ["note", "--edit", "1", "another text"]],
    ["note remove", ["note", "--remove", "1"]],
    ["users add", ["users", "add", "bob"]],
    ["users set", ["users", "set", "alice", "--email", "alice@example.org"]],
    ["users disable", ["users", "disable", "alice"]],
    ["users remove", ["users", "remove", "alice"]],
    ["servers rename", ["servers", "rename", "mx1", "mx2"]],
    ["servers set", ["servers", "set", "mx1", "--owner", "kim"]],
  ];
  const contentOf = (path: string): unknown => [
    queryAll(path, "SELECT tag, color FROM message_tags ORDER BY 1"),
    queryAll(path, "SELECT note FROM message_notes ORDER BY 1"),
    queryAll(path, "SELECT username, email, active FROM users ORDER BY 1"),
    queryAll(path, "SELECT name, owner FROM stored_servers"),
    queryAll(path, "SELECT count(*) AS records FROM stored_audit"),
  ];

  async function taggedDatabase(): Promise<string> {
    const database = await smallDatabase();
    await runCli(["ingest", "--quiet", "--server", "mx1", "--log-type", "main", "--db", database, "-"], {
      stdin: LOGGED,
    });
    for (const argv of [
      ["tag", "1vx5YS-0006QZ-1J", "old"],
      ["note", "1vx5YS-0006QZ-1J", "first"],
      ["users", "add", "alice"],
    ])
      expect(await runCli([...argv, "--db", database])).toMatchObject({ status: 0, stderr: "" });
    return database;
  }

  test.each(EDITS)("and its record are one transaction: %s", async (action, argv) => {
    const database = await taggedDatabase();
    const before = contentOf(database);
    const refusing = openDirectly(database);
    refusing.exec("CREATE TRIGGER refusing BEFORE INSERT ON stored_audit BEGIN SELECT RAISE(ABORT, 'no room'); END");
    expect((await runCli([...argv, "--db", database])).status).not.toBe(0);
    expect(contentOf(database)).toEqual(before);
    refusing.exec("DROP TRIGGER refusing");
    refusing.close();
    expect(await runCli([...argv, "--db", database])).toMatchObject({ status: 0, stderr: "" });
    expect(contentOf(database)).not.toEqual(before);
    expect((await entries(database)).at(-1)).toMatchObject({ action, result: "done", error: null });
  });

  test("that changes nothing, or fails, is not recorded", async () => {
    const database = await taggedDatabase();
    const before = contentOf(database);
    expect((await runCli(["tag", "1vx5YS-0006QZ-1J", "old", "--db", database])).status).toBe(0);
    expect((await runCli(["tag", "1vx5YS-0006QZ-1K", "new", "--db", database])).status).toBe(1);
    expect((await runCli(["servers", "rename", "mx9", "mx2", "--db", database])).status).toBe(1);
    expect((await runCli(["tag", "1vx5YS-0006QZ-1J", "no blanks", "--db", database])).status).toBe(2);
    expect(contentOf(database)).toEqual(before);
  });
});

describe("a secret", () => {
  const SECRET = "correct horse battery staple";

  test("of a backup is in no output and in no database, whether it was given rightly or not", async () => {
    const database = await smallDatabase();
    const folder = temporaryFolder();
    const passphrase = join(folder, "passphrase");
    writeFileSync(passphrase, `${SECRET}\n`, { mode: 0o600 });
    const key = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ";
    const runs = [
      await runCli(["backup", "--passphrase-file", passphrase, "--db", database, join(folder, "backups")]),
      await runCli(["backup", "--recipient", key, "--db", database, join(folder, "backups")]),
    ];
    expect(runs.map(({ status }) => status)).toEqual([0, 2]);
    await runCli(["backup", "--passphrase-file", SECRET, "--db", database, join(folder, "backups")]);
    const recorded = readFileSync(database, "latin1");
    for (const secret of [SECRET, key]) {
      expect(JSON.stringify(runs)).not.toContain(secret);
      expect(recorded).not.toContain(secret);
    }
    expect((await entries(database)).slice(1).map(({ result }) => result)).toEqual(["started", "done"]);
  });
});

describe("what takes content out", () => {
  const TAKING: readonly (readonly [name: string, argv: readonly string[]])[] = [
    ["sql", ["sql", "SELECT * FROM log_entries"]],
    ["export", ["export", "--raw", "1"]],
    ["export to a file", ["export", "--raw", "1", "--output", "OUTPUT"]],
  ];

  test.each(TAKING)("is recorded before its first byte: %s", async (_name, argv) => {
    const database = await smallDatabase();
    const recorded: unknown[] = [];
    const stdout = {
      write: () => recorded.push(queryAll(database, "SELECT result FROM audit_log WHERE action IN ('sql', 'export')")),
    };
    const output = join(temporaryFolder(), "output");
    const given = argv.map((word) => (word === "OUTPUT" ? output : word));
    expect((await runCli([...given, "--db", database], { stdout })).status).toBe(0);
    if (!given.includes(output)) expect(recorded[0]).toEqual([{ result: "started" }]);
    expect((await entries(database)).slice(1).map(({ result }) => result)).toEqual(["started", "done"]);
  });

  test.each(TAKING)(
    "is refused when it cannot be recorded, while another process holds the lock: %s",
    async (_name, argv) => {
      const database = await smallDatabase();
      const holder = openDirectly(database);
      holder.exec("BEGIN IMMEDIATE");
      try {
        await expectNothing(argv, database, "locked");
      } finally {
        holder.close();
      }
    },
  );

  test.each(TAKING)("is refused when it cannot be recorded, the audit log being gone: %s", async (_name, argv) => {
    const database = await smallDatabase();
    const damaged = openDirectly(database);
    damaged.exec("DROP VIEW audit_log; DROP TABLE stored_audit");
    damaged.close();
    await expectNothing(argv, database, /audit log|damaged/);
  });
});

/** Expects one sentence on stderr, nothing on stdout, and no file. */
async function expectNothing(argv: readonly string[], database: string, says: string | RegExp): Promise<void> {
  const output = join(temporaryFolder(), "output");
  const given = argv.map((word) => (word === "OUTPUT" ? output : word));
  const result = await runCli([...given, "--wait", "0.1", "--db", database]);
  expectFailure(result, { status: 3, says });
  expect({ stdout: result.stdout, hasFile: existsSync(output) }).toEqual({ stdout: "", hasFile: false });
}

async function smallDatabase(): Promise<string> {
  const database = join(temporaryFolder(), "pilot.db");
  await runCli(["ingest", "--quiet", "--log-type", "main", "--db", database, "-"], { stdin: LINE });
  return database;
}

async function entries(database: string, ...argv: string[]): Promise<Entry[]> {
  const { stdout, stderr } = await runCli(["audit", "--json", "--db", database, ...argv]);
  expect(stderr).toBe("");
  return (JSON.parse(stdout) as { entries: Entry[] }).entries;
}
