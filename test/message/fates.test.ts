/** Recipients that are resolved one by one as lines come: the same as all at once, in steps that grow as the lines do. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Fates } from "../../src/message/fates.ts";
import { resolveMessage, resolveRecipients } from "../../src/message/resolve.ts";
import { applyEvent, newMessageState, type RecipientEvent, recipientOf } from "../../src/message/state.ts";
import { OUTCOMES } from "../../src/message/statuses.ts";
import type { Moment } from "../../src/units.ts";

const address = (number: number): string => `u${number}@d.example`;
const word = fc.record({
  recipient: fc.nat(14).map(address),
  target: fc.oneof(fc.nat(14).map(address), fc.constant("u1")),
  outcome: fc.constantFrom(...OUTCOMES),
  at: fc.nat(9).map((at) => at as Moment),
  isAttempt: fc.boolean(),
  error: fc.constantFrom(undefined, "550 no"),
});
const told = fc.oneof({ weight: 9, arbitrary: word }, { weight: 1, arbitrary: fc.constant("completed" as const) });

test("are those of all at once, after each transaction", () => {
  fc.assert(
    fc.property(fc.nat(14), fc.array(fc.array(told, { maxLength: 3 }), { maxLength: 20 }), (named, transactions) => {
      const state = newMessageState(0 as Moment);
      const fates = new Fates();
      for (let number = 0; number < named; number++) recipientOf(state, address(number)).announced = true;
      fates.update(state, "all");
      for (const lines of transactions) {
        const before = resolveRecipients(state);
        const places = new Set<number>();
        let isAll = false;
        for (const line of lines) {
          if (line === "completed") {
            state.milestones.completed = 5 as Moment;
            isAll = true;
          } else {
            applyEvent(state, line);
            places.add(state.recipients.placeOf(line.recipient) ?? -1);
          }
        }
        const updated = [...fates.update(state, isAll ? "all" : places)];
        const expected = resolveRecipients(state);
        expect(expected.map((_fate, place) => fates.at(place))).toEqual(expected);
        const statuses = expected.map(({ status }) => status);
        expect(new Set(fates.statuses)).toEqual(new Set(statuses));
        expect(resolveMessage(state, fates.statuses)).toBe(resolveMessage(state, statuses));
        for (const [place, fate] of expected.entries())
          if (!updated.includes(place)) expect(before[place]).toEqual(fate);
      }
    }),
  );
});

test("of a message with many recipients are resolved in steps that grow as its lines do", () => {
  const steps = (count: number): number => {
    const state = newMessageState(0 as Moment);
    const fates = new Fates();
    let looks = 0;
    for (let number = 0; number < count; number++) recipientOf(state, address(number));
    fates.update(state, "all");
    for (let number = 0; number < count; number++) {
      const event: RecipientEvent = {
        recipient: address(number),
        target: address(number),
        get outcome() {
          looks++;
          return "delivered" as const;
        },
        at: 1 as Moment,
        isAttempt: true,
        error: undefined,
      };
      applyEvent(state, event);
      fates.update(state, new Set([number]));
    }
    expect([...fates.statuses]).toEqual(["delivered"]);
    return looks;
  };
  expect(steps(800)).toBeGreaterThan(800);
  expect(steps(1600)).toBeLessThan(3 * steps(800));
});
