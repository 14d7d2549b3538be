import { chmodSync, chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadConfiguration, SETTINGS } from "../../src/cli/flags/configuration.ts";
import { type CliOptions, expectFailure, runCli } from "../support/cli.ts";
import { temporaryFolder } from "../support/database.ts";

interface Row {
  readonly setting: string;
  readonly variable: string;
  readonly value: unknown;
  readonly from: string;
}

describe("a setting", () => {
  test("comes from the flag, else the environment, else the file, else its default", async () => {
    const file = configuration('db = "file.db"\nwait = 3\n[backup]\nkeep = "7d"\ncompress = true\n');
    const from = async (argv: string[], env: Record<string, string> = {}) =>
      (await settings(["--config", file, ...argv], { env })).get("db");
    expect(await from(["--db", "flag.db"], { EXIM_PILOT_DB: "variable.db" })).toMatchObject({
      value: "flag.db",
      from: "flag",
    });
    expect(await from([], { EXIM_PILOT_DB: "variable.db" })).toMatchObject({
      value: "variable.db",
      from: "environment",
    });
    expect(await from([], { EXIM_PILOT_DB: "" })).toMatchObject({ value: "file.db", from: "file" });
    expect((await settings([])).get("db")).toMatchObject({ value: "exim-pilot.db", from: "default" });
  });

  test("of a command may be in the environment under its name", async () => {
    const env = { EXIM_PILOT_BACKUP_KEEP: "2w", EXIM_PILOT_BACKUP_COMPRESS: "yes", EXIM_PILOT_WAIT: "1.5" };
    const all = await settings([], { env });
    expect(all.get("backup.keep")).toMatchObject({ value: "2w", from: "environment" });
    expect(all.get("backup.compress")).toMatchObject({ value: true });
    expect(all.get("wait")).toMatchObject({ value: 1.5 });
  });

  test("is for a command of a command too", async () => {
    const database = join(temporaryFolder(), "pilot.db");
    const options = {
      stdin: "2026-03-02 05:40:05 exim 4.96 daemon started: pid=812\n",
      configFile: configuration(`db = "${database}"\n`),
    };
    await runCli(["ingest", "--log-type", "main", "-"], options);
    expect(await runCli(["servers", "rename", "mx1", "mx2"], options)).toMatchObject({ status: 0, stderr: "" });
    const { stdout } = await runCli(["servers", "--json"], options);
    expect(JSON.parse(stdout)).toMatchObject({ servers: [{ name: "mx2" }] });
  });

  test("is shown, whether it is set or not", async () => {
    expect([...(await settings([])).keys()]).toEqual(SETTINGS.map(({ key }) => key));
    expect((await settings([])).get("backup.keep")).toMatchObject({ value: null, from: "default" });
  });

  test("has an effect", async () => {
    const folder = temporaryFolder();
    const database = join(folder, "from-file.db");
    const file = configuration(
      `db = "${database}"\n[ingest]\nserver = "mx7"\ntimezone = "UTC"\n[backup]\ndirectory = "${folder}"\n`,
    );
    const stdin = "2026-03-02 05:40:05 exim 4.96 daemon started: pid=812\n";
    const options = { stdin, configFile: file };
    expect(await runCli(["ingest", "--log-type", "main", "-"], options)).toMatchObject({ status: 0, stderr: "" });
    const { stdout } = await runCli(["stats", "--json"], options);
    expect(JSON.parse(stdout)).toMatchObject({ overview: { servers: 1, lines: 1 } });
    expect((await runCli(["backup"], options)).stdout).toContain(
      `Made "${join(folder, "from-file-20260401T000000Z.db")}"`,
    );
    expectFailure(await runCli(["ingest", "--timezone", "Europe/Rome", "--log-type", "main", "-"], options), {
      status: 2,
      says: "mx7 are stored with the time zone UTC",
    });
  });
});

