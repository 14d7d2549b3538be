import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import {
  checkSpool,
  type DoctorOptions,
  type DoctorReport,
  examine,
  type Finding,
  type Verdict,
  worstFirst,
} from "../../src/doctor/doctor.ts";
import { missingSelectors } from "../../src/doctor/log-selector.ts";
import { findZoneShift } from "../../src/doctor/zone-shift.ts";
import { messageIdTime } from "../../src/parse/message-id.ts";
import { findSpool, spoolRight } from "../../src/queue/spool-directory.ts";
import type { LogSample } from "../../src/store/read/health-reader.ts";
import { epochMs, HOUR_MS, MINUTE_MS, toIso } from "../../src/units.ts";
import { runCli } from "../support/cli.ts";
import { FIXTURES, ingestInto, NOW, openDirectly, storeSettings, temporaryFolder } from "../support/database.ts";

const DAY_MS = 86_400_000;

/** The world of a check; `keptMs` is as `prune` has it. */
function optionsFor(path: string, keptMs?: number): DoctorOptions {
  return {
    ...storeSettings(path),
    node: "20.0.0",
    formatBytes: String,
    formatStamp: (at) => `${toIso(at)} (UTC)`,
    keptMs,
  };
}

describe("the spool", () => {
  const PATH = "/var/spool/exim4";
  const closed = (isGroupEnough: boolean) => ({ path: PATH, isFile: false, group: "Debian-exim", isGroupEnough });

  test("that can be read is well", () => {
    expect(checkSpool({ path: PATH, closed: undefined })).toMatchObject({ check: "spool", verdict: "ok" });
  });

  test("that cannot be read is told with the group that may, or that not even that is enough", () => {
    expect(checkSpool({ path: PATH, closed: closed(true) })).toEqual({
      check: "spool",
      verdict: "advice",
      message: "The spool cannot be read: /var/spool/exim4 is open to group Debian-exim only.",
      hint: "To look at the queue, run it as root or add the user to that group; for a service, set `SupplementaryGroups=Debian-exim`.",
    });
    expect(checkSpool({ path: PATH, closed: closed(false) })).toMatchObject({
      verdict: "advice",
      hint: expect.stringMatching(/not even/),
    });
  });

  test("is looked for where systems have it, and is no concern where there is none", async () => {
    const [root, db] = [temporaryFolder(), join(temporaryFolder(), "x.db")];
    const checks = async (): Promise<string[]> => {
      const { stdout } = await runCli(["doctor", "--json", "--db", db], { systemRoot: root });
      return (JSON.parse(stdout) as DoctorReport).findings.map(({ check, verdict }) => `${check} ${verdict}`);
    };
    expect(await checks()).not.toContain("spool ok");
    mkdirSync(join(root, "var/spool/exim/input"), { recursive: true });
    expect(await checks()).toContain("spool ok");
    expect(findSpool(root)).toBe(join(root, "var/spool/exim"));
    expect(spoolRight(join(root, "var"))).toEqual({ kind: "none" });
  });
});

