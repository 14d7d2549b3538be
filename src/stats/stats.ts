/** How the mail of a time adds up, by sections. */
import { setImmediate } from "node:timers/promises";
import { PilotError } from "../errors.ts";
import { parseEntryText } from "../parse/record.ts";
import { AXES, type Axis, type AxisName, hasRank, type Rank } from "../store/stats/axes.ts";
import type { FailureGroup } from "../store/stats/counts.ts";
import type { Ranking } from "../store/stats/ranking.ts";
import type { Filter } from "../store/stats/selection.ts";
import type { Overview, SelectedStats, StatsReader } from "../store/stats-reader.ts";
import { type EpochMs, toIso } from "../units.ts";
import { type Bucket, formatBucket } from "../when.ts";
import { type Check, type Condition, checkConditions } from "./conditions.ts";
import { DELIVERY_BINS, describeDurations, QUEUE_BINS } from "./durations.ts";
import { Figures } from "./figures.ts";
import {
  type Buckets,
  coveredPeriod,
  cutIntoBuckets,
  type Period,
  shiftFilter,
  shiftMoment,
  slotMsOf,
} from "./period.ts";
import { findProblems } from "./problems.ts";
import { findSlowHosts, viewProviders } from "./providers.ts";
import { type Blocklist, blocklistOf, compareText, explainFailures, explainRejections } from "./reasons.ts";
import { costRetries } from "./retries.ts";
import type { Comparison, SectionName, Sections } from "./sections.ts";
import { shareOrigins, shareTls } from "./security.ts";
import { computeSeries } from "./series.ts";
import { computeTotals, countTimeouts } from "./totals.ts";

export interface StatsRequest {
  readonly filter: Filter;
  /** The subjects of the filter, to be shown. */
  readonly subjects: AskedSubjects;
  readonly sections: readonly SectionName[];
  readonly timeZone: string;
  /** Undefined: as fits the time. */
  readonly bucket: Bucket | undefined;
  readonly axes: readonly AxisName[];
  /** Undefined: what fits the axis. */
  readonly rank: Rank | undefined;
  /** Of rankings and hosts. */
  readonly limit: number;
  readonly compare: Comparison | undefined;
  readonly conditions: readonly Condition[];
  readonly now: EpochMs;
  /** Aborts between two sections. */
  readonly signal: AbortSignal;
}

/** Filters as typed: the name of the flag, and its values. */
export type AskedSubjects = Readonly<Record<string, readonly string[]>>;

