/** A bounce is a bounce of a recipient, whatever ended the trying. */
import { describe, expect, test } from "vitest";
import { asking } from "../support/ask.ts";

const GIVEN_UP = `2013-04-01 10:00:00 1UMZmu-000abc-01 <= update@example.net H=mx.example.net [192.0.2.7] P=esmtp S=5000
2013-04-01 10:00:00 1UMZmu-000abc-01 == bob@example.org R=localuser T=local_delivery defer (-22): mailbox is full (MTA-imposed quota exceeded while writing to file /var/mail/bob)
2013-04-01 10:00:00 1UMZmu-000abc-01 == cat@example.com R=out T=smtp defer (-44) H=mx.example.com [192.0.2.8]: SMTP error from remote mail server after RCPT TO:<cat@example.com>: 450 4.7.1 first
2013-04-02 10:00:00 1UMZmu-000abc-01 == cat@example.com R=out T=smtp defer (-44) H=mx.example.com [192.0.2.8]: SMTP error from remote mail server after RCPT TO:<cat@example.com>: 452 4.2.2 over quota
2013-04-05 10:00:00 1UMZmu-000abc-01 ** bob@example.org: retry timeout exceeded
2013-04-05 10:00:00 1UMZmu-000abc-01 ** cat@example.com: retry timeout exceeded
2013-04-05 10:00:00 1UO0fQ-000abc-03 <= <> R=1UMZmu-000abc-01 U=exim P=local S=6000
2013-04-05 10:00:00 1UMZmu-000abc-01 Completed
`;

interface Reasons {
  readonly failures: number;
  readonly reasons: readonly { readonly category: string; readonly failures: number; readonly reply: string | null }[];
}

async function bounces(log: string, ...flags: string[]): Promise<Reasons> {
  const ask = await asking(log);
  return JSON.parse(await ask("stats", "bounces", "--json", ...flags)).sections.bounces;
}

describe("a recipient that was given up when its retry time was over", () => {
  test("bounced for the reason of its last attempt", async () => {
    const all = await bounces(GIVEN_UP);
    expect(all).toMatchObject({ failures: 2, reasons: [{ category: "mailbox_full", failures: 2 }] });
    expect(["mailbox is full", "452 4.2.2"].some((text) => all.reasons[0]?.reply?.includes(text))).toBe(true);
  });

  test("bounced on that day, and is a problem of that day", async () => {
    expect(await bounces(GIVEN_UP, "--since", "2013-04-05")).toMatchObject({ failures: 2 });
    expect(await bounces(GIVEN_UP, "--until", "2013-04-04")).toMatchObject({ failures: 0 });
    const ask = await asking(GIVEN_UP);
    expect(await ask("stats", "problems", "--since", "2013-04-05")).toContain(
      "serious 2 recipients bounced (100.0 %): mailbox_full.",
    );
    expect(await ask("stats", "--since", "2013-04-05")).toContain("Given up 2: 2 by retry timeout");
  });

  test("is not among the attempts", async () => {
    const ask = await asking(GIVEN_UP);
    const { attempts } = JSON.parse(await ask("stats", "totals", "--json")).sections.totals;
    expect(attempts).toMatchObject({ total: 3, deferred: 3, bounced: 0, givenUp: 2 });
  });

  test("counts in rankings by where it was tried last, and by who sent it", async () => {
    const ask = await asking(GIVEN_UP);
    const ranked = async (axis: string): Promise<unknown> =>
      JSON.parse(await ask("stats", "top", "--by", axis, "--rank", "bounces", "--json")).sections.top[0].rows;
    expect(await ranked("domain")).toMatchObject([
      { key: "example.com", bounces: 1 },
      { key: "example.org", bounces: 1 },
    ]);
    expect(await ranked("mx")).toMatchObject([{ key: "mx.example.com", bounces: 1 }]);
    expect(await ranked("sender")).toMatchObject([{ key: "update@example.net", bounces: 2 }]);
    expect(await ranked("smtp-code")).toMatchObject([{ key: "452", bounces: 1 }]);
  });

  test("has no reason where no attempt is known", async () => {
    const only = GIVEN_UP.split("\n")
      .filter((line) => !line.includes("=="))
      .join("\n");
    expect(await bounces(only)).toMatchObject({ failures: 2, reasons: [{ category: "other", failures: 2 }] });
  });

  test("follows a filter of messages", async () => {
    expect(await bounces(GIVEN_UP, "--sender", "update@example.net")).toMatchObject({ failures: 2 });
    expect(await bounces(GIVEN_UP, "--sender", "other@example.net")).toMatchObject({ failures: 0 });
    expect(await bounces(GIVEN_UP, "--recipient", "bob@example.org")).toMatchObject({ failures: 1 });
  });
});

test("rankings by code have the codes that only bounces have", async () => {
  const ask =
    await asking(`2026-07-06 06:36:02 1wgT6I-000001-2Q <= j@out.example H=h.out.example [203.0.113.101] P=esmtp S=498
2026-07-06 06:36:03 1wgT6I-000001-2Q ** a@contoso.example R=r T=t H=mx.contoso.example [203.0.113.14]: SMTP error from remote mail server after RCPT TO:<a@contoso.example>: 550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found
2026-07-06 06:36:03 1wgT6I-000001-2Q == b@contoso.example R=r T=t defer (-44) H=mx.contoso.example [203.0.113.14]: SMTP error from remote mail server after RCPT TO:<b@contoso.example>: 450 4.2.0 busy
`);
  for (const [axis, keys] of [
    ["smtp-code", ["450", "550"]],
    ["enhanced-code", ["4.2.0", "5.1.10"]],
  ] as const) {
    const { top } = JSON.parse(await ask("stats", "top", "--by", axis, "--json")).sections;
    expect(top[0].rows.map(({ key }: { key: string }) => key).toSorted()).toEqual(keys);
  }
});
