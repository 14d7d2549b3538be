/** Figures of real logs against direct SQL on the public views, against the truth, and against one another. */
import { describe, expect, test } from "vitest";
import type { StatsRequest } from "../../src/stats/request.ts";
import { SECTION_NAMES, type Sections } from "../../src/stats/sections.ts";
import { computeStats, type Stats } from "../../src/stats/stats.ts";
import { type EpochMs, toIso } from "../../src/units.ts";
import { parseWhen, shiftDays } from "../../src/when.ts";
import {
  type Corpus,
  corpusProfiles,
  fateKind,
  syslogCorpora,
  type TruthFateKind,
  type TruthMessage,
} from "../support/corpus.ts";
import { corpusDatabase } from "../support/corpus-database.ts";
import { NOW, withReader } from "../support/database.ts";
import { statsRequest } from "../support/stats-request.ts";
import { queryAll } from "../support/views.ts";

type WithTruth = Pick<Corpus, "truth">;

const profiles = [...corpusProfiles(), ...syslogCorpora()];
const hasFull = profiles.some(({ name }) => name.includes("full"));

if (!hasFull) test.skip("the full corpus is not beside the project: only its trimmed copy was tested");

describe.each(profiles)("$name", (corpus) => {
  test("adds up as the views do, in all and for two days", async () => {
    const database = await corpusDatabase(corpus);
    const all = await statsOf(database, corpus, {});
    expectViews(database, all, undefined);
    expectTruth(database, all, corpus);
    const [since, until] = twoDays(all, corpus);
    const days = await statsOf(database, corpus, { filter: { since, until } });
    expect(sectionsOf(days).totals.messages.received).toBeGreaterThan(0);
    expectViews(database, days, { since: toIso(since), until: toIso(until) });
    expectArrivals(database, all, corpus);
    await expectFates(database, corpus);
  });
});

async function statsOf(path: string, { truth }: WithTruth, request: Partial<StatsRequest>): Promise<Stats> {
  const whole = statsRequest({
    sections: SECTION_NAMES,
    timeZone: truth.timezone,
    axes: ["sender", "sender-domain", "recipient", "domain", "ip", "transport", "smtp-code"],
    ...request,
  });
  return withReader(path, (reader) => computeStats(reader.stats, whole));
}

function twoDays({ from }: Stats, { truth }: WithTruth): readonly [since: EpochMs, until: EpochMs] {
  const since = parseWhen((from ?? "").slice(0, "2026-03-02".length), { now: NOW, timeZone: truth.timezone })?.from;
  if (since === undefined) throw new Error("The logs have no beginning.");
  return [since, shiftDays(since, 2, truth.timezone)];
}

function sectionsOf({ sections }: Stats): Sections {
  return sections as Sections;
}

interface Time {
  readonly since: string;
  readonly until: string;
}

/** A condition on a column with timestamps. */
function inTime(column: string, time: Time | undefined): string {
  return time === undefined ? "1" : `${column} >= '${time.since}' AND ${column} < '${time.until}'`;
}

function counts(path: string, sql: string): Record<string, number> {
  return Object.fromEntries(queryAll<{ k: string; n: number }>(path, sql).map(({ k, n }) => [k, n]));
}

function withoutZeros(record: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(record).filter(([, count]) => count > 0));
}

const total = (items: readonly number[]): number => items.reduce((sum, item) => sum + item, 0);

