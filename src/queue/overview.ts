/** Totals of a queue: how much, for how long, for whom. Pure. */
import { domainOf, pendingRecipients, type QueuedMessage } from "../spool/queued-message.ts";
import { compareText, detach } from "../text.ts";
import { type EpochMs, toIso } from "../units.ts";

export interface QueueTotals {
  readonly messages: number;
  /** Recipients that still wait. */
  readonly recipients: number;
  readonly bytes: number;
  readonly frozen: number;
  /** From the null sender. */
  readonly bounces: number;
  /** Files that could not be read. */
  readonly damaged: number;
  /** Arrival of the oldest. */
  readonly oldest: string | null;
  readonly oldestSeconds: number | null;
}

/** Messages that wait for a domain. */
export interface WaitingDomain {
  readonly domain: string;
  /** Each message once. */
  readonly messages: number;
  readonly bytes: number;
  /** Arrival of the oldest. */
  readonly oldest: string | null;
}

/** Adds up messages one by one, so that none has to be kept. */
export class QueueOverview {
  readonly #now: EpochMs;
  readonly #domains = new Map<string, { messages: number; bytes: number; oldestMs: EpochMs | null }>();
  #messages = 0;
  #recipients = 0;
  #bytes = 0;
  #frozen = 0;
  #bounces = 0;
  #damaged = 0;
  #oldest: EpochMs | null = null;

  constructor(now: EpochMs) {
    this.#now = now;
  }

  add(message: QueuedMessage): void {
    const { arrivedAt, sizeBytes } = message;
    const pending = pendingRecipients(message);
    this.#messages++;
    this.#recipients += pending.length;
    this.#bytes += sizeBytes ?? 0;
    if (message.isFrozen) this.#frozen++;
    if (message.sender === "") this.#bounces++;
    if (message.damage !== null) this.#damaged++;
    if (arrivedAt !== null && (this.#oldest === null || arrivedAt < this.#oldest)) this.#oldest = arrivedAt;
    // Frozen messages wait for nobody.
    if (message.isFrozen) return;
    for (const domain of new Set(pending.map(domainOf))) {
      const found = this.#domains.get(domain);
      const known = found ?? { messages: 0, bytes: 0, oldestMs: null };
      known.messages++;
      known.bytes += sizeBytes ?? 0;
      if (arrivedAt !== null && (known.oldestMs === null || arrivedAt < known.oldestMs)) known.oldestMs = arrivedAt;
      if (found === undefined) this.#domains.set(detach(domain), known);
    }
  }

  get totals(): QueueTotals {
    const oldest = this.#oldest;
    return {
      messages: this.#messages,
      recipients: this.#recipients,
      bytes: this.#bytes,
      frozen: this.#frozen,
      bounces: this.#bounces,
      damaged: this.#damaged,
      oldest: oldest === null ? null : toIso(oldest),
      oldestSeconds: oldest === null ? null : Math.max(0, Math.floor((this.#now - oldest) / 1000)),
    };
  }

  /** Domains for which most messages wait, in that order. */
  get waiting(): readonly WaitingDomain[] {
    return [...this.#domains]
      .map(([domain, { messages, bytes, oldestMs }]) => ({
        domain,
        messages,
        bytes,
        oldest: oldestMs === null ? null : toIso(oldestMs),
      }))
      .sort((left, right) => right.messages - left.messages || compareText(left.domain, right.domain));
  }
}
