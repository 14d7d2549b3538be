import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { build } from "esbuild";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { openForWriting } from "../../src/store/database/connection.ts";
import { inspectSchema, loadMigrations, type Migration, migrate } from "../../src/store/database/migrations.ts";
import type { StoreSettings } from "../../src/store/database/settings.ts";
import { unfinishedName } from "../../src/store/files/remains.ts";
import { migrateStore, openReader, openWriter } from "../../src/store/store.ts";
import { NOW, SCHEMA_DIRECTORY, storeSettings, temporaryFolder, withWriter } from "../support/database.ts";
import { thrownBy } from "../support/pilot-error.ts";
import { queryAll } from "../support/views.ts";

const RELEASED = loadMigrations(SCHEMA_DIRECTORY);
const LATEST = RELEASED.steps.at(-1)?.version ?? 0;

describe("the migrations that are released", () => {
  test("are numbered from 1 without a gap and without a number given twice", () => {
    expect(RELEASED.steps.map(({ version }) => version)).toEqual(RELEASED.steps.map((_, index) => index + 1));
  });

  test("are all the files of their folder but the views", () => {
    expect(readdirSync(SCHEMA_DIRECTORY).filter((file) => file.endsWith(".sql"))).toHaveLength(
      RELEASED.steps.length + 1,
    );
  });
});

describe("loadMigrations", () => {
  test("orders by number and leaves other files out", () => {
    const schemaDirectory = join(temporaryFolder(), "schema");
    mkdirSync(schemaDirectory);
    const files = ["0010_ten.sql", "0002_two_a.sql", "0001_initial.sql", "views.sql", "3_three.sql", "0004_x.sql.orig"];
    for (const file of files) writeFileSync(join(schemaDirectory, file), `-- ${file}`);
    const { steps, views } = loadMigrations(schemaDirectory);
    expect(steps.map(({ version, name, sql }) => [version, name, sql])).toEqual([
      [1, "initial", "-- 0001_initial.sql"],
      [2, "two_a", "-- 0002_two_a.sql"],
      [10, "ten", "-- 0010_ten.sql"],
    ]);
    expect(views.sql).toBe("-- views.sql");
    expect(new Set(steps.map(({ sha256 }) => sha256)).size).toBe(3);
  });
});

describe("with the sums that the build states", () => {
  /** The released schema in a folder of its own, with its sums as the program has them when it is built. */
  function builtSchema(): string {
    const folder = join(temporaryFolder(), "schema");
    cpSync(SCHEMA_DIRECTORY, folder, { recursive: true });
    const files = readdirSync(folder).filter((file) => file.endsWith(".sql"));
    const sumOf = (file: string) =>
      createHash("sha256")
        .update(readFileSync(join(folder, file)))
        .digest("hex");
    vi.stubGlobal("SCHEMA_SUMS", Object.fromEntries(files.map((file) => [file, sumOf(file)])));
    onTestFinished(() => {
      vi.unstubAllGlobals();
    });
    return folder;
  }

  test("the migrations are the same, and a new file is made of them", () => {
    const schemaDirectory = builtSchema();
    const plain = ({ version, name, sql, sha256 }: Migration): unknown => ({ version, name, sql, sha256 });
    const built = loadMigrations(schemaDirectory);
    expect(built.steps.map(plain)).toEqual(RELEASED.steps.map(plain));
    expect(built.views.sql).toBe(RELEASED.views.sql);
    const path = newPath();
    migrateStore({ ...storeSettings(path), schemaDirectory }, { dryRun: false });
    expect(history(path)).toMatchObject(RELEASED.steps.map(({ sha256 }) => ({ sha256 })));
  });

  test("no text is read of a file that has all migrations, and an edited one is refused when it is needed", () => {
    const schemaDirectory = builtSchema();
    const settings = { ...storeSettings(newPath()), schemaDirectory };
    migrateStore(settings, { dryRun: false });
    const edited = join(schemaDirectory, "0001_initial.sql");
    writeFileSync(edited, "SELECT 1;");
    openReader(settings).close();
    expect(thrownBy(() => migrateStore({ ...settings, path: newPath() }, { dryRun: false }))).toMatchObject({
      code: "migration",
      message: `The schema file "${edited}" was changed after the release.`,
    });
  });
});

