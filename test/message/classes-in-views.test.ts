import { describe, expect, test } from "vitest";
import { categoriseRejection } from "../../src/message/rejection-category.ts";
import { asking } from "../support/ask.ts";

const LOG = `2026-07-06 06:36:00 1wgT6I-000001-2Q <= j@out.example H=h.out.example [203.0.113.101] P=esmtp S=498
2026-07-06 06:36:01 1wgT6I-000001-2Q ** a@contoso.example R=out T=smtp H=contoso.mail.protection.outlook.com [203.0.113.14]: SMTP error from remote mail server after RCPT TO:<a@contoso.example>: 550 5.4.1 [a@contoso.example]: rejected
2026-07-06 06:36:02 1wgT6I-000001-2Q ** b@other.example R=out T=smtp H=mx.other.example [203.0.113.15]: SMTP error from remote mail server after RCPT TO:<b@other.example>: 550 5.4.1 [b@other.example]: rejected
2026-07-06 06:36:03 1wgT6I-000001-2Q => c@third.example R=out T=smtp H=mx.third.example [203.0.113.16] C="250 OK"
2026-07-06 06:36:04 1wgT6I-000001-2Q == d@fourth.example R=out T=smtp defer (-44) H=mx.d.example [203.0.113.17]: SMTP error from remote mail server after end of data: 421 4.7.28 unusual rate - gsmtp
`;

test("the class stands in the view of attempts, by whose server it was", async () => {
  const ask = await asking(LOG);
  const rows = await ask("sql", "SELECT recipient, category FROM delivery_attempts ORDER BY id", "--format", "csv");
  expect(rows).toContain(
    "a@contoso.example,unknown_user b@other.example,policy c@third.example, d@fourth.example,rate_limit",
  );
  expect(JSON.parse(await ask("stats", "bounces", "--json")).sections.bounces.reasons).toMatchObject([
    { category: "policy", failures: 1 },
    { category: "unknown_user", failures: 1, advice: ["Remove or correct the address."] },
  ]);
});

test("statistics say what to do about a class and an operator", async () => {
  const ask = await asking(LOG);
  expect(await ask("stats", "deferrals")).toContain(
    "rate_limit: Send more slowly, with fewer connections. Gmail: sign with DKIM",
  );
  expect(await ask("stats", "problems")).toMatch(/2 recipients bounced .*: policy, unknown_user\. Read the reply/);
});

describe("a rejection", () => {
  test.each([
    ["rcpt", false, "relay not permitted", "relay"],
    ["rcpt", false, "see https://relay.spam.example for x@virus.example", "policy"],
    ["rcpt", false, "203.0.113.1 is listed at zen.spamhaus.org", "dnsbl"],
    ["auth", false, "535 Incorrect authentication data", "authentication"],
    ["auth", true, "435 Unable to authenticate at present: failed to open /etc/users", "resources"],
    ["data", true, undefined, "resources"],
    ["data", false, undefined, "policy"],
    ["data", true, "greylisted, try again", "greylisting"],
  ] as const)("of the phase %s (temporary: %s) for %j is about %s", (phase, isTemporary, reason, category) => {
    expect(categoriseRejection({ phase, isTemporary, reason })).toBe(category);
  });

  test("of a login that this server could not check is no failed login", async () => {
    const ask = await asking(
      `2026-03-02 14:29:34 plain authenticator failed for (x) [203.0.113.103]: 435 Unable to authenticate at present (set_id=ann): failed to open /etc/users for linear search: No such file or directory
2026-03-02 14:29:35 plain authenticator failed for (x) [203.0.113.104]: 535 Incorrect authentication data (set_id=bob)
`,
    );
    const { failures, accountFailures } = JSON.parse(await ask("abuse", "--json"));
    expect(failures).toMatchObject([{ ipAddress: "203.0.113.104", failures: 1 }]);
    expect(accountFailures).toMatchObject([{ account: "plain:bob" }]);
    expect(await ask("stats", "problems")).toContain("1 client was turned away for lack of resources on this server");
  });
});
