/**
 * Finds accounts whose password somebody else seems to have: failed logins, then a login from a strange address, then mail that
 * is not theirs. It judges figures by account, client and hour, in the order of time and without looking ahead. The same figures
 * thus give the same findings, however they were read.
 *
 * No count alone is enough, since newsletters, Monday mornings and mailings are large too. A finding needs a strange login
 * or many refused recipients, and beside it mail that the account never sent before.
 */
import { compareText } from "../text.ts";
import { DAY_MS, epochMs, HOUR_MS, toIso } from "../units.ts";
import { AccountHistory } from "./account-history.ts";
import {
  type AccountFinding,
  type AccountHour,
  type AccountThresholds,
  DEFAULT_ACCOUNT_THRESHOLDS,
  type WatchMemory,
} from "./account-risk.ts";
import { Clients } from "./guessing-clients.ts";

/** A finding as answers show it: `failedFrom` and `loginsFrom` name the first addresses. Times are ISO-8601. */
export interface AccountAtRisk
  extends Omit<AccountFinding, "firstMs" | "lastMs" | "firedMs" | "messageIds" | "hours" | "around"> {
  /** How many times the usual mail it is, at its most; null: there was none before. */
  readonly times: number | null;
  readonly first: string;
  readonly last: string;
}

const MOST_NAMES = 3;

function toAccountAtRisk({
  firstMs,
  lastMs,
  firedMs: _fired,
  messageIds: _ids,
  hours: _hours,
  around: _around,
  ...finding
}: AccountFinding): AccountAtRisk {
  const { failedFrom, loginsFrom, mostRecipients, usualRecipients } = finding;
  return {
    ...finding,
    failedFrom: failedFrom.slice(0, MOST_NAMES),
    loginsFrom: loginsFrom.slice(0, MOST_NAMES),
    times: usualRecipients === null ? null : Math.round((mostRecipients / Math.max(usualRecipients, 1)) * 10) / 10,
    first: toIso(epochMs(firstMs)),
    last: toIso(epochMs(lastMs)),
  };
}

/** A time, in epoch ms; the end is exclusive. */
interface Span {
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** Facts about accounts in a time: their figures by hour, and which of them are asked about. */
export interface AccountFacts extends Span {
  /** Figures of all accounts, whatever is asked about, with so much before the time. */
  readonly hours: (baselineMs: number) => Promise<readonly AccountHour[]>;
  /** Accounts that are asked about, as `server\naccount`; undefined: all. */
  readonly chosen: () => Promise<ReadonlySet<string> | undefined>;
}

/** The rule as this installation has it. */
export interface RiskRule {
  readonly thresholds: AccountThresholds;
  /** Findings of a detection that has read all lines of the time, with these thresholds; undefined: there is none. */
  readonly detected: (untilMs: number) => Promise<readonly AccountFinding[] | undefined>;
}

/** Days of figures before a time that a judgement of it needs: seasons of the week need more than three. */
const BASELINE_MS = 35 * DAY_MS;

/** Accounts at risk, the worst first: those that detection has found, else those that the figures of hours show. */
export async function listAccountsAtRisk(
  facts: AccountFacts,
  { thresholds, detected }: RiskRule,
): Promise<readonly AccountAtRisk[]> {
  const known = await detected(facts.untilMs);
  const found =
    known === undefined
      ? findAccountsAtRisk(await facts.hours(BASELINE_MS), facts, thresholds)
      : known.filter(({ lastMs }) => lastMs >= facts.sinceMs).sort(compareFindings);
  const chosen = found.length === 0 ? undefined : await facts.chosen();
  return found.filter(({ server, account }) => chosen?.has(`${server}\n${account}`) !== false).map(toAccountAtRisk);
}

/** Findings of accounts whose suspicious mail reaches into the time, the worst first. Hours before it are the baseline. */
export function findAccountsAtRisk(
  hours: readonly AccountHour[],
  { sinceMs, untilMs }: Span,
  thresholds: AccountThresholds = DEFAULT_ACCOUNT_THRESHOLDS,
): AccountFinding[] {
  const known = hours.filter(({ hour }) => hour * HOUR_MS < untilMs).toSorted((one, other) => one.hour - other.hour);
  const found: AccountFinding[] = [];
  for (const [server, rows] of Map.groupBy(known, (row) => row.server)) {
    const watch = new AccountWatch(server, thresholds);
    for (const ofHour of Map.groupBy(rows, ({ hour }) => hour).values()) found.push(...watch.takeHour(ofHour));
    found.push(...watch.goingOn());
  }
  return found.filter(({ lastMs }) => lastMs >= sinceMs).sort(compareFindings);
}

function compareFindings(one: AccountFinding, other: AccountFinding): number {
  return (
    Number(other.severity === "serious") - Number(one.severity === "serious") ||
    other.recipients - one.recipients ||
    other.failures - one.failures ||
    compareText(one.account, other.account) ||
    compareText(one.server, other.server) ||
    one.firstMs - other.firstMs
  );
}

const FORGETFUL: WatchMemory = { read: () => undefined };

/**
 * The rule, for the accounts of one server: takes figures in the order of time, and tells at once what it finds. Its state can be
 * written down between two events and read again, key by key.
 */
export class AccountWatch {
  readonly #server: string;
  readonly #thresholds: AccountThresholds;
  readonly #memory: WatchMemory;
  readonly #clients: Clients;
  readonly #histories = new Map<string, AccountHistory>();
  /** First hour of the server's figures. */
  #start: number | undefined;

