import { describe, expect, test } from "vitest";
import { rankOf } from "../../src/message/order.ts";
import type { LogEvent } from "../../src/parse/events.ts";
import {
  aCompletion,
  aDeferral,
  aDelivery,
  aFailure,
  aFreeze,
  anArrival,
  anEdit,
  anythingElse,
  aQueuing,
  aRejection,
  aRetryTimeout,
  aThaw,
  ONE_OF_EACH,
} from "../support/events.ts";

function rank(event: LogEvent, text = ""): number {
  return rankOf(event, text);
}

/** Expects that each comes before the next when all happen in one second. */
function expectOrder(...ranks: readonly number[]): void {
  expect(ranks).toEqual([...ranks].sort((one, other) => one - other));
  expect(new Set(ranks).size).toBe(ranks.length);
}

describe("rankOf", () => {
  test.each(ONE_OF_EACH.map((event) => [event.kind, event] as const))(
    "gives %s a rank below one thousand",
    (_kind, event) => {
      const value = rank(event);
      expect(Number.isInteger(value)).toBe(true);
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThan(1000);
    },
  );

  test("orders the life of a message within one second", () => {
    expectOrder(
      rank(anArrival()),
      rank(aQueuing()),
      rank(aThaw()),
      rank(aDeferral()),
      rank(aFailure()),
      rank(aDelivery()),
      rank(aFreeze()),
      rank(aCompletion()),
    );
  });

  test("puts a cutthrough delivery before the arrival, as Exim writes them", () => {
    expectOrder(rank(aDelivery({ flag: ">>" })), rank(anArrival()), rank(aDelivery({ flag: "->" })));
  });

  test("puts a delivery that was only simulated before a real one", () => {
    expectOrder(rank(aDelivery({ flag: "*>" })), rank(aDelivery()));
  });

  test("puts a retry timeout after the failure and the deferral of the same attempt", () => {
    expectOrder(rank(aDeferral()), rank(aFailure()), rank(aRetryTimeout()));
  });

  test("puts a recipient marked as delivered after all that a run did to it", () => {
    expectOrder(rank(aDeferral()), rank(aFailure()), rank(anEdit({ action: "marked_delivered" })), rank(aCompletion()));
    expectOrder(rank(anEdit({ action: "recipient_added" })), rank(aDeferral()));
  });

  test("puts what an administrator did by hand after what a run did", () => {
    const freeze = rank(aFreeze(), "Frozen (delivery error message)");
    const freezeByHand = rank(aFreeze({ by: "root" }), "frozen by root");
    const thaw = rank(aThaw(), "Unfrozen by forced delivery");
    const thawByHand = rank(aThaw({ by: "root" }), "unfrozen by root");
    expectOrder(thaw, freeze, freezeByHand, thawByHand);
  });

  test("depends on the event and its text alone", () => {
    for (const event of [...ONE_OF_EACH, aRejection(), anythingElse()]) expect(rank(event)).toBe(rank({ ...event }));
  });
});
