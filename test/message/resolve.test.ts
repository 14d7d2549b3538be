import { describe, expect, test } from "vitest";
import { isFrozen } from "../../src/message/resolve.ts";
import type { MessageStatus, RecipientStatus } from "../../src/message/statuses.ts";
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
  anythingElse,
  aPrdrAnswer,
  aQueuing,
  aRejection,
  aRemoval,
  aRetrySkip,
  aRetryTimeout,
  aSkip,
  aThaw,
  at,
  BOB,
  fatesOf,
  fold,
  type Happening,
  ignoredRecipients,
  momentOf,
  recipientFates,
} from "../support/events.ts";

/** Delivered or not, an address of this machine is logged under its local name. */
const AS_LOCAL = anAddress(ALICE, "alice");

const BOTH = anArrival({ recipients: [ALICE, BOB] });
const toBob = { address: anAddress(BOB) };

describe("the status of a message", () => {
  /** The smallest history that yields each status. */
  const smallest = {
    unknown: [at(0, aCompletion())],
    received: [at(0, anArrival())],
    queued: [at(0, anArrival()), at(0, aQueuing())],
    delivered: [at(0, anArrival()), at(1, aDelivery()), at(1, aCompletion())],
    deferred: [at(0, anArrival()), at(1, aDeferral())],
    bounced: [at(0, anArrival()), at(1, aFailure()), at(1, aCompletion())],
    frozen: [at(0, anArrival()), at(1, aFreeze())],
    rejected: [at(0, aRejection())],
    removed: [at(0, anArrival()), at(1, aRemoval()), at(1, aCompletion())],
    discarded: [at(0, anArrival()), at(0, aDiscard()), at(0, aCompletion())],
    partial: [at(0, BOTH), at(1, aDelivery()), at(1, aFailure(toBob)), at(1, aCompletion())],
  } as const satisfies Record<MessageStatus, readonly Happening[]>;

  test.each(Object.entries(smallest))("%s", (status, history) => {
    expect(fatesOf(history).message).toBe(status);
  });

  test("a message of which only a stray line is known is unknown", () => {
    expect(fatesOf([at(0, anythingElse())]).message).toBe("unknown");
  });

  test("a delivery says delivered before Completed does, and without an arrival", () => {
    expect(fatesOf([at(1, aDelivery())]).message).toBe("delivered");
  });

  test("one recipient that waits makes the message deferred, whatever became of the others", () => {
    const history = [at(0, BOTH), at(1, aDelivery()), at(1, aDeferral(toBob))];
    expect(fatesOf(history)).toMatchObject({
      message: "deferred",
      recipients: { [ALICE]: "delivered", [BOB]: "deferred" },
    });
  });

  test("one recipient that was not tried yet leaves the message received", () => {
    expect(fatesOf([at(0, BOTH), at(1, aDelivery())])).toMatchObject({
      message: "received",
      recipients: { [BOB]: "pending" },
    });
  });

  test("a message left on the queue and then tried is no longer queued", () => {
    expect(fatesOf([at(0, anArrival()), at(0, aQueuing()), at(60, aDeferral())]).message).toBe("deferred");
    expect(fatesOf([at(0, anArrival()), at(0, aQueuing()), at(60, aDelivery())]).message).toBe("delivered");
  });

  test("a queue run that passes the message by changes nothing", () => {
    expect(fatesOf([at(0, anArrival()), at(0, aQueuing()), at(60, aSkip())]).message).toBe("queued");
  });

  test("a recipient of whom no line tells does not spoil what became of the others", () => {
    const history = [at(0, BOTH), at(1, aDelivery()), at(1, aCompletion())];
    expect(fatesOf(history)).toMatchObject({
      message: "delivered",
      recipients: { [ALICE]: "delivered", [BOB]: "unknown" },
    });
  });

  describe("frozen", () => {
    test("is over when it is thawed, and again when it is frozen anew", () => {
      const frozen = [at(0, anArrival()), at(1, aDeferral()), at(2, aFreeze())];
      expect(fatesOf(frozen)).toMatchObject({ message: "frozen", isFrozen: true });
      const thawed = [...frozen, at(3, aThaw())];
      expect(fatesOf(thawed)).toMatchObject({ message: "deferred", isFrozen: false });
      expect(fatesOf([...thawed, at(4, aFreeze())]).message).toBe("frozen");
    });

    test("within one second, what was done by hand comes last", () => {
      const frozen = [at(0, anArrival()), at(1, aFreeze({ by: "root" }), "frozen by root")];
      expect(fatesOf([...frozen, at(1, aThaw({ by: "root" }), "unfrozen by root")]).isFrozen).toBe(false);
      expect(fatesOf([...frozen, at(1, aThaw(), "Unfrozen by forced delivery")]).isFrozen).toBe(true);
    });

    test("a bounce that failed itself is frozen, its recipient bounced, until it ends", () => {
      const history = [
        at(0, anArrival({ sender: "" })),
        at(1, aFailure()),
        at(1, aFreeze({ by: "delivery error message" })),
      ];
      expect(fatesOf(history)).toMatchObject({ message: "frozen", recipients: { [ALICE]: "bounced" } });
      const ended = [...history, at(9, aThaw()), at(9, aDelivery()), at(9, aCompletion())];
      expect(fatesOf(ended)).toMatchObject({ message: "delivered", isFrozen: false });
    });

    test("ends with the message", () => {
      const state = fold([at(0, anArrival()), at(1, aFreeze()), at(2, aRemoval()), at(2, aCompletion())]);
      expect(isFrozen(state.milestones)).toBe(false);
    });
  });

  describe("rejected", () => {
    test("only while the message has not arrived: later lines about one command do not undo an arrival", () => {
      expect(fatesOf([at(0, aRejection()), at(0, anArrival())]).message).toBe("received");
    });

    test("also when an arrival was taken back", () => {
      expect(fatesOf([at(0, anArrival()), at(0, aNonAcceptance())]).message).toBe("rejected");
    });

    test("not when the message was seen to complete", () => {
      const history = [at(0, anArrival()), at(0, aNonAcceptance()), at(1, aDelivery()), at(1, aCompletion())];
      expect(fatesOf(history).message).toBe("delivered");
    });
  });

  describe("removed and cancelled", () => {
    test("reach the recipients that were outstanding, and no others", () => {
      const history = [
        at(0, BOTH),
        at(1, aDelivery()),
        at(1, aDeferral(toBob)),
        at(2, aRemoval()),
        at(2, aCompletion()),
      ];
      expect(fatesOf(history)).toMatchObject({
        message: "partial",
        recipients: { [ALICE]: "delivered", [BOB]: "removed" },
      });
    });

    test("a message without known recipients is removed as a whole", () => {
      const quiet = anArrival({ recipients: undefined });
      expect(fatesOf([at(0, quiet), at(1, aRemoval()), at(1, aCompletion())]).message).toBe("removed");
      expect(fatesOf([at(0, quiet), at(1, aCancellation()), at(1, aCompletion())]).message).toBe("bounced");
    });

    test("cancelled is bounced, without a line about each recipient", () => {
      const history = [at(0, BOTH), at(1, aFreeze()), at(2, aCancellation()), at(2, aCompletion())];
      expect(fatesOf(history)).toMatchObject({
        message: "bounced",
        recipients: { [ALICE]: "bounced", [BOB]: "bounced" },
      });
    });
  });

  test("a message discarded as a whole takes all its recipients with it", () => {
    const history = [at(0, BOTH), at(0, aDiscard({ address: undefined })), at(0, aCompletion())];
    expect(fatesOf(history)).toMatchObject({
      message: "discarded",
      recipients: { [ALICE]: "discarded", [BOB]: "discarded" },
    });
  });
});

