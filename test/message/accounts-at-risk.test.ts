/** Accounts whose password somebody else has, told from those that only look so. */
import { describe, expect, test } from "vitest";
import type { AccountFinding } from "../../src/message/account-risk.ts";
import { findAccountsAtRisk } from "../../src/message/accounts-at-risk.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/units.ts";
import {
  type AccountEvent,
  type Simulation,
  simulateAccounts,
  type Theft,
  toAccountHours,
} from "../support/accounts.ts";

const EVER = { sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER };
const START = Date.UTC(2026, 2, 2);
const HOME = "192.0.2.10";
const THIEF = "203.0.113.103";

const at = (day: number, hour: number): number => START + day * DAY_MS + hour * HOUR_MS;

function failures(account: string, ip: string, ms: number, count: number): AccountEvent[] {
  return Array.from({ length: count }, (_, index) => ({ kind: "failure", ms: ms + index * 1000, account, ip }));
}

/** Messages to one recipient each, one a minute, to so many domains in turn. */
function mail(account: string, ip: string, ms: number, count: number, domains = 3, bounced = 0): AccountEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    kind: "message",
    ms: ms + index * MINUTE_MS * 0.5,
    account,
    ip,
    recipients: [
      {
        address: `r${index}@d${index % domains}.example`,
        bouncedMs: index < bounced ? ms + index * MINUTE_MS : undefined,
      },
    ],
  }));
}

/** Ten days of a user who sends two messages a day from home. */
const usual = (account: string): AccountEvent[] =>
  Array.from({ length: 10 }, (_, day) => mail(account, HOME, at(day, 9), 2, 2)).flat();

/** Others, so that the log is older than what is judged. */
const others = usual("someone");

const find = (...events: AccountEvent[][]): AccountFinding[] =>
  findAccountsAtRisk(
    toAccountHours(
      [...others, ...events.flat()].sort((one, other) => one.ms - other.ms),
      1e15,
    ),
    EVER,
  );

describe("an account is at risk", () => {
  test("after failed logins, a login from there and more mail than usual", () => {
    const [found, ...more] = find(
      usual("alice"),
      failures("alice", THIEF, at(8, 1), 86),
      mail("alice", THIEF, at(8, 3), 16, 9),
    );
    expect(more).toEqual([]);
    expect(found).toEqual({
      server: "mx1",
      account: "alice",
      severity: "serious",
      signs: ["failures", "volume", "domains"],
      failures: 86,
      failedFrom: [THIEF],
      failedFromCount: 1,
      guessedAccounts: 0,
      loginsFrom: [THIEF],
      loginsFromCount: 1,
      networks: 1,
      firstMs: at(8, 3),
      lastMs: at(8, 3) + 15 * MINUTE_MS * 0.5,
      messages: 16,
      recipients: 16,
      refused: 0,
      domains: 9,
      firedMs: at(8, 3) + 15 * MINUTE_MS * 0.5,
      mostRecipients: 16,
      usualRecipients: 2,
      messageIds: [],
      hours: [[at(8, 3) / HOUR_MS, 16]],
      around: [[at(7, 9) / HOUR_MS, 2]],
    });
  });

  test.each<[string, string[], AccountEvent[]]>([
    [
      "when an address that guessed other accounts logs in, before any mail is strange",
      ["guesser"],
      [
        ...["bob", "carol", "admin", "info", "test", "root", "sales", "web"].flatMap((name) =>
          failures(name, THIEF, at(8, 1), 2),
        ),
        ...mail("alice", THIEF, at(8, 3), 1),
      ],
    ],
    [
      "when failures are spread over addresses and a new network sends",
      ["siege", "network", "volume"],
      [
        ...Array.from({ length: 40 }, (_, index) => failures("alice", `10.${index}.1.1`, at(8, 0) + index, 1)).flat(),
        ...mail("alice", THIEF, at(8, 3), 20),
      ],
    ],
    [
      "when a new network sends to bad addresses",
      ["network", "volume", "refused"],
      mail("alice", THIEF, at(8, 3), 25, 25, 8),
    ],
    [
      "when a new network sends to many domains",
      ["network", "volume", "domains"],
      mail("alice", THIEF, at(8, 3), 40, 30),
    ],
    [
      "when many new networks send",
      ["networks", "volume"],
      Array.from({ length: 7 }, (_, index) => mail("alice", `10.${index}.1.1`, at(8, 3), 4)).flat(),
    ],
    [
      "when its own address sends to bad addresses in masses",
      ["volume", "refused"],
      mail("alice", HOME, at(8, 3), 90, 60, 40),
    ],
    [
      "when a stranger's recipients are refused before there is a message",
      ["failures", "refused"],
      [
        ...failures("alice", THIEF, at(8, 1), 20),
        ...Array.from(
          { length: 5 },
          (_, index): AccountEvent => ({
            kind: "refused",
            ms: at(8, 3) + index,
            account: "alice",
            ip: THIEF,
            recipient: `x${index}@d.example`,
          }),
        ),
      ],
    ],
  ])("%s", (_, signs, events) => {
    expect(find(usual("alice"), events).map(({ account, signs: told }) => [account, told])).toEqual([["alice", signs]]);
  });
});

test("a thief who sends slowly for days is one finding, and the owner's mail is no part of it", () => {
  const events = [
    ...failures("alice", THIEF, at(7, 1), 30),
    ...[7, 8, 9].flatMap((day) => [2, 3, 20].flatMap((hour) => mail("alice", THIEF, at(day, hour), 12, 12))),
  ];
  const found = find(usual("alice"), events);
  expect(found).toMatchObject([{ account: "alice", messages: 108, loginsFrom: [THIEF], failures: 30 }]);
});

