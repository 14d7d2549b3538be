/** Adds to the audit log. Nothing changes it. */
import { existsSync } from "node:fs";
import type Database from "better-sqlite3";
import type { EpochMs } from "../../units.ts";
import { retryWhileBusy } from "../database/busy.ts";
import { closeWriter } from "../database/companions.ts";
import { openForReading, openForWriting } from "../database/connection.ts";
import { hasTable } from "../schema/has-table.ts";

export type AuditResult = "started" | "done" | "failed" | "interrupted";

/** Record of one step of one run of the program. */
export interface AuditRecord {
  readonly requestId: string;
  readonly at: EpochMs;
  readonly action: string;
  readonly result: AuditResult;
  readonly error: string | undefined;
  readonly durationMs: number | undefined;
  readonly user: string;
  readonly sudoUser: string | undefined;
  readonly sshClient: string | undefined;
  readonly host: string;
  readonly program: string;
  readonly parameters: object;
  readonly affected: object;
}

/**
 * Adds a record to the database at `path`, which then outlives a power cut, and with it all that was committed before. Errors: `io` (there is none), `busy`, `read_only`,
 * `corrupt`.
 */
export function appendAudit(path: string, record: AuditRecord, waitMs: number): void {
  const database = openForWriting(path, waitMs);
  try {
    // NOTE: after the record comes the report to the user, and what is reported must be on the disk: also where another process keeps
    // the log of writes from being emptied (FULL), and where there is none (EXTRA).
    database.pragma("synchronous = EXTRA");
    const timeoutMs = database.pragma("busy_timeout", { simple: true }) as number;
    retryWhileBusy(waitMs, timeoutMs, () => insertAudit(database, record), path);
  } finally {
    closeWriter(database, path);
  }
}

/** Adds a record within whatever transaction there is. */
export function insertAudit(database: Database.Database, record: AuditRecord): void {
  database
    .prepare(
      `INSERT INTO stored_audit (request_id, at_ms, action, result, error, duration_ms, user_name, sudo_user, ssh_client, host, program, parameters, affected)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      record.requestId,
      record.at,
      record.action,
      record.result,
      record.error ?? null,
      record.durationMs ?? null,
      record.user,
      record.sudoUser ?? null,
      record.sshClient ?? null,
      record.host,
      record.program,
      JSON.stringify(record.parameters),
      JSON.stringify(record.affected),
    );
}

/** True when the database has an audit log: it is there, ours, and as new as that. */
export function hasAudit(path: string, waitMs: number): boolean {
  if (!existsSync(path)) return false;
  const database = openForReading(path, waitMs);
  try {
    return hasTable(database, "stored_audit");
  } finally {
    database.close();
  }
}
