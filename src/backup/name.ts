/** Names of backups: the database, the time and the form. */
import { basename, extname } from "node:path";
import type { EpochMs } from "../units.ts";

export interface BackupForm {
  readonly isCompressed: boolean;
  readonly isEncrypted: boolean;
}

/** `mail-20260401T000000Z.db.gz.age`: of the database `mail.db`, gzip, then age. */
export function backupName(database: string, at: EpochMs, { isCompressed, isEncrypted }: BackupForm): string {
  return `${stemOf(database)}-${stampOf(at)}.db${isCompressed ? ".gz" : ""}${isEncrypted ? ".age" : ""}`;
}

/** `20260401T000000Z`. */
export function stampOf(at: EpochMs): string {
  return `${new Date(at).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
}

/** The manifest beside a backup. */
export function manifestPath(backup: string): string {
  return `${backup}.json`;
}

/** The prefix, before the stamp, of the names of all backups of a database. */
export function stemOf(database: string): string {
  return basename(database, extname(database));
}
