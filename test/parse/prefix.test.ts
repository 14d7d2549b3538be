import { describe, expect, test } from "vitest";
import { parsePrefix, startsWithStamp, zonedMs } from "../../src/parse/prefix.ts";

const SHORT = "1vwz8c-0005eI-2Q";
const LONG = "1wOrXx-000000005UZ-3dsn";

/** The prefix with its stamp as an ISO string, and the text that follows it. */
function read(line: string) {
  const prefix = parsePrefix(line);
  if (prefix === undefined) return undefined;
  const { wallMs, textStart, ...rest } = prefix;
  return { wall: new Date(wallMs).toISOString(), ...rest, text: line.slice(textStart) };
}

const BARE = {
  wall: "2026-03-02T05:40:05.000Z",
  zoneMinutes: undefined,
  pid: undefined,
  messageId: undefined,
};

describe("parsePrefix reads", () => {
  test.each([
    ["a stamp", "2026-03-02 05:40:05 text", {}],
    ["an id of 16 characters", `2026-03-02 05:40:05 ${SHORT} text`, { messageId: SHORT }],
    ["an id of 23 characters", `2026-03-02 05:40:05 ${LONG} text`, { messageId: LONG }],
    ["milliseconds", "2026-03-02 05:40:05.712 text", { wall: "2026-03-02T05:40:05.712Z" }],
    ["a zone", "2026-03-02 05:40:05 +0100 text", { zoneMinutes: 60 }],
    ["a pid", "2026-03-02 05:40:05 [1235] text", { pid: 1235 }],
    ["a zone and a pid", "2026-03-02 05:40:05 -0330 [7] text", { zoneMinutes: -210, pid: 7 }],
    ["a pid and an id", `2026-03-02 05:40:05 [1235] ${SHORT} text`, { pid: 1235, messageId: SHORT }],
    ["a zone and an id", `2026-03-02 05:40:05 +0000 ${LONG} text`, { zoneMinutes: 0, messageId: LONG }],
    [
      "all of them",
      `2026-03-02 05:40:05.001 +1030 [1236] ${LONG} text`,
      { wall: "2026-03-02T05:40:05.001Z", zoneMinutes: 630, pid: 1236, messageId: LONG },
    ],
    ["a fraction of one digit", "2026-03-02 05:40:05.7 text", { wall: "2026-03-02T05:40:05.700Z" }],
    [
      "a fraction of six digits, cut to milliseconds",
      "2026-03-02 05:40:05.712999 text",
      { wall: "2026-03-02T05:40:05.712Z" },
    ],
    ["a leap second", "2026-03-02 05:40:60 text", { wall: "2026-03-02T05:41:00.000Z" }],
    ["the last day of a leap year's February", "2028-02-29 23:59:59 text", { wall: "2028-02-29T23:59:59.000Z" }],
  ])("%s", (_what, line, expected) => {
    expect(read(line)).toEqual({ ...BARE, ...expected, text: "text" });
  });

  test("every fraction of a second without a rounding error", () => {
    for (let ms = 0; ms < 1000; ms++) {
      const line = `2026-03-02 05:40:05.${`${ms}`.padStart(3, "0")} text`;
      expect((parsePrefix(line)?.wallMs ?? 0) % 1000).toBe(ms);
    }
  });

  test("lines of different days in any order", () => {
    const stamps = ["2026-03-02 05:40:05", "2026-03-03 00:00:00", "2026-03-02 23:59:59", "1999-12-31 23:59:59"];
    for (const stamp of [...stamps, ...stamps.reverse()]) {
      expect(read(`${stamp} text`)?.wall).toBe(`${stamp.replace(" ", "T")}.000Z`);
    }
  });
});

