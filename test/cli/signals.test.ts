/** Every command that can take long has soon ended after a signal, with 130, whatever it is at or waits for; so have its children. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { epochMs } from "../../src/units.ts";
import { notificationOf } from "../notify/outboxes.ts";
import { ingestArgv, PROGRAM } from "../support/child.ts";
import { expectFailure, runCli } from "../support/cli.ts";
import { PLAIN_QUESTIONS } from "../support/commands.ts";
import { FIXTURES, withWriter } from "../support/database.ts";
import { SMALL_LOGS } from "../support/small-log.ts";
import { queryAll } from "../support/views.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
const LOG = join(FOLDER, "mainlog");
const ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";
const SPOOL = join(FIXTURES, "queue", "default");
/** Ends a match after more years than there are. */
const CATASTROPHIC = "^(.+\\s*)+#$";
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** Ended is to be within a second; the limit is ten times that. */
const MOST_MS = 10_000;

/** A receiver of notifications that takes them and never answers. */
const SILENT = createServer((socket) => void socket.on("error", () => {}).resume());
const CONFIG = join(FOLDER, "exim-pilot.toml");

beforeAll(async () => {
  writeFileSync(LOG, SMALL_LOGS.main);
  expect((await runCli([...ingestArgv(DB, [LOG])])).status).toBe(0);
  await new Promise<void>((resolve) => SILENT.listen(0, "127.0.0.1", resolve));
  writeFileSync(CONFIG, channelsAt((SILENT.address() as AddressInfo).port), { mode: 0o600 });
}, 60_000);

function channelsAt(port: number): string {
  return `[notify]\ntiers = ["ops"]\n[channels.ops]\ntype = "webhook"\nurl = "http://127.0.0.1:${port}/"\n`;
}

afterAll(() => {
  SILENT.close();
  rmSync(FOLDER, { recursive: true, force: true });
});

interface Waiting {
  readonly what: string;
  readonly argv: () => readonly string[];
  /** Another process holds the database meanwhile, so that it cannot even be read. */
  readonly lock?: true;
  /** Programs that are found first, by name and script. */
  readonly programs?: Readonly<Record<string, string>>;
  /** It has such a child when it is where it was to be. */
  readonly child?: RegExp;
}

const waitingFor =
  (...argv: string[]): (() => readonly string[]) =>
  () => [...argv, "--db", DB, "--wait", "300"];
const HANGS = "#!/bin/sh\nexec sleep 300\n";

