import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { recipientEvent } from "../../src/message/state.ts";
import { MESSAGE_STATUSES, OUTCOMES, RECIPIENT_STATUSES } from "../../src/message/statuses.ts";
import type { LogEvent } from "../../src/parse/events.ts";
import {
  ALICE,
  aCancellation,
  aCompletion,
  aDeferral,
  aDelivery,
  aDiscard,
  aFailure,
  aFreeze,
  aNonAcceptance,
  anAddress,
  anArrival,
  anEdit,
  aPrdrAnswer,
  aQueuing,
  aRejection,
  aRemoval,
  aRetrySkip,
  aRetryTimeout,
  aThaw,
  at,
  BOB,
  fatesOf,
  fold,
  type Happening,
  ignoredRecipients,
  momentOf,
  ONE_OF_EACH,
} from "../support/events.ts";

describe("recipientEvent", () => {
  function outcomeOf(event: LogEvent) {
    return recipientEvent(event, momentOf(at(0, event)))?.outcome;
  }

  test("every outcome is said by some event", () => {
    const events = [
      aDelivery(),
      aDelivery({ flag: "*>" }),
      aDiscard(),
      aFailure(),
      aDeferral(),
      anEdit({ action: "marked_delivered" }),
      aPrdrAnswer(),
    ];
    expect(events.map(outcomeOf).sort()).toEqual([...OUTCOMES].sort());
  });

  test("only lines about an address say something about one", () => {
    const silent = ONE_OF_EACH.filter((event) => outcomeOf(event) === undefined).map(({ kind }) => kind);
    const speaking = ONE_OF_EACH.filter((event) => outcomeOf(event) !== undefined).map(({ kind }) => kind);
    expect(speaking).toEqual(["delivery", "discard", "deferral", "failure", "envelope_edit"]);
    expect(silent).toHaveLength(ONE_OF_EACH.length - speaking.length);
    expect(outcomeOf(aDiscard({ address: undefined }))).toBeUndefined();
    expect(outcomeOf(anEdit({ action: "recipient_added" }))).toBeUndefined();
  });

  test("the recipient is the original address, the target what it became", () => {
    const delivery = aDelivery({ address: anAddress("List@Example.ORG", "Bob@Rules.EXAMPLE") });
    expect(recipientEvent(delivery, momentOf(at(0, delivery)))).toMatchObject({
      recipient: "List@example.org",
      target: "Bob@rules.example",
    });
  });
});

describe("the fold", () => {
  test("takes its bounds from the earliest and the latest line", () => {
    const [arrival, delivery, completion] = [at(10, anArrival()), at(11, aDelivery()), at(12, aCompletion())] as const;
    const state = fold([delivery, completion, arrival]);
    expect(state).toMatchObject({
      firstAt: momentOf(arrival),
      lastAt: momentOf(completion),
      arrivalAt: momentOf(arrival),
    });
  });

  test("keeps the first of several arrivals, and the last of every other mark", () => {
    const state = fold([at(5, anArrival()), at(0, anArrival()), at(7, aFreeze()), at(3, aFreeze())]);
    expect(state.arrivalAt).toBe(momentOf(at(0, anArrival())));
    expect(state.milestones.frozen).toBe(momentOf(at(7, aFreeze())));
  });

  test("keeps the time on the queue of the last completion", () => {
    expect(fold([at(9, aCompletion({ queueMs: 9000 })), at(5, aCompletion({ queueMs: 5000 }))]).queueMs).toBe(9000);
  });

  test("counts what was tried, and nothing else", () => {
    const history = [
      at(0, anArrival()),
      at(1, aDeferral()),
      at(60, aRetrySkip()),
      at(90, aDeferral()),
      at(90, aRetryTimeout()),
    ];
    expect(fold(history).recipients.get(ALICE)?.attempts).toBe(2);
    expect(fold([at(0, aDiscard()), at(1, anEdit())]).recipients.get(ALICE)?.attempts).toBe(0);
    expect(fold([at(0, aDelivery()), at(0, aFailure({ address: anAddress(BOB) }))]).recipients.get(BOB)?.attempts).toBe(
      1,
    );
  });

  test("remembers why it failed last, not that Exim gave up waiting", () => {
    const history = [
      at(1, aDeferral({ error: "Connection refused" })),
      at(60, aDeferral({ error: "Connection timed out" })),
      at(90, aRetrySkip()),
      at(120, aRetryTimeout()),
    ];
    expect(fold(history).recipients.get(ALICE)?.lastError?.error).toBe("Connection timed out");
  });

  test("tells recipients of the envelope from those met on the way", () => {
    const state = fold([
      at(0, anArrival()),
      at(1, anEdit({ action: "recipient_added", address: BOB })),
      at(2, aDelivery({ address: anAddress("x@rules.example") })),
    ]);
    expect([...state.recipients.values()].map(({ address, announced }) => [address, announced])).toEqual([
      [ALICE, true],
      [BOB, true],
      ["x@rules.example", false],
    ]);
  });
});

