/** Each check on a database that is damaged on purpose: a check that finds nothing in any of them protects nothing. */
import { closeSync, copyFileSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHECKS } from "../../src/store/integrity/check-runner.ts";
import { ROLLED } from "../../src/store/write/rollups.ts";
import { runCli } from "../support/cli.ts";
import { openDirectly, SCHEMA_DIRECTORY, temporaryFolder, withWriter } from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";

const SCHEMA = readFileSync(join(SCHEMA_DIRECTORY, "0001_initial.sql"), "utf8");
const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const SOUND = join(FOLDER, "sound.db");

beforeAll(async () => {
  await makeGoldenDatabase(SOUND);
  // Tags come from no log.
  await runCli(["tag", "1vx5YS-0006QZ-1J", "ticket-4711", "--db", SOUND]);
  // Small chunks, as these few lines would make no rollups otherwise.
  await withWriter(SOUND, (writer) => {
    while (writer.write((transactor) => transactor.rollUp({ messages: 16, blocks: 2 })));
  });
  inDatabase(SOUND, (database) => void database.pragma("journal_mode = DELETE"));
});
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

interface Report {
  readonly isSound: boolean;
  readonly checks: readonly { readonly name: string; readonly count: number; readonly findings: readonly string[] }[];
}

describe("a database that is sound", () => {
  test.each([[[]], [["--quick"]], [["--deep"]]])("is found sound with %j", async (flags) => {
    const { status, report } = await verify(SOUND, ...flags);
    expect(report.checks.flatMap(({ findings }) => findings)).toEqual([]);
    expect({ status, isSound: report.isSound }).toEqual({ status: 0, isSound: true });
  });

  test("is asked every question once, and a quick verification leaves out what reads all text", async () => {
    const names = CHECKS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect((await verify(SOUND)).report.checks.map(({ name }) => name)).toEqual(names);
    expect((await verify(SOUND, "--deep")).report.checks.map(({ name }) => name)).toEqual([...names, "lines"]);
    const quick = CHECKS.filter(({ readsAllText }) => !readsAllText).map(({ name }) => name);
    expect((await verify(SOUND, "--quick")).report.checks.map(({ name }) => name)).toEqual(quick);
    expect(quick.length).toBeLessThan(names.length);
  });

  test("is sound with users, notes of ten thousand characters and several lines, and colours", async () => {
    const path = damaged((database) => {
      database.exec(userWith(HASH, 1));
      database.exec(noteOf("printf('%.9998c', 'x') || char(10, 9)", "kim", 0));
      database.exec(meaningWith("'#ff00aa'"));
    });
    expect(await verify(path)).toMatchObject({ status: 0 });
  });

  test("is sound after a kill too: the newest texts are not in the index yet", async () => {
    const path = damaged((database) => {
      const last = database.prepare("SELECT max(id) FROM strings").pluck().get() as number;
      database.prepare("DELETE FROM string_ids WHERE id > ?").run(last - 5);
      database.prepare("UPDATE text_indexes SET last_id = ? WHERE table_name = 'strings'").run(last - 5);
    });
    expect(await verify(path)).toMatchObject({ status: 0 });
  });
});

/** An entry that two logs show, and one that only the main log shows. */
const TWIN = "(SELECT min(entry_id) FROM duplicate_locations)";
const ALONE = "(SELECT min(id) FROM stored_entries WHERE message_id IS NULL AND seen_in = 1)";
const MESSAGE = "(SELECT min(id) FROM stored_messages WHERE arrival_at IS NOT NULL)";
const LAST_BLOCK = "(SELECT max(id) FROM raw_blocks)";
/** A user, a note and a tag's meaning, each with one value that is to be wrong. */
const userWith = (hash: string, active: number): string =>
  `INSERT INTO stored_users (username, password_hash, role, active, created_ms, updated_ms) VALUES ('kim', '${hash}', 'admin', ${active}, 1, 1)`;
const noteOf = (note: string, author: string, isPublic: number): string =>
  `INSERT INTO stored_notes (server_id, exim_id, author, os_user, note, is_public, created_ms, updated_ms)
   VALUES (1, 'x', '${author}', 'kim', ${note}, ${isPublic}, 1, 1)`;
const meaningWith = (colour: string): string =>
  `INSERT INTO tag_names (tag, colour, author, created_ms, updated_ms) VALUES ('vip', ${colour}, 'kim', 1, 1)`;
const HASH = `scrypt$32768$8$3$${"a".repeat(22)}==$${"b".repeat(43)}=`;
const NEW_SERVER = "INSERT INTO stored_servers (id, name, time_zone, created_ms) VALUES (99, 'mx99', 'UTC', 0)";

