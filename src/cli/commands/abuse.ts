import { findAbuse } from "../../abuse/abuse.ts";
import { renderAbusePage } from "../../render/abuse-page.ts";
import { renderJson } from "../../render/form/json.ts";
import { type DatabaseFlags, screenOf, usingReader } from "../context.ts";
import { coverageOf, explainNothing } from "../coverage.ts";
import { toFilter } from "../flags/filter-flags.ts";
import { commonTimeZone } from "../flags/time-zone.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";

/** Latest time, so that stamps after now count too: clocks and zones are wrong at times. Still exact in microseconds. */
const LAST_MS = Math.floor(Number.MAX_SAFE_INTEGER / 1000);

export interface AbuseFlags extends DatabaseFlags {
  readonly since?: string;
  readonly until?: string;
  readonly limit: number;
  readonly redact?: boolean;
  readonly json?: boolean;
}

/** Prints who sends and who tries to; returns the exit status, 1 when nobody does. Errors: `usage`, those of the database. */
export async function runAbuse(flags: AbuseFlags, io: Io): Promise<number> {
  const { found, timeZone, coverage } = await usingReader(flags, io, async (reader) => {
    const timeZone = commonTimeZone((await reader.search.timeZones()).values(), io);
    const { since, until } = toFilter(flags, { now: io.now, timeZone });
    const period = { sinceMs: since ?? 0, untilMs: until ?? LAST_MS };
    return {
      found: await findAbuse(reader.abuse, period, flags.limit),
      timeZone,
      coverage: coverageOf(reader, { since, until }, io),
    };
  });
  const redact = redactor(flags, io);
  const [abuse, shown] = [redact(found), redact(coverage)];
  const isAny = Object.values(abuse).some((answers) => answers.length > 0);
  const options = { ...screenOf(io), timeZone };
  if (flags.json === true) io.stdout.write(renderJson("abuse", { ...abuse, ...(!isAny && { coverage: shown }) }));
  else if (isAny) io.stdout.write(renderAbusePage(abuse, options));
  else io.stderr.write("Nothing matches.\n");
  if (!isAny) io.stderr.write(explainNothing(shown, timeZone));
  return isAny ? 0 : 1;
}
