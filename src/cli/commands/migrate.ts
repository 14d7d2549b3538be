import { EXIT_STATUS } from "../../errors.ts";
import { renderJson } from "../../render/json.ts";
import { renderMigration } from "../../render/migration.ts";
import { type MigrateReport, migrateStore } from "../../store/store.ts";
import { type AuditFlags, audited } from "../audited.ts";
import { type DatabaseFlags, toStoreSettings } from "../context.ts";
import type { Io } from "../io.ts";

export interface MigrateFlags extends DatabaseFlags, AuditFlags {
  readonly status?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Migrates and says what was done; returns the exit status. Errors: `migration`, `schema_newer`, those of the database. */
export async function runMigrate(flags: MigrateFlags, io: Io): Promise<number> {
  const isRehearsal = flags.status === true || flags.dryRun === true;
  const settings = toStoreSettings(flags, io);
  const report = isRehearsal
    ? migrateStore(settings, { dryRun: true })
    : await audited({ action: "migrate", parameters: flags, affected }, settings, flags, io, () =>
        migrateStore(settings, { dryRun: false }),
      );
  io.stdout.write(flags.json === true ? renderJson("migrate", report) : renderMigration(report));
  const isCurrent = report.migrations.length === 0 && !report.viewsChanged;
  return flags.status === true && !isCurrent ? EXIT_STATUS.check_failed : 0;
}

function affected({ before, migrations, viewsChanged }: MigrateReport): object | undefined {
  return migrations.length === 0 && !viewsChanged ? undefined : { before, migrations, viewsChanged };
}