describe("a new file", () => {
  test("gets every migration, its record and the views", () => {
    const path = newPath();
    const report = migrateStore(storeSettings(path), { dryRun: false });
    expect(report).toEqual({
      path,
      before: 0,
      latest: LATEST,
      migrations: RELEASED.steps.map(({ version, name }) => `${String(version).padStart(4, "0")}_${name}`),
      viewsChanged: true,
      isApplied: true,
      parserVersions: [],
      prunedLogs: 0,
    });
    expect(history(path)).toEqual(
      RELEASED.steps.map(({ version, name, sha256 }) => ({
        version,
        name,
        sha256,
        applied_ms: NOW,
        program: "0.0.0-test",
      })),
    );
    expect(namesOf(path, "view").length).toBeGreaterThan(5);
    expect(versionOf(path)).toBe(LATEST);
    openReader(storeSettings(path)).close();
  });

  test("may be there already, empty", () => {
    const path = newPath();
    writeFileSync(path, "");
    openWriter(storeSettings(path)).close();
    expect(versionOf(path)).toBe(LATEST);
  });

  test("is readable by its owner only, and so is what SQLite keeps beside it", async () => {
    const path = newPath();
    const modes = await withWriter(path, (writer) => {
      writer.write((transactor) => transactor.string("something"));
      return [path, `${path}-wal`, `${path}-shm`].map((file) => (statSync(file).mode & 0o777).toString(8));
    });
    expect(modes).toEqual(["600", "600", "600"]);
  });

  test("is not made by a rehearsal, nor by a reader", () => {
    const path = newPath();
    expect(migrateStore(storeSettings(path), { dryRun: true })).toMatchObject({ before: 0, isApplied: false });
    expect(thrownBy(() => openReader(storeSettings(path))).code).toBe("io");
    expect(existsSync(path)).toBe(false);
  });
});

describe("a file that is up to date", () => {
  test("is left as it is by another run", () => {
    const path = newPath();
    migrateStore(storeSettings(path), { dryRun: false });
    const before = [history(path), schemaOf(path), bytesOf(path)];
    expect(migrateStore(storeSettings(path), { dryRun: false })).toMatchObject({
      before: LATEST,
      migrations: [],
      viewsChanged: false,
    });
    openWriter(storeSettings(path)).close();
    expect([history(path), schemaOf(path), bytesOf(path)]).toEqual(before);
  });

  test("keeps the mode its owner gave it", () => {
    const path = newPath();
    openWriter(storeSettings(path)).close();
    chmodSync(path, 0o640);
    openWriter(storeSettings(path)).close();
    expect((statSync(path).mode & 0o777).toString(8)).toBe("640");
  });
});

describe("a new database", () => {
  test("is not made where something is left that SQLite would take for a part of it", () => {
    for (const ending of ["-wal", "-journal"]) {
      const path = newPath();
      writeFileSync(path + ending, "what was written last");
      for (const make of [openWriter, (settings: StoreSettings) => migrateStore(settings, { dryRun: false })])
        expect(thrownBy(() => make(storeSettings(path)))).toMatchObject({
          code: "corrupt",
          message: expect.stringContaining(path + ending),
        });
      expect(readdirSync(join(path, ".."))).toEqual([`pilot.db${ending}`]);
      writeFileSync(path + ending, "");
      openWriter(storeSettings(path)).close();
      expect(versionOf(path)).toBe(LATEST);
    }
  });

  test("takes away what a killed maker has left, and nothing of others", () => {
    const path = newPath();
    const folder = join(path, "..");
    const nameOf = (kind: "database" | "restore", mark: string) =>
      unfinishedName(kind, { mark, isRunning: () => true });
    const [killed, running, other] = [
      nameOf("database", "0000000a-1-1"),
      nameOf("database", "0000000a-2-2"),
      nameOf("restore", "0000000a-1-1"),
    ];
    for (const name of [killed, `${killed}-journal`, running, other, "mail.db"]) writeFileSync(join(folder, name), "x");
    const processes = { mark: "0000000a-3-3", isRunning: (mark: string) => mark !== "0000000a-1-1" };
    openWriter({ ...storeSettings(path), processes: () => processes }).close();
    const kept = readdirSync(folder).filter((name) => !name.startsWith("pilot.db"));
    expect(kept.sort()).toEqual([running, other, "mail.db"].sort());
  });
});

describe("several processes at once", () => {
  test.each(["migrateStore", "openWriter"] as const)(
    "each by %s, make a new file once, and none fails",
    async (entry) => {
      const folder = temporaryFolder();
      const processes = await startMigrators(folder, entry, 4);
      for (let round = 0; round < 10; round++) {
        const path = join(folder, `${round}.db`);
        const errors = await Promise.all(processes.map((ask) => ask(path)));
        expect(errors.filter((error) => error !== "")).toEqual([]);
        expect(history(path)).toHaveLength(RELEASED.steps.length);
        openReader(storeSettings(path)).close();
      }
    },
  );

  test("may meet a file that was empty and whose maker stopped before it had made the views", () => {
    const path = newPath();
    writeFileSync(path, "");
    expect(() => openWriter(withSchema(path, { "views.sql": "CREATE VIEW x AS SELECT" }))).toThrow();
    openWriter(storeSettings(path)).close();
    expect(namesOf(path, "view").length).toBeGreaterThan(5);
  });
});

