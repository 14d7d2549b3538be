/** Evidence of any kind leads to its message, and says how surely. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { needsParser, splitEvidence } from "../../src/content/evidence-sections.ts";
import { readStatements, readTextStatement } from "../../src/trace/evidence.ts";
import { expectFailure, runCli } from "../support/cli.ts";
import { ingestInto } from "../support/database.ts";

const [FIRST, BOUNCE, SECOND] = ["1vwwZU-0005V4-1s", "1vwwZW-0005V4-1s", "1vwwZX-000000005V4-1sAb"];
/** The first server hands two mails on to the second, which states its id for one of them; the third has a reply of another program. */
const LOGS = {
  mx1: `2026-03-30 06:00:00 ${FIRST} <= ann@a.test H=r.test [203.0.113.4] P=esmtp S=464 id=one@a.test T="Invoice 47" for bob@b.test
2026-03-30 06:00:05 ${FIRST} ** bob@b.test R=hub T=smtp H=mx2.test [203.0.113.5]: 550 no such user
2026-03-30 06:00:05 ${BOUNCE} <= <> R=${FIRST} U=exim P=local S=1200 for ann@a.test
2026-03-30 06:00:06 ${BOUNCE} => ann@a.test R=out T=smtp H=mx.a.test [203.0.113.7] C="250 2.0.0 Ok: queued as 4F2Zk1"
2026-03-30 06:00:06 ${BOUNCE} Completed
2026-03-30 06:00:06 ${FIRST} Completed
2026-03-30 06:10:00 1vwwZa-0005V5-1s <= dan@d.test H=d.test [203.0.113.9] P=esmtp S=700 for eve@b.test
2026-03-30 06:10:01 1vwwZa-0005V5-1s => eve@b.test R=hub T=smtp H=mx2.test [203.0.113.5] C="250 OK id=${SECOND}"
2026-03-30 06:10:01 1vwwZa-0005V5-1s Completed
2026-03-30 07:00:00 1vwwZb-0005V6-1s <= dan@d.test H=d.test [203.0.113.9] P=esmtp S=700 for eve@b.test
2026-03-30 07:00:01 1vwwZb-0005V6-1s => eve@b.test R=hub T=smtp H=mx2.test [203.0.113.5] C="250 ok"
2026-03-30 07:00:01 1vwwZb-0005V6-1s Completed
`,
  mx2: `2026-03-30 06:10:01 ${SECOND} <= dan@d.test H=mx1.test [203.0.113.6] P=esmtp S=900 for eve@b.test
2026-03-30 06:10:02 ${SECOND} => eve <eve@b.test> R=local T=mbox
2026-03-30 06:10:02 ${SECOND} Completed
2026-03-30 07:00:02 1vwwZc-0005V7-1s <= dan@d.test H=mx1.test [203.0.113.6] P=esmtp S=900 for eve@b.test
2026-03-30 07:00:02 1vwwZc-0005V7-1s => eve <eve@b.test> R=local T=mbox
2026-03-30 07:00:02 1vwwZc-0005V7-1s Completed
`,
};

