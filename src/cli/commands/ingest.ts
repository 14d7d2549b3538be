import { existsSync, statSync } from "node:fs";
import { describeZoneShift, findZoneShift } from "../../doctor/zone-shift.ts";
import { EXIT_STATUS, PilotError } from "../../errors.ts";
import { ReadingThread } from "../../ingest/batch/batch-thread.ts";
import { type IngestReport, ingest } from "../../ingest/ingest.ts";
import { LARGE_LOG } from "../../ingest/save/log-writer.ts";
import { STDIN_PATH } from "../../ingest/source/source.ts";
import { toVisibleLine } from "../../render/form/terminal-text.ts";
import {
  renderForeign,
  renderIngestJson,
  renderIngestSummary,
  renderLost,
  renderUnusualShares,
} from "../../render/ingest-summary.ts";
import type { StoreSettings } from "../../store/database/settings.ts";
import { latestArrivals } from "../../store/read/health-reader.ts";
import type { SourceType } from "../../store/schema/codes.ts";
import { SECOND_MS } from "../../units.ts";
import { parseWhen } from "../../when.ts";
import { type AuditedAction, type AuditFlags, audited } from "../audited.ts";
import { type DatabaseFlags, paintFor, toStoreSettings, usingWriter } from "../context.ts";
import { assertTimeZone } from "../flags/time-zone.ts";
import type { Io } from "../io.ts";
import { NotBrief } from "../quick.ts";
import { printLines } from "../terminal/print-lines.ts";
import { describeIngest, withProgress } from "../terminal/progress.ts";
import { reportError } from "../terminal/report-error.ts";

