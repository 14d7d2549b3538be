/** A long error stands once on the page of a message. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toAscii } from "../../src/cli/terminal/locale-output.ts";
import { runCli } from "../support/cli.ts";
import { temporaryFolder } from "../support/database.ts";

const REPLY = "550 5.7.1 This message was refused because of the reputation of its sender";
const ID = "1vwwZU-0005V4-1s";

async function pageOf(...lines: readonly string[]): Promise<string> {
  const [db, log] = [join(temporaryFolder(), "pilot.db"), join(temporaryFolder(), "mainlog")];
  const arrival = `2026-03-30 06:00:00 ${ID} <= ann@a.test H=r.test [203.0.113.4] P=esmtp S=464 for ${lines.map((line) => / (\S+@\S+) /.exec(line)?.[1]).join(" ")}\n`;
  writeFileSync(log, `${arrival}${lines.join("\n")}\n2026-03-30 06:00:01 ${ID} Completed\n`);
  await runCli(["ingest", "--quiet", "--db", db, "--log-type", "main", log]);
  return (await runCli(["trace", ID, "--db", db])).stdout;
}

const failure = (address: string, reply: string): string =>
  `2026-03-30 06:00:01 ${ID} ** ${address} R=out T=smtp H=mx.b.test [203.0.113.5]: SMTP error from remote mail server after RCPT TO:<${address}>: ${reply}`;

test("of one recipient: in the verdict", async () => {
  const page = await pageOf(failure("bob@b.test", REPLY));
  expect(page.split(REPLY)).toHaveLength(2);
  expect(page.indexOf(REPLY)).toBeLessThan(page.indexOf("Recipients"));
  expect(page).toContain("bob@b.test failed at mx.b.test [203.0.113.5] (out, smtp): the error above");
});

test("of several with different errors: with each recipient", async () => {
  const [one, two] = [`${REPLY} one`, `${REPLY} two`];
  const page = await pageOf(failure("bob@b.test", one), failure("ann@b.test", two));
  const timeline = page.slice(page.indexOf("Timeline"));
  for (const reply of [one, two]) {
    expect(page.slice(0, page.indexOf("Timeline"))).toContain(reply);
    expect(timeline).not.toContain(reply);
  }
});

test("a short one is said again: it is as quickly read as a pointer", async () => {
  const page = await pageOf(failure("bob@b.test", "550 no"));
  expect(page.slice(page.indexOf("Timeline"))).toContain("550 no");
});

test("of ours and of logs, everything has a form in ASCII", () => {
  expect(toAscii("“a” → b… █▏ ·")).toBe('"a" -> b... # .');
  expect(toAscii("café 日 😀")).toBe("caf\\u00e9 \\u65e5 \\u{1f600}");
});
