/** Errors of the system and of SQLite become a sentence in every command, never a bug. */
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";
import { SqliteError } from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { PilotError } from "../../src/errors.ts";
import { translateError } from "../../src/store/database/sqlite-errors.ts";
import { isSystemError } from "../../src/store/files/system-errors.ts";
import { expectFailure, runCli } from "../support/cli.ts";
import { PLAIN_QUESTIONS } from "../support/commands.ts";
import { temporaryFolder } from "../support/database.ts";

const COMMANDS: readonly (readonly string[])[] = [
  ...PLAIN_QUESTIONS.map((name) => [name]),
  ["ingest", "-"],
  ["trace", "1vx5YS-0006QZ-1J"],
  ["tail"],
  ["tag"],
  ["note"],
  ["notify"],
  ["servers"],
  ["users"],
  ["incidents", "detect"],
  ["export", "--raw", "1"],
  ["sql", "SELECT 1"],
  ["rebuild"],
  ["prune"],
  ["backup"],
  ["restore", "BACKUP"],
  ["migrate"],
];

describe("a name that cannot be the database's is wrong usage, and nothing waits", () => {
  test.each(COMMANDS)("%s", async (...argv) => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "directory"));
    execFileSync("mkfifo", [join(folder, "pipe")]);
    symlinkSync("pipe", join(folder, "link"));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder, "socket"), resolve));
    const names = ["directory", "pipe", "link", "socket"].map((name) => join(folder, name));
    for (const name of [
      ...names,
      "/dev/null",
      "/dev/zero",
      " ",
      "\t",
      ":memory:",
      ` ${folder}/x.db`,
      `${folder}/x.db `,
    ]) {
      expectFailure(await runCli([...argv, "--db", name]), { status: 2, says: /database/ });
      expectFailure(await runCli(argv, { env: { EXIM_PILOT_DB: name } }), { status: 2, says: /database/ });
    }
    const configFile = join(folder, "exim-pilot.toml");
    writeFileSync(configFile, `db = ${JSON.stringify(join(folder, "pipe"))}\n`, { mode: 0o600 });
    expectFailure(await runCli(argv, { configFile }), { status: 2, says: "is a pipe" });
    await new Promise((resolve) => server.close(resolve));
  });

  test("an empty one too", async () => {
    expectFailure(await runCli(["stats", "--db", ""]), { status: 2, says: "blank" });
  });
});

describe("a place that cannot be opened", () => {
  const places = (folder: string): readonly string[] => {
    writeFileSync(join(folder, "file"), "");
    symlinkSync("circle", join(folder, "circle"));
    return [
      join(folder, "none", "x"),
      join(folder, "file", "x"),
      join(folder, "circle"),
      join(folder, "n".repeat(300)),
      join(folder, ...Array.from({ length: 50 }, () => "d".repeat(100))),
    ];
  };

  test.each(COMMANDS)("as the database, %s", async (...argv) => {
    for (const place of places(temporaryFolder())) {
      const { status, stderr } = await runCli([...argv, "--db", place]);
      expect({ status: [0, 1, 2, 3].includes(status), stderr }, place).toEqual({
        status: true,
        stderr: expect.not.stringMatching(/bug|\n {4}at /),
      });
    }
  });

  test.each([
    ["stats", ["stats", "--html", "PLACE"]],
    ["export", ["export", "--raw", "1", "--output", "PLACE"]],
    ["prune", ["prune", "--force", "--logs", "1d", "--archive", "PLACE"]],
    ["backup", ["backup", "PLACE"]],
    ["backup --list", ["backup", "--list", "PLACE"]],
    ["backup --verify", ["backup", "--verify", "PLACE"]],
    ["backup --drill", ["backup", "--drill", "PLACE"]],
    ["backup with a passphrase", ["backup", "--passphrase-file", "PLACE", "backups"]],
    ["restore", ["restore", "PLACE"]],
    ["restore with a key", ["restore", "--identity-file", "PLACE", "backup"]],
    ["migrate", ["migrate", "--config", "PLACE"]],
    ["sql", ["sql", "--file", "PLACE"]],
    ["ingest", ["ingest", "PLACE"]],
    ["parse", ["parse", "PLACE"]],
  ])("by %s", async (name, argv) => {
    const folder = temporaryFolder();
    const db = join(folder, "pilot.db");
    const line = "2026-03-02 05:40:05 exim 4.96 daemon started: pid=812\n";
    expect(await runCli(["ingest", "--log-type", "main", "--db", db, "-"], { stdin: line })).toMatchObject({
      status: 0,
    });
    // NOTE: a link that leads nowhere is replaced by a page as any other link is.
    const tried = places(folder).filter((place) => name !== "stats" || !place.endsWith("circle"));
    for (const place of tried) {
      const words = argv.map((word) => (word === "PLACE" ? place : word));
      const { status, stderr } = await runCli(name === "parse" ? words : [...words, "--db", db]);
      expect({ status, stderr }, place).toEqual({ status, stderr: expect.not.stringMatching(/bug|\n {4}at /) });
      expect(status, place).not.toBe(70);
      if (!["backup", "prune", "backup --list"].includes(name)) expect(status, `${name} ${place}`).toBeGreaterThan(0);
    }
  });
});

