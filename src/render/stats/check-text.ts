/** Conditions of alarm in words. */
import type { Check } from "../../stats/conditions.ts";
import { formatCount, formatSeconds, formatTime } from "../form/format.ts";
import { toVisibleLine } from "../form/terminal-text.ts";
import { formatShare } from "./table.ts";

/**
 * A line for each condition that is met, empty when none is: `fail-if deferred>5%: it is 37.4 %`, `fail-if silence of mx1>1 h: it is
 * 3 d 4 h; the newest line is of 2026-03-10 16:34:33 (UTC)`.
 */
export function renderAlarms(checks: readonly Check[], timeZone: string): string {
  return checks
    .filter(({ isMet }) => isMet)
    .map(({ condition, unit, value, limit, newestLine }) => {
      const allowed = limit === null ? "" : `>${formatValue(limit, unit)}`;
      const found = value === null ? "" : `it is ${formatValue(value, unit)}`;
      const newest =
        newestLine === null ? "" : `the newest line is of ${formatTime(newestLine, timeZone)} (${timeZone})`;
      const told = [found, newest].filter((part) => part !== "").join("; ");
      return `fail-if ${toVisibleLine(condition)}${allowed}${told === "" ? "" : `: ${told}`}\n`;
    })
    .join("");
}

function formatValue(value: number, unit: Check["unit"]): string {
  if (unit === "share") return formatShare(value);
  return unit === "seconds" ? formatSeconds(value) : formatCount(value);
}
