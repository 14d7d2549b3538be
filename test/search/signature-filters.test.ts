import { expect, test } from "vitest";
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
`;

test.each([
  ["--signature", "dkim=pass", ["1xiSo0-0006am-1v"]],
  ["--signature", "dkim=fail", ["1xiSo1-0006am-1v"]],
  ["--signature", "DKIM", ["1xiSo0-0006am-1v", "1xiSo1-0006am-1v"]],
  ["--signature", "dmarc=fail", ["1xiSo1-0006am-1v"]],
  ["--signature", "spf", []],
  ["--spam-score", "5..", ["1xiSo2-0006am-1v"]],
  ["--spam-score", "..0", ["1xiSo3-0006am-1v"]],
  ["--spam-score", "-2..20", ["1xiSo2-0006am-1v", "1xiSo3-0006am-1v"]],
])("messages are found by %s %s", async (flag, value, ids) => {
  const ask = await asking(LOG);
  const { results } = jsonIn(await ask("search", `${flag}=${value}`, "--json")) as { results: { id: string }[] };
  expect(results.map(({ id }: { id: string }) => id).toSorted()).toEqual(ids);
});

test("filters of signatures and scans hold for statistics, too, and a result that cannot be is refused", async () => {
  const ask = await asking(LOG);
  const { messages } = JSON.parse(await ask("stats", "totals", "--signature", "dkim=fail", "--json")).sections.totals;
  expect(messages.received).toBe(1);
  expect(await ask("search", "--signature", "dkim=maybe")).toContain("is no result of a signature");
  expect(await ask("search", "--spam-score", "high")).toContain("is no range of scores");
});
