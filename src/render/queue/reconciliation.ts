import type { ReconciliationAnswer } from "../answers.ts";
import { countOf, formatCount, formatTime } from "../form/format.ts";
import { renderHanging } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { toVisibleLine } from "../form/terminal-text.ts";

/** `count`: of all differences; those that are not among `differences` are told by their number. */
export function renderReconciliation(
  { agreed, differences, logEnd, count }: Omit<ReconciliationAnswer, "at"> & { readonly count: number },
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
  const read =
    logEnd === null ? "No line of a log was read." : `The log was read up to ${formatTime(logEnd, timeZone)}.`;
  const rest = count - differences.length;
  const more = rest === 0 ? [] : ["", paint.faint(`${formatCount(rest)} more; --json shows all.`)];
  return `${[head, renderHanging("", read, 0, columns), ...rows, ...more].join("\n")}\n`;
}
