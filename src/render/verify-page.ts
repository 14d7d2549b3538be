/** The checks of a verification, and what they found. */
import type { Exclusions } from "../store/integrity/pruned-exclusions.ts";
import type { CheckReport } from "../verify/verify.ts";
import { countOf, formatBytes, formatCount } from "./form/format.ts";
import { renderHanging } from "./form/layout.ts";
import type { Paint } from "./form/paint.ts";
import { toVisibleLine } from "./form/terminal-text.ts";

export interface VerifyPageOptions {
  readonly columns: number;
  readonly paint: Paint;
}

export function renderVerification(checks: readonly CheckReport[], options: VerifyPageOptions): string {
  const { paint } = options;
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.map((check) => renderCheck(check, width, options));
  const count = checks.reduce((sum, check) => sum + check.count, 0);
  const verdict =
    count === 0
      ? `${paint.good("Sound:")} ${countOf(checks.length, "check")}, nothing found.`
      : `${paint.bad("Not sound:")} ${countOf(count, "finding")}. ${adviceFor(checks)}`;
  const exclusions = checks.flatMap((check) =>
    check.exclusions === undefined ? [] : describeExclusions(check.exclusions),
  );
  const notes = [verdict, ...exclusions].map((note) => renderHanging("", note, 0, options.columns));
  return `${lines.join("\n")}\n\n${notes.join("\n")}\n`;
}

function renderCheck(
  { name, question, count, findings }: CheckReport,
  width: number,
  { columns, paint }: VerifyPageOptions,
): string {
  const label = `${name.padEnd(width)}  `;
  if (count === 0) return renderHanging(`${label}${paint.good("ok")}  `, paint.faint(question), width + 6, columns);
  const more = count - findings.length;
  return [
    renderHanging(`${label}${paint.bad("no")}  `, question, width + 6, columns),
    ...findings.map((finding) => renderHanging("  - ", toVisibleLine(finding), 4, columns)),
    ...(more > 0 ? [`  … and ${formatCount(more)} more`] : []),
  ].join("\n");
}

function describeExclusions({ bytes, entries, messages }: Exclusions): string {
  const what = `${countOf(messages, "message")} and ${entries === 1 ? "1 entry" : `${formatCount(entries)} entries`}`;
  return `Not compared with their lines: ${what}, because ${formatBytes(bytes)} of log text have been pruned.`;
}

/** Names checks whose findings no line can mend. */
const BEYOND_LINES = ["file", "text", "positions", "digests"];

/** Advises a remedy: derived rows can be derived again, text cannot, nor can what no text tells. */
function adviceFor(checks: readonly CheckReport[]): string {
  const isPruned = checks.some(({ exclusions }) => exclusions !== undefined);
  const failed = new Set(checks.flatMap(({ name, count }) => (count > 0 ? [name] : [])));
  return BEYOND_LINES.some((name) => failed.has(name))
    ? "Keep the file; restore a backup, or ingest the logs again into a new database."
    : isPruned
      ? "The remaining lines are intact, but not everything can be derived from them: restore a backup, or ingest the logs and the files of `prune --archive` into a new database."
      : "The lines are intact: `exim-pilot rebuild` derives the rest from them again.";
}
