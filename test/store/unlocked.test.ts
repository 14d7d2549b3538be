/** Readers that make no file: what they see, and that nothing they say is wrong when somebody writes meanwhile. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { openForReading } from "../../src/store/database/connection.ts";
import { isUnlocked, openUnlocked } from "../../src/store/database/unlocked.ts";
import { fileName } from "../../src/store/files/file-name.ts";
import { openWriter } from "../../src/store/store.ts";
import { storeSettings, temporaryFolder, withReader, withWriter } from "../support/database.ts";
import { thrownBy } from "../support/pilot-error.ts";

const COUNT = "SELECT count(*) FROM strings";

/** Texts that are in the file of the database, and those that are in its log only. */
const [SETTLED, IN_LOG] = [3, 2];

/** Files that may lie beside a database, and whether SQLite's locks work there for a user who may write to the directory. */
const STATES: readonly (readonly [what: string, texts: number, isLocked: boolean, make: (path: string) => void])[] = [
  ["an empty -wal and a -shm, as a writer leaves them", SETTLED, true, (path) => makeSettled(path)],
  ["no -wal and no -shm", SETTLED, false, (path) => remove(makeSettled(path), "-wal", "-shm")],
  ["an empty -wal and no -shm", SETTLED, false, (path) => remove(makeSettled(path), "-shm")],
  ["a -shm and no -wal", SETTLED, false, (path) => remove(makeSettled(path), "-wal")],
  ["a -wal with content and a -shm, as after a kill", SETTLED + IN_LOG, true, (path) => makeHot(path)],
  ["a -wal with content and no -shm", SETTLED + IN_LOG, true, (path) => remove(makeHot(path), "-shm")],
  ["a -wal with content and an empty -shm", SETTLED + IN_LOG, true, (path) => truncateSync(`${makeHot(path)}-shm`)],
  ["a -wal that was cut in its last write", SETTLED, true, (path) => remove(cutLog(makeHot(path)), "-shm")],
  ["no log at all, of a database that keeps none", SETTLED, true, (path) => makeWithoutLog(path)],
];

