/** Clients that several accounts share, and those that guess the passwords of several. */
import { HOUR_MS } from "../units.ts";
import { type AccountHour, CONNECTED_HOURS, FAMILIAR_HOURS, KnownNames, type WatchMemory } from "./account-risk.ts";

/** Latest hours with failures that are kept of an account: a question may be about the hour before, and is answered by the last one before that. */
const KEPT_HOURS = 3;
/** Accounts that make a network a shared one: an office, a web mail, a gateway. */
const FEWEST_SHARING = 3;

/** First failure of an hour. */
interface ClientFailure {
  readonly hour: number;
  readonly ms: number;
}

/** Uses of an address or a network by accounts. */
interface ClientUse {
  /** By account, that of the latest failure last; each with its latest hours, in order. */
  readonly failures: Map<string, readonly ClientFailure[]>;
  /** First login of each account, in epoch ms, but for those that logged in long before. */
  readonly logins: Map<string, number>;
  /** Accounts whose first login was more than a day before anything that is still to come. */
  readonly old: KnownNames;
  oldCount: number;
}

interface ClientState {
  readonly failures: readonly (readonly [account: string, failures: readonly ClientFailure[]])[];
  readonly logins: readonly (readonly [account: string, ms: number])[];
  readonly old: string;
  readonly oldCount: number;
}

/** Logins and failures of one server by client: an address, or its network. */
export class Clients {
  readonly #memory: WatchMemory;
  readonly #uses = new Map<string, ClientUse>();

  constructor(memory: WatchMemory) {
    this.#memory = memory;
  }

  take(row: AccountHour): void {
    const { account, hour, ip, network, failures, firstFailureMs, firstLoginMs } = row;
    if (ip === null || network === null) return;
    if (failures > 0) {
      const { failures: byAccount } = this.#useOf(ip);
      for (const [other, known] of byAccount) {
        if (isRecent(known, hour)) break;
        byAccount.delete(other);
      }
      const own = byAccount.get(account) ?? [];
      if (own.at(-1)?.hour !== hour) {
        byAccount.delete(account);
        byAccount.set(account, [...own, { hour, ms: firstFailureMs ?? hour * HOUR_MS }].slice(-KEPT_HOURS));
      }
    }
    if (firstLoginMs === null) return;
    for (const client of ip === network ? [ip] : [ip, network]) {
      const { logins, old } = this.#useOf(client);
      if (!old.has(account)) logins.set(account, Math.min(logins.get(account) ?? firstLoginMs, firstLoginMs));
    }
  }

  #useOf(client: string): ClientUse {
    const known = this.#uses.get(client);
    if (known !== undefined) return known;
    const state = this.#memory.read(`client ${client}`) as ClientState | undefined;
    const use = {
      failures: new Map(state?.failures ?? []),
      logins: new Map(state?.logins ?? []),
      old: new KnownNames(state?.old),
      oldCount: state?.oldCount ?? 0,
    };
    this.#uses.set(client, use);
    return use;
  }

  /** Other accounts that failed from an address within a day before, and had not logged in from there. */
  guessedBefore(ip: string, account: string, ms: number): number {
    const { failures, logins, old } = this.#useOf(ip);
    let guessed = 0;
    for (const [other, known] of failures) {
      if (other === account || old.has(other)) continue;
      const login = logins.get(other);
      if (login !== undefined && login <= ms) continue;
      if (known.some((failure) => failure.ms <= ms && failure.hour >= ms / HOUR_MS - CONNECTED_HOURS)) guessed++;
    }
    return guessed;
  }

  /** True for an address or network from which several other accounts logged in more than a day before. */
  isShared(client: string, account: string, hour: number): boolean {
    const { logins, old, oldCount } = this.#useOf(client);
    let sharing = oldCount - (old.has(account) ? 1 : 0);
    if (sharing >= FEWEST_SHARING) return true;
    for (const [other, firstMs] of logins)
      if (other !== account && isLongBefore(firstMs, hour) && ++sharing >= FEWEST_SHARING) return true;
    return false;
  }

  /** State by client; `hour`: first hour of what is still to come. */
  *states(hour: number): Generator<readonly [key: string, state: ClientState]> {
    for (const [client, use] of this.#uses) {
      const { failures, logins, old } = use;
      if (failures.size === 0 && logins.size === 0 && use.oldCount === 0) continue;
      for (const [account, ms] of logins) {
        // NOTE: the hour before may still be asked about.
        if (!isLongBefore(ms, hour - 1)) continue;
        logins.delete(account);
        old.add(account);
        use.oldCount++;
      }
      yield [
        `client ${client}`,
        {
          // NOTE: the hour before may still be asked about.
          failures: [...failures].filter(([, known]) => isRecent(known, hour - 1)),
          logins: [...logins],
          old: old.text,
          oldCount: use.oldCount,
        },
      ];
    }
  }
}

/** True where one of the failures, which are in order, may still be asked about in an hour. */
function isRecent(failures: readonly ClientFailure[], hour: number): boolean {
  return (failures.at(-1)?.hour ?? Number.NEGATIVE_INFINITY) >= hour - CONNECTED_HOURS;
}

/** More than a day before an hour: the client was familiar to the account then. */
function isLongBefore(ms: number, hour: number): boolean {
  return Math.floor(ms / HOUR_MS) < hour - FAMILIAR_HOURS;
}
