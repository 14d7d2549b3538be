/** Answers an abuse desk: who sends how much and from where, and who tries to break in. */
import { type AccountAtRisk, listAccountsAtRisk, type RiskRule } from "../message/accounts-at-risk.ts";
import type { SessionTrouble } from "../message/session-trouble.ts";
import { parseEntryText } from "../parse/record.ts";
import type { AbusePeriod, AbuseReader, LocalMessageRow } from "../store/stats/abuse-reader.ts";
import { findScriptArrivals } from "../store/stats/script-calls.ts";
import { compareText } from "../text.ts";
import { epochMs, toIso } from "../units.ts";

/** An account or a local user. */
export interface Sender {
  readonly account: string;
  readonly messages: number;
  readonly recipients: number;
  /** Recipients that could not be delivered. */
  readonly bounced: number;
  /** Different sender addresses; the most used ones are in `senders`. */
  readonly senderCount: number;
  readonly senders: readonly string[];
  /** Different client addresses; the most used ones are in `ipAddresses`. */
  readonly ipCount: number;
  readonly ipAddresses: readonly string[];
  readonly first: string;
  readonly last: string;
}

/** A directory in which Exim was called, with the messages submitted there. */
export interface Script {
  readonly directory: string;
  readonly messages: number;
  readonly recipients: number;
  /** Recipients that could not be delivered. */
  readonly bounced: number;
  readonly users: readonly string[];
  readonly senders: readonly string[];
  readonly first: string;
  readonly last: string;
}

/** A client whose logins failed. */
export interface LoginFailures {
  readonly ipAddress: string | null;
  readonly failures: number;
  /** Accounts tried, as far as they are logged. */
  readonly accounts: readonly string[];
  /** Accounts that logged in from there after the first failure: a guessed password, or a user who mistyped it. */
  readonly succeeded: readonly string[];
  readonly first: string;
  readonly last: string;
}

/** An account whose logins failed, from any address. */
export interface AccountFailures {
  readonly account: string;
  readonly failures: number;
  /** Different client addresses; those that failed most are in `ipAddresses`. */
  readonly ipCount: number;
  readonly ipAddresses: readonly string[];
  /** Clients that failed and then logged in. */
  readonly succeededFrom: readonly string[];
  readonly first: string;
  readonly last: string;
}

/** A client whose sessions went wrong: probes and scans that no rejection reports. */
export interface ClientTroubles {
  readonly ipAddress: string;
  readonly host: string | null;
  readonly troubles: number;
  /** Count by kind; `exim-pilot help counting` lists the kinds. */
  readonly kinds: Readonly<Partial<Record<SessionTrouble, number>>>;
  readonly first: string;
  readonly last: string;
}

export interface Abuse extends Actors {
  /** Accounts whose password others seem to have, the worst first. */
  readonly accountsAtRisk: readonly AccountAtRisk[];
}

/** Who sends, and who tries to. */
export interface Actors {
  readonly logins: readonly Sender[];
  readonly scripts: readonly Script[];
  readonly users: readonly Sender[];
  readonly failures: readonly LoginFailures[];
  readonly accountFailures: readonly AccountFailures[];
  readonly troubles: readonly ClientTroubles[];
}

const MOST_NAMES = 3;

export async function findAbuse(
  reader: AbuseReader,
  period: AbusePeriod,
  { limit, rule }: { readonly limit: number; readonly rule: RiskRule },
): Promise<Abuse> {
  return { accountsAtRisk: await findRisks(reader, period, rule), ...(await findActors(reader, period, limit)) };
}

