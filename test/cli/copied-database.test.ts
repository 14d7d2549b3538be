/** A database that was copied has nothing beside it: every command works on it, also one that reads it and writes to it at once. */
import { copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { temporaryFolder } from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";
import { queryAll } from "../support/views.ts";

test.each([
  ["export", "--raw", "1"],
  ["rebuild", "--quiet"],
  ["sql", "SELECT count(*) FROM messages"],
  ["verify", "--deep"],
  ["tag", "MESSAGE", "ticket-1"],
  ["servers", "set", "mx1", "--owner", "kim"],
  ["prune", "--logs", "30y", "--quiet"],
  ["migrate"],
  ["backup", "--quiet", "BACKUPS"],
])("a copied database takes %s", async (...argv) => {
  const [folder, original] = [temporaryFolder(), join(temporaryFolder(), "pilot.db")];
  await makeGoldenDatabase(original);
  const path = join(folder, "copy.db");
  copyFileSync(original, path);
  expect(readdirSync(folder)).toEqual(["copy.db"]);
  const messages = queryAll<{ id: string }>(path, "SELECT id FROM messages");
  const given = new Map([
    ["BACKUPS", join(folder, "backups")],
    ["MESSAGE", messages[0]?.id],
  ]);
  const words = argv.map((word) => given.get(word) ?? word);
  expect(await runCli([...words, "--db", path])).toMatchObject({ status: 0, stderr: "" });
  expect(queryAll(path, "SELECT id FROM messages")).toEqual(messages);
});