describe("damage is found", () => {
  test.each<[check: string, says: RegExp, sql: string]>([
    ["positions", /begins at byte 7, not at 0/, `UPDATE raw_blocks SET position = 7 WHERE id = ${LAST_BLOCK}`],
    ["positions", /was read up to byte \d+ and its text ends at 0/, `DELETE FROM raw_blocks WHERE id = ${LAST_BLOCK}`],
    ["positions", /text ends at/, "UPDATE stored_sources SET position = position + 1 WHERE id = 1"],
    [
      "places",
      /no line 60000 in block/,
      `UPDATE stored_entries SET id = id / 65536 * 65536 + 60000 WHERE id = ${ALONE}`,
    ],
    ["places", /no line \d+ in block 99/, `UPDATE stored_entries SET id = 99 * 65536 WHERE id = ${ALONE}`],
    ["places", /Two entries stand at/, `UPDATE duplicate_locations SET location = ${ALONE} WHERE entry_id = ${TWIN}`],
    ...["lines", "entries", "other", "unparsed", "first_ms", "last_ms"].map((figure): [string, RegExp, string] => [
      "counts",
      new RegExp(`Source 1 states ${figure} \\d+; there is \\d+`),
      `UPDATE stored_sources SET ${figure} = ${figure} + 1 WHERE id = 1`,
    ]),
    ["counts", /Source 1 states entries/, `DELETE FROM stored_entries WHERE id = ${ALONE}`],
    ...ROLLED.map(({ kind, table }): [string, RegExp, string] => [
      "rollups",
      new RegExp(`Figures in ${table} are not those of the ${kind} from 0 on`),
      `UPDATE ${table} SET server_id = 77 WHERE first_id = 0`,
    ]),
    ["people", /not hashed by scrypt/, userWith("correct horse battery staple", 1)],
    ["people", /neither active nor disabled/, userWith(HASH, 2)],
    ...["''", "' '", "printf('%.10001c', 'x')", "'a' || char(27) || 'b'"].map((note): [string, RegExp, string] => [
      "people",
      /1 row of stored_notes have no text, too much of it, or control characters/,
      noteOf(note, "kim", 1),
    ]),
    ["people", /stored_notes have no author/, noteOf("'x'", "", 1)],
    ["people", /stored_notes have no author/, noteOf("'x'", "kim", 2)],
    ["people", /stored_tags have no author/, "INSERT INTO stored_tags VALUES ('a', 1, 'x', 1, '', NULL)"],
    ["people", /colour that is none/, meaningWith("'#ff00zz'")],
    ["people", /neither colour nor meaning/, meaningWith("NULL")],
    [
      "references",
      /stored_notes refer by server_id/,
      `${noteOf("'x'", "kim", 1)}; UPDATE stored_notes SET server_id = 77`,
    ],
    ["messages", /has no entry/, `UPDATE stored_entries SET message_id = NULL WHERE message_id = ${MESSAGE}`],
    ["messages", /other times/, `UPDATE stored_messages SET first_at = first_at - 1 WHERE id = ${MESSAGE}`],
    ["messages", /other times/, `UPDATE stored_messages SET last_at = last_at + 1 WHERE id = ${MESSAGE}`],
    ["messages", /arrived at another time/, `UPDATE stored_messages SET arrival_at = NULL WHERE id = ${MESSAGE}`],
    [
      "messages",
      /of another server than its message/,
      `${NEW_SERVER}; UPDATE stored_entries SET server_id = 99 WHERE message_id = ${MESSAGE}`,
    ],
    ["locations", /marked as seen in 7/, `UPDATE stored_entries SET seen_in = 7 WHERE id = ${ALONE}`],
    ["locations", /marked as seen in/, `DELETE FROM duplicate_locations WHERE entry_id = ${TWIN}`],
    ["locations", /log of another type/, `UPDATE duplicate_locations SET log_type = 0 WHERE entry_id = ${TWIN}`],
    [
      "locations",
      /of the type of its entry/,
      "UPDATE stored_sources SET log_type = 0; UPDATE duplicate_locations SET log_type = 0",
    ],
    [
      "locations",
      /another server than its entry/,
      `${NEW_SERVER}; UPDATE stored_sources SET server_id = 99 WHERE log_type = 1`,
    ],
    [
      "locations",
      /of another server than its log/,
      `${NEW_SERVER}; UPDATE stored_entries SET server_id = 99 WHERE id = ${ALONE}`,
    ],
    ["texts", /1 row of strings are not in string_ids/, "DELETE FROM string_ids WHERE id = 3"],
    ["texts", /1 row of address_ids lead to something else/, "UPDATE addresses SET address = 'x' WHERE id = 3"],
    ["texts", /1 row of addresses are not in address_ids/, "UPDATE address_ids SET id = 4 WHERE id = 3"],
    ["text", /not what was stored/, `UPDATE raw_blocks SET sha256 = zeroblob(32) WHERE id = ${LAST_BLOCK}`],
    ["text", /is damaged/, `UPDATE raw_blocks SET data = x'00' WHERE id = ${LAST_BLOCK}`],
    [
      "text",
      /not what was stored/,
      `UPDATE raw_blocks SET data = (SELECT data FROM raw_blocks WHERE id = 1) WHERE id = ${LAST_BLOCK}`,
    ],
    ["text", /states \d+ lines; there are \d+/, `UPDATE raw_blocks SET lines = lines + 1 WHERE id = ${LAST_BLOCK}`],
    ["text", /another beginning/, "UPDATE stored_sources SET head = x'00' WHERE id = 1"],
    ["text", /another end/, "UPDATE stored_sources SET tail = x'00' WHERE id = 1"],
    [
      "duplicates",
      /stored as one and have different lines/,
      `UPDATE duplicate_locations SET entry_id = CASE entry_id WHEN ${TWIN} THEN (SELECT max(entry_id) FROM duplicate_locations WHERE log_type = 1) ELSE ${TWIN} END
       WHERE log_type = 1 AND entry_id IN (${TWIN}, (SELECT max(entry_id) FROM duplicate_locations WHERE log_type = 1))`,
    ],
  ])("by %s: %s", async (check, says, sql) => {
    const { status, report } = await verify(damaged((database) => database.exec(sql)));
    expect({ status, isSound: report.isSound }).toEqual({ status: 1, isSound: false });
    expect(findingsOf(report, check)).toEqual(expect.arrayContaining([expect.stringMatching(says)]));
  });

  test("by file: a page of an index that was overwritten", async () => {
    const path = damaged(() => {});
    const page = inDatabase(path, (database) => ({
      size: database.pragma("page_size", { simple: true }) as number,
      number: database
        .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'idx_stored_entries_message_id'")
        .pluck()
        .get() as number,
    }));
    const file = openSync(path, "r+");
    writeSync(file, Buffer.alloc(page.size, 0x5a), 0, page.size, (page.number - 1) * page.size);
    closeSync(file);
    for (const flags of [[], ["--quick"]]) {
      const { status, report } = await verify(path, ...flags);
      expect(status).toBe(1);
      expect(findingsOf(report, "file").length).toBeGreaterThan(0);
    }
  });

  test("by file: an index that lacks a row of its table, which a quick look does not see", async () => {
    const path = damaged((database) => {
      database.unsafeMode();
      const define = (from: string, to: string): void => {
        database.pragma("writable_schema = ON");
        database
          .prepare("UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = 'idx_stored_entries_message_id'")
          .run(from, to);
        database.pragma("writable_schema = RESET");
      };
      define("IS NOT NULL", "IS NULL");
      database.exec("REINDEX idx_stored_entries_message_id");
      define("IS NULL", "IS NOT NULL");
    });
    expect(findingsOf((await verify(path)).report, "file")).toEqual(
      expect.arrayContaining([expect.stringMatching(/idx_stored_entries_message_id/)]),
    );
    expect(findingsOf((await verify(path, "--quick")).report, "file")).toEqual([]);
  });

  describe("by references: every column that refers to another table", () => {
    test.each(referringColumns())("%s.%s", async (table, column) => {
      const path = damaged((database) => {
        const keys = primaryKeyOf(database, table);
        // Only a database that was pruned has any.
        if (table === "kept_keys") database.exec("INSERT INTO kept_keys SELECT id, x'00' FROM stored_entries LIMIT 1");
        const { changes } = database
          .prepare(`UPDATE ${table} SET ${column} = 987654321 WHERE (${keys}) = (SELECT ${keys} FROM ${table} LIMIT 1)`)
          .run();
        expect(changes).toBe(1);
      });
      const { status, report } = await verify(path, "--quick");
      expect(status).toBe(1);
      expect(findingsOf(report, "references")).toContainEqual(
        expect.stringMatching(new RegExp(`^1 row of ${table} refer by ${column} to \\w+ that are not there\\.$`)),
      );
    });
  });

  test("and more of it is counted than is shown", async () => {
    const { report } = await verify(
      damaged((database) => database.exec("UPDATE stored_messages SET first_at = first_at - 1")),
    );
    const messages = report.checks.find(({ name }) => name === "messages");
    expect(messages?.findings).toHaveLength(20);
    expect(messages?.count).toBe(84);
  });

  test("and shown on a page, with what to do about it", async () => {
    const lines = await runCli([
      "verify",
      "--db",
      damaged((database) => database.exec("DELETE FROM string_ids WHERE id = 3")),
    ]);
    expect(lines).toMatchObject({
      status: 1,
      stderr: "",
      stdout: expect.stringMatching(/^Not sound: 1 finding\. .*`exim-pilot rebuild`/ms),
    });
    const text = await runCli([
      "verify",
      "--db",
      damaged((database) => database.exec("UPDATE raw_blocks SET sha256 = x'00' WHERE id = 1")),
    ]);
    expect(text).toMatchObject({ status: 1, stdout: expect.stringMatching(/^Not sound: .*restore a backup/ms) });
  });
});