const RETURNED = `Return-path: <ann@a.test>
Received: from r.test ([203.0.113.4])
	by mx1.test with esmtp (Exim 4.96)
	(envelope-from <ann@a.test>)
	id ${FIRST}
	for bob@b.test;
	Mon, 30 Mar 2026 06:00:00 +0000
Message-ID: <one@a.test>
From: Ann <ann@a.test>
To: bob@b.test
Subject: Invoice 47
Date: Mon, 30 Mar 2026 06:00:00 +0000
`;
const BOUNCE_HEADERS = `X-Failed-Recipients: bob@b.test
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx1.test>
To: ann@a.test
References: <one@a.test>
Subject: Mail delivery failed: returning message to sender
Message-Id: <E${BOUNCE}@mx1.test>
Date: Mon, 30 Mar 2026 06:00:05 +0000
`;
const PLAIN_TEXT = `This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  bob@b.test
    host mx2.test [203.0.113.5]
    SMTP error from remote mail server after RCPT TO:<bob@b.test>:
    550 no such user
`;
const COPY = `
------ This is a copy of the message, including all the headers. ------

${RETURNED}
See https://a.test/?id=nobody@nowhere.test
`;
const DSN = `${BOUNCE_HEADERS}Content-Type: multipart/report; report-type=delivery-status; boundary=dsn

--dsn
Content-Type: text/plain; charset=us-ascii

${PLAIN_TEXT}
--dsn
Content-Type: message/delivery-status

Reporting-MTA: dns; mx1.test

Action: failed
Final-Recipient: rfc822;bob@b.test
Status: 5.0.0

--dsn
Content-Type: message/rfc822

${RETURNED}
Hello
--dsn--
`;
/** Postfix reports about what the first server handed on; its own id is in our confirmation. */
const FORWARDED = `From: Ann <ann@a.test>
To: Help <help@a.test>
Subject: Fwd: what is this?
Message-ID: <ticket@a.test>
Content-Type: multipart/mixed; boundary=out

--out
Content-Type: text/plain

please help, ${SECOND} is in my signature
--out
Content-Type: message/rfc822
Content-Disposition: attachment; filename=bounce.eml

${DSN}
--out--
`;
const QUOTED_PRINTABLE = `From: MAILER-DAEMON@mx.a.test
To: ann@a.test
Message-ID: <report@mx.a.test>
Content-Transfer-Encoding: quoted-printable

The mail queued as 4F2=
Zk1 could not be delivered to ann=40a.test
`;
const quoted = (text: string): string => text.replace(/^/gm, "> ");
const indented = (text: string): string => text.replace(/^/gm, "    ");

interface Answer {
  readonly kind: string;
  readonly messages?: readonly { readonly message: { readonly id: string } }[];
  readonly choices?: readonly { readonly message: { readonly id: string } }[];
  readonly evidence: {
    readonly links: readonly { readonly part: string; readonly to: string; readonly certainty: string }[];
  };
}

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");

beforeAll(async () => {
  for (const [server, log] of Object.entries(LOGS)) {
    const options = { logType: "main", server } as const;
    await ingestInto(DB, ["-"], options, Readable.from([log], { objectMode: false }));
  }
});

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

function traceOf(words: readonly string[], stdin = "") {
  return runCli(["trace", ...words, "--db", DB], { stdin });
}

async function found(words: readonly string[], stdin = ""): Promise<string[]> {
  const { stdout, stderr } = await traceOf([...words, "--json"], stdin);
  expect(stderr).toBe("");
  const { messages = [], choices = [], evidence } = JSON.parse(stdout) as Answer;
  const links = evidence.links.map(({ part, to, certainty }) => `${part}: ${to.split(" ")[0]} ${certainty}`);
  return [...[...messages, ...choices].map(({ message }) => message.id), ...links];
}

const OF_BOUNCE = [FIRST, `bounce: ${BOUNCE} direct`, `returned: ${FIRST} direct`];