const WAITING: readonly Waiting[] = [
  { what: "sql in a statement", argv: waitingFor("sql", "--timeout", "0", ENDLESS), child: /query-process/ },
  { what: "search in a pattern", argv: waitingFor("search", "--timeout", "0", CATASTROPHIC), child: /pattern-process/ },
  { what: "ingest of a pipe", argv: waitingFor("ingest", "-") },
  { what: "ingest of a FIFO without a writer", argv: () => waitingFor("ingest", fifo())() },
  { what: "queue of a listing from a pipe", argv: () => ["queue", "--bp", "-"] },
  {
    what: "queue in a pattern",
    argv: () => ["queue", "--spool", SPOOL, "--timeout", "0", `$message_headers =~ /${CATASTROPHIC}/`],
    child: /text-pattern-process/,
  },
  { what: "queue snapshot of a listing from a pipe", argv: waitingFor("queue", "snapshot", "--bp", "-") },
  { what: "content of a message from a pipe", argv: waitingFor("content", "--file", "-") },
  { what: "trace of a message that is to come", argv: waitingFor("trace", "1vwwZU-0005V4-zz", "--follow") },
  { what: "trace of evidence from a pipe", argv: waitingFor("trace", "-") },
  { what: "parse of a pipe", argv: () => ["parse", "-"] },
  { what: "sql that is to come from a pipe", argv: waitingFor("sql", "-") },
  { what: "tag of ids from a pipe", argv: waitingFor("tag", "-", "ticket") },
  { what: "note from a pipe", argv: waitingFor("note", "1vwwZU-0005V4-1s", "-") },
  { what: "users add with a password from a pipe", argv: waitingFor("users", "add", "kim", "--password-file", "-") },
  {
    what: "ingest in a decompressor",
    argv: () => waitingFor("ingest", archive())(),
    programs: { xz: HANGS },
    child: /sleep/,
  },
  {
    what: "parse in a decompressor",
    argv: () => ["parse", archive()],
    programs: { xz: HANGS },
    child: /sleep/,
  },
  {
    what: "sql in logger",
    argv: waitingFor("sql", "--syslog", "SELECT 1"),
    programs: { logger: HANGS },
    child: /sleep/,
  },
  { what: "notify test at a receiver", argv: waitingFor("notify", "test", "ops", "--config", CONFIG) },
  { what: "notify run --follow", argv: waitingFor("notify", "run", "--follow", "--config", CONFIG) },
  {
    what: "setup that asks Exim",
    argv: () => ["setup", "--dry-run"],
    programs: { exim4: HANGS },
    child: /sleep/,
  },
  { what: "ingest at a lock", argv: waitingFor("ingest", LOG), lock: true },
  ...[
    ["tag", "1vwwZU-0005V4-1s", "ticket"],
    ["note", "1vwwZU-0005V4-1s", "text"],
    ["users", "add", "kim"],
    ["incidents"],
    ["incidents", "detect"],
    ["incidents", "acknowledge", "1"],
    ["incidents", "mute", "panic", "", "--reason", "known"],
    ["notify"],
    ["notify", "run", "--config", CONFIG],
    ["notify", "retry", "1"],
    ["prune", "--logs", "1d"],
    ["migrate"],
    ["rebuild"],
    ["servers", "rename", "mx1", "mx2"],
    ["queue", "snapshot", "--spool", SPOOL, "--at", "2026-03-10T17:27:40Z"],
  ].map((argv) => ({ what: `${nameOf(argv)} at a lock`, argv: waitingFor(...argv), lock: true as const })),
  ...[["trace", "1vwwZU-0005V4-1s"], ["trace", "jo@b.test"], ...PLAIN_QUESTIONS.map((name) => [name])].map((argv) => ({
    what: `${argv.join(" ")} at a lock`,
    argv: waitingFor(...argv),
    lock: true as const,
  })),
];

function fifo(): string {
  const path = join(mkdtempSync(join(FOLDER, "fifo-")), "pipe");
  execFileSync("mkfifo", [path]);
  return path;
}

/** Begins as xz does. */
function archive(): string {
  const path = join(mkdtempSync(join(FOLDER, "archive-")), "mainlog.1.xz");
  writeFileSync(path, Buffer.concat([Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]), Buffer.alloc(100)]));
  return path;
}

/** Words before the first argument: `incidents mute`. */
function nameOf(argv: readonly string[]): string {
  const [command = "", part = ""] = argv;
  return ["incidents", "notify"].includes(command) ? `${command} ${part}`.trim() : command;
}

/** EXIM_PILOT_TORTURE tries each with both; else one after the other has its turn. */
const ASKING: readonly (readonly NodeJS.Signals[])[] =
  process.env["EXIM_PILOT_TORTURE"] === undefined ? [["SIGINT"], ["SIGTERM"]] : [["SIGINT", "SIGTERM"]];

test.each(WAITING.map((waiting, index) => ({ ...waiting, signals: ASKING[index % ASKING.length] ?? [] })))(
  "$what has soon ended after $signals",
  async ({ argv, lock, programs = {}, child, signals }) => {
    const release = lock === true ? holdDatabase() : () => {};
    try {
      await Promise.all(
        signals.map(async (signal) => {
          const started = start(argv(), { PATH: `${scripts(programs)}:${process.env["PATH"]}` });
          const children = child === undefined ? [] : await untilChild(started, child);
          if (child === undefined) await untilWaiting(started);
          expect(await endBy(started, signal), signal).toEqual([130, null]);
          await untilGone(children);
        }),
      );
    } finally {
      release();
    }
  },
);