describe("what is not what the lines say is found by --deep alone", () => {
  test.each<[view: string, sql: string]>([
    ["servers", "UPDATE stored_servers SET version = '1.0'"],
    ["messages", `UPDATE stored_messages SET subject = 'Something else' WHERE id = ${MESSAGE}`],
    ["recipients", "UPDATE stored_recipients SET attempts = attempts + 1"],
    ["delivery_attempts", "UPDATE address_events SET duration_ms = 5000"],
    ["rejections", "UPDATE stored_rejections SET is_permanent = 1 - is_permanent"],
    ["log_entries", "UPDATE stored_entries SET at = at + 1000000 WHERE message_id IS NULL"],
    ["log_metadata", "UPDATE stored_entries SET details_id = NULL"],
    ["the places of log_entries", `UPDATE stored_entries SET event = 14 WHERE id = ${ALONE}`],
    ["log_entries", "UPDATE stored_servers SET time_zone = 'Asia/Tokyo'"],
  ])("in %s: %s", async (view, sql) => {
    // Rollups of the rows would reveal some of it.
    const path = damaged((database) => database.exec(`${sql}; DELETE FROM rolled_chunks`));
    expect(await verify(path)).toMatchObject({ status: 0 });
    const { status, report } = await verify(path, "--deep");
    expect(status).toBe(1);
    expect(findingsOf(report, "lines")).toEqual(
      expect.arrayContaining([expect.stringMatching(new RegExp(`^${view}: \\d+ rows? (is|are)`))]),
    );
  });

  test("in the figures of sources", async () => {
    const { report } = await verify(
      damaged((database) => database.exec("UPDATE stored_sources SET other = other + 1")),
      "--deep",
    );
    expect(findingsOf(report, "lines")).toEqual(
      expect.arrayContaining([expect.stringMatching(/^sources: \d+ rows? are/)]),
    );
  });

  test("and text that cannot be read is a finding, not an end", async () => {
    const { status, report } = await verify(
      damaged((database) => database.exec("UPDATE raw_blocks SET data = x'00' WHERE id = 1")),
      "--deep",
    );
    expect(status).toBe(1);
    expect(findingsOf(report, "lines")).toEqual([expect.stringContaining("block 1")]);
  });
});

