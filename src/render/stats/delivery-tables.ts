/** Tables of delivery times, difficult hosts and domains, and the cost of retries. */
import type { Durations } from "../../stats/durations.ts";
import type { Sections } from "../../stats/sections.ts";
import { countOf, formatSeconds } from "../form/format.ts";
import { type Cell, column, countAndShare, formatShare, orderedColumn, part, type Table } from "./table.ts";

export function durationTable(
  name: "queue" | "delivery",
  title: string,
  counted: string,
  { count, percentiles, bins }: Durations,
  empty: string,
): Table {
  let passed = 0;
  const rows = bins.map((bin): Cell[] => {
    passed += bin.count;
    return [
      bin.upToSeconds === null ? "longer" : `up to ${formatSeconds(bin.upToSeconds)}`,
      bin.count,
      part(bin.count, count),
      part(passed, count),
    ];
  });
  return {
    name,
    title,
    columns: [
      orderedColumn("duration", "Duration"),
      ...countAndShare(counted.toLowerCase(), counted),
      column("cumulative", "Cumulative", "share"),
    ],
    rows: count === 0 ? [] : rows,
    ...(percentiles !== null && {
      note: `Half took at most ${formatSeconds(percentiles.p50Seconds)}, 90 % at most ${formatSeconds(percentiles.p90Seconds)}, 95 % at most ${formatSeconds(percentiles.p95Seconds)}, 99 % at most ${formatSeconds(percentiles.p99Seconds)}; the longest took ${formatSeconds(percentiles.maxSeconds)}.`,
    }),
    empty,
  };
}

export function waitTable({ bucket, points }: Sections["waits"]): Table {
  return {
    name: "waits",
    title: `Time on the queue over time, by ${bucket}`,
    columns: [
      column("from", "From", "time"),
      column("completed", "Completed", "count"),
      column("p50Seconds", "50 % within", "seconds"),
      column("p90Seconds", "90 % within", "seconds"),
      column("p99Seconds", "99 % within", "seconds"),
      column("maxSeconds", "Longest", "seconds"),
    ],
    rows: points.map(({ from, completed, p50Seconds, p90Seconds, p99Seconds, maxSeconds }) => [
      from,
      completed,
      p50Seconds,
      p90Seconds,
      p99Seconds,
      maxSeconds,
    ]),
    note: "By the time of arrival. Messages that are still on the queue are not counted.",
    empty: "The logs do not cover that time.",
  };
}

export function providerTable({ bucket, total, providers }: Sections["providers"]): Table {
  return {
    name: "providers",
    title: "Providers",
    columns: [
      column("provider", "Provider", "text"),
      column("delivered", "Delivered", "count"),
      column("deferred", "Deferred", "count"),
      column("bounced", "Bounced", "count"),
      column("deliveredLater", "Later", "share"),
      column("lastSuccess", "Last success", "time"),
      column("deferrals", `Deferrals by ${bucket}`, "curve"),
    ],
    rows: providers.map((provider) => [
      provider.provider,
      provider.delivered,
      provider.deferred,
      provider.bounced,
      part(provider.deliveredLater, provider.deferredRecipients),
      provider.lastSuccess,
      provider.deferrals,
    ]),
    note: `Later: of the recipients that were deferred at least once, the share that was delivered in the end.${remainder(total, providers.length, "provider")}`,
    empty: "Nothing was sent to other hosts.",
  };
}

export function forwardingTable({ total, forwarders }: Sections["forwarding"]): Table {
  return {
    name: "forwarding",
    title: "Forwarding to other providers",
    columns: [
      column("forwarder", "Forwarder", "text"),
      column("provider", "Provider", "text"),
      column("attempts", "Attempts", "count"),
      column("delivered", "Delivered", "count"),
      column("unwanted", "Unwanted", "count", true),
      column("reason", "Mostly", "word"),
      column("otherFailures", "Other", "count"),
    ],
    rows: forwarders.map((one) => [
      one.forwarder,
      one.provider,
      one.attempts,
      one.delivered,
      one.unwanted,
      one.reason,
      one.otherFailures,
    ]),
    note: `Unwanted: refused or put off for what it is or where it comes from, which the provider holds against this server.${remainder(total, forwarders.length, "forwarder")}`,
    empty: "Nothing was sent on to another domain.",
  };
}

export function slowTable({ total, areTimed, timeoutsWithoutHost, hosts }: Sections["slow"]): Table {
  const isOther = timeoutsWithoutHost > 0;
  const others = isOther
    ? ` Timed out without a line that names the host: ${countOf(timeoutsWithoutHost, "attempt")}.`
    : "";
  return {
    name: "slow",
    title: "Slow and silent hosts",
    columns: [
      column("host", "Host", "text"),
      column("delivered", "Delivered", "count"),
      column("timeouts", "Timeouts", "count", true),
      column("p50Seconds", "50 % within", "seconds"),
      column("p95Seconds", "95 % within", "seconds"),
      column("maxSeconds", "Longest", "seconds"),
    ],
    rows: hosts.map(({ host, delivered, timeouts, percentiles }) => [
      host,
      delivered,
      timeouts,
      percentiles?.p50Seconds ?? null,
      percentiles?.p95Seconds ?? null,
      percentiles?.maxSeconds ?? null,
    ]),
    note: `${areTimed ? "Times are those of successful deliveries." : "No line states how long a delivery took (log_selector = +deliver_time)."}${others}${remainder(total, hosts.length, "host")}`,
    empty: `${isOther ? "No host that is named" : "No host"} was slow or silent.${others}`,
  };
}

function remainder(total: number, shown: number, what: string): string {
  return total > shown ? ` ${countOf(total - shown, `more ${what}`)}: see --limit.` : "";
}

export function retryTable({ recipients, attempts, retries, attemptsForBounced, bins }: Sections["retries"]): Table {
  const rate = part(retries, attempts);
  return {
    name: "retries",
    title: "Retries",
    columns: [
      orderedColumn("attempts", "Attempts"),
      ...countAndShare("recipients", "Recipients"),
      column("delivered", "Delivered", "count"),
      column("bounced", "Bounced", "count"),
      column("deferred", "Deferred", "count"),
    ],
    rows:
      recipients === 0
        ? []
        : bins.map((bin) => [
            bin.toAttempts === bin.fromAttempts
              ? String(bin.fromAttempts)
              : bin.toAttempts === null
                ? `${bin.fromAttempts} and more`
                : `${bin.fromAttempts} to ${bin.toAttempts}`,
            bin.recipients,
            part(bin.recipients, recipients),
            bin.byStatus.delivered,
            bin.byStatus.bounced,
            bin.byStatus.deferred,
          ]),
    note: `${countOf(attempts, "attempt")} for ${countOf(recipients, "recipient")}: ${countOf(retries, "retry", "retries")}${rate === null ? "" : ` (${formatShare(rate)} of all)`}; ${countOf(attemptsForBounced, "attempt")} for recipients that bounced in the end.`,
    empty: "Nothing was tried.",
  };
}
