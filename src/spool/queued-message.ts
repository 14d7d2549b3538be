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
export type PackedMessage = PackedWhole | PackedPlain;

type PackedWhole = readonly [
  ...(readonly [id: string, server: string | null, queueName: string]),
  ...(readonly [sender: string | null, untrustedLogin: string | null]),
  ...(readonly [arrivedAt: EpochMs | null, sizeBytes: number | null, isFrozen: 0 | 1, frozenAt: EpochMs | null]),
  ...(readonly [warnings: number | null, damage: string | null, damageReason: string | null]),
  generated: readonly string[],
  recipients: readonly (readonly [address: string, isDelivered: 0 | 1, reason: string | null])[],
];

/** A message as most of a spool are: on the default queue, sound, not frozen, and for recipients of whom none has it. */
type PackedPlain = readonly [
  id: string,
  sender: string | null,
  arrivedAt: EpochMs,
  sizeBytes: number | null,
  warnings: number | null,
  ...addresses: readonly string[],
];

export function packMessage(message: QueuedMessage): PackedMessage {
  const { id, server, queueName, sender, untrustedLogin, arrivedAt, sizeBytes, frozenAt, warnings, recipients } =
    message;
  if (arrivedAt !== null && isPlain(message))
    return [id, sender, arrivedAt, sizeBytes, warnings, ...recipients.map(({ address }) => address)];
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
    recipients.map(({ address, isDelivered, reason }) => [address, isDelivered ? 1 : 0, reason]),
  ];
}

function isPlain({
  server,
  queueName,
  untrustedLogin,
  isFrozen,
  frozenAt,
  damage,
  ...message
}: QueuedMessage): boolean {
  return (
    server === null &&
    queueName === "" &&
    untrustedLogin === null &&
    !isFrozen &&
    frozenAt === null &&
    damage === null &&
    message.damageReason === null &&
    message.generated.length === 0 &&
    message.recipients.every(({ isDelivered, reason }) => !isDelivered && reason === null)
  );
}

export function unpackMessage(packed: PackedMessage): QueuedMessage {
  // NOTE: the third value is the name of a queue there, and the time of arrival here.
  if (typeof packed[2] === "number") return unpackPlain(packed as PackedPlain);
  const [id, server, queueName, sender, untrustedLogin, arrivedAt, sizeBytes, isFrozen, frozenAt, ...rest] =
    packed as PackedWhole;
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

function unpackPlain([id, sender, arrivedAt, sizeBytes, warnings, ...addresses]: PackedPlain): QueuedMessage {
  return {
    id,
    server: null,
    queueName: "",
    sender,
    untrustedLogin: null,
    arrivedAt,
    sizeBytes,
    isFrozen: false,
    frozenAt: null,
    warnings,
    recipients: addresses.map((address) => ({ address, isDelivered: false, reason: null })),
    generated: [],
    damage: null,
    damageReason: null,
  };
}
