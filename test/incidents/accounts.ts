/** Stolen accounts among 500, by our rule and by others that are in use: who is named, how soon, and who is named in vain. */
import { Detector } from "../../src/incidents/detector.ts";
import type { Observation } from "../../src/incidents/observation.ts";
import type { AccountHour } from "../../src/message/account-risk.ts";
import { DAY_MS, epochMs, HOUR_MS } from "../../src/units.ts";
import { type AccountEvent, type Simulation, simulateAccounts } from "../support/accounts.ts";
import { EVERYTHING } from "./score.ts";

/** Alarm for an account, at the event after which it is raised. */
interface Alarm {
  readonly account: string;
  readonly ms: number;
}

/** Event as a detector after each line sees it: a bounce is one of its own. */
type Step =
  | Exclude<AccountEvent, { kind: "message" }>
  | {
      readonly kind: "message";
      readonly ms: number;
      readonly account: string;
      readonly ip: string;
      readonly recipients: readonly string[];
    }
  | { readonly kind: "bounce"; readonly ms: number; readonly account: string; readonly ip: string };

type Rule = (steps: readonly Step[]) => readonly Alarm[];

export interface RuleScore {
  readonly name: string;
  readonly thefts: number;
  readonly named: number;
  readonly subtle: number;
  readonly subtleNamed: number;
  /** Recipients of stolen accounts from the theft to the alarm, sorted; of those that were named. */
  readonly recipients: readonly number[];
  readonly falseAlarms: number;
  readonly messages: number;
}

function stepsOf({ events }: Simulation): readonly Step[] {
  const steps: Step[] = [];
  for (const event of events) {
    if (event.kind !== "message") {
      steps.push(event);
      continue;
    }
    const { ms, account, ip, recipients } = event;
    steps.push({ kind: "message", ms, account, ip, recipients: recipients.map(({ address }) => address) });
    for (const { bouncedMs } of recipients)
      if (bouncedMs !== undefined) steps.push({ kind: "bounce", ms: bouncedMs, account, ip });
  }
  return steps.sort((one, other) => one.ms - other.ms);
}

function rowOf(step: Step, figures: Partial<AccountHour>): AccountHour {
  const { account, ip, ms } = step;
  return {
    server: "mx1",
    account,
    hour: Math.floor(ms / HOUR_MS),
    ip,
    network: ip.replace(/\d+$/, "0/24"),
    failures: 0,
    firstFailureMs: null,
    messages: 0,
    recipients: 0,
    refused: 0,
    domains: 0,
    firstLoginMs: null,
    lastLoginMs: null,
    ...figures,
  };
}

function factOf(step: Step): Observation {
  const ms = epochMs(step.ms);
  const login = { firstLoginMs: ms, lastLoginMs: ms };
  switch (step.kind) {
    case "failure": {
      const row = rowOf(step, { failures: 1, firstFailureMs: ms });
      return { kind: "failed_login", ms, ip: step.ip, network: row.network ?? step.ip, account: step.account, row };
    }
    case "refused":
      return { kind: "account", ms, row: rowOf(step, { recipients: 1, refused: 1, ...login }) };
    case "bounce":
      return { kind: "account", ms, row: rowOf(step, { refused: 1 }) };
    case "message": {
      const domainNames = step.recipients.map((to) => to.slice(to.indexOf("@") + 1));
      const row = rowOf(step, { messages: 1, recipients: step.recipients.length, ...login, domainNames });
      return { kind: "account", ms, row };
    }
  }
}

/** Facts of the accounts, as a log of a line for each would tell them. */
export function accountFacts(simulation: Simulation): readonly Observation[] {
  return stepsOf(simulation).map(factOf);
}

const ours: Rule = (steps) => {
  const detector = new Detector("mx1", EVERYTHING);
  for (const step of steps) detector.take(factOf(step));
  return detector
    .takeEpisodes()
    .filter(({ kind }) => kind === "hacked_account")
    .map(({ subject, firedMs }) => ({ account: subject, ms: firedMs }));
};

/** A count by account and stretch of time; one alarm a stretch. */
function counting(spanMs: number, isMet: (stretch: Stretch) => boolean): Rule {
  return (steps) => {
    const stretches = new Map<string, Stretch>();
    const alarms: Alarm[] = [];
    for (const step of steps) {
      const key = `${step.account} ${Math.floor(step.ms / spanMs)}`;
      const stretch = stretches.get(key) ?? {
        refused: 0,
        bounced: 0,
        recipients: 0,
        ips: new Set<string>(),
        isTold: false,
      };
      stretches.set(key, stretch);
      if (step.kind === "refused") stretch.refused++;
      if (step.kind === "bounce") stretch.bounced++;
      if (step.kind === "message") {
        stretch.recipients += step.recipients.length;
        stretch.ips.add(step.ip);
      }
      if (stretch.isTold || !isMet(stretch)) continue;
      stretch.isTold = true;
      alarms.push({ account: step.account, ms: step.ms });
    }
    return alarms;
  };
}