test.each(SIGNALS)("notify run that %s ends has put what it had in hand back in line", async (signal) => {
  const database = join(mkdtempSync(join(FOLDER, "outbox-")), "pilot.db");
  await withWriter(database, (writer) => {
    writer.write(({ outbox }) => outbox.enqueue(notificationOf("first"), epochMs(Date.now())));
  });
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  SILENT.once("connection", () => resolve());
  const started = start(["notify", "run", "--db", database, "--config", CONFIG], {});
  await asked;
  const statuses = (): readonly unknown[] =>
    queryAll(database, "SELECT status, retry_count, is_uncertain, lease_until_ms FROM stored_outbox");
  // NOTE: "sent" is committed before a request leaves.
  expect(statuses()).toMatchObject([{ status: "sent" }]);
  expect(await endBy(started, signal)).toEqual([130, null]);
  expect(statuses()).toEqual([{ status: "pending", retry_count: 1, is_uncertain: 1, lease_until_ms: null }]);
});

describe("what a pipe has given", () => {
  test.each(SIGNALS)("is stored before %s ends the run", async (signal) => {
    const database = join(mkdtempSync(join(FOLDER, "piped-")), "pilot.db");
    const started = start(ingestArgv(database, ["-"]), {});
    started.stdin?.write(SMALL_LOGS.main);
    // The first line that has come is stored after a pause of the pipe, the last one with it.
    await untilRows(database);
    expect(await endBy(started, signal)).toEqual([130, null]);
    const { stdout } = await runCli(["sql", "--db", database, "SELECT sum(lines) AS lines FROM sources"]);
    expect(JSON.parse(stdout)).toEqual({ lines: SMALL_LOGS.main.toString().split("\n").length - 1 });
  });
});

describe("a process that reads for another", () => {
  test.each([
    ["sql", [ENDLESS], /query-process/],
    ["search", [CATASTROPHIC], /pattern-process/],
  ] as const)("has soon ended when that is killed: %s", async (command, words, child) => {
    const started = start([command, "--db", DB, "--timeout", "0", ...words], {});
    const children = await untilChild(started, child);
    await endBy(started, "SIGKILL");
    await untilGone(children);
  });

  test.each([200_000, 1_000_000, 3_000_000])(
    "says nothing when that is killed before it has counted to %d",
    async (most) => {
      const counting = `WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT ${most}) SELECT count(*) FROM n`;
      const started = start(["sql", "--db", DB, counting], {});
      let said = "";
      started.stderr?.on("data", (piece) => (said += String(piece)));
      const closed = once(started, "close", { signal: AbortSignal.timeout(MOST_MS) });
      await untilChild(started, /query-process/);
      started.kill("SIGKILL");
      await closed;
      expect(said).toBe("");
    },
  );

  test("is ended when it needs more than 512 MiB of memory", async () => {
    const large = `WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT length(group_concat(printf('%.9999c', 'x'))) FROM n`;
    expectFailure(await runCli(["sql", "--db", DB, "--timeout", "0", large]), { status: 3, says: "more than 512 MiB" });
  });
});

