/** Pruning while logs are read, by runs that are killed: in the end it is as if one had waited for the other. */
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { startProgram } from "../support/child.ts";
import { ingestInto, temporaryFolder } from "../support/database.ts";
import { generateLog } from "../support/generate.ts";
import { differences, dumpViews, queryAll } from "../support/views.ts";

const DAY_MS = 86_400_000;

test("a prune that is killed, beside an ingest, removes what is old and nothing of what is new", async () => {
  const folder = temporaryFolder();
  const [old, young] = [writeLog(folder, "old", 100 * DAY_MS, 900), writeLog(folder, "young", 7 * DAY_MS, 900)];
  const database = join(folder, "pilot.db");
  await ingestInto(database, [old], { batchLines: 20 });
  const undisturbed = join(folder, "undisturbed.db");
  copyFileSync(database, undisturbed);
  const prune = (path: string) =>
    startProgram(["prune", "--db", path, "--logs", "30d", "--messages", "30d", "--force", "--quiet"]);
  const ingest = (path: string, ...flags: string[]) =>
    startProgram(["ingest", "--db", path, "--server", "mx1", "--quiet", ...flags, young]).ended;

  const reading = ingest(database, "--batch-size", "10");
  let kills = 0;
  for (let isDone = false; !isDone; ) {
    const { child, ended } = prune(database);
    if (kills < 4) await Promise.race([ended, sleep(400 + 150 * kills)]);
    else await ended;
    child.kill("SIGKILL");
    const { signal, status, stderr } = await ended;
    if (signal === "SIGKILL") kills++;
    else {
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      isDone = true;
    }
  }
  expect(await reading).toMatchObject({ status: 0, stderr: "" });
  expect((await prune(database).ended).status).toBe(0);
  expect(await ingest(undisturbed)).toMatchObject({ status: 0, stderr: "" });
  expect((await prune(undisturbed).ended).status).toBe(0);

  expect(kills).toBeGreaterThan(0);
  expect(differences(dumpViews(database), dumpViews(undisturbed))).toEqual([]);
  expect(queryAll(database, "PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
  const texts = (table: string, column: string) =>
    queryAll<{ text: string }>(database, `SELECT ${column} AS text FROM ${table} ORDER BY 1`).map(({ text }) => text);
  for (const [table, index, column] of [
    ["strings", "string_ids", "text"],
    ["addresses", "address_ids", "address"],
  ] as const) {
    expect(new Set(texts(table, column)).size).toBe(texts(table, column).length);
    expect(texts(index, column)).toEqual(texts(table, column));
  }
});

/** A log of so many messages that began so long ago, and ends before now: what is stamped ahead of the clock is seen when it is read. */
function writeLog(folder: string, name: string, agoMs: number, messages: number): string {
  const path = join(folder, name);
  writeFileSync(path, [...generateLog("main", { messages, seed: agoMs, startMs: Date.now() - agoMs })].join(""));
  return path;
}
