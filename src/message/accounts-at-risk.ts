/**
 * Finds accounts whose password somebody else seems to have: failed logins, then a login from a strange address, then mail that is not
 * theirs. It judges figures by account, client and hour, in the order of time and without looking ahead, so that the same figures give
 * the same findings however they were read.
 *
 * No count alone is enough, since newsletters, Monday mornings and mailings are large too. A finding needs a strange login
 * or many refused recipients, and beside it mail that the account never sent before.
 */
import { DAY_MS, epochMs, HOUR_MS, toIso } from "../units.ts";

/** Figures of one account from one client in one hour. */
export interface AccountHour {
  readonly server: string;
  /** Login without its authenticator, in lower case: an attacker may choose another authenticator than the user. */
  readonly account: string;
  /** Hours since the epoch. */
  readonly hour: number;
  /** Client address; null where the log has none. */
  readonly ip: string | null;
  /** Network of the client, such as `192.0.2.0/24`. */
  readonly network: string | null;
  /** Refused logins, with the first in epoch ms. */
  readonly failures: number;
  readonly firstFailureMs: number | null;
  /** Messages accepted after a login. */
  readonly messages: number;
  /** Recipients of these messages, and those that were refused when they were named. */
  readonly recipients: number;
  /** Recipients among them that bounced or were refused. */
  readonly refused: number;
  /** Different recipient domains; 0 where so few recipients are not counted. */
  readonly domains: number;
  /** First and last line that shows a login, in epoch ms. */
  readonly firstLoginMs: number | null;
  readonly lastLoginMs: number | null;
  /** Recipient domains by their names, where these are the figures of a single event. */
  readonly domainNames?: readonly string[];
  /** Exim's ids of the messages, where they are wanted as evidence. */
  readonly messageIds?: readonly string[];
}

/** Signs of a finding, in the order of a break-in; `exim-pilot help counting` shows them. */
export const RISK_SIGNS = {
  failures: "At least 10 logins failed from an address; then the account logged in from there for the first time.",
  guesser:
    "An address logged in for the first time from which at least 8 other accounts failed within a day, or 4 and this one.",
  siege: "At least 30 logins failed within a day, from at least 5 addresses, before a login from a new network.",
  network: "Most of the mail came from networks that the account never used before.",
  networks: "At least 4 new networks within two hours, and more than 3 times as many as ever before.",
  volume: "Clearly more recipients within two hours than ever before at that time.",
  refused: "At least a fifth of the recipients were refused or bounced.",
  domains: "Recipients in clearly more different domains than ever before.",
} as const satisfies Record<string, string>;

export type RiskSign = keyof typeof RISK_SIGNS;

/** One stretch of suspicious use of an account. Times are epoch ms. */
export interface AccountFinding {
  readonly server: string;
  readonly account: string;
  /** `serious`: it sends mail that is not its owner's. `warning`: only the password seems to be known. */
  readonly severity: "serious" | "warning";
  readonly signs: readonly RiskSign[];
  /** Failed logins that led to it. */
  readonly failures: number;
  /** Addresses of these failures, the most frequent first. */
  readonly failedFrom: readonly string[];
  /** Other accounts that failed from the address of the login within a day before. */
  readonly guessedAccounts: number;
  /** Strange addresses that logged in, those that failed before first; empty when only the usual ones did. */
  readonly loginsFrom: readonly string[];
  /** Networks of these addresses. */
  readonly networks: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Last login that was known when the rule was met. */
  readonly firedMs: number;
  /** Suspicious mail: that of strange addresses, or all of it when there are none. */
  readonly messages: number;
  readonly recipients: number;
  readonly refused: number;
  /** Most recipient domains of an hour. */
  readonly domains: number;
  /** Most recipients within two hours. */
  readonly mostRecipients: number;
  /** Recipients within two hours that nine of ten earlier stretches with mail did not exceed; null: no mail before. */
  readonly usualRecipients: number | null;
  /** Exim's ids of suspicious messages, 200 at most, where they are known. */
  readonly messageIds: readonly string[];
  /** Recipients of them by hour since the epoch. */
  readonly hours: readonly (readonly [hour: number, recipients: number])[];
}

/** A threshold of a rule, which the configuration may change. */
export interface Threshold {
  readonly value: number;
  /** Meaning, as help shows it. */
  readonly about: string;
}

/** Thresholds that a mail server may want otherwise; the rest of the rule is fixed. */
export const ACCOUNT_THRESHOLDS = {
  // A user who mistypes fails less often; a mail program with an old password does so more often, but from a known address.
  failures: { value: 10, about: "failed logins from an address before its first login" },
  "guessed-accounts": { value: 8, about: "other accounts that failed within a day from the address of a first login" },
  "guessed-with-own": { value: 4, about: "the same where this account failed from there, too" },
  "siege-failures": { value: 30, about: "failed logins within a day, from all addresses" },
  "siege-addresses": { value: 5, about: "addresses that these failed logins come from" },
  // After a login that follows failures little more mail is enough: the early sign.
  "recipients-after-failures": { value: 10, about: "recipients within two hours, after a login that failures led to" },
  "refused-after-failures": { value: 3, about: "refused recipients, after a login that failures led to" },
  recipients: { value: 30, about: "recipients within two hours, from networks that are new" },
  times: { value: 4, about: "how many times the most mail before, from networks that are new" },
  domains: { value: 10, about: "recipient domains within an hour, from networks that are new" },
  refused: { value: 5, about: "refused or bounced recipients within two hours" },
  "refused-percent": { value: 20, about: "percentage of recipients that are refused or bounce" },
  networks: { value: 4, about: "new networks within two hours" },
} as const satisfies Record<string, Threshold>;

