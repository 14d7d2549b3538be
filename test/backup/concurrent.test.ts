/** Backups of a database that is written to at full speed, by runs that are killed: each is a state that was committed. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { makeBackup } from "../../src/backup/backup.ts";
import { NO_KEYS } from "../../src/backup/encryption.ts";
import { restoreBackup } from "../../src/backup/restore.ts";
import { loadMigrations } from "../../src/store/database/migrations.ts";
import { epochMs } from "../../src/units.ts";
import { ingestArgv, startProgram } from "../support/child.ts";
import { NOW, SCHEMA_DIRECTORY, temporaryFolder } from "../support/database.ts";
import { generateLog } from "../support/generate.ts";
import { PROCESSES } from "../support/processes.ts";
import { differences, dumpViews, readSources } from "../support/views.ts";

const MIGRATIONS = loadMigrations(SCHEMA_DIRECTORY);

test("every backup made during an ingest that is killed now and then holds a beginning of the log, whole", async () => {
  const folder = temporaryFolder();
  const log = join(folder, "mainlog");
  const text = Buffer.from([...generateLog("main", { messages: 3500, seed: 11 })].join(""));
  writeFileSync(log, text);
  const database = join(folder, "pilot.db");
  const ingest = (path: string) => startProgram(ingestArgv(path, [log], "--batch-size", "20", "--quiet"));
  const backups: string[] = [];
  let isDone = false;
  let kills = 0;
  const writing = (async () => {
    while (!isDone) {
      const { child, ended } = ingest(database);
      if (kills < 3) await Promise.race([ended, sleep(700)]);
      else await ended;
      child.kill("SIGKILL");
      const { status, signal } = await ended;
      if (signal === "SIGKILL") kills++;
      else {
        expect(status).toBe(0);
        isDone = true;
      }
    }
  })();
  for (let number = 0; !isDone; number++) {
    await sleep(120);
    if (readLines(database) === 0) continue;
    const { path } = await makeBackup({
      path: database,
      directory: join(folder, "backups"),
      isCompressed: number % 2 === 0,
      locks: undefined,
      keep: undefined,
      migrations: MIGRATIONS,
      processes: PROCESSES,
      program: "0.0.0-test",
      waitMs: 5000,
      now: () => epochMs(NOW + number * 1000),
    });
    backups.push(path);
  }
  await writing;
  expect(kills).toBeGreaterThan(0);
  expect(backups.length).toBeGreaterThan(3);
  const sizes = new Set<number>();
  for (const backup of backups) {
    const restored = join(temporaryFolder(), "restored.db");
    await restoreBackup({
      backup,
      path: restored,
      keys: NO_KEYS,
      migrations: MIGRATIONS,
      processes: PROCESSES,
      waitMs: 0,
      now: () => NOW,
    });
    const [source] = readSources(restored);
    const stored = source?.bytes ?? Buffer.alloc(0);
    sizes.add(stored.length);
    expect(stored.length).toBeGreaterThan(0);
    expect(text.subarray(0, stored.length).equals(stored)).toBe(true);
    expect(stored.at(-1)).toBe(0x0a);
  }
  expect(sizes.size).toBeGreaterThan(1);
  const last = join(temporaryFolder(), "last.db");
  const [backup = ""] = backups;
  await restoreBackup({
    backup,
    path: last,
    keys: NO_KEYS,
    migrations: MIGRATIONS,
    processes: PROCESSES,
    waitMs: 0,
    now: () => NOW,
  });
  expect((await ingest(last).ended).status).toBe(0);
  expect(differences(dumpViews(last), dumpViews(database))).toEqual([]);
});

function readLines(database: string): number {
  try {
    return readSources(database).reduce((sum, { lines }) => sum + lines, 0);
  } catch {
    // NOTE: it is being made.
    return 0;
  }
}
