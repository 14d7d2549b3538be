/** Messages as numbers: whatever is told of one, and wherever that no longer fits, its state is that of the fold. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { NULL } from "../../src/ingest/batch/encoded-batch.ts";
import { type NumberedEvent, PlainMessages } from "../../src/ingest/save/plain-messages.ts";
import { resolveMessage, resolveRecipients, STATUS_OF, statusWhenOver } from "../../src/message/resolve.ts";
import {
  applyEvent,
  applyLine,
  type MessageState,
  NO_UPDATE,
  newMessageState,
  type RecipientEvent,
  recipientOf,
} from "../../src/message/state.ts";
import { OUTCOMES } from "../../src/message/statuses.ts";
import type { Moment } from "../../src/units.ts";

const ADDRESSES = Array.from({ length: 12 }, (_, number) => `u${number}@d.example`);
const ERRORS = ["retry timeout exceeded", "550 no"];

const address = fc.nat(ADDRESSES.length - 1);
const at = fc.integer({ min: 1, max: 9 }).map((moment) => (moment * 1000) as Moment);
const word = fc.record({
  recipient: address,
  final: fc.oneof(fc.constant(NULL), address),
  outcome: fc.constantFrom(...OUTCOMES),
  at,
  isAttempt: fc.boolean(),
  error: fc.oneof(fc.constant(NULL), fc.nat(ERRORS.length - 1)),
}) satisfies fc.Arbitrary<NumberedEvent>;
const told = fc.oneof(
  fc.record({ kind: fc.constant("announced" as const), address, at }),
  fc.record({ kind: fc.constant("event" as const), word }),
  fc.record({ kind: fc.constant("completed" as const), at, queueMs: fc.oneof(fc.constant(NULL), fc.nat(9)) }),
);
type Told = Parameters<Parameters<(typeof told)["map"]>[0]>[0];

function toWord({ recipient, final, outcome, at: moment, isAttempt, error }: NumberedEvent): RecipientEvent {
  const own = textOf(recipient);
  const target = Number.isNaN(final) ? own : textOf(final);
  return { recipient: own, target, outcome, at: moment, isAttempt, error: ERRORS[error] };
}

function textOf(number: number): string {
  return ADDRESSES[number] ?? "";
}

function fold(state: MessageState, line: Told): void {
  if (line.kind === "event") applyLine(state, line.word.at, undefined, toWord(line.word));
  else if (line.kind === "announced") {
    applyLine(state, line.at, undefined, undefined);
    recipientOf(state, textOf(line.address)).announced = true;
  } else {
    const queueMs = Number.isNaN(line.queueMs) ? undefined : line.queueMs;
    applyLine(state, line.at, { ...NO_UPDATE, mark: "completed", queueMs }, undefined);
  }
}

/** False: it does not fit, and nothing but the moment is noted. */
function tellPlain(messages: PlainMessages, place: number, line: Told): boolean {
  messages.meet(place, line.kind === "event" ? line.word.at : line.at);
  if (line.kind === "event") return messages.applyRecipientEvent(place, { ...line.word });
  if (line.kind === "announced") return messages.announce(place, line.address);
  return messages.complete(place, line.at, line.queueMs);
}

const FIRST = 5000 as Moment;

test("a plain message is in the state of the fold, also when it goes on as an object", () => {
  fc.assert(
    fc.property(fc.array(told, { maxLength: 14 }), fc.array(told, { maxLength: 4 }), (lines, others) => {
      const messages = new PlainMessages();
      const place = messages.add(7, 3, FIRST);
      const other = messages.add(8, 4, FIRST);
      const expected = newMessageState(FIRST);
      let state: MessageState | undefined;
      for (const [index, line] of lines.entries()) {
        const between = others[index];
        if (between !== undefined) tellPlain(messages, other, between);
        fold(expected, line);
        if (state !== undefined) fold(state, line);
        else if (!tellPlain(messages, place, line)) {
          state = messages.stateOf(place, textOf, toWord);
          fold(state, line);
        }
      }
      const isOver = state === undefined && messages.isOver(place);
      const statuses = resolveRecipients(expected).map(({ status }) => status);
      if (isOver) expect(statusWhenOver(statuses)).toBe(resolveMessage(expected, statuses));
      if (isOver) messages.eachRecipient(place, ({ outcome }) => expect(STATUS_OF[outcome]).toBe(statuses.shift()));
      expect(state ?? messages.stateOf(place, textOf, toWord)).toEqual(expected);
      expect([messages.idOf(place), messages.numberOf(place), messages.idOf(other)]).toEqual([7, 3, 8]);
    }),
  );
});

test("a message that ends as most do stays plain", () => {
  const messages = new PlainMessages();
  const place = messages.add(1, 0, FIRST);
  const event = (recipient: number): NumberedEvent => ({ ...delivered, recipient });
  expect(messages.isOver(place)).toBe(false);
  expect([messages.announce(place, 0), messages.announce(place, 1)]).toEqual([true, true]);
  expect([messages.applyRecipientEvent(place, event(0)), messages.complete(place, FIRST, NULL)]).toEqual([true, true]);
  expect(messages.isOver(place)).toBe(false);
  expect([messages.applyRecipientEvent(place, event(1)), messages.isOver(place)]).toEqual([true, true]);
  expect([messages.applyRecipientEvent(place, event(1)), messages.complete(place, FIRST, NULL)]).toEqual([
    false,
    false,
  ]);
  const state = messages.stateOf(place, textOf, toWord);
  expect(state.recipients.keys()).toEqual(ADDRESSES.slice(0, 2));
  applyEvent(state, toWord(event(2)));
  messages.clear();
  expect(messages.isOver(messages.add(2, 0, FIRST))).toBe(false);
});

const delivered = { recipient: 0, final: NULL, outcome: "delivered", at: FIRST, isAttempt: true, error: NULL } as const;
