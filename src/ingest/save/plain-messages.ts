/** The messages of a transaction that have the usual lines only, as rows of numbers. */
import {
  applyEvent,
  type MessageState,
  type Milestones,
  newMessageState,
  type RecipientEvent,
  recipientOf,
} from "../../message/state.ts";
import { OUTCOMES, type Outcome } from "../../message/statuses.ts";
import { offsetsOf } from "../../store/schema/records.ts";
import type { Moment } from "../../units.ts";
import { isNull, NULL } from "../batch/encoded-batch.ts";
import type { ArrivalRow } from "./stored-facts.ts";

/** Facts of a line about one recipient: addresses and error by their numbers, null as in a row. */
export interface NumberedEvent {
  recipient: number;
  /** The address that it became; null when that is the recipient. */
  final: number;
  outcome: Outcome;
  at: Moment;
  isAttempt: boolean;
  error: number;
}

/** The moments that are stored with a message. */
export interface MessageTimes extends Pick<MessageState, "firstAt" | "lastAt" | "queueMs"> {
  readonly milestones: Pick<Milestones, "completed">;
}

/** A recipient and its one event; without meaning but for the number where {@link hasEvent} is false. */
interface PlainRecipient extends NumberedEvent {
  announced: boolean;
  hasEvent: boolean;
}

const message = offsetsOf({
  id: "number",
  number: "number",
  first_at: "number",
  last_at: "number",
  completed_at: "number?",
  queue_ms: "number?",
  /** Where its first recipient is. */
  recipient: "number?",
});
const recipient = offsetsOf({
  address: "number",
  announced: "flag",
  /** Its place in {@link OUTCOMES}; null while no event tells of it, and the four below hold nothing then. */
  outcome: "number?",
  at: "number",
  is_attempt: "flag",
  final: "number?",
  error: "number?",
  /** Where the next one of the message is. */
  next: "number?",
});
const MESSAGE_WIDTH = Object.keys(message).length;
const RECIPIENT_WIDTH = Object.keys(recipient).length;

/** They are looked through one by one. */
const MOST_RECIPIENTS = 8;
const FIRST_ROWS = 1024;

/**
 * Most messages arrive, have one event for each recipient and are completed, all within a transaction. As objects they would live as
 * long as that, and moving them is most of what the garbage collector has to do. A method that returns false has changed nothing: the
 * line does not fit in a row, and {@link stateOf} goes on.
 */
export class PlainMessages {
  #messages = new Float64Array(FIRST_ROWS * MESSAGE_WIDTH);
  #recipients = new Float64Array(FIRST_ROWS * RECIPIENT_WIDTH);
  #messagesEnd = 0;
  #recipientsEnd = 0;
  /** In the order of the messages. */
  readonly #arrivals: (ArrivalRow | undefined)[] = [];

