/** The messages a run works on: taken from the store when first met, written back once a batch, forgotten when they are many. */
import { type RecipientFate, resolveMessage, resolveRecipients } from "../../message/resolve.ts";
import {
  applyEvent,
  applyLine,
  type MessageState,
  type MessageUpdate,
  type Milestones,
  messageUpdate,
  newMessageState,
  type RecipientEvent,
  recipientOf,
} from "../../message/state.ts";
import type { RecipientStatus } from "../../message/statuses.ts";
import { type ParsedEntry, parseEntryText } from "../../parse/record.ts";
import type { SqlValue } from "../../store/database/bulk-insert.ts";
import type { RawTextReader } from "../../store/log-text/blocks.ts";
import { ARRIVAL, columnsOf, MILESTONES } from "../../store/schema/records.ts";
import type { OrphanedMessage, StoredMessage } from "../../store/write/rows.ts";
import type { Transactor } from "../../store/write/transactor.ts";
import { type Moment, momentMs } from "../../units.ts";
import { storedEvent } from "../batch/entry-facts.ts";
import { arrivalOf } from "./stored-facts.ts";

/** Messages that are kept open when numbers begin again, those met last: few are touched again after so many others. */
const MOST_OPEN = 10_000;

/** Stored values of a message without a known arrival line. */
const NO_ARRIVAL: readonly SqlValue[] = columnsOf(ARRIVAL).map((column) => (column === "fake_reject" ? 0 : null));

/** The mark that each milestone is. */
const MARK_OF: Readonly<Record<keyof typeof MILESTONES, keyof Milestones>> = {
  frozen_at: "frozen",
  thawed_at: "thawed",
  removed_at: "removed",
  cancelled_at: "cancelled",
  rejected_at: "rejected",
  discarded_at: "discarded",
  not_accepted_at: "notAccepted",
  queued_at: "queued",
  ignored_at: "ignored",
};
const MARKED_MILESTONES = columnsOf(MILESTONES).map((column) => MARK_OF[column]);

/** Number of a message that no batch has named yet. */
const NO_NUMBER = -1;

const UNKNOWN: RecipientFate = { status: "unknown", at: undefined };

interface OpenMessage {
  readonly id: number;
  /** In the batches. */
  readonly number: number;
  readonly eximId: string;
  isStored: boolean;
  /** It is among those to be written. */
  isChanged: boolean;
  readonly state: MessageState;
  /** Values of the arrival line, in the order of the columns, while they are not yet written. */
  arrival: readonly SqlValue[] | undefined;
  /** The ids of the recipients in the database, in their order; undefined where it is yet to be looked up. */
  readonly addressIds: (number | undefined)[];
  /** Stored values of each recipient, in their order, so that only changes are written. */
  readonly written: (WrittenRecipient | undefined)[];
}

interface WrittenRecipient {
  readonly status: RecipientStatus;
  readonly at: Moment | undefined;
  readonly attempts: number;
  readonly announced: boolean;
  readonly error: string | undefined;
}

/** The messages of one server. */
export class MessageCache {
  readonly #serverId: number;
  /** By their numbers in the batches. `done`: stored and complete, so that nothing more is expected, and not kept. */
  #numbered: (OpenMessage | "done" | undefined)[] = [];
  /** Open when the numbers began again, by their ids. */
  #carried = new Map<string, OpenMessage>();
  #changed: OpenMessage[] = [];
  /** No message with a greater id was stored when the numbers began; undefined until it is read. */
  #greatestBefore: string | undefined;
  #greatest = "";

  constructor(serverId: number) {
    this.#serverId = serverId;
  }

