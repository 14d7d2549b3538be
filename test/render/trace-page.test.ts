/** Times and widths on the page and in the tree of a trace. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { widthOf } from "../../src/render/form/layout.ts";
import { createPaint } from "../../src/render/form/paint.ts";
import { renderChain } from "../../src/render/trace/chain-tree.ts";
import type { ChainMessage } from "../../src/trace/chain.ts";
import { asking } from "../support/ask.ts";
import { runCli } from "../support/cli.ts";
import { temporaryFolder } from "../support/database.ts";

test("a wait lasts from the line before, though that is shown further up", async () => {
  const [db, log] = [join(temporaryFolder(), "pilot.db"), join(temporaryFolder(), "mainlog")];
  const defer = (time: string): string =>
    `2026-03-30 ${time} 1vwwZU-0005V4-1s == bob@b.test R=out T=smtp defer (-44) H=mx.b.test [203.0.113.5]: 451 later\n`;
  const skip = (time: string): string =>
    `2026-03-30 ${time} 1vwwZU-0005V4-1s == bob@b.test R=out T=smtp defer (-54): retry time not reached for any host\n`;
  writeFileSync(
    log,
    `2026-03-30 06:00:00 1vwwZU-0005V4-1s <= ann@a.test H=r.test [203.0.113.4] P=esmtp S=464 for bob@b.test
${defer("06:00:01")}${skip("06:30:01")}${defer("07:00:01")}${skip("07:30:01")}${defer("08:00:01")}2026-03-30 08:10:01 1vwwZU-0005V4-1s => bob@b.test R=out T=smtp H=mx.b.test [203.0.113.5]
2026-03-30 08:10:01 1vwwZU-0005V4-1s Completed
`,
  );
  await runCli(["ingest", "--quiet", "--db", db, "--timezone", "UTC", "--log-type", "main", log]);
  const { stdout } = await runCli(["trace", "1vwwZU-0005V4-1s", "--db", db], {
    columns: 200,
    isTTY: true,
    env: { NO_COLOR: "1" },
  });
  const timeline = stdout.slice(stdout.indexOf("Timeline")).split("\n");
  expect(timeline.filter((line) => / later$/.test(line)).map((line) => line.trim())).toEqual([
    "30 min later",
    "10 min later",
  ]);
  expect(timeline.join(" ").replace(/ +/g, " ")).toContain(
    "set by the try at 2026-03-30 06:00:01, the last by that at 2026-03-30 07:00:01 (2 times until 2026-03-30 07:30:01)",
  );
});

const ID = "1vwwZU-0005V4-1s";

/** The page of a message with these lines, each from `DAY TIME` on, as one line of words. */
async function pageOf(...lines: readonly string[]): Promise<string> {
  const ask = await asking(
    `${lines.map((line) => line.replace(/^(\d\d [\d:]{8}) /, `2026-03-$1 ${ID} `)).join("\n")}\n`,
  );
  return ask("trace", ID);
}

test("a message that is frozen again is shown so, after it was thawed", async () => {
  const defer = "== bob@b.test R=out defer (-1): look at this one";
  const page = await pageOf(
    "30 06:00:00 <= ann@a.test H=r.test [203.0.113.4] P=esmtp S=464 for bob@b.test",
    `30 06:00:01 ${defer}`,
    "30 06:00:01 Frozen",
    "30 07:00:01 Message is frozen",
    "30 08:00:01 Message is frozen",
    "30 09:00:01 Unfrozen by forced delivery",
    `30 09:00:01 ${defer}`,
    "30 09:00:01 Frozen",
    "30 10:00:01 Message is frozen",
  );
  expect(page.slice(page.indexOf("Timeline"))).toMatch(
    /look at this one 06:00:01 frozen 1 h later 07:00:01 Message is frozen \(2 times until 2026-03-30 08:00:01\) 1 h later 09:00:01 thawed by forced delivery 09:00:01 == bob@b\.test deferred \(out\): look at this one 09:00:01 frozen 1 h later 10:00:01 Message is frozen $/,
  );
});

test("a wait is not told from a line whose time is not shown", async () => {
  const defer = "== bob@b.test R=out defer (-1): not now";
  const skip = "== bob@b.test routing defer (-52): retry time not reached";
  const page = await pageOf(
    "30 06:00:00 <= ann@a.test H=r.test [203.0.113.4] P=esmtp S=464 for bob@b.test",
    `30 06:00:01 ${defer}`,
    `30 07:00:01 ${defer}`,
    `30 07:30:01 ${skip}`,
    `30 08:00:01 ${defer}`,
  );
  expect(page).not.toContain(" later ");
});