export interface IngestFlags extends DatabaseFlags, AuditFlags {
  readonly server?: string;
  readonly timezone?: string;
  readonly logType?: SourceType;
  readonly since?: string;
  readonly follow?: boolean;
  readonly batchSize: number;
  readonly strict?: boolean;
  readonly detect?: boolean;
  readonly config?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Ingests the files and prints one summary line; returns the exit status. Errors: `usage`, those of the database. */
export async function runIngest(files: readonly string[], flags: IngestFlags, io: Io): Promise<number> {
  const { timezone, since, follow } = flags;
  if (files.length === 0) {
    throw new PilotError("usage", "No log is named, and the configuration names none.", {
      hint: "Name logs, as in `exim-pilot ingest /var/log/exim4/mainlog`, or let `exim-pilot setup` find them.",
    });
  }
  if (follow === true && files.includes(STDIN_PATH)) {
    throw new PilotError("usage", "Standard input cannot be followed with --follow.", {
      hint: "Leave --follow out: lines from a pipe are stored as they come, until the pipe ends.",
    });
  }
  assertTimeZone(timezone);
  const settings = toStoreSettings(flags, io);
  // NOTE: a configuration may ask for detection, which is not brief.
  if (io.isBrief === true && (flags.detect === true || !existsSync(settings.path))) leaveBrief();
  const readingThread = readingThreadFor(files, flags, io);
  const startedMs = io.now();
  const action: AuditedAction<IngestReport> = {
    action: "ingest",
    parameters: { ...flags, files },
    affected,
    ignoresFailure: true,
    // It may go on for months and end with a kill.
    isDrastic: follow === true,
  };
  const reading = withProgress(flags, io, (progress) =>
    audited(action, settings, flags, io, () =>
      usingWriter(flags, io, async (writer, { program, now }) => {
        const { openWriter } = await import("../../store/store.ts");
        return ingest(files, io, writer, {
          server: flags.server ?? io.hostname,
          timeZone: timezone,
          get defaultTimeZone() {
            return io.timeZone;
          },
          logType: flags.logType,
          since:
            since === undefined ? undefined : (zone) => parseWhen(since, { now: now(), timeZone: zone })?.from ?? now(),
          isFollowing: flags.follow === true,
          reopen: () => openWriter(settings, { create: false }),
          batchLines: flags.batchSize,
          program,
          now,
          env: io.env,
          signal: io.signal,
          readingThread,
          startCheckpointThread: io.isBrief === true ? undefined : io.startCheckpointThread,
          onProgress: (reached) => progress.update(() => describeIngest(reached)),
          leaveBrief: io.isBrief === true ? leaveBrief : undefined,
        });
      }),
    ),
  );
  const report = await reading.finally(() => readingThread?.close());
  printReport(report, (io.now() - startedMs) / SECOND_MS, flags, io);
  if (flags.quiet !== true && report.totals.messages > 0) io.stderr.write(noteOnZone(report, settings));
  const isDetecting = flags.detect === true && flags.follow !== true;
  if (isDetecting && !report.isInterrupted) await tellIncidents(flags, io);
  return statusOf(report, flags.strict === true);
}

/** Returns the thread that reads large logs; it starts at once, while the database is opened, when a log is named that may be one. */
function readingThreadFor(files: readonly string[], { follow }: IngestFlags, io: Io): ReadingThread | undefined {
  if (io.isBrief === true || io.startReadingThread === undefined) return undefined;
  const thread = new ReadingThread(io.startReadingThread);
  if (follow !== true && files.some(isLarge)) thread.begin();
  return thread;
}

function isLarge(path: string): boolean {
  try {
    return statSync(path).size > LARGE_LOG;
  } catch {
    // NOTE: a pattern, or a file that cannot be read, of which the report tells.
    return false;
  }
}

/** Looks for incidents in what was read; tells those that opened or got worse. */
async function tellIncidents({ db, wait, config, quiet }: IngestFlags, io: Io): Promise<void> {
  const { runDetection } = await import("./detection.ts");
  const flags = { db, wait, ...(config === undefined ? {} : { config }) };
  const detected = await runDetection(flags, io, async (servers) => servers);
  if (quiet === true) return;
  for (const { server, changes } of detected)
    for (const { reason, incident, isMuted } of changes)
      if (!isMuted && (reason === "opened" || reason === "worse"))
        io.stderr.write(
          `incident ${incident.id}: ${incident.severity} on ${toVisibleLine(server)}: ${toVisibleLine(incident.title)}\n`,
        );
}

function leaveBrief(): never {
  throw new NotBrief();
}

/** A run that finds nothing new, as most from cron, changes nothing. */
function affected({ server, totals, logs }: IngestReport): object | undefined {
  if (totals.lines === 0) return undefined;
  const { lines, messages, bytes } = totals;
  return { server, lines, messages, bytes, logs: logs.filter((log) => log.lines > 0).map(({ path }) => path) };
}

function printReport(report: IngestReport, seconds: number, flags: IngestFlags, io: Io): void {
  for (const { error } of report.logs) if (error !== undefined) reportError(error, io);
  if (flags.quiet !== true) io.stderr.write(renderForeign(report) + renderLost(report) + renderUnusualShares(report));
  if (flags.json === true) io.stdout.write(renderIngestJson(report, flags.db, seconds));
  else if (flags.quiet !== true)
    printLines(renderIngestSummary(report, flags.db, seconds, paintFor(io.stdout, io)), io);
}

/** A log that is read in another zone than it was written in looks right at first, so that is told at once; mostly empty. */
function noteOnZone({ server, timeZone }: IngestReport, settings: StoreSettings): string {
  const shiftMs = findZoneShift(latestArrivals(settings, server)) ?? 0;
  if (shiftMs === 0) return "";
  return `note: message ids show that the stamps of ${toVisibleLine(server)}, read as ${timeZone}, are taken ${describeZoneShift(shiftMs)}; exim-pilot doctor says what to do.\n`;
}

function statusOf({ logs, totals, isInterrupted }: IngestReport, isStrict: boolean): number {
  if (isInterrupted) return EXIT_STATUS.interrupted;
  const failed = logs.find(({ error }) => error !== undefined);
  if (failed?.error !== undefined) return EXIT_STATUS[failed.error.code];
  return isStrict && totals.unparsed > 0 ? EXIT_STATUS.check_failed : 0;
}
