/** The messages a run works on: taken from the store when first met, written back once a batch, forgotten when they are many. */
import { Fates } from "../../message/fates.ts";
import { resolveMessage, STATUS_OF, statusWhenOver } from "../../message/resolve.ts";
import {
  applyEvent,
  applyLine,
  type MessageState,
  type Milestones,
  messageUpdate,
  NO_UPDATE,
  newMessageState,
  type RecipientEvent,
  recipientOf,
} from "../../message/state.ts";
import type { MessageStatus, RecipientStatus } from "../../message/statuses.ts";
import { type ParsedEntry, parseEntryText } from "../../parse/record.ts";
import type { SqlValue } from "../../store/database/bulk-insert.ts";
import type { RawTextReader } from "../../store/log-text/blocks.ts";
import { ARRIVAL, columnsOf, MILESTONES } from "../../store/schema/records.ts";
import type { OrphanedMessage, StoredMessage } from "../../store/write/rows.ts";
import type { Transactor } from "../../store/write/transactor.ts";
import type { Moment } from "../../units.ts";
import { isNull } from "../batch/encoded-batch.ts";
import { storedEvent } from "../batch/entry-facts.ts";
import type { BatchDecoder } from "./batch-decoder.ts";
import { type MessageTimes, type NumberedEvent, PlainMessages } from "./plain-messages.ts";
import { type ArrivalRow, arrivalOf } from "./stored-facts.ts";

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

interface NewMessage extends Pick<OpenMessage, "id" | "eximId" | "arrival"> {
  readonly status: MessageStatus;
  readonly times: MessageTimes;
}

/** The number of a message that no batch has named yet. */
const NO_NUMBER = -1;

interface OpenMessage {
  readonly id: number;
  /** In the batches. */
  number: number;
  readonly eximId: string;
  isStored: boolean;
  /** It is among those to be written. */
  isChanged: boolean;
  readonly state: MessageState;
  /** Facts of the arrival line that are yet to be written; "none": there is no such line, whatever is stored. */
  arrival: ArrivalRow | "none" | undefined;
  /** The ids of the recipients in the database, in their order; undefined where it is yet to be looked up. */
  readonly addressIds: (number | undefined)[];
  /** Stored values of each recipient, in their order, so that only changes are written. */
  readonly written: (WrittenRecipient | undefined)[];
  readonly fates: Fates;
  /** Places of recipients with lines since they were resolved. */
  unresolved: Set<number> | "all";
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
  /**
   * By their numbers in the batches. A number: its place among the plain ones. `done`: stored and complete, so that nothing more is
   * expected, and not kept.
   */
  #numbered: (OpenMessage | number | "done" | undefined)[] = [];
  readonly #plain = new PlainMessages();
  /** Knows what the numbers stand for. */
  #decoder: BatchDecoder | undefined;
  /** Open when the numbers began again, by their ids. */
  #carried = new Map<string, OpenMessage>();
  /** In the order in which they were met; plain ones by their places. */
  #changed: (OpenMessage | number)[] = [];
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

  /** Reads the numbers of later calls with `decoder`. */
  readFrom(decoder: BatchDecoder): void {
    this.#decoder = decoder;
  }

  /** A line at `at` is about the message with that number. */
  meet(transactor: Transactor, number: number, at: Moment): void {
    const known = this.#numbered[number];
    if (typeof known === "number") {
      this.#plain.meet(known, at);
      return;
    }
    const message = typeof known === "object" ? known : this.#open(transactor, number, at);
    if (message === undefined) return;
    const { state } = message;
    if (at < state.firstAt) state.firstAt = at;
    if (at > state.lastAt) state.lastAt = at;
    if (!message.isChanged) {
      message.isChanged = true;
      this.#changed.push(message);
    }
  }

  /** True when no arrival line of a message that was met is as early as one at `at`: {@link arrive} then takes that line. */
  isEarliest(number: number, at: Moment): boolean {
    const known = this.#numbered[number];
    const arrivalAt = typeof known === "number" ? this.#plain.arrivalOf(known)?.at : this.#met(number).state.arrivalAt;
    return arrivalAt === undefined || at < arrivalAt;
  }

  /** Takes the facts of the earliest arrival line of a message that was met. */
  arrive(number: number, arrival: ArrivalRow): void {
    const known = this.#numbered[number];
    if (typeof known === "number") {
      this.#plain.arrive(known, arrival);
      return;
    }
    const message = this.#met(number);
    message.state.arrivalAt = arrival.at;
    message.arrival = arrival;
  }

