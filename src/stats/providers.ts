/** Deliveries to the large mail providers and to any other host. */

import type { DurationCount } from "../store/stats/counts.ts";
import type { HostCount, HostDuration, ProviderOutcome, ProviderSlot } from "../store/stats/remote-hosts.ts";
import { compareText } from "../text.ts";
import { SECOND_MS, toIso } from "../units.ts";
import { type Percentiles, percentilesOf } from "./durations.ts";
import { type Buckets, bucketFinder } from "./period.ts";
import { sum } from "./totals.ts";

export interface Provider {
  /** Registered domain of its hosts. */
  readonly provider: string;
  readonly hosts: number;
  readonly delivered: number;
  readonly deferred: number;
  readonly bounced: number;
  /** ISO-8601. */
  readonly lastSuccess: string | null;
  /** Recipients that it deferred at least once, and those of them that it took in the end. */
  readonly deferredRecipients: number;
  readonly deliveredLater: number;
  /** Deferrals in each bucket of the period: the curve of its throttling. */
  readonly deferrals: readonly number[];
}

export interface ProviderView {
  readonly bucket: string;
  readonly total: number;
  readonly providers: readonly Provider[];
}

export function viewProviders(
  hosts: readonly HostCount[],
  slots: readonly ProviderSlot[],
  outcomes: readonly ProviderOutcome[],
  buckets: Buckets,
  slotMs: number,
  limit: number,
): Omit<ProviderView, "bucket"> {
  const find = bucketFinder(buckets, slotMs);
  const size = Math.max(buckets.edges.length - 1, 0);
  const curves = new Map<string, number[]>();
  for (const { provider, slot, deferrals } of slots) {
    const curve = curves.get(provider) ?? new Array<number>(size).fill(0);
    curves.set(provider, curve);
    const index = find(slot);
    if (index !== undefined) curve[index] = (curve[index] ?? 0) + deferrals;
  }
  const outcomeOf = new Map(outcomes.map((outcome) => [outcome.provider, outcome]));
  const providers = groupByProvider(hosts).sort(
    (one, other) => attemptsOf(other) - attemptsOf(one) || compareText(one.provider, other.provider),
  );
  return {
    total: providers.length,
    providers: providers.slice(0, limit).map((provider) => ({
      ...provider,
      deferredRecipients: outcomeOf.get(provider.provider)?.recipients ?? 0,
      deliveredLater: outcomeOf.get(provider.provider)?.delivered ?? 0,
      deferrals: curves.get(provider.provider) ?? new Array<number>(size).fill(0),
    })),
  };
}

export type ProviderTotals = Omit<Provider, "deferredRecipients" | "deliveredLater" | "deferrals">;

/** In no particular order. */
export function groupByProvider(hosts: readonly HostCount[]): ProviderTotals[] {
  const byProvider = new Map<string, HostCount[]>();
  for (const host of hosts) {
    const members = byProvider.get(host.provider);
    if (members === undefined) byProvider.set(host.provider, [host]);
    else members.push(host);
  }
  return [...byProvider].map(([provider, members]) => {
    const last = Math.max(0, ...members.flatMap(({ lastSuccess }) => lastSuccess ?? [])) as HostCount["lastAttempt"];
    return {
      provider,
      hosts: members.length,
      delivered: sum(members, (host) => host.successes),
      deferred: sum(members, (host) => host.deferrals),
      bounced: sum(members, (host) => host.bounces),
      lastSuccess: last === 0 ? null : toIso(last),
    };
  });
}

function attemptsOf({ delivered, deferred, bounced }: ProviderTotals): number {
  return delivered + deferred + bounced;
}

export interface SlowHost {
  readonly host: string;
  readonly delivered: number;
  readonly timeouts: number;
  /** Null where the log does not say how long a delivery took. */
  readonly percentiles: Percentiles | null;
}

export interface SlowHosts {
  readonly total: number;
  /** False: no line says how long a delivery took (`log_selector = +deliver_time`). */
  readonly areTimed: boolean;
  /** Attempts that timed out without a line that names the host. */
  readonly timeoutsWithoutHost: number;
  readonly hosts: readonly SlowHost[];
}

/** Slowest first: by the time that one delivery of twenty takes longer than, then by timeouts. Hosts without either are left out. */
export function findSlowHosts(
  hosts: readonly HostCount[],
  durations: readonly HostDuration[],
  timeoutsWithoutHost: number,
  limit: number,
): SlowHosts {
  const timed = new Map<string, DurationCount[]>();
  for (const { host, ms, deliveries } of durations) {
    const rows = timed.get(host) ?? [];
    timed.set(host, rows);
    rows.push({ ms, count: deliveries });
  }
  const slow = hosts
    .map(({ host, successes, timeouts }) => ({
      host,
      delivered: successes,
      timeouts,
      percentiles: percentilesOf(timed.get(host) ?? []),
    }))
    .filter(({ timeouts, percentiles }) => timeouts > 0 || (percentiles?.p95Seconds ?? 0) * SECOND_MS > 0)
    .sort(
      (one, other) =>
        (other.percentiles?.p95Seconds ?? 0) - (one.percentiles?.p95Seconds ?? 0) ||
        other.timeouts - one.timeouts ||
        compareText(one.host, other.host),
    );
  return {
    total: slow.length,
    areTimed: durations.length > 0,
    timeoutsWithoutHost,
    hosts: slow.slice(0, limit),
  };
}
