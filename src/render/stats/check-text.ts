/** Conditions of alarm in words. */
import type { Check } from "../../stats/conditions.ts";
import { formatCount, formatSeconds } from "../form/format.ts";
import { toVisibleLine } from "../form/terminal-text.ts";
import { formatShare } from "./table.ts";

/** `fail-if deferred>5%: it is 37.4 %`; a line each, empty when none is met. */
export function renderAlarms(checks: readonly Check[]): string {
  return checks
    .filter(({ isMet }) => isMet)
    .map(
      ({ condition, unit, value }) => `fail-if ${toVisibleLine(condition)}: it is ${formatValue(value ?? 0, unit)}\n`,
    )
    .join("");
}

function formatValue(value: number, unit: Check["unit"]): string {
  if (unit === "share") return formatShare(value);
  return unit === "seconds" ? formatSeconds(value) : formatCount(value);
}
