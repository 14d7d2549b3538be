import { examine } from "../../doctor/doctor.ts";
import { EXIT_STATUS } from "../../errors.ts";
import { renderDoctor } from "../../render/doctor.ts";
import { renderJson } from "../../render/json.ts";
import { columnsOf, type DatabaseFlags, paintFor, toStoreSettings } from "../context.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";

export interface DoctorFlags extends DatabaseFlags {
  readonly redact?: boolean;
  readonly json?: boolean;
}

/** Prints what is well and what is not; returns the exit status: 1 with a problem. */
export function runDoctor(flags: DoctorFlags, io: Io): number {
  const report = redactor(flags)(examine({ ...toStoreSettings(flags, io), node: process.versions.node }));
  const page =
    flags.json === true
      ? renderJson("doctor", report)
      : renderDoctor(report, columnsOf(io.stdout, io), paintFor(io.stdout, io));
  io.stdout.write(page);
  return report.findings.some(({ verdict }) => verdict === "problem") ? EXIT_STATUS.check_failed : 0;
}
