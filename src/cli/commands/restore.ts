import { existsSync } from "node:fs";
import { type RestoreReport, restoreBackup, toReplaced } from "../../backup/restore.ts";
import { verifyBackup } from "../../backup/verify.ts";
import { renderRestore } from "../../render/backup.ts";
import { renderJson } from "../../render/json.ts";
import { loadMigrations } from "../../store/migrations.ts";
import { type AuditFlags, audited } from "../audited.ts";
import { type DatabaseFlags, toStoreSettings } from "../context.ts";
import type { Io } from "../io.ts";
import { type KeyFlags, readKeys } from "../keys.ts";

export interface RestoreFlags extends DatabaseFlags, KeyFlags, AuditFlags {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Restores a backup; returns the exit status. Errors: those of {@link restoreBackup}. */
export async function runRestore(backup: string, flags: RestoreFlags, io: Io): Promise<number> {
  const settings = toStoreSettings(flags, io);
  const { path, now } = settings;
  const keys = readKeys(flags);
  const migrations = loadMigrations(settings.schemaDirectory);
  const isRehearsal = flags.dryRun === true;
  const report = isRehearsal
    ? {
        backup,
        path,
        manifest: (await verifyBackup(backup, { keys, migrations })).manifest,
        keptAside: existsSync(path) ? toReplaced(path, now()) : undefined,
      }
    : await audited(
        { action: "restore", parameters: { ...flags, backup }, affected, isDrastic: true },
        settings,
        flags,
        io,
        () => restoreBackup({ ...settings, backup, keys, migrations }),
      );
  const result = { ...report, isRehearsal };
  io.stdout.write(flags.json === true ? renderJson("restore", result) : renderRestore(report, isRehearsal));
  return 0;
}

function affected({ manifest, keptAside }: RestoreReport): object {
  return { backup: manifest.file, sha256: manifest.sha256, createdAt: manifest.createdAt, keptAside };
}
