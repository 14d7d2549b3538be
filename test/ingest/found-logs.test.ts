/** Logs that are not named one by one: directories, patterns, and those a time leaves out. */
import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeEach, describe, expect, test } from "vitest";
import { type CliOptions, expectFailure, runCli } from "../support/cli.ts";
import { temporaryFolder } from "../support/database.ts";
import { queryAll } from "../support/views.ts";

const ID = "1vwwZU-0005V4-1s";
const isRoot = process.getuid?.() === 0;

let folder: string;
let logs: string;
let database: string;

beforeEach(() => {
  folder = temporaryFolder();
  logs = join(folder, "exim4");
  database = join(folder, "pilot.db");
  mkdirSync(logs);
});

describe("a directory", () => {
  test("stands for the logs in it, oldest first; what is no log is left out and told", async () => {
    writeLog("mainlog", 5);
    writeLog("mainlog.1", 4);
    write("mainlog.2.gz", gzipSync(entryOf(3)), 3);
    write("rejectlog", "2026-03-02 06:16:01 H=(x) [203.0.113.7] rejected EHLO or HELO x: no\n", 2);
    write("paniclog", "", 6);
    write("exim4.conf", "dc_eximconfig_configtype='internet'\n");
    write("dpkg.log", "2026-03-02 06:16:00 status installed exim4:amd64 4.96\n");
    write(".hidden", entryOf(9));
    mkdirSync(join(logs, "old"));
    writeFileSync(join(logs, "old", "mainlog"), entryOf(8));
    symlinkSync(join(logs, "mainlog"), join(logs, "current"));
    symlinkSync("nowhere", join(logs, "broken"));
    execFileSync("mkfifo", [join(logs, "pipe")]);
    const { status, stdout, stderr } = await ingest("--json", logs);
    expect(status).toBe(0);
    expect(stderr).toBe(
      `note: not read, as they are no logs of Exim: ${join(logs, "dpkg.log")}, ${join(logs, "exim4.conf")}\n`,
    );
    expect(resultsIn(stdout).filter(([, result]) => result !== "foreign")).toEqual([
      ["rejectlog", "read"],
      ["mainlog.2.gz", "read"],
      ["mainlog.1", "read"],
      ["current", "read"],
      ["mainlog", "unchanged"],
      ["paniclog", "empty"],
    ]);
    expect(resultsIn((await ingest("--json", logs)).stdout).every(([, result]) => result !== "read")).toBe(true);
  });

  test("is read as far as it can be when a file in it cannot", async () => {
    writeLog("mainlog", 5);
    const archive = gzipSync(entryOf(3).repeat(50));
    archive.fill(0xa5, 30, 40);
    write("mainlog.2.gz", archive, 3);
    expectFailure(await ingest("--quiet", logs), { status: 3, says: /mainlog\.2\.gz" is damaged: / });
    expect(storedPaths()).toEqual([join(logs, "mainlog")]);
  });

  test.skipIf(isRoot)("that may not be read is told", async () => {
    chmodSync(logs, 0o000);
    expectFailure(await ingest(logs), { status: 3, says: `The directory "${logs}" cannot be read (EACCES).` });
    chmodSync(logs, 0o700);
  });

  test("without a file, or without a log, is a mistake", async () => {
    mkdirSync(join(logs, "old"));
    expectFailure(await ingest(logs), { status: 3, says: `There is no file in the directory "${logs}".` });
    write("exim4.conf", "no log\n");
    expectFailure(await ingest("--quiet", logs), {
      status: 3,
      says: `The only file that "${logs}" stands for is no log of Exim.`,
    });
    write("update-exim4.conf.conf", "no log\n");
    expectFailure(await ingest("--quiet", logs), { status: 3, says: `None of the 2 files that "${logs}" stands for` });
    write("empty", "");
    expect((await ingest("--quiet", logs)).status).toBe(3);
  });

  test("of logs that tell nothing is read with --log-type, but for what has no stamps", async () => {
    write("a.log", "2026-03-02 06:16:00 something of our own\n");
    write("exim4.conf", "no log\n");
    expectFailure(await ingest("--quiet", logs), { status: 3, says: "None of the 2 files" });
    expect(resultsIn((await ingest("--json", "--log-type", "main", logs)).stdout).sort()).toEqual([
      ["a.log", "read"],
      ["exim4.conf", "foreign"],
    ]);
  });
});

describe("a pattern", () => {
  test("stands for the files that match, not for directories", async () => {
    writeLog("mainlog", 5);
    writeLog("mainlog.1", 4);
    writeLog("rejectlog", 1);
    mkdirSync(join(logs, "mainlog.d"));
    expect(resultsIn((await ingest("--json", join(logs, "mainlog*"))).stdout)).toEqual([
      ["mainlog.1", "read"],
      ["mainlog", "read"],
    ]);
    expect(resultsIn((await ingest("--json", join(folder, "*", "{main,reject}log"))).stdout)).toEqual([
      ["rejectlog", "read"],
      ["mainlog", "unchanged"],
    ]);
  });

  test("can be relative, and paths are then shown so", async () => {
    writeLog("mainlog", 5);
    const pattern = join(relative(process.cwd(), logs), "main*");
    expect((await ingest(pattern)).status).toBe(0);
    expect(storedPaths()).toEqual([join(relative(process.cwd(), logs), "mainlog")]);
  });

  test("that is the name of a file is that file alone", async () => {
    writeLog("mainlog[1]", 5);
    writeLog("mainlog1", 4);
    expect(resultsIn((await ingest("--json", join(logs, "mainlog[1]"))).stdout)).toEqual([["mainlog[1]", "read"]]);
  });

  test("that matches nothing is a mistake, and the others are read", async () => {
    writeLog("mainlog", 5);
    const pattern = join(logs, "reject*");
    const result = await ingest("--quiet", pattern, join(logs, "mainlog"));
    expectFailure(result, { status: 3, says: `No file matches "${pattern}".` });
    expect(storedPaths()).toEqual([join(logs, "mainlog")]);
  });
});

test("a database of ours, which has lines of logs in it, is no log", async () => {
  writeLog("mainlog", 5);
  const own = join(logs, "pilot.db");
  await ingest("--db", own, join(logs, "mainlog"));
  expectFailure(await ingest(own), { status: 3, says: "does not look like a log of Exim" });
  expect(resultsIn((await ingest("--json", logs)).stdout)).toContainEqual(["pilot.db", "foreign"]);
});

test("a file that is named is read or refused, never left out", async () => {
  const path = write("dpkg.log", "2026-03-02 06:16:00 status installed exim4:amd64 4.96\n");
  expect((await ingest(path)).status).toBe(0);
  expectFailure(await ingest(write("notes", "no log\n")), { status: 3, says: "does not look like a log of Exim" });
});

describe("--since", () => {
  test("leaves out files that end before, and stores all lines of the others", async () => {
    write("mainlog.1", `${entryOf(1)}${entryOf(2)}`, 9);
    write("mainlog", `${entryOf(2)}${entryOf(4)}`, 9);
    write("mainlog.2.gz", gzipSync(entryOf(1)), 2);
    write("mainlog.3.gz", gzipSync(entryOf(1)), 9);
    const { status, stdout } = await ingest("--json", "--since", "2026-03-03", logs);
    expect(status).toBe(0);
    expect(resultsIn(stdout).sort()).toEqual([
      ["mainlog", "read"],
      ["mainlog.1", "older"],
      ["mainlog.2.gz", "older"],
      ["mainlog.3.gz", "read"],
    ]);
    expect(JSON.parse(stdout).totals.lines).toBe(3);
    expect((await ingest("--since", "2026-03-03", join(logs, "mainlog.1"))).stdout).toBe(
      `Nothing new in ${database} (1 log older and not read).\n`,
    );
    expect(resultsIn((await ingest("--json", join(logs, "mainlog.1"))).stdout)).toEqual([["mainlog.1", "read"]]);
  });

  test("goes by the youngest of the last lines, in the time zone of the server", async () => {
    const path = write("mainlog", `${entryOf(1)}${entryOf(3)}${entryOf(2)}  continued\nunfinished`);
    const resultAt = async (since: string, ...flags: string[]): Promise<string | undefined> => {
      const { stdout } = await ingest("--json", "--since", since, "--db", join(folder, `${since}.db`), ...flags, path);
      return resultsIn(stdout)[0]?.[1];
    };
    expect(await resultAt("2026-03-03 06:16:00")).toBe("read");
    expect(await resultAt("2026-03-03 06:16:01")).toBe("older");
    expect(await resultAt("2026-03-03T06:16:00Z", "--timezone", "Europe/Berlin")).toBe("older");
    expect(await resultAt("2026-03-03T05:16:00Z", "--timezone", "Europe/Berlin")).toBe("read");
  });

  test("reads what has no end to be looked at, and tells what cannot be read", async () => {
    const { stdout } = await run({ stdin: entryOf(1) }, "--json", "--since", "yesterday", "-");
    expect(resultsIn(stdout)).toEqual([["-", "read"]]);
    expectFailure(await ingest("--since", "yesterday", join(logs, "nothing")), { status: 3, says: "There is no file" });
  });

  test("is refused when it is no time", async () => {
    expectFailure(await ingest("--since", "soon", logs), { status: 2, says: "--since" });
  });
});

test("a log that grows after it was found is read to its end", async () => {
  writeLog("mainlog", 5);
  await ingest(logs);
  appendFileSync(join(logs, "mainlog"), entryOf(6));
  const { stdout } = await ingest("--json", logs);
  expect(JSON.parse(stdout).totals.lines).toBe(1);
});

function run(options: CliOptions, ...args: string[]): ReturnType<typeof runCli> {
  return runCli(["ingest", ...(args.includes("--db") ? [] : ["--db", database]), ...args], options);
}

function ingest(...args: string[]): ReturnType<typeof runCli> {
  return run({}, ...args);
}

/** An entry on a day in March. */
function entryOf(day: number): string {
  return `2026-03-0${day} 06:16:00 ${ID} Completed\n`;
}

function writeLog(name: string, day: number): void {
  write(name, entryOf(day), day);
}

function write(name: string, content: string | Uint8Array, day = 1): string {
  const path = join(logs, name);
  writeFileSync(path, content);
  const changed = new Date(Date.UTC(2026, 2, day, 6, 16));
  utimesSync(path, changed, changed);
  return path;
}

function resultsIn(stdout: string): (readonly [name: string, result: string])[] {
  const { logs: reports } = JSON.parse(stdout) as { logs: { path: string; result: string }[] };
  return reports.map(({ path, result }) => [path.split("/").at(-1) ?? "", result]);
}

function storedPaths(): string[] {
  return queryAll<{ path: string }>(database, "SELECT path FROM sources").map(({ path }) => path);
}
