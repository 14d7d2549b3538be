import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { openReader } from "../../src/store/store.ts";
import { storeSettings, temporaryFolder, withWriter } from "../support/database.ts";

test("a reader that was asked nothing lets go of the database as well", async () => {
  const path = join(temporaryFolder(), "pilot.db");
  await withWriter(path, () => {});
  await openReader(storeSettings(path)).close();
  const other = new Database(path, { timeout: 0 });
  expect(other.pragma("journal_mode = DELETE", { simple: true })).toBe("delete");
  other.close();
});