export type AccountThresholds = Readonly<Record<keyof typeof ACCOUNT_THRESHOLDS, number>>;

export const DEFAULT_ACCOUNT_THRESHOLDS: AccountThresholds = {
  failures: ACCOUNT_THRESHOLDS.failures.value,
  "guessed-accounts": ACCOUNT_THRESHOLDS["guessed-accounts"].value,
  "guessed-with-own": ACCOUNT_THRESHOLDS["guessed-with-own"].value,
  "siege-failures": ACCOUNT_THRESHOLDS["siege-failures"].value,
  "siege-addresses": ACCOUNT_THRESHOLDS["siege-addresses"].value,
  "recipients-after-failures": ACCOUNT_THRESHOLDS["recipients-after-failures"].value,
  "refused-after-failures": ACCOUNT_THRESHOLDS["refused-after-failures"].value,
  recipients: ACCOUNT_THRESHOLDS.recipients.value,
  times: ACCOUNT_THRESHOLDS.times.value,
  domains: ACCOUNT_THRESHOLDS.domains.value,
  refused: ACCOUNT_THRESHOLDS.refused.value,
  "refused-percent": ACCOUNT_THRESHOLDS["refused-percent"].value,
  networks: ACCOUNT_THRESHOLDS.networks.value,
};

/** An attacker may wait between two tries, or before the login. */
const FAILURE_HOURS = 7 * 24;
/** Time that connects an attack with a login, and a login with what follows it. */
export const CONNECTED_HOURS = 24;
/** An address or network counts as known once it was used so long ago without anything else being strange. */
const FAMILIAR_HOURS = 24;
/** Accounts that make a network a shared one: an office, a web mail, a gateway. */
const FEWEST_SHARING = 3;
/** Mail before, without which nobody knows what is usual: every network is new, and every mailing is the largest. */
const HISTORY = [
  { messages: 10, days: 3 },
  { messages: 50, days: 2 },
] as const;
/** The same of an account that is seldom used: it is known for so long. */
const SELDOM_USED = { messages: 3, days: 5 } as const;
/** Roaming accounts keep using new networks: this many, and this share of the days with mail. */
const ROAMING = { networks: 3, share: 0.25 } as const;
const AFTER_FAILURES = { times: 1.5, domains: 8 } as const;
const WHILE_ROAMING = { recipients: 30, times: 3, domains: 18 } as const;
/** Where the owner sends much at times, the spread over domains tells more than the volume. */
const SPREAD = { recipients: 30, domains: 20, times: 3 } as const;
const UNDER_SIEGE = { recipients: 15, times: 3 } as const;
/** Bad lists of recipients: newsletters bounce less. */
const REFUSED = { recipients: 20, times: 2 } as const;
/** Malware on the user's own computer, or a web mail, uses the usual address: only its bad list tells. */
const FROM_USUAL = { recipients: 60, refused: 20, share: 0.3, times: 5 } as const;
/** Nobody moves through so many networks within two hours; with `many` of them the volume does not matter. */
const BOTNET = { many: 6, times: 3, recipients: 20, volume: 2 } as const;
/** An account that sent nothing before has the usual volume of somebody who writes a letter. */
const SMALLEST_USUAL = 3;
/** Domains of fewer recipients are not counted: they are no sign of anything. */
const FEWEST_FOR_DOMAINS = 8;
/** Weeks of history after which an hour is compared with the same hour of other weeks. */
const SEASON_HOURS = 21 * 24;
const DAY_HOURS = 24;
const WEEK_HOURS = 7 * DAY_HOURS;
const USUAL_QUANTILE = 0.9;

/** A finding as answers show it. Times are ISO-8601. */
export interface AccountAtRisk extends Omit<AccountFinding, "firstMs" | "lastMs" | "firedMs" | "messageIds" | "hours"> {
  /** Addresses in all; `failedFrom` and `loginsFrom` name the first. */
  readonly failedFromCount: number;
  readonly loginsFromCount: number;
  /** How many times the usual mail it is, at its most; null: there was none before. */
  readonly times: number | null;
  readonly first: string;
  readonly last: string;
}

const MOST_NAMES = 3;

export function toAccountAtRisk({
  firstMs,
  lastMs,
  firedMs: _fired,
  messageIds: _ids,
  hours: _hours,
  ...finding
}: AccountFinding): AccountAtRisk {
  const { failedFrom, loginsFrom, mostRecipients, usualRecipients } = finding;
  return {
    ...finding,
    failedFrom: failedFrom.slice(0, MOST_NAMES),
    failedFromCount: failedFrom.length,
    loginsFrom: loginsFrom.slice(0, MOST_NAMES),
    loginsFromCount: loginsFrom.length,
    times: usualRecipients === null ? null : Math.round((mostRecipients / Math.max(usualRecipients, 1)) * 10) / 10,
    first: toIso(epochMs(firstMs)),
    last: toIso(epochMs(lastMs)),
  };
}

/** Findings of accounts whose suspicious mail reaches into the time, the worst first. Hours before it are the baseline; `untilMs` is exclusive. */
export function findAccountsAtRisk(
  hours: readonly AccountHour[],
  { sinceMs, untilMs }: { readonly sinceMs: number; readonly untilMs: number },
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
    compare(one.account, other.account) ||
    compare(one.server, other.server) ||
    one.firstMs - other.firstMs
  );
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

/** State of what a watch knows by a key, kept between runs. Both ways undefined: nothing. */
export interface WatchMemory {
  readonly read: (key: string) => unknown;
}

