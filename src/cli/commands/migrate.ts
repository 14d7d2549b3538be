import { EXIT_STATUS } from "../../errors.ts";
import { renderJson } from "../../render/json.ts";
import { renderMigration } from "../../render/migration.ts";
import { migrateStore } from "../../store/store.ts";
import { type DatabaseFlags, toStoreSettings } from "../context.ts";
import type { Io } from "../io.ts";

export interface MigrateFlags extends DatabaseFlags {
  readonly status?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Migrates and says what was done; returns the exit status. Errors: `migration`, `schema_newer`, those of the database. */
export async function runMigrate(flags: MigrateFlags, io: Io): Promise<number> {
  const isRehearsal = flags.status === true || flags.dryRun === true;
  const report = migrateStore(toStoreSettings(flags, io), { dryRun: isRehearsal });
  io.stdout.write(flags.json === true ? renderJson("migrate", report) : renderMigration(report));
  const isCurrent = report.migrations.length === 0 && !report.viewsChanged;
  return flags.status === true && !isCurrent ? EXIT_STATUS.check_failed : 0;
}
