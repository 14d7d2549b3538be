import { PilotError } from "../../errors.ts";
import type { EpochMs } from "../../units.ts";
import { type Clock, type NamedTime, parseWhen, WHEN_FORMS } from "../../when.ts";
import type { Io } from "../io.ts";

/** From `since` on, and before `until`. */
export interface TimeRange {
  readonly since: EpochMs | undefined;
  readonly until: EpochMs | undefined;
}

/**
 * The time between what `--since` and `--until` name. A day given to `--until` is included, a time is not, so that ranges which
 * follow one another have nothing in common. Errors: `usage`.
 */
export function toTimeRange(
  flags: { readonly since?: string | undefined; readonly until?: string | undefined },
  io: Pick<Io, "now" | "timeZone">,
): TimeRange {
  const now = io.now();
  // NOTE: most runs name no time, and the first question about a time zone takes long.
  const clock = (): Clock => ({ now, timeZone: io.timeZone });
  const since = toSpan("--since", flags.since, clock)?.from;
  const end = toSpan("--until", flags.until, clock);
  const until = end?.isDay === true ? end.until : end?.from;
  if (since !== undefined && until !== undefined && since >= until) {
    throw new PilotError("usage", "--since is not before --until.", {
      hint: "A day given to --until is included, a time is not.",
    });
  }
  return { since, until };
}

function toSpan(flag: string, text: string | undefined, clock: () => Clock): NamedTime | undefined {
  if (text === undefined) return undefined;
  const span = parseWhen(text, clock());
  if (span !== undefined) return span;
  throw new PilotError("usage", `${flag} cannot be "${text}".`, { hint: `Give ${WHEN_FORMS}.` });
}
