import { renderAudit, renderAuditCsv } from "../../render/audit.ts";
import { renderJson } from "../../render/form/json.ts";
import { type DatabaseFlags, screenOf, usingReader } from "../context.ts";
import { toTimeRange } from "../flags/time-range.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";

export interface AuditListFlags extends DatabaseFlags {
  readonly since?: string;
  readonly until?: string;
  readonly user?: string;
  readonly action?: string;
  readonly message?: string;
  readonly address?: string;
  readonly limit: number;
  readonly offset: number;
  readonly redact?: boolean;
  readonly csv?: boolean;
  readonly json?: boolean;
}

/** Prints rows of the audit log. Errors: `usage`, those of the database. */
export async function runAudit(flags: AuditListFlags, io: Io): Promise<void> {
  const { user, action, message, address, limit, offset } = flags;
  const range = toTimeRange(flags, io);
  const filter = { ...range, user, action, message, address, limit, offset };
  const rows = await usingReader(flags, io, (reader) => reader.audit.list(filter));
  const entries = redactor(
    flags,
    io,
  )(
    rows.map((row) => ({
      ...row,
      parameters: JSON.parse(row.parameters) as unknown,
      affected: JSON.parse(row.affected) as unknown,
    })),
  );
  if (flags.json === true) {
    io.stdout.write(renderJson("audit", { entries }));
    return;
  }
  const shown = entries.map((entry) => ({
    ...entry,
    parameters: JSON.stringify(entry.parameters),
    affected: JSON.stringify(entry.affected),
  }));
  io.stdout.write(flags.csv === true ? renderAuditCsv(shown) : renderAudit(shown, io.timeZone, screenOf(io)));
}
