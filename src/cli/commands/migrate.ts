import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeBackup } from "../../backup/backup.ts";
import { EXIT_STATUS, PilotError } from "../../errors.ts";
import { PARSER_VERSION } from "../../parse/parser-version.ts";
import { renderJson } from "../../render/form/json.ts";
import { renderMigration } from "../../render/migration.ts";
import { loadMigrations } from "../../store/database/migrations.ts";
import type { StoreSettings } from "../../store/database/settings.ts";
import { offerRebuild } from "../../store/schema/parser-age.ts";
import { type MigrateReport, migrateStore } from "../../store/store.ts";
import { SECOND_MS } from "../../units.ts";
import { type AuditFlags, audited } from "../audited.ts";
import { type DatabaseFlags, toStoreSettings } from "../context.ts";
import type { Io } from "../io.ts";
import { thisMachine } from "../processes.ts";
import { printLines } from "../terminal/print-lines.ts";

export interface MigrateFlags extends DatabaseFlags, AuditFlags {
  readonly status?: boolean;
  readonly dryRun?: boolean;
  readonly to?: number;
  /** False with --no-backup. */
  readonly backup: boolean;
  readonly backupDirectory?: string;
  readonly json?: boolean;
}

export interface MigrationOutcome extends MigrateReport {
  /** The backup made before; undefined if there was nothing to lose, or none was wanted. */
  readonly backup: string | undefined;
}

/** Migrates and says what was done; returns the exit status. Errors: `migration`, `schema_newer`, those of the database. */
export async function runMigrate(flags: MigrateFlags, io: Io): Promise<number> {
  const settings = toStoreSettings(flags, io);
  const { to } = flags;
  const isRehearsal = flags.status === true || flags.dryRun === true;
  const outcome: MigrationOutcome = isRehearsal
    ? { ...migrateStore(settings, { dryRun: true, to }), backup: undefined }
    : await audited({ action: "migrate", parameters: flags, affected }, settings, flags, io, async () => {
        const backup = await backUp(settings, flags, io);
        return { ...migrateStore(settings, { dryRun: false, to }), backup };
      });
  const offer = offerRebuild(outcome, PARSER_VERSION);
  const canRebuild = offer?.hint !== undefined;
  if (flags.json === true)
    io.stdout.write(renderJson("migrate", { ...outcome, parserVersion: PARSER_VERSION, canRebuild }));
  else printLines(renderMigration(outcome, offer), io);
  const isCurrent = outcome.migrations.length === 0 && !outcome.viewsChanged;
  return flags.status === true && !isCurrent ? EXIT_STATUS.check_failed : 0;
}

const MOST_TRIES = 30;

/** A verified backup, when there is something to lose: a database with content that is about to be changed. */
async function backUp(settings: StoreSettings, flags: MigrateFlags, io: Io): Promise<string | undefined> {
  for (let tries = 1; ; tries++) {
    const { before, migrations } = migrateStore(settings, { dryRun: true, to: flags.to });
    if (!flags.backup || before === 0 || migrations.length === 0) return undefined;
    try {
      const { path } = await makeBackup({
        ...settings,
        directory: flags.backupDirectory ?? join(settings.path, "..", "backups"),
        isCompressed: false,
        locks: undefined,
        keep: undefined,
        migrations: loadMigrations(settings.schemaDirectory),
        processes: thisMachine(),
        signal: io.signal,
      });
      return path;
    } catch (error) {
      // NOTE: another process is at the same, and will have migrated by then.
      if (!(error instanceof PilotError) || error.code !== "exists" || tries === MOST_TRIES) throw error;
      await sleep(SECOND_MS);
    }
  }
}

function affected({ before, migrations, viewsChanged, backup }: MigrationOutcome): object | undefined {
  return migrations.length === 0 && !viewsChanged ? undefined : { before, migrations, viewsChanged, backup };
}
