import { join } from "node:path";
import { type BackupReport, type BackupStep, makeBackup } from "../../backup/backup.ts";
import { listBackups } from "../../backup/catalogue.ts";
import { drill } from "../../backup/drill.ts";
import type { Locks } from "../../backup/encryption.ts";
import { parseKeep } from "../../backup/rotation.ts";
import { verifyBackup } from "../../backup/verify.ts";
import { EXIT_STATUS } from "../../errors.ts";
import type { Answers } from "../../render/answers.ts";
import { renderBackup, renderBackupList, renderDrill, renderVerified } from "../../render/backup.ts";
import { renderJson } from "../../render/form/json.ts";
import { loadMigrations } from "../../store/database/migrations.ts";
import type { StoreSettings } from "../../store/database/settings.ts";
import { type AuditFlags, audited } from "../audited.ts";
import { type DatabaseFlags, screenOf, toStoreSettings } from "../context.ts";
import { type KeyFlags, readKeys, readLocks } from "../flags/keys.ts";
import type { Io } from "../io.ts";
import { thisMachine } from "../processes.ts";
import { printLines } from "../terminal/print-lines.ts";
import { withProgress } from "../terminal/progress.ts";

export interface BackupFlags extends DatabaseFlags, KeyFlags, AuditFlags {
  /** From the configuration, where it is no argument. */
  readonly directory?: string;
  readonly list?: boolean;
  readonly verify?: string;
  readonly drill?: boolean;
  readonly keep?: string;
  readonly compress?: boolean;
  readonly recipient?: readonly string[];
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Beside the database, unless another directory is named. */
const DEFAULT_DIRECTORY = "backups";

/** Makes, lists, verifies or tries backups; returns the exit status. Errors: those of src/backup. */
export async function runBackup(given: string | undefined, flags: BackupFlags, io: Io): Promise<number> {
  const settings = toStoreSettings(flags, io);
  const directory = given ?? flags.directory ?? join(settings.path, "..", DEFAULT_DIRECTORY);
  if (flags.list === true) return list(directory, settings, flags, io);
  if (flags.verify !== undefined) return verify(flags.verify, settings, flags, io);
  if (flags.drill === true) return tryOut(directory, settings, flags, io);
  // NOTE: not recorded when it is wrong, for somebody may have given the passphrase itself where its file belongs.
  const locks = readLocks(flags.recipient ?? [], flags.passphraseFile);
  const action = { action: "backup", parameters: { ...flags, directory }, affected, isDrastic: true };
  const report = await audited(action, settings, flags, io, () => backUp(directory, locks, settings, flags, io));
  print(io, flags, "backup", report, () => renderBackup(report));
  return report.shrinkage === undefined ? 0 : EXIT_STATUS.check_failed;
}

function affected({ path, manifest, removed }: BackupReport): object {
  return { backup: path, sha256: manifest.sha256, removed };
}

const STEPS: Readonly<Record<BackupStep, string>> = {
  copy: "copying the database",
  check: "checking the copy",
  pack: "writing the backup and reading it back",
};

function backUp(
  directory: string,
  locks: Locks | undefined,
  settings: StoreSettings,
  flags: BackupFlags,
  io: Io,
): Promise<BackupReport> {
  return withProgress(flags, io, async (progress) =>
    makeBackup({
      ...settings,
      directory,
      isCompressed: flags.compress === true,
      locks,
      keep: flags.keep === undefined ? undefined : parseKeep(flags.keep),
      migrations: loadMigrations(settings.schemaDirectory),
      processes: thisMachine(),
      signal: io.signal,
      onProgress: (step, share) => {
        if (share === 0) progress.begin(STEPS[step]);
        else progress.update(() => `${STEPS[step]}: ${Math.floor(share * 100)} %`);
      },
    }),
  );
}

function list(directory: string, { path }: StoreSettings, flags: BackupFlags, io: Io): number {
  const backups = listBackups(directory, path);
  print(io, flags, "backup_list", { directory, backups }, () =>
    renderBackupList(backups, { directory, database: path }, io.timeZone, screenOf(io)),
  );
  return backups.some(({ problem }) => problem !== undefined) ? EXIT_STATUS.check_failed : 0;
}

async function verify(path: string, settings: StoreSettings, flags: BackupFlags, io: Io): Promise<number> {
  const migrations = loadMigrations(settings.schemaDirectory);
  const { signal, now } = io;
  const options = { keys: readKeys(flags), migrations, processes: thisMachine(), now, signal };
  const verified = await verifyBackup(path, options);
  print(io, flags, "backup_verify", verified, () => renderVerified(verified));
  return 0;
}

async function tryOut(directory: string, settings: StoreSettings, flags: BackupFlags, io: Io): Promise<number> {
  const migrations = loadMigrations(settings.schemaDirectory);
  const keys = readKeys(flags);
  const { signal } = io;
  const report = await drill({ ...settings, directory, keys, migrations, processes: thisMachine(), signal });
  print(io, flags, "backup_drill", report, () => renderDrill(report));
  return 0;
}

function print<Kind extends keyof Answers>(
  io: Io,
  flags: BackupFlags,
  kind: Kind,
  result: Answers[Kind],
  render: () => string,
): void {
  if (flags.json === true) io.stdout.write(renderJson(kind, result));
  else if (flags.quiet !== true) printLines(render(), io);
}
