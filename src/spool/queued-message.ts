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
  /** Server whose log tells of it; null in a spool or a listing. */
  readonly server: string | null;
  /** Name of the queue; empty for the default queue. */
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
  /** Delay warnings sent so far; null if unknown. */
  readonly warnings: number | null;
  readonly recipients: readonly QueuedRecipient[];
  /** Delivered addresses that are no recipients: what aliases and redirections made. */
  readonly generated: readonly string[];
  /** Exim's words for what is wrong with the file, `spool format error: size=12`; null when it is sound. */
  readonly damage: string | null;
  /** Place and nature of the damage in the file, as a sentence; null if it is sound. */
  readonly damageReason: string | null;
}

export function pendingRecipients({ recipients }: QueuedMessage): readonly string[] {
  return recipients.filter(({ isDelivered }) => !isDelivered).map(({ address }) => address);
}

/** In lower case; of an address without one the address. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1).toLowerCase();
}

/** Values of a message in an order of their own, to be kept as bytes. */
export type PackedMessage = readonly [
  ...(readonly [id: string, server: string | null, queueName: string]),
  ...(readonly [sender: string | null, untrustedLogin: string | null]),
  ...(readonly [arrivedAt: EpochMs | null, sizeBytes: number | null, isFrozen: 0 | 1, frozenAt: EpochMs | null]),
  ...(readonly [warnings: number | null, damage: string | null, damageReason: string | null]),
  generated: readonly string[],
  recipients: readonly (readonly [address: string, isDelivered: 0 | 1, reason: string | null])[],
];

export function packMessage(message: QueuedMessage): PackedMessage {
  const { id, server, queueName, sender, untrustedLogin, arrivedAt, sizeBytes, frozenAt, warnings } = message;
  return [
    id,
    server,
    queueName,
    sender,
    untrustedLogin,
    arrivedAt,
    sizeBytes,
    message.isFrozen ? 1 : 0,
    frozenAt,
    warnings,
    message.damage,
    message.damageReason,
    message.generated,
    message.recipients.map(({ address, isDelivered, reason }) => [address, isDelivered ? 1 : 0, reason]),
  ];
}

export function unpackMessage(packed: PackedMessage): QueuedMessage {
  const [id, server, queueName, sender, untrustedLogin, arrivedAt, sizeBytes, isFrozen, frozenAt, ...rest] = packed;
  const [warnings, damage, damageReason, generated, recipients] = rest;
  return {
    id,
    server,
    queueName,
    sender,
    untrustedLogin,
    arrivedAt,
    sizeBytes,
    isFrozen: isFrozen === 1,
    frozenAt,
    warnings,
    recipients: recipients.map(([address, isDelivered, reason]) => ({
      address,
      isDelivered: isDelivered === 1,
      reason,
    })),
    generated,
    damage,
    damageReason,
  };
}