describe("doctor", () => {
  test("finds nothing wrong with a database that is cared for", async () => {
    const path = await corpusDatabase();
    expect((await runCli(["backup", "--quiet", "--db", path])).status).toBe(0);
    const { status, stdout, stderr } = await runCli(["doctor", "--json", "--db", path]);
    const report = JSON.parse(stdout) as DoctorReport;
    expect(verdicts(report, "problem")).toEqual([]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(Object.keys(report.tables)).toContain("stored_messages");
    expect(report.sqlite).toMatch(/^3\.\d+/);
  });

  test.each<[what: string, check: string, verdict: Verdict, change: (path: string) => void]>([
    ["a file that is no database", "database", "problem", (path) => writeFileSync(path, "what is this?".repeat(100))],
    ["a newer schema", "database", "problem", (path) => run(path, "PRAGMA user_version = 99")],
    [
      "an older schema",
      "schema",
      "problem",
      (path) => run(path, "PRAGMA user_version = 1; DELETE FROM schema_migrations WHERE version > 1"),
    ],
    ["a file others can read", "rights", "advice", (path) => chmodSync(path, 0o644)],
    [
      "a file a group can read in a directory that is the owner's",
      "rights",
      "advice",
      (path) => chmodSync(path, 0o640),
    ],
    ["a -wal with other rights", "rights", "advice", (path) => chmodSync(`${path}-wal`, 0o644)],
    ["a file that cannot shrink", "space", "advice", (path) => run(path, "PRAGMA auto_vacuum = 0; VACUUM")],
    ["texts that are not indexed", "indexes", "advice", (path) => run(path, "UPDATE text_indexes SET last_id = 0")],
    [
      "a failed ingest",
      "ingest",
      "problem",
      (path) => run(path, "UPDATE ingest_runs SET result = 'failed', error = 'no'"),
    ],
    [
      "an ingest long ago",
      "ingest",
      "problem",
      (path) => run(path, `UPDATE ingest_runs SET finished_ms = ${NOW - 2 * DAY_MS}`),
    ],
    ["no backup", "backup", "problem", () => {}],
    [
      "lines of the future",
      "clock",
      "advice",
      (path) => run(path, `UPDATE stored_sources SET last_ms = ${NOW + DAY_MS}`),
    ],
    [
      "many lines not understood",
      "server mx1",
      "problem",
      (path) => run(path, "UPDATE stored_sources SET other = lines / 10"),
    ],
    [
      "a zone that is none",
      "server mx1",
      "problem",
      (path) => run(path, "UPDATE stored_servers SET time_zone = 'Mars/Olympus'"),
    ],
  ])("finds %s", async (_what, check, verdict, change) => {
    const path = await corpusDatabase();
    change(path);
    const found = examine(optionsFor(path)).findings.filter((finding) => finding.check === check);
    expect(found.map((finding) => finding.verdict)).toContain(verdict);
    for (const finding of found)
      expect(finding.verdict === "ok" || (finding.hint ?? "") !== "", finding.message).toBe(true);
    expect((await runCli(["doctor", "--db", path])).status).toBe(1);
  });

  test("finds damage, wherever it is, and says so", async () => {
    for (const share of [0, 0.3, 0.6, 0.9]) {
      const path = await corpusDatabase();
      damage(path, share);
      const { findings } = examine(optionsFor(path));
      const problems = findings.filter((finding) => finding.verdict === "problem").map(({ message }) => message);
      expect(problems.join(" "), String(share)).toMatch(/is damaged/);
    }
  });

  test("takes the rights of a group that may read as right, where the directory says so", async () => {
    const path = await corpusDatabase();
    const rights = () => examine(optionsFor(path)).findings.find((one) => one.check === "rights");
    for (const ending of ["", "-wal", "-shm"]) chmodSync(path + ending, 0o640);
    for (const [mode, verdict] of [
      [0o2750, "ok"],
      [0o750, "advice"],
      [0o2755, "advice"],
      [0o2770, "advice"],
    ] as const) {
      chmodSync(dirname(path), mode);
      expect(rights()?.verdict, mode.toString(8)).toBe(verdict);
    }
  });

  test("says that there is no database", async () => {
    const { status, stdout } = await runCli(["doctor", "--db", join(temporaryFolder(), "none.db")]);
    expect(status).toBe(1);
    expect(stdout).toContain("There is no database");
  });

  test("changes nothing", async () => {
    const path = await corpusDatabase();
    const before = readFileSync(path);
    examine(optionsFor(path));
    expect(readFileSync(path).equals(before)).toBe(true);
  });
});

describe("stamps that are read in a zone", () => {
  const ofZone = (findings: DoctorReport["findings"]) =>
    findings.filter(({ message }) => message.includes("message ids")).map(({ verdict, message }) => [verdict, message]);

  test.each([
    ["UTC", "ok", "Its stamps agree with the times in its message ids."],
    ["Asia/Kolkata", "problem", /read as Asia\/Kolkata, are taken 5 h 30 min too early\.$/],
    ["America/New_York", "problem", /read as America\/New_York, are taken [45] h too late\.$/],
  ])("%s are held against the ids of messages, which real Exim made", async (timeZone, verdict, message) => {
    const path = await corpusDatabase("default", timeZone);
    const { findings } = examine(optionsFor(path));
    expect(ofZone(findings)).toEqual([
      [verdict, typeof message === "string" ? message : expect.stringMatching(message)],
    ]);
  });

  test("are told of by the ingest itself, when they are taken for others", async () => {
    const ingestWith = async (timeZone: string): Promise<string> => {
      const argv = ["ingest", "--db", join(temporaryFolder(), "pilot.db"), "--server", "mx1", "--timezone", timeZone];
      const { status, stderr } = await runCli([...argv, join(FIXTURES, "corpus", "default", "mainlog")]);
      expect(status).toBe(0);
      return stderr;
    };
    expect(await ingestWith("UTC")).toBe("");
    expect(await ingestWith("Asia/Tokyo")).toMatch(
      /^note: .+ mx1, read as Asia\/Tokyo, are taken 9 h too early; .+\.\n$/,
    );
  });

  const START_MS = epochMs(Date.UTC(2026, 2, 2, 5, 40, 5));
  const arrivals = (lags: readonly number[], id = "1vwvze-0005UQ-01") =>
    lags.map((lag) => ({ messageId: id, atMs: epochMs(messageIdTime(id) + lag) }));
  const many = (count: number, lag: number): number[] => Array.from({ length: count }, () => lag);

  test("agree though messages take their time to arrive, and are judged only when there are enough of them", () => {
    expect(findZoneShift(arrivals([...many(30, 900), ...many(10, 3 * HOUR_MS)]))).toBe(0);
    expect(findZoneShift(arrivals(many(19, HOUR_MS)))).toBeUndefined();
    expect(findZoneShift(arrivals(many(20, -45 * MINUTE_MS)))).toBe(-45 * MINUTE_MS);
  });

  test("are not judged by ids that are not made of the time, or of a summer time that ended amid them", () => {
    expect(findZoneShift(many(40, 0).map(() => ({ messageId: "000000-000000-00", atMs: START_MS })))).toBeUndefined();
    expect(findZoneShift(arrivals([...many(20, 0), ...many(20, HOUR_MS)]))).toBeUndefined();
  });
});

describe("what Exim could log", () => {
  const FULL: LogSample = {
    arrivals: 100,
    withSubject: 1,
    withRecipients: 1,
    fromHosts: 500,
    withPort: 1,
    completed: 100,
    withQueueTime: 1,
    withMilliseconds: 1,
    deliveries: 100,
    withDeliveryTime: 1,
  };
  const items = (sample: Partial<LogSample>) => missingSelectors({ ...FULL, ...sample }).map(({ item }) => item);

  test("is told when no message has it, and there are enough to tell", () => {
    expect(items({})).toEqual([]);
    expect(items({ withSubject: 0, withQueueTime: 0 })).toEqual(["subject", "queue_time_overall"]);
    expect(items({ arrivals: 19, withSubject: 0 })).toEqual([]);
    expect(items({ deliveries: 0, withDeliveryTime: 0 })).toEqual([]);
    expect(items({ withPort: 0 })).toEqual(["incoming_port"]);
    expect(items({ fromHosts: 3, withPort: 0 })).toEqual([]);
  });

  test.each([
    ["default", true],
    ["all", false],
  ])("is right about the logs of the profile %s, which real Exim wrote", async (profile, isMissing) => {
    const path = await corpusDatabase(profile);
    const { findings } = examine(optionsFor(path));
    const hints = findings.map(({ hint }) => hint ?? "").filter((hint) => hint.includes("log_selector"));
    expect(hints.length > 0).toBe(isMissing);
    if (isMissing)
      expect(hints).toEqual([expect.stringMatching(/^Add to log_selector .*: \+received_recipients \+subject/)]);
  });
});

test("what a server logs at present is what its newest messages tell, when older logs were read last", async () => {
  const path = join(temporaryFolder(), "pilot.db");
  const log = (day: number, fields: string): string =>
    Array.from(
      { length: 500 },
      (_, index) =>
        `2026-03-${day} 00:00:00 1v${day}ZX-${String(index).padStart(6, "0")}-1s <= a@a.test U=a P=local S=500${fields}\n`,
    ).join("");
  for (const text of [log(20, ' T="now"'), log(10, "")])
    await ingestInto(path, ["-"], { logType: "main" }, Readable.from([Buffer.from(text)]));
  const { findings } = examine(optionsFor(path));
  expect(findings.map(({ hint }) => hint).join()).not.toMatch(/log_selector.*\+subject/);
});

test("prune is not advised where it would remove everything", async () => {
  const path = await corpusDatabase();
  const pruneOf = (keptMs: number | undefined) =>
    examine(optionsFor(path, keptMs)).findings.find(({ check }) => check === "prune");
  expect(pruneOf(undefined)).toMatchObject({ verdict: "advice", message: "No prune is recorded." });
  expect(pruneOf(365 * DAY_MS)).toMatchObject({ verdict: "advice" });
  expect(pruneOf(DAY_MS)).toEqual({
    check: "prune",
    verdict: "ok",
    message: "No prune is recorded. All stored lines are older than `prune` keeps: none of them would be left.",
  });
  const configured = async (logs: string): Promise<string> => {
    const { stdout } = await runCli(["doctor", "--db", path], { env: { EXIM_PILOT_PRUNE_LOGS: logs } });
    return stdout;
  };
  expect(await configured("1d")).toContain("none of them would be left");
  expect(await configured("forever")).toContain("Run it every night.");
});

test("the page has problems first, the zone of each time, and no finding that all is well with what is unknown", async () => {
  const path = await corpusDatabase();
  run(path, `UPDATE ingest_runs SET finished_ms = ${NOW - 2 * DAY_MS}`);
  const { stdout } = await runCli(["doctor", "--db", path]);
  const marks = stdout.split("\n").flatMap((line) => /^(problem|advice|ok) /.exec(line)?.[1] ?? []);
  expect(marks).toEqual([...marks].sort((one, other) => RANK.indexOf(one) - RANK.indexOf(other)));
  expect(new Set(marks)).toEqual(new Set(RANK));
  expect(stdout).toMatch(/The last ingest was at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(UTC\), 2 days ago\./);
  expect(stdout).not.toMatch(/\dT\d\d:/);
  expect(stdout).toMatch(/ok +coverage: No hole was found, but /);
});

const RANK: readonly string[] = ["problem", "advice", "ok"];

test("what has to be done stands before what is well", () => {
  const finding = (check: string, verdict: Finding["verdict"]): Finding => ({ check, verdict, message: "" });
  const checks = [finding("a", "ok"), finding("b", "problem"), finding("c", "advice"), finding("d", "problem")];
  expect(
    worstFirst(checks)
      .map(({ check }) => check)
      .join(""),
  ).toBe("bdca");
});

test("a port is not missed in messages that were handed over on this machine", async () => {
  const path = join(temporaryFolder(), "pilot.db");
  const lines = Array.from(
    { length: 100 },
    (_, index) => `2026-03-20 00:00:00 1v20ZX-${String(index).padStart(6, "0")}-1s <= a@a.test U=a P=local S=500\n`,
  );
  await ingestInto(path, ["-"], { logType: "main" }, Readable.from([Buffer.from(lines.join(""))]));
  const hints = examine(optionsFor(path))
    .findings.map(({ hint }) => hint)
    .join();
  expect(hints).toMatch(/log_selector.*\+subject/);
  expect(hints).not.toContain("+incoming_port");
});

async function corpusDatabase(profile = "default", timeZone = "UTC"): Promise<string> {
  const path = join(temporaryFolder(), "pilot.db");
  const now = () => epochMs(NOW - 1000);
  await ingestInto(path, [join(FIXTURES, "corpus", profile, "mainlog")], { now, timeZone });
  // NOTE: so that what is changed by another connection stands in the file; its close takes away what the writer had left.
  run(path, "PRAGMA wal_checkpoint(TRUNCATE)");
  for (const ending of ["-wal", "-shm"]) writeFileSync(path + ending, "", { mode: 0o600 });
  return path;
}

function run(path: string, sql: string): void {
  const database = openDirectly(path);
  database.exec(sql);
  database.close();
}

/** Overwrites pages, but for the first, from a place on. */
function damage(path: string, share: number): void {
  const bytes = readFileSync(path);
  const from = 4096 + Math.floor((bytes.length - 4096) * share);
  bytes.fill(0x5a, from, from + 12_000);
  writeFileSync(path, bytes);
}

function verdicts({ findings }: DoctorReport, verdict: Verdict): string[] {
  return findings.filter((finding) => finding.verdict === verdict).map(({ check, message }) => `${check}: ${message}`);
}
