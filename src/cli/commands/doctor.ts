import type { Coverage } from "../../coverage/holes.ts";
import {
  checkChannels,
  checkSpool,
  type DoctorReport,
  examine,
  type Finding,
  worstFirst,
} from "../../doctor/doctor.ts";
import { EXIT_STATUS } from "../../errors.ts";
import { findSpool, spoolRight } from "../../queue/spool-directory.ts";
import { explainCoverage, mendHoles } from "../../render/coverage-text.ts";
import { renderDoctor } from "../../render/doctor.ts";
import { formatBytes, formatTime } from "../../render/form/format.ts";
import { renderJson } from "../../render/form/json.ts";
import { DEFAULT_SPANS, parseSpan } from "../../retention/policy.ts";
import { findGroups } from "../../setup/accounts.ts";
import { type EpochMs, toIso } from "../../units.ts";
import { columnsOf, type DatabaseFlags, paintFor, toStoreSettings, usingReader } from "../context.ts";
import { coverageOf } from "../coverage.ts";
import type { ConfigurationValues } from "../flags/configuration.ts";
import { findConfiguration, settingOf } from "../flags/effective-options.ts";
import { commonTimeZone, serverTimeZone } from "../flags/time-zone.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";

export interface DoctorFlags extends DatabaseFlags {
  readonly config?: string;
  readonly redact?: boolean;
  readonly json?: boolean;
}

/** Prints what is well and what is not; returns the exit status: 1 with a problem. */
export async function runDoctor(flags: DoctorFlags, io: Io): Promise<number> {
  const configuration = findConfiguration(flags.config, io);
  const { isReadable, ...examined } = examine({
    ...toStoreSettings(flags, io),
    node: process.versions.node,
    formatBytes,
    formatStamp: (at, timeZones) => formatStamp(at, commonTimeZone(timeZones, io)),
    keptMs: keptMsOf(configuration, io),
  });
  const redact = redactor(flags, io);
  const channels = await channelFindings(isReadable, configuration, flags, io);
  const findings = worstFirst([...examined.findings, ...spoolFindings(io), ...channels]);
  const found = redact({ ...examined, findings });
  const report = isReadable
    ? await usingReader(flags, io, async (reader) => {
        const timeZone = await serverTimeZone(reader, undefined, io);
        return withCoverage(found, redact(coverageOf(reader, {}, io)), timeZone);
      })
    : found;
  const page =
    flags.json === true
      ? renderJson("doctor", report)
      : renderDoctor(report, columnsOf(io.stdout, io), paintFor(io.stdout, io));
  io.stdout.write(page);
  return report.findings.some(({ verdict }) => verdict === "problem") ? EXIT_STATUS.check_failed : 0;
}

function formatStamp(at: EpochMs, timeZone: string): string {
  return `${formatTime(toIso(at), timeZone)} (${timeZone})`;
}

/** The shorter of the times that log text and messages are kept, in ms; undefined: for ever. Errors: `usage` for a setting that is no span. */
function keptMsOf(configuration: ConfigurationValues, io: Io): number | undefined {
  const spans = (["logs", "messages"] as const).flatMap(
    (name) => parseSpan(String(settingOf(`prune.${name}`, configuration, io) ?? DEFAULT_SPANS[name])) ?? [],
  );
  return spans.length === 0 ? undefined : Math.min(...spans);
}

/** None where there is no spool. */
function spoolFindings(io: Io): readonly Finding[] {
  const root = io.systemRoot ?? "/";
  const path = findSpool(root);
  if (path === undefined) return [];
  const right = spoolRight(path);
  if (right.kind !== "closed") return [checkSpool({ path, closed: undefined })];
  const { groupId, isGroupEnough, isFile } = right;
  const group = findGroups(root).find(({ id }) => id === groupId)?.name ?? String(groupId);
  return [checkSpool({ path, closed: { path: right.path, isFile, group, isGroupEnough } })];
}

/** None where no channel is configured. */
async function channelFindings(
  isReadable: boolean,
  configuration: ConfigurationValues,
  flags: DoctorFlags,
  io: Io,
): Promise<readonly Finding[]> {
  const { notify, channels } = configuration.notify;
  if (notify === undefined && channels === undefined) return [];
  const { healthOfChannels } = await import("../notify/channel-health.ts");
  return checkChannels(await healthOfChannels(configuration, isReadable ? flags : undefined, io));
}

/** The report with how much was read, of the time from the first line to the last one. */
function withCoverage(report: DoctorReport, coverage: Coverage, timeZone: string): DoctorReport {
  const message = explainCoverage(coverage, timeZone);
  const isLacking = coverage.state === "none" || coverage.state === "partial";
  const hint =
    mendHoles(coverage.holes) || (isLacking ? "Ingest the logs that are missing: `exim-pilot ingest FILE`." : "");
  const finding: Finding =
    hint === ""
      ? { check: "coverage", verdict: "ok", message }
      : { check: "coverage", verdict: "advice", message, hint };
  return { ...report, findings: worstFirst([...report.findings, finding]), coverage };
}