describe("search --timeout", () => {
  test("stops a pattern that has no answer for a block, and says how far it came", async () => {
    expectFailure(await runCli(["search", "--db", DB, "--timeout", "1s", "--count", CATASTROPHIC]), {
      status: 3,
      says: /no answer for one block of lines after 1 s and was stopped; 0 of \d+ blocks were searched\./,
    });
  });

  test("gives each block the whole of the time", async () => {
    const database = join(mkdtempSync(join(FOLDER, "long-")), "pilot.db");
    const log = join(FOLDER, "long");
    const lines = Array.from({ length: 30 }, (_, index) => `2026-03-02 05:${index + 10}:00 ${"a".repeat(20)}`);
    writeFileSync(log, `${lines.join("\n")}\n`);
    expect((await runCli([...ingestArgv(database, [log], "--batch-size", "1")])).status).toBe(0);
    const search = (...argv: string[]) => runCli(["search", "--db", database, "--count", "(a+)+b", ...argv]);
    const startedMs = performance.now();
    expect(await search("--timeout", "0")).toMatchObject({ status: 1, stdout: "0\n" });
    const wholeSeconds = (performance.now() - startedMs) / 1000;
    // A third of what all blocks take is far more than one of thirty does.
    const limit = `${Math.ceil((wholeSeconds / 3) * 1000)}ms`;
    expect(await search("--timeout", limit)).toMatchObject({ status: 1, stdout: "0\n" });
  });
});

function start(argv: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, [PROGRAM, ...argv], {
    env: { ...process.env, TZ: "UTC", ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** The exit status and the signal that ended it. */
async function endBy(started: ChildProcess, signal: NodeJS.Signals): Promise<readonly [number | null, string | null]> {
  const ended = once(started, "exit", { signal: AbortSignal.timeout(MOST_MS) });
  started.kill(signal);
  try {
    return (await ended) as [number | null, string | null];
  } finally {
    started.kill("SIGKILL");
  }
}

/** Keeps others from writing to the database and from reading it; returns what ends that. */
function holdDatabase(): () => void {
  const database = new Database(DB);
  database.pragma("locking_mode = EXCLUSIVE");
  database.exec("BEGIN EXCLUSIVE; CREATE TABLE held (n)");
  return () => {
    database.exec("ROLLBACK");
    database.close();
  };
}

function scripts(programs: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(FOLDER, "bin-"));
  for (const [name, script] of Object.entries(programs)) writeFileSync(join(folder, name), script, { mode: 0o755 });
  return folder;
}

/** The processes below it of which the command line matches, as soon as there is one. */
async function untilChild({ pid }: ChildProcess, command: RegExp): Promise<readonly number[]> {
  return untilSome(() =>
    descendantsOf(pid ?? 0).filter((child) => command.test(commandOf(child)) && !/^\/bin\/sh/.test(commandOf(child))),
  );
}

/** Until it has used no time of the processor for a while. */
async function untilWaiting({ pid }: ChildProcess): Promise<void> {
  const used = (): string =>
    statusOf(pid ?? 0)
      .slice(11, 13)
      .join(" ");
  for (let [before, same] = ["", 0]; same < 5; await pause(100)) {
    const now = used();
    same = now === before ? same + 1 : 0;
    before = now;
  }
}

async function untilRows(database: string): Promise<void> {
  await untilSome(() => {
    if (!existsSync(database)) return [];
    const open = new Database(database, { readonly: true });
    try {
      return open.prepare("SELECT id FROM raw_blocks").all();
    } catch {
      // The tables do not exist yet.
      return [];
    } finally {
      open.close();
    }
  });
}

async function untilGone(processes: readonly number[]): Promise<void> {
  await untilSome(() => (processes.some((one) => existsSync(`/proc/${one}`)) ? [] : [true]));
}

async function untilSome<Thing>(look: () => readonly Thing[]): Promise<readonly Thing[]> {
  for (let waitedMs = 0; waitedMs < MOST_MS; waitedMs += 20) {
    const found = look();
    if (found.length > 0) return found;
    await pause(20);
  }
  throw new Error("It has not come to that.");
}

function descendantsOf(parent: number): number[] {
  const children = readdirSync("/proc")
    .map(Number)
    .filter((one) => one > 0 && Number(statusOf(one)[1]) === parent);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Fields of proc(5) behind the name of the program: its state, its parent. */
function statusOf(processId: number): readonly string[] {
  try {
    const text = readFileSync(`/proc/${processId}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}

function commandOf(processId: number): string {
  try {
    return readFileSync(`/proc/${processId}/cmdline`, "latin1").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