describe("each error", () => {
  const codes = Object.entries(constants.errno).filter(([code]) => code.startsWith("E"));

  test("of the system has a sentence, a hint and its cause", () => {
    expect(codes.length).toBeGreaterThan(50);
    for (const [code, errno] of codes) {
      for (const given of [
        { syscall: "open", path: "/x/y" },
        { syscall: "write" },
        { syscall: "spawn less", path: "less" },
        {},
      ]) {
        const error = Object.assign(new Error(code), { code, errno: -errno, ...given });
        const told = translateError(error, "/x/pilot.db");
        if (!(told instanceof PilotError)) throw new Error(`${code} is not translated`);
        expect(told.message).toMatch(/^("\S+"|A file) cannot be [a-z ]+: .+ \(E[A-Z\d]+\)\.$/);
        expect(told.hint).toMatch(/^[A-Z].*\.$/);
        expect(told.cause).toBe(error);
      }
    }
  });

  test("of Node.js itself is a bug", () => {
    for (const error of [
      new TypeError("x"),
      Object.assign(new Error("x"), { code: "ERR_INVALID_ARG_TYPE" }),
      "ENOENT",
      undefined,
    ]) {
      expect(isSystemError(error)).toBe(false);
      expect(translateError(error)).toBe(error);
    }
  });

  test.each([
    ["SQLITE_BUSY", "busy"],
    ["SQLITE_BUSY_SNAPSHOT", "busy"],
    ["SQLITE_LOCKED", "busy"],
    ["SQLITE_LOCKED_SHAREDCACHE", "busy"],
    ["SQLITE_PROTOCOL", "busy"],
    ["SQLITE_CORRUPT", "corrupt"],
    ["SQLITE_CORRUPT_INDEX", "corrupt"],
    ["SQLITE_NOTADB", "not_a_database"],
    ["SQLITE_FULL", "disk_full"],
    ["SQLITE_IOERR", "io"],
    ["SQLITE_IOERR_READ", "io"],
    ["SQLITE_IOERR_SHORT_READ", "io"],
    ["SQLITE_IOERR_NOMEM", "io"],
    ["SQLITE_NOMEM", "io"],
    ["SQLITE_TOOBIG", "io"],
    ["SQLITE_CANTOPEN", "io"],
    ["SQLITE_CANTOPEN_ISDIR", "io"],
    ["SQLITE_READONLY", "read_only"],
    ["SQLITE_READONLY_DBMOVED", "read_only"],
    ["SQLITE_PERM", "read_only"],
    ["SQLITE_INTERRUPT", "interrupted"],
  ])("of SQLite has a sentence, a hint and its cause: %s", (code, expected) => {
    const error = new SqliteError("words of SQLite", code);
    for (const path of ["/x/pilot.db", undefined]) {
      const told = translateError(error, path);
      expect(told).toMatchObject({
        code: expected,
        message: expect.stringMatching(/^[A-Z].*\.$/),
        hint: expect.stringMatching(/^[A-Z].*\.$/),
        cause: error,
      });
      if (path !== undefined) expect(told).toMatchObject({ message: expect.stringContaining(`"${path}"`) });
    }
  });

  test.each([
    ["SQLITE_CONSTRAINT_UNIQUE", "UNIQUE constraint failed: stored_servers.name", "exists", "a server of that name"],
    [
      "SQLITE_CONSTRAINT_PRIMARYKEY",
      "UNIQUE constraint failed: stored_tags.tag, stored_tags.server_id",
      "exists",
      "that tag",
    ],
    [
      "SQLITE_CONSTRAINT_UNIQUE",
      "UNIQUE constraint failed: stored_messages.exim_id, stored_messages.server_id",
      "exists",
      "message",
    ],
    ["SQLITE_CONSTRAINT_ROWID", "UNIQUE constraint failed: strings.id", "exists", '"strings"'],
    ["SQLITE_CONSTRAINT_FOREIGNKEY", "FOREIGN KEY constraint failed", "in_use", "still refers"],
  ])("of a constraint says which thing: %s, %s", (code, words, expected, says) => {
    expect(translateError(new SqliteError(words, code), "/x/pilot.db")).toMatchObject({
      code: expected,
      message: expect.stringContaining(says),
    });
  });

  test("of a statement of ours is a bug", () => {
    for (const code of [
      "SQLITE_ERROR",
      "SQLITE_MISUSE",
      "SQLITE_RANGE",
      "SQLITE_CONSTRAINT_NOTNULL",
      "SQLITE_CONSTRAINT_CHECK",
    ]) {
      const error = new SqliteError("x", code);
      expect(translateError(error, "/x/pilot.db")).toBe(error);
    }
  });
});

test.each([
  ["the system", Object.assign(new Error("EIO"), { code: "EIO", errno: -5, syscall: "read" }), "cannot be read"],
  ["SQLite", new SqliteError("x", "SQLITE_FULL"), "is full"],
])("what %s throws where nobody knows better is no bug", async (_who, error, says) => {
  const stdout = {
    write: () => {
      throw error;
    },
  };
  for (const argv of [["--version"], ["help"], ["completion", "bash"]])
    expectFailure(await runCli(argv, { stdout }), { status: 3, says });
});
