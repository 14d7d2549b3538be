/** The states of notifications: what each answer leads to, by a clock of the test's own. */
import { describe, expect, test } from "vitest";
import { cancelNotifications, retryNotifications } from "../../src/notify/changes.ts";
import { LEASE_MS, type RoundReport } from "../../src/notify/send-round.ts";
import { DAY_MS, epochMs, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/units.ts";
import { thrownBy } from "../support/pilot-error.ts";
import { BUSY, notificationOf, Outboxes, REFUSED, TAKEN } from "./outboxes.ts";

const NOTHING: RoundReport = {
  sent: 0,
  confirmed: 0,
  accepted: 0,
  unseen: 0,
  retried: 0,
  failed: 0,
  recovered: 0,
  digests: 0,
};

describe("a notification", () => {
  test("is stored once for each key, and confirmed when it is taken", async () => {
    const box = new Outboxes();
    expect(box.enqueue("x", "x", "y")).toEqual([1, undefined, 2]);
    expect(await box.round()).toEqual({ ...NOTHING, sent: 2, confirmed: 2 });
    expect(box.find(1)).toMatchObject({ status: "confirmed", confirmedBy: "reply", remoteId: "r1", retryCount: 0 });
    expect(await box.round()).toEqual(NOTHING);
  });

  test("is stored as sent, with its text and lease, before it leaves", async () => {
    const box = new Outboxes();
    box.enqueue("x");
    const seen: unknown[] = [];
    box.channel("a").answers = () => {
      seen.push(box.find(1));
      return TAKEN;
    };
    await box.round();
    expect(seen).toMatchObject([
      { status: "sent", leaseUntilMs: box.now + LEASE_MS, messageText: "exim-pilot: SERIOUS on mx1\nx.\n#1" },
    ]);
  });

  test("waits 30 s, twice as long each time, an hour at most, and fails after eight tries", async () => {
    const box = new Outboxes();
    box.enqueue("x");
    box.channel("a").answers = () => BUSY;
    const waits: number[] = [];
    for (let tries = 0; tries < 8; tries++) {
      const before = box.now;
      expect(await box.round()).toMatchObject({ sent: 1 });
      const { status, nextTryMs } = box.find(1);
      if (status !== "pending") continue;
      waits.push((nextTryMs - before) / SECOND_MS);
      box.pass(nextTryMs - before - 1);
      expect(await box.round()).toMatchObject({ sent: 0 });
      box.pass(1);
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 960, 1920]);
    expect(box.find(1)).toMatchObject({ status: "failed", errorMessage: "502", retryCount: 7 });
  });

  test("goes to the next tier at once where it is refused, and after five minutes where it is not taken", async () => {
    const box = new Outboxes();
    box.tiers = ["a", "b", "c"];
    box.channel("a").answers = () => REFUSED;
    box.channel("b").answers = () => BUSY;
    const last = box.channel("c");
    box.enqueue("x");
    expect(await box.round()).toMatchObject({ sent: 2, retried: 2 });
    expect(box.find(1)).toMatchObject({ status: "pending", tier: 1, channel: "b" });
    while (last.notices.length === 0) {
      box.pass(30 * SECOND_MS);
      await box.round();
    }
    expect(box.find(1)).toMatchObject({ status: "confirmed", tier: 2, channel: "c" });
    expect(box.now - box.find(1).createdMs).toBeLessThanOrEqual(5 * MINUTE_MS + 30 * SECOND_MS);
  });

  test("fails where the last tier refuses it", async () => {
    const box = new Outboxes();
    box.enqueue("x");
    box.channel("a").answers = () => REFUSED;
    expect(await box.round()).toEqual({ ...NOTHING, sent: 1, failed: 1 });
    expect(box.find(1)).toMatchObject({ status: "failed", errorMessage: "400" });
  });

  test("is not tried for longer than a day", async () => {
    const box = new Outboxes();
    box.enqueue("x");
    box.channel("a").answers = () => BUSY;
    await box.round();
    box.pass(DAY_MS + 1);
    expect(await box.round()).toEqual({ ...NOTHING, failed: 1 });
  });

  test("goes to the tiers of its severity, the worst first", async () => {
    const box = new Outboxes();
    box.severityTiers = { critical: ["b"] };
    const pager = box.channel("b");
    box.enqueue(notificationOf("w", { severity: "warning" }), "s", notificationOf("c", { severity: "critical" }));
    await box.round();
    expect(pager.notices.map(({ title }) => title)).toEqual(["c"]);
    expect(box.channels.get("a")?.notices.map(({ title }) => title)).toEqual(["s", "w"]);
  });

  test("goes on with the first tier where the configuration has fewer than before", async () => {
    const box = new Outboxes();
    box.tiers = ["a", "b"];
    box.channel("b").answers = () => BUSY;
    box.channel("a").answers = () => REFUSED;
    box.enqueue("x");
    await box.round();
    box.tiers = ["a"];
    box.channel("a");
    box.pass(HOUR_MS);
    await box.round();
    expect(box.find(1)).toMatchObject({ status: "confirmed", tier: 0 });
  });
});