function expectViews(path: string, stats: Stats, time: Time | undefined): void {
  const { totals, series, top, bounces, deferrals, rejections, queue, retries, tls, origins } = sectionsOf(stats);
  const arrived = `direction IS NOT NULL AND ${inTime("timestamp", time)}`;
  const messages = counts(path, `SELECT status AS k, count(*) AS n FROM messages WHERE ${arrived} GROUP BY status`);
  expect(withoutZeros(totals.messages.byStatus)).toEqual(messages);
  expect(totals.messages.received).toBe(total(Object.values(totals.messages.byStatus)));
  const [volume] = queryAll<{ n: number }>(path, `SELECT sum(size) AS n FROM messages WHERE ${arrived}`);
  expect(totals.messages.bytes).toBe(volume?.n ?? 0);

  const recipients = `recipients r JOIN messages m ON m.id = r.message_id AND m.server = r.server WHERE ${arrived}`;
  expect(withoutZeros(totals.recipients.byStatus)).toEqual(
    counts(path, `SELECT r.status AS k, count(*) AS n FROM ${recipients} GROUP BY r.status`),
  );
  expect(totals.recipients.total).toBe(total(Object.values(totals.recipients.byStatus)));
  expect(retries.attempts).toBe(
    queryAll<{ n: number }>(path, `SELECT sum(attempts) AS n FROM ${recipients}`)[0]?.n ?? 0,
  );

  const attempts = `delivery_attempts WHERE ${inTime("timestamp", time)}`;
  const byStatus = counts(path, `SELECT status AS k, count(*) AS n FROM ${attempts} GROUP BY status`);
  expect(totals.attempts.delivered).toBe(byStatus["success"] ?? 0);
  expect(totals.attempts.timeouts).toBe(byStatus["timeout"] ?? 0);
  expect(totals.attempts.total).toBe(total(Object.values(byStatus)));
  const { bounced, deferred, givenUp } = totals.attempts;
  expect(bounces.failures + deferrals.failures).toBe(bounced + givenUp + deferred);

  const refused = `rejections WHERE ${inTime("timestamp", time)}`;
  expect({ 1: totals.rejections.permanent, 0: totals.rejections.temporary }).toEqual({
    0: 0,
    1: 0,
    ...counts(path, `SELECT permanent AS k, count(*) AS n FROM ${refused} GROUP BY permanent`),
  });
  expect(rejections.rejections).toBe(totals.rejections.total);

  const points = series.points;
  expect(total(points.map(({ received }) => received))).toBe(totals.messages.received);
  expect(total(points.map(({ bytes }) => bytes))).toBe(totals.messages.bytes);
  expect(total(points.map(({ delivered }) => delivered))).toBe(totals.attempts.delivered);
  expect(total(points.map(({ deferred }) => deferred))).toBe(totals.attempts.deferred);
  expect(total(points.map(({ bounced }) => bounced))).toBe(totals.attempts.bounced);
  expect(total(points.map(({ rejected }) => rejected))).toBe(totals.rejections.total);

  const completed = `messages WHERE ${arrived} AND completed_at IS NOT NULL`;
  const times = queryAll<{ t: number }>(path, `SELECT queue_seconds AS t FROM ${completed} ORDER BY t`).map(
    ({ t }) => t,
  );
  expect(queue.count).toBe(times.length);
  expect(total(queue.bins.map(({ count }) => count))).toBe(times.length);
  expect(queue.percentiles?.p50Seconds).toBe(times[Math.ceil(times.length / 2) - 1]);
  expect(queue.percentiles?.p99Seconds).toBe(times[Math.ceil(times.length * 0.99) - 1]);
  expect(queue.percentiles?.maxSeconds).toBe(times.at(-1));

  const remote = queryAll<{ n: number }>(
    path,
    `SELECT count(*) AS n FROM messages WHERE ${arrived} AND ip_address IS NOT NULL`,
  );
  expect(total(tls.incoming.map(({ count }) => count))).toBe(remote[0]?.n);
  expect(total(origins.map(({ messages: count }) => count))).toBe(totals.messages.received);

  const ranking = (axis: string) =>
    top.find((one) => one.axis === axis)?.rows.map((row) => ({ key: row.key, n: row.messages ?? row.deliveries })) ??
    [];
  const leaders = (key: string, from: string): unknown[] =>
    queryAll(
      path,
      `SELECT ${key} AS key, count(*) AS n FROM ${from} AND key IS NOT NULL GROUP BY key ORDER BY n DESC LIMIT 5`,
    );
  const countsOf = (rows: readonly unknown[]): unknown[] => rows.map((row) => (row as { n: number }).n);
  const delivered = `${attempts} AND status = 'success'`;
  for (const [axis, key, from] of [
    ["sender", "sender", `messages WHERE ${arrived}`],
    ["ip", "ip_address", `messages WHERE ${arrived}`],
    ["recipient", "recipient", delivered],
    ["transport", "transport", delivered],
    ["domain", "replace(recipient, rtrim(recipient, replace(recipient, '@', '')), '')", delivered],
  ] as const) {
    // Equal counts may be in any order.
    expect(countsOf(ranking(axis)), axis).toEqual(countsOf(leaders(key, from)));
    expect(ranking(axis)[0], axis).toEqual(leaders(key, from)[0]);
  }
  const codes = queryAll<{ n: number }>(
    path,
    `SELECT smtp_code AS key, count(*) AS n FROM ${attempts} AND smtp_code IS NOT NULL AND status <> 'success' GROUP BY key ORDER BY n DESC LIMIT 5`,
  );
  const failures = top.find(({ axis }) => axis === "smtp-code")?.rows.map((row) => row.deferrals + row.bounces) ?? [];
  // Recipients given up count under the code of their last attempt, too.
  if (givenUp === 0) expect(failures).toEqual(codes.map(({ n }) => n));
  else expect(total(failures)).toBeGreaterThanOrEqual(total(codes.map(({ n }) => n)));
}

