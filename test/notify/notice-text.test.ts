/** The text of a notification: whatever a stranger has written into a log, it is no link, no markup and no more than a line. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { composeNotice, toField } from "../../src/render/notify/notice-text.ts";
import { markOf, type NotificationEvent } from "../../src/store/outbox/notification.ts";

describe("a field", () => {
  test.each([
    ["https://evil.example/x", "https[:]//evil[.]example/x"],
    ["bob@example.org wrote", "bob@example[.]org wrote"],
    ["www.evil.example.", "www[.]evil[.]example."],
    ["192.0.2.17 refused", "192.0.2[.]17 refused"],
    ["it is 37.4 %, 421 4.7.28", "it is 37.4 %, 421 4.7.28"],
    ["javascript:alert(1) mailto:x", "javascript[:]alert(1) mailto[:]x"],
    ["a\u202eb\u0007c\nd\te", "a\\u202eb\\x07c d e"],
    ["evil\u3002example", "evil[.]example"],
    ["пример.рф", "пример[.]рф"],
    ["=?utf-8?q?=0D=0ABcc:_x?=", "=[?]utf-8?q?=0D=0ABcc:_x?="],
  ])("%j becomes %j", (text, expected) => {
    expect(toField(text)).toBe(expected);
  });

  test("has 200 characters at most, however long it is, and is cut between characters", () => {
    expect([...toField("😀".repeat(1000))]).toHaveLength(200);
    expect(toField("x".repeat(10_000_000))).toBe(`${"x".repeat(199)}…`);
  });

  test("has no control character, no line and no link, whatever it is made of", () => {
    const piece = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("http", "://", "www.", ".com", "\u202e", "\n", "@", "tel:", "a.b", "1.2.3.4"),
    );
    fc.assert(
      fc.property(
        fc.array(piece).map((pieces) => pieces.join("")),
        (text) => {
          const field = toField(text);
          expect(field).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]|:\/\/|[\p{L}\p{N}]\.\p{L}/u);
        },
      ),
    );
  });
});

const EVENT: NotificationEvent = {
  version: 1,
  server: "mx1",
  title: "Account user1 sends spam: 212 messages in 1 h from 25 addresses",
  notes: [],
  since: "2026-03-02T03:12:00.000Z",
  until: null,
  command: "exim-pilot incidents show 14",
};
const OPENED = { id: "u", number: 2, incidentId: 14, reason: "opened", severity: "critical" } as const;

describe("a notice", () => {
  test("says how bad, where, what, since when, and how to see more", () => {
    expect(composeNotice({ notification: OPENED, event: EVENT, members: [], markOf })).toMatchObject({
      heading: "exim-pilot: CRITICAL on mx1",
      mark: "#14-2",
      text: `Account user1 sends spam: 212 messages in 1 h from 25 addresses.
Since 2026-03-02 03:12 UTC.
exim-pilot incidents show 14  #14-2`,
    });
  });

  test.each([
    ["worse", "exim-pilot: worse, CRITICAL on mx1"],
    ["over", "exim-pilot: over, CRITICAL on mx1"],
    ["test", "exim-pilot: test on mx1"],
  ] as const)("that is %s says so in its heading", (reason, heading) => {
    expect(composeNotice({ notification: { ...OPENED, reason }, event: EVENT, members: [], markOf }).heading).toBe(
      heading,
    );
  });

  test("fits what Telegram and ntfy take, with its end, however much a digest has", () => {
    const member = { notification: OPENED, event: { ...EVENT, title: "€".repeat(300) } };
    const { text } = composeNotice({
      notification: { ...OPENED, reason: "digest" },
      event: { ...EVENT, notes: Array.from({ length: 50 }, () => "ü".repeat(500)) },
      members: Array.from({ length: 500 }, () => member),
      markOf,
    });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(3500);
    expect(text).toMatch(/\n… and \d+ more\nSince .*\nexim-pilot incidents show 14 {2}#14-2$/);
  });
});