describe("a channel that answers 429", () => {
  test("is left alone by all notifications, for as long as it asks", async () => {
    const box = new Outboxes();
    const channel = box.channel("a");
    channel.answers = () => ({
      kind: "later",
      error: "429",
      retryAfterMs: 10 * MINUTE_MS,
      isChannelBusy: true,
      isUncertain: false,
    });
    box.enqueue("x", "y");
    expect(await box.round()).toMatchObject({ sent: 1, retried: 1 });
    channel.answers = () => TAKEN;
    box.pass(10 * MINUTE_MS - 1);
    expect(await box.round()).toEqual(NOTHING);
    box.pass(1);
    expect(await box.round()).toMatchObject({ sent: 2, confirmed: 2 });
  });

  test("is passed over where it asks for longer than the next tier is waited for", async () => {
    const box = new Outboxes();
    box.tiers = ["a", "b"];
    const other = box.channel("b");
    box.channel("a").answers = () => ({
      kind: "later",
      error: "429",
      retryAfterMs: HOUR_MS,
      isChannelBusy: true,
      isUncertain: false,
    });
    box.enqueue("x", "y");
    await box.round();
    expect(other.notices).toHaveLength(2);
    expect(box.channels.get("a")?.notices).toHaveLength(1);
  });
});

describe("a channel that does not answer", () => {
  test("is tried with one notification in a round", async () => {
    const box = new Outboxes();
    const channel = box.channel("a");
    channel.answers = () => ({ kind: "later", error: "no answer", isUncertain: true, isDown: true });
    box.enqueue("x", "y", "z");
    expect(await box.round()).toMatchObject({ sent: 1 });
  });
});

describe("a run that is killed", () => {
  test("leaves what it sent to the next one after its lease, first in line", async () => {
    const box = new Outboxes();
    box.enqueue("x", "y");
    const channel = box.channel("a");
    channel.answers = () => {
      throw new Error("killed");
    };
    await expect(box.round()).rejects.toThrow("killed");
    expect(box.find(1).status).toBe("sent");
    channel.answers = () => TAKEN;
    box.enqueue(notificationOf("worst", { severity: "critical" }));
    expect(await box.round()).toMatchObject({ sent: 2, recovered: 0 });
    box.pass(LEASE_MS);
    box.enqueue(notificationOf("worse", { severity: "critical" }));
    channel.notices.length = 0;
    expect(await box.round()).toMatchObject({ sent: 2, confirmed: 2, recovered: 1 });
    expect(channel.notices.map(({ title }) => title)).toEqual(["x", "worse"]);
    expect(box.find(1)).toMatchObject({ retryCount: 1, status: "confirmed" });
  });

  test("counts as a try: a notification on which each run dies fails in the end", async () => {
    const box = new Outboxes();
    box.enqueue("x");
    box.channel("a").answers = () => {
      throw new Error("killed");
    };
    let deaths = 0;
    while (box.find(1).status !== "failed") {
      await box.round().catch(() => deaths++);
      box.pass(LEASE_MS);
    }
    expect(deaths).toBe(8);
  });

  test("does not change what another run has made of it", async () => {
    const box = new Outboxes();
    box.enqueue("x");
    const channel = box.channel("a");
    let answer: () => void = () => {};
    channel.answers = () => new Promise((resolve) => (answer = () => resolve(BUSY)));
    const slow = box.round();
    await expect.poll(() => channel.notices.length).toBe(1);
    box.pass(LEASE_MS);
    channel.answers = () => TAKEN;
    await box.round();
    answer();
    expect(await slow).toMatchObject({ sent: 1, retried: 0 });
    expect(box.find(1)).toMatchObject({ status: "confirmed" });
  });
});