describe("a configuration that is wrong is refused", () => {
  test.each([
    ["no TOML", 'db = "x\n', 'Line 1 of the configuration "FILE" cannot be understood'],
    ["an unknown setting", 'dbs = "x"', '"FILE" names "dbs", which is not a setting'],
    ["an unknown setting of a command", '[backup]\nkep = "x"', '"FILE" names "backup.kep", which is not a setting'],
    ["a wrong type", "db = 3", '"FILE" sets "db" to an invalid value: expected string'],
    ["a table that is none", "backup = 3", '"FILE" sets "backup" to an invalid value'],
    ["an empty value", 'db = ""', '"FILE" sets "db" to an invalid value: is empty'],
    ["a NUL", 'db = "a\\u0000b"', '"FILE" sets "db" to an invalid value: has a NUL in it'],
    ["a value the flag would not take", "wait = -1", 'The value of "wait" in the configuration "FILE" cannot be used'],
  ])("%s", async (_what, text, says) => {
    const file = configuration(text);
    for (const command of ["config", "stats"]) {
      expectFailure(await runCli([command, "--config", file]), { status: 2, says: says.replace("FILE", file) });
    }
  });

  test("a file that was named and is not there; the usual one may be missing", async () => {
    const nowhere = join(temporaryFolder(), "nowhere.toml");
    const refused = {
      status: 2,
      says: `The configuration "${nowhere}" cannot be read: no such file or directory (ENOENT).`,
    };
    expectFailure(await runCli(["config", "--config", nowhere]), refused);
    expectFailure(await runCli(["config"], { env: { EXIM_PILOT_CONFIG: nowhere } }), refused);
    expect(await runCli(["config"], { configFile: nowhere })).toMatchObject({ status: 0, stderr: "" });
  });

  test.each([0o664, 0o646, 0o622, 0o777])("a file that others can write: %s", async (mode) => {
    const file = configuration("wait = 3\n");
    chmodSync(file, mode);
    for (const argv of [["stats"], ["config"], ["backup"]])
      expectFailure(await runCli(argv, { configFile: file }), { status: 2, says: "can be written by others" });
    chmodSync(file, 0o440);
    expect((await settings([], { configFile: file })).get("wait")).toMatchObject({ value: 3 });
  });

  test.skipIf(process.geteuid?.() !== 0)("a file of somebody else, unless that is root", async () => {
    const file = configuration("wait = 3\n");
    chownSync(file, 65534, 65534);
    const refused = { status: 2, says: "belongs to another user (65534)" };
    expectFailure(await runCli(["stats"], { configFile: file }), refused);
    expectFailure(await runCli(["stats", "--config", file]), refused);
    expect(() => loadConfiguration(file, true, 1000)).toThrow("belongs to another user");
    expect(loadConfiguration(file, true, 65534).values.get("wait")).toBe(3);
    chownSync(file, 0, 65534);
    expect(loadConfiguration(file, true, 1000).values.get("wait")).toBe(3);
  });

  test("nothing that can hold no setting, such as /dev/null", async () => {
    expect((await settings(["--config", "/dev/null"])).get("wait")).toMatchObject({ from: "default" });
  });

  test("an environment that says neither yes nor no", async () => {
    const env = { EXIM_PILOT_BACKUP_COMPRESS: "maybe" };
    expectFailure(await runCli(["backup"], { env }), {
      status: 2,
      says: "EXIM_PILOT_BACKUP_COMPRESS is neither true nor false",
    });
  });
});

function configuration(text: string): string {
  const path = join(temporaryFolder(), "exim-pilot.toml");
  writeFileSync(path, text);
  // NOTE: not what the umask leaves: it may let the group write.
  chmodSync(path, 0o644);
  return path;
}

async function settings(argv: readonly string[], options: CliOptions = {}): Promise<Map<string, Row>> {
  const { stdout, stderr } = await runCli(["config", "--json", ...argv], options);
  expect(stderr).toBe("");
  const { settings: rows } = JSON.parse(stdout) as { settings: Row[] };
  return new Map(rows.map((row) => [row.setting, row]));
}
