/** Clients that several accounts share, and those that guess the passwords of several. */
import { HOUR_MS } from "../units.ts";
import { type AccountHour, CONNECTED_HOURS, FAMILIAR_HOURS, type WatchMemory } from "./account-risk.ts";

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
  /** First login of each account, in epoch ms. */
  readonly logins: Map<string, number>;
}

interface ClientState {
  readonly failures: readonly (readonly [account: string, hour: number, ms: number])[];
  readonly logins: readonly (readonly [account: string, ms: number])[];
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
