/** Bringing a database with content up to date: a backup before, one after the other, and kills in the middle. */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ingest } from "../../src/ingest/ingest.ts";
import { PARSER_VERSION } from "../../src/parse/parser-version.ts";
import { loadMigrations } from "../../src/store/database/migrations.ts";
import { openWriter } from "../../src/store/store.ts";
import { epochMs } from "../../src/units.ts";
import { startProgram } from "../support/child.ts";
import { expectFailure, runCli } from "../support/cli.ts";
import {
  FIXTURES,
  NOW,
  OPTIONS,
  openDirectly,
  SCHEMA_DIRECTORY,
  storeSettings,
  temporaryFolder,
} from "../support/database.ts";
import { killAgainAndAgain } from "../support/kills.ts";
import { queryAll } from "../support/views.ts";

const LATEST = loadMigrations(SCHEMA_DIRECTORY).steps.length;
/** With EXIM_PILOT_TORTURE twenty are started. */
const PROCESSES = process.env["EXIM_PILOT_TORTURE"] === undefined ? 5 : 20;
const KILLS =
  process.env["EXIM_PILOT_TORTURE"] === undefined ? 4 : Math.max(40, Number(process.env["EXIM_PILOT_TORTURE"]) / 5);

vi.setConfig({ testTimeout: 60_000 + KILLS * 10_000 });

let old: string;

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));

beforeAll(async () => {
  old = await makeOldDatabase(FOLDER);
});
afterAll(() => {
  rmSync(FOLDER, { recursive: true, force: true });
});

