/** Sums by id, beside those of SQLite. */
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { IdTally } from "../../src/store/stats/id-tally.ts";
import { Random } from "../support/generate.ts";

test("sums of many ids are those that SQLite groups, and each beginning forgets what was before", () => {
  const database = new Database(":memory:");
  database.exec("CREATE TABLE rows (measure INTEGER, id INTEGER, bytes INTEGER)");
  const random = new Random(7);
  const insert = database.prepare("INSERT INTO rows VALUES (?, ?, ?)");
  for (let row = 0; row < 20_000; row++)
    insert.run(random.upTo(3), random.upTo(5) === 0 ? null : random.upTo(4000), random.upTo(9) === 0 ? null : row);
  const tally = IdTally.of(database);
  tally.begin(2);
  expect(database.prepare("SELECT sum(tally(1, id, bytes)) FROM rows").pluck().get()).toBe(20_000);
  tally.begin(3);
  expect(database.prepare("SELECT count(*) FROM tallied").pluck().get()).toBe(0);
  database.prepare("SELECT sum(tally(measure, id, bytes)) FROM rows").get();
  const ids = database.prepare("SELECT id FROM tallied").pluck().all() as number[];
  const told = ids.flatMap((id) =>
    tally.sums(id).flatMap(({ count, bytes }, measure) => (count === 0 ? [] : [{ id, measure, count, bytes }])),
  );
  const grouped = database
    .prepare(
      "SELECT id, measure, count(*) AS count, total(bytes) AS bytes FROM rows WHERE id IS NOT NULL GROUP BY 1, 2",
    )
    .all();
  expect(ids.length).toBeGreaterThan(3000);
  expect(told.sort((one, other) => one.id - other.id || one.measure - other.measure)).toEqual(grouped);
  expect(tally.sums(-1)).toEqual([0, 1, 2].map(() => ({ count: 0, bytes: 0 })));
  expect(IdTally.of(database)).toBe(tally);
});