  /** The numbers of messages begin again. Writes what changed, as {@link save}. */
  renumber(transactor: Transactor): number {
    const added = this.save(transactor);
    transactor.flush();
    const open = this.#numbered.filter((message): message is OpenMessage => typeof message === "object");
    for (const message of open) this.#carried.set(message.eximId, message);
    for (const eximId of this.#carried.keys()) {
      if (this.#carried.size <= MOST_OPEN) break;
      this.#carried.delete(eximId);
    }
    this.#numbered = [];
    if (this.#greatestBefore !== undefined && this.#greatest > this.#greatestBefore)
      this.#greatestBefore = this.#greatest;
    return added;
  }

  /** A line at `at` is about the message with that number; returns its id. */
  meet(transactor: Transactor, number: number, eximId: string, at: Moment): number {
    const known = this.#numbered[number];
    const message = typeof known === "object" ? known : this.#open(transactor, number, eximId, at);
    const { state } = message;
    if (at < state.firstAt) state.firstAt = at;
    if (at > state.lastAt) state.lastAt = at;
    if (!message.isChanged) {
      message.isChanged = true;
      this.#changed.push(message);
    }
    return message.id;
  }

  /** True when no arrival line of a message that was met is as early as one at `at`: that is then told to {@link arrive}. */
  isEarliest(number: number, at: Moment): boolean {
    const { arrivalAt } = this.#met(number).state;
    return arrivalAt === undefined || at < arrivalAt;
  }

  /** Sets the values of a message's earliest arrival line, in the order of the columns. */
  arrive(number: number, at: Moment, arrival: readonly SqlValue[]): void {
    const message = this.#met(number);
    message.state.arrivalAt = at;
    message.arrival = arrival;
  }

  /** Applies a line about a message as a whole. */
  applyUpdate(number: number, at: Moment, update: MessageUpdate): void {
    applyLine(this.#met(number).state, at, update, undefined);
  }

  /** A line names a recipient of a message that was met; `addressId` is that of the address. */
  announce(number: number, address: string, addressId: number): void {
    const { state, addressIds } = this.#met(number);
    const { size } = state.recipients;
    recipientOf(state, address).announced = true;
    if (state.recipients.size > size) addressIds[size] = addressId;
  }

  /** Applies a line about one recipient of a message; `addressId` is the id of its address. */
  applyRecipientEvent(number: number, event: RecipientEvent, addressId: number): void {
    const { state, addressIds } = this.#met(number);
    const { size } = state.recipients;
    applyEvent(state, event);
    if (state.recipients.size > size) addressIds[size] = addressId;
  }

  /** The id in the database of a message that was met. */
  idOf(number: number): number {
    return this.#met(number).id;
  }

  #met(number: number): OpenMessage {
    const message = this.#numbered[number];
    if (typeof message !== "object") throw new Error(`No line of message ${number} was met.`);
    return message;
  }

  /** Derives messages anew from the entries they still have; those without any are removed. Returns how many are. */
  restore(transactor: Transactor, orphaned: readonly OrphanedMessage[], rawText: RawTextReader): number {
    let removed = 0;
    for (const message of orphaned) {
      const { id, eximId, entries } = message;
      this.#carried.delete(eximId);
      const [first] = entries;
      if (first === undefined) {
        transactor.removeMessage(id);
        removed++;
        continue;
      }
      const open: OpenMessage = {
        id,
        number: NO_NUMBER,
        eximId,
        isStored: true,
        isChanged: true,
        state: message.lacksText ? this.#storedState(transactor, message) : newMessageState(first.at),
        arrival: message.lacksText && message.hasArrival ? undefined : NO_ARRIVAL,
        addressIds: [],
        written: [],
      };
      if (!message.lacksText) {
        for (const entry of entries) {
          const parsed = parseEntryText(rawText.entryText(entry.id) ?? "");
          if (parsed !== undefined) foldInto(transactor, open, entry.at, parsed);
        }
      }
      this.#carried.set(eximId, open);
      this.#changed.push(open);
    }
    return removed;
  }

  /**
   * The stored state of a message that lost some of its lines. Milestones of those lines stay: the lines are read again
   * at once.
   */
  #storedState(transactor: Transactor, { eximId, hasArrival }: OrphanedMessage): MessageState {
    const stored = transactor.findMessage(this.#serverId, eximId);
    if (stored === undefined) throw new Error(`The message ${eximId} has entries and is not stored.`);
    return toState(hasArrival ? stored : { ...stored, arrivalAt: undefined });
  }

  /** Writes what changed; returns how many messages were seen for the first time. */
  save(transactor: Transactor): number {
    let added = 0;
    const { messages } = transactor.messageRows;
    for (const message of this.#changed) {
      const fates = this.#saveRecipients(transactor, message);
      const state = stateValues(transactor, message.state, fates);
      saveMilestones(transactor, message);
      if (message.isStored) transactor.updateMessage(message.id, state, message.arrival);
      else {
        messages.put(message.id);
        messages.put(this.#serverId);
        messages.put(message.eximId);
        for (const value of state) messages.put(value);
        for (const value of message.arrival ?? NO_ARRIVAL) messages.put(value);
        messages.endRow();
        added++;
      }
      message.isStored = true;
      message.arrival = undefined;
      message.isChanged = false;
      if (message.state.milestones.completed !== undefined) this.#close(message);
    }
    this.#changed = [];
    return added;
  }

  /** Forgets all: after a rollback, or when another process may have written. */
  forget(): void {
    this.#numbered = [];
    this.#carried.clear();
    this.#changed = [];
    this.#greatestBefore = undefined;
  }

  #close({ number, eximId }: OpenMessage): void {
    if (number === NO_NUMBER) this.#carried.delete(eximId);
    else this.#numbered[number] = "done";
  }

  #open(transactor: Transactor, number: number, eximId: string, at: Moment): OpenMessage {
    const carried = this.#carried.get(eximId);
    if (carried !== undefined) {
      this.#carried.delete(eximId);
      const message = { ...carried, number };
      if (carried.isChanged) this.#changed[this.#changed.indexOf(carried)] = message;
      this.#numbered[number] = message;
      return message;
    }
    const stored = this.#findStored(transactor, number, eximId);
    const message: OpenMessage = {
      id: stored?.id ?? transactor.nextId("stored_messages"),
      number,
      eximId,
      isStored: stored !== undefined,
      isChanged: false,
      state: stored === undefined ? newMessageState(at) : toState(stored),
      arrival: undefined,
      addressIds: [],
      written: [],
    };
    this.#numbered[number] = message;
    return message;
  }

  /** Exim's ids grow with time, so most messages that are met for the first time need not be looked for. */
  #findStored(transactor: Transactor, number: number, eximId: string): StoredMessage | undefined {
    this.#greatestBefore ??= transactor.greatestEximId();
    if (eximId > this.#greatest) this.#greatest = eximId;
    const canBeStored = eximId <= this.#greatestBefore || this.#numbered[number] === "done";
    return canBeStored ? transactor.findMessage(this.#serverId, eximId) : undefined;
  }

  #saveRecipients(
    transactor: Transactor,
    { id, isStored, state, addressIds, written }: OpenMessage,
  ): readonly RecipientStatus[] {
    const fates = resolveRecipients(state);
    const { recipients } = transactor.messageRows;
    let index = -1;
    for (const recipient of state.recipients.values()) {
      const { status, at } = fates[++index] ?? UNKNOWN;
      const { attempts, announced } = recipient;
      const error = recipient.lastError?.error;
      const now = { status, at, attempts, announced, error };
      const known = written[index];
      if (known !== undefined && isSame(known, now)) continue;
      written[index] = now;
      const isDelivered = status === "delivered" && at !== undefined;
      const addressId = addressIds[index] ?? transactor.address(recipient.address);
      const errorId = transactor.optionalString(error);
      const code = transactor.codes.recipientStatus(status);
      const deliveredMs = isDelivered ? momentMs(at) : null;
      if (isStored)
        transactor.putRecipient([id, addressId, announced ? 1 : 0, code, at ?? null, deliveredMs, attempts, errorId]);
      else {
        recipients.put(id);
        recipients.put(addressId);
        recipients.put(announced ? 1 : 0);
        recipients.put(code);
        recipients.put(at ?? null);
        recipients.put(deliveredMs);
        recipients.put(attempts);
        recipients.put(errorId);
        recipients.endRow();
      }
    }
    return fates.map(({ status }) => status);
  }
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

/** Folds an entry whose text is stored. */
function foldInto(transactor: Transactor, message: OpenMessage, at: Moment, parsed: ParsedEntry): void {
  const { state } = message;
  const arrivalAt = state.arrivalAt;
  applyLine(state, at, messageUpdate(parsed.event), storedEvent(parsed.event, at));
  const arrival = arrivalOf(transactor, parsed, at);
  if (arrival !== undefined && (arrivalAt === undefined || at < arrivalAt)) message.arrival = arrival;
}

function toState(stored: StoredMessage): MessageState {
  const state = newMessageState(stored.firstAt);
  state.lastAt = stored.lastAt;
  state.arrivalAt = stored.arrivalAt;
  state.queueMs = stored.queueMs;
  Object.assign(state.milestones, stored.milestones);
  for (const { address, announced } of stored.recipients) recipientOf(state, address).announced = announced;
  for (const event of stored.recipientEvents) applyEvent(state, event);
  return state;
}

/** In the order of the columns. */
function stateValues(transactor: Transactor, state: MessageState, fates: readonly RecipientStatus[]): SqlValue[] {
  return [
    transactor.codes.messageStatus(resolveMessage(state, fates)),
    state.firstAt,
    state.lastAt,
    state.queueMs ?? null,
    state.milestones.completed ?? null,
  ];
}

function saveMilestones(transactor: Transactor, { id, state: { milestones } }: OpenMessage): void {
  if (MARKED_MILESTONES.every((mark) => milestones[mark] === undefined)) return;
  transactor.putMilestones(
    id,
    MARKED_MILESTONES.map((mark) => milestones[mark] ?? null),
  );
}
