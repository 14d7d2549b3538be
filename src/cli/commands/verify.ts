import { EXIT_STATUS } from "../../errors.ts";
import type { Redactor } from "../../redact/redactor.ts";
import { formatBytes } from "../../render/form/format.ts";
import { renderJson } from "../../render/form/json.ts";
import { renderVerification } from "../../render/verify-page.ts";
import { CHECKS } from "../../store/integrity/check-runner.ts";
import type { CheckProgress } from "../../store/integrity/checks/check.ts";
import { FILE } from "../../store/integrity/checks/file.ts";
import type { Reader } from "../../store/reader.ts";
import { type CheckReport, type VerifyReport, verify } from "../../verify/verify.ts";
import { verifyDeep } from "../../verify/verify-deep.ts";
import { type DatabaseFlags, screenOf, usingReader } from "../context.ts";
import type { Io } from "../io.ts";
import { namesOf } from "../redactor.ts";
import { statusOfAbort } from "../terminal/output.ts";
import { type Progress, withProgress } from "../terminal/progress.ts";
import { usingCopy } from "../working-copy.ts";

export interface VerifyFlags extends DatabaseFlags {
  readonly quick?: boolean;
  readonly deep?: boolean;
  readonly redact?: boolean;
  readonly json?: boolean;
}

/** Checks the database and prints what was found; returns the exit status. Errors: those of the database. */
export async function runVerify(flags: VerifyFlags, io: Io): Promise<number> {
  const report = await withProgress(flags, io, (progress) =>
    usingReader(flags, io, (reader) => verifyAll(reader, flags, io, progress)),
  );
  if (report.isInterrupted) return statusOfAbort(io);
  const checks = flags.redact === true ? redactChecks(report.checks, namesOf(io)) : report.checks;
  const isSound = checks.every(({ count }) => count === 0);
  io.stdout.write(
    flags.json === true ? renderJson("verify", { isSound, checks }) : renderVerification(checks, screenOf(io)),
  );
  return isSound ? 0 : EXIT_STATUS.check_failed;
}

/** `messages, stored: {"id":…}`: the row at the end is redacted by its columns. */
const ROW = /^(\w+, \w+: )(\{.*\})$/s;

function redactChecks(checks: readonly CheckReport[], names: Redactor): CheckReport[] {
  const redactOne = (finding: string): string => {
    const [, place = "", row] = ROW.exec(finding) ?? [];
    return row === undefined
      ? names.redact({ finding }).finding
      : place + JSON.stringify(names.redact(JSON.parse(row) as unknown));
  };
  return checks.map((check) => ({ ...check, findings: check.findings.map(redactOne) }));
}

async function verifyAll(reader: Reader, flags: VerifyFlags, io: Io, progress: Progress): Promise<VerifyReport> {
  const { signal } = io;
  const report = await verify(reader.checks, CHECKS, {
    isQuick: flags.quick === true,
    signal,
    onProgress: (check, reached) => progress.update(() => describeCheck(check, reached)),
  });
  if (flags.deep !== true || report.isInterrupted) return report;
  // NOTE: a damaged file answers no comparison, and that it is damaged is found already.
  if (report.checks.some(({ name, count }) => name === FILE.name && count > 0)) return report;
  const deep = await compareLines(reader, flags, io, progress);
  return deep === undefined
    ? { ...report, isInterrupted: true }
    : { checks: [...report.checks, deep], isInterrupted: false };
}

function compareLines(
  reader: Reader,
  flags: VerifyFlags,
  io: Io,
  progress: Progress,
): Promise<CheckReport | undefined> {
  const onProgress = (bytes: number): void => progress.update(() => `lines: ${formatBytes(bytes)} read again`);
  const onView = (view: string): void => progress.update(() => `lines: comparing ${view}`);
  return usingCopy(flags, io, { purpose: "compare", reader, onProgress }, (copy, bringUp) =>
    verifyDeep(copy, bringUp, { signal: io.signal, onView }),
  );
}

function describeCheck(check: string, reached: CheckProgress | undefined): string {
  return reached === undefined || reached.total === 0
    ? check
    : `${check}: ${Math.floor((reached.done / reached.total) * 100)} %`;
}