describe("a recipient that was rejected after the data", () => {
  const rejected = [at(0, aPrdrAnswer({ recipient: BOB })), at(0, BOTH)];

  test("was never one of the message, whatever becomes of the others", () => {
    expect(fatesOf(rejected)).toMatchObject({
      message: "received",
      recipients: { [ALICE]: "pending", [BOB]: "rejected" },
    });
    expect(fatesOf([...rejected, at(1, aDelivery()), at(1, aCompletion())])).toMatchObject({
      message: "delivered",
      recipients: { [ALICE]: "delivered", [BOB]: "rejected" },
    });
    expect(fatesOf([...rejected, at(1, aRemoval()), at(1, aCompletion())])).toMatchObject({
      message: "removed",
      recipients: { [ALICE]: "removed", [BOB]: "rejected" },
    });
  });

  test("leaves the message received where the arrival names nobody", () => {
    const quiet = [at(0, aPrdrAnswer({ recipient: BOB })), at(0, anArrival({ recipients: undefined }))];
    expect(fatesOf(quiet).message).toBe("received");
    expect(fatesOf([...quiet, at(1, aCompletion())]).message).toBe("unknown");
  });

  test("was accepted with words where lines tell of it", () => {
    const words = [at(0, aPrdrAnswer({ verdict: undefined, reason: "welcome" })), at(0, anArrival())];
    expect(fatesOf(words).recipients).toEqual({ [ALICE]: "rejected" });
    expect(fatesOf([...words, at(1, aDelivery())]).recipients).toEqual({ [ALICE]: "delivered" });
    expect(fatesOf([...words, at(1, aDelivery({ address: AS_LOCAL }))]).recipients).toEqual({ [ALICE]: "delivered" });
    expect(fatesOf([...words, at(1, aDeferral({ address: AS_LOCAL }))]).recipients).toEqual({ [ALICE]: "deferred" });
  });
});

