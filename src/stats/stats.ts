/** Computes the statistics of a time, by sections. */

import type { Coverage } from "../coverage/holes.ts";
import { PilotError } from "../errors.ts";
import { parseEntryText } from "../parse/record.ts";
import type { Outliers, Overview, SelectedStats, StatsReader } from "../store/stats/stats-reader.ts";
import { type EpochMs, epochMs, HOUR_MS, toIso } from "../units.ts";
import { formatBucket } from "../when.ts";
import type { Check } from "./conditions.ts";
import { Figures } from "./figures.ts";
import {
  type Buckets,
  type Comparison,
  coveredPeriod,
  cutIntoBuckets,
  type Period,
  shiftFilter,
  shiftMoment,
} from "./period.ts";
import type { AskedSubjects, StatsRequest } from "./request.ts";
import { SectionBuilder } from "./section-builder.ts";
import type { SectionName, Sections, SomeSections } from "./sections.ts";
import { computeTotals, type Totals } from "./totals.ts";

/** Times are ISO-8601. */
export interface Stats {
  readonly overview: Overview;
  /** IANA name: days and hours are those of its clock. */
  readonly timeZone: string;
  readonly asked: AskedTime;
  /** Part of it that the logs cover, the end exclusive; null if none. */
  readonly from: string | null;
  readonly until: string | null;
  /** Coverage of the time, as far as the logs show. */
  readonly coverage: Coverage;
  readonly filter: AskedFilter;
  /** Sections that were asked for. */
  readonly sections: SomeSections;
  /** The conditions that were to be checked. */
  readonly checks: readonly Check[];
  /** The same of the time it is compared with; only there when one was asked for. */
  readonly before?: EarlierTime;
}

export interface AskedTime {
  readonly since: string | null;
  readonly until: string | null;
}

export interface AskedFilter {
  readonly servers: readonly string[];
  /** Flags and their values. */
  readonly subjects: AskedSubjects;
  /** Facts that the filters cannot select, in sentences. */
  readonly limits: readonly string[];
}

export interface EarlierTime {
  readonly comparison: Comparison;
  readonly since: string;
  readonly until: string;
  /** Coverage of that time, and of the one above as far as it is compared. */
  readonly coverage: Coverage;
  readonly coverageNow: Coverage;
  /** Holes in the logs of either time are known: differences may be of what was not read. */
  readonly isPartlyCovered: boolean;
  /** Sections of that time: rankings, providers and slow hosts hold only rows of the sections above. Empty when no log covers the time. */
  readonly sections: SomeSections;
}

/** Errors: `usage` (a comparison without a beginning, too small a bucket, a rank that the axis has not), `interrupted`. */
export async function computeStats(reader: StatsReader, request: StatsRequest): Promise<Stats> {
  const { filter, sections, timeZone } = request;
  const overview = await reader.overview(filter.servers);
  const period = coveredPeriod(filter, overview);
  const buckets = cutIntoBuckets(period, request.bucket, timeZone);
  if (buckets === undefined) {
    throw new PilotError(
      "usage",
      `There are too many buckets of one ${formatBucket(request.bucket ?? "day")} in that time.`,
      {
        hint: "Choose a larger --bucket, or a shorter time with --since and --until.",
      },
    );
  }
  assertComparable(request);
  const builder = new SectionBuilder(reader, request, period, buckets);
  const figures = await builder.count(filter);
  const built = await builder.build(figures, sections);
  const checks = await builder.check(figures);
  const before = await compareWith(reader, request, period, buckets, built);
  return {
    overview,
    timeZone,
    asked: { since: isoOrNull(filter.since), until: isoOrNull(filter.until) },
    from: isoOrNull(period.from),
    until: isoOrNull(period.until),
    coverage: request.coverage,
    filter: {
      servers: filter.servers ?? [],
      subjects: request.subjects,
      limits: [...limitsOf(figures.source.choice, sections), ...describeOutliers(reader.outliers(filter.servers))],
    },
    sections: built,
    checks,
    ...(before !== undefined && { before }),
  };
}

function assertComparable({ compare, filter }: StatsRequest): void {
  if (compare === undefined || filter.since !== undefined) return;
  throw new PilotError("usage", "A comparison needs the beginning of the time to compare.", {
    hint: "Give --since, for instance `--since yesterday --until today --compare week`.",
  });
}

/** Totals of a time that ends where another begins. */
export interface PreviousTotals {
  /** ISO-8601, the end exclusive. */
  readonly since: string;
  readonly until: string;
  /** Null when no log covers the time. */
  readonly totals: Totals | null;
  /** The logs begin before it. */
  readonly isWithinLogs: boolean;
}

/**
 * Counts the time just before that of the request, as long as what has passed of it. Undefined when no log covers the requested time.
 */