const FORGETFUL: WatchMemory = { read: () => undefined };

/**
 * The rule, for the accounts of one server: takes figures in the order of time, and tells at once what it finds. Its state can be
 * written down at the end of an hour and read again, key by key.
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
      for (const row of own.toSorted((one, other) => compare(one.ip ?? "", other.ip ?? ""))) history.take(row);
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

  /** State of all that was touched, by key; to be taken at the end of an hour. */
  *states(): Generator<readonly [key: string, state: unknown]> {
    for (const [account, history] of this.#histories) yield [`account ${account}`, history.state()];
    yield* this.#clients.states();
  }
}

interface ClientFailure {
  readonly account: string;
  readonly hour: number;
  readonly ms: number;
}

/** Uses of an address or a network by accounts. */
interface ClientUse {
  readonly failures: ClientFailure[];
  /** First login of each account, in epoch ms. */
  readonly logins: Map<string, number>;
}

interface ClientState {
  readonly failures: readonly (readonly [account: string, hour: number, ms: number])[];
  readonly logins: readonly (readonly [account: string, ms: number])[];
}

/** Facts about clients that several accounts share. */
class Clients {
  readonly #memory: WatchMemory;
  readonly #uses = new Map<string, ClientUse>();

  constructor(memory: WatchMemory) {
    this.#memory = memory;
  }

  take(row: AccountHour): void {
    const { account, hour, ip, network, failures, firstFailureMs, firstLoginMs } = row;
    if (ip === null || network === null) return;
    if (failures > 0) {
      const use = this.#useOf(ip);
      const oldest = hour - CONNECTED_HOURS;
      while (use.failures[0] !== undefined && use.failures[0].hour < oldest) use.failures.shift();
      const isKnown = use.failures.some((failure) => failure.account === account && failure.hour === hour);
      if (!isKnown) use.failures.push({ account, hour, ms: firstFailureMs ?? hour * HOUR_MS });
    }
    if (firstLoginMs === null) return;
    for (const client of ip === network ? [ip] : [ip, network]) {
      const { logins } = this.#useOf(client);
      logins.set(account, Math.min(logins.get(account) ?? firstLoginMs, firstLoginMs));
    }
  }