test("two runs at once send each notification once", async () => {
  const box = new Outboxes();
  box.enqueue("x", "y", "z");
  const channel = box.channel("a");
  channel.answers = () => new Promise((resolve) => setTimeout(() => resolve(TAKEN), 5));
  await Promise.all([box.round(), box.round()]);
  expect(channel.notices.map(({ title }) => title).sort()).toEqual(["x", "y", "z"]);
});

test("a round sends 20 at most, with the least time between two that the channel wants", async () => {
  const box = new Outboxes();
  box.tiers = ["a"];
  const channel = box.channel("a", { spacingMs: 3000 });
  const times: number[] = [];
  channel.answers = () => {
    times.push(box.now);
    return TAKEN;
  };
  box.enqueue("1", "2", "3");
  await box.round();
  expect(times.map((time) => time - (times[0] ?? 0))).toEqual([0, 3000, 6000]);
  box.writer.write(({ outbox }) => {
    for (let index = 0; index < 30; index++) outbox.enqueue(notificationOf(`k${index}`, { onlyChannel: "a" }), box.now);
  });
  expect(await box.round()).toMatchObject({ sent: 20 });
  expect(await box.round()).toMatchObject({ sent: 10 });
});

describe("a digest", () => {
  test("is made of five that wait on one channel, and shares its fate with them", async () => {
    const box = new Outboxes();
    const channel = box.channel("a");
    box.enqueue("1", "2", "3", "4", notificationOf("5", { severity: "critical" }));
    expect(await box.round()).toEqual({ ...NOTHING, sent: 1, confirmed: 1, digests: 1 });
    expect(channel.notices.map(({ text }) => text)).toEqual([
      "5 notifications.\nSERIOUS on mx1: 1  #1\nSERIOUS on mx1: 2  #2\nSERIOUS on mx1: 3  #3\nSERIOUS on mx1: 4  #4\n" +
        "CRITICAL on mx1: 5  #5\nexim-pilot notify list  #6",
    ]);
    for (const number of [1, 2, 3, 4, 5, 6])
      expect(box.find(number)).toMatchObject({ status: "confirmed", confirmedBy: "reply", channel: "a" });
  });

  test("is not made of four, nor of what may have arrived, nor across tiers of severities", async () => {
    const box = new Outboxes();
    box.severityTiers = { critical: ["b"] };
    box.channel("b");
    const channel = box.channel("a");
    channel.answers = () => BUSY;
    box.enqueue("1", "2", "3", "4");
    await box.round();
    box.enqueue("5", notificationOf("6", { severity: "critical" }));
    box.pass(HOUR_MS / 2);
    channel.answers = () => TAKEN;
    expect(await box.round()).toMatchObject({ digests: 0, sent: 6 });
  });

  test("that fails fails what is in it, and one that is retried leaves it", async () => {
    const box = new Outboxes();
    const channel = box.channel("a");
    channel.answers = () => REFUSED;
    box.enqueue("1", "2", "3", "4", "5");
    await box.round();
    expect([1, 5, 6].map((number) => box.find(number).status)).toEqual(["failed", "failed", "failed"]);
    channel.answers = () => TAKEN;
    box.writer.write((transactor) => retryNotifications(transactor, [2], box.now));
    expect(await box.round()).toMatchObject({ sent: 1, confirmed: 1 });
    expect([1, 2, 6].map((number) => box.find(number).status)).toEqual(["failed", "confirmed", "failed"]);
  });

  test("is sent without what is cancelled, and cancelled with the last one", async () => {
    const box = new Outboxes();
    const channel = box.channel("a");
    channel.answers = () => BUSY;
    box.enqueue("1", "2", "3", "4", "5");
    await box.round();
    const cancel = (...numbers: number[]) =>
      box.writer.write((transactor) => cancelNotifications(transactor, numbers, box.now));
    cancel(1);
    box.pass(HOUR_MS / 2);
    await box.round();
    expect(channel.notices.at(-1)?.text).not.toContain(": 1  #1");
    cancel(2, 3, 4, 5);
    expect(box.find(6).status).toBe("cancelled");
  });
});

