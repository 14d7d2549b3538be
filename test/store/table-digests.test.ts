/** Digests of what no line tells: a value that is not the one that was written is found, whichever it is. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, describe, expect, test } from "vitest";
import { loadMigrations, migrate } from "../../src/store/database/migrations.ts";
import { beginDigests, compareDigests } from "../../src/store/database/table-digests.ts";
import { KEPT_TABLES } from "../../src/store/schema/table-origins.ts";
import { runCli } from "../support/cli.ts";
import { ingestInto, NOW, openDirectly, SCHEMA_DIRECTORY, temporaryFolder } from "../support/database.ts";
import { SMALL_LOGS } from "../support/small-log.ts";

/** A row of made-up values in each kept table. */
const filled = new Database(":memory:");
migrate(filled, ":memory:", loadMigrations(SCHEMA_DIRECTORY), { program: "0.0.0-test", now: () => NOW });
for (const pragma of ["foreign_keys = OFF", "ignore_check_constraints = ON"]) filled.pragma(pragma);
for (const table of KEPT_TABLES) {
  if (filled.prepare(`SELECT 1 FROM ${table}`).get() !== undefined) continue;
  const values = columnsOf(table).map(([, type]) => madeUp(type, 1));
  filled.prepare(`INSERT INTO ${table} VALUES (${values.map(() => "?").join(", ")})`).run(values);
}
afterAll(() => void filled.close());

const COLUMNS = KEPT_TABLES.flatMap((table) => columnsOf(table).map(([column, type]) => ({ table, column, type })));

describe("a table that no line tells", () => {
  test("is one of a good many, and all are as written", () => {
    expect(COLUMNS.length).toBeGreaterThan(100);
    expect(compareDigests(filled)).toEqual([]);
  });

  test.each(COLUMNS)("$table with another $column is found", ({ table, column, type }) => {
    pastTriggers(() => {
      const row = filled.prepare<[], unknown[]>(`SELECT * FROM ${table} LIMIT 1`).raw().get() ?? [];
      const isThisRow = columnsOf(table)
        .map(([name]) => `${name} IS ?`)
        .join(" AND ");
      filled.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${isThisRow}`).run(madeUp(type, 2), row);
      expect(compareDigests(filled).map((difference) => difference.table)).toEqual([table]);
    });
  });

  test.each(KEPT_TABLES)("%s without its rows is found", (table) => {
    pastTriggers(() => {
      filled.exec(`DELETE FROM ${table}`);
      expect(compareDigests(filled)).toMatchObject([{ table, found: { rows: 0 } }]);
    });
  });

  test("has a digest that follows rows that come, change and go", () => {
    filled.exec("SAVEPOINT change");
    filled.exec(
      "INSERT INTO stored_tags VALUES ('a', 1, '1vx6ps-0006eL-0G', 5, 'kim', NULL), ('b', 1, '1vx6ps-0006eL-0G', 5, 'kim', NULL)",
    );
    filled.exec("UPDATE stored_tags SET tag = 'c' WHERE tag = 'b'; DELETE FROM stored_tags WHERE tag = 'a'");
    expect(compareDigests(filled)).toEqual([]);
    filled.exec("ROLLBACK TO change; RELEASE change");
  });

  test("tells values that stand in other columns, are cut elsewhere or have another type", () => {
    const digests = [
      ["ab", "c"],
      ["a", "bc"],
      ["c", "ab"],
      [null, "abc"],
      ["null", "abc"],
    ].map((values) => {
      filled.exec("SAVEPOINT change");
      filled
        .prepare(
          "INSERT INTO stored_servers (id, name, time_zone, environment, owner, created_ms) VALUES (9, 'x', 'UTC', ?, ?, 1)",
        )
        .run(values);
      const digest = filled
        .prepare("SELECT digest FROM table_digests WHERE table_name = 'stored_servers'")
        .pluck()
        .get();
      filled.exec("ROLLBACK TO change; RELEASE change");
      return digest;
    });
    expect(new Set(digests).size).toBe(digests.length);
  });

  test("stays damaged when a migration changes the schema", () => {
    pastTriggers(() => {
      filled.exec("UPDATE stored_tags SET tag = 'another'");
      beginDigests(filled)();
      expect(compareDigests(filled).map(({ table }) => table)).toEqual(["stored_tags"]);
    });
  });

  test("gets a digest of the columns that a migration gives it", () => {
    filled.exec("SAVEPOINT change");
    const finish = beginDigests(filled);
    filled.exec("ALTER TABLE stored_tags ADD COLUMN colour TEXT; UPDATE stored_tags SET colour = 'red'");
    finish();
    filled.exec("UPDATE stored_tags SET colour = 'green'");
    expect(compareDigests(filled)).toEqual([]);
    filled.exec("ROLLBACK TO change; RELEASE change");
  });
});

test("verify names the table that another program has changed", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "pilot.db");
  writeFileSync(join(folder, "mainlog"), SMALL_LOGS.main);
  await ingestInto(path, [join(folder, "mainlog")]);
  await runCli(["tag", "1vwwZU-0005VB-1y", "ticket-4711", "--db", path]);
  const database = openDirectly(path);
  database.exec("DROP TRIGGER digest_stored_tags_update; UPDATE stored_tags SET tag = 'ticket-4712'");
  database.close();
  const { status, stdout } = await runCli(["verify", "--db", path]);
  expect(stdout).toContain("stored_tags is not as exim-pilot wrote it: its digest differs.");
  expect(status).toBe(1);
});

test("another program cannot change these tables without saying that it is not exim-pilot", () => {
  const path = join(temporaryFolder(), "pilot.db");
  const other = new Database(path);
  migrate(other, path, loadMigrations(SCHEMA_DIRECTORY), { program: "0.0.0-test", now: () => NOW });
  other.close();
  const shell = new Database(path);
  expect(() => shell.exec("DELETE FROM stored_tags")).toThrow("exim_pilot_row_digest");
  shell.close();
});

/** Runs `action` where no trigger follows or forbids a change, and takes the change back. */
function pastTriggers(action: () => void): void {
  filled.exec("SAVEPOINT damage");
  const triggers = filled.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'trigger'").pluck().all();
  for (const name of triggers) filled.exec(`DROP TRIGGER ${name}`);
  try {
    action();
  } finally {
    filled.exec("ROLLBACK TO damage; RELEASE damage");
  }
}

function columnsOf(table: string): readonly (readonly [name: string, type: string])[] {
  const rows = filled.prepare<[string], { name: string; type: string }>("SELECT name, type FROM pragma_table_info(?)");
  return rows.all(table).map(({ name, type }) => [name, type]);
}

function madeUp(type: string, number: number): string | number | Buffer {
  if (type === "TEXT") return `text ${number}`;
  return type === "BLOB" ? Buffer.from([0, number]) : 4711 + number;
}