  /** A line at `at` gives a message that was met a mark. `queueMs`: of `Completed`, null as in a row. */
  mark(number: number, mark: keyof Milestones, at: Moment, queueMs: number): void {
    const known = this.#numbered[number];
    if (typeof known === "number" && mark === "completed" && this.#plain.complete(known, at, queueMs)) return;
    const message = this.#met(number);
    applyLine(message.state, at, { ...NO_UPDATE, mark, queueMs: isNull(queueMs) ? undefined : queueMs }, undefined);
    message.unresolved = "all";
  }

  /** A line names a recipient of a message that was met, by the number of its address. */
  announce(number: number, address: number): void {
    const known = this.#numbered[number];
    if (typeof known === "number" && this.#plain.announce(known, address)) return;
    const message = this.#met(number);
    recipientOf(message.state, this.#reading.addresses.textOf(address)).announced = true;
    this.#markUnresolved(message, address);
  }

  /** Takes the event of one recipient of a message that was met. */
  applyRecipientEvent(number: number, event: NumberedEvent): void {
    const known = this.#numbered[number];
    if (typeof known === "number" && this.#plain.applyRecipientEvent(known, event)) return;
    const message = this.#met(number);
    applyEvent(message.state, this.#toRecipientEvent(event));
    this.#markUnresolved(message, event.recipient);
  }

  /** A line named a recipient, by the number of its address. */
  #markUnresolved({ state, addressIds, unresolved }: OpenMessage, address: number): void {
    const { addresses } = this.#reading;
    const place = state.recipients.placeOf(addresses.textOf(address));
    if (place === undefined) throw new Error("The recipient of a line is not in the state of its message.");
    addressIds[place] ??= addresses.idOf(address);
    if (unresolved !== "all") unresolved.add(place);
  }

  /** The id in the database of a message that was met. */
  idOf(number: number): number {
    const known = this.#numbered[number];
    return typeof known === "number" ? this.#plain.idOf(known) : this.#met(number).id;
  }

  get #reading(): BatchDecoder {
    if (this.#decoder === undefined) throw new Error("Numbers are read before readFrom named their batch.");
    return this.#decoder;
  }

  /** A message that was met, as an object from now on. */
  #met(number: number): OpenMessage {
    const message = this.#numbered[number];
    if (typeof message === "number") return this.#unpack(number, message);
    if (typeof message !== "object") throw new Error(`No line of message ${number} was met.`);
    return message;
  }

  /** Makes an object of a plain message. Its place stays among those that are to be written. */
  #unpack(number: number, place: number): OpenMessage {
    const plain = this.#plain;
    const { addresses } = this.#reading;
    const addressIds: number[] = [];
    plain.eachRecipient(place, ({ recipient }) => addressIds.push(addresses.idOf(recipient)));
    const message: OpenMessage = {
      id: plain.idOf(place),
      number,
      eximId: this.#reading.messageOf(number),
      isStored: false,
      isChanged: true,
      state: plain.stateOf(place, (address) => addresses.textOf(address), this.#toRecipientEvent),
      arrival: plain.arrivalOf(place),
      addressIds,
      written: [],
      fates: new Fates(),
      unresolved: "all",
    };
    this.#numbered[number] = message;
    return message;
  }

  readonly #toRecipientEvent = ({ recipient, final, outcome, at, isAttempt, error }: NumberedEvent): RecipientEvent => {
    const { addresses } = this.#reading;
    const address = addresses.textOf(recipient);
    const target = isNull(final) ? address : addresses.textOf(final);
    return { recipient: address, target, outcome, at, isAttempt, error: this.#reading.optionalText(error) };
  };

  /** Derives messages again from the entries they still have; those without any are removed. Returns how many are. */
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
        arrival: message.lacksText && message.hasArrival ? undefined : "none",
        addressIds: [],
        written: [],
        fates: new Fates(),
        unresolved: "all",
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
    for (const changed of this.#changed) {
      const message = typeof changed === "object" ? changed : this.#savePlain(transactor, changed);
      if (message?.isStored !== true) added++;
      if (message !== undefined) this.#save(transactor, message);
    }
    this.#changed = [];
    this.#plain.clear();
    return added;
  }

  #save(transactor: Transactor, message: OpenMessage): void {
    const { id, eximId, isStored, state, arrival } = message;
    const status = resolveMessage(state, this.#saveRecipients(transactor, message));
    saveMilestones(transactor, message);
    if (isStored)
      transactor.updateMessage(id, stateValues(transactor, status, state), arrival && arrivalValues(arrival));
    else this.#add(transactor, { id, eximId, status, times: state, arrival });
    message.isStored = true;
    message.arrival = undefined;
    message.isChanged = false;
    if (state.milestones.completed !== undefined) this.#close(message);
  }

  /** Writes a plain message that is over; returns it when it is not, or is no longer plain. */
  #savePlain(transactor: Transactor, place: number): OpenMessage | undefined {
    const plain = this.#plain;
    const number = plain.numberOf(place);
    if (this.#numbered[number] !== place || !plain.isOver(place)) return this.#met(number);
    const { codes } = transactor;
    const { recipients } = transactor.messageRows;
    const { addresses, strings } = this.#reading;
    const id = plain.idOf(place);
    const statuses: RecipientStatus[] = [];
    plain.eachRecipient(place, ({ recipient, announced, outcome, at, isAttempt, error }) => {
      const status = STATUS_OF[outcome];
      statuses.push(status);
      recipients.put(id);
      recipients.put(addresses.idOf(recipient));
      recipients.put(announced ? 1 : 0);
      recipients.put(codes.recipientStatus(status));
      recipients.put(at);
      recipients.put(isAttempt ? 1 : 0);
      recipients.put(isNull(error) ? null : strings.idOf(error));
      recipients.endRow();
    });
    const status = statusWhenOver(statuses);
    if (status === undefined) throw new Error("A message that is over has no recipients.");
    const eximId = this.#reading.messageOf(number);
    this.#add(transactor, { id, eximId, status, times: plain.timesOf(place), arrival: plain.arrivalOf(place) });
    this.#numbered[number] = "done";
    return undefined;
  }

  #add({ codes, messageRows: { messages } }: Transactor, { id, eximId, status, times, arrival }: NewMessage): void {
    messages.put(id);
    messages.put(this.#serverId);
    messages.put(eximId);
    messages.put(codes.messageStatus(status));
    messages.put(times.firstAt);
    messages.put(times.lastAt);
    messages.put(times.queueMs ?? null);
    messages.put(times.milestones.completed ?? null);
    if (arrival === undefined || arrival === "none") for (const value of NO_ARRIVAL) messages.put(value);
    else arrival.writeTo(messages);
    messages.endRow();
  }

  /** Forgets all: after a rollback, or when another process may have written. */
  forget(): void {
    this.#numbered = [];
    this.#plain.clear();
    this.#carried.clear();
    this.#changed = [];
    this.#greatestBefore = undefined;
  }

  #close({ number, eximId }: OpenMessage): void {
    if (number === NO_NUMBER) this.#carried.delete(eximId);
    else this.#numbered[number] = "done";
  }

  /** Begins with a message; returns it when it is not plain. */
  #open(transactor: Transactor, number: number, at: Moment): OpenMessage | undefined {
    const eximId = this.#reading.messageOf(number);
    const carried = this.#carried.get(eximId);
    if (carried !== undefined) {
      this.#carried.delete(eximId);
      carried.number = number;
      this.#numbered[number] = carried;
      return carried;
    }
    const stored = this.#findStored(transactor, number, eximId);
    if (stored === undefined) {
      const place = this.#plain.add(transactor.nextId("stored_messages"), number, at);
      this.#numbered[number] = place;
      this.#changed.push(place);
      return undefined;
    }
    const message: OpenMessage = {
      id: stored.id,
      number,
      eximId,
      isStored: true,
      isChanged: false,
      state: toState(stored),
      arrival: undefined,
      addressIds: [],
      written: [],
      fates: new Fates(),
      unresolved: "all",
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

  /** Returns the statuses of its recipients, each at least once. */
  #saveRecipients(transactor: Transactor, message: OpenMessage): readonly RecipientStatus[] {
    const { id, isStored, state, addressIds, written, fates } = message;
    const recipientStates = state.recipients.values();
    const { recipients } = transactor.messageRows;
    for (const place of fates.update(state, message.unresolved)) {
      const recipient = recipientStates[place];
      if (recipient === undefined) continue;
      const { status, at } = fates.at(place);
      const { attempts, announced } = recipient;
      const error = recipient.lastError?.error;
      const now = { status, at, attempts, announced, error };
      const known = written[place];
      if (known !== undefined && isSame(known, now)) continue;
      written[place] = now;
      const addressId = addressIds[place] ?? transactor.address(recipient.address);
      const errorId = transactor.optionalString(error);
      const code = transactor.codes.recipientStatus(status);
      if (isStored) transactor.putRecipient([id, addressId, announced ? 1 : 0, code, at ?? null, attempts, errorId]);
      else {
        recipients.put(id);
        recipients.put(addressId);
        recipients.put(announced ? 1 : 0);
        recipients.put(code);
        recipients.put(at ?? null);
        recipients.put(attempts);
        recipients.put(errorId);
        recipients.endRow();
      }
    }
    message.unresolved = new Set();
    return fates.statuses;
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
function stateValues({ codes }: Transactor, status: MessageStatus, times: MessageTimes): SqlValue[] {
  const { firstAt, lastAt, queueMs, milestones } = times;
  return [codes.messageStatus(status), firstAt, lastAt, queueMs ?? null, milestones.completed ?? null];
}

/** In the order of the columns. */
function arrivalValues(arrival: NonNullable<OpenMessage["arrival"]>): readonly SqlValue[] {
  if (arrival === "none") return NO_ARRIVAL;
  const values: SqlValue[] = [];
  arrival.writeTo({ put: (value) => values.push(value) });
  return values;
}

function saveMilestones(transactor: Transactor, { id, state: { milestones } }: OpenMessage): void {
  if (MARKED_MILESTONES.every((mark) => milestones[mark] === undefined)) return;
  transactor.putMilestones(
    id,
    MARKED_MILESTONES.map((mark) => milestones[mark] ?? null),
  );
}
