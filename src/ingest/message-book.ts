/** The messages a run works on: taken from the store when first met, written back once a batch, forgotten when they are many. */
import { type RecipientFate, resolveMessage, resolveOwn, resolveRecipients } from "../message/resolve.ts";
import {
  applyLine,
  applyWord,
  type MessageState,
  newMessageState,
  type RecipientState,
  recipientOf,
} from "../message/state.ts";
import type { RecipientStatus } from "../message/statuses.ts";
import { parseEntryText } from "../parse/record.ts";
import type { RawTextReader } from "../store/raw-text.ts";
import {
  type ArrivalRow,
  type BereftMessage,
  type MessageStateRow,
  NO_ARRIVAL,
  type StoredMessage,
} from "../store/rows.ts";
import type { Transactor } from "../store/transactor.ts";
import { type Moment, momentMs } from "../units.ts";
import { digestEntry, type EntryDigest } from "./digest.ts";
import { toArrivalRow } from "./facts.ts";

/** A busy hour has more, but few are touched again after so many others: measured, one message in a hundred. */
const REMEMBERED = 10_000;

interface OpenMessage {
  readonly id: number;
  readonly eximId: string;
  isStored: boolean;
  readonly state: MessageState;
  /** What the arrival line tells, when that is yet to be written. */
  arrival: ArrivalRow | undefined;
  /** What is stored of each recipient, to write only what changed. */
  readonly written: Map<string, WrittenRecipient>;
  /** So many recipients of {@link written} have each status. */
  readonly counts: Map<RecipientStatus, number>;
  /** Recipients that lines since the last writing speak of. */
  readonly touched: Set<string>;
  /** The fates of all recipients are to be told anew: nothing was written yet, or something happened to the whole message. */
  isWhole: boolean;
}

interface WrittenRecipient {
  readonly status: RecipientStatus;
  readonly at: Moment | undefined;
  readonly attempts: number;
  readonly announced: boolean;
  readonly error: string | undefined;
}

/** The messages of one server. */
export class MessageBook {
  readonly #serverId: number;
  /** Undefined: stored and complete, so that nothing more is expected, and not kept. */
  readonly #messages = new Map<string, OpenMessage | undefined>();
  readonly #changed = new Set<OpenMessage>();
  /** No message with a greater id is stored but those {@link MessageBook.#messages} names; undefined until it is read. */
  #greatestForgotten: string | undefined;

  constructor(serverId: number) {
    this.#serverId = serverId;
  }

  /** Folds an entry at `at` into its message; returns the message's id. */
  apply(transactor: Transactor, eximId: string, at: Moment, digest: EntryDigest): number {
    const message = this.#open(transactor, eximId, at);
    foldInto(transactor, message, at, digest);
    this.#changed.add(message);
    return message.id;
  }

  /** Derives messages anew from the entries they still have; those without any are removed. Returns how many are. */
  restore(transactor: Transactor, bereft: readonly BereftMessage[], rawText: RawTextReader): number {
    let removed = 0;
    for (const message of bereft) {
      const { id, eximId, entries } = message;
      this.#messages.delete(eximId);
      const [first] = entries;
      if (first === undefined) {
        transactor.removeMessage(id);
        removed++;
        continue;
      }
      const open: OpenMessage = {
        id,
        eximId,
        isStored: true,
        state: message.lacksText ? this.#storedState(transactor, message) : newMessageState(first.at),
        arrival: message.lacksText && message.hasArrival ? undefined : NO_ARRIVAL,
        ...nothingWritten(),
      };
      if (!message.lacksText) {
        for (const entry of entries) {
          const parsed = parseEntryText(rawText.entryText(entry.id) ?? "");
          if (parsed !== undefined) foldInto(transactor, open, entry.at, digestEntry(parsed, entry.at));
        }
      }
      this.#messages.set(eximId, open);
      this.#changed.add(open);
    }
    return removed;
  }

  /** Of a message whose text is gone in part. What the lines taken back have marked stays: they are read again at once. */
  #storedState(transactor: Transactor, { eximId, hasArrival }: BereftMessage): MessageState {
    const stored = transactor.findMessage(this.#serverId, eximId);
    if (stored === undefined) throw new Error(`The message ${eximId} has entries and is not stored.`);
    return toState(hasArrival ? stored : { ...stored, arrivalAt: undefined });
  }

  /** Writes what changed; returns how many messages were seen for the first time. */
  save(transactor: Transactor): number {
    let added = 0;
    for (const message of this.#changed) {
      this.#saveRecipients(transactor, message);
      const row = toStateRow(transactor, message.state, message.counts.keys());
      if (message.isStored) transactor.updateMessage(message.id, row, message.arrival);
      else {
        transactor.addMessage(message.id, this.#serverId, message.eximId, row, message.arrival ?? NO_ARRIVAL);
        added++;
      }
      message.isStored = true;
      message.arrival = undefined;
      if (message.state.marks.completed !== undefined) this.#messages.set(message.eximId, undefined);
    }
    this.#changed.clear();
    this.#forgetOldest();
    return added;
  }

  /** Forgets all: after a rollback, or when another process may have written. */
  forget(): void {
    this.#messages.clear();
    this.#changed.clear();
    this.#greatestForgotten = undefined;
  }

  #open(transactor: Transactor, eximId: string, at: Moment): OpenMessage {
    const known = this.#messages.get(eximId);
    if (known !== undefined) return known;
    const stored = this.#findStored(transactor, eximId);
    const message: OpenMessage = {
      id: stored?.id ?? transactor.nextId("stored_messages"),
      eximId,
      isStored: stored !== undefined,
      state: stored === undefined ? newMessageState(at) : toState(stored),
      arrival: undefined,
      ...nothingWritten(),
    };
    this.#messages.set(eximId, message);
    return message;
  }

