import { describe, expect, test } from "vitest";
import { asking } from "../support/ask.ts";

function line(stamp: string, flag: string, rest: string): string {
  return `2026-07-06 06:3${stamp} 1wgT6I-000001-2Q ${flag} ${rest}\n`;
}

const AFTER = "SMTP error from remote mail server after end of data:";
const LOG = [
  line("6:01", "<=", "j@out.example H=h.out.example [203.0.113.101] P=esmtp S=498"),
  // Sent on, and taken.
  line(
    "6:02",
    "=>",
    'bob@mail.example <bob@here.example> R=f T=smtp H=mx1.mail.example [203.0.113.14] I=[198.51.100.25]:37119 C="250 OK"',
  ),
  // Sent on, and held against us.
  line(
    "6:03",
    "==",
    `bob@mail.example <bob@here.example> R=f T=smtp defer (-46) H=mx2.mail.example [203.0.113.15] I=[198.51.100.26]:1: ${AFTER} 421 4.7.28 unusual rate - gsmtp`,
  ),
  line(
    "6:04",
    "**",
    `bob@mail.example <bob@here.example> R=f T=smtp H=mx1.mail.example [203.0.113.14] I=[198.51.100.26]:2: ${AFTER} 550 5.7.1 spam`,
  ),
  // Sent on, and failed for another reason.
  line(
    "6:05",
    "**",
    "cat@other.example <cat@here.example> R=f T=smtp H=mx.other.example [203.0.113.16]: SMTP error from remote mail server after RCPT TO:<cat@other.example>: 550 5.1.1 no such user",
  ),
  // An alias within the domain, a local delivery and a plain one.
  line("6:06", "=>", 'dan.x@here.example <dan@here.example> R=f T=smtp H=store.here.example [203.0.113.17] C="250 OK"'),
  line("6:07", "=>", "eve <eve@here.example> R=l T=local"),
  line("6:08", "=>", 'fay@far.example R=d T=smtp H=mx.far.example [203.0.113.18] I=[198.51.100.25]:3 C="250 OK"'),
].join("");

describe("mail that is sent on to another domain", () => {
  test("is shown by who sends it on and who takes it, the costliest first", async () => {
    const ask = await asking(LOG);
    expect(JSON.parse(await ask("stats", "forwarding", "--json")).sections.forwarding).toEqual({
      total: 2,
      forwarders: [
        {
          forwarder: "bob@here.example",
          provider: "mail.example",
          attempts: 3,
          delivered: 1,
          unwanted: 2,
          reason: "policy",
          otherFailures: 0,
        },
        {
          forwarder: "cat@here.example",
          provider: "other.example",
          attempts: 1,
          delivered: 0,
          unwanted: 0,
          reason: null,
          otherFailures: 1,
        },
      ],
    });
    expect(await ask("stats", "forwarding", "--redact")).not.toContain("bob@");
  });

  test("is an axis", async () => {
    const ask = await asking(LOG);
    const { top } = JSON.parse(await ask("stats", "top", "--by", "forwarder", "--rank", "failures", "--json")).sections;
    expect(top[0].rows).toMatchObject([
      { key: "bob@here.example", deliveries: 1, deferrals: 1, bounces: 1 },
      { key: "cat@here.example", deliveries: 0, deferrals: 0, bounces: 1 },
    ]);
    const delivered = JSON.parse(await ask("stats", "top", "--by", "forwarder", "--json")).sections.top[0].rows;
    expect(delivered.map(({ key }: { key: string }) => key)).toEqual(["bob@here.example"]);
  });
});

test("the own address that mail is sent from is an axis", async () => {
  const ask = await asking(LOG);
  const { top } = JSON.parse(await ask("stats", "top", "--by", "outgoing-ip", "--rank", "failures", "--json")).sections;
  expect(top[0].rows).toMatchObject([{ key: "198.51.100.26", deliveries: 0, deferrals: 1, bounces: 1 }]);
  const delivered = JSON.parse(await ask("stats", "top", "--by", "outgoing-ip", "--json")).sections.top[0].rows;
  expect(delivered).toMatchObject([{ key: "198.51.100.25", deliveries: 2, deferrals: 0, bounces: 0 }]);
});