describe("the status of a recipient", () => {
  const smallest = {
    unknown: [at(0, anArrival()), at(1, aCompletion())],
    pending: [at(0, anArrival())],
    delivered: [at(0, anArrival()), at(1, aDelivery())],
    deferred: [at(0, anArrival()), at(1, aDeferral())],
    bounced: [at(0, anArrival()), at(1, aFailure())],
    discarded: [at(0, anArrival()), at(1, aDiscard())],
    removed: [at(0, anArrival()), at(1, aRemoval())],
    rejected: [at(0, aPrdrAnswer()), at(0, anArrival())],
  } as const satisfies Record<RecipientStatus, readonly Happening[]>;

  test.each(Object.entries(smallest))("%s", (status, history) => {
    expect(fatesOf(history).recipients).toEqual({ [ALICE]: status });
  });

  test.each(["=>", "->", ">>"] as const)("%s is delivered", (flag) => {
    expect(fatesOf([at(0, aDelivery({ flag }))]).recipients).toEqual({ [ALICE]: "delivered" });
  });

  test("a delivery suppressed by -N is discarded", () => {
    expect(fatesOf([at(0, aDelivery({ flag: "*>" }))]).recipients).toEqual({ [ALICE]: "discarded" });
  });

  test("a delivery to /dev/null, which Exim leaves out, is discarded", () => {
    const delivery = aDelivery({ address: anAddress(ALICE, "/dev/null"), transport: "**bypassed**" });
    expect(fatesOf([at(0, delivery)]).recipients).toEqual({ [ALICE]: "discarded" });
  });

  test("the last word counts", () => {
    const deferred = [at(0, anArrival()), at(1, aDeferral()), at(60, aDeferral())];
    expect(fatesOf([...deferred, at(120, aDelivery())]).recipients).toEqual({ [ALICE]: "delivered" });
    expect(fatesOf([...deferred, at(120, aFailure())]).recipients).toEqual({ [ALICE]: "bounced" });
    expect(fatesOf([...deferred, at(120, aRetryTimeout())]).recipients).toEqual({ [ALICE]: "bounced" });
  });

  test("a failure can be followed by a delivery: a frozen bounce that was thawed", () => {
    expect(fatesOf([at(0, anArrival()), at(1, aFailure()), at(60, aDelivery())]).recipients).toEqual({
      [ALICE]: "delivered",
    });
  });

  test("a deferral under the whole address ends with a delivery under the local name", () => {
    const history = [at(0, anArrival()), at(1, aDeferral()), at(60, aDelivery({ address: AS_LOCAL }))];
    expect(fatesOf(history).recipients).toEqual({ [ALICE]: "delivered" });
  });

  test("the deferral and the retry timeout of one attempt are one bounce", () => {
    const history = [at(0, anArrival()), at(1, aDeferral()), at(1, aRetryTimeout())];
    expect(fatesOf(history).recipients).toEqual({ [ALICE]: "bounced" });
  });

  test("a retry time that was not reached leaves it deferred", () => {
    expect(fatesOf([at(0, anArrival()), at(1, aRetrySkip())]).recipients).toEqual({ [ALICE]: "deferred" });
  });

  test("an administrator can mark it delivered", () => {
    const history = [at(0, anArrival()), at(1, aDeferral()), at(2, anEdit({ action: "marked_delivered" }))];
    expect(fatesOf(history).recipients).toEqual({ [ALICE]: "delivered" });
  });

  test("an administrator can add one, which is then pending", () => {
    const history = [at(0, anArrival()), at(1, anEdit({ action: "recipient_added", address: BOB }))];
    expect(fatesOf(history).recipients).toEqual({ [ALICE]: "pending", [BOB]: "pending" });
  });

  test("the system filter can take the recipients of the envelope away", () => {
    const history = [at(0, anArrival()), at(1, ignoredRecipients()), at(1, aDelivery(toBob)), at(1, aCompletion())];
    expect(fatesOf(history).recipients).toEqual({ [ALICE]: "discarded", [BOB]: "delivered" });
  });

  test("the case of a domain does not make another recipient, the case of a local part does", () => {
    const arrival = anArrival({ recipients: ["Alice@Example.ORG"] });
    expect(fatesOf([at(0, arrival), at(1, aDelivery({ address: anAddress("Alice@example.org") }))]).recipients).toEqual(
      {
        "Alice@example.org": "delivered",
      },
    );
    expect(Object.keys(fatesOf([at(0, arrival), at(1, aDelivery())]).recipients)).toHaveLength(2);
  });

  describe("that fans out", () => {
    const arrival = at(0, anArrival());
    const one = { address: anAddress(ALICE, "one@rules.example") };
    const two = { address: anAddress(ALICE, "two@rules.example") };

    test("is deferred as long as one target waits", () => {
      expect(fatesOf([arrival, at(1, aDelivery(one)), at(1, aDeferral(two))]).recipients).toEqual({
        [ALICE]: "deferred",
      });
    });

    test("is delivered when all are", () => {
      const history = [
        arrival,
        at(1, aDelivery(one)),
        at(1, aDeferral(two)),
        at(9, aDelivery(two)),
        at(9, aCompletion()),
      ];
      expect(fatesOf(history)).toMatchObject({ message: "delivered", recipients: { [ALICE]: "delivered" } });
    });

    test("has the worst fate of its targets when all are done", () => {
      expect(fatesOf([arrival, at(1, aFailure(one)), at(9, aDelivery(two))]).recipients).toEqual({
        [ALICE]: "bounced",
      });
      expect(fatesOf([arrival, at(1, aDiscard(one)), at(1, aDelivery(two))]).recipients).toEqual({
        [ALICE]: "delivered",
      });
    });

    test("was deferred itself before it could be expanded", () => {
      const history = [arrival, at(1, aDeferral()), at(60, aDelivery(one)), at(60, aDelivery(two))];
      expect(fatesOf(history).recipients).toEqual({ [ALICE]: "delivered" });
    });

    test("knows a target that was deferred by its address and delivered by its local name", () => {
      const waiting = { address: anAddress(ALICE, "carol@example.org") };
      const local = { address: anAddress(ALICE, "carol") };
      const history = [arrival, at(1, aDelivery(one)), at(1, aDeferral(waiting)), at(9, aDelivery(local))];
      expect(fatesOf(history).recipients).toEqual({ [ALICE]: "delivered" });
    });

    test("is removed when a part of it was outstanding", () => {
      const history = [arrival, at(1, aDelivery(one)), at(1, aDeferral(two)), at(9, aRemoval()), at(9, aCompletion())];
      expect(fatesOf(history).recipients).toEqual({ [ALICE]: "removed" });
    });
  });

  describe("that was named without its domain", () => {
    const arrival = at(0, anArrival({ recipients: ["alice"] }));
    const delivered = at(1, aDelivery({ address: anAddress(ALICE) }));

    test("ends as the only one of that name does", () => {
      expect(fatesOf([arrival, delivered, at(1, aCompletion())])).toMatchObject({
        message: "delivered",
        recipients: { alice: "delivered", [ALICE]: "delivered" },
      });
    });

    test("is not known where there are two of that name", () => {
      const other = at(1, aFailure({ address: anAddress("alice@else.example") }));
      expect(fatesOf([arrival, delivered, other, at(1, aCompletion())]).recipients).toMatchObject({ alice: "unknown" });
    });
  });

  describe("that leads to the same mailbox as another", () => {
    const team = "team@example.org";
    const arrival = at(0, anArrival({ recipients: [ALICE, team] }));
    const completion = at(1, aCompletion());

    test("shares the fate of the one line there is, once the message has completed", () => {
      const delivery = at(1, aDelivery({ address: anAddress(team, "alice") }));
      expect(fatesOf([arrival, delivery]).recipients).toEqual({ [ALICE]: "pending", [team]: "delivered" });
      expect(fatesOf([arrival, delivery, completion])).toMatchObject({
        message: "delivered",
        recipients: { [ALICE]: "delivered", [team]: "delivered" },
      });
    });

    test("shares a failure, too", () => {
      const failure = at(1, aFailure({ address: anAddress(team, ALICE) }));
      expect(fatesOf([arrival, failure, completion]).recipients).toEqual({
        [ALICE]: "bounced",
        [team]: "bounced",
      });
    });

    test("shares nothing with a mailbox of that name in another domain", () => {
      const elsewhere = "team@elsewhere.example";
      const history = [
        at(0, anArrival({ recipients: [ALICE, elsewhere] })),
        at(1, aDelivery({ address: anAddress(elsewhere, "alice") })),
        completion,
      ];
      expect(fatesOf(history).recipients).toEqual({ [ALICE]: "unknown", [elsewhere]: "delivered" });
    });
  });

  test("is dated by the line that decided it", () => {
    const delivery = at(60, aDelivery());
    const state = fold([at(0, anArrival()), at(1, aDeferral()), delivery, at(61, aCompletion())]);
    expect(recipientFates(state).get(ALICE)).toEqual({ status: "delivered", at: momentOf(delivery) });
    const removal = at(5, aRemoval());
    expect(recipientFates(fold([at(0, anArrival()), removal])).get(ALICE)).toEqual({
      status: "removed",
      at: momentOf(removal),
    });
    expect(recipientFates(fold([at(0, anArrival())])).get(ALICE)).toEqual({
      status: "pending",
      at: undefined,
    });
  });
});
