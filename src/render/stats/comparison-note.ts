/** Sentences that say which of two compared times was read in part only. */
import type { Coverage } from "../../coverage/holes.ts";
import type { EarlierTime } from "../../stats/stats.ts";
import { describeCoverage } from "../coverage-text.ts";

/** None where no hole in either time is known. */
export function describeComparison(before: EarlierTime, timeZone: string): readonly string[] {
  if (!before.isPartlyCovered) return [];
  const times: readonly (readonly [string, Coverage])[] = [
    ["The time before", before.coverage],
    ["The time that is compared with it", before.coverageNow],
  ];
  const notes = times.flatMap(([what, coverage]) => {
    if (coverage.state !== "partial" && coverage.state !== "none") return [];
    const read =
      coverage.state === "none" ? "is not covered by stored lines" : "is only partly covered by stored lines";
    return [`${what} ${read}. ${describeCoverage(coverage, timeZone).replace(/^(?:partial|none)\. /, "")}`];
  });
  return [...notes, "A difference may be of what was not read."];
}