describe("a migration that fails", () => {
  const BROKEN = `
    CREATE TABLE half_done (id INTEGER PRIMARY KEY) STRICT;
    INSERT INTO strings (text) VALUES ('half done');
    INSERT INTO nowhere VALUES (1);`;

  test("leaves nothing of itself, and what was there stays", async () => {
    const path = newPath();
    await withWriter(path, (writer) => writer.write((transactor) => transactor.string("from before")));
    const before = [history(path), schemaOf(path)];
    const settings = withSchema(path, { [nextFile("broken")]: BROKEN });
    const error = thrownBy(() => migrateStore(settings, { dryRun: false }));
    expect(error).toMatchObject({ code: "migration", message: expect.stringContaining("no such table: nowhere") });
    expect(error.message).toContain(`Migration ${LATEST + 1} (broken)`);
    expect([history(path), schemaOf(path)]).toEqual(before);
    expect(versionOf(path)).toBe(LATEST);
    expect(queryAll(path, "SELECT text FROM strings")).toEqual([{ text: "from before" }]);
    openWriter(storeSettings(path)).close();
  });

  test("can be run again once it is mended", () => {
    const path = newPath();
    openWriter(storeSettings(path)).close();
    thrownBy(() => migrateStore(withSchema(path, { [nextFile("broken")]: BROKEN }), { dryRun: false }));
    const mended = withSchema(path, {
      [nextFile("mended")]: "CREATE TABLE half_done (id INTEGER PRIMARY KEY) STRICT;",
    });
    expect(migrateStore(mended, { dryRun: false }).migrations).toEqual([nextFile("mended").replace(".sql", "")]);
    expect(versionOf(path)).toBe(LATEST + 1);
    expect(namesOf(path, "table")).toContain("half_done");
  });

  test.each([nextFile("broken"), "0001_initial.sql"])("makes no new file (%s)", (file) => {
    const path = newPath();
    expect(thrownBy(() => openWriter(withSchema(path, { [file]: BROKEN }))).code).toBe("migration");
    expect(readdirSync(join(path, ".."))).toEqual([]);
    openWriter(storeSettings(path)).close();
    expect(versionOf(path)).toBe(LATEST);
  });

  test("leaves a file that was empty with the steps before it, each whole", () => {
    const path = newPath();
    writeFileSync(path, "");
    thrownBy(() => openWriter(withSchema(path, { [nextFile("broken")]: BROKEN })));
    expect(versionOf(path)).toBe(LATEST);
    expect(namesOf(path, "table")).not.toContain("half_done");
    writeFileSync(path, "");
    expect(thrownBy(() => openWriter(withSchema(path, { "0001_initial.sql": BROKEN }))).code).toBe("migration");
    expect(schemaOf(path)).toEqual([]);
    expect(versionOf(path)).toBe(0);
  });

  test("is one that leaves rows that refer to nothing", () => {
    const path = newPath();
    openWriter(storeSettings(path)).close();
    const settings = withSchema(path, {
      [nextFile("orphans")]: `
        PRAGMA defer_foreign_keys = ON;
        INSERT INTO raw_blocks (id, source_id, position, size, lines, sha256, codec, data) VALUES (1, 77, 0, 0, 0, x'', 'brotli', x'');`,
    });
    expect(thrownBy(() => migrateStore(settings, { dryRun: false })).code).toBe("migration");
    expect(queryAll(path, "SELECT id FROM raw_blocks")).toEqual([]);
    expect(versionOf(path)).toBe(LATEST);
  });
});

describe("a file that is behind", () => {
  const NEXT = { [nextFile("later")]: "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT;" };

  test("is neither read nor written before it is migrated", () => {
    const path = newPath();
    openWriter(storeSettings(path)).close();
    const settings = withSchema(path, NEXT);
    for (const open of [openReader, openWriter]) {
      const error = thrownBy(() => open(settings));
      expect(error).toMatchObject({ code: "schema_older", hint: expect.stringContaining("exim-pilot migrate") });
    }
    expect(versionOf(path)).toBe(LATEST);
  });

  test("is told by a rehearsal what is pending, and changed only by the real run", () => {
    const path = newPath();
    openWriter(storeSettings(path)).close();
    const settings = withSchema(path, NEXT);
    const migrations = [nextFile("later").replace(".sql", "")];
    expect(migrateStore(settings, { dryRun: true })).toMatchObject({ before: LATEST, migrations, isApplied: false });
    expect(versionOf(path)).toBe(LATEST);
    expect(migrateStore(settings, { dryRun: false })).toMatchObject({ before: LATEST, migrations, isApplied: true });
    openWriter(settings).close();
    openReader(settings).close();
  });
});