export async function countPrevious(reader: StatsReader, request: StatsRequest): Promise<PreviousTotals | undefined> {
  const { filter, now } = request;
  const overview = await reader.overview(filter.servers);
  const covered = coveredPeriod(filter, overview);
  if (covered.from === undefined || covered.until === undefined || overview.from === null) return undefined;
  const end = filter.until !== undefined && filter.until <= now ? filter.until : covered.until;
  const begin = filter.since ?? covered.from;
  const earlier = { ...filter, since: epochMs(begin - (end - begin)), until: begin };
  const isCovered = coveredPeriod(earlier, overview).from !== undefined;
  const figures = async (): Promise<Figures> =>
    new Figures(await reader.select(earlier, parseEntryText), HOUR_MS, request.riskRule);
  return {
    since: toIso(earlier.since),
    until: toIso(earlier.until),
    totals: isCovered ? await computeTotals(await figures()) : null,
    isWithinLogs: Date.parse(overview.from) <= earlier.since,
  };
}

/** Only of the time that is asked for is it told what was read of it. */
const UNTOLD: Coverage = { state: "unknown", from: null, until: null, logs: [], holes: [] };

/** A time without an end is compared as far as the logs go. */
async function compareWith(
  reader: StatsReader,
  request: StatsRequest,
  covered: Period,
  buckets: Buckets,
  sections: Partial<Sections>,
): Promise<Stats["before"]> {
  const { compare, filter, timeZone, now } = request;
  if (compare === undefined || filter.since === undefined) return undefined;
  const asked = { ...filter, since: filter.since, until: filter.until ?? covered.until ?? now };
  const shifted = shiftFilter(asked, compare, timeZone);
  const period = coveredPeriod(shifted, await reader.overview(filter.servers));
  const edges = buckets.edges.map((edge) => shiftMoment(edge, asked, compare, timeZone));
  const unlimited = { ...request, limit: Number.POSITIVE_INFINITY, coverage: UNTOLD };
  const builder = new SectionBuilder(reader, unlimited, period, { ...buckets, edges }, sections.top);
  // Sections are left empty where no log covers the time: unknown is not zero.
  const told = request.sections.filter((name) => name !== "coverage");
  const compared = period.from === undefined ? [] : told;
  const before = await builder.build(await builder.count(shifted), compared);
  const coverageNow = request.coverageOf(asked.since, asked.until);
  const coverage = request.coverageOf(shifted.since ?? asked.since, shifted.until ?? asked.until);
  return {
    comparison: compare,
    coverage,
    coverageNow,
    isPartlyCovered: [coverage, coverageNow].some(({ state }) => state === "partial" || state === "none"),
    since: isoOrNull(shifted.since) ?? "",
    until: isoOrNull(shifted.until) ?? "",
    sections: { ...before, ...onlyOf(before, sections) },
  };
}

/** Providers and hosts that the other time has. */
function onlyOf({ providers, slow }: Partial<Sections>, now: Partial<Sections>): Partial<Sections> {
  const known = new Set(now.providers?.providers.map(({ provider }) => provider));
  const hosts = new Set(now.slow?.hosts.map(({ host }) => host));
  return {
    ...(providers && {
      providers: { ...providers, providers: providers.providers.filter(({ provider }) => known.has(provider)) },
    }),
    ...(slow && { slow: { ...slow, hosts: slow.hosts.filter(({ host }) => hosts.has(host)) } }),
  };
}

const OF_REJECTIONS: readonly SectionName[] = ["problems", "totals", "series", "rejections", "blocklists", "top"];

function limitsOf(choice: SelectedStats["choice"], sections: readonly SectionName[]): string[] {
  if (choice === undefined) return [];
  const limits: string[] = [];
  if (sections.includes("problems")) limits.push("Panics are left out: these filters cannot select them.");
  if (!choice.hasLoneRejections && sections.some((name) => OF_REJECTIONS.includes(name)))
    limits.push("Only rejections of messages are counted: other rejections lack what is filtered by.");
  if (choice.narrowsAttempts)
    limits.push("Attempts are those that match themselves; messages and recipients are all of messages that match.");
  return limits;
}

/** A line keeps its stamp, and is found and counted by it; what one such line must not do is to stretch the time for all others. */
function describeOutliers({ early, ahead }: Outliers): string[] {
  return [
    ...(early === undefined
      ? []
      : [`The time covered leaves out lines stamped as early as ${toIso(early)}, before there was an Exim.`]),
    ...(ahead === undefined
      ? []
      : [
          `The time covered leaves out lines stamped up to ${toIso(ahead)}, more than a day ahead of the clock when they were read.`,
        ]),
  ];
}

function isoOrNull(at: EpochMs | undefined): string | null {
  return at === undefined ? null : toIso(at);
}
