/** Finds the problems that an operator should look at first. Each has a threshold, so that a quiet day shows nothing. */

import type { Coverage } from "../coverage/holes.ts";
import type { AccountAtRisk } from "../message/accounts-at-risk.ts";
import { FAILURE_ADVICE, type FailureCategory } from "../message/reply-rules.ts";
import { OPEN_STATUSES } from "../message/statuses.ts";
import type { FailureGroup, OpenMessages } from "../store/stats/counts.ts";
import type { NextRetry } from "../store/stats/next-retry.ts";
import { compareText } from "../text.ts";
import { DAY_MS, epochMs, HOUR_MS, toIso } from "../units.ts";
import type { Figures } from "./figures.ts";
import type { Period } from "./period.ts";
import { groupByProvider } from "./providers.ts";
import { adviceFor, groupByCategory } from "./reasons.ts";
import { sum, type Totals } from "./totals.ts";

/** `serious`: mail is lost, stuck or refused because of this server. `warning`: worth a look. */
export type Severity = "serious" | "warning";

export interface Problem {
  readonly name: ProblemName;
  readonly severity: Severity;
  readonly count: number;
  /** Share of the whole that the figure is a part of; null if there is none. */
  readonly share: number | null;
  /** ISO-8601: since when, at the longest; null where that says nothing. */
  readonly since: string | null;
  /** Categories or providers concerned; at most three, the worst first. */
  readonly subjects: readonly string[];
  /** The next time in Exim's retry records, as a look at the spool read them; null where none tells. */
  readonly nextTryAt: string | null;
  /** When that look was. */
  readonly nextTrySeenAt: string | null;
  /** Advice about the worst of it; empty where the problem says what to do itself. */
  readonly advice: readonly string[];
  /** Accounts at risk, at most three, the worst first; of the problem that is about them. */
  readonly accounts: readonly AccountAtRisk[];
}

/** Description of each problem, with its threshold; `exim-pilot help counting` shows it. */
export const PROBLEMS = {
  unread: "Logs of the time were not read, or hold holes (serious when nothing was read).",
  accounts: "Others seem to have the passwords of accounts (serious when they send mail that is not the owner's).",
  panics: "Exim wrote to its panic log, or reported trouble of its own in another.",
  frozen: "Messages are frozen on the queue.",
  stuck: "Messages have been on the queue for more than a day, at the end of the time.",
  reputation: "Other servers refuse this one for its reputation or a block list.",
  bounces: "Of the recipients delivered or given up in the time at least 5 % bounced (serious from 20 %).",
  deferrals: "At least 20 % of the attempts were deferred (serious from 50 %).",
  unreachable: "Providers accepted no mail, in at least 5 attempts.",
  throttled: "Providers deferred at least half of 20 attempts or more.",
  logins: "At least 20 logins were refused.",
  resources: "Clients were turned away since this server could not do its work.",
} as const satisfies Record<string, string>;

export type ProblemName = keyof typeof PROBLEMS;

const BOUNCED = { warning: 0.05, serious: 0.2 } as const;
const DEFERRED = { warning: 0.2, serious: 0.5 } as const;
const STUCK_MS = DAY_MS;
const FEWEST_FAILURES = 5;
const FEWEST_ATTEMPTS = 20;
const FEWEST_LOGINS = 20;
const THROTTLED_SHARE = 0.5;
const MOST_SUBJECTS = 3;

export async function findProblems(
  figures: Figures,
  totals: Totals,
  { until }: Period,
  coverage: Coverage,
): Promise<Problem[]> {
  const found = await Promise.all([
    findUnread(coverage),
    findAccountsProblem(figures),
    findPanics(figures),
    findOpenMessages(figures, until),
    findFailures(figures, totals),
    findProviders(figures),
    findRejections(figures, totals),
  ]);
  return found.flat().sort((one, other) => compareText(one.severity, other.severity));
}

function findUnread({ state, logs, holes }: Coverage): Problem[] {
  const unread = logs.filter((log) => log.state === "none");
  const silent = logs.filter((log) => log.isSilent);
  if (state !== "none" && holes.length === 0 && unread.length === 0 && silent.length === 0) return [];
  const servers = [...new Set([...holes, ...unread, ...silent].map(({ server }) => server))];
  const since = [...holes.map(({ from }) => from), ...silent.flatMap(({ silentFrom }) => silentFrom ?? [])];
  return [
    {
      ...problem("unread", state === "none" ? "serious" : "warning", holes.length),
      share: state === "none" ? 1 : null,
      since: since.sort(compareText)[0] ?? null,
      subjects: servers.slice(0, MOST_SUBJECTS),
    },
  ];
}

async function findAccountsProblem(figures: Figures): Promise<Problem[]> {
  const found = await figures.accountsAtRisk();
  if (found.length === 0) return [];
  const isSerious = found.some(({ severity }) => severity === "serious");
  return [
    {
      ...problem("accounts", isSerious ? "serious" : "warning", countAccounts(found)),
      since: found.map(({ first }) => first).sort(compareText)[0] ?? null,
      accounts: found.slice(0, MOST_SUBJECTS),
    },
  ];
}

/** An account may be found more than once in a time. */
export function countAccounts(found: readonly AccountAtRisk[]): number {
  return new Set(found.map(({ server, account }) => `${server}\n${account}`)).size;
}

async function findPanics({ source }: Figures): Promise<Problem[]> {
  if (source.choice !== undefined) return [];
  const count = await source.counts.panics();
  return count === 0 ? [] : [problem("panics", "serious", count)];
}