  #useOf(client: string): ClientUse {
    const known = this.#uses.get(client);
    if (known !== undefined) return known;
    const state = this.#memory.read(`client ${client}`) as ClientState | undefined;
    const use = {
      failures: (state?.failures ?? []).map(([account, hour, ms]) => ({ account, hour, ms })),
      logins: new Map(state?.logins ?? []),
    };
    this.#uses.set(client, use);
    return use;
  }

  /** Other accounts that failed from an address within a day before, and had not logged in from there. */
  guessedBefore(ip: string, account: string, ms: number): number {
    const { failures, logins } = this.#useOf(ip);
    const guessed = new Set<string>();
    for (const failure of failures) {
      if (failure.account === account || failure.ms > ms) continue;
      if (failure.hour < ms / HOUR_MS - CONNECTED_HOURS) continue;
      const login = logins.get(failure.account);
      if (login === undefined || login > ms) guessed.add(failure.account);
    }
    return guessed.size;
  }

  /** True for an address or network from which several other accounts logged in more than a day before. */
  isShared(client: string, account: string, hour: number): boolean {
    let sharing = 0;
    for (const [other, firstMs] of this.#useOf(client).logins)
      if (other !== account && Math.floor(firstMs / HOUR_MS) < hour - FAMILIAR_HOURS && ++sharing >= FEWEST_SHARING)
        return true;
    return false;
  }

  *states(): Generator<readonly [key: string, state: ClientState]> {
    for (const [client, { failures, logins }] of this.#uses)
      if (failures.length > 0 || logins.size > 0)
        yield [
          `client ${client}`,
          { failures: failures.map(({ account, hour, ms }) => [account, hour, ms]), logins: [...logins] },
        ];
  }
}

function isLogin({ firstLoginMs }: AccountHour): boolean {
  return firstLoginMs !== null;
}

/** Sums of rows of one hour, or of two hours in a row. */
interface Sums {
  readonly messages: number;
  readonly recipients: number;
  readonly refused: number;
}

function sumsOf(rows: readonly Sums[]): Sums {
  const sums = { messages: 0, recipients: 0, refused: 0 };
  for (const { messages, recipients, refused } of rows) {
    sums.messages += messages;
    sums.recipients += recipients;
    sums.refused += refused;
  }
  return sums;
}

/** An hour that becomes a part of the baseline a day later: what grows within a day is no measure of itself. */
interface PastHour {
  readonly hour: number;
  readonly own: Sums;
  /** Recipients of it and of the hour before, and domains of the one that had more. */
  readonly recipients: number;
  readonly domains: number;
  readonly networks: number;
}

/** Stretches of mail of the past: what is usual, and the most there ever was. */
class Baseline {
  /** Recipients of a stretch → stretches. */
  #stretches = new Map<number, number>();
  #count = 0;
  #usual: number | undefined;
  #mostBySeason = new Map<number, number>();
  #most = 0;
  mostDomains = 0;
  mostNetworks = 0;
  messages = 0;
  activeDays = 0;
  #lastDay = Number.MIN_SAFE_INTEGER;
  #allRecipients = 0;
  #refused = 0;
  #firstHour: number | undefined;
  #waiting: PastHour[] = [];

  add(past: PastHour): void {
    this.#waiting.push(past);
  }

  /** Takes in what is old enough. */
  proceedTo(hour: number): void {
    const isOld = (past: PastHour): boolean => past.hour <= hour - FAMILIAR_HOURS;
    if (this.#waiting[0] === undefined || !isOld(this.#waiting[0])) return;
    for (const past of this.#waiting.filter(isOld)) this.#takeIn(past);
    this.#waiting = this.#waiting.filter((past) => !isOld(past));
  }

  #takeIn({ hour, own, recipients, domains, networks }: PastHour): void {
    this.#firstHour ??= hour;
    this.#stretches.set(recipients, (this.#stretches.get(recipients) ?? 0) + 1);
    this.#count++;
    this.#usual = undefined;
    this.#most = Math.max(this.#most, recipients);
    const season = hour % WEEK_HOURS;
    this.#mostBySeason.set(season, Math.max(this.#mostBySeason.get(season) ?? 0, recipients));
    this.mostDomains = Math.max(this.mostDomains, domains);
    this.mostNetworks = Math.max(this.mostNetworks, networks);
    this.messages += own.messages;
    const day = Math.floor(hour / DAY_HOURS);
    if (day > this.#lastDay) this.activeDays++;
    this.#lastDay = day;
    this.#allRecipients += own.recipients;
    this.#refused += own.refused;
  }

  /** Recipients that nine of ten stretches did not exceed. */
  get usual(): number | undefined {
    if (this.#count === 0) return undefined;
    this.#usual ??= valueAt(this.#stretches, Math.floor((this.#count - 1) * USUAL_QUANTILE));
    return this.#usual;
  }

  get refusedShare(): number {
    return this.#allRecipients === 0 ? 0 : this.#refused / this.#allRecipients;
  }

  /** Most recipients of a stretch so far; with enough history, of the same hour of the week and its neighbours, for clocks change. */
  mostAt(hour: number): number {
    const usual = Math.max(this.usual ?? 0, SMALLEST_USUAL);
    if (this.#firstHour === undefined || hour - this.#firstHour < SEASON_HOURS) return Math.max(this.#most, usual);
    const near = [-1, 0, 1].map((shift) => this.#mostBySeason.get((hour + shift + WEEK_HOURS) % WEEK_HOURS) ?? 0);
    return Math.max(...near, usual);
  }

  state() {
    return {
      stretches: [...this.#stretches],
      seasons: [...this.#mostBySeason],
      most: this.#most,
      mostDomains: this.mostDomains,
      mostNetworks: this.mostNetworks,
      messages: this.messages,
      activeDays: this.activeDays,
      lastDay: this.#lastDay,
      recipients: this.#allRecipients,
      refused: this.#refused,
      firstHour: this.#firstHour ?? null,
      waiting: this.#waiting,
    };
  }

  restore(state: ReturnType<Baseline["state"]>): void {
    this.#stretches = new Map(state.stretches);
    this.#count = sumOf(this.#stretches.values());
    this.#mostBySeason = new Map(state.seasons);
    this.#most = state.most;
    this.mostDomains = state.mostDomains;
    this.mostNetworks = state.mostNetworks;
    this.messages = state.messages;
    this.activeDays = state.activeDays;
    this.#lastDay = state.lastDay;
    this.#allRecipients = state.recipients;
    this.#refused = state.refused;
    this.#firstHour = state.firstHour ?? undefined;
    this.#waiting = [...state.waiting];
  }
}

/** The value at a place of the sorted values that the counts stand for. */
function valueAt(counts: ReadonlyMap<number, number>, place: number): number {
  let seen = 0;
  for (const [value, count] of [...counts].sort(([one], [other]) => one - other)) {
    seen += count;
    if (seen > place) return value;
  }
  return 0;
}

/** A login that failures led to. */
interface Entry {
  readonly ip: string;
  readonly sign: "failures" | "guesser";
  readonly guessed: number;
}

/** A finding while it grows. */
interface Stretch {
  readonly signs: Set<RiskSign>;
  isSerious: boolean;
  failures: number;
  readonly failedFrom: Map<string, number>;
  guessed: number;
  readonly loginsFrom: Set<string>;
  readonly networks: Set<string>;
  firstMs: number;
  lastMs: number;
  firedMs: number;
  lastHour: number;
  messages: number;
  recipients: number;
  refused: number;
  domains: number;
  mostRecipients: number;
  readonly usualRecipients: number | null;
  readonly messageIds: Set<string>;
  readonly hours: Map<number, number>;
}

/** Messages that a finding names as evidence. */
const MOST_EVIDENCE = 200;

interface Judgement {
  readonly signs: readonly RiskSign[];
  readonly isSerious: boolean;
  /** The usual addresses sent it. */
  readonly isFromUsual?: boolean;
  /** It is of addresses of the last finding, however long ago that was. */
  readonly isKnown?: boolean;
}

type Writable<Row> = { -readonly [Name in keyof Row]: Row[Name] };

/** Figures of an address within an hour, with what of them is a part of the finding already. */
interface OpenRow extends Writable<Omit<AccountHour, "domainNames" | "messageIds">> {
  readonly messageIds: string[];
  readonly counted: Writable<Sums>;
}

/** An hour of an account while it goes on, and the one before. */
interface OpenHour {
  readonly hour: number;
  readonly rows: readonly OpenRow[];
  readonly domains: number;
}

const NO_HOUR: OpenHour = { hour: Number.MIN_SAFE_INTEGER, rows: [], domains: 0 };

/** One account's events, judged one after the other. */
class AccountHistory {
  readonly #identity: { readonly server: string; readonly account: string; readonly start: number };
  readonly #clients: Clients;
  readonly #thresholds: AccountThresholds;
  readonly #baseline = new Baseline();
  /** First use of each address and network, in hours. Those of a finding are never known. */
  #firstUse = new Map<string, number>();
  #bad = new Set<string>();
  /** Failures so far, by address. */
  readonly #failures = new Map<string, { hour: number; firstMs: number; failures: number }[]>();
  #stretch: Stretch | undefined;
  readonly #ended: Stretch[] = [];
  /** Hour of its first login. */
  #firstHour: number | undefined;
  #before: OpenHour = NO_HOUR;
  #hour = Number.MIN_SAFE_INTEGER;
  #rows: OpenRow[] = [];
  #domainNames = new Set<string>();
  #domains = 0;
  /** All that was found in the hour so far. */
  #judgement: Judgement | undefined;
  #isRoamingAt: { readonly hour: number; readonly isRoaming: boolean } | undefined;

  constructor(
    identity: { readonly server: string; readonly account: string; readonly start: number },
    clients: Clients,
    thresholds: AccountThresholds,
  ) {
    this.#identity = identity;
    this.#clients = clients;
    this.#thresholds = thresholds;
  }

  /** Adds the figures of an event, or of an hour, which is not before the last one. */
  take(row: AccountHour): void {
    if (row.hour > this.#hour) this.#beginHour(row.hour);
    const own = this.#rowOf(row);
    own.failures += row.failures;
    own.firstFailureMs ??= row.firstFailureMs;
    own.messages += row.messages;
    own.recipients += row.recipients;
    own.refused += row.refused;
    own.firstLoginMs = least(own.firstLoginMs, row.firstLoginMs);
    own.lastLoginMs = greatest(own.lastLoginMs, row.lastLoginMs);
    for (const name of row.domainNames ?? []) this.#domainNames.add(name);
    for (const id of row.messageIds ?? []) if (own.messageIds.length < MOST_EVIDENCE) own.messageIds.push(id);
    const recipients = sumsOf(this.#rows).recipients;
    const counted = recipients >= FEWEST_FOR_DOMAINS ? this.#domainNames.size : 0;
    this.#domains = Math.max(this.#domains, row.domains, counted);
    if (row.failures > 0 && row.ip !== null) this.#addFailure(row.ip, row);
    if (!isLogin(row)) return;
    this.#firstHour ??= this.#hour;
    this.#baseline.proceedTo(this.#hour);
    for (const client of [row.ip, row.network])
      if (client !== null && !this.#firstUse.has(client)) this.#firstUse.set(client, this.#hour);
  }

  #rowOf({ server, account, ip, network }: AccountHour): OpenRow {
    const known = this.#rows.find((row) => row.ip === ip);
    if (known !== undefined) return known;
    const row: OpenRow = {
      server,
      account,
      hour: this.#hour,
      ip,
      network,
      failures: 0,
      firstFailureMs: null,
      messages: 0,
      recipients: 0,
      refused: 0,
      domains: 0,
      firstLoginMs: null,
      lastLoginMs: null,
      messageIds: [],
      counted: { messages: 0, recipients: 0, refused: 0 },
    };
    this.#rows.push(row);
    return row;
  }

  #addFailure(ip: string, row: AccountHour): void {
    const list = (this.#failures.get(ip) ?? []).filter(({ hour }) => hour >= this.#hour - FAILURE_HOURS - 1);
    this.#failures.set(ip, list);
    const last = list.at(-1);
    if (last?.hour === this.#hour) last.failures += row.failures;
    else list.push({ hour: this.#hour, firstMs: row.firstFailureMs ?? this.#hour * HOUR_MS, failures: row.failures });
  }

  /** Closes the hour that was open: one in which nothing was found becomes a part of the baseline. */
  #beginHour(hour: number): void {
    const active = this.#rows.filter(isLogin);
    if (active.length > 0 && this.#judgement === undefined) {
      const pairRows = this.#pairRows();
      this.#baseline.add({
        hour: this.#hour,
        own: sumsOf(active),
        recipients: sumsOf(pairRows).recipients,
        domains: this.#pairDomains(),
        networks: countNetworks(pairRows),
      });
    }
    if (this.#rows.length > 0) this.#before = { hour: this.#hour, rows: this.#rows, domains: this.#domains };
    this.#hour = hour;
    this.#rows = [];
    this.#domainNames = new Set();
    this.#domains = 0;
    this.#judgement = undefined;
  }

  #pairRows(): readonly OpenRow[] {
    return this.#before.hour === this.#hour - 1 ? [...this.#before.rows, ...this.#rows] : this.#rows;
  }

  #pairDomains(): number {
    return Math.max(this.#domains, this.#before.hour === this.#hour - 1 ? this.#before.domains : 0);
  }

  /** Judges the hour as it is so far. */
  judge(): void {
    const active = this.#rows.filter(isLogin);
    if (active.length === 0) return;
    const hour = this.#hour;
    const pairRows = this.#pairRows();
    const strange = pairRows.filter((row) => isLogin(row) && this.#isNewAddress(row, hour));
    const entries = strange.flatMap((row) => this.#entryOf(row) ?? []);
    const found = this.#judgeMail(hour, pairRows, strange, entries);
    const judgement = join(this.#judgement, found);
    this.#judgement = judgement;
    if (judgement !== undefined && judgement.isKnown !== true) {
      this.#addToStretch(this.#suspects(judgement, pairRows, strange, entries), entries, judgement, pairRows);
      return;
    }
    const known = active.filter(({ ip }) => ip !== null && this.#bad.has(ip));
    if (known.length === 0) return;
    this.#judgement = { signs: [], isSerious: true, isKnown: true };
    this.#addToStretch(known, [], this.#judgement, pairRows);
  }

  /** The finding that the hour belongs to; undefined when it is none. */
  finding(hour: number): AccountFinding | undefined {
    const isOf = this.#judgement !== undefined && this.#stretch?.lastHour === hour;
    return isOf && this.#stretch !== undefined ? this.#toFinding(this.#stretch) : undefined;
  }

  /** Findings that have ended, each told once. `all`: also the one that goes on. */
  takeEnded(all = false): AccountFinding[] {
    const ended = this.#ended.splice(0);
    if (all && this.#stretch !== undefined) ended.push(this.#stretch);
    return ended.map((stretch) => this.#toFinding(stretch));
  }

  /** Rows that a finding is about: a password that was only guessed concerns the address that did. */
  #suspects(
    { isFromUsual, isSerious }: Judgement,
    pairRows: readonly OpenRow[],
    strange: readonly OpenRow[],
    entries: readonly Entry[],
  ): readonly OpenRow[] {
    if (isFromUsual === true) return pairRows.filter(isLogin);
    return isSerious ? strange : strange.filter((row) => entries.some(({ ip }) => ip === row.ip));
  }

  /** First used within a day, while the account is older: an address that is not familiar yet. */
  #isNewAddress({ ip }: OpenRow, hour: number): boolean {
    return ip !== null && (this.#bad.has(ip) || hour - (this.#firstUse.get(ip) ?? hour) < FAMILIAR_HOURS);
  }

  #isNewNetwork({ account, ip, network }: OpenRow, hour: number): boolean {
    if (ip === null || network === null) return false;
    if (this.#bad.has(ip)) return true;
    const isNew = this.#bad.has(network) || hour - (this.#firstUse.get(network) ?? hour) < FAMILIAR_HOURS;
    return isNew && !this.#clients.isShared(network, account, hour);
  }

  /** The login of a row, from an address that is new to the account, when failures led to it. */
  #entryOf({ account, ip, firstLoginMs, hour }: OpenRow): Entry | undefined {
    if (ip === null || this.#clients.isShared(ip, account, hour)) return undefined;
    const ms = firstLoginMs ?? hour * HOUR_MS;
    const guessed = this.#clients.guessedBefore(ip, account, ms);
    const own = this.#failuresBefore(ip, ms);
    const least = own > 0 ? this.#thresholds["guessed-with-own"] : this.#thresholds["guessed-accounts"];
    if (guessed >= least) return { ip, sign: "guesser", guessed };
    const isOld =
      (this.#firstHour ?? hour) < (this.#firstUse.get(ip) ?? hour) || hour - this.#identity.start >= WEEK_HOURS;
    return isOld && own >= this.#thresholds.failures ? { ip, sign: "failures", guessed } : undefined;
  }

  #failuresBefore(ip: string, ms: number): number {
    let failures = 0;
    for (const row of this.#failures.get(ip) ?? [])
      if (row.firstMs <= ms && row.hour >= ms / HOUR_MS - FAILURE_HOURS) failures += row.failures;
    return failures;
  }

  /** Failures within a day before, from all addresses but those that the account knows. */
  #failuresOfDay(hour: number): ReadonlyMap<string, number> {
    const failures = new Map<string, number>();
    for (const [ip, rows] of this.#failures) {
      if (hour - (this.#firstUse.get(ip) ?? hour) >= FAMILIAR_HOURS && !this.#bad.has(ip)) continue;
      for (const row of rows)
        if (hour - row.hour <= CONNECTED_HOURS) failures.set(ip, (failures.get(ip) ?? 0) + row.failures);
    }
    return failures;
  }

  /** Undefined when nothing is wrong. */
  #judgeMail(
    hour: number,
    pairRows: readonly OpenRow[],
    strange: readonly OpenRow[],
    entries: readonly Entry[],
  ): Judgement | undefined {
    const limits = this.#thresholds;
    const pair = sumsOf(pairRows);
    const domains = this.#pairDomains();
    const most = this.#baseline.mostAt(hour);
    const share = limits["refused-percent"] / 100;
    const exceeds = (recipients: number, times: number): boolean =>
      pair.recipients >= recipients && pair.recipients > times * most;
    const isRefused = (sums: Sums, least: number, leastShare: number): boolean =>
      sums.refused >= least &&
      sums.refused >= sums.recipients * Math.max(leastShare, REFUSED.times * this.#baseline.refusedShare);
    const reaches = (fewest: number, times: number): boolean =>
      domains >= fewest && domains > times * this.#baseline.mostDomains;

    if (entries.length > 0) {
      const entry = [...new Set(entries.map(({ sign }) => sign))];
      // Without history all addresses are strange: only those that failed before tell anything.
      const suspects = this.#hasHistory(hour)
        ? strange
        : strange.filter(({ ip }) => entries.some((one) => one.ip === ip));
      const mail = sumsOf(suspects);
      const misuse: RiskSign[] = [
        ...(mail.recipients >= limits["recipients-after-failures"] && mail.recipients > AFTER_FAILURES.times * most
          ? (["volume"] as const)
          : []),
        ...(isRefused(mail, limits["refused-after-failures"], share) ? (["refused"] as const) : []),
        ...(mail.recipients * 2 > pair.recipients && reaches(AFTER_FAILURES.domains, AFTER_FAILURES.times)
          ? (["domains"] as const)
          : []),
      ];
      if (misuse.length > 0) return { signs: [...entry, ...misuse], isSerious: true };
      if (entry.includes("guesser")) return { signs: entry, isSerious: false };
    }
    // Without a day of figures before, every network is a new one.
    if (hour - this.#identity.start < FAMILIAR_HOURS) return undefined;
    const foreign = strange.filter((row) => this.#isNewNetwork(row, hour));
    const foreignMail = sumsOf(foreign);
    const isMostlyForeign = foreignMail.recipients * 2 > pair.recipients;
    const hasHistory = this.#hasHistory(hour);
    const isKnownLong = hasHistory || hour - this.#identity.start >= WEEK_HOURS;
    const isRoaming = this.#isRoaming(hour);
    const newNetworks = countNetworks(foreign);
    if (
      isKnownLong &&
      !isRoaming &&
      newNetworks >= limits.networks &&
      newNetworks > BOTNET.times * this.#baseline.mostNetworks &&
      pair.recipients >= BOTNET.recipients
    ) {
      if (exceeds(BOTNET.recipients, BOTNET.volume)) return { signs: ["networks", "volume"], isSerious: true };
      if (newNetworks >= BOTNET.many) return { signs: ["networks"], isSerious: true };
    }
    if (isMostlyForeign && isKnownLong) {
      if (isRefused(foreignMail, limits.refused, share) && exceeds(REFUSED.recipients, REFUSED.times))
        return { signs: ["network", "volume", "refused"], isSerious: true };
      const failures = this.#failuresOfDay(hour);
      const isBesieged =
        failures.size >= limits["siege-addresses"] && sumOf(failures.values()) >= limits["siege-failures"];
      if (hasHistory && isBesieged && !isRoaming && exceeds(UNDER_SIEGE.recipients, UNDER_SIEGE.times))
        return { signs: ["siege", "network", "volume"], isSerious: true };
      const much = isRoaming ? WHILE_ROAMING : limits;
      if (hasHistory && exceeds(much.recipients, much.times) && reaches(much.domains, 1))
        return { signs: ["network", "volume", "domains"], isSerious: true };
      const isSpread = pair.recipients >= SPREAD.recipients && reaches(SPREAD.domains, SPREAD.times);
      if (hasHistory && isSpread && !isRoaming) return { signs: ["network", "domains"], isSerious: true };
    }
    const isBadList = isRefused(pair, FROM_USUAL.refused, FROM_USUAL.share);
    if (isBadList && hasHistory && exceeds(FROM_USUAL.recipients, FROM_USUAL.times))
      return { signs: ["volume", "refused"], isSerious: true, isFromUsual: true };
    return undefined;
  }

  #hasHistory(hour: number): boolean {
    const { messages, activeDays } = this.#baseline;
    if (HISTORY.some((least) => messages >= least.messages && activeDays >= least.days)) return true;
    return messages >= SELDOM_USED.messages && hour - (this.#firstHour ?? hour) >= SELDOM_USED.days * DAY_HOURS;
  }

  /** True for an account that keeps using new networks, as one of a phone does. */
  #isRoaming(hour: number): boolean {
    if (this.#isRoamingAt?.hour === hour) return this.#isRoamingAt.isRoaming;
    let networks = 0;
    for (const [client, first] of this.#firstUse)
      if (client.includes("/") && hour - first >= FAMILIAR_HOURS) networks++;
    const isRoaming = networks >= ROAMING.networks && networks > this.#baseline.activeDays * ROAMING.share;
    this.#isRoamingAt = { hour, isRoaming };
    return isRoaming;
  }

  #addToStretch(
    suspects: readonly OpenRow[],
    entries: readonly Entry[],
    { signs, isSerious, isFromUsual, isKnown }: Judgement,
    pairRows: readonly OpenRow[],
  ): void {
    const hour = this.#hour;
    const last = this.#stretch;
    const isNear = last !== undefined && (isKnown === true || hour - last.lastHour <= CONNECTED_HOURS);
    if (last !== undefined && !isNear) this.#ended.push(last);
    const stretch = last !== undefined && isNear ? last : this.#newStretch();
    this.#stretch = stretch;
    for (const sign of signs) stretch.signs.add(sign);
    stretch.isSerious ||= isSerious;
    const isEntry = (ip: string | null): boolean => entries.some((entry) => entry.ip === ip);
    const logins = [...suspects].sort((one, other) => Number(isEntry(other.ip)) - Number(isEntry(one.ip)));
    for (const row of logins) {
      addUncounted(stretch, row);
      stretch.firstMs = Math.min(stretch.firstMs, row.firstLoginMs ?? row.hour * HOUR_MS);
      stretch.lastMs = Math.max(stretch.lastMs, row.lastLoginMs ?? row.hour * HOUR_MS);
      if (isFromUsual === true || row.ip === null || row.network === null) continue;
      stretch.loginsFrom.add(row.ip);
      stretch.networks.add(row.network);
    }
    if (stretch.firedMs === Number.POSITIVE_INFINITY) stretch.firedMs = stretch.lastMs;
    stretch.domains = Math.max(stretch.domains, this.#pairDomains());
    if (stretch.isSerious) for (const ip of stretch.loginsFrom) this.#bad.add(ip);
    for (const { guessed } of entries) stretch.guessed = Math.max(stretch.guessed, guessed);
    this.#addFailures(stretch, hour);
    stretch.mostRecipients = Math.max(stretch.mostRecipients, sumsOf(pairRows).recipients);
    stretch.lastHour = hour;
  }

  /** Counts the failures of the addresses that logged in; under siege, of all addresses. */
  #addFailures(stretch: Stretch, hour: number): void {
    const found = stretch.signs.has("siege") ? this.#failuresOfDay(hour) : new Map<string, number>();
    const own = [...stretch.loginsFrom].map((ip) => [ip, this.#failuresBefore(ip, (hour + 1) * HOUR_MS)] as const);
    for (const [ip, failures] of [...found, ...own])
      if (failures > 0) stretch.failedFrom.set(ip, Math.max(stretch.failedFrom.get(ip) ?? 0, failures));
    stretch.failures = sumOf(stretch.failedFrom.values());
  }

  #newStretch(): Stretch {
    return {
      signs: new Set(),
      isSerious: false,
      failures: 0,
      failedFrom: new Map(),
      guessed: 0,
      loginsFrom: new Set(),
      networks: new Set(),
      firstMs: Number.POSITIVE_INFINITY,
      lastMs: Number.NEGATIVE_INFINITY,
      firedMs: Number.POSITIVE_INFINITY,
      lastHour: Number.NEGATIVE_INFINITY,
      messages: 0,
      recipients: 0,
      refused: 0,
      domains: 0,
      mostRecipients: 0,
      usualRecipients: this.#baseline.usual ?? null,
      messageIds: new Set(),
      hours: new Map(),
    };
  }

  #toFinding(stretch: Stretch): AccountFinding {
    const { server, account } = this.#identity;
    const failedFrom = [...stretch.failedFrom].sort(
      ([one, count], [other, otherCount]) => otherCount - count || compare(one, other),
    );
    return {
      server,
      account,
      severity: stretch.isSerious ? "serious" : "warning",
      signs: (Object.keys(RISK_SIGNS) as RiskSign[]).filter((sign) => stretch.signs.has(sign)),
      failures: stretch.failures,
      failedFrom: failedFrom.map(([ip]) => ip),
      guessedAccounts: stretch.guessed,
      loginsFrom: [...stretch.loginsFrom],
      networks: stretch.networks.size,
      firstMs: stretch.firstMs,
      lastMs: stretch.lastMs,
      firedMs: stretch.firedMs,
      messages: stretch.messages,
      recipients: stretch.recipients,
      refused: stretch.refused,
      domains: stretch.domains,
      mostRecipients: stretch.mostRecipients,
      usualRecipients: stretch.usualRecipients,
      messageIds: [...stretch.messageIds],
      hours: [...stretch.hours],
    };
  }

  /** State at the end of an hour. */
  state() {
    this.#beginHour(this.#hour + 1);
    this.#hour--;
    const stretch = this.#stretch;
    return {
      baseline: this.#baseline.state(),
      firstUse: [...this.#firstUse],
      bad: [...this.#bad],
      failures: [...this.#failures],
      firstHour: this.#firstHour ?? null,
      hour: this.#hour,
      before: this.#before,
      stretch:
        stretch === undefined
          ? null
          : {
              ...stretch,
              signs: [...stretch.signs],
              failedFrom: [...stretch.failedFrom],
              loginsFrom: [...stretch.loginsFrom],
              networks: [...stretch.networks],
              messageIds: [...stretch.messageIds],
              hours: [...stretch.hours],
            },
    };
  }

  restore(stored: unknown): void {
    if (stored === undefined) return;
    const state = stored as ReturnType<AccountHistory["state"]>;
    this.#baseline.restore(state.baseline);
    this.#firstUse = new Map(state.firstUse);
    this.#bad = new Set(state.bad);
    for (const [ip, rows] of state.failures) this.#failures.set(ip, rows);
    this.#firstHour = state.firstHour ?? undefined;
    this.#hour = state.hour;
    this.#before = state.before;
    if (state.stretch === null) return;
    this.#stretch = {
      ...state.stretch,
      signs: new Set(state.stretch.signs),
      failedFrom: new Map(state.stretch.failedFrom),
      loginsFrom: new Set(state.stretch.loginsFrom),
      networks: new Set(state.stretch.networks),
      messageIds: new Set(state.stretch.messageIds),
      hours: new Map(state.stretch.hours),
    };
  }
}

/** Signs of both; one that is not of the usual addresses decides whose mail it is. */
function join(one: Judgement | undefined, other: Judgement | undefined): Judgement | undefined {
  if (one === undefined || other === undefined || one.isKnown === true) return other ?? one;
  const isFromUsual = one.isFromUsual === true && other.isFromUsual === true;
  return {
    signs: [...new Set([...one.signs, ...other.signs])],
    isSerious: one.isSerious || other.isSerious,
    ...(isFromUsual ? { isFromUsual } : {}),
  };
}

/** Adds to a finding what a row has that it has not. */
function addUncounted(stretch: Stretch, row: OpenRow): void {
  const added = row.recipients - row.counted.recipients;
  stretch.hours.set(row.hour, (stretch.hours.get(row.hour) ?? 0) + added);
  for (const name of ["messages", "recipients", "refused"] as const) {
    stretch[name] += row[name] - row.counted[name];
    row.counted[name] = row[name];
  }
  for (const id of row.messageIds) if (stretch.messageIds.size < MOST_EVIDENCE) stretch.messageIds.add(id);
}

function least(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}

function greatest(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.max(one, other);
}

function countNetworks(rows: readonly OpenRow[]): number {
  const networks = new Set<string>();
  for (const row of rows) if (isLogin(row) && row.network !== null) networks.add(row.network);
  return networks.size;
}

function sumOf(numbers: Iterable<number>): number {
  let sum = 0;
  for (const number of numbers) sum += number;
  return sum;
}

/** Days of figures before a time that a judgement of it needs: seasons of the week need more than three. */
export const BASELINE_MS = 35 * DAY_MS;