/** Times are ISO-8601. */
export interface Stats {
  readonly overview: Overview;
  /** IANA name: days and hours are those of its clock. */
  readonly timeZone: string;
  readonly asked: { readonly since: string | null; readonly until: string | null };
  /** What of it the logs cover, the last moment not included; null when nothing. */
  readonly from: string | null;
  readonly until: string | null;
  readonly filter: {
    readonly servers: readonly string[];
    /** Flags and their values. */
    readonly subjects: AskedSubjects;
    /** What the filters cannot tell of, in sentences. */
    readonly limits: readonly string[];
  };
  readonly sections: Partial<Sections>;
  /** The conditions that were to be checked. */
  readonly checks: readonly Check[];
  /** The same of the time it is compared with. */
  readonly before?: {
    readonly comparison: Comparison;
    readonly since: string;
    readonly until: string;
    /** Of rankings, providers and slow hosts only those that are in the sections above. Empty when no log covers the time. */
    readonly sections: Partial<Sections>;
  };
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
    filter: {
      servers: filter.servers ?? [],
      subjects: request.subjects,
      limits: limitsOf(figures.source.choice, sections),
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
  const unlimited = { ...request, limit: Number.POSITIVE_INFINITY };
  const builder = new SectionBuilder(reader, unlimited, period, { ...buckets, edges }, sections.top);
  // What no log covers is not known to be nothing.
  const compared = period.from === undefined ? [] : request.sections;
  const before = await builder.build(await builder.count(shifted), compared);
  return {
    comparison: compare,
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

type Build<Name extends SectionName> = (figures: Figures) => Promise<Sections[Name]>;

class SectionBuilder {
  readonly #reader: StatsReader;
  readonly #request: StatsRequest;
  readonly #period: Period;
  readonly #buckets: Buckets;
  /** Rankings with the keys to look up; undefined: those that lead. */
  readonly #rankings: readonly Ranking[] | undefined;

  constructor(
    reader: StatsReader,
    request: StatsRequest,
    period: Period,
    buckets: Buckets,
    rankings?: readonly Ranking[],
  ) {
    this.#reader = reader;
    this.#request = request;
    this.#period = period;
    this.#buckets = buckets;
    this.#rankings = rankings;
  }

  async count(filter: Filter): Promise<Figures> {
    return new Figures(await this.#reader.select(filter, parseEntryText), slotMsOf(this.#buckets));
  }

  async build(figures: Figures, names: readonly SectionName[]): Promise<Partial<Sections>> {
    const sections: Partial<Record<SectionName, unknown>> = {};
    for (const name of names) {
      sections[name] = await this.#builders[name](figures);
      // Queries block; without a turn of the event loop no signal comes through.
      await setImmediate();
      if (this.#request.signal.aborted) throw new PilotError("interrupted", "Interrupted before all was counted.");
    }
    return sections as Partial<Sections>;
  }

  async check(figures: Figures): Promise<Check[]> {
    const { conditions } = this.#request;
    if (conditions.length === 0) return [];
    const totals = await computeTotals(figures);
    const needsProblems = conditions.some(({ figure }) => figure === "serious");
    const problems = needsProblems ? await findProblems(figures, totals, this.#period) : [];
    return checkConditions(conditions, { totals, problems }, figures);
  }

  readonly #builders: { readonly [Name in SectionName]: Build<Name> } = {
    problems: async (figures) => findProblems(figures, await computeTotals(figures), this.#period),
    totals: computeTotals,
    series: (figures) => computeSeries(figures, this.#buckets),
    bounces: async (figures) => explainFailures((await figures.failures()).filter(isBounced), this.#reader),
    deferrals: async (figures) => explainFailures((await figures.failures()).filter(isDeferred), this.#reader),
    rejections: async (figures) => explainRejections(await figures.rejectionGroups(), this.#reader),
    blocklists: countBlocklists,
    top: (figures) => this.#rank(figures),
    queue: async ({ source }) => describeDurations(await source.counts.queueTimes(), QUEUE_BINS),
    delivery: async ({ source }) => describeDurations(await source.counts.deliveryTimes(), DELIVERY_BINS),
    tls: async ({ source }) => ({
      incoming: shareTls(await source.counts.incomingTls()),
      outgoing: shareTls(await source.counts.outgoingTls()),
    }),
    origins: async ({ source }) => shareOrigins(await source.counts.origins()),
    providers: async (figures) => {
      const { remoteHosts } = figures.source;
      const slots = await remoteHosts.deferralsBySlot(figures.slotMs);
      const outcomes = await remoteHosts.outcomesOfDeferred();
      const { limit } = this.#request;
      const view = viewProviders(await figures.hosts(), slots, outcomes, this.#buckets, figures.slotMs, limit);
      return { bucket: formatBucket(this.#buckets.bucket), ...view };
    },
    slow: async (figures) =>
      findSlowHosts(
        await figures.hosts(),
        await figures.source.remoteHosts.durations(),
        countTimeouts(await figures.failures()),
        this.#request.limit,
      ),
    retries: async (figures) => costRetries(await figures.recipients()),
  };

  async #rank({ source }: Figures): Promise<Ranking[]> {
    const { axes, rank, limit } = this.#request;
    const rankings: Ranking[] = [];
    for (const name of axes) {
      const axis: Axis = AXES[name];
      const wanted = rank ?? axis.rank ?? "count";
      if (!hasRank(axis, wanted)) {
        throw new PilotError("usage", `Rejections do not tell the ${name}, so it cannot be ranked by them.`, {
          hint: "Axes with rejections are sender, sender-domain, recipient, domain, host, helo, ip, network and auth.",
        });
      }
      const keys = this.#rankings?.find((ranking) => ranking.axis === name)?.rows.map(({ key }) => key);
      rankings.push(await source.ranking(name, wanted, keys ?? limit));
    }
    return rankings;
  }
}

function isBounced({ outcome }: FailureGroup): boolean {
  return outcome === "bounced";
}

function isDeferred({ outcome }: FailureGroup): boolean {
  return outcome === "deferred";
}

async function countBlocklists({ source }: Figures): Promise<Blocklist[]> {
  const lists = new Map<string | null, number>();
  for (const { reason, rejections } of await source.counts.rejectionReasons("dnsbl")) {
    const list = blocklistOf(reason);
    lists.set(list, (lists.get(list) ?? 0) + rejections);
  }
  return [...lists]
    .map(([list, rejections]) => ({ list, rejections }))
    .sort((one, other) => other.rejections - one.rejections || compareText(one.list ?? "", other.list ?? ""));
}

const OF_REJECTIONS: readonly SectionName[] = ["problems", "totals", "series", "rejections", "blocklists", "top"];

function limitsOf(choice: SelectedStats["choice"], sections: readonly SectionName[]): string[] {
  if (choice === undefined) return [];
  const limits: string[] = [];
  if (sections.includes("problems")) limits.push("Panics are left out: they cannot be told by these filters.");
  if (!choice.hasLoneRejections && sections.some((name) => OF_REJECTIONS.includes(name)))
    limits.push("Of rejections only those of messages are counted: the others say nothing of what is filtered by.");
  if (choice.narrowsAttempts)
    limits.push("Attempts are those that match themselves; messages and recipients are all of messages that match.");
  return limits;
}

function isoOrNull(at: EpochMs | undefined): string | null {
  return at === undefined ? null : toIso(at);
}
