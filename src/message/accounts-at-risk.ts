/**
 * Finds accounts whose password somebody else seems to have: failed logins, then a login from a strange address, then mail that
 * is not theirs. It judges figures by account, client and hour, in the order of time and without looking ahead. The same figures
 * thus give the same findings, however they were read.
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
}

/** Failed logins of a user who mistypes are fewer; a mail program with an old password makes more, but from a known address. */
const FEWEST_FAILURES = 10;
/** An attacker may wait between two tries, or before the login. */
const FAILURE_HOURS = 7 * 24;
/** Users behind one address share it with few whose logins all fail; fewer are enough where this account failed there too. */
const GUESSED = { accounts: 8, withOwn: 4 } as const;
/** Time that connects an attack with a login, and a login with what follows it. */
const CONNECTED_HOURS = 24;
/** An address or network counts as known once it was used so long ago without anything else being strange. */
const FAMILIAR_HOURS = 24;
/** Accounts that make a network a shared one: an office, a web mail, a gateway. */
const FEWEST_SHARING = 3;
const SIEGE = { failures: 30, addresses: 5 } as const;
/** Mail before, without which nobody knows what is usual: every network is new, and every mailing is the largest. */
const HISTORY = [
  { messages: 10, days: 3 },
  { messages: 50, days: 2 },
] as const;
/** The same of an account that is seldom used: it is known for so long. */
const SELDOM_USED = { messages: 3, days: 5 } as const;
/** Roaming accounts keep using new networks: this many, and this share of the days with mail. */
const ROAMING = { networks: 3, share: 0.25 } as const;
/** After a login that follows failures little more mail is enough: the early sign. */
const AFTER_FAILURES = { recipients: 10, times: 1.5, domains: 8, refused: 3 } as const;
/** Without failures before, mail has to be much more than ever before. */
const WITHOUT_FAILURES = { recipients: 30, times: 4, domains: 10 } as const;
const WHILE_ROAMING = { recipients: 30, times: 3, domains: 18 } as const;
/** Where the owner sends much at times, the spread over domains tells more than the volume. */
const SPREAD = { recipients: 30, domains: 20, times: 3 } as const;
const UNDER_SIEGE = { recipients: 15, times: 3 } as const;
/** Bad lists of recipients: newsletters bounce less. */
const REFUSED = { recipients: 20, refused: 5, share: 0.2, times: 2 } as const;
/** Malware on the user's own computer, or a web mail, uses the usual address: only its bad list tells. */
const FROM_USUAL = { recipients: 60, refused: 20, share: 0.3, times: 5 } as const;
/** Nobody moves through so many networks within two hours; with `many` of them the volume does not matter. */
const BOTNET = { networks: 4, many: 6, times: 3, recipients: 20, volume: 2 } as const;
/** An account that sent nothing before has the usual volume of somebody who writes a letter. */
const SMALLEST_USUAL = 3;
/** Weeks of history after which an hour is compared with the same hour of other weeks. */
const SEASON_HOURS = 21 * 24;
const DAY_HOURS = 24;
const WEEK_HOURS = 7 * DAY_HOURS;
const USUAL_QUANTILE = 0.9;

/** A finding as answers show it. Times are ISO-8601. */
export interface AccountAtRisk extends Omit<AccountFinding, "firstMs" | "lastMs"> {
  /** Addresses in all; `failedFrom` and `loginsFrom` name the first. */
  readonly failedFromCount: number;
  readonly loginsFromCount: number;
  /** How many times the usual mail it is, at its most; null: there was none before. */
  readonly times: number | null;
  readonly first: string;
  readonly last: string;
}

const MOST_NAMES = 3;