describe("whatever the order of the lines", () => {
  const recipient = fc.constantFrom(ALICE, "Alice@Example.ORG", BOB);
  const target = fc.constantFrom(undefined, "alice", "one@rules.example", "two@rules.example");
  const address = fc.tuple(recipient, target).map(([original, final]) => ({ address: anAddress(original, final) }));
  const error = fc.constantFrom("Connection refused", "Connection timed out", "550 no");

  const event: fc.Arbitrary<LogEvent> = fc.oneof(
    fc.constantFrom<LogEvent>(
      anArrival({ recipients: [ALICE, BOB] }),
      anArrival({ recipients: undefined }),
      aQueuing(),
      aFreeze(),
      aThaw(),
      aRemoval(),
      aCancellation(),
      aCompletion(),
      aRejection(),
      aNonAcceptance(),
      ignoredRecipients(),
      aDiscard({ address: undefined }),
    ),
    fc.tuple(address, fc.constantFrom("=>", "->", ">>", "*>")).map(([line, flag]) => aDelivery({ ...line, flag })),
    fc.tuple(address, error).map(([line, text]) => aDeferral({ ...line, error: text })),
    fc.tuple(address, error).map(([line, text]) => aFailure({ ...line, error: text })),
    address.map(aRetrySkip),
    address.map(aRetryTimeout),
    address.map(aDiscard),
    fc
      .tuple(recipient, fc.constantFrom("marked_delivered", "recipient_added"))
      .map(([to, action]) => anEdit({ address: to, action })),
  );

  const happening: fc.Arbitrary<Happening> = fc
    .tuple(fc.nat({ max: 4 }), event, fc.boolean())
    .map(([second, what, byHand]) => ({ second, event: what, text: byHand ? byHandText(what) : "" }));

  /** A history and the same lines in another order. */
  const history = fc
    .array(happening, { minLength: 1, maxLength: 14 })
    .chain((lines) => fc.tuple(fc.constant(lines), fc.shuffledSubarray(lines, { minLength: lines.length })));

  test("the statuses of message and recipients are the same", () => {
    fc.assert(
      fc.property(history, ([lines, shuffled]) => {
        expect(fatesOf(shuffled)).toEqual(fatesOf(lines));
      }),
      { numRuns: 1000 },
    );
  });

  test("so are bounds, marks, attempts and the last error", () => {
    fc.assert(
      fc.property(history, ([lines, shuffled]) => {
        expect(factsOf(shuffled)).toEqual(factsOf(lines));
      }),
      { numRuns: 1000 },
    );
  });

  test("a line that is read twice changes no status", () => {
    fc.assert(
      fc.property(history, ([lines, shuffled]) => {
        expect(fatesOf([...lines, ...shuffled])).toEqual(fatesOf(lines));
      }),
      { numRuns: 500 },
    );
  });

  test("every history has a status we have a rule for", () => {
    fc.assert(
      fc.property(history, ([lines]) => {
        const { message, recipients } = fatesOf(lines);
        expect(MESSAGE_STATUSES).toContain(message);
        for (const status of Object.values(recipients)) expect(RECIPIENT_STATUSES).toContain(status);
      }),
      { numRuns: 500 },
    );
  });

  test("nothing is outstanding once the message has completed", () => {
    fc.assert(
      fc.property(history, ([lines]) => {
        const { message, isFrozen, recipients } = fatesOf([...lines, at(9, aCompletion())]);
        expect(isFrozen).toBe(false);
        expect(["received", "queued", "deferred", "frozen", "rejected"]).not.toContain(message);
        for (const status of Object.values(recipients)) expect(["pending", "deferred"]).not.toContain(status);
      }),
      { numRuns: 500 },
    );
  });
});

function byHandText(event: LogEvent): string {
  if (event.kind === "frozen") return "frozen by root";
  return event.kind === "thawed" ? "unfrozen by root" : "";
}

function factsOf(lines: readonly Happening[]) {
  const { firstAt, lastAt, arrivalAt, milestones, recipients } = fold(lines);
  const each = [...recipients.values()].map(({ address, announced, attempts, lastError }) => ({
    address,
    announced,
    attempts,
    lastError: lastError?.error,
  }));
  return {
    firstAt,
    lastAt,
    arrivalAt,
    milestones,
    recipients: each.sort((one, other) => (one.address < other.address ? -1 : 1)),
  };
}