describe("a file of a newer program", () => {
  test.each([
    ["reading", (settings: StoreSettings) => openReader(settings)],
    ["writing", (settings: StoreSettings) => openWriter(settings)],
    ["migrating", (settings: StoreSettings) => migrateStore(settings, { dryRun: false })],
    ["rehearsing", (settings: StoreSettings) => migrateStore(settings, { dryRun: true })],
  ])("is refused when %s", (_what, action) => {
    const path = newPath();
    const newer = withSchema(path, { [nextFile("from_the_future")]: "CREATE TABLE future (id INTEGER) STRICT;" });
    migrateStore(newer, { dryRun: false });
    const before = bytesOf(path);
    const error = thrownBy(() => action(storeSettings(path)));
    expect(error.code).toBe("schema_newer");
    expect(error.message).toContain(`schema ${LATEST + 1}`);
    expect(bytesOf(path)).toBe(before);
  });
});

describe("a migration that was changed after it was applied", () => {
  test.each(["reading", "writing", "migrating"])("is noticed when %s", (what) => {
    const path = newPath();
    openWriter(storeSettings(path)).close();
    const initial = readFileSync(join(SCHEMA_DIRECTORY, "0001_initial.sql"), "utf8");
    const settings = withSchema(path, { "0001_initial.sql": `${initial}-- one more line\n` });
    const actions = {
      reading: openReader,
      writing: openWriter,
      migrating: (s: StoreSettings) => migrateStore(s, { dryRun: false }),
    };
    const error = thrownBy(() => actions[what as keyof typeof actions](settings));
    expect(error).toMatchObject({ code: "migration", message: expect.stringContaining("Migration 1 (initial)") });
  });
});

describe("the views", () => {
  test("are made anew when their file has changed, and the data stays", async () => {
    const path = newPath();
    await withWriter(path, (writer) => writer.write((transactor) => transactor.addServer("mx1", "UTC", NOW)));
    const views = readFileSync(join(SCHEMA_DIRECTORY, "views.sql"), "utf8");
    const settings = withSchema(path, {
      "views.sql": `${views.replace("CREATE VIEW sources AS", "CREATE VIEW wells AS")}\nCREATE VIEW names AS SELECT name FROM stored_servers;\n`,
    });
    expect(thrownBy(() => openReader(settings)).code).toBe("schema_older");
    expect(migrateStore(settings, { dryRun: true })).toMatchObject({ migrations: [], viewsChanged: true });
    expect(migrateStore(settings, { dryRun: false })).toMatchObject({ migrations: [], viewsChanged: true });
    expect(namesOf(path, "view")).toEqual(expect.arrayContaining(["names", "wells"]));
    // Views of users and of older versions stay.
    expect(namesOf(path, "view")).toContain("sources");
    expect(queryAll(path, "SELECT name FROM names")).toEqual([{ name: "mx1" }]);
    expect(migrateStore(settings, { dryRun: false }).viewsChanged).toBe(false);
    openReader(settings).close();
  });

  test("stay as they were when the new ones are broken", () => {
    const path = newPath();
    openWriter(storeSettings(path)).close();
    const before = schemaOf(path);
    expect(() =>
      migrateStore(withSchema(path, { "views.sql": "CREATE VIEW x AS SELECT" }), { dryRun: false }),
    ).toThrow();
    expect(schemaOf(path)).toEqual(before);
  });
});

describe("what is not ours", () => {
  const actions = [
    ["reading", (settings: StoreSettings) => openReader(settings)],
    ["writing", (settings: StoreSettings) => openWriter(settings)],
    ["migrating", (settings: StoreSettings) => migrateStore(settings, { dryRun: false })],
  ] as const;
  const files: readonly (readonly [string, (path: string) => void])[] = [
    ["a database with tables of another program", (path) => makeDatabase(path, "CREATE TABLE mail (id INTEGER);")],
    ["a database marked by another program", (path) => makeDatabase(path, "PRAGMA application_id = 77;")],
    [
      "a database that another program numbers",
      (path) => makeDatabase(path, "PRAGMA user_version = 1; CREATE TABLE x (id);"),
    ],
    ["a log", (path) => writeFileSync(path, "2026-03-02 05:40:05 exim 4.96 daemon started: pid=21099\n".repeat(99))],
  ];

  for (const [file, make] of files) {
    test.each(actions)(`${file} is refused when %s, and left as it was`, (_what, action) => {
      const path = newPath();
      make(path);
      const before = bytesOf(path);
      expect(thrownBy(() => action(storeSettings(path))).code).toBe("not_a_database");
      expect(bytesOf(path)).toBe(before);
      expect(readdirSync(join(path, ".."))).toEqual(["pilot.db"]);
    });
  }
});