describe("trace - finds", () => {
  test.each<[what: string, text: string, expected: readonly string[]]>([
    ["the message of a file", `${RETURNED}\nHello`, [FIRST, `message: ${FIRST} direct`]],
    ["that of headers with \\r\\n", RETURNED.replaceAll("\n", "\r\n"), [FIRST, `message: ${FIRST} direct`]],
    ["that of quoted headers", quoted(RETURNED), [FIRST, `message: ${FIRST} direct`]],
    [
      "that of indented headers below a sentence",
      indented(`Look at this:\n\n${RETURNED}`),
      [FIRST, `message: ${FIRST} direct`],
    ],
    ["that of headers that lost their blanks", RETURNED.replace(/\n\s+/g, "\n"), [FIRST, `message: ${FIRST} direct`]],
    [
      "that of a Received chain alone",
      RETURNED.split("\n").slice(1, 7).join("\n"),
      [FIRST, `message: ${FIRST} direct`],
    ],
    [
      "that of a mail with NULs",
      `${RETURNED.replace("Subject", "X-Nul: \0\0\nSubject")}`,
      [FIRST, `message: ${FIRST} direct`],
    ],
    ["that which a bounce returns", DSN, OF_BOUNCE],
    ["that which a plain bounce returns", `${BOUNCE_HEADERS}\n${PLAIN_TEXT}${COPY}`, OF_BOUNCE],
    ["that which a bounce within a ticket returns", FORWARDED, OF_BOUNCE],
    [
      "that which the text of a bounce returns",
      PLAIN_TEXT + COPY,
      [FIRST, `text: ${FIRST} guessed`, `message: ${FIRST} direct`],
    ],
    ["that which a bounce refers to", `${BOUNCE_HEADERS}\n${PLAIN_TEXT}`, OF_BOUNCE],
    [
      "that which a stored bounce names",
      `${BOUNCE_HEADERS.replace(/References.*\n/, "")}`,
      [FIRST, `bounce: ${BOUNCE} direct`, `report: ${FIRST} direct`],
    ],
    [
      "that on which time, sender and recipient agree",
      RETURNED.replace(/.*\bid \S+\n/, "").replace(/Message-ID.*\n/, ""),
      [FIRST, `message: ${FIRST} correlated`],
    ],
    ["those on which the recipient agrees", "mail for bob@b.test never came", [FIRST, `text: ${FIRST} guessed`]],
    ["that of an id in quoted-printable", QUOTED_PRINTABLE, [BOUNCE, `report: ${BOUNCE} direct`]],
  ])("%s", async (_what, text, expected) => {
    const same = (await found(["-"], text)).filter((one) => !one.startsWith("text: ") || one.includes("guessed"));
    expect(same).toEqual(expected.filter((one) => !(one === `text: ${FIRST} guessed` && expected.length > 2)));
  });
});

describe("trace of words finds", () => {
  test.each<[words: string, expected: readonly string[]]>([
    ["250 2.0.0 Ok: queued as 4F2Zk1", [BOUNCE, `text: ${BOUNCE} direct`]],
    ["4F2Zk1", [BOUNCE, `text: ${BOUNCE} direct`]],
    [`250 OK id=${SECOND}`, [SECOND, "1vwwZa-0005V5-1s", `text: ${SECOND} direct`, "text: 1vwwZa-0005V5-1s direct"]],
    [`Mar 30 06:10:01 mx3 postfix/smtp[7]: 4F2: status=sent (250 OK id=${FIRST})`, [FIRST, `text: ${FIRST} direct`]],
    [`<E${BOUNCE}@mx1.test>`, [BOUNCE, `text: ${BOUNCE} direct`]],
  ])("%s", async (words, expected) => {
    expect(await found(words.split(" "))).toEqual(expected);
  });
});

test("a page of evidence says how each message was found", async () => {
  const file = join(FOLDER, "bounce.eml");
  writeFileSync(file, DSN);
  const { status, stdout } = await traceOf([file]);
  expect(status).toBe(0);
  expect(stdout).toContain(`Bounce            ${BOUNCE} on mx1  direct: it names this id`);
  expect(stdout).toContain(`Returned message  ${FIRST} on mx1  direct: `);
  expect(stdout).toContain("Bounced for bob@b.test");
  expect((await traceOf([file, "--server", "mx2"])).status).toBe(1);
  expect((await traceOf([file, "--chain"])).stdout).toContain(`bounce (direct): ${BOUNCE}`);
});

describe("a chain across servers", () => {
  test.each([
    ["1vwwZa-0005V5-1s", SECOND, "direct"],
    ["1vwwZb-0005V6-1s", "1vwwZc-0005V7-1s", "correlated"],
  ])("says how sure it is that %s went on as %s", async (from, to, certainty) => {
    for (const start of [from, to]) {
      const { stdout } = await traceOf([start, "--chain", "--json"]);
      const links = JSON.parse(stdout).chains.flatMap(({ links: some }: { links: unknown[] }) => some);
      expect(links).toEqual([{ from: `${from} mx1`, to: `${to} mx2`, reason: "next_hop", certainty }]);
    }
  });
});