  /** Exim's ids grow with time, so most messages that are met for the first time need not be looked for. */
  #findStored(transactor: Transactor, eximId: string): StoredMessage | undefined {
    this.#greatestForgotten ??= transactor.greatestEximId();
    const canBeStored = eximId <= this.#greatestForgotten || this.#messages.has(eximId);
    return canBeStored ? transactor.findMessage(this.#serverId, eximId) : undefined;
  }

  #saveRecipients(transactor: Transactor, message: OpenMessage): void {
    for (const [recipient, fate] of fatesToWrite(message)) this.#saveRecipient(transactor, message, recipient, fate);
    message.touched.clear();
    message.isWhole = false;
  }

  #saveRecipient(
    transactor: Transactor,
    { id, isStored, written, counts }: OpenMessage,
    { address, attempts, announced, lastError }: RecipientState,
    { status, at }: RecipientFate,
  ): void {
    const error = lastError?.error;
    const now = { status, at, attempts, announced, error };
    const known = written.get(address);
    if (known !== undefined && isSame(known, now)) return;
    written.set(address, now);
    if (known?.status !== status) {
      addTo(counts, status, 1);
      if (known !== undefined) addTo(counts, known.status, -1);
    }
    const isDelivered = status === "delivered" && at !== undefined;
    const row = {
      message_id: id,
      address_id: transactor.address(address),
      announced: announced ? 1 : 0,
      status: transactor.codes.recipientStatus(status),
      status_at: at ?? null,
      delivered_ms: isDelivered ? momentMs(at) : null,
      attempts,
      error_id: transactor.optionalString(error),
    } as const;
    if (isStored) transactor.putRecipient(row);
    else transactor.addRecipient(row);
  }

  /** A message that is met again becomes no younger: what matters is only that memory is bounded. */
  #forgetOldest(): void {
    for (const eximId of this.#messages.keys()) {
      if (this.#messages.size <= REMEMBERED) return;
      this.#messages.delete(eximId);
      if (this.#greatestForgotten !== undefined && eximId > this.#greatestForgotten) this.#greatestForgotten = eximId;
    }
  }
}

function nothingWritten(): Pick<OpenMessage, "written" | "counts" | "touched" | "isWhole"> {
  return { written: new Map(), counts: new Map(), touched: new Set(), isWhole: true };
}

/**
 * The recipients whose fate may be another than the one that was written. A message may have tens of thousands, and each of its
 * lines speaks of one: all of them are looked at only when a line spoke of the whole message, or when one may share the fate of another.
 */
function fatesToWrite(message: OpenMessage): readonly (readonly [RecipientState, RecipientFate])[] {
  const { state, touched, isWhole, counts } = message;
  if (!isWhole && !counts.has("unknown")) {
    const own = [...touched].flatMap((address) => {
      const recipient = state.recipients.get(address);
      return recipient === undefined ? [] : [[recipient, resolveOwn(recipient, state.marks)] as const];
    });
    if (own.every(([, { status }]) => status !== "unknown")) return own;
  }
  const fates = resolveRecipients(state);
  return [...state.recipients.values()].map((recipient, index) => {
    const fate = fates[index];
    if (fate === undefined) throw new Error(`The recipient ${recipient.address} has no fate.`);
    return [recipient, fate] as const;
  });
}

/** A count of nothing is no key. */
function addTo(counts: Map<RecipientStatus, number>, status: RecipientStatus, change: number): void {
  const count = (counts.get(status) ?? 0) + change;
  if (count === 0) counts.delete(status);
  else counts.set(status, count);
}

function isSame(one: WrittenRecipient, other: WrittenRecipient): boolean {
  return (
    one.status === other.status &&
    one.at === other.at &&
    one.attempts === other.attempts &&
    one.announced === other.announced &&
    one.error === other.error
  );
}

function foldInto(
  transactor: Transactor,
  message: OpenMessage,
  at: Moment,
  { news, word, arrival }: EntryDigest,
): void {
  const { state } = message;
  const arrivalAt = state.arrivalAt;
  applyLine(state, at, news, word);
  if (word !== undefined) message.touched.add(word.recipient);
  for (const recipient of news?.announced ?? []) message.touched.add(recipient);
  if (news?.mark !== undefined) message.isWhole = true;
  if (arrival !== undefined && (arrivalAt === undefined || at < arrivalAt))
    message.arrival = toArrivalRow(transactor, arrival, at);
}

function toState(stored: StoredMessage): MessageState {
  const state = newMessageState(stored.firstAt);
  state.lastAt = stored.lastAt;
  state.arrivalAt = stored.arrivalAt;
  state.queueMs = stored.queueMs;
  Object.assign(state.marks, stored.marks);
  for (const { address, announced } of stored.recipients) recipientOf(state, address).announced = announced;
  for (const word of stored.words) applyWord(state, word);
  return state;
}

function toStateRow(transactor: Transactor, state: MessageState, statuses: Iterable<RecipientStatus>): MessageStateRow {
  const { marks } = state;
  return {
    status: transactor.codes.messageStatus(resolveMessage(state, statuses)),
    first_at: state.firstAt,
    last_at: state.lastAt,
    queue_ms: state.queueMs ?? null,
    completed_at: marks.completed ?? null,
    frozen_at: marks.frozen ?? null,
    thawed_at: marks.thawed ?? null,
    removed_at: marks.removed ?? null,
    cancelled_at: marks.cancelled ?? null,
    rejected_at: marks.rejected ?? null,
    discarded_at: marks.discarded ?? null,
    not_accepted_at: marks.notAccepted ?? null,
    queued_at: marks.queued ?? null,
    ignored_at: marks.ignored ?? null,
  };
}
