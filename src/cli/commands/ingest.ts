import { EXIT_STATUS, PilotError } from "../../errors.ts";
import { isTimeZone } from "../../ingest/clock.ts";
import { type IngestReport, ingest } from "../../ingest/ingest.ts";
import { renderIngestJson, renderIngestSummary, renderUnusualShares } from "../../render/ingest-summary.ts";
import type { LogType } from "../../store/codes.ts";
import { SECOND_MS } from "../../units.ts";
import { type AuditFlags, audited } from "../audited.ts";
import { type DatabaseFlags, paintFor, toStoreSettings, usingWriter } from "../context.ts";
import type { Io } from "../io.ts";
import { startProgress } from "../progress.ts";
import { reportError } from "../report-error.ts";

export interface IngestFlags extends DatabaseFlags, AuditFlags {
  readonly server?: string;
  readonly timezone?: string;
  readonly logType?: LogType;
  readonly batchSize: number;
  readonly strict?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Ingests the files and prints one summary line; returns the exit status. Errors: `usage`, those of the database. */
export async function runIngest(files: readonly string[], flags: IngestFlags, io: Io): Promise<number> {
  const { timezone } = flags;
  if (timezone !== undefined && !isTimeZone(timezone)) {
    throw new PilotError("usage", `"${timezone}" is not a time zone this machine knows.`, {
      hint: "Give an IANA name such as Europe/Berlin or UTC.",
    });
  }
  const startedMs = io.now();
  const progress = await startProgress(io, flags.quiet === true || flags.json === true);
  let report: IngestReport;
  try {
    const action = { action: "ingest", parameters: { ...flags, files }, affected, ignoresFailure: true };
    report = await audited(action, toStoreSettings(flags, io), flags, io, () =>
      usingWriter(flags, io, (writer, { program, now }) =>
        ingest(files, io.stdin, writer, {
          server: flags.server ?? io.hostname,
          timeZone: timezone,
          defaultTimeZone: io.timeZone,
          logType: flags.logType,
          batchLines: flags.batchSize,
          program,
          now,
          signal: io.signal,
          onProgress: progress.update,
        }),
      ),
    );
  } finally {
    progress.stop();
  }
  printReport(report, (io.now() - startedMs) / SECOND_MS, flags, io);
  return statusOf(report, flags.strict === true);
}

/** A run that finds nothing new, as most from cron, changes nothing. */
function affected({ server, totals, logs }: IngestReport): object | undefined {
  if (totals.lines === 0) return undefined;
  const { lines, messages, bytes } = totals;
  return { server, lines, messages, bytes, logs: logs.filter((log) => log.lines > 0).map(({ path }) => path) };
}

function printReport(report: IngestReport, seconds: number, flags: IngestFlags, io: Io): void {
  for (const { error } of report.logs) if (error !== undefined) reportError(error, io);
  if (flags.quiet !== true) io.stderr.write(renderUnusualShares(report));
  if (flags.json === true) io.stdout.write(renderIngestJson(report, seconds));
  else if (flags.quiet !== true) io.stdout.write(renderIngestSummary(report, seconds, paintFor(io.stdout, io)));
}

function statusOf({ logs, totals, isInterrupted }: IngestReport, isStrict: boolean): number {
  if (isInterrupted) return EXIT_STATUS.interrupted;
  const failed = logs.find(({ error }) => error !== undefined);
  if (failed?.error !== undefined) return EXIT_STATUS[failed.error.code];
  return isStrict && totals.unparsed > 0 ? EXIT_STATUS.check_failed : 0;
}
