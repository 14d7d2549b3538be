/** Every command whose answer cannot be printed says so; a reader that goes away, and a standard error that takes nothing, change nothing. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { COMMAND_NAMES } from "../support/commands.ts";
import { FIXTURES } from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/exim-pilot.js", import.meta.url));
const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
const BACKUPS = join(FOLDER, "made");
const LOG = join(FIXTURES, "corpus", "default", "mainlog");
const SPOOL = join(FIXTURES, "queue", "default");
const MESSAGE = join(FIXTURES, "content", "invoice.eml");
const ID = "1vx5YS-0006QZ-1J";

/** Arguments with which a command prints, without those of the database; the others print without any. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  setup: ["--dry-run", LOG],
  ingest: [LOG],
  trace: [ID],
  search: ["--csv"],
  tail: ["--no-follow", "-n", "1000"],
  queue: ["--spool", SPOOL, "--csv"],
  content: ["--file", MESSAGE],
  incidents: ["--json"],
  tag: ["--json"],
  note: [],
  users: ["--json"],
  notify: ["--json"],
  stats: ["series", "--csv"],
  export: ["--raw", "1"],
  sql: ["SELECT * FROM log_entries"],
  verify: ["--quick"],
  rebuild: ["--dry-run"],
  parse: [LOG],
  prune: ["--status"],
  backup: ["--list", BACKUPS],
  restore: ["--dry-run", "BACKUP"],
  migrate: ["--status"],
  completion: ["bash"],
  help: ["statuses"],
};
const WITHOUT_DATABASE: ReadonlySet<string> = new Set(["setup", "parse", "completion", "help"]);

beforeAll(async () => {
  await makeGoldenDatabase(DB);
  expect(await runCli(["backup", "--db", DB, BACKUPS])).toMatchObject({ status: 0 });
});
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

function argvOf(name: string): readonly string[] {
  const backup = readdirSync(BACKUPS).find((file) => file.endsWith(".db")) ?? "";
  const words = (ARGUMENTS[name] ?? []).map((word) => (word === "BACKUP" ? join(BACKUPS, backup) : word));
  return [name, ...words, ...(WITHOUT_DATABASE.has(name) ? [] : ["--db", DB])];
}

const NAMES = COMMAND_NAMES;
const OTHERS = [["--help"], ["--version"], ["trace", "--help"], ["help", "trace"], ["completion", "bash"]];
const ALL = [...NAMES.map((name) => [name]), ...OTHERS];

function argvFor(words: readonly string[]): readonly string[] {
  const [name = ""] = words;
  return words.length === 1 && NAMES.includes(name) ? argvOf(name) : words;
}

test("arguments are those of commands that are there", () => {
  expect(Object.keys(ARGUMENTS).filter((name) => !NAMES.includes(name))).toEqual([]);
});

interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Each is a file descriptor, or a pipe that is read, or one whose reader has gone. */
type End = number | "read" | "closed";

async function run(argv: readonly string[], stdout: End, stderr: End): Promise<Run> {
  const [out, err] = [stdout, stderr].map((end) => (typeof end === "number" ? end : ("pipe" as const)));
  const child = spawn(process.execPath, [PROGRAM, ...argv], { stdio: ["ignore", out, err] });
  if (stdout === "closed") child.stdout?.destroy();
  if (stderr === "closed") child.stderr?.destroy();
  const [printed, told, [status]] = await Promise.all([
    stdout === "read" && child.stdout !== null ? text(child.stdout) : "",
    stderr === "read" && child.stderr !== null ? text(child.stderr) : "",
    once(child, "exit") as Promise<[number | null]>,
  ]);
  return { status, stdout: printed, stderr: told };
}

async function withDescriptor<Result>(
  path: string,
  flags: "r" | "w",
  action: (descriptor: number) => Promise<Result>,
): Promise<Result> {
  const descriptor = openSync(path, flags);
  try {
    return await action(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const FAILURE = /^error: Standard output cannot be written: [^\n]+ \((\w+)\)\.\nhint: [^\n]+\.\n$/;

describe("standard output that cannot be written is exit 3 and one sentence", () => {
  test.each(ALL)("on a full disk: %s %s", async (...words) => {
    const { status, stderr } = await withDescriptor("/dev/full", "w", (full) => run(argvFor(words), full, "read"));
    expect({ status, code: FAILURE.exec(withoutNotes(stderr))?.[1], stderr }).toMatchObject({
      status: 3,
      code: "ENOSPC",
    });
  });

  test("where it is open for reading only, or a directory", async () => {
    for (const [place, code] of [
      ["/dev/null", "EBADF"],
      [FOLDER, "EBADF"],
    ] as const) {
      const { status, stderr } = await withDescriptor(place, "r", (end) => run(argvOf("stats"), end, "read"));
      expect({ status, code: FAILURE.exec(stderr)?.[1] }, place).toEqual({ status: 3, code });
    }
  });

  test("and standard error that cannot be written either: still exit 3", async () => {
    const { status } = await withDescriptor("/dev/full", "w", (full) => run(argvOf("stats"), full, full));
    expect(status).toBe(3);
  });
});

test.each(["stats", "search", "sql", "export", "help", "completion"])(
  "a reader that has gone is no failure: %s",
  async (name) => {
    expect(await run(argvOf(name), "closed", "read")).toMatchObject({ status: 0, stderr: "" });
  },
);

describe("standard error that cannot be written changes nothing", () => {
  test.each([
    ["an answer", ["stats", "--db", DB], 0],
    ["an answer that is no", ["trace", "--db", DB, "1vwz8c-0005eI-2R"], 1],
    ["a wrong flag", ["stats", "--frobnicate"], 2],
    ["a database that is not there", ["stats", "--db", join(FOLDER, "none.db")], 3],
    ["logs that are read", ["ingest", "--db", join(FOLDER, "unheard.db"), LOG], 0],
  ])("%s", async (_what, argv, expected) => {
    const heard = await run(argv, "read", "read");
    expect(heard.status).toBe(expected);
    const closed = await run(argv, "read", "closed");
    const full = await withDescriptor("/dev/full", "w", (end) => run(argv, "read", end));
    for (const { status, stdout } of [closed, full])
      expect({ status, hasAnswer: stdout !== "" }).toEqual({ status: expected, hasAnswer: heard.stdout !== "" });
  });
});

/** Notes may stand above the error. */
function withoutNotes(stderr: string): string {
  return stderr.replaceAll(/^note: .*\n/gm, "");
}
