/** Backups of a small database, and the options that tests of them share. */
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BackupOptions } from "../../src/backup/backup.ts";
import { NO_KEYS } from "../../src/backup/encryption.ts";
import { restoreBackup } from "../../src/backup/restore.ts";
import { loadMigrations } from "../../src/store/database/migrations.ts";
import { ingestInto, NOW, SCHEMA_DIRECTORY, temporaryFolder } from "./database.ts";
import { PROCESSES } from "./processes.ts";
import { SMALL_LOGS } from "./small-log.ts";

export const MIGRATIONS = loadMigrations(SCHEMA_DIRECTORY);
export const WORLD = { migrations: MIGRATIONS, processes: PROCESSES, now: () => NOW };

/** Makes another name of a file with `make`. */
export function made(file: string, make: (file: string, name: string) => void): string {
  const name = join(temporaryFolder(), "other.db");
  make(file, name);
  return name;
}

export async function smallDatabase(): Promise<string> {
  const path = join(temporaryFolder(), "pilot.db");
  await ingestInto(path, writeSmallLogs());
  return path;
}

export function writeSmallLogs(): string[] {
  const folder = temporaryFolder();
  return Object.entries(SMALL_LOGS).map(([log, bytes]) => {
    const path = join(folder, `${log}log`);
    writeFileSync(path, bytes);
    return path;
  });
}

export function options(path: string, more: Partial<BackupOptions> = {}): BackupOptions {
  return {
    path,
    directory: join(dirname(path), "backups"),
    isCompressed: false,
    locks: undefined,
    keep: undefined,
    ...WORLD,
    program: "0.0.0-test",
    waitMs: 200,
    ...more,
  };
}

export function restore(backup: string, path: string) {
  return restoreBackup({ backup, path, keys: NO_KEYS, ...WORLD, waitMs: 100 });
}