describe("mail that our log is to show", () => {
  const accepted = async (): Promise<Outboxes> => {
    const box = new Outboxes();
    box.channel("a", { awaitsLog: true }).answers = () => ({ kind: "taken", remoteId: "u@mx1" });
    box.enqueue("x");
    expect(await box.round()).toEqual({ ...NOTHING, sent: 1, accepted: 1 });
    expect(box.find(1)).toMatchObject({ status: "sent", acceptedMs: box.now });
    return box;
  };

  test("is confirmed when the log shows its delivery", async () => {
    const box = await accepted();
    box.pass(LEASE_MS + MINUTE_MS);
    box.lastIngest = box.now;
    expect(await box.round()).toEqual(NOTHING);
    box.fates.set("u@mx1", "delivered");
    expect(await box.round()).toEqual({ ...NOTHING, confirmed: 1 });
    expect(box.find(1)).toMatchObject({ status: "confirmed", confirmedBy: "log", errorMessage: null });
  });

  test("goes to the next tier when the log shows that it was not delivered", async () => {
    const box = await accepted();
    box.tiers = ["a", "b"];
    box.channel("b");
    box.fates.set("u@mx1", "failed");
    expect(await box.round()).toMatchObject({ sent: 1, confirmed: 1 });
    expect(box.find(1)).toMatchObject({ status: "confirmed", channel: "b", tier: 1 });
  });

  test("is confirmed by the reply after an hour, and says so", async () => {
    const box = await accepted();
    box.pass(HOUR_MS);
    box.lastIngest = box.now;
    expect(await box.round()).toEqual({ ...NOTHING, confirmed: 1, unseen: 1 });
    expect(box.find(1)).toMatchObject({
      confirmedBy: "fallback",
      errorMessage: "the server took it; no log showed the delivery within an hour",
    });
  });

  test.each([undefined, epochMs(0)])(
    "is confirmed by the reply at once where no ingest runs (last: %s)",
    async (last) => {
      const box = new Outboxes();
      box.lastIngest = last;
      box.channel("a", { awaitsLog: true }).answers = () => ({ kind: "taken", remoteId: "u@mx1" });
      box.enqueue("x");
      expect(await box.round()).toEqual({ ...NOTHING, sent: 1, confirmed: 1, unseen: 1 });
      expect(box.find(1)).toMatchObject({
        confirmedBy: "fallback",
        errorMessage: "the server took it; no ingest runs, so no log can show the delivery",
      });
    },
  );
});

describe("changes by people", () => {
  test("leave alone what was confirmed or is under way", async () => {
    const box = new Outboxes();
    box.enqueue("x", "y");
    await box.round();
    const change = (action: typeof retryNotifications, number: number) =>
      box.writer.write((transactor) => action(transactor, [number], box.now));
    expect(thrownBy(() => change(retryNotifications, 1)).code).toBe("check_failed");
    expect(thrownBy(() => change(cancelNotifications, 1)).code).toBe("check_failed");
    expect(thrownBy(() => change(cancelNotifications, 9)).message).toBe("There is no notification 9.");
    const [third = 0] = box.enqueue("z");
    box.channel("a").answers = () => {
      throw new Error("killed");
    };
    await box.round().catch(() => {});
    expect(thrownBy(() => change(cancelNotifications, third)).code).toBe("in_use");
    expect(change(retryNotifications, third)).toEqual({ changed: [], unchanged: [third] });
  });

  test("put back what failed, from its first tier", async () => {
    const box = new Outboxes();
    box.tiers = ["a", "b"];
    for (const name of ["a", "b"]) box.channel(name).answers = () => REFUSED;
    box.enqueue("x");
    await box.round();
    box.writer.write((transactor) => retryNotifications(transactor, [1], box.now));
    expect(box.find(1)).toMatchObject({ status: "pending", tier: 0, tierTries: 0, errorMessage: null });
  });
});
