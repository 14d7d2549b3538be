/** Conditions of alarm in words. */
import type { Check } from "../../stats/conditions.ts";
import { formatCount, formatSeconds } from "../form/format.ts";
import { toVisibleLine } from "../form/terminal-text.ts";
import { formatShare } from "./table.ts";

/** `fail-if deferred>5%: it is 37.4 %`, `fail-if silence of mx1>1 h: it is 3 d 4 h`; a line each, empty when none is met. */
export function renderAlarms(checks: readonly Check[]): string {
  return checks
    .filter(({ isMet }) => isMet)
    .map(({ condition, unit, value, limit }) => {
      const allowed = limit === null ? "" : `>${formatValue(limit, unit)}`;
      const found = value === null ? "" : `: it is ${formatValue(value, unit)}`;
      return `fail-if ${toVisibleLine(condition)}${allowed}${found}\n`;
    })
    .join("");
}

function formatValue(value: number, unit: Check["unit"]): string {
  if (unit === "share") return formatShare(value);
  return unit === "seconds" ? formatSeconds(value) : formatCount(value);
}
