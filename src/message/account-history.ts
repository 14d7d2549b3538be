/** Judges what one account does, event by event, without looking ahead. */
import { compareText } from "../text.ts";
import { HOUR_MS } from "../units.ts";
import { Baseline, DAY_HOURS, type Sums, sumOf, sumsOf, WEEK_HOURS } from "./account-baseline.ts";
import {
  type AccountFinding,
  type AccountHour,
  type AccountThresholds,
  CONNECTED_HOURS,
  FAMILIAR_HOURS,
  KnownNames,
  RISK_SIGNS,
  type RiskSign,
} from "./account-risk.ts";
import type { Clients } from "./guessing-clients.ts";

/** An attacker may wait between two tries, or before the login. */
const FAILURE_HOURS = 7 * 24;
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
/** Domains of fewer recipients are not counted: they are no sign of anything. */
const FEWEST_FOR_DOMAINS = 8;

function isLogin({ firstLoginMs }: AccountHour): boolean {
  return firstLoginMs !== null;
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
  readonly around: Map<number, number>;
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

/** Events of one account, judged one after the other. Its state can be written down between any two of them. */
export class AccountHistory {
  readonly #identity: { readonly server: string; readonly account: string; readonly start: number };
  readonly #clients: Clients;
  readonly #thresholds: AccountThresholds;
  readonly #baseline = new Baseline();
  /** First use of each address and network, in hours. Those of a finding are never known. */
  #firstUse = new Map<string, number>();
  /** Clients that were familiar before anything that is still to come. */
  #familiar = new KnownNames();
  #familiarNetworks = 0;
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
      if (client !== null && !this.#firstUse.has(client) && !this.#familiar.has(client))
        this.#firstUse.set(client, this.#hour);
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
    return ip !== null && (this.#bad.has(ip) || !this.#isFamiliar(ip, hour));
  }

  #isFamiliar(client: string, hour: number): boolean {
    const first = this.#firstUse.get(client);
    return first === undefined ? this.#familiar.has(client) : hour - first >= FAMILIAR_HOURS;
  }

  #isNewNetwork({ account, ip, network }: OpenRow, hour: number): boolean {
    if (ip === null || network === null) return false;
    if (this.#bad.has(ip)) return true;
    const isNew = this.#bad.has(network) || !this.#isFamiliar(network, hour);
    return isNew && !this.#clients.isShared(network, account, hour);
  }

  /** The login of a row, from an address that is new to the account, when failures led to it. */
  #entryOf({ account, ip, firstLoginMs, hour }: OpenRow): Entry | undefined {
    if (ip === null) return undefined;
    const ms = firstLoginMs ?? hour * HOUR_MS;
    const guessed = this.#clients.guessedBefore(ip, account, ms);
    const own = this.#failuresBefore(ip, ms);
    const isGuesser = guessed >= this.#thresholds[own > 0 ? "guessed-with-own" : "guessed-accounts"];
    if (!isGuesser && own < this.#thresholds.failures) return undefined;
    // NOTE: asked last, since thousands of accounts may share an address.
    if (this.#clients.isShared(ip, account, hour)) return undefined;
    if (isGuesser) return { ip, sign: "guesser", guessed };
    const isOld =
      (this.#firstHour ?? hour) < (this.#firstUse.get(ip) ?? hour) || hour - this.#identity.start >= WEEK_HOURS;
    return isOld ? { ip, sign: "failures", guessed } : undefined;
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
      if (this.#isFamiliar(ip, hour) && !this.#bad.has(ip)) continue;
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
    let networks = this.#familiarNetworks;
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
    for (const [past] of stretch.around) if (past <= hour - DAY_HOURS) stretch.around.delete(past);
    for (const [past, recipients] of this.#baseline.recent(hour - DAY_HOURS)) stretch.around.set(past, recipients);
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
      around: new Map(),
    };
  }

  #toFinding(stretch: Stretch): AccountFinding {
    const { server, account } = this.#identity;
    const failedFrom = [...stretch.failedFrom].sort(
      ([one, count], [other, otherCount]) => otherCount - count || compareText(one, other),
    );
    return {
      server,
      account,
      severity: stretch.isSerious ? "serious" : "warning",
      signs: (Object.keys(RISK_SIGNS) as RiskSign[]).filter((sign) => stretch.signs.has(sign)),
      failures: stretch.failures,
      failedFrom: failedFrom.map(([ip]) => ip),
      failedFromCount: failedFrom.length,
      guessedAccounts: stretch.guessed,
      loginsFrom: [...stretch.loginsFrom],
      loginsFromCount: stretch.loginsFrom.size,
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
      around: [...stretch.around].filter(([hour]) => !stretch.hours.has(hour)),
    };
  }

  /** State between two events. `hour`: first hour of what is still to come; an earlier one is closed. */
  state(hour: number) {
    const isOpen = this.#hour >= hour;
    if (!isOpen) {
      this.#beginHour(this.#hour + 1);
      this.#hour--;
    }
    const stretch = this.#stretch;
    for (const [client, first] of this.#firstUse) {
      if (hour - first < FAMILIAR_HOURS || this.#bad.has(client)) continue;
      this.#firstUse.delete(client);
      this.#familiar.add(client);
      if (client.includes("/")) this.#familiarNetworks++;
    }
    // NOTE: the hour before may still be asked about.
    const oldest = hour - FAILURE_HOURS - 2;
    const failures = [...this.#failures]
      .map(([ip, rows]) => [ip, rows.filter((row) => row.hour >= oldest)] as const)
      .filter(([, rows]) => rows.length > 0);
    return {
      baseline: this.#baseline.state(),
      firstUse: [...this.#firstUse],
      familiar: this.#familiar.text,
      familiarNetworks: this.#familiarNetworks,
      bad: [...this.#bad],
      failures,
      firstHour: this.#firstHour ?? null,
      hour: this.#hour,
      before: this.#before.hour < hour - 1 ? NO_HOUR : this.#before,
      open: isOpen
        ? {
            rows: this.#rows,
            domainNames: [...this.#domainNames],
            domains: this.#domains,
            judgement: this.#judgement ?? null,
          }
        : null,
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
              around: [...stretch.around],
            },
    };
  }

  restore(stored: unknown): void {
    if (stored === undefined) return;
    const state = stored as ReturnType<AccountHistory["state"]>;
    this.#baseline.restore(state.baseline);
    this.#firstUse = new Map(state.firstUse);
    this.#familiar = new KnownNames(state.familiar);
    this.#familiarNetworks = state.familiarNetworks;
    this.#bad = new Set(state.bad);
    for (const [ip, rows] of state.failures) this.#failures.set(ip, [...rows]);
    this.#firstHour = state.firstHour ?? undefined;
    this.#hour = state.hour;
    this.#before = state.before;
    if (state.open !== null) {
      this.#rows = [...state.open.rows];
      this.#domainNames = new Set(state.open.domainNames);
      this.#domains = state.open.domains;
      this.#judgement = state.open.judgement ?? undefined;
    }
    if (state.stretch === null) return;
    this.#stretch = {
      ...state.stretch,
      signs: new Set(state.stretch.signs),
      failedFrom: new Map(state.stretch.failedFrom),
      loginsFrom: new Set(state.stretch.loginsFrom),
      networks: new Set(state.stretch.networks),
      messageIds: new Set(state.stretch.messageIds),
      hours: new Map(state.stretch.hours),
      around: new Map(state.stretch.around),
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
