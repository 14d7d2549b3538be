/** Figures of silent hosts where the line of the attempt does not name them. */
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { ingestInto, temporaryFolder } from "../support/database.ts";

const ARRIVAL = "2026-03-30 06:00:00 1vwwZU-0005V4-1s <= ann@a.test H=r.test [203.0.113.4] P=esmtp S=464\n";
const NO_CONNECTION = `2026-03-30 06:02:07 1vwwZU-0005V4-1s == bob@b.test R=out T=smtp defer (110): Connection timed out
`;
const NO_ANSWER =
  "2026-03-30 06:12:07 1vwwZU-0005V4-1s == cat@c.test R=out T=smtp defer (110): Connection timed out H=mx.c.test [203.0.113.6]: SMTP timeout after initial connection\n";

async function slow(log: string, ...flags: string[]): Promise<string> {
  const path = join(temporaryFolder(), "pilot.db");
  await ingestInto(path, ["-"], { logType: "main" }, Readable.from([log], { objectMode: false }));
  return (await runCli(["stats", "slow", "--db", path, ...flags])).stdout;
}

test("attempts that timed out without a connection are told beside the hosts, or instead of them", async () => {
  const both = await slow(ARRIVAL + NO_CONNECTION + NO_ANSWER);
  expect(both).toMatch(/^mx\.c\.test +0 +1\b/m);
  expect(both.replace(/\s+/g, " ")).toMatch(/Timed out without a line that names the host: 1 attempt\./);
  const alone = await slow(ARRIVAL + NO_CONNECTION);
  expect(alone.replace(/\s+/g, " ")).toContain("No host that is named was slow or silent. Timed out");
  expect(await slow(ARRIVAL)).toContain("No host was slow or silent.\n");
  const { sections } = JSON.parse(await slow(ARRIVAL + NO_CONNECTION + NO_ANSWER, "--json"));
  expect(sections.slow).toMatchObject({ total: 1, timeoutsWithoutHost: 1 });
});