  /** Begins a message; returns its place. */
  add(id: number, number: number, at: Moment): number {
    const place = this.#messagesEnd;
    this.#messagesEnd += MESSAGE_WIDTH;
    if (this.#messagesEnd > this.#messages.length) this.#messages = doubled(this.#messages);
    const row = this.#messages;
    row[place + message.id] = id;
    row[place + message.number] = number;
    row[place + message.first_at] = at;
    row[place + message.last_at] = at;
    row[place + message.completed_at] = NULL;
    row[place + message.queue_ms] = NULL;
    row[place + message.recipient] = NULL;
    this.#arrivals.push(undefined);
    return place;
  }

  idOf(place: number): number {
    return this.#messages[place + message.id] as number;
  }

  /** Returns the number of the message in the batches. */
  numberOf(place: number): number {
    return this.#messages[place + message.number] as number;
  }

  timesOf(place: number): MessageTimes {
    const row = this.#messages;
    return {
      firstAt: row[place + message.first_at] as Moment,
      lastAt: row[place + message.last_at] as Moment,
      queueMs: optional(row[place + message.queue_ms] as number),
      milestones: { completed: optional(row[place + message.completed_at] as number) as Moment | undefined },
    };
  }

  /** Returns the facts of the earliest arrival line; undefined while there is none. */
  arrivalOf(place: number): ArrivalRow | undefined {
    return this.#arrivals[place / MESSAGE_WIDTH];
  }

  /** A line at `at` is about the message. */
  meet(place: number, at: Moment): void {
    const row = this.#messages;
    if (at < (row[place + message.first_at] as number)) row[place + message.first_at] = at;
    if (at > (row[place + message.last_at] as number)) row[place + message.last_at] = at;
  }

  arrive(place: number, arrival: ArrivalRow): void {
    this.#arrivals[place / MESSAGE_WIDTH] = arrival;
  }

  /** `queueMs`: null as in a row. */
  complete(place: number, at: Moment, queueMs: number): boolean {
    const row = this.#messages;
    if (!isNull(row[place + message.completed_at] as number)) return false;
    row[place + message.completed_at] = at;
    row[place + message.queue_ms] = queueMs;
    return true;
  }

  /** A line names a recipient, by the number of its address. */
  announce(place: number, address: number): boolean {
    const found = this.#find(place, address);
    if (found === undefined) return false;
    this.#recipients[found + recipient.announced] = 1;
    return true;
  }

  applyRecipientEvent(place: number, event: NumberedEvent): boolean {
    // NOTE: more is expected of a deferral, and of other recipients after a rejection; an error without an attempt may be none of the recipient's own.
    if (event.outcome === "deferred" || event.outcome === "rejected" || (!event.isAttempt && !isNull(event.error)))
      return false;
    const found = this.#find(place, event.recipient);
    if (found === undefined || !isNull(this.#recipients[found + recipient.outcome] as number)) return false;
    const row = this.#recipients;
    row[found + recipient.outcome] = OUTCOMES.indexOf(event.outcome);
    row[found + recipient.at] = event.at;
    row[found + recipient.is_attempt] = event.isAttempt ? 1 : 0;
    row[found + recipient.final] = event.final;
    row[found + recipient.error] = event.error;
    return true;
  }

  /** True when it is completed, and each of its recipients, one at least, has had its event: nothing more is expected. */
  isOver(place: number): boolean {
    const row = this.#recipients;
    if (isNull(this.#messages[place + message.completed_at] as number)) return false;
    let next = this.#messages[place + message.recipient] as number;
    if (isNull(next)) return false;
    for (; !isNull(next); next = row[next + recipient.next] as number)
      if (isNull(row[next + recipient.outcome] as number)) return false;
    return true;
  }

  /** Calls `action` for each recipient, with an object that is the next one's afterwards. */
  eachRecipient(place: number, action: (recipient: PlainRecipient) => void): void {
    let next = this.#messages[place + message.recipient] as number;
    for (; !isNull(next); next = this.#recipients[next + recipient.next] as number) action(this.#read(next));
  }

  /** The same as an object. `toEvent`: the event with texts instead of numbers. */
  stateOf(
    place: number,
    addressOf: (number: number) => string,
    toEvent: (event: NumberedEvent) => RecipientEvent,
  ): MessageState {
    const { firstAt, lastAt, queueMs, milestones } = this.timesOf(place);
    const state = newMessageState(firstAt);
    state.lastAt = lastAt;
    state.arrivalAt = this.arrivalOf(place)?.at;
    state.queueMs = queueMs;
    state.milestones.completed = milestones.completed;
    this.eachRecipient(place, (one) => {
      recipientOf(state, addressOf(one.recipient)).announced = one.announced;
      if (one.hasEvent) applyEvent(state, toEvent(one));
    });
    return state;
  }

  /** Forgets all. */
  clear(): void {
    this.#messagesEnd = 0;
    this.#recipientsEnd = 0;
    this.#arrivals.length = 0;
  }

  readonly #one: PlainRecipient = {
    recipient: 0,
    announced: false,
    hasEvent: false,
    outcome: "delivered",
    at: 0 as Moment,
    isAttempt: false,
    final: NULL,
    error: NULL,
  };

  #read(start: number): PlainRecipient {
    const row = this.#recipients;
    const one = this.#one;
    one.recipient = row[start + recipient.address] as number;
    one.announced = row[start + recipient.announced] === 1;
    const outcome = OUTCOMES[row[start + recipient.outcome] as number];
    one.hasEvent = outcome !== undefined;
    if (outcome === undefined) return one;
    one.outcome = outcome;
    one.at = row[start + recipient.at] as Moment;
    one.isAttempt = row[start + recipient.is_attempt] === 1;
    one.final = row[start + recipient.final] as number;
    one.error = row[start + recipient.error] as number;
    return one;
  }

  /** Where a recipient is, which is added where there is none; undefined when there are too many. */
  #find(place: number, address: number): number | undefined {
    const row = this.#recipients;
    const first = this.#messages[place + message.recipient] as number;
    let last = NULL;
    let count = 0;
    for (let next = first; !isNull(next); next = row[next + recipient.next] as number) {
      if (row[next + recipient.address] === address) return next;
      last = next;
      count++;
    }
    if (count === MOST_RECIPIENTS) return undefined;
    const added = this.#addRecipient(address);
    if (isNull(last)) this.#messages[place + message.recipient] = added;
    else this.#recipients[last + recipient.next] = added;
    return added;
  }

  #addRecipient(address: number): number {
    const start = this.#recipientsEnd;
    this.#recipientsEnd += RECIPIENT_WIDTH;
    if (this.#recipientsEnd > this.#recipients.length) this.#recipients = doubled(this.#recipients);
    const row = this.#recipients;
    row[start + recipient.address] = address;
    row[start + recipient.announced] = 0;
    row[start + recipient.outcome] = NULL;
    row[start + recipient.next] = NULL;
    return start;
  }
}

function optional(number: number): number | undefined {
  return isNull(number) ? undefined : number;
}

function doubled(numbers: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const longer = new Float64Array(numbers.length * 2);
  longer.set(numbers);
  return longer;
}
