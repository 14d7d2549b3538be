import type { Reconciliation } from "../queue/reconcile.ts";
import { countOf } from "./format.ts";
import { renderHanging } from "./layout.ts";
import type { Paint } from "./paint.ts";
import { toVisibleLine } from "./terminal-text.ts";

const INDENT = 2;

export function renderReconciliation(
  { agreed, differences }: Reconciliation,
  { columns, paint }: { readonly columns: number; readonly paint: Paint },
): string {
  const agreement = agreed === 0 ? "no message" : countOf(agreed, "message");
  if (differences.length === 0) return `Spool and log tell the same of ${agreement}.\n`;
  const rows = differences.flatMap(({ id, what }) => [
    "",
    paint.strong(toVisibleLine(id)),
    renderHanging(" ".repeat(INDENT), toVisibleLine(what), INDENT, columns),
  ]);
  return `${[`Spool and log tell the same of ${agreement}, and differ in ${differences.length}.`, ...rows].join("\n")}\n`;
}
