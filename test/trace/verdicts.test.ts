/** The word that matters stands in the first sentence. */
import { describe, expect, test } from "vitest";
import { asking } from "../support/ask.ts";

const ID = "1wY4SS-000001-2Q";

/** The first sentence about the message with these lines, each with the stamp `DAY TIME`. */
async function verdict(...lines: string[]): Promise<string> {
  const log = lines.map((line) => line.replace(/^(\d\d) (\d\d:\d\d:\d\d) /, `2026-06-$1 $2 ${ID} `)).join("\n");
  const ask = await asking(`${log}\n`);
  return JSON.parse(await ask("trace", ID, "--json")).messages[0].verdict as string;
}

const ARRIVAL = "12 21:40:12 <= a@out.example H=h.out.example [203.0.113.190] P=esmtp S=429 for b@in.example";
const BUSY =
  "12 21:40:13 == b@in.example R=r T=t defer (-44) H=mx.in.example [203.0.113.14]: SMTP error from remote mail server after RCPT TO:<b@in.example>: 450 4.2.0 busy";

describe("what became of the message", () => {
  test("cancelled, by whom", async () => {
    expect(await verdict(ARRIVAL, BUSY, "12 21:50:12 cancelled by root", "12 21:50:12 Completed")).toMatch(
      /^Cancelled by root: bounced for b@in\.example; the last error: .*450 4\.2\.0 busy\.$/,
    );
    expect(await verdict(ARRIVAL, "12 21:50:12 cancelled by root", "12 21:50:12 Completed")).toBe(
      "Cancelled by root: bounced for b@in.example.",
    );
  });

  test.each([
    ["16 21:50:12", "4 days"],
    ["13 22:00:00", "1 day"],
    ["13 02:40:14", "5 hours"],
    ["12 21:50:13", "10 minutes"],
    ["12 21:40:20", undefined],
  ])("given up at %s after %s, with the last real error", async (stamp, span) => {
    expect(
      await verdict(ARRIVAL, BUSY, `${stamp} ** b@in.example: retry timeout exceeded`, `${stamp} Completed`),
    ).toMatch(
      new RegExp(
        `^Given up ${span === undefined ? "at once" : `after ${span}`} \\(retry timeout exceeded\\), bounced for b@in\\.example: .*450 4\\.2\\.0 busy\\.$`,
      ),
    );
  });

  test("bounced, where one copy was delivered all the same", async () => {
    expect(
      await verdict(
        ARRIVAL,
        '12 21:40:13 => c@else.example <b@in.example> R=r T=t H=mx.else.example [203.0.113.15] C="250 OK"',
        "12 21:40:14 ** d@else.example <b@in.example> R=r T=t H=mx.else.example [203.0.113.15]: SMTP error from remote mail server after RCPT TO:<d@else.example>: 550 no",
        "12 21:40:14 Completed",
      ),
    ).toContain("bounced for b@in.example (one copy was delivered all the same: c@else.example): ".replace(/^b/, "B"));
  });

  test.each([
    ["frozen by root", "Frozen on the queue by root: not tried until it is thawed"],
    ["Frozen (delivery error message)", "Frozen on the queue (delivery error message): not tried until it is thawed"],
    ["Frozen", "Frozen on the queue: not tried until it is thawed"],
    [
      "Process failed (1) when writing error message to a@out.example (frozen)",
      "Frozen on the queue, and nobody was told: the bounce could not be written (Process failed (1) when writing error message to a@out.example); failed for b@in.example: Unrouteable address.",
    ],
  ])("frozen: %s", async (words, sentence) => {
    const failure = words.startsWith("Process") ? ["12 21:40:13 ** b@in.example: Unrouteable address"] : [];
    expect(await verdict(ARRIVAL, ...failure, `12 21:50:12 ${words}`)).toContain(sentence);
  });
});