describe("what is not found", () => {
  test("is told with the ids and addresses that it holds and what of its time was not read", async () => {
    const failed = await traceOf(
      ["-"],
      RETURNED.replaceAll(/one@a\.test|ann@a\.test|bob@b\.test/g, "x@y.test").replace(FIRST, "1vwwZU-0005V4-2B"),
    );
    expectFailure(failed, { status: 1, says: /^error: No message in the database fits standard input\.$/m });
    expect(failed.stderr).toMatch(
      /the id "1vwwZU-0005V4-2B"; the Message-ID "x@y.test"; the address "x@y.test"\. It is of 2026-03-02 06:16:00 \(UTC\)\./,
    );
    expect(failed.stderr).toContain("Coverage: ");
  });

  test.each([
    ["nothing", ""],
    ["blanks", "\n\n  \n"],
    ["a word", "hello\n"],
    ["zeros", "\0".repeat(100_000)],
    ["100,000 headers", Array.from({ length: 100_000 }, (_, index) => `X-${index}: v`).join("\n")],
  ])("is refused where there is nothing to look for: %s", async (_what, text) => {
    expectFailure(await traceOf(["-"], text), { status: 2, says: "Standard input " });
  });

  test.each([
    ["a directory", FOLDER, 2, "is a directory"],
    ["a missing file", "/nowhere/missing", 3, "There is no file"],
  ])("is refused where it is %s", async (_what, path, status, says) => {
    expectFailure(await traceOf([path]), { status, says });
  });
});

describe("hostile evidence", () => {
  const LARGE = 300_000;
  test.each([
    "@",
    ".",
    "<",
    "<@",
    "id=",
    "id ",
    " ",
    "\n",
    "a@b ",
    ":",
    "From: ",
    "=?utf-8?Q?=",
    "queued as ",
    "(",
    "-",
    "é",
    "a.",
    "4F",
  ])(
    "is read in a time that grows with its length: %j",
    (piece) => {
      const long = piece.repeat(LARGE / piece.length);
      for (const text of [long, `Received: ${long}`, `${RETURNED}${long}`, long.replace(/(.{990})/g, "X-A: $1\n")]) {
        needsParser(text);
        for (const { times: _times, subject: _subject, part: _part, ...lists } of readStatements(splitEvidence(text)))
          for (const list of Object.values(lists)) expect(list.length).toBeLessThanOrEqual(50);
      }
    },
    20_000,
  );

  test("in many parts and mails within mails ends", async () => {
    const nested = Array.from(
      { length: 2000 },
      (_, depth) => `Content-Type: multipart/mixed; boundary=b${depth}\n\n--b${depth}\n`,
    ).join("");
    const parts = `Content-Type: multipart/report; boundary=q\n\n${"--q\nContent-Type: message/rfc822\n\nX: y\n".repeat(20_000)}`;
    for (const text of [`Message-ID: <one@a.test>\n${nested}`, `Message-ID: <one@a.test>\n${parts}`]) {
      const { stdout } = await traceOf(["-", "--json"], text);
      expect(stdout).toContain(FIRST);
    }
  }, 60_000);
});

describe("ids of replies", () => {
  test.each([
    ["250 OK id=1vwwZX-000000005V4-1sAb", ["1vwwZX-000000005V4-1sAb"], []],
    ["250 2.0.0 Ok: queued as 4F2Zk1", [], ["4F2Zk1"]],
    ["250 2.0.0 62U60A1x001234 Message accepted for delivery", [], ["62U60A1x001234"]],
    ["250 2.0.0 OK  1774850405 a640c23a62f3a-b1 - gsmtp", [], ["a640c23a62f3a-b1", "1774850405"]],
    ["250 2.6.0 <m@x.test> [InternalId=471100, Hostname=x.test] Queued mail for delivery", [], ["471100"]],
    ["250 ok 1774850405 qp 12345", [], ["12345", "1774850405"]],
  ])("%s", (reply, eximIds, queueIds) => {
    expect(readTextStatement(reply)).toMatchObject({ eximIds, queueIds });
  });
});
