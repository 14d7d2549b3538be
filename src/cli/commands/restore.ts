import { assertOther, type RestoreReport, rehearseRestore, restoreBackup } from "../../backup/restore.ts";
import { renderRestore } from "../../render/backup.ts";
import { renderJson } from "../../render/form/json.ts";
import { loadMigrations } from "../../store/database/migrations.ts";
import { type AuditFlags, audited } from "../audited.ts";
import { type DatabaseFlags, toStoreSettings } from "../context.ts";
import { type KeyFlags, readKeys } from "../flags/keys.ts";
import type { Io } from "../io.ts";
import { thisMachine } from "../processes.ts";
import { printLines } from "../terminal/print-lines.ts";

export interface RestoreFlags extends DatabaseFlags, KeyFlags, AuditFlags {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Restores a backup; returns the exit status. Errors: those of {@link restoreBackup}. */
export async function runRestore(backup: string, flags: RestoreFlags, io: Io): Promise<number> {
  const settings = toStoreSettings(flags, io);
  const options = {
    ...settings,
    backup,
    keys: readKeys(flags),
    migrations: loadMigrations(settings.schemaDirectory),
    processes: thisMachine(),
    signal: io.signal,
  };
  assertOther(backup, settings.path);
  const isRehearsal = flags.dryRun === true;
  const action = { action: "restore", parameters: { ...flags, backup }, affected, isDrastic: true };
  const report = isRehearsal
    ? await rehearseRestore(options)
    : await audited(action, settings, flags, io, () => restoreBackup(options));
  const result = { ...report, isRehearsal };
  if (flags.json === true) io.stdout.write(renderJson("restore", result));
  else printLines(renderRestore(report, isRehearsal), io);
  return 0;
}

function affected({ manifest, keptAside, movedAside, withdrawn }: RestoreReport): object {
  const { file: backup, sha256, createdAt } = manifest;
  return { backup, sha256, createdAt, keptAside, movedAside, ...(withdrawn !== null && { withdrawn }) };
}
