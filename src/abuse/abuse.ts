/** What an abuse desk asks: who sends how much, from where, and who tries to get in. */
import { parseEntryText } from "../parse/record.ts";
import type { AbuseReader, LocalMessageRow, Period, SenderRow } from "../store/abuse-reader.ts";
import { epochMs, SECOND_MS, toIso } from "../units.ts";

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
  /** Different client addresses. */
  readonly ipCount: number;
  readonly first: string;
  readonly last: string;
}

/** A directory in which Exim was called, and what came of it. */
export interface Script {
  readonly directory: string;
  readonly messages: number;
  readonly recipients: number;
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

export interface Abuse {
  readonly logins: readonly Sender[];
  readonly scripts: readonly Script[];
  readonly users: readonly Sender[];
  readonly failures: readonly LoginFailures[];
}

const MOST_NAMES = 3;

export async function findAbuse(reader: AbuseReader, period: Period, limit: number): Promise<Abuse> {
  const toSenders = async (rows: readonly SenderRow[], column: "auth" | "ident"): Promise<Sender[]> => {
    const senders: Sender[] = [];
    for (const row of rows) {
      senders.push({
        account: row.name,
        messages: row.messages,
        recipients: row.recipients,
        bounced: row.bounced,
        senderCount: row.senders,
        senders: await reader.sendersOf(column, row.name, period, MOST_NAMES),
        ipCount: row.ips,
        first: iso(row.first_ms),
        last: iso(row.last_ms),
      });
    }
    return senders;
  };
  const failures = await reader.loginFailures(period, limit);
  return {
    logins: await toSenders(await reader.logins(period, limit), "auth"),
    scripts: await findScripts(reader, period, limit),
    users: await toSenders(await reader.localUsers(period, limit), "ident"),
    failures: failures.map((row) => ({
      ipAddress: row.ip,
      failures: row.failures,
      accounts: JSON.parse(row.accounts) as string[],
      succeeded: JSON.parse(row.successes) as string[],
      first: iso(row.first_ms),
      last: iso(row.last_ms),
    })),
  };
}

/** A message arrives so soon after Exim was called for it. */
const LONGEST_CALL_MS = 2 * SECOND_MS;

interface Call {
  readonly serverId: number;
  readonly ms: number;
  readonly pid: number | undefined;
  readonly directory: string;
}

interface Tally {
  messages: number;
  recipients: number;
  readonly users: Map<string, number>;
  readonly senders: Map<string, number>;
  firstMs: number;
  lastMs: number;
}

/**
 * Directories by the messages that were handed over there. A line `cwd=` has no message id: it belongs to the arrival that the same
 * process logs next, or, where pids are not logged, to the next local arrival within two seconds.
 */
async function findScripts(reader: AbuseReader, period: Period, limit: number): Promise<Script[]> {
  const tallies = new Map<string, Tally>();
  for await (const page of reader.invocations(period)) {
    const calls = page.flatMap(({ server_id, ms, bytes }): Call[] => {
      const parsed = bytes === undefined ? undefined : parseEntryText(bytes);
      if (parsed?.event.kind !== "invocation" || parsed.event.directory === undefined) return [];
      if (handsNothingOver(parsed.event.args ?? parsed.event.command.split(" "))) return [];
      return [{ serverId: server_id, ms, pid: parsed.prefix.pid, directory: parsed.event.directory }];
    });
    const [first, last] = [calls[0], calls.at(-1)];
    if (first === undefined || last === undefined) continue;
    const messages = [...(await reader.localMessages({ sinceMs: first.ms, untilMs: last.ms + LONGEST_CALL_MS + 1 }))];
    for (const call of calls) {
      const message = takeArrival(messages, call);
      if (message !== undefined) add(tallies, call.directory, message);
    }
  }
  const scripts = [...tallies].map(([directory, tally]) => ({
    directory,
    messages: tally.messages,
    recipients: tally.recipients,
    users: mostUsed(tally.users),
    senders: mostUsed(tally.senders),
    first: iso(tally.firstMs),
    last: iso(tally.lastMs),
  }));
  return scripts.sort((one, other) => other.messages - one.messages).slice(0, limit);
}

/**
 * Exim called to deliver, to run the queue, to listen, to tell something, or by itself for a bounce (`-E`): whatever hands nothing
 * over. Source: Exim specification, "The Exim command line".
 */
function handsNothingOver(args: readonly string[]): boolean {
  return args.some((arg) => /^-(?:q|M|E\w{6}-|b(?!m$|s$|S$|nq$))/.test(arg));
}

function takeArrival(messages: LocalMessageRow[], { serverId, ms, pid }: Call): LocalMessageRow | undefined {
  const index = messages.findIndex((message) => {
    if (message.server_id !== serverId || message.ms < ms || message.ms > ms + LONGEST_CALL_MS) return false;
    const own = message.bytes === undefined ? undefined : parseEntryText(message.bytes)?.prefix.pid;
    return pid === undefined || own === undefined || own === pid;
  });
  return index === -1 ? undefined : messages.splice(index, 1)[0];
}

function add(tallies: Map<string, Tally>, directory: string, { ms, sender, ident, recipients }: LocalMessageRow): void {
  const tally = tallies.get(directory) ?? {
    messages: 0,
    recipients: 0,
    users: new Map<string, number>(),
    senders: new Map<string, number>(),
    firstMs: ms,
    lastMs: ms,
  };
  tallies.set(directory, tally);
  tally.messages++;
  tally.recipients += recipients;
  tally.lastMs = ms;
  if (ident !== null) tally.users.set(ident, (tally.users.get(ident) ?? 0) + 1);
  if (sender !== null) tally.senders.set(sender, (tally.senders.get(sender) ?? 0) + 1);
}

function mostUsed(counts: ReadonlyMap<string, number>): string[] {
  const sorted = [...counts].sort(([, one], [, other]) => other - one);
  return sorted.slice(0, MOST_NAMES).map(([name]) => name);
}

function iso(ms: number): string {
  return toIso(epochMs(Math.floor(ms)));
}