describe("parsePrefix leaves to the text", () => {
  test.each([
    ["nothing at all", "2026-03-02 05:40:05", ""],
    ["nothing after a blank", "2026-03-02 05:40:05 ", ""],
    ["a second blank", "2026-03-02 05:40:05  DSH=x", " DSH=x"],
    ["the piece number of a split syslog line", "2026-03-02 05:40:05 [1/2] text", "[1/2] text"],
    ["an address in brackets", "2026-03-02 05:40:05 [203.0.113.7] text", "[203.0.113.7] text"],
    ["empty brackets", "2026-03-02 05:40:05 [] text", "[] text"],
    ["a number in brackets that goes on", "2026-03-02 05:40:05 [12]: text", "[12]: text"],
    ["a zone without a sign", "2026-03-02 05:40:05 0100 text", "0100 text"],
    ["a zone that is too short", "2026-03-02 05:40:05 +010 text", "+010 text"],
    ["a zone that is too long", "2026-03-02 05:40:05 +01000 text", "+01000 text"],
    ["an id with a colon after it", `2026-03-02 05:40:05 ${SHORT}: text`, `${SHORT}: text`],
    ["an id that goes on", `2026-03-02 05:40:05 ${SHORT}-D text`, `${SHORT}-D text`],
    ["an id that is too short", "2026-03-02 05:40:05 1vwz8c-0005eI-2 text", "1vwz8c-0005eI-2 text"],
    ["a zone after a pid, which is the wrong order", "2026-03-02 05:40:05 [7] +0100 text", "+0100 text"],
  ])("%s", (_what, line, text) => {
    expect(read(line)?.text).toBe(text);
  });

  test("the second of two ids", () => {
    expect(read(`2026-03-02 05:40:05 ${SHORT} ${LONG} text`)).toMatchObject({
      messageId: SHORT,
      text: `${LONG} text`,
    });
  });
});

describe("parsePrefix finds none in", () => {
  test.each([
    ["an empty line", ""],
    ["text", "Completed"],
    ["a header line", "P Received: from x"],
    ["a folded header line that begins with a stamp", "\t2026-03-02 05:40:05 text"],
    ["a syslog stamp", "Mar  2 05:40:05 mx1 exim[1250]: text"],
    ["a stamp with a T", "2026-03-02T05:40:05 text"],
    ["a stamp with slashes", "2026/03/02 05:40:05 text"],
    ["a stamp cut in half", "2026-03-02 05:4"],
    ["a thirteenth month", "2026-13-02 05:40:05 text"],
    ["a month of zero", "2026-00-02 05:40:05 text"],
    ["a day of zero", "2026-03-00 05:40:05 text"],
    ["a thirty-second day", "2026-03-32 05:40:05 text"],
    ["hour 24", "2026-03-02 24:00:00 text"],
    ["minute 60", "2026-03-02 05:60:00 text"],
    ["second 61", "2026-03-02 05:40:61 text"],
    ["letters for digits", "2026-O3-02 05:40:05 text"],
    ["a stamp glued to its text", "2026-03-02 05:40:05text"],
  ])("%s", (_what, line) => {
    expect(parsePrefix(line)).toBeUndefined();
  });
});

describe("startsWithStamp", () => {
  test("tells the first line of an entry from a continuation line", () => {
    expect(startsWithStamp("2026-03-02 05:40:05 text")).toBe(true);
    expect(startsWithStamp("2026-03-02 05:40:05")).toBe(true);
    expect(startsWithStamp("  2026-03-02 05:40:05 text")).toBe(false);
    expect(startsWithStamp("Envelope-from: <a@b.example>")).toBe(false);
    expect(startsWithStamp("2026-03-02 05:40:05Z text")).toBe(false);
  });
});

describe("zonedMs", () => {
  test("east of Greenwich the moment is earlier than the clock says, west of it later", () => {
    const noon = Date.UTC(2026, 2, 2, 12);
    expect(new Date(zonedMs(noon, 60)).toISOString()).toBe("2026-03-02T11:00:00.000Z");
    expect(new Date(zonedMs(noon, -240)).toISOString()).toBe("2026-03-02T16:00:00.000Z");
    expect(zonedMs(noon, 0)).toBe(noon);
  });
});
