import type { ReconciliationAnswer } from "../answers.ts";
import { countOf, formatCount } from "../form/format.ts";
import { renderHanging } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { toVisibleLine } from "../form/terminal-text.ts";
import { describeLogEnds } from "./moment.ts";

/** `count`: of all differences; those that are not among `differences` are told by their number. */
export function renderReconciliation(
  { agreed, differences, logEnds, count }: Omit<ReconciliationAnswer, "at"> & { readonly count: number },
  { columns, paint, timeZone }: { readonly columns: number; readonly paint: Paint; readonly timeZone: string },
): string {
  const agreement = agreed === 0 ? "no message" : countOf(agreed, "message");
  if (differences.length === 0) return `Spool and log agree about ${agreement}.\n`;
  const rows = [...Map.groupBy(differences, ({ what }) => what)].flatMap(([what, some]) => [
    "",
    renderHanging("", toVisibleLine(what), 0, columns),
    ...some.map(({ id }) => `  ${paint.strong(toVisibleLine(id))}`),
  ]);
  const head = `Spool and log agree about ${agreement}, and differ about ${formatCount(count)}.`;
  const read = `${describeLogEnds(logEnds, timeZone)}.`;
  const rest = count - differences.length;
  const more = rest === 0 ? [] : ["", paint.faint(`${formatCount(rest)} more; --json shows all.`)];
  const top = [head, read].map((line) => renderHanging("", line, 0, columns));
  return `${[...top, ...rows, ...more].join("\n")}\n`;
}
