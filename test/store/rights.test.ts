/** Writer and reader as two users of one group, in any order, and readers on a read-only file system. */
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { PLAIN_QUESTIONS } from "../support/commands.ts";
import { SMALL_LOGS } from "../support/small-log.ts";
import {
  GROUP,
  type Place,
  READER,
  runAllAs,
  runAs,
  runModuleAs,
  sharedFolder,
  startAs,
  WRITER,
  whyNotAsOthers,
  whyNotReadOnly,
} from "../support/users.ts";

const ADMINISTRATOR = 0;
const ID = "1vwwZU-0005V4-1s";
const LOG = SMALL_LOGS.main.toString();
/** Lines of a second log; enough for the run to store some before its end. */
const MORE = Array.from({ length: 3000 }, (_, index) => `2026-03-03 06:16:00 Start queue run: pid=${index}\n`).join("");

const [noOthers, noMounts] = [whyNotAsOthers(), whyNotReadOnly()];
if (noOthers !== undefined) test.skip(`readers and writers of two users were not tried: ${noOthers}`);
else if (noMounts !== undefined) test.skip(`a read-only file system was not tried: ${noMounts}`);

describe.skipIf(noOthers !== undefined)("a reader of the group", () => {
  test.each([0o022, 0o077])("is let in by a writer with umask %o, first or after it, and makes nothing", (umask) => {
    const path = makeDatabase({ umask });
    expect(runAs(READER, ["sources", "--db", path]).stderr).toContain("cannot be read");
    chmodSync(path, 0o640);
    expect(runAs(WRITER, ["servers", "set", "mx1", "--owner", "kim", "--db", path], { umask }).status).toBe(0);
    expect(rightsBeside(path)).toEqual(["640", "640-shm", "640-wal"]);
    expectAnswers(path);
    for (const ending of ["-wal", "-shm"]) rmSync(path + ending);
    expectAnswers(path);
    expect(readdirSync(join(path, ".."))).toEqual(["mail.db", "main.log"]);
    expect(runAs(WRITER, ["servers", "set", "mx1", "--owner", "lee", "--db", path], { umask }).status).toBe(0);
    expectAnswers(path);
  });

  test("is let in by the administrator as a writer too", () => {
    const path = makeDatabase({});
    chmodSync(path, 0o640);
    expect(runAs(ADMINISTRATOR, ["servers", "set", "mx1", "--owner", "kim", "--db", path]).status).toBe(0);
    expect(rightsBeside(path)).toEqual(["640", "640-shm", "640-wal"]);
    expectAnswers(path);
    expect(runAs(WRITER, ["servers", "set", "mx1", "--owner", "lee", "--db", path]).stderr).toBe("");
  });

  test("gets an answer from every command that only reads", () => {
    const path = makeDatabase({});
    chmodSync(path, 0o640);
    expect(runAs(WRITER, ["servers", "set", "mx1", "--owner", "kim", "--db", path]).status).toBe(0);
    for (const state of ["as it was left", "without what is beside it"]) {
      expectAllAnswers(READER, path, state);
      for (const ending of ["-wal", "-shm"]) rmSync(path + ending, { force: true });
    }
    expect(readdirSync(join(path, ".."))).toEqual(["mail.db", "main.log"]);
  });

  test("reads while the writer writes, and what it stored when it was killed", async () => {
    const path = makeDatabase({});
    chmodSync(path, 0o640);
    const lines = storedLines(path);
    await withKilledWriter(path, async () => {
      expect(storedLines(path)).toBeGreaterThan(lines);
      expect(rightsBeside(path)).toEqual(["640", "640-shm", "640-wal"]);
    });
    const hot = storedLines(path);
    expect(hot).toBeGreaterThan(lines);
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
    const before = contentOf(path);
    const states: readonly (() => void)[] = [
      () => {},
      () => chmodSync(`${path}-shm`, 0o600),
      () => rmSync(`${path}-shm`),
    ];
    for (const change of states) {
      change();
      expect(storedLines(path)).toBe(hot);
      // NOTE: the administrator may read everything, and on a read-only file system even he can write nothing.
      if (noMounts === undefined) expect(storedLines(path, ADMINISTRATOR, { readOnly: join(path, "..") })).toBe(hot);
    }
    expect(contentOf(path)).toEqual(before);
    expect(existsSync(`${path}-shm`)).toBe(false);
    chmodSync(`${path}-wal`, 0o600);
    expect(runAs(READER, ["sources", "--db", path]).stderr).toContain("newest content of the database");
    expect(runAs(WRITER, ["servers", "set", "mx1", "--owner", "kim", "--db", path]).status).toBe(0);
    expect(storedLines(path)).toBe(hot);
    expect(rightsBeside(path)).toEqual(["640", "640-shm", "640-wal"]);
  });

  test("that reads a log without locks takes its answer back when a writer has used that log", async () => {
    for (const isUsed of [false, true]) {
      const path = makeDatabase({});
      chmodSync(path, 0o640);
      await withKilledWriter(path, async () => {});
      rmSync(`${path}-shm`);
      const reader = runModuleAs(READER, READING, [path]);
      const said = createInterface({ input: reader.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
      expect((await said.next()).value).toBe("unlocked 1");
      if (isUsed) expect(runAs(WRITER, ["servers", "set", "mx1", "--owner", "kim", "--db", path]).status).toBe(0);
      reader.stdin?.end("go on\n");
      expect((await said.next()).value).toBe(isUsed ? "busy" : "closed");
      expect(existsSync(`${path}-wal`)).toBe(true);
    }
  });
});

describe.skipIf(noOthers !== undefined || noMounts !== undefined)("on a read-only file system", () => {
  test.each([
    ["as the writer left it", []],
    ["without what is beside it", ["-wal", "-shm"]],
    ["with an empty -wal", ["-shm"]],
  ])("a database %s is read by anybody who may read it", (_what, removed) => {
    const path = makeDatabase({});
    for (const ending of removed) rmSync(path + ending);
    const place = { readOnly: join(path, "..") };
    for (const user of [ADMINISTRATOR, WRITER]) expectAllAnswers(user, path, String(user), place);
    const refused = runAs(WRITER, ["servers", "set", "mx1", "--owner", "kim", "--db", path], place);
    expect({ status: refused.status, says: refused.stderr }).toEqual({
      status: 3,
      says: expect.stringContaining("cannot be written"),
    });
  });
});

/** Prints how the database was opened and what is in it, waits for a line, asks again, and prints how it ended. */
const READING = `
  import { once } from "node:events";
  import { openForReading } from "./src/store/database/connection.ts";
  import { isUnlocked } from "./src/store/database/unlocked.ts";
  process.env.SQLITE_USE_URI = "1";
  const database = openForReading(process.argv[1], 0);
  const ask = () => database.prepare("SELECT count(*) FROM stored_servers").pluck().get();
  console.log(isUnlocked(database) ? "unlocked" : "locked", ask());
  await once(process.stdin, "data");
  ask();
  try {
    database.close();
    console.log("closed");
  } catch (error) {
    console.log(error.code);
  }`;

/** A database of the writer's with one small log. */
function makeDatabase(place: Place): string {
  const folder = sharedFolder();
  const log = join(folder, "main.log");
  writeFileSync(log, LOG);
  chownSync(log, WRITER, GROUP);
  const path = join(folder, "mail.db");
  const argv = ["ingest", "--quiet", "--server", "mx1", "--timezone", "UTC", "--db", path, log];
  expect(runAs(WRITER, argv, place)).toMatchObject({ status: 0, stderr: "" });
  return path;
}

/** Kills the writer when it has stored something and `action` is done. */
async function withKilledWriter(path: string, action: () => Promise<void>): Promise<void> {
  const argv = ["ingest", "--quiet", "--server", "mx1", "--timezone", "UTC", "--batch-size", "100", "--db", path, "-"];
  const child = startAs(WRITER, argv);
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = once(child, "exit");
  child.stdin?.write(MORE);
  while ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0) {
    expect(child.exitCode).toBe(null);
    await pause(20);
  }
  await action();
  child.kill("SIGKILL");
  await ended;
}

function storedLines(path: string, user: number = READER, place: Place = {}): number {
  const { status, stdout, stderr } = runAs(user, ["sources", "--json", "--db", path], place);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return linesOf(stdout);
}

function linesOf(json: string): number {
  const { sources } = JSON.parse(json) as { sources: { lines: number }[] };
  return sources.reduce((sum, { lines }) => sum + lines, 0);
}

/** Expects answers to a few questions, which change nothing. */
function expectAnswers(path: string): void {
  const before = contentOf(path);
  const [sources, trace] = runAllAs(READER, [
    ["sources", "--json", "--db", path],
    ["trace", ID, "--db", path],
  ]);
  expect(sources).toMatchObject({ status: 0, stderr: "" });
  expect(linesOf(sources?.stdout ?? "")).toBe(LOG.split("\n").length - 1);
  expect(trace).toMatchObject({ status: 0, stdout: expect.stringContaining(ID), stderr: "" });
  expect(contentOf(path)).toEqual(before);
}

/** Every command that only reads. */
const READERS: readonly (readonly string[])[] = [
  // NOTE: doctor is asked below, and nothing is on the queue.
  ...PLAIN_QUESTIONS.filter((name) => name !== "doctor" && name !== "queue").map((name) => [name]),
  ["trace", ID],
  ["tail", "--no-follow"],
  ["queue", "health"],
  ["servers"],
  ["note"],
  ["users"],
  ["incidents"],
  ["notify", "stats"],
  ["prune", "--status"],
  ["migrate", "--status"],
];

/** `state`: of the database, as it is named in a failure. */
function expectAllAnswers(user: number, path: string, state: string, place: Place = {}): void {
  const doctor = ["doctor", "--json", "--db", path];
  const printed = runAllAs(user, [...READERS.map((argv) => [...argv, "--db", path]), doctor], place);
  const examined = printed.pop();
  expect(
    printed.map(({ status, stderr }, index) => ({ argv: READERS[index], status, stderr })),
    state,
  ).toEqual(READERS.map((argv) => ({ argv, status: 0, stderr: "" })));
  for (const [index, { stdout }] of printed.entries()) expect(stdout, `${READERS[index]?.[0]} ${state}`).not.toBe("");
  const { findings } = JSON.parse(examined?.stdout ?? "") as { findings: { check: string; verdict: string }[] };
  const about = findings.filter(({ check }) => ["rights", "soundness", "schema"].includes(check));
  expect(
    about.map(({ verdict }) => verdict),
    state,
  ).toEqual(["ok", "ok", "ok"]);
}

function rightsBeside(path: string): string[] {
  const { uid, gid } = statSync(path);
  expect({ uid, gid }).toEqual({ uid: WRITER, gid: GROUP });
  return ["", "-shm", "-wal"].map((ending) => {
    const file = statSync(path + ending);
    expect({ ending, uid: file.uid, gid: file.gid }).toEqual({ ending, uid, gid });
    return (file.mode & 0o777).toString(8) + ending;
  });
}

/** Bytes of the database and its log. */
function contentOf(path: string): readonly (string | undefined)[] {
  return ["", "-wal"].map((ending) =>
    existsSync(path + ending) ? readFileSync(path + ending).toString("base64") : undefined,
  );
}
