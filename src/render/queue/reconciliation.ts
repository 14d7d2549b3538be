import type { Reconciliation } from "../../queue/reconcile.ts";
import { countOf } from "../form/format.ts";
import { renderHanging } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { toVisibleLine } from "../form/terminal-text.ts";

export function renderReconciliation(
  { agreed, differences }: Reconciliation,
  { columns, paint }: { readonly columns: number; readonly paint: Paint },
): string {
  const agreement = agreed === 0 ? "no message" : countOf(agreed, "message");
  if (differences.length === 0) return `Spool and log agree about ${agreement}.\n`;
  const rows = [...Map.groupBy(differences, ({ what }) => what)].flatMap(([what, some]) => [
    "",
    renderHanging("", toVisibleLine(what), 0, columns),
    ...some.map(({ id }) => `  ${paint.strong(toVisibleLine(id))}`),
  ]);
  return `${[`Spool and log agree about ${agreement}, and differ about ${differences.length}.`, ...rows].join("\n")}\n`;
}
