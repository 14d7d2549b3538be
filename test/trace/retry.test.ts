/** Earlier messages that made a message wait although it was not tried. */
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { ingestInto, temporaryFolder } from "../support/database.ts";

const OTHER = `2026-03-30 06:00:00 1vwwZU-0005V4-1s <= ann@a.test H=r.test [203.0.113.4] P=esmtp S=464
2026-03-30 06:00:01 1vwwZU-0005V4-1s == cat@c.test R=out T=smtp defer (-44) H=mx.hoster.test [203.0.113.5]: 451 4.7.1 later
`;
const WAITS = `2026-03-30 06:10:00 1vwwZV-0005V4-1s <= dan@d.test H=d.test [203.0.113.9] P=esmtp S=700
2026-03-30 06:10:01 1vwwZV-0005V4-1s == bob@b.test R=out T=smtp defer (-54): retry time not reached for any host for 'b.test'
`;
const AT_LAST = "2026-03-30 06:40:01 1vwwZV-0005V4-1s => bob@b.test R=out T=smtp H=mx.hoster.test [203.0.113.5]\n";

async function causeOf(log: string): Promise<unknown> {
  const path = join(temporaryFolder(), "pilot.db");
  await ingestInto(path, ["-"], { logType: "main" }, Readable.from([log], { objectMode: false }));
  const { stdout } = await runCli(["trace", "1vwwZV-0005V4-1s", "--json", "--db", path]);
  const { timeline } = JSON.parse(stdout).messages[0] as { timeline: { event: string; retryCause: unknown }[] };
  return timeline.find(({ event }) => event === "deferral")?.retryCause;
}

test("the cause of a wait is a message of another domain, to the host that took this one in the end", async () => {
  expect(await causeOf(OTHER + WAITS + AT_LAST)).toMatchObject({
    messageId: "1vwwZU-0005V4-1s",
    timestamp: "2026-03-30T06:00:01.000Z",
    recipient: "cat@c.test",
    host: "mx.hoster.test",
  });
});

test("the cause of a wait is unknown as long as no line says which host it waits for", async () => {
  expect(await causeOf(OTHER + WAITS)).toBeNull();
});
