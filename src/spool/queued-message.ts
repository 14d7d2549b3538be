/** A message on the queue, as a spool, a listing or the log tells of it. */
import type { EpochMs } from "../units.ts";

export interface QueuedRecipient {
  readonly address: string;
  readonly isDelivered: boolean;
  /** Why it still waits, as the log told last; null where nobody tells. */
  readonly reason: string | null;
}

export interface QueuedMessage {
  /** Exim's. */
  readonly id: string;
  /** Of a named queue; empty: the default one. */
  readonly queueName: string;
  /** Envelope sender, empty for a bounce; null when damage hides it. */
  readonly sender: string | null;
  /** Login of the local user who set the sender and is not trusted to; else null. */
  readonly untrustedLogin: string | null;
  /** Arrival; null when damage hides it. */
  readonly arrivedAt: EpochMs | null;
  /** Bytes as Exim counts them: headers, an empty line and the body. Null when nobody tells. */
  readonly sizeBytes: number | null;
  readonly isFrozen: boolean;
  /** Null: not frozen, or nobody tells since when. */
  readonly frozenAt: EpochMs | null;
  /** How many warnings of a delay were sent; null when nobody tells. */
  readonly warnings: number | null;
  readonly recipients: readonly QueuedRecipient[];
  /** Delivered addresses that are no recipients: what aliases and redirections made. */
  readonly generated: readonly string[];
  /** Exim's words for what is wrong with the file, `spool format error: size=12`; null when it is sound. */
  readonly damage: string | null;
  /** Where in the file it went wrong, as a sentence; null when it is sound. */
  readonly damageReason: string | null;
}

export function pendingRecipients({ recipients }: QueuedMessage): readonly string[] {
  return recipients.filter(({ isDelivered }) => !isDelivered).map(({ address }) => address);
}

/** In lower case; of an address without one the address. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1).toLowerCase();
}