async function verify(path: string, ...flags: string[]): Promise<{ status: number; report: Report }> {
  const { status, stdout, stderr } = await runCli(["verify", "--json", "--db", path, ...flags]);
  expect(stderr).toBe("");
  return { status, report: JSON.parse(stdout) as Report };
}

function findingsOf({ checks }: Report, check: string): readonly string[] {
  return checks.find(({ name }) => name === check)?.findings ?? [];
}

/** A copy of the sound database after `damage`. */
function damaged(damage: (database: Database.Database) => void): string {
  const path = join(temporaryFolder(), "damaged.db");
  copyFileSync(SOUND, path);
  inDatabase(path, damage);
  return path;
}

function inDatabase<Result>(path: string, action: (database: Database.Database) => Result): Result {
  const database = openDirectly(path);
  try {
    database.pragma("foreign_keys = OFF");
    return action(database);
  } finally {
    database.close();
  }
}

/**
 * Columns that refer to another table, by their names: integers that end in `_id`. Postings are none: those of a block that has been
 * pruned stay, for messages still say what was there.
 */
function referringColumns(): [table: string, column: string][] {
  const database = new Database(":memory:");
  database.exec(SCHEMA);
  const columns = database
    .prepare(
      `SELECT t.name AS "table", c.name AS "column" FROM sqlite_schema t JOIN pragma_table_info(t.name) c
       WHERE t.type = 'table' AND c.type = 'INTEGER' AND c.name LIKE '%\\_id' ESCAPE '\\' AND t.name NOT IN ('text_indexes', 'postings')`,
    )
    .all() as { table: string; column: string }[];
  database.close();
  return columns.map(({ table, column }) => [table, column]);
}

function primaryKeyOf(database: Database.Database, table: string): string {
  return database
    .prepare("SELECT group_concat(name) FROM pragma_table_info(?) WHERE pk > 0")
    .pluck()
    .get(table) as string;
}
