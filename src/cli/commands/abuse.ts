import { type Abuse, findAbuse } from "../../abuse/abuse.ts";
import { renderAbuseCsv, renderAbusePage } from "../../render/abuse/page.ts";
import { describeRisk } from "../../render/abuse/risk-text.ts";
import { renderJson } from "../../render/form/json.ts";
import { type DatabaseFlags, screenOf, usingReader } from "../context.ts";
import { coverageOf, explainNothing } from "../coverage.ts";
import { type FilterFlags, readFilter } from "../flags/filter-flags.ts";
import { hintsOfMisplaced } from "../flags/misplaced-values.ts";
import { serverTimeZone } from "../flags/time-zone.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";
import { riskRuleFor } from "./risk-rule.ts";

/** Latest time, so that stamps after now count too: clocks and zones are wrong at times. Still exact in microseconds. */
const LAST_MS = Math.floor(Number.MAX_SAFE_INTEGER / 1000);

export interface AbuseFlags extends DatabaseFlags, Omit<FilterFlags, "event" | "kind" | "logType"> {
  readonly limit: number;
  readonly config?: string;
  readonly redact?: boolean;
  readonly csv?: boolean;
  readonly json?: boolean;
}

/** Prints who sends and who tries to; returns the exit status, 1 when nobody does. Errors: `usage`, `not_found` (a server), those of the database. */
export async function runAbuse(flags: AbuseFlags, io: Io): Promise<number> {
  const { found, timeZone, coverage } = await usingReader(flags, io, async (reader) => {
    const { since, until, server, ...subjects } = await readFilter(flags, reader, io);
    const isChosen = Object.keys(subjects).length > 0;
    const period = { sinceMs: since ?? 0, untilMs: until ?? LAST_MS, servers: server ?? [], isChosen };
    if (isChosen) await reader.abuse.choose(subjects);
    return {
      found: await findAbuse(reader.abuse, period, {
        limit: flags.limit,
        rule: riskRuleFor(reader, { config: flags.config, servers: server ?? [] }, io),
      }),
      timeZone: await serverTimeZone(reader, flags.server, io),
      coverage: coverageOf(reader, { since, until, server }, io),
    };
  });
  const redact = redactor(flags, io);
  const [abuse, shown] = [redact(found), redact(coverage)];
  const isAny = Object.values(abuse).some((answers) => answers.length > 0);
  if (flags.json === true)
    io.stdout.write(renderJson("abuse", { ...withVerdicts(abuse), ...(!isAny && { coverage: shown }) }));
  else if (flags.csv === true) io.stdout.write(renderAbuseCsv(abuse));
  else if (isAny) io.stdout.write(renderAbusePage(abuse, { ...screenOf(io), timeZone }));
  else io.stderr.write("Nothing matches.\n");
  if (!isAny) io.stderr.write(hintsOfMisplaced(flags) + explainNothing(shown, timeZone));
  return isAny ? 0 : 1;
}

/** The sentences are made of what may be shown. */
function withVerdicts({ accountsAtRisk, ...abuse }: Abuse) {
  return { accountsAtRisk: accountsAtRisk.map((risk) => ({ ...risk, verdict: `${describeRisk(risk)}.` })), ...abuse };
}