describe("a message that was not accepted", () => {
  test("put off is no rejection, and its cause stands one line above", async () => {
    const refused = "12 22:46:43 H=mta4.example.com [192.0.2.141] F=<a@example.com> temporarily rejected after DATA";
    expect(
      await verdict(
        "12 22:46:43 malware acl condition: clamd /run/clamd.ctl : unable to connect to UNIX socket (/run/clamd.ctl): No such file or directory",
        refused,
      ),
    ).toMatch(/^Put off, not accepted \(a temporary refusal.*\): the malware scanner failed: clamd \/run\/clamd\.ctl/);
    expect(await verdict(`${refused}: greylisted, try again`)).toMatch(/^Put off, .*: greylisted, try again\.$/);
    expect(await verdict(refused)).toMatch(
      /^Put off, not accepted \(a temporary refusal: the client is to try again\)\.$/,
    );
  });

  test("rejected is rejected", async () => {
    expect(
      await verdict("12 22:46:43 H=mta4.example.com [192.0.2.141] F=<a@example.com> rejected after DATA: no"),
    ).toBe("Rejected, never accepted: no.");
  });

  test.each([
    "SMTP connection from (c.example) [203.0.113.103]:34649 lost while reading message data",
    "SMTP data timeout (message abandoned) on connection from (slow.example) [203.0.113.160] F=<x@partner.example>",
    "SMTP connection lost after final dot H=(c.example) [203.0.113.103] P=esmtp",
  ])("nobody refused it where the client broke off: %s", async (words) => {
    expect(await verdict(`12 23:02:24 ${words}`)).toMatch(/^Not received, and refused by nobody: the client broke off/);
  });

  test("a search tells it too", async () => {
    const ask = await asking(
      `2026-06-12 22:46:43 ${ID} H=mta4.example.com [192.0.2.141] F=<a@example.com> temporarily rejected after DATA: later\n`,
    );
    expect(JSON.parse(await ask("search", "later", "--json")).results).toMatchObject([
      { status: "rejected temporarily" },
    ]);
    expect(await ask("stats", "rejections")).not.toContain("permanent");
  });
});

describe("a message that is being tried", () => {
  const DOWN = "12 21:42:25 H=mx1.in.example [192.0.2.27] Connection timed out";

  test("was tried: hosts have failed", async () => {
    expect(await verdict(ARRIVAL, DOWN, "12 21:44:32 H=mx2.in.example [198.51.100.27] Connection refused")).toBe(
      "Being tried for b@in.example since 2026-06-12 21:42:25; the last host: mx2.in.example [198.51.100.27]: Connection refused.",
    );
    expect(await verdict(ARRIVAL.replace(" for b@in.example", ""), DOWN)).toMatch(/^Received, and being tried since/);
  });

  test("is in the hands of another process", async () => {
    expect(await verdict(ARRIVAL, "12 21:46:49 Spool file is locked (another process is handling this message)")).toBe(
      "Being tried for b@in.example since 2026-06-12 21:46:49; another process has the message.",
    );
  });

  test("was not tried where no line says so", async () => {
    expect(await verdict(ARRIVAL)).toBe("Not tried yet for b@in.example.");
  });

  test("can not be, where Exim cannot read it", async () => {
    expect(await verdict(ARRIVAL, `12 21:46:49 Format error in spool file ${ID}-H: size=415`)).toMatch(
      /^Exim cannot read it from its spool, so nothing happens to it: Format error in spool file/,
    );
  });
});

test("a host did not take it only when it did not", async () => {
  const tls = "12 21:40:13 H=mx.in.example [203.0.113.14] TLS error on connection (recv): not properly terminated.";
  const lines = [ARRIVAL, tls, '12 21:40:13 => b@in.example R=r T=t H=mx.in.example [203.0.113.14] C="250 OK"'];
  const log = (some: readonly string[]): string =>
    some.map((line) => line.replace(/^(\d\d) (\S+) /, `2026-06-$1 $2 ${ID} `)).join("\n");
  const taken = await asking(`${log(lines)}\n`);
  expect(await taken("trace", ID)).toContain("mx.in.example [203.0.113.14]: TLS error");
  expect(await taken("trace", ID)).not.toContain("did not take it");
  const refused = await asking(`${log(lines.slice(0, 2))}\n`);
  expect(await refused("trace", ID)).toContain("mx.in.example [203.0.113.14] did not take it: TLS error");
});