test("migrate and inspectSchema work on a connection as they do on a path", () => {
  const path = newPath();
  writeFileSync(path, "");
  const database = openForWriting(path, 0);
  onTestFinished(() => void database.close());
  const options = { program: "0.0.0-test", now: () => NOW };
  expect(inspectSchema(database, path, RELEASED)).toMatchObject({ current: 0, latest: LATEST, viewsChanged: true });
  expect(migrate(database, path, RELEASED, options)).toEqual(RELEASED.steps);
  expect(inspectSchema(database, path, RELEASED)).toEqual({
    current: LATEST,
    latest: LATEST,
    pending: [],
    viewsChanged: false,
    isNew: false,
  });
  expect(migrate(database, path, RELEASED, options)).toEqual([]);
});

function newPath(): string {
  return join(temporaryFolder(), "pilot.db");
}

/** The name of a migration after the last released one. */
function nextFile(name: string): string {
  return `${String(LATEST + 1).padStart(4, "0")}_${name}.sql`;
}

/** Settings with the released schema and these files beside or instead of its own. */
function withSchema(path: string, files: Readonly<Record<string, string>>): StoreSettings {
  const schemaDirectory = join(temporaryFolder(), "schema");
  cpSync(SCHEMA_DIRECTORY, schemaDirectory, { recursive: true });
  for (const [name, sql] of Object.entries(files)) writeFileSync(join(schemaDirectory, name), sql);
  return { ...storeSettings(path), schemaDirectory };
}

function history(path: string): unknown[] {
  return queryAll(path, "SELECT * FROM schema_migrations ORDER BY version");
}

function schemaOf(path: string): unknown[] {
  return queryAll(path, "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name");
}

function namesOf(path: string, type: "table" | "view"): string[] {
  return queryAll<{ name: string }>(path, "SELECT name FROM sqlite_schema WHERE type = ?", type).map(
    ({ name }) => name,
  );
}

function versionOf(path: string): number | undefined {
  return queryAll<{ user_version: number }>(path, "PRAGMA user_version")[0]?.user_version;
}

/** Short, so that a difference is quickly shown. */
function bytesOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

function makeDatabase(path: string, sql: string): void {
  const database = new Database(path);
  database.exec(sql);
  database.close();
}

/** Makes or migrates the database; what was wrong, or nothing. */
type Ask = (path: string) => Promise<string>;

/** Processes that each make the database they are asked for, as soon as they are asked. */
async function startMigrators(folder: string, entry: "migrateStore" | "openWriter", count: number): Promise<Ask[]> {
  const script = join(folder, "migrator.mjs");
  const action = {
    migrateStore: "migrateStore(settings, { dryRun: false })",
    openWriter: "openWriter(settings).close()",
  }[entry];
  await build({
    stdin: {
      contents: `
        import { createInterface } from "node:readline";
        import { migrateStore, openWriter } from "./src/store/store.ts";
        const common = ${JSON.stringify(storeSettings("", 5000))};
        for await (const path of createInterface({ input: process.stdin })) {
          const processes = () => ({ mark: "0000000a-" + process.pid + "-1", isRunning: () => undefined });
          const settings = { ...common, path, now: () => 0, processes };
          let answer = "";
          try {
            ${action};
          } catch (error) {
            answer = error.stack;
          }
          console.log(JSON.stringify(answer));
        }`,
      resolveDir: fileURLToPath(new URL("../..", import.meta.url)),
    },
    alias: { "better-sqlite3": import.meta.resolve("better-sqlite3") },
    external: ["file:*"],
    outfile: script,
    bundle: true,
    platform: "node",
    format: "esm",
  });
  return Promise.all(Array.from({ length: count }, () => startMigrator(script)));
}

async function startMigrator(script: string): Promise<Ask> {
  const child = spawn(process.execPath, [script], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill());
  await once(child, "spawn");
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async (path) => {
    child.stdin.write(`${path}\n`);
    const answer = await answers.next();
    return JSON.parse(String(answer.value)) as string;
  };
}
