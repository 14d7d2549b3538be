/** What strangers wrote into a log does nothing to the terminal that shows it, in whatever form. */
import { Readable } from "node:stream";
import { beforeAll, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { ingestInto } from "../support/database.ts";
import { madeOnce } from "../support/made-once.ts";

const EVIL = "\u001b[2J\u0007\u009b31m\u202eabc";
const ID = "1vwz8c-0005eI-2Q";
const LOG = `2026-03-02 05:40:05 ${ID} <= "${EVIL}"@evil.example H=(${EVIL}) [203.0.113.9] P=esmtp S=419 T="${EVIL}"
2026-03-02 05:40:06 ${ID} ** bob@example.org R=x T=y H=mx.example.org [203.0.113.1]: 550 ${EVIL}
2026-03-02 05:41:00 plain authenticator failed for (${EVIL}) [203.0.113.9]: 535 no (set_id=${EVIL})
`;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;

let db: string;
beforeAll(async () => {
  db = await madeOnce("hostile.db", async (path) => {
    await ingestInto(path, ["-"], { logType: "main" }, Readable.from([Buffer.from(LOG)]));
  });
});

test.each([
  `trace ${ID}`,
  `trace ${ID} --raw`,
  `trace ${ID} --chain`,
  `trace ${ID} --json`,
  "search",
  "search --raw .",
  "search --csv",
  "search --ndjson",
  "search --json",
  "abuse",
  "abuse --json",
  "stats all --by sender --by helo --by auth",
  "stats all --by sender --json",
  "stats bounces --csv",
  "stats bounces --markdown",
  "stats --eximstats",
])("%s", async (command) => {
  const { stdout } = await runCli([...command.split(" "), "--db", db, "--no-pager"], {
    isTTY: true,
    env: { NO_COLOR: "1" },
  });
  expect(stdout).toContain("abc");
  expect(stdout).not.toMatch(UNSAFE);
});

test("JSON means the same text", async () => {
  const { stdout } = await runCli(["trace", ID, "--json", "--db", db]);
  expect(JSON.parse(stdout).messages[0].message.subject).toBe(EVIL);
});

test("parse", async () => {
  const { stdout } = await runCli(["parse", "-"], { stdin: LOG, isTTY: true });
  expect(stdout).not.toMatch(UNSAFE);
  expect(JSON.parse(stdout.split("\n")[0] ?? "").subject).toBe(EVIL);
});
