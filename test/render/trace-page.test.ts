/** Times and widths on the page and in the tree of a trace. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { widthOf } from "../../src/render/form/layout.ts";
import { createPaint } from "../../src/render/form/paint.ts";
import { renderChain } from "../../src/render/trace/chain-tree.ts";
import type { ChainMessage } from "../../src/trace/chain.ts";
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
  ].map(([from, to]) => ({ from: `${from} mx1`, to: `${to} mx1`, reason: "next_hop" as const, isCertain: true }));
  const tree = renderChain(
    { messages, links, isLoop: false, isComplete: true },
    { columns, paint: createPaint(false) },
  );
  const widths = tree.split("\n").map(widthOf);
  expect(Math.max(...widths)).toBeLessThanOrEqual(columns);
  expect(Math.max(...widths)).toBeGreaterThan(columns - 30);
});