/** The queue at the end, as the spool files tell: all that is open, but for messages whose spool file was damaged. */
function expectTruth(path: string, stats: Stats, { truth }: WithTruth): void {
  const { messages } = sectionsOf(stats).totals;
  const open = queryAll<{ id: string }>(
    path,
    `SELECT id FROM messages WHERE direction IS NOT NULL AND status IN ('received', 'queued', 'deferred', 'frozen')
     AND id NOT IN (SELECT message_id FROM log_entries WHERE event = 'spool' AND message_id IS NOT NULL)`,
  );
  const inQueue = truth.queue_at_end.map(({ id }) => id);
  expect(open.map(({ id }) => id).filter((id) => !inQueue.includes(id))).toEqual([]);
  expect(messages.open).toBeGreaterThanOrEqual(inQueue.length);
  expect(messages.byStatus.frozen).toBe(truth.queue_at_end.filter(({ frozen }) => frozen !== false).length);
}

/** All that was accepted, all that Exim made of it, and what left no trace but its lines. */
function expectArrivals(path: string, stats: Stats, { truth }: WithTruth): void {
  const known = new Set([
    ...truth.messages.filter(({ accepted }) => accepted).flatMap(({ exim_id }) => exim_id ?? []),
    ...truth.generated_messages_seen.map(({ exim_id }) => exim_id),
  ]);
  const arrived = queryAll<{ id: string; status: string }>(
    path,
    "SELECT id, status FROM messages WHERE direction IS NOT NULL",
  );
  const others = arrived.filter(({ id }) => !known.has(id));
  expect(sectionsOf(stats).totals.messages.received).toBe(known.size + others.length);
  // Local messages without a recipient; bounces that could not be delivered.
  expect(others.length).toBeLessThan(10);
  expect(others.filter(({ status }) => !["bounced", "discarded", "frozen"].includes(status))).toEqual([]);
}

type FateCount = "delivered" | "bounced" | "removed" | "discarded" | "open";

const COUNTED: Partial<Record<TruthFateKind, FateCount>> = {
  delivered: "delivered",
  bounced: "bounced",
  "bounced-undeliverable (bounce gone)": "bounced",
  "bounced-undeliverable (bounce frozen on queue)": "bounced",
  removed: "removed",
  discarded: "discarded",
  queued: "open",
  frozen: "open",
};

/** The driver knows what a client asked for; Exim counts by what it made of it. By scenario. */
const COUNTED_OTHERWISE: Readonly<Record<string, string>> = {
  "cmd-unqualified": "the same recipient once more, with the domain that Exim adds",
  "cmd-rewritten": "the recipient was rewritten after its arrival was logged",
  "alias-case": "recipients that differ by case alone are several",
  "data-only-discarded": "its only recipient was discarded before the message arrived",
  "data-discard": "recipients were discarded before the message arrived",
  "admin-sysfilter-copy": "the system filter added a recipient",
  "admin-sysfilter-save": "the system filter added a file",
  "admin-sysfilter-redirect": "the system filter put a recipient in the place of the others",
};

/** Expects the statuses of recipients, for messages whose recipients the driver all knows. */
async function expectFates(path: string, corpus: WithTruth): Promise<void> {
  const messages = corpus.truth.messages.filter(
    ({ accepted, exim_id, rcpts, scenario }) =>
      accepted &&
      exim_id !== undefined &&
      COUNTED_OTHERWISE[scenario] === undefined &&
      rcpts.every(({ fate }) => COUNTED[fateKind(fate)] !== undefined),
  );
  expect(messages.length).toBeGreaterThan(30);
  const eximId = messages.flatMap(({ exim_id }) => exim_id ?? []);
  const stats = await statsOf(path, corpus, { filter: { subjects: { eximId } }, sections: ["totals"] });
  const { byStatus, total: all } = sectionsOf(stats).totals.recipients;
  const { delivered, bounced, removed, discarded } = byStatus;
  const counted = { delivered, bounced, removed, discarded, open: byStatus.deferred + byStatus.pending };
  const expected = countFates(messages);
  if (/\+all\b|\+received_recipients\b/.test(corpus.truth.log_selector)) {
    expect(counted).toEqual(expected);
    expect(all).toBe(total(Object.values(expected)));
    return;
  }
  // Else a recipient is in the log only when something was tried for it.
  for (const name of Object.keys(expected) as FateCount[])
    expect(counted[name], name).toBeLessThanOrEqual(expected[name]);
  expect(counted.delivered).toBeGreaterThan(expected.delivered * 0.95);
}

function countFates(messages: readonly TruthMessage[]): Record<FateCount, number> {
  const fates = { delivered: 0, bounced: 0, removed: 0, discarded: 0, open: 0 };
  for (const { rcpts } of messages) {
    const once = new Map(rcpts.map(({ addr, fate }) => [addr.toLowerCase(), COUNTED[fateKind(fate)]]));
    for (const name of once.values()) if (name !== undefined) fates[name]++;
  }
  return fates;
}