export async function findActors(reader: AbuseReader, period: AbusePeriod, limit: number): Promise<Actors> {
  const findSenders = async (kind: "login" | "local"): Promise<Sender[]> => {
    const rows = await reader.senders(kind, period, limit);
    const names = rows.map(({ name }) => name);
    const addresses = await reader.addressesOf(kind, names, period, MOST_NAMES);
    const clients = kind === "local" ? undefined : await reader.clientsOf(kind, names, period, MOST_NAMES);
    return rows.map((row) => ({
      account: row.name,
      messages: row.messages,
      recipients: row.recipients,
      bounced: row.bounced,
      senderCount: row.senders,
      senders: addresses.get(row.name) ?? [],
      ipCount: row.ips,
      ipAddresses: clients?.get(row.name) ?? [],
      first: iso(row.first_ms),
      last: iso(row.last_ms),
    }));
  };
  const failures = await reader.loginFailures(period, limit);
  const troubles = await reader.sessionTroubles(period, limit);
  const accountFailures = await reader.accountFailures(period, limit, MOST_NAMES);
  return {
    logins: await findSenders("login"),
    scripts: await findScripts(reader, period, limit),
    users: await findSenders("local"),
    failures: failures.map((row) => ({
      ipAddress: row.ip,
      failures: row.failures,
      accounts: JSON.parse(row.accounts) as string[],
      succeeded: JSON.parse(row.successes) as string[],
      first: iso(row.first_ms),
      last: iso(row.last_ms),
    })),
    accountFailures: accountFailures.map((row) => ({
      account: row.account,
      failures: row.failures,
      ipCount: row.ips,
      ipAddresses: JSON.parse(row.most) as string[],
      succeededFrom: JSON.parse(row.successes) as string[],
      first: iso(row.first_ms),
      last: iso(row.last_ms),
    })),
    troubles: troubles.map((row) => ({
      ipAddress: row.ip,
      host: row.host,
      troubles: row.troubles,
      kinds: JSON.parse(row.kinds) as ClientTroubles["kinds"],
      first: iso(row.first_ms),
      last: iso(row.last_ms),
    })),
  };
}

/** All of them: a limit hides none. What is chosen decides which accounts are shown, not what is known of them. */
function findRisks(reader: AbuseReader, period: AbusePeriod, rule: RiskRule): Promise<readonly AccountAtRisk[]> {
  const { sinceMs, untilMs } = period;
  const facts = {
    sinceMs,
    untilMs,
    hours: (baselineMs: number) => reader.accountHours({ ...period, sinceMs: sinceMs - baselineMs }),
    chosen: async () => (period.isChosen === true ? reader.chosenAccounts(period) : undefined),
  };
  return listAccountsAtRisk(facts, rule);
}

interface Tally {
  messages: number;
  recipients: number;
  bounced: number;
  readonly users: Map<string, number>;
  readonly senders: Map<string, number>;
  firstMs: number;
  lastMs: number;
}

/** Directories by the messages that were handed over there. */
async function findScripts(reader: AbuseReader, period: AbusePeriod, limit: number): Promise<Script[]> {
  const tallies = new Map<string, Tally>();
  for await (const { directory, message } of findScriptArrivals(reader, period, parseEntryText))
    add(tallies, directory, message);
  const scripts = [...tallies].map(([directory, tally]) => ({
    directory,
    messages: tally.messages,
    recipients: tally.recipients,
    bounced: tally.bounced,
    users: mostUsed(tally.users),
    senders: mostUsed(tally.senders),
    first: iso(tally.firstMs),
    last: iso(tally.lastMs),
  }));
  return scripts
    .sort((one, other) => compareCounts([one.directory, one.messages], [other.directory, other.messages]))
    .slice(0, limit);
}

function add(
  tallies: Map<string, Tally>,
  directory: string,
  { ms, sender, ident, recipients, bounced }: LocalMessageRow,
): void {
  const tally = tallies.get(directory) ?? {
    messages: 0,
    recipients: 0,
    bounced: 0,
    users: new Map<string, number>(),
    senders: new Map<string, number>(),
    firstMs: ms,
    lastMs: ms,
  };
  tallies.set(directory, tally);
  tally.messages++;
  tally.recipients += recipients;
  tally.bounced += bounced;
  // The later of two calls may hand its message over first.
  tally.firstMs = Math.min(tally.firstMs, ms);
  tally.lastMs = Math.max(tally.lastMs, ms);
  if (ident !== null) tally.users.set(ident, (tally.users.get(ident) ?? 0) + 1);
  if (sender !== null) tally.senders.set(sender, (tally.senders.get(sender) ?? 0) + 1);
}

function mostUsed(counts: ReadonlyMap<string, number>): string[] {
  const sorted = [...counts].sort(compareCounts);
  return sorted.slice(0, MOST_NAMES).map(([name]) => name);
}

/** Orders counts, the greatest first; equal counts by name. */
function compareCounts([name, count]: NamedCount, [otherName, otherCount]: NamedCount): number {
  return otherCount - count || compareText(name, otherName);
}

type NamedCount = readonly [name: string, count: number];

function iso(ms: number): string {
  return toIso(epochMs(Math.floor(ms)));
}
