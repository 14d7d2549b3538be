/** Counters by key, and their order. */
import { compareText, detach } from "../../text.ts";

export interface League {
  readonly key: string;
  readonly messages: number;
  /** Zero where they are not counted. */
  readonly addresses: number;
  readonly bytes: number;
}

export interface Counts {
  messages: number;
  addresses: number;
  bytes: number;
}

export function newCounts(): Counts {
  return { messages: 0, addresses: 0, bytes: 0 };
}

export function addTo(counts: Counts, messages: number, addresses: number, bytes: number): void {
  counts.messages += messages;
  counts.addresses += addresses;
  counts.bytes += bytes;
}

export class Leagues {
  readonly #leagues = new Map<string, Counts & { readonly key: string }>();

  add(key: string, messages: number, addresses: number, bytes: number): void {
    let league = this.#leagues.get(key);
    if (league === undefined) {
      league = { key: detach(key), ...newCounts() };
      this.#leagues.set(league.key, league);
    }
    addTo(league, messages, addresses, bytes);
  }

  /** Orders by count, then volume, then name. */
  list(): readonly League[] {
    return [...this.#leagues.values()].sort(
      (one, other) => other.messages - one.messages || other.bytes - one.bytes || compareText(one.key, other.key),
    );
  }
}
