/** The queue of a spool against that of the log. Pure. */
import { pendingRecipients, type QueuedMessage } from "../spool/queued-message.ts";

/** A difference, and what it may mean. */
export interface Difference {
  readonly id: string;
  readonly kind: "spool_only" | "log_only" | "frozen" | "recipients" | "damaged";
  /** A sentence. */
  readonly what: string;
}

export interface Reconciliation {
  /** Both tell the same of so many messages. */
  readonly agreed: number;
  readonly differences: readonly Difference[];
  /** Every directory and file could be read: only then is a message that the spool has not no more on the queue. */
  readonly isComplete: boolean;
}

/** `isComplete`: nothing of the spool was left out. */
export function reconcile(
  spool: readonly QueuedMessage[],
  log: readonly QueuedMessage[],
  isComplete: boolean,
): Reconciliation {
  const logged = new Map(log.map((message) => [message.id, message]));
  const there = new Set(spool.map(({ id }) => id));
  const differences: Difference[] = [];
  let agreed = 0;
  for (const message of spool) {
    const found = compare(message, logged.get(message.id));
    if (found === undefined) agreed++;
    else differences.push(found);
  }
  for (const { id } of log) {
    if (there.has(id)) continue;
    const what = isComplete
      ? "It is no longer on the queue, and the log does not show how it left: a line is missing, or its files were removed."
      : "The log has it on the queue, but the part of the spool that could be read does not.";
    differences.push({ id, kind: "log_only", what });
  }
  return { agreed, differences, isComplete };
}

function compare(message: QueuedMessage, logged: QueuedMessage | undefined): Difference | undefined {
  const { id } = message;
  if (message.damage !== null) {
    return { id, kind: "damaged", what: `Its file is damaged: ${message.damageReason ?? message.damage}` };
  }
  if (logged === undefined) {
    return {
      id,
      kind: "spool_only",
      what: "It is on the queue, but not by the log that was read: it came later, or its log was not read.",
    };
  }
  if (message.isFrozen !== logged.isFrozen) {
    const what = message.isFrozen
      ? "It is frozen, and the log does not say so."
      : "The log says that it is frozen, but it is not.";
    return { id, kind: "frozen", what };
  }
  const done = new Set(
    logged.recipients.filter(({ isDelivered }) => isDelivered).map(({ address }) => address.toLowerCase()),
  );
  const odd = pendingRecipients(message).find((address) => done.has(address.toLowerCase()));
  if (odd === undefined) return undefined;
  return { id, kind: "recipients", what: `It waits for ${odd}, and the log says that this recipient is done.` };
}
