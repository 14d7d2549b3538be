import { countOf, formatBytes, formatSeconds } from "./form/format.ts";
import { toVisibleLine } from "./form/terminal-text.ts";

/** The plan or the result of a rebuild. */
export interface RebuildReport {
  readonly path: string;
  readonly logs: number;
  readonly lines: number;
  readonly bytes: number;
  /** Versions of the parser that had read what is stored. */
  readonly parserVersions: readonly number[];
  /** Version of this program's parser. */
  readonly parserVersion: number;
  /** On the disk, for a while. */
  readonly neededBytes: number;
  readonly freeBytes: number;
  readonly isApplied: boolean;
  readonly seconds: number;
}

export function renderRebuild(report: RebuildReport): string {
  const { path, logs, lines, bytes, parserVersions, parserVersion, isApplied } = report;
  const what = `${countOf(lines, "line")} (${formatBytes(bytes)}) of ${countOf(logs, "log")}`;
  const before = parserVersions.length === 0 ? "none" : parserVersions.join(" and ");
  if (isApplied)
    return `Read ${what} again with parser ${parserVersion} (before: ${before}) in ${formatSeconds(report.seconds)}.\n`;
  return [
    `Would read ${what} in "${toVisibleLine(path)}" again with parser ${parserVersion} (now: ${before}).`,
    `It would need ${formatBytes(report.neededBytes)} on the disk for a while; ${formatBytes(report.freeBytes)} are free.\n`,
  ].join("\n");
}
