import { expect, test } from "vitest";
import { scoreRangeOf } from "../../src/store/stats/key-functions.ts";
import { asking, jsonIn } from "../support/ask.ts";

const LOG = `2026-12-29 08:43:40 1xiSo0-0006am-1v DKIM: d=signer.example s=lab1 c=relaxed/relaxed a=rsa-sha256 b=2048 i=@signer.example [verification succeeded]
2026-12-29 08:43:40 1xiSo0-0006am-1v <= a@signer.example H=mx.signer.example [203.0.113.1] P=esmtp S=1001
2026-12-29 08:43:41 1xiSo1-0006am-1v DKIM: d=forged.example s=lab1 c=relaxed/relaxed a=rsa-sha256 b=2048 [verification failed - body hash mismatch]
2026-12-29 08:43:41 1xiSo1-0006am-1v DMARC results: spf_domain=forged.example dmarc_domain=forged.example spf_align=no dkim_align=no enforcement='Accept'
2026-12-29 08:43:41 1xiSo1-0006am-1v <= b@forged.example H=mx.forged.example [203.0.113.2] P=esmtp S=1001
2026-12-29 08:43:42 1xiSo2-0006am-1v SA: Action: permanently rejected message: score=17.3 required=5.0
2026-12-29 08:43:42 1xiSo2-0006am-1v H=mx.c.example [203.0.113.3] F=<c@c.example> rejected after DATA: spam
2026-12-29 08:43:43 1xiSo3-0006am-1v SA: Action: scanned but message isn't spam: score=-1.2 required=5.0
2026-12-29 08:43:43 1xiSo3-0006am-1v <= d@d.example H=mx.d.example [203.0.113.4] P=esmtp S=1001
2026-12-29 08:43:44 1xiSo4-0006am-1v H=mx.e.example [203.0.113.5] Warning: "SpamAssassin as alice detected message as NOT spam (4.1)"
2026-12-29 08:43:44 1xiSo4-0006am-1v <= e@e.example H=mx.e.example [203.0.113.5] P=esmtp S=1001 DKIM=e.example ARC
2026-12-29 08:43:45 1xiSo5-0006am-1v H=mx.f.example [203.0.113.6] F=<f@f.example> rejected after DATA: This message scored 12.3 spam points.
2026-12-29 08:43:46 1xiSo6-0006am-1v <= g@g.example H=mx.g.example [203.0.113.7] P=esmtp SPF=softfail S=1001 DMARC
2026-12-29 08:43:46 1xiSo6-0006am-1v score=7.3 required=5.0 tests=(BAYES_99) for <b@b.example>
2026-12-29 08:43:47 1xiSo7-0006am-1v H=mx.h.example [203.0.113.8] F=<h@h.example> rejected after DATA: your score of 12 is too low
`;

test.each([
  ["--signature", "dkim=pass", ["1xiSo0-0006am-1v", "1xiSo4-0006am-1v"]],
  ["--signature", "dkim=fail", ["1xiSo1-0006am-1v"]],
  ["--signature", "DKIM", ["1xiSo0-0006am-1v", "1xiSo1-0006am-1v", "1xiSo4-0006am-1v"]],
  ["--signature", "arc=pass", ["1xiSo4-0006am-1v"]],
  ["--signature", "dmarc=pass", ["1xiSo6-0006am-1v"]],
  ["--signature", "dmarc=fail", ["1xiSo1-0006am-1v"]],
  ["--signature", "spf", ["1xiSo6-0006am-1v"]],
  ["--signature", "spf=pass", []],
  ["--spam-score", "5..", ["1xiSo2-0006am-1v", "1xiSo5-0006am-1v", "1xiSo6-0006am-1v"]],
  ["--spam-score", "..0", ["1xiSo3-0006am-1v"]],
  [
    "--spam-score",
    "-2..20",
    ["1xiSo2-0006am-1v", "1xiSo3-0006am-1v", "1xiSo4-0006am-1v", "1xiSo5-0006am-1v", "1xiSo6-0006am-1v"],
  ],
])("messages are found by %s %s", async (flag, value, ids) => {
  const ask = await asking(LOG);
  const { results } = jsonIn(await ask("search", `${flag}=${value}`, "--json")) as { results: { id: string }[] };
  expect(results.map(({ id }: { id: string }) => id).toSorted()).toEqual(ids);
});

test("statistics go by them: messages that came, and those that were refused", async () => {
  const ask = await asking(LOG);
  const rowsBy = async (axis: string, ...flags: string[]): Promise<unknown[]> => {
    const printed = await ask("stats", "top", "--by", axis, "--json", ...flags);
    const { sections } = jsonIn(printed) as { sections: { top: { rows: unknown }[] } };
    const rows = sections.top[0]?.rows as { key: string; messages: number; bytes: number; rejections: number }[];
    return rows.map(({ key, messages, bytes, rejections }) => [key, messages, bytes, rejections]);
  };
  expect(await rowsBy("signature")).toEqual([
    ["dkim=pass", 2, 2002, 0],
    ["arc=pass", 1, 1001, 0],
    ["dkim=fail", 1, 1001, 0],
    ["dmarc=fail", 1, 1001, 0],
    ["dmarc=pass", 1, 1001, 0],
    ["spf=softfail", 1, 1001, 0],
  ]);
  expect(await rowsBy("spam-score")).toEqual([
    ["..0", 1, 1001, 0],
    ["0..5", 1, 1001, 0],
    ["5..10", 1, 1001, 0],
  ]);
  expect(await rowsBy("spam-score", "--rank", "rejections")).toEqual([
    ["10..15", 0, 0, 1],
    ["15..20", 0, 0, 1],
  ]);
  expect(await rowsBy("signature", "--until", "2026-12-29T08:43:41Z")).toEqual([["dkim=pass", 1, 1001, 0]]);
});

test.each([
  ["-0.1", "..0"],
  ["0", "0..5"],
  ["4.9", "0..5"],
  ["5", "5..10"],
  ["19.99", "15..20"],
  ["20", "20.."],
  ["1000000", "20.."],
  ["much", null],
])("a score of %s is in %s", (score, range) => {
  expect(scoreRangeOf(score)).toBe(range);
});

test("filters of signatures and scans hold for statistics, too, and a result that cannot be is refused", async () => {
  const ask = await asking(LOG);
  const { messages } = JSON.parse(await ask("stats", "totals", "--signature", "dkim=fail", "--json")).sections.totals;
  expect(messages.received).toBe(1);
  expect(await ask("search", "--signature", "dkim=maybe")).toContain("is no result of a signature");
  expect(await ask("search", "--spam-score", "high")).toContain("is no range of scores");
});