describe("a database with content that is behind", () => {
  test("is backed up, then migrated, and nothing of it is lost", async () => {
    const path = oldDatabase();
    const before = content(path);
    const { status, stdout, stderr } = await runCli(["migrate", "--db", path]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const backup = join(path, "..", "backups", "pilot-20260401T000000Z.db");
    expect(stdout).toContain(`made the backup "${backup}"`);
    expect((await runCli(["backup", "--verify", backup])).status).toBe(0);
    expect([versionOf(path), versionOf(backup)]).toEqual([LATEST, 1]);
    expect([content(path), content(backup)]).toEqual([before, before]);
    const { stdout: audit } = await runCli(["audit", "--db", path, "--json"]);
    expect(JSON.parse(audit)).toMatchObject({ entries: [{ action: "migrate", affected: { before: 1, backup } }] });
  });

  test("may be backed up elsewhere, or not at all", async () => {
    const [one, other] = [oldDatabase(), oldDatabase()];
    const directory = join(temporaryFolder(), "elsewhere");
    expect((await runCli(["migrate", "--backup-directory", directory, "--db", one])).status).toBe(0);
    expect(readdirSync(directory)).toContain("pilot-20260401T000000Z.db");
    expect((await runCli(["migrate", "--no-backup", "--db", other])).status).toBe(0);
    expect(existsSync(join(other, "..", "backups"))).toBe(false);
  });

  test("stays as it is when no backup can be made", async () => {
    const path = oldDatabase();
    const directory = join(temporaryFolder(), "file");
    writeFileSync(directory, "");
    const before = readFileSync(path);
    expectFailure(await runCli(["migrate", "--backup-directory", join(directory, "x"), "--db", path]), {
      status: 3,
      says: "cannot be made",
    });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("goes as far as asked, and not back", async () => {
    const path = oldDatabase();
    expect((await runCli(["migrate", "--to", "1", "--db", path])).stdout).toContain("is up to date (schema");
    expect(versionOf(path)).toBe(1);
    expect((await runCli(["migrate", "--dry-run", "--to", "2", "--db", path])).stdout).toContain("would apply 0002_");
    expect((await runCli(["migrate", "--to", "2", "--db", path])).status).toBe(0);
    expect(versionOf(path)).toBe(2);
    expectFailure(await runCli(["migrate", "--to", "1", "--db", path]), { status: 2, says: "no way back to 1" });
    expectFailure(await runCli(["migrate", "--to", "99", "--db", path]), {
      status: 2,
      says: `up to ${LATEST}, not 99`,
    });
    expectFailure(await runCli(["migrate", "--to", "x", "--db", path]), { status: 2, says: "number of a schema" });
  });

  test("is offered a rebuild when an older parser has read it, as long as its text is there", async () => {
    const path = oldDatabase();
    const change = (sql: string): void => {
      const database = openDirectly(path);
      database.exec(sql);
      database.close();
    };
    const migrate = async (...flags: string[]) => (await runCli(["migrate", ...flags, "--db", path])).stdout;
    expect(await migrate("--dry-run")).not.toContain("parser");
    change(`UPDATE parser_versions SET version = ${PARSER_VERSION - 1}`);
    expect(await migrate("--dry-run")).toContain(`as parser ${PARSER_VERSION - 1} read them`);
    expect(await migrate()).toContain("`exim-pilot rebuild` reads them again");
    expect(JSON.parse(await migrate("--status", "--json"))).toMatchObject({
      parserVersions: [PARSER_VERSION - 1],
      parserVersion: PARSER_VERSION,
      canRebuild: true,
    });
    expect((await runCli(["migrate", "--status", "--db", path])).status).toBe(0);
    expect((await runCli(["doctor", "--db", path])).stdout).toContain("`exim-pilot rebuild` reads them again");
    change("UPDATE stored_sources SET pruned = 1");
    expect(await migrate()).toContain("Text has been pruned, so they stay as they are.");
    expect(await migrate()).not.toContain("exim-pilot rebuild");
    change("UPDATE stored_sources SET pruned = 0");
    expect(await runCli(["rebuild", "--db", path])).toMatchObject({ status: 0, stderr: "" });
    expect(await migrate()).not.toContain("parser");
  });

  test("is migrated once by several processes at once, and none fails", async () => {
    const path = oldDatabase();
    const before = content(path);
    const runs = Array.from({ length: PROCESSES }, () => startProgram(["migrate", "--db", path]).ended);
    for (const { status, stderr } of await Promise.all(runs))
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(versionOf(path)).toBe(LATEST);
    expect(queryAll(path, "SELECT count(*) AS steps FROM schema_migrations")).toEqual([{ steps: LATEST }]);
    expect(content(path)).toEqual(before);
  });

  test("is whole after a kill at any time, and the next run completes it", async () => {
    const before = content(old);
    const argv = (path: string) => ["migrate", "--db", path];
    await killAgainAndAgain(KILLS, {
      prepare: oldDatabase,
      argv,
      check: async (path) => {
        expect(versionOf(path)).toBeGreaterThanOrEqual(1);
        expect(versionOf(path)).toBeLessThanOrEqual(LATEST);
        expect(queryAll(path, "PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
        expect(content(path)).toEqual(before);
        expect((await runCli(argv(path))).status).toBe(0);
        expect([versionOf(path), content(path)]).toEqual([LATEST, before]);
        expect(await runCli(["verify", "--deep", "--db", path])).toMatchObject({ status: 0 });
        // The next backup removes what was left.
        const directory = join(path, "..", "backups");
        expect((await runCli(["backup", "--db", path, directory], { now: () => epochMs(NOW + 1000) })).status).toBe(0);
        expect(readdirSync(directory).filter((name) => name.startsWith("."))).toEqual([]);
      },
    });
  });
});

function oldDatabase(): string {
  const path = join(temporaryFolder(), "pilot.db");
  copyFileSync(old, path);
  return path;
}

/** A database as the first schema made it, with the log of a corpus in it. */
async function makeOldDatabase(folder: string): Promise<string> {
  const schemaDirectory = join(folder, "schema");
  cpSync(SCHEMA_DIRECTORY, schemaDirectory, { recursive: true });
  for (const name of readdirSync(schemaDirectory))
    if (/^(?!0001)\d{4}_/.test(name)) rmSync(join(schemaDirectory, name));
  const views = readFileSync(join(SCHEMA_DIRECTORY, "views.sql"), "utf8");
  writeFileSync(join(schemaDirectory, "views.sql"), views.replace(/CREATE VIEW audit_log[^;]*;/, ""));
  const path = join(folder, "old.db");
  const writer = openWriter({ ...storeSettings(path), schemaDirectory });
  // Borrows the later schema that today's ingest needs, only while it runs.
  const borrowed = borrowRollups(path);
  await ingest([join(FIXTURES, "corpus", "default", "mainlog")], { stdin: Readable.from([]) }, writer, OPTIONS);
  writer.close();
  borrowed.giveBack();
  return path;
}

function borrowRollups(path: string): { readonly giveBack: () => void } {
  const parts = (database: Database.Database): { type: string; name: string }[] =>
    database
      .prepare<[], { type: string; name: string }>("SELECT type, name FROM sqlite_schema WHERE sql NOT NULL")
      .all();
  const withDatabase = <Result>(action: (database: Database.Database) => Result): Result => {
    const database = openDirectly(path);
    const result = action(database);
    database.close();
    return result;
  };
  const before = withDatabase((database) => {
    const names = parts(database).map(({ name }) => name);
    database.exec(readFileSync(join(SCHEMA_DIRECTORY, "0003_rollups.sql"), "utf8"));
    return names;
  });
  return {
    giveBack: () =>
      withDatabase((database) => {
        const order = ["trigger", "index", "table"];
        const added = parts(database).filter(({ name }) => !before.includes(name));
        added.sort((one, other) => order.indexOf(one.type) - order.indexOf(other.type));
        for (const { type, name } of added) database.exec(`DROP ${type} ${name}`);
      }),
  };
}

function versionOf(path: string): number {
  return queryAll<{ user_version: number }>(path, "PRAGMA user_version")[0]?.user_version ?? 0;
}

function content(path: string): unknown[] {
  return ["messages", "recipients", "delivery_attempts", "log_entries"].map((view) =>
    queryAll(path, `SELECT * FROM ${view}`),
  );
}
