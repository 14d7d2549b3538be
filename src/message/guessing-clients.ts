/** Clients that several accounts share, and those that guess the passwords of several. */
import { HOUR_MS } from "../units.ts";
import { type AccountHour, CONNECTED_HOURS, FAMILIAR_HOURS, KnownNames, type WatchMemory } from "./account-risk.ts";

/** Accounts that make a network a shared one: an office, a web mail, a gateway. */
const FEWEST_SHARING = 3;

interface ClientFailure {
  readonly account: string;
  readonly hour: number;
  readonly ms: number;
}

/** Uses of an address or a network by accounts. */
interface ClientUse {
  readonly failures: ClientFailure[];
  /** First login of each account, in epoch ms, but for those that logged in long before. */
  readonly logins: Map<string, number>;
  /** Accounts whose first login was more than a day before anything that is still to come. */
  readonly old: KnownNames;
  oldCount: number;
}

interface ClientState {
  readonly failures: readonly (readonly [account: string, hour: number, ms: number])[];
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
      const use = this.#useOf(ip);
      const oldest = hour - CONNECTED_HOURS;
      while (use.failures[0] !== undefined && use.failures[0].hour < oldest) use.failures.shift();
      const isKnown = use.failures.some((failure) => failure.account === account && failure.hour === hour);
      if (!isKnown) use.failures.push({ account, hour, ms: firstFailureMs ?? hour * HOUR_MS });
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
      failures: (state?.failures ?? []).map(([account, hour, ms]) => ({ account, hour, ms })),
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
    const guessed = new Set<string>();
    for (const failure of failures) {
      if (failure.account === account || failure.ms > ms) continue;
      if (failure.hour < ms / HOUR_MS - CONNECTED_HOURS) continue;
      const login = logins.get(failure.account);
      if (!old.has(failure.account) && (login === undefined || login > ms)) guessed.add(failure.account);
    }
    return guessed.size;
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
      if (failures.length === 0 && logins.size === 0 && use.oldCount === 0) continue;
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
          failures: failures
            .filter((failure) => failure.hour >= hour - 1 - CONNECTED_HOURS)
            .map((failure) => [failure.account, failure.hour, failure.ms]),
          logins: [...logins],
          old: old.text,
          oldCount: use.oldCount,
        },
      ];
    }
  }
}

/** More than a day before an hour: the client was familiar to the account then. */
function isLongBefore(ms: number, hour: number): boolean {
  return Math.floor(ms / HOUR_MS) < hour - FAMILIAR_HOURS;
}
