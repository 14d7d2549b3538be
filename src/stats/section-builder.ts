/** Sections of the statistics, each made of what is counted in one time. */
import { setImmediate } from "node:timers/promises";
import { PilotError } from "../errors.ts";
import { parseEntryText } from "../parse/record.ts";
import { AXES, type Axis, type AxisName, hasRank, type Rank } from "../store/stats/axes.ts";
import type { FailureGroup } from "../store/stats/counts.ts";
import type { Ranking } from "../store/stats/ranking.ts";
import type { StatsFilter } from "../store/stats/selection.ts";
import type { StatsReader } from "../store/stats/stats-reader.ts";
import { epochMs, toIso } from "../units.ts";
import { formatBucket } from "../when.ts";
import { type Check, checkConditions, checkData, checkSilence } from "./conditions.ts";
import { computeWaits, DELIVERY_BINS, describeDurations, QUEUE_BINS } from "./durations.ts";
import { Figures } from "./figures.ts";
import { viewForwarding } from "./forwarding.ts";
import { computeWeekHours } from "./hours.ts";
import { type Buckets, type Period, slotMsOf } from "./period.ts";
import { countAccounts, findProblems } from "./problems.ts";
import { findSlowHosts, viewProviders } from "./providers.ts";
import { countBlocklists, explainFailures, explainRejections } from "./reasons.ts";
import type { StatsRequest } from "./request.ts";
import { costRetries } from "./retries.ts";
import type { SectionName, Sections } from "./sections.ts";
import { shareOrigins, shareTls } from "./security.ts";
import { computeSeries } from "./series.ts";
import { computeTotals } from "./totals.ts";

type Build<Name extends SectionName> = (figures: Figures) => Promise<Sections[Name]>;

export class SectionBuilder {
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

  async count(filter: StatsFilter): Promise<Figures> {
    const source = await this.#reader.select(filter, parseEntryText);
    return new Figures(source, slotMsOf(this.#buckets), this.#request.riskRule);
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
    const problems = needsProblems ? await findProblems(figures, totals, this.#period, this.#request.coverage) : [];
    const needsAccounts = conditions.some(({ figure }) => figure === "accounts-at-risk");
    const accountsAtRisk = needsAccounts ? countAccounts(await figures.accountsAtRisk()) : 0;
    const { coverage, subjects, silences, newestMs } = this.#request;
    return [
      ...(await checkConditions(conditions, { totals, problems, accountsAtRisk }, figures)),
      checkData(totals, coverage, { isFiltered: Object.keys(subjects).length > 0, newestMs }),
      ...silences.map(checkSilence),
    ];
  }

  readonly #builders: { readonly [Name in SectionName]: Build<Name> } = {
    problems: async (figures) =>
      findProblems(figures, await computeTotals(figures), this.#period, this.#request.coverage),
    accounts: (figures) => figures.accountsAtRisk(),
    incidents: async ({ source }) =>
      source.incidents().map(({ id, server, severity, status, title, start_ms, end_ms }) => ({
        id,
        server,
        severity,
        status,
        title,
        start: toIso(epochMs(start_ms)),
        end: end_ms === null ? null : toIso(epochMs(end_ms)),
      })),
    totals: computeTotals,
    series: (figures) => computeSeries(figures, this.#buckets),
    hours: (figures) => computeWeekHours(figures, this.#period, this.#request.timeZone),
    bounces: async (figures) => explainFailures(await figures.bounces(), this.#reader),
    deferrals: async (figures) => explainFailures((await figures.failures()).filter(isDeferred), this.#reader),
    rejections: async (figures) => explainRejections(await figures.rejectionGroups(), this.#reader),
    blocklists: async ({ source }) => countBlocklists(await source.counts.rejectionReasons("dnsbl")),
    top: (figures) => this.#rank(figures),
    queue: async ({ source }) => describeDurations(await source.counts.queueTimes(), QUEUE_BINS),
    waits: ({ source }) => computeWaits(source.counts, this.#buckets),
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
    forwarding: async ({ source }) => viewForwarding(await source.remoteHosts.forwarding(), this.#request.limit),
    slow: async (figures) =>
      findSlowHosts(
        await figures.hosts(),
        await figures.source.remoteHosts.durations(),
        await figures.source.remoteHosts.timeoutsWithoutHost(),
        this.#request.limit,
      ),
    retries: async (figures) => costRetries(await figures.recipients()),
    coverage: async () => this.#request.coverage,
  };

  async #rank({ source }: Figures): Promise<Ranking[]> {
    const { axes, rank } = this.#request;
    const rankings: Ranking[] = [];
    for (const name of axes) {
      const axis: Axis = AXES[name];
      const wanted = rank ?? axis.rank ?? "count";
      if (!hasRank(axis, wanted)) {
        throw new PilotError(
          "usage",
          `${NAMED[wanted] ?? "Figures"} do not tell the ${name}, so it cannot be ranked by them.`,
          {
            hint: `Axes with ${wanted} are ${formatList(axesWith(wanted))}.`,
          },
        );
      }
      const known = this.#rankings?.find((ranking) => ranking.axis === name);
      if (known === undefined) rankings.push(await this.#leaders(source, name, wanted));
      else
        rankings.push(
          await source.ranking(
            name,
            known.rank,
            known.rows.map(({ key }) => key),
          ),
        );
    }
    return rankings;
  }

  /** Ranks by the wanted figure; by refusals or failed sessions where nothing else is known, and no figure was asked for. */
  async #leaders(source: Figures["source"], name: AxisName, wanted: Rank): Promise<Ranking> {
    const { rank, limit } = this.#request;
    const first = await source.ranking(name, wanted, limit);
    if (rank !== undefined || first.rows.length > 0) return first;
    for (const other of UNWANTED.filter((one) => hasRank(AXES[name], one))) {
      const ranking = await source.ranking(name, other, limit);
      if (ranking.rows.length > 0) return ranking;
    }
    return first;
  }
}

/** Figures of clients from whom nothing came. */
const UNWANTED = ["rejections", "troubles"] as const satisfies readonly Rank[];

const NAMED: Readonly<Partial<Record<Rank, string>>> = { rejections: "Rejections", troubles: "Lines about sessions" };

function axesWith(rank: Rank): readonly string[] {
  return Object.entries(AXES).flatMap(([name, axis]) => (hasRank(axis, rank) ? [name] : []));
}

/** `sender, host and ip`. */
function formatList(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function isDeferred({ outcome }: FailureGroup): boolean {
  return outcome === "deferred";
}
