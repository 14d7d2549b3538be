import Database from "better-sqlite3";
import fc from "fast-check";
import { expect, test } from "vitest";
import { BulkInsert } from "../../src/store/database/bulk-insert.ts";

const value = fc.oneof(
  fc.constant(null),
  fc.integer({ min: -(2 ** 52), max: 2 ** 52 }),
  fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0")),
  fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes)),
);
const row = fc.tuple(value, value, value);

test("rows are stored as they were put, null as NULL, however many there are", () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 80 }), (rows) => {
      const database = new Database(":memory:");
      try {
        database.exec("CREATE TABLE postings (kind ANY, key ANY, block_id ANY) STRICT");
        const table = new BulkInsert(database, "postings", ["kind", "key", "block_id"]);
        for (const values of rows) {
          for (const one of values) table.put(one);
          table.endRow();
        }
        table.flush();
        const stored = database.prepare("SELECT kind, key, block_id FROM postings ORDER BY rowid").raw().all();
        expect(stored).toEqual(rows);
        expect(database.prepare("SELECT count(*) FROM postings WHERE kind IS NULL").pluck().get()).toBe(
          rows.filter(([first]) => first === null).length,
        );
      } finally {
        database.close();
      }
    }),
    { numRuns: 50 },
  );
});
