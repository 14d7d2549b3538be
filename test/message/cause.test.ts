/** Lines that tell why a refusal without words came about, and lines of others that do not. */
import { describe, expect, test } from "vitest";
import { findCause, findStoredCause, lacksCause, toSessionLine } from "../../src/message/cause.ts";
import { parseEntryText } from "../../src/parse/record.ts";
import { asking, jsonIn } from "../support/ask.ts";

const STAMP = "2026-06-12 22:46:43";
const EXPAND = 'failed to expand ACL string "lookup mysql": lookup of "x" gave DEFER: MYSQL connection failed';
const CLAMD =
  "malware acl condition: clamd /run/clamd.ctl : unable to connect to UNIX socket (/run/clamd.ctl): No such file";

function refused(pid: string, client: string, reason = ""): string {
  return `${pid}H=mx.a.example (mx) ${client} F=<a@a.example> temporarily rejected RCPT <b@b.example>${reason}`;
}

/** Lines that begin behind the stamp, or after so many seconds of the minute: `:50 text`. */
function causeOf(...lines: readonly string[]): string | undefined {
  const stored = lines.map((line) => {
    const [, seconds = "43", text = line] = /^:(\d\d) (.*)$/s.exec(line) ?? [];
    return { bytes: `2026-06-12 22:46:${seconds} ${text}`, timestamp: `2026-06-12T22:46:${seconds}.000Z` };
  });
  return findStoredCause(stored, parseEntryText);
}

describe("a refusal without a word has its cause in a line of", () => {
  test.each<[string, string | undefined, string[]]>([
    ["the same process", EXPAND, [`[12] ${EXPAND}`, refused("[12] ", "[192.0.2.1]:4321")]],
    ["another process: none", undefined, [`[13] ${EXPAND}`, refused("[12] ", "[192.0.2.1]:4321")]],
    ["the same process, some time ago", EXPAND, [`:01 [12] ${EXPAND}`, refused("[12] ", "[192.0.2.1]:4321")]],
    ["nobody who is known: none", undefined, [EXPAND, refused("", "[192.0.2.1]:4321")]],
    [
      "the same connection",
      "sender verification: host lookup did not complete",
      [
        "H=mx.a.example (mx) [192.0.2.1]:4321 sender verify defer for <a@a.example>: host lookup did not complete",
        refused("", "[192.0.2.1]:4321", ": Could not complete sender verify"),
      ],
    ],
    [
      "another connection of the same client: none",
      undefined,
      [
        "H=mx.a.example (mx) [192.0.2.1]:4322 sender verify defer for <a@a.example>: host lookup did not complete",
        refused("", "[192.0.2.1]:4321"),
      ],
    ],
    [
      "the same connection a while ago: none, for its port may be another's by now",
      undefined,
      [
        ":01 H=mx.a.example (mx) [192.0.2.1]:4321 sender verify defer for <a@a.example>: host lookup did not complete",
        refused("", "[192.0.2.1]:4321"),
      ],
    ],
    [
      "the same message",
      `the malware scanner failed: ${CLAMD.slice(CLAMD.indexOf("clamd "))}`,
      [
        `1rfRlC-00F71v-Vp ${CLAMD}`,
        "1rfRlC-00F71v-Vp H=mx.a.example [192.0.2.1] F=<a@a.example> temporarily rejected after DATA",
      ],
    ],
    [
      "another message: none, whatever its process",
      undefined,
      [
        `[12] 1rfRlD-00F71v-Vp ${CLAMD}`,
        "[12] 1rfRlC-00F71v-Vp H=mx.a.example [192.0.2.1] F=<a@a.example> temporarily rejected after DATA",
      ],
    ],
    [
      "the same process, the nearest one",
      "failed to open x",
      [`[12] ${EXPAND}`, "[12] failed to open x", refused("[12] ", "[192.0.2.1]")],
    ],
  ])("%s", (_what, cause, lines) => {
    expect(causeOf(...lines)).toBe(cause);
  });

  test("no line that comes later", () => {
    const [own, later] = [refused("[12] ", "[192.0.2.1]"), `[12] ${EXPAND}`].flatMap((text, index) =>
      toSessionLine(parseEntryText(`${STAMP} ${text}`), `2026-06-12T22:46:4${index + 3}.000Z`),
    );
    expect(own !== undefined && later !== undefined && findCause(own, [later])).toBe(undefined);
  });
});

test.each([
  [null, true],
  ["Could not complete sender verify callout", true],
  ["Sender verify failed", true],
  ["greylisted, try again", false],
])("%s lacks a cause: %s", (reason, lacks) => {
  expect(lacksCause(reason)).toBe(lacks);
});

test("search and statistics tell the cause, and find lines without an id by client and recipient", async () => {
  const log = [
    `[12] ${EXPAND}`,
    refused("[12] ", "[192.0.2.1]:4321"),
    "[14] H=mx.c.example [192.0.2.9]:99 F=<c@c.example> RCPT <d@b.example>: discarded by RCPT ACL: not today",
    "[15] 1wY5k0-000001-2Q SMTP connection from (c.example) [192.0.2.8]:34649 lost while reading message data",
    `[16] 1rfRlC-00F71v-Vp ${CLAMD}`,
    "[16] 1rfRlC-00F71v-Vp H=mx.e.example [192.0.2.7] F=<e@e.example> temporarily rejected after DATA",
  ];
  const ask = await asking(log.map((line) => `${STAMP} ${line}\n`).join(""));
  const search = async (...flags: string[]): Promise<object[]> =>
    (jsonIn(await ask("search", "--json", ...flags)) as { results: object[] }).results;
  expect(await search("--ip", "192.0.2.1")).toMatchObject([{ kind: "rejection", reason: null, cause: EXPAND }]);
  expect(await search("--ip", "192.0.2.7")).toMatchObject([
    {
      kind: "message",
      status: "rejected temporarily",
      cause: expect.stringContaining("the malware scanner failed: clamd"),
    },
  ]);
  for (const flags of [
    ["--recipient", "d@b.example"],
    ["--ip", "192.0.2.9"],
  ])
    expect(await search(...flags)).toMatchObject([{ kind: "event", event: "discard" }]);
  expect(await search("--ip", "192.0.2.8")).toMatchObject([{ kind: "message", id: "1wY5k0-000001-2Q" }]);
  expect(await ask("search", "--ip", "192.0.2.1")).toContain("gave DEFER: MYSQL connection failed");
  expect(await ask("stats", "rejections")).toContain("MYSQL connection failed");
});
