/** The same logs, read in another order: what is equal in number must not stand as it was read. */
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { ingestInto, temporaryFolder } from "../support/database.ts";

const PIECES = [
  `2026-03-30 06:00:00 1vwwZU-0005V4-1s <= a@a.test H=a.test [203.0.113.4] P=smtp X=TLS1.3:AES:256 S=400
2026-03-30 06:00:01 1vwwZU-0005V4-1s ** x@x.test R=out T=smtp: SMTP error from remote mail server after RCPT TO:<x@x.test>: 550 no such user
`,
  `2026-03-30 07:00:00 1vwwZV-0005V4-1s <= a@a.test H=a.test [203.0.113.4] P=esmtp X=TLS1.2:AES:256 S=400
2026-03-30 07:00:01 1vwwZV-0005V4-1s ** y@y.test R=out T=smtp: SMTP error from remote mail server after RCPT TO:<y@y.test>: 550 unknown user
`,
];

test("what is equal in number is in the same order, whichever log was read first", async () => {
  const [forward, backward] = await Promise.all([statsOf(PIECES), statsOf(PIECES.toReversed())]);
  expect(backward).toEqual(forward);
  expect(forward).toMatchObject({
    bounces: { reasons: [{ failures: 2 }] },
    tls: { incoming: [{ version: "TLS1.2" }, { version: "TLS1.3" }] },
    origins: [{ protocol: "esmtp" }, { protocol: "smtp" }],
  });
});

async function statsOf(pieces: readonly string[]): Promise<unknown> {
  const db = join(temporaryFolder(), "pilot.db");
  for (const piece of pieces) await ingestInto(db, ["-"], { logType: "main" }, Readable.from([Buffer.from(piece)]));
  const { stdout } = await runCli(["stats", "all", "--json", "--db", db]);
  return JSON.parse(stdout).sections;
}