interface Stretch {
  refused: number;
  bounced: number;
  recipients: number;
  readonly ips: Set<string>;
  isTold: boolean;
}

/** Rules in use elsewhere, as far as their counts can be told from a log. */
const RULES: Readonly<Record<string, Rule>> = {
  "exim-pilot, hacked_account": ours,
  "100 refused recipients an hour": counting(HOUR_MS, ({ refused, bounced }) => refused + bounced >= 100),
  "more than 10 addresses a day": counting(DAY_MS, ({ ips }) => ips.size > 10),
  "12 addresses a day": counting(DAY_MS, ({ ips }) => ips.size >= 12),
  "25 hard bounces an hour": counting(HOUR_MS, ({ bounced }) => bounced >= 25),
  "5 failures and 5 % of an hour": counting(
    HOUR_MS,
    ({ refused, bounced, recipients }) => refused + bounced > 5 && (refused + bounced) * 20 > recipients,
  ),
  "50 recipients an hour": counting(HOUR_MS, ({ recipients }) => recipients > 50),
  "100 recipients an hour": counting(HOUR_MS, ({ recipients }) => recipients > 100),
  "200 recipients an hour": counting(HOUR_MS, ({ recipients }) => recipients > 200),
  "500 recipients an hour": counting(HOUR_MS, ({ recipients }) => recipients > 500),
};

export const RULE_NAMES = Object.keys(RULES);

/** Scores of some rules over the accounts of some seeds. */
export function scoreRules(seeds: readonly number[], names: readonly string[] = RULE_NAMES): readonly RuleScore[] {
  const totals = new Map(
    names.map((name) => [
      name,
      { name, thefts: 0, named: 0, subtle: 0, subtleNamed: 0, recipients: [] as number[], falseAlarms: 0, messages: 0 },
    ]),
  );
  for (const seed of seeds) {
    const simulation = simulateAccounts(seed);
    const steps = stepsOf(simulation);
    const messages = steps.filter(({ kind }) => kind === "message").length;
    for (const total of totals.values()) {
      const alarms = RULES[total.name]?.(steps) ?? [];
      total.messages += messages;
      for (const { account, ms, isSubtle } of simulation.thefts) {
        total.thefts++;
        if (isSubtle) total.subtle++;
        const alarm = alarms.find((one) => one.account === account && one.ms >= ms);
        if (alarm === undefined) continue;
        total.named++;
        if (isSubtle) total.subtleNamed++;
        total.recipients.push(recipientsUpTo(steps, account, ms, alarm.ms));
      }
      const stolen = new Map(simulation.thefts.map(({ account, ms }) => [account, ms]));
      total.falseAlarms += alarms.filter(
        ({ account, ms }) => ms < (stolen.get(account) ?? Number.POSITIVE_INFINITY),
      ).length;
    }
  }
  for (const total of totals.values()) total.recipients.sort((one, other) => one - other);
  return [...totals.values()];
}

function recipientsUpTo(steps: readonly Step[], account: string, fromMs: number, untilMs: number): number {
  let recipients = 0;
  for (const step of steps)
    if (step.kind === "message" && step.account === account && step.ms >= fromMs && step.ms <= untilMs)
      recipients += step.recipients.length;
  return recipients;
}

export function medianOf(sorted: readonly number[]): number | undefined {
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

export function ruleTable(scores: readonly RuleScore[]): string {
  const head = ["rule", "recall", "subtle", "median", "worst", "false/million"];
  const rows = scores.map((score) => [
    score.name,
    (score.named / score.thefts).toFixed(2),
    score.subtle === 0 ? "–" : (score.subtleNamed / score.subtle).toFixed(2),
    String(medianOf(score.recipients) ?? "–"),
    String(score.recipients.at(-1) ?? "–"),
    ((score.falseAlarms / score.messages) * 1e6).toFixed(0),
  ]);
  return [head, ...rows]
    .map((row) => row.map((cell, index) => (index === 0 ? cell.padEnd(32) : cell.padStart(14))).join(""))
    .join("\n");
}
