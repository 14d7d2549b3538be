import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectFailure, runCli } from "../support/cli.ts";
import { FIXTURES, temporaryFolder } from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";
import { queryAll } from "../support/views.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const SHARED = join(FOLDER, "shared.db");
const PANICLOG = join(FIXTURES, "corpus", "default", "paniclog");

beforeAll(() => makeGoldenDatabase(SHARED));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

describe("servers", () => {
  test("counts what is stored of each", async () => {
    const db = newDatabase();
    await runCli(["ingest", "--quiet", "--db", db, "--server", "mx2", "--timezone", "Asia/Tokyo", PANICLOG]);
    const { servers } = JSON.parse((await runCli(["servers", "--json", "--db", db])).stdout) as { servers: object[] };
    expect(servers).toMatchObject([
      { name: "mx1", timeZone: "UTC", version: "4.96", sources: 3, lines: 576, messages: 84 },
      { name: "mx2", timeZone: "Asia/Tokyo", version: null, sources: 1, lines: 11, messages: expect.any(Number) },
    ]);
  });

  test("gives another name, under which everything is found", async () => {
    const db = newDatabase();
    expect(await runCli(["servers", "rename", "mx1", "mx9", "--db", db])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^mx1 is now called mx9\.\n.*--server mx9/),
    });
    expect(await runCli(["trace", "1vx5YS-0006QZ-1J", "--server", "mx9", "--db", db])).toMatchObject({ status: 0 });
    expect(queryAll(db, "SELECT DISTINCT server FROM messages")).toEqual([{ server: "mx9" }]);
    const { stdout } = await runCli(["ingest", "--db", db, "--server", "mx9", "--timezone", "UTC", PANICLOG]);
    expect(stdout).toContain("Nothing new");
  });

  test("refuses a name that there is, that is empty, or a server that is not there, and changes nothing", async () => {
    const db = newDatabase();
    await runCli(["ingest", "--quiet", "--db", db, "--server", "mx2", PANICLOG]);
    const before = queryAll(db, "SELECT * FROM stored_servers");
    expectFailure(await runCli(["servers", "rename", "mx1", "mx2", "--db", db]), {
      status: 2,
      says: 'There is a server "mx2"',
    });
    expectFailure(await runCli(["servers", "rename", "mx1", " ", "--db", db]), { status: 2, says: "is empty" });
    expectFailure(await runCli(["servers", "rename", "mx3", "mx4", "--db", db]), {
      status: 1,
      says: "There are: mx1, mx2",
    });
    expectFailure(await runCli(["servers", "set", "mx3", "--owner", "x", "--db", db]), { status: 1, says: "mx3" });
    expectFailure(await runCli(["servers", "set", "mx1", "--db", db]), { status: 2, says: "No setting was given" });
    expectFailure(await runCli(["servers", "set", "mx1", "--timezone", "Mars/X", "--db", db]), {
      status: 2,
      says: "Mars/X",
    });
    expect(queryAll(db, "SELECT * FROM stored_servers")).toEqual(before);
  });

  test("sets and takes away what logs do not tell, and says what a time zone means for what is stored", async () => {
    const db = newDatabase();
    const set = (...flags: string[]) => runCli(["servers", "set", "mx1", "--db", db, ...flags]);
    expect((await set("--owner", "joe", "--environment", "live")).stdout).toBe("mx1: environment live, owner joe.\n");
    expect((await set("--owner", "joe")).stdout).toBe("mx1 has these settings already.\n");
    expect((await set("--owner", "")).stdout).toBe("mx1: no owner any more.\n");
    const { stdout } = await set("--timezone", "Asia/Tokyo");
    expect(stdout).toMatch(/^mx1: time zone Asia\/Tokyo \(was UTC\)\.\n.*`exim-pilot rebuild`/);
    expect(queryAll(db, "SELECT environment, owner, time_zone FROM servers")).toEqual([
      { environment: "live", owner: null, time_zone: "Asia/Tokyo" },
    ]);
    expect(JSON.parse((await set("--timezone", "UTC", "--json")).stdout)).toMatchObject({ needsRebuild: true });
  });

  test("removes one of which nothing is stored any more, and no other", async () => {
    const db = newDatabase();
    expectFailure(await runCli(["servers", "remove", "mx1", "--db", db]), { status: 2, says: "are stored" });
    expectFailure(await runCli(["servers", "remove", "mx3", "--db", db]), { status: 1, says: 'no server "mx3"' });
    await runCli(["ingest", "--quiet", "--db", db, "--server", "mx2", "--timezone", "UTC", PANICLOG]);
    expectFailure(await runCli(["servers", "remove", "mx2", "--db", db]), { status: 2, says: "are stored" });
    const everything = ["--logs", "1h", "--messages", "1h", "--open", "1h", "--force"];
    expect(await runCli(["prune", ...everything, "--db", db])).toMatchObject({ status: 0 });
    expect((await runCli(["servers", "remove", "mx2", "--db", db])).stdout).toBe(
      "mx2 is removed: nothing was stored of it.\n",
    );
    expect(queryAll(db, "SELECT name FROM servers")).toEqual([{ name: "mx1" }]);
    expect(queryAll(db, "SELECT DISTINCT server FROM sources")).toEqual([{ server: "mx1" }]);
    expect(await runCli(["verify", "--db", db])).toMatchObject({ status: 0 });
    const recorded = queryAll(db, "SELECT action, result FROM audit_log WHERE action = 'servers remove'");
    expect(recorded).toEqual([{ action: "servers remove", result: "done" }]);
    const again = await runCli(["ingest", "--db", db, "--server", "mx2", "--timezone", "UTC", PANICLOG]);
    expect(again.stdout).toMatch(/^Stored 11 lines/);
  });

  test("makes no database", async () => {
    const db = join(temporaryFolder(), "none.db");
    expectFailure(await runCli(["servers", "rename", "a", "b", "--db", db]), { status: 3, says: "no database" });
    expect(existsSync(db)).toBe(false);
  });

  test("the version of Exim is that of the latest line that tells it, in whatever order logs are read", async () => {
    const line = (day: number, version: string): string =>
      `2026-03-0${day} 05:00:00 exim ${version} daemon started: pid=1, -q30m\n`;
    const logs = [line(3, "4.98"), line(1, "4.94"), line(2, "4.96")];
    const db = join(temporaryFolder(), "pilot.db");
    for (const stdin of logs) await runCli(["ingest", "-q", "--db", db, "-"], { stdin });
    expect(queryAll(db, "SELECT version FROM servers")).toEqual([{ version: "4.98" }]);
  });
});