export function toAccountAtRisk({ firstMs, lastMs, ...finding }: AccountFinding): AccountAtRisk {
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
): AccountFinding[] {
  const known = hours.filter(({ hour }) => hour * HOUR_MS < untilMs);
  const clients = new Clients(known);
  const starts = firstHours(known);
  return [...byAccount(known).values()]
    .flatMap((rows) => new AccountHistory(rows, clients, starts.get(rows[0]?.server ?? "") ?? 0).judge())
    .filter(({ lastMs }) => lastMs >= sinceMs)
    .sort(compareFindings);
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

function keyOf(server: string, name: string): string {
  return `${server}\n${name}`;
}

function byAccount(hours: readonly AccountHour[]): ReadonlyMap<string, AccountHour[]> {
  const accounts = new Map<string, AccountHour[]>();
  for (const row of hours) {
    const key = keyOf(row.server, row.account);
    const rows = accounts.get(key);
    if (rows === undefined) accounts.set(key, [row]);
    else rows.push(row);
  }
  for (const rows of accounts.values())
    rows.sort((one, other) => one.hour - other.hour || compare(one.ip ?? "", other.ip ?? ""));
  return accounts;
}

function firstHours(hours: readonly AccountHour[]): ReadonlyMap<string, number> {
  const first = new Map<string, number>();
  for (const { server, hour } of hours) first.set(server, Math.min(first.get(server) ?? hour, hour));
  return first;
}

interface ClientFailure {
  readonly account: string;
  readonly hour: number;
  readonly firstMs: number;
}

/** Facts about clients that several accounts share. */
class Clients {
  readonly #failures = new Map<string, ClientFailure[]>();
  /** First login of each account, in hours, by address and by network. */
  readonly #logins = new Map<string, Map<string, number>>();

  constructor(hours: readonly AccountHour[]) {
    for (const row of hours) {
      const { server, account, hour, ip, network, failures, firstFailureMs } = row;
      if (ip === null || network === null) continue;
      const key = keyOf(server, ip);
      if (failures > 0) {
        const list = this.#failures.get(key) ?? [];
        if (list.length === 0) this.#failures.set(key, list);
        list.push({ account, hour, firstMs: firstFailureMs ?? hour * HOUR_MS });
      }
      if (!isLogin(row)) continue;
      this.#addLogin(key, account, hour);
      if (network !== ip) this.#addLogin(keyOf(server, network), account, hour);
    }
  }

  #addLogin(key: string, account: string, hour: number): void {
    const logins = this.#logins.get(key) ?? new Map<string, number>();
    if (logins.size === 0) this.#logins.set(key, logins);
    logins.set(account, Math.min(logins.get(account) ?? hour, hour));
  }

  /** Other accounts that failed from an address within a day before, and had not logged in from there. */
  guessedBefore(server: string, ip: string, account: string, ms: number): number {
    const key = keyOf(server, ip);
    const logins = this.#logins.get(key);
    const guessed = new Set<string>();
    for (const failure of this.#failures.get(key) ?? []) {
      if (failure.account === account || failure.firstMs > ms) continue;
      if (failure.hour < ms / HOUR_MS - CONNECTED_HOURS) continue;
      const login = logins?.get(failure.account);
      if (login === undefined || login * HOUR_MS > ms) guessed.add(failure.account);
    }
    return guessed.size;
  }

  /** True for an address or network from which several other accounts logged in more than a day before. */
  isShared(server: string, client: string, account: string, hour: number): boolean {
    let sharing = 0;
    for (const [other, first] of this.#logins.get(keyOf(server, client)) ?? [])
      if (other !== account && first < hour - FAMILIAR_HOURS) sharing++;
    return sharing >= FEWEST_SHARING;
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
  readonly domains: number;
}

function sumsOf(rows: readonly AccountHour[]): Sums {
  const sums = { messages: 0, recipients: 0, refused: 0, domains: 0 };
  for (const { messages, recipients, refused, domains } of rows) {
    sums.messages += messages;
    sums.recipients += recipients;
    sums.refused += refused;
    sums.domains = Math.max(sums.domains, domains);
  }
  return sums;
}

/** An hour that becomes a part of the baseline a day later: what grows within a day is no measure of itself. */
interface PastHour {
  readonly hour: number;
  readonly own: Sums;
  /** Sums of it and of the hour before. */
  readonly pair: Sums;
  readonly networks: number;
}

/** Stretches of mail of the past: what is usual, and the most there ever was. */
class Baseline {
  /** Sorted. */
  readonly #recipients: number[] = [];
  readonly #mostBySeason = new Map<number, number>();
  #most = 0;
  mostDomains = 0;
  mostNetworks = 0;
  messages = 0;
  activeDays = 0;
  #lastDay = Number.NEGATIVE_INFINITY;
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

  #takeIn({ hour, own, pair, networks }: PastHour): void {
    this.#firstHour ??= hour;
    this.#recipients.splice(placeIn(this.#recipients, pair.recipients), 0, pair.recipients);
    this.#most = Math.max(this.#most, pair.recipients);
    const season = hour % WEEK_HOURS;
    this.#mostBySeason.set(season, Math.max(this.#mostBySeason.get(season) ?? 0, pair.recipients));
    this.mostDomains = Math.max(this.mostDomains, pair.domains);
    this.mostNetworks = Math.max(this.mostNetworks, networks);
    this.messages += own.messages;
    const day = Math.floor(hour / DAY_HOURS);
    if (day > this.#lastDay) this.activeDays++;
    this.#lastDay = day;
    this.#allRecipients += own.recipients;
    this.#refused += own.refused;
  }

  get usual(): number | undefined {
    return this.#recipients[Math.floor((this.#recipients.length - 1) * USUAL_QUANTILE)];
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
}

/** First place in a sorted list at which a value keeps it sorted. */
function placeIn(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
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
  lastHour: number;
  messages: number;
  recipients: number;
  refused: number;
  domains: number;
  mostRecipients: number;
  readonly usualRecipients: number | null;
}

interface Judgement {
  readonly signs: readonly RiskSign[];
  readonly isSerious: boolean;
  /** The usual addresses sent it. */
  readonly isFromUsual?: boolean;
  /** It is of addresses of the last finding, however long ago that was. */
  readonly isKnown?: boolean;
}

/** One account's hours, judged one after the other. */
class AccountHistory {
  readonly #rows: readonly AccountHour[];
  readonly #clients: Clients;
  /** First hour that the server's figures have. */
  readonly #start: number;
  readonly #baseline = new Baseline();
  /** First use of each address and network, in hours. Those of a finding are never known. */
  readonly #firstUse = new Map<string, number>();
  readonly #bad = new Set<string>();
  /** Failures so far, by address. */
  readonly #failures = new Map<string, AccountHour[]>();
  readonly #found: Stretch[] = [];
  /** Hour of its first login. */
  readonly #firstHour: number;

  constructor(rows: readonly AccountHour[], clients: Clients, start: number) {
    this.#rows = rows;
    this.#clients = clients;
    this.#start = start;
    this.#firstHour = rows.find(isLogin)?.hour ?? start;
  }

  judge(): AccountFinding[] {
    let before: readonly AccountHour[] = [];
    for (let first = 0; first < this.#rows.length; ) {
      const hour = this.#rows[first]?.hour ?? 0;
      let end = first;
      while (this.#rows[end]?.hour === hour) end++;
      const rows = this.#rows.slice(first, end);
      const isNext = before[0]?.hour === hour - 1;
      this.#judgeHour(hour, rows, isNext ? before : []);
      before = rows;
      first = end;
    }
    return this.#found.map((stretch) => this.#toFinding(stretch));
  }

  #judgeHour(hour: number, rows: readonly AccountHour[], before: readonly AccountHour[]): void {
    for (const row of rows) {
      if (row.failures === 0 || row.ip === null) continue;
      const list = this.#failures.get(row.ip) ?? [];
      if (list.length === 0) this.#failures.set(row.ip, list);
      list.push(row);
    }
    const active = rows.filter(isLogin);
    if (active.length === 0) return;
    this.#baseline.proceedTo(hour);
    for (const { ip, network } of active)
      for (const client of [ip, network])
        if (client !== null && !this.#firstUse.has(client)) this.#firstUse.set(client, hour);

    const pairRows = [...before, ...rows];
    const pair = sumsOf(pairRows);
    const strange = pairRows.filter((row) => isLogin(row) && this.#isNewAddress(row, hour));
    const entries = strange.flatMap((row) => this.#entryOf(row) ?? []);
    const judgement = this.#judgeMail(hour, pair, pairRows, strange, entries);
    if (judgement !== undefined) {
      const suspects = this.#suspects(judgement, pairRows, strange, entries);
      this.#addToStretch(hour, suspects, entries, judgement, pair);
      return;
    }
    const known = active.filter(({ ip }) => ip !== null && this.#bad.has(ip));
    if (known.length > 0) this.#addToStretch(hour, known, [], { signs: [], isSerious: true, isKnown: true }, pair);
    else this.#baseline.add({ hour, own: sumsOf(active), pair, networks: countNetworks(pairRows) });
  }

  /** Rows that a finding is about: a password that was only guessed concerns the address that did. */
  #suspects(
    { isFromUsual, isSerious }: Judgement,
    pairRows: readonly AccountHour[],
    strange: readonly AccountHour[],
    entries: readonly Entry[],
  ): readonly AccountHour[] {
    if (isFromUsual === true) return pairRows.filter(isLogin);
    return isSerious ? strange : strange.filter((row) => entries.some(({ ip }) => ip === row.ip));
  }

  /** First used within a day, while the account is older: an address that is not familiar yet. */
  #isNewAddress({ ip }: AccountHour, hour: number): boolean {
    return ip !== null && (this.#bad.has(ip) || hour - (this.#firstUse.get(ip) ?? hour) < FAMILIAR_HOURS);
  }

  #isNewNetwork({ server, account, ip, network }: AccountHour, hour: number): boolean {
    if (ip === null || network === null) return false;
    if (this.#bad.has(ip)) return true;
    const isNew = this.#bad.has(network) || hour - (this.#firstUse.get(network) ?? hour) < FAMILIAR_HOURS;
    return isNew && !this.#clients.isShared(server, network, account, hour);
  }

  /** The login of a row, from an address that is new to the account, when failures led to it. */
  #entryOf({ server, account, ip, firstLoginMs, hour }: AccountHour): Entry | undefined {
    if (ip === null || this.#clients.isShared(server, ip, account, hour)) return undefined;
    const ms = firstLoginMs ?? hour * HOUR_MS;
    const guessed = this.#clients.guessedBefore(server, ip, account, ms);
    const own = this.#failuresBefore(ip, ms);
    if (guessed >= (own > 0 ? GUESSED.withOwn : GUESSED.accounts)) return { ip, sign: "guesser", guessed };
    const isOld = this.#firstHour < (this.#firstUse.get(ip) ?? hour) || hour - this.#start >= WEEK_HOURS;
    return isOld && own >= FEWEST_FAILURES ? { ip, sign: "failures", guessed } : undefined;
  }

  #failuresBefore(ip: string, ms: number): number {
    let failures = 0;
    for (const row of this.#failures.get(ip) ?? []) {
      if ((row.firstFailureMs ?? row.hour * HOUR_MS) > ms) continue;
      if (row.hour >= ms / HOUR_MS - FAILURE_HOURS) failures += row.failures;
    }
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
    pair: Sums,
    pairRows: readonly AccountHour[],
    strange: readonly AccountHour[],
    entries: readonly Entry[],
  ): Judgement | undefined {
    const most = this.#baseline.mostAt(hour);
    const exceeds = (recipients: number, times: number): boolean =>
      pair.recipients >= recipients && pair.recipients > times * most;
    const isRefused = (sums: Sums, least: number, share: number): boolean =>
      sums.refused >= least &&
      sums.refused >= sums.recipients * Math.max(share, REFUSED.times * this.#baseline.refusedShare);
    const reaches = (domains: number, times: number): boolean =>
      pair.domains >= domains && pair.domains > times * this.#baseline.mostDomains;

    if (entries.length > 0) {
      const entry = entries.map(({ sign }) => sign);
      // Without history all addresses are strange: only those that failed before tell anything.
      const suspects = this.#hasHistory(hour)
        ? strange
        : strange.filter(({ ip }) => entries.some((one) => one.ip === ip));
      const mail = sumsOf(suspects);
      const misuse: RiskSign[] = [
        ...(mail.recipients >= AFTER_FAILURES.recipients && mail.recipients > AFTER_FAILURES.times * most
          ? (["volume"] as const)
          : []),
        ...(isRefused(mail, AFTER_FAILURES.refused, REFUSED.share) ? (["refused"] as const) : []),
        ...(mail.recipients * 2 > pair.recipients && reaches(AFTER_FAILURES.domains, AFTER_FAILURES.times)
          ? (["domains"] as const)
          : []),
      ];
      if (misuse.length > 0) return { signs: [...entry, ...misuse], isSerious: true };
      if (entry.includes("guesser")) return { signs: entry, isSerious: false };
    }
    // Without a day of figures before, every network is a new one.
    if (hour - this.#start < FAMILIAR_HOURS) return undefined;
    const foreign = strange.filter((row) => this.#isNewNetwork(row, hour));
    const foreignMail = sumsOf(foreign);
    const isMostlyForeign = foreignMail.recipients * 2 > pair.recipients;
    const hasHistory = this.#hasHistory(hour);
    const isKnownLong = hasHistory || hour - this.#start >= WEEK_HOURS;
    const isRoaming = this.#isRoaming(hour);
    const newNetworks = countNetworks(foreign);
    if (
      isKnownLong &&
      !isRoaming &&
      newNetworks >= BOTNET.networks &&
      newNetworks > BOTNET.times * this.#baseline.mostNetworks &&
      pair.recipients >= BOTNET.recipients
    ) {
      if (exceeds(BOTNET.recipients, BOTNET.volume)) return { signs: ["networks", "volume"], isSerious: true };
      if (newNetworks >= BOTNET.many) return { signs: ["networks"], isSerious: true };
    }
    if (isMostlyForeign && isKnownLong) {
      if (isRefused(foreignMail, REFUSED.refused, REFUSED.share) && exceeds(REFUSED.recipients, REFUSED.times))
        return { signs: ["network", "volume", "refused"], isSerious: true };
      const failures = this.#failuresOfDay(hour);
      const isBesieged = failures.size >= SIEGE.addresses && sumOf(failures.values()) >= SIEGE.failures;
      if (hasHistory && isBesieged && !isRoaming && exceeds(UNDER_SIEGE.recipients, UNDER_SIEGE.times))
        return { signs: ["siege", "network", "volume"], isSerious: true };
      const much = isRoaming ? WHILE_ROAMING : WITHOUT_FAILURES;
      if (hasHistory && exceeds(much.recipients, much.times) && reaches(much.domains, 1))
        return { signs: ["network", "volume", "domains"], isSerious: true };
      const isSpread = pair.recipients >= SPREAD.recipients && reaches(SPREAD.domains, SPREAD.times);
      if (hasHistory && isSpread && !isRoaming) return { signs: ["network", "domains"], isSerious: true };
    }
    const isBadList = isRefused(sumsOf(pairRows), FROM_USUAL.refused, FROM_USUAL.share);
    if (isBadList && hasHistory && exceeds(FROM_USUAL.recipients, FROM_USUAL.times))
      return { signs: ["volume", "refused"], isSerious: true, isFromUsual: true };
    return undefined;
  }

  #hasHistory(hour: number): boolean {
    const { messages, activeDays } = this.#baseline;
    if (HISTORY.some((least) => messages >= least.messages && activeDays >= least.days)) return true;
    return messages >= SELDOM_USED.messages && hour - this.#firstHour >= SELDOM_USED.days * DAY_HOURS;
  }

  /** True for an account that keeps using new networks, as one of a phone does. */
  #isRoaming(hour: number): boolean {
    let networks = 0;
    for (const [client, first] of this.#firstUse)
      if (client.includes("/") && hour - first >= FAMILIAR_HOURS) networks++;
    return networks >= ROAMING.networks && networks > this.#baseline.activeDays * ROAMING.share;
  }

  #addToStretch(
    hour: number,
    suspects: readonly AccountHour[],
    entries: readonly Entry[],
    { signs, isSerious, isFromUsual, isKnown }: Judgement,
    pair: Sums,
  ): void {
    const last = this.#found.at(-1);
    const isNear = last !== undefined && (isKnown === true || hour - last.lastHour <= CONNECTED_HOURS);
    const continued = isNear ? last : undefined;
    const stretch = continued ?? this.#newStretch();
    if (continued === undefined) this.#found.push(stretch);
    for (const sign of signs) stretch.signs.add(sign);
    stretch.isSerious ||= isSerious;
    // The hour before is a part of a new stretch: it made it one.
    const counted = suspects.filter((row) => row.hour > stretch.lastHour);
    for (const row of counted) {
      stretch.messages += row.messages;
      stretch.recipients += row.recipients;
      stretch.refused += row.refused;
      stretch.domains = Math.max(stretch.domains, row.domains);
      stretch.firstMs = Math.min(stretch.firstMs, row.firstLoginMs ?? row.hour * HOUR_MS);
      stretch.lastMs = Math.max(stretch.lastMs, row.lastLoginMs ?? row.hour * HOUR_MS);
    }
    const isEntry = (ip: string | null): boolean => entries.some((entry) => entry.ip === ip);
    const logins =
      isFromUsual === true
        ? []
        : [...counted].sort((one, other) => Number(isEntry(other.ip)) - Number(isEntry(one.ip)));
    for (const { ip, network } of logins) {
      if (ip === null || network === null) continue;
      stretch.loginsFrom.add(ip);
      stretch.networks.add(network);
    }
    if (stretch.isSerious) for (const ip of stretch.loginsFrom) this.#bad.add(ip);
    for (const { guessed } of entries) stretch.guessed = Math.max(stretch.guessed, guessed);
    this.#addFailures(stretch, hour);
    stretch.mostRecipients = Math.max(stretch.mostRecipients, pair.recipients);
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
      lastHour: Number.NEGATIVE_INFINITY,
      messages: 0,
      recipients: 0,
      refused: 0,
      domains: 0,
      mostRecipients: 0,
      usualRecipients: this.#baseline.usual ?? null,
    };
  }

  #toFinding(stretch: Stretch): AccountFinding {
    const { server = "", account = "" } = this.#rows[0] ?? {};
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
      messages: stretch.messages,
      recipients: stretch.recipients,
      refused: stretch.refused,
      domains: stretch.domains,
      mostRecipients: stretch.mostRecipients,
      usualRecipients: stretch.usualRecipients,
    };
  }
}

function countNetworks(rows: readonly AccountHour[]): number {
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
