/** Totals of a queue: how much, for how long, for whom. Pure. */
import { pendingRecipients, type QueuedMessage } from "../spool/queued-message.ts";
import { compareText } from "../text.ts";
import { type EpochMs, toIso } from "../units.ts";

export interface QueueTotals {
  readonly messages: number;
  /** That wait. */
  readonly recipients: number;
  readonly bytes: number;
  readonly frozen: number;
  /** From the null sender. */
  readonly bounces: number;
  /** Files that could not be read. */
  readonly damaged: number;
  /** Arrival of the oldest: ISO-8601 UTC; null when there is none. */
  readonly oldest: string | null;
  /** Seconds since then. */
  readonly oldestSeconds: number | null;
}

/** What waits for a domain. */
export interface WaitingDomain {
  readonly domain: string;
  /** Each message once. */
  readonly messages: number;
  readonly bytes: number;
  readonly oldestMs: number | null;
}

export function totalsOf(messages: readonly QueuedMessage[], now: EpochMs): QueueTotals {
  let [recipients, bytes, frozen, bounces, damaged] = [0, 0, 0, 0, 0];
  let oldest: EpochMs | null = null;
  for (const message of messages) {
    recipients += pendingRecipients(message).length;
    bytes += message.sizeBytes ?? 0;
    if (message.isFrozen) frozen++;
    if (message.sender === "") bounces++;
    if (message.damage !== null) damaged++;
    if (message.arrivedAt !== null && (oldest === null || message.arrivedAt < oldest)) oldest = message.arrivedAt;
  }
  return {
    messages: messages.length,
    recipients,
    bytes,
    frozen,
    bounces,
    damaged,
    oldest: oldest === null ? null : toIso(oldest),
    oldestSeconds: oldest === null ? null : Math.max(0, Math.floor((now - oldest) / 1000)),
  };
}

/** Those that most messages wait for first. Frozen messages wait for nobody. */
export function waitingDomains(messages: readonly QueuedMessage[]): readonly WaitingDomain[] {
  const domains = new Map<string, { messages: number; bytes: number; oldestMs: number | null }>();
  for (const message of messages) {
    if (message.isFrozen) continue;
    for (const domain of new Set(pendingRecipients(message).map(domainOf))) {
      const known = domains.get(domain) ?? { messages: 0, bytes: 0, oldestMs: null };
      known.messages++;
      known.bytes += message.sizeBytes ?? 0;
      if (message.arrivedAt !== null && (known.oldestMs === null || message.arrivedAt < known.oldestMs))
        known.oldestMs = message.arrivedAt;
      domains.set(domain, known);
    }
  }
  return [...domains]
    .map(([domain, figures]) => ({ domain, ...figures }))
    .sort((left, right) => right.messages - left.messages || compareText(left.domain, right.domain));
}

/** In lower case; of an address without one the address. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1).toLowerCase();
}
