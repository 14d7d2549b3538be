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

/**
 * Yields where they differ, and undefined for each message of which both tell the same. Both are by id, and each is read once. The messages
 * of the spool come in batches, and so do the differences: each is walked through once, and before the next one. `isComplete`: nothing of
 * the spool was left out.
 */
export async function* reconcile(
  spool: AsyncIterable<Iterable<QueuedMessage>>,
  log: Iterable<QueuedMessage>,
  isComplete: boolean,
): AsyncGenerator<Iterable<Difference | undefined>> {
  const logged = log[Symbol.iterator]();
  let next = logged.next();
  let last: QueuedMessage | undefined;
  /** Yields those that only the log has, up to an id. */
  function* loggedBefore(id: string | undefined): Generator<Difference> {
    for (; next.done !== true && (id === undefined || next.value.id < id); next = logged.next())
      if (next.value.id !== last?.id) yield logOnly(next.value, isComplete);
  }
  function* compared(batch: Iterable<QueuedMessage>): Generator<Difference | undefined> {
    for (const message of batch) {
      yield* loggedBefore(message.id);
      // A message may be in two queues of the spool while it is moved, and servers may have used an id twice.
      const other = next.done !== true && next.value.id === message.id ? next.value : undefined;
      last = message;
      yield compare(message, other);
    }
  }
  for await (const batch of spool) yield compared(batch);
  yield loggedBefore(undefined);
}

function logOnly({ id }: QueuedMessage, isComplete: boolean): Difference {
  const what = isComplete
    ? "It is no longer on the queue, and the lines that were read do not show how it left: they end before it did, one is missing, or its files were removed."
    : "The log has it on the queue, but the part of the spool that could be read does not.";
  return { id, kind: "log_only", what };
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