describe.each(STATES)("beside a database: %s; a reader", (_what, texts, isLocked, make) => {
  test("sees all that was committed, and leaves every file as it was", async () => {
    const path = join(temporaryFolder(), "mail.db");
    make(path);
    const before = contentOf(dirname(path));
    await withReader(path, async ({ queries }) => {
      expect([...queries.run(COUNT, {}).rows]).toEqual([[texts]]);
    });
    const after = contentOf(dirname(path));
    // NOTE: the -shm is an index, which SQLite makes anew when a log with content has none or nobody uses it.
    const isIndexNeeded = (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
    const index = isIndexNeeded || "mail.db-shm" in before ? { "mail.db-shm": expect.any(String) } : {};
    expect(after).toEqual({ ...before, ...index });
  });

  test(`${isLocked ? "uses" : "does without"} SQLite's locks`, () => {
    const path = join(temporaryFolder(), "mail.db");
    make(path);
    const database = openForReading(path, 0);
    expect(isUnlocked(database)).toBe(!isLocked);
    database.close();
  });

  test("sees it through a symbolic link too", async () => {
    const path = join(temporaryFolder(), "mail.db");
    make(path);
    const link = join(temporaryFolder(), "link.db");
    symlinkSync(path, link);
    await withReader(link, async ({ queries }) => {
      expect([...queries.run(COUNT, {}).rows]).toEqual([[texts]]);
    });
    expect(readdirSync(dirname(link))).toEqual(["link.db"]);
  });
});

test("an interrupted write that a reader cannot undo is said to be one", () => {
  for (const prepare of [makeWithoutLog, (path: string) => remove(makeSettled(path), "-wal", "-shm")]) {
    const path = join(temporaryFolder(), "mail.db");
    prepare(path);
    const [place, copy] = [join(dirname(path), "hot.db"), `${path}.copy`];
    copyFileSync(path, place);
    const writer = new Database(place);
    writer.pragma("journal_mode = DELETE");
    writer.pragma("cache_size = 1");
    writer.exec("BEGIN");
    addTexts(writer, 500);
    copyFileSync(path, copy);
    copyFileSync(`${place}-journal`, `${copy}-journal`);
    if (prepare === makeWithoutLog) copyFileSync(place, copy);
    writer.close();
    expect(thrownBy(() => openForReading(copy, 0))).toMatchObject({
      code: "read_only",
      message: expect.stringContaining("was interrupted"),
    });
  }
});

test("a write that was interrupted before it changed anything, which its journal of zeros tells, keeps no reader out", () => {
  const path = makeSettled(join(temporaryFolder(), "mail.db"));
  remove(path, "-wal", "-shm");
  writeFileSync(`${path}-journal`, Buffer.concat([Buffer.alloc(512), Buffer.alloc(4104, 1)]));
  const database = openForReading(path, 0);
  expect(database.prepare("SELECT count(*) FROM sqlite_schema").pluck().get()).toBeGreaterThan(0);
  database.close();
  expect(readdirSync(dirname(path)).sort()).toEqual(["mail.db", "mail.db-journal"]);
});

/** Steps of another program, while a reader reads without locks; the last of its connections removes the log. */
const STEPS = {
  write: (database: Database.Database) => addTexts(database, 100),
  erase: (database: Database.Database) => database.exec("DELETE FROM strings WHERE id % 2 = 0"),
  checkpoint: (database: Database.Database) => database.pragma("wal_checkpoint(RESTART)"),
} as const;

type Step = keyof typeof STEPS | "close";

function* sequencesOf(length: number): Generator<readonly Step[]> {
  if (length === 0) yield [];
  else {
    for (const first of ["write", "erase", "checkpoint", "close"] as const) {
      for (const rest of sequencesOf(length - 1)) yield [first, ...rest];
    }
  }
}

test("a database that is read without locks while another program writes is answered for as it was, or not at all", () => {
  const outcomes = { same: 0, takenBack: 0 };
  const original = makeSettled(join(temporaryFolder(), "mail.db"), 400);
  for (const steps of sequencesOf(3)) {
    const path = join(temporaryFolder(), "mail.db");
    copyFileSync(original, path);
    const outcome = readWhile(path, steps);
    outcomes[outcome]++;
    const isWritten = /(write|erase),(.*,)?(checkpoint|close)/.test(steps.join());
    if (isWritten) expect(outcome, steps.join()).toBe("takenBack");
    if (!/write|erase/.test(steps.join())) expect(outcome, steps.join()).toBe("same");
  }
  expect(outcomes.same).toBeGreaterThan(3);
  expect(outcomes.takenBack).toBeGreaterThan(30);
});

test("a log that another program may be about to use is never opened without locks by one who could remove it", () => {
  const path = remove(makeHot(join(temporaryFolder(), "mail.db")), "-shm");
  const before = contentOf(dirname(path));
  expect(thrownBy(() => openUnlocked(path)).code).toBe("busy");
  expect(contentOf(dirname(path))).toEqual(before);
});

function readWhile(path: string, steps: readonly Step[]): "same" | "takenBack" {
  const database = openForReading(path, 0);
  expect(isUnlocked(database)).toBe(true);
  // NOTE: nearly nothing is kept in memory, so that each question looks into the file.
  database.pragma("cache_size = 1");
  const ask = () => database.prepare("SELECT id, text FROM strings ORDER BY id").all();
  const first = ask();
  const takesBack: boolean[] = [];
  let writer: Database.Database | undefined;
  for (const step of steps) {
    if (step === "close") {
      writer?.close();
      writer = undefined;
    } else {
      writer ??= new Database(path);
      STEPS[step](writer);
    }
    takesBack.push(isDeepEqual(first, attempt(ask)));
  }
  try {
    database.close();
  } catch (error) {
    expect(error).toMatchObject({ code: "busy", message: expect.stringContaining("was written to while") });
    return "takenBack";
  } finally {
    writer?.close();
  }
  expect(
    takesBack.every((isSame) => isSame),
    steps.join(),
  ).toBe(true);
  return "same";
}

function attempt(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

function isDeepEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

describe("a writer", () => {
  test("leaves an empty -wal and a -shm with the rights of the database, also of one whose rights were changed", async () => {
    const path = join(temporaryFolder(), "mail.db");
    await withWriter(path, () => {});
    chmodSync(path, 0o640);
    openWriter(storeSettings(path)).close();
    const modes = ["", "-wal", "-shm"].map((ending) => (statSync(path + ending).mode & 0o777).toString(8));
    expect(modes).toEqual(["640", "640", "640"]);
    expect(statSync(`${path}-wal`).size).toBe(0);
  });

  test("is not waited for by a reader, nor the other way round, when it closes", async () => {
    const path = join(temporaryFolder(), "mail.db");
    makeSettled(path);
    const reader = openForReading(path, 0);
    reader.exec("BEGIN");
    expect(reader.prepare(COUNT).pluck().get()).toBe(SETTLED);
    await withWriter(path, (writer) => writer.write((transactor) => transactor.string("more")));
    expect(reader.prepare(COUNT).pluck().get()).toBe(SETTLED);
    reader.close();
    // The log that the reader needed is emptied by the next writer.
    await withWriter(path, () => {});
    expect(readFileSync(`${path}-wal`).length).toBe(0);
  });
});

/** Names that a URI, or the driver, would take for something else. */
const NAMES = [
  ":memory:",
  "file:x.db",
  "file:x.db?mode=memory",
  "a?b#c%41&d=e.db",
  " lead.db",
  "trail.db ",
  "%00.db",
  'müller\'s "mail".db',
  "line\nbreak.db",
];

test.each(NAMES)("%j is the name of a file, however it is opened", async (name) => {
  const folder = temporaryFolder();
  const path = join(folder, name);
  makeSettled(path);
  for (const endings of [[], ["-shm"], ["-wal"]]) {
    remove(path, ...endings);
    const database = openForReading(path, 0);
    expect(database.prepare(COUNT).pluck().get()).toBe(SETTLED);
    expect(database.prepare("SELECT file FROM pragma_database_list").pluck().get()).toBe(path);
    database.close();
  }
  expect(readdirSync(folder)).toEqual([name]);
});

test("a name is a file's whatever it begins with, and a plain one stays as it is", () => {
  expect(fileName("mail.db")).toBe("mail.db");
  for (const name of NAMES.filter((one) => /^(:memory:|file:| )| $/.test(one))) {
    expect(fileName(name)).toMatch(/^file:\/\/\//);
  }
});

function makeSettled(path: string, texts: number = SETTLED): string {
  const writer = openWriter(storeSettings(path));
  writer.write((transactor) => {
    for (let index = 0; index < texts; index++) transactor.string(`text ${index} ${"x".repeat(100)}`);
  });
  writer.close();
  return path;
}

/** With a log as a killed writer leaves it. */
function makeHot(path: string, texts: number = SETTLED): string {
  const place = join(temporaryFolder(), "other.db");
  makeSettled(place, texts);
  const writer = new Database(place);
  addTexts(writer, IN_LOG);
  for (const ending of ["", "-wal", "-shm"]) copyFileSync(place + ending, path + ending);
  writer.close();
  return path;
}

function cutLog(path: string): string {
  truncateSync(`${path}-wal`, readFileSync(`${path}-wal`).length - 100);
  return path;
}

function makeWithoutLog(path: string): string {
  makeSettled(path);
  const database = new Database(path);
  database.pragma("journal_mode = DELETE");
  database.close();
  return path;
}

function addTexts(database: Database.Database, count: number): void {
  const insert = database.prepare("INSERT INTO strings (text) VALUES (?)");
  const first = database.prepare("SELECT coalesce(max(id), 0) FROM strings").pluck().get() as number;
  database.exec("SAVEPOINT adding");
  for (let index = 1; index <= count; index++) insert.run(`added ${first + index} ${"y".repeat(100)}`);
  database.exec("RELEASE adding");
}

function remove(path: string, ...endings: readonly string[]): string {
  for (const ending of endings) rmSync(path + ending);
  return path;
}

function contentOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder).map((name) => [
      name,
      createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex"),
    ]),
  );
}
