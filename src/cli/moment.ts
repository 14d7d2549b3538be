import { PilotError } from "../errors.ts";
import { parseSpan } from "../retention/policy.ts";
import { type EpochMs, epochMs } from "../units.ts";

/** Reads `2026-03-02`, `2026-03-02T05:40:05Z` (UTC unless it has a zone), or a span ago such as `7d`. Errors: `usage`. */
export function parseMoment(text: string, now: EpochMs): EpochMs {
  if (/^\d+[hdwy]$/.test(text)) return epochMs(now - (parseSpan(text) ?? 0));
  const ms = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)?)?$/.test(text)
    ? Date.parse(
        /(Z|[+-]\d\d:\d\d)$/.test(text) || text.length === 10 ? text.replace(" ", "T") : `${text.replace(" ", "T")}Z`,
      )
    : Number.NaN;
  if (Number.isFinite(ms)) return epochMs(ms);
  throw new PilotError("usage", `"${text}" is no time.`, {
    hint: "Give it such as 2026-03-02, 2026-03-02T05:40:05Z, or as a span ago: 12h, 7d, 4w.",
  });
}