async function findOpenMessages({ source }: Figures, until: Period["until"]): Promise<Problem[]> {
  if (until === undefined) return [];
  const open = await source.counts.openMessages(OPEN_STATUSES, epochMs(until - STUCK_MS));
  const frozen = open.filter(({ status }) => status === "frozen");
  const stuck = open.filter(({ status, earlier }) => status !== "frozen" && earlier > 0);
  return [
    ...openProblem("frozen", "serious", frozen, ({ messages }) => messages),
    ...openProblem("stuck", "warning", stuck, ({ earlier }) => earlier).map((one) => ({
      ...one,
      ...nextTryOf(source.nextRetry(epochMs(until - STILL_TRUE_MS))),
    })),
  ];
}

/** A retry time from a snapshot older than this at the end of the time says nothing about that end. */
const STILL_TRUE_MS = HOUR_MS;

function nextTryOf(found: NextRetry | undefined): Pick<Problem, "nextTryAt" | "nextTrySeenAt"> {
  if (found === undefined) return { nextTryAt: null, nextTrySeenAt: null };
  return { nextTryAt: toIso(found.at), nextTrySeenAt: toIso(found.seenAt) };
}

function openProblem(
  name: ProblemName,
  severity: Severity,
  open: readonly OpenMessages[],
  countOf: (open: OpenMessages) => number,
): Problem[] {
  if (open.length === 0) return [];
  const since = toIso(epochMs(Math.min(...open.map(({ oldest }) => oldest))));
  return [{ ...problem(name, severity, sum(open, countOf)), since }];
}

async function findFailures(figures: Figures, { attempts }: Totals): Promise<Problem[]> {
  const failures = await figures.failures();
  const deferred = failures.filter(({ outcome }) => outcome === "deferred");
  const bounced = attempts.bounced + attempts.givenUp;
  const problems: Problem[] = [];
  const distrusted = groupByCategory(failures).get("reputation");
  if (distrusted !== undefined) {
    const count = sum(distrusted, (group) => group.failures);
    const advice = adviceFor("reputation", distrusted);
    problems.push({ ...problem("reputation", "serious", count), share: share(count, attempts.total), advice });
  }
  const worst = (groups: readonly FailureGroup[]): FailureCategory[] =>
    [...groupByCategory(groups)]
      .map(([category, members]) => ({ category, failures: sum(members, (group) => group.failures) }))
      .sort((one, other) => other.failures - one.failures || compareText(one.category, other.category))
      .slice(0, MOST_SUBJECTS)
      .map(({ category }) => category);
  problems.push(
    ...exceeding("bounces", bounced, bounced + attempts.delivered, BOUNCED, worst(await figures.bounces())),
    ...exceeding("deferrals", attempts.deferred, attempts.total, DEFERRED, worst(deferred)),
  );
  return problems;
}

async function findProviders(figures: Figures): Promise<Problem[]> {
  const providers = groupByProvider(await figures.hosts()).sort(
    (one, other) =>
      other.deferred + other.bounced - one.deferred - one.bounced || compareText(one.provider, other.provider),
  );
  const silent = providers.filter(
    ({ delivered, deferred, bounced }) => delivered === 0 && deferred + bounced >= FEWEST_FAILURES,
  );
  const throttled = providers.filter(({ delivered, deferred, bounced }) => {
    const attempts = delivered + deferred + bounced;
    return delivered > 0 && attempts >= FEWEST_ATTEMPTS && deferred >= attempts * THROTTLED_SHARE;
  });
  const about = (name: ProblemName, concerned: typeof providers): Problem[] =>
    concerned.length === 0
      ? []
      : [
          {
            ...problem(name, "warning", concerned.length),
            share: share(concerned.length, providers.length),
            subjects: concerned.slice(0, MOST_SUBJECTS).map(({ provider }) => provider),
            advice: [FAILURE_ADVICE[name === "throttled" ? "rate_limit" : "connection"]],
          },
        ];
  return [...about("unreachable", silent), ...about("throttled", throttled)];
}

async function findRejections(figures: Figures, { rejections }: Totals): Promise<Problem[]> {
  const groups = await figures.rejectionGroups();
  const count = (category: string): number =>
    sum(
      groups.filter((group) => group.category === category),
      (group) => group.rejections,
    );
  const [logins, resources] = [count("authentication"), count("resources")];
  return [
    ...(logins >= FEWEST_LOGINS
      ? [{ ...problem("logins", "warning", logins), share: share(logins, rejections.total) }]
      : []),
    ...(resources > 0
      ? [{ ...problem("resources", "warning", resources), share: share(resources, rejections.total) }]
      : []),
  ];
}

function problem(name: ProblemName, severity: Severity, count: number): Problem {
  return {
    name,
    severity,
    count,
    share: null,
    since: null,
    nextTryAt: null,
    nextTrySeenAt: null,
    subjects: [],
    advice: [],
    accounts: [],
  };
}

function exceeding(
  name: ProblemName,
  count: number,
  whole: number,
  limits: typeof BOUNCED | typeof DEFERRED,
  subjects: readonly FailureCategory[],
): Problem[] {
  const part = share(count, whole);
  if (part === null || part < limits.warning) return [];
  const advice = subjects.slice(0, 1).map((category) => FAILURE_ADVICE[category]);
  return [{ ...problem(name, part >= limits.serious ? "serious" : "warning", count), share: part, subjects, advice }];
}

/** Share of a whole; null if there is no whole. */
export function share(count: number, whole: number): number | null {
  return whole === 0 ? null : count / whole;
}
