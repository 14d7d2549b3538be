import { expect, test } from "vitest";
import { sessionTrouble } from "../../src/message/session-trouble.ts";
import { parseEntryText } from "../../src/parse/record.ts";
import { asking, jsonIn } from "../support/ask.ts";

test.each([
  ['SMTP protocol error in "AUTH LOGIN" H=(User) [192.0.2.29] LOGIN authentication mechanism not supported', "auth"],
  ['SMTP protocol error in "AUTH LOGIN" H=(User) [192.0.2.29] AUTH command used when not advertised', "auth"],
  ["no MAIL in SMTP connection from (User) [192.0.2.29] D=0.349s C=EHLO,AUTH,QUIT", "auth"],
  ["no MAIL in SMTP connection from (User) [192.0.2.29] D=0.349s C=EHLO,QUIT", "no_mail"],
  ['SMTP protocol error in "DATA" H=(x) [192.0.2.29] valid RCPT command must precede DATA', "protocol"],
  ['SMTP syntax error in "GET / HTTP/1.1" H=[192.0.2.29] unrecognized command', "syntax"],
  ["SMTP connection from (x) [192.0.2.29] D=1s closed by DROP in ACL", "dropped"],
  ["SMTP connection from (x) [192.0.2.29] lost (error: Connection reset by peer) D=1s", "lost"],
  ["unexpected disconnection while reading SMTP command from (x) [192.0.2.29] D=0.000s", "lost"],
  ["SMTP command timeout on connection from (x) [192.0.2.29] D=5m", "timeout"],
  ["H=(x) [192.0.2.29] incomplete transaction (QUIT) from <a@b.example>", "incomplete"],
  [
    "TLS error on connection from (x) [192.0.2.29] (gnutls_handshake): No supported cipher suites have been found.",
    "tls",
  ],
  ["SMTP connection from (x) [192.0.2.29] D=1s closed by QUIT", undefined],
  ["SMTP connection from [192.0.2.29]:20042 (TCP/IP connection count = 1)", undefined],
  ["H=(x) [192.0.2.29] F=<a@b.example> rejected RCPT <c@d.example>: relay not permitted", undefined],
])("the line %s is trouble of the kind %s", async (line, trouble) => {
  const text = `2024-03-24 02:04:32 ${line}`;
  const event = parseEntryText(text)?.event;
  expect(event && sessionTrouble(event)).toBe(trouble);
  const ask = await asking(`${text}\n`);
  const { troubles } = jsonIn(await ask("abuse", "--json")) as { troubles: { id: string }[] };
  const expected = { ipAddress: "192.0.2.29", troubles: 1, kinds: { [String(trouble)]: 1 } };
  expect(troubles).toMatchObject(trouble === undefined ? [] : [expected]);
});

const PROBES = `2024-03-24 02:04:32 SMTP connection from [192.0.2.29]:20042 (TCP/IP connection count = 1)
2024-03-24 02:04:32 SMTP protocol error in "AUTH LOGIN" H=(User) [192.0.2.29]:20042 LOGIN authentication mechanism not supported
2024-03-24 02:04:33 no MAIL in SMTP connection from (User) [192.0.2.29]:20042 D=0.349s C=EHLO,QUIT
2024-03-24 02:05:33 no MAIL in SMTP connection from (User) [192.0.2.30]:20042 D=0.349s C=EHLO,QUIT
`;

test("clients are ranked by troubles of their sessions, in abuse and in statistics", async () => {
  const ask = await asking(PROBES);
  expect(await ask("abuse")).toContain(
    "1 192.0.2.29 2 tries passwords 1 login where none is offered, 1 session without MAIL; 2024-03-24 02:04:32 to 2024-03-24 02:04:33 2 192.0.2.30 1 sends no mail 1 session without MAIL;",
  );
  const { top } = JSON.parse(await ask("stats", "top", "--by", "ip", "--rank", "troubles", "--json")).sections;
  expect(top[0].rows).toMatchObject([
    { key: "192.0.2.29", troubles: 2 },
    { key: "192.0.2.30", troubles: 1 },
  ]);
  const unasked = JSON.parse(await ask("stats", "top", "--by", "ip", "--json")).sections.top;
  expect(unasked).toMatchObject([{ rank: "troubles", rows: [{ key: "192.0.2.29" }, { key: "192.0.2.30" }] }]);
  expect(JSON.parse(await ask("stats", "top", "--by", "ip", "--rank", "count", "--json")).sections.top[0].rows).toEqual(
    [],
  );
  expect(await ask("stats", "top", "--by", "mx", "--rank", "troubles")).toContain("cannot be ranked by them");
  expect(JSON.parse(await ask("search", "--event", "session", "--ip", "192.0.2.29", "--json")).results).toHaveLength(3);
  expect(await ask("abuse", "--since", "2024-03-25")).toMatch(/^Nothing matches\. Coverage: none\. /);
});