describe("sources", () => {
  test("lists logs by server and type, and tells a log that ends within a line", async () => {
    const db = newDatabase();
    const stdin = "2026-03-02 05:40:05 Start queue run: pid=1\n2026-03-02 05:40:06 End que";
    await runCli(["ingest", "-q", "--db", db, "--server", "mx2", "--timezone", "UTC", "-"], { stdin });
    const list = async (...flags: string[]) =>
      (
        JSON.parse((await runCli(["sources", "--json", "--db", db, ...flags])).stdout) as {
          sources: Record<string, unknown>[];
        }
      ).sources;
    expect((await list()).map(({ server, logType }) => [server, logType])).toEqual([
      ["mx1", "main"],
      ["mx1", "panic"],
      ["mx1", "reject"],
      ["mx2", "main"],
    ]);
    expect(await list("--log-type", "reject")).toMatchObject([{ id: 2, lines: 137, isComplete: true }]);
    expect(await list("--server", "mx2")).toMatchObject([{ bytes: stdin.length, lines: 2, isComplete: false }]);
    expect(await list("--server", "mx2", "--log-type", "panic")).toEqual([]);
    expect((await runCli(["sources", "--server", "mx2", "--db", db])).stdout).toContain("within a line");
    expectFailure(await runCli(["sources", "--server", "none", "--db", db]), {
      status: 1,
      says: /knows no server "none"/,
    });
  });

  test("shows what strangers named without their control characters", async () => {
    const db = newDatabase();
    await runCli(["servers", "rename", "mx1", "mx\u001b[31m", "--db", db]);
    for (const command of ["servers", "sources"]) {
      const { stdout } = await runCli([command, "--db", db]);
      expect(stdout).toContain("mx\\x1b[31m");
      expect(stdout).not.toContain("\u001b");
    }
  });
});

function newDatabase(): string {
  const path = join(temporaryFolder(), "pilot.db");
  copyFileSync(SHARED, path);
  return path;
}