test.each([
  ["several mailboxes of an alias", ["=> a <team@b.test> R=r T=t", "=> b <team@b.test> R=r T=t"], ", 2 copies "],
  ["an automatic reply", ["=> a <team@b.test> R=r T=t", "=> >ann@a.test <team@b.test> R=v T=reply"], " Attempts"],
  [
    "a try that failed before",
    ["== team@b.test R=r T=t defer (-1): not now", "=> a <team@b.test> R=r T=t"],
    ", 2 attempts; before that: not now ",
  ],
])("attempts are told where one failed: %s", async (_what, lines, told) => {
  const page = await pageOf(...lines.map((line) => `30 06:00:01 ${line}`), "30 06:00:01 Completed");
  expect(page).toContain(`Recipients delivered team@b.test at 2026-03-30 06:00:01${told}`);
});

test.each([
  ["=> /dev/null <b@b.test> R=r T=**bypassed**", "discarded for b@b.test: /dev/null (r)"],
  ["=> >ann@a.test <b@b.test> R=v T=reply", "automatic reply to ann@a.test for b@b.test (v, reply)"],
  ["=> >ann@a.test <system-filter> T=reply", "automatic reply to ann@a.test by the system filter (reply)"],
  ["== |/bin/x <system-filter> R=r defer (-1): no", "|/bin/x, for the system filter, deferred (r): no"],
  ["== b@b.test R=r T=t defer (-58)", "b@b.test deferred (r, t)"],
  ["cancelled by timeout_frozen_after", "cancelled by Exim, since it was frozen too long (timeout_frozen_after)"],
  ["=> carol <system-filter> R=r T=t", "delivered to carol, for the system filter, (r, t)"],
  [
    "=> b <b@b.test> R=r T=t ST=copy (No space left (on device))",
    "delivered to b@b.test as b (r, t); the shadow copy (copy) failed: No space left (on device)",
  ],
  ["=> b <b@b.test> R=r T=t ST=copy", "delivered to b@b.test as b (r, t)"],
  ["frozen by ACL", "frozen by ACL"],
  ["Frozen (delivery error message)", "frozen (delivery error message)"],
  ["Frozen by the system filter: no mail", "frozen by the system filter (no mail)"],
  ["   ", "(an empty line)"],
  [
    "H=c.test [203.0.113.4] F=<a@a.test> rejected after DATA: header syntax (no domain: bob): no domain: bob",
    "rejected from c.test [203.0.113.4] (data): header syntax: no domain: bob",
  ],
])("the timeline says what a line means: %s", async (line, words) => {
  const page = await pageOf(`30 06:00:01 ${line}`);
  expect(page.endsWith(`${words} `)).toBe(true);
});

test("a refused message has no arrival that could name its recipients", async () => {
  expect(await pageOf("30 06:00:01 no recipients found in headers")).toContain(
    "None is named by the log. With `log_selector = +rejected_header` Exim names those of a message that it refuses in its reject log.",
  );
});

test("a refused message is over, and its report is a bounce", async () => {
  const ask = await asking(
    [
      `2026-03-30 06:00:01 ${ID} H=r.test [203.0.113.4] F=<ann@a.test> rejected after DATA: no thanks`,
      `2026-03-30 06:00:01 1vwwZU-0005V5-1s <= <> R=${ID} U=exim P=local S=1696 for ann@a.test`,
      "",
    ].join("\n"),
  );
  expect(await ask("trace", ID, "--chain")).toMatch(
    /^Chain \(UTC\) 1vwwZU-0005V4-1s on \S+ rejected 2026-03-30 06:00:01 ann@a\.test └─ bounce \(direct\): 1vwwZU-0005V5-1s on \S+ received 2026-03-30 06:00:01, not finished <> → ann@a\.test $/,
  );
});

test.each([60, 80, 120])("a tree is no wider than %i columns", (columns) => {
  const messages = ["a", "b", "c", "d"].map(
    (name, index): ChainMessage => ({
      key: `${name} mx1`,
      id: `1vwwZU-0005V4-1${name}`,
      server: "mx1.example.org",
      timeZone: "UTC",
      status: "delivered",
      timestamp: "2026-03-30T06:00:00.000Z",
      queueSeconds: index,
      sender: "somebody@example.org",
      recipients: Array.from({ length: 9 }, (_, number) => `recipient${number}@example.net`),
      subject: "A subject of some length",
      isStart: false,
    }),
  );
  const links = [
    ["a", "b"],
    ["b", "c"],
    ["a", "d"],
  ].map(([from, to]) => ({
    from: `${from} mx1`,
    to: `${to} mx1`,
    reason: "next_hop" as const,
    certainty: "direct" as const,
  }));
  const tree = renderChain(
    { messages, links, isLoop: false, isComplete: true },
    { columns, paint: createPaint(false) },
  );
  const widths = tree.split("\n").map(widthOf);
  expect(Math.max(...widths)).toBeLessThanOrEqual(columns);
  expect(Math.max(...widths)).toBeGreaterThan(columns - 30);
});