describe("an account is not at risk", () => {
  test.each<[string, AccountEvent[]]>([
    ["that is attacked alone", [...failures("alice", THIEF, at(8, 1), 500), ...mail("alice", HOME, at(8, 3), 2)]],
    [
      "when a password is changed on five devices",
      [...failures("alice", HOME, at(8, 1), 120), ...mail("alice", HOME, at(8, 3), 4)],
    ],
    [
      "when a device in a new network has an old password for a while",
      [...failures("alice", "198.51.100.1", at(8, 1), 60), ...mail("alice", "198.51.100.1", at(8, 3), 3)],
    ],
    ["when it sends a first mailing from its own address", mail("alice", HOME, at(8, 3), 119, 60, 4)],
    ["when it sends a little from a new network", mail("alice", "198.51.100.1", at(8, 3), 6)],
    [
      "when it sends as much as ever from a new address",
      [
        ...Array.from({ length: 7 }, (_, day) => mail("alice", HOME, at(day, 12), 60, 40)).flat(),
        ...mail("alice", "198.51.100.1", at(8, 12), 60, 40, 2),
      ],
    ],
    [
      "when several other accounts have used a network for days",
      [
        ...["a", "b", "c"].flatMap((name) => mail(name, "198.51.100.1", at(1, 8), 1)),
        ...mail("alice", "198.51.100.1", at(8, 3), 40, 30),
      ],
    ],
    [
      "when others mistype their passwords in the same office",
      [
        ...["a", "b", "c", "d", "e", "f"].flatMap((name) => [
          ...mail(name, "198.51.100.1", at(1, 8), 1),
          ...failures(name, "198.51.100.1", at(8, 1), 3),
        ]),
        ...mail("alice", "198.51.100.1", at(8, 3), 3),
      ],
    ],
  ])("%s", (_, events) => {
    expect(find(usual("alice"), events)).toEqual([]);
  });

  test("on the first day of a log, when all is new, nor for stamps of the future", () => {
    const first = [...failures("alice", HOME, at(0, 1), 20), ...mail("alice", HOME, at(0, 2), 60, 50, 2)];
    const far = mail("alice", HOME, Date.UTC(2999, 0), 200, 2);
    expect(findAccountsAtRisk(toAccountHours([...first, ...far], 1e15), EVER)).toEqual([]);
    const stolen = [
      ...usual("alice"),
      ...failures("alice", THIEF, at(8, 1), 86),
      ...mail("alice", THIEF, at(8, 3), 16, 9),
    ];
    expect(find(stolen, far)).toMatchObject([{ account: "alice", usualRecipients: 2 }]);
  });
});

test("findings are those of the time asked for, with all that was before as the baseline", () => {
  const events = [...failures("alice", THIEF, at(5, 1), 86), ...mail("alice", THIEF, at(5, 3), 16, 9)];
  const hours = toAccountHours(
    [...others, ...usual("alice"), ...events].sort((one, other) => one.ms - other.ms),
    1e15,
  );
  const named = (sinceMs: number, untilMs: number): string[] =>
    findAccountsAtRisk(hours, { sinceMs, untilMs }).map(({ account }) => account);
  expect(named(at(5, 0), at(6, 0))).toEqual(["alice"]);
  expect(named(at(6, 0), at(9, 0))).toEqual([]);
  expect(named(at(0, 0), at(5, 2))).toEqual([]);
});

/**
 * Thresholds were chosen while looking at seeds 1 to 8, 31, 47, 101, 202, 303, 404, 505, 606 and 7001 to 7010. Seeds 8001 to 8010 were
 * never looked at: all of their 30 thefts are named, and nothing else is.
 */
describe("of 500 accounts the three that are stolen are named, and no other", () => {
  const reached: number[] = [];

  test.each([1, 5, 8001, 8004])("with seed %i", (seed) => {
    const simulation = simulateAccounts(seed);
    const hours = toAccountHours(simulation.events, EVER.untilMs);
    const found = findAccountsAtRisk(hours, EVER);
    expect(found.map(({ account }) => account).toSorted()).toEqual(
      simulation.thefts.map(({ account }) => account).toSorted(),
    );
    expect(Object.keys(simulation.decoys)).toHaveLength(10);
    expect(findAccountsAtRisk(hours.toReversed(), EVER)).toEqual(found);
    if (seed > 8000) reached.push(...simulation.thefts.map((theft) => recipientsBefore(simulation, theft)));
  });

  test("soon: half of them before their 50th recipient", () => {
    const sorted = reached.toSorted((one, other) => one - other);
    expect(sorted).toHaveLength(6);
    expect(sorted[3]).toBeLessThan(50);
    expect(sorted.at(-1)).toBeLessThan(150);
  });
});

/** Recipients of the account's messages from the theft on, up to the first after which the rule names it. */
function recipientsBefore({ events }: Simulation, { account, ms }: Theft): number {
  const networks = new Set(events.filter((event) => event.account === account).map(({ ip }) => networkOf(ip)));
  // The first event: the log is as old as it is. Others than those of the same networks change nothing.
  const related = events.filter(
    (event, index) => index === 0 || event.account === account || networks.has(networkOf(event.ip)),
  );
  let recipients = 0;
  for (const event of related) {
    if (event.account !== account || event.ms < ms || event.kind !== "message") continue;
    recipients += event.recipients.length;
    const known = toAccountHours(related, event.ms + 1);
    if (findAccountsAtRisk(known, EVER).some((finding) => finding.account === account)) return recipients;
  }
  return Number.POSITIVE_INFINITY;
}

function networkOf(ip: string): string {
  return ip.slice(0, ip.lastIndexOf("."));
}