  constructor(server: string, thresholds: AccountThresholds, memory: WatchMemory = FORGETFUL, start?: number) {
    this.#server = server;
    this.#thresholds = thresholds;
    this.#memory = memory;
    this.#clients = new Clients(memory);
    this.#start = start;
  }

  /** First hour of the figures; undefined before there are any. */
  get start(): number | undefined {
    return this.#start;
  }

  /** Takes the figures of one event, which may be one of several of its hour. Returns the finding that it belongs to, as it is now. */
  take(row: AccountHour): AccountFinding | undefined {
    this.#start ??= row.hour;
    this.#clients.take(row);
    const history = this.#historyOf(row.account);
    history.take(row);
    history.judge();
    return history.finding(row.hour);
  }

  /** Takes all figures of an hour at once; returns findings that have ended. */
  takeHour(rows: readonly AccountHour[]): AccountFinding[] {
    this.#start ??= rows[0]?.hour;
    for (const row of rows) this.#clients.take(row);
    const ended: AccountFinding[] = [];
    for (const own of Map.groupBy(rows, ({ account }) => account).values()) {
      const history = this.#historyOf(own[0]?.account ?? "");
      for (const row of own.toSorted((one, other) => compareText(one.ip ?? "", other.ip ?? ""))) history.take(row);
      history.judge();
      ended.push(...history.takeEnded());
    }
    return ended;
  }

  /** Findings that nothing has ended. */
  goingOn(): AccountFinding[] {
    return [...this.#histories.values()].flatMap((history) => history.takeEnded(true));
  }

  #historyOf(account: string): AccountHistory {
    const known = this.#histories.get(account);
    if (known !== undefined) return known;
    const history = new AccountHistory(
      { server: this.#server, account, start: this.#start ?? 0 },
      this.#clients,
      this.#thresholds,
    );
    history.restore(this.#memory.read(`account ${account}`));
    this.#histories.set(account, history);
    return history;
  }

  /** State of all that was touched, by key. `hour`: first hour of what is still to come. */
  *states(hour: number): Generator<readonly [key: string, state: unknown]> {
    for (const [account, history] of this.#histories) yield [`account ${account}`, history.state(hour)];
    yield* this.#clients.states(hour);
  }
}
