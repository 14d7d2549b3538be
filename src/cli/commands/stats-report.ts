/** Counts beside the statistics of a report: who sends, and the time before. */
import { type Actors, findActors } from "../../abuse/abuse.ts";
import type { Coverage, CoverageState } from "../../coverage/holes.ts";
import type { EarlierTotals } from "../../render/html/report.ts";
import type { StatsRequest } from "../../stats/request.ts";
import { countPrevious, type PreviousTotals, type Stats } from "../../stats/stats.ts";
import type { Reader } from "../../store/reader.ts";
import { epochMs } from "../../units.ts";
import { coverageOf } from "../coverage.ts";
import type { Io } from "../io.ts";

export interface Beside {
  readonly servers: readonly string[];
  readonly earlier: EarlierTotals | undefined;
  readonly actors: Actors | undefined;
}

/** After every moment; still exact in microseconds. */
const LAST_MS = Math.floor(Number.MAX_SAFE_INTEGER / 1000);

/** `isWhole`: all sections were asked for. */
export async function countBeside(
  reader: Reader,
  request: StatsRequest,
  stats: Stats,
  isWhole: boolean,
  io: Io,
): Promise<Beside> {
  const { filter } = request;
  const wanted = filter.servers ?? [];
  const names = (await reader.stats.servers()).map(({ name }) => name);
  return {
    servers: wanted.length === 0 ? names : names.filter((name) => wanted.includes(name)),
    earlier: stats.sections.totals === undefined ? undefined : await findEarlier(reader, request, stats, io),
    actors: isWhole ? await actorsOf(reader, request) : undefined,
  };
}

/** The time of `--compare`, else the one just before. */
async function findEarlier(
  reader: Reader,
  request: StatsRequest,
  { before, coverage, overview }: Stats,
  io: Io,
): Promise<EarlierTotals | undefined> {
  const found: PreviousTotals | undefined =
    before === undefined
      ? await countPrevious(reader.stats, request)
      : {
          since: before.since,
          until: before.until,
          totals: before.sections.totals ?? null,
          isWithinLogs: overview.from !== null && overview.from <= before.since,
        };
  if (found === undefined) return undefined;
  const [since, until] = [found.since, found.until].map((iso) => epochMs(Date.parse(iso)));
  const read = readOf(coverageOf(reader, { since, until, server: request.filter.servers }, io));
  return {
    since: found.since,
    until: found.until,
    totals: found.totals,
    read: found.isWithinLogs || read === "none" ? read : "partial",
    readNow: readOf(coverage),
  };
}

/** Coverage by main logs alone: the figures are of them. */
function readOf({ state, logs }: Coverage): CoverageState {
  const main = logs.filter(({ logType }) => logType === "main");
  if (state !== "partial" || main.length === 0) return state;
  return main.some((log) => log.state === "partial" || log.state === "none") ? "partial" : "unknown";
}

async function actorsOf(reader: Reader, { filter, limit }: StatsRequest): Promise<Actors> {
  const { since, until, servers = [], subjects } = filter;
  if (subjects !== undefined) await reader.abuse.choose(subjects);
  const isChosen = subjects !== undefined;
  return findActors(reader.abuse, { sinceMs: since ?? 0, untilMs: until ?? LAST_MS, servers, isChosen }, limit);
}
