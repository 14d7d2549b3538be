import { describe, expect, test } from "vitest";
import { isMessageId, messageIdLength, messageIdTime } from "../../src/parse/message-id.ts";

const SHORT = "1vwz8c-0005eI-2Q";
const LONG = "1wOrXx-000000005UZ-3dsn";

describe("messageIdLength", () => {
  test("knows both lengths, at any place of a text", () => {
    expect(messageIdLength(SHORT, 0)).toBe(16);
    expect(messageIdLength(LONG, 0)).toBe(23);
    expect(messageIdLength(`R=${SHORT} U=x`, 2)).toBe(16);
    expect(messageIdLength(`R=${LONG} U=x`, 2)).toBe(23);
  });

  test.each(["", " ", ":", ")", ">", '"', "@example.org"])("accepts an id with %j after it", (after) => {
    expect(messageIdLength(SHORT + after, 0)).toBe(16);
    expect(messageIdLength(LONG + after, 0)).toBe(23);
  });

  test.each(["x", "0", "-", "-H"])("refuses an id with %j after it", (after) => {
    expect(messageIdLength(SHORT + after, 0)).toBe(0);
    expect(messageIdLength(LONG + after, 0)).toBe(0);
  });

  test.each([
    ["an empty text", ""],
    ["a part of one", "1vwz8c-0005eI"],
    ["five characters for the time", "1vwz8-0005eI-2Q"],
    ["seven characters for the time", "1vwz8cx-0005eI-2Q"],
    ["seven for the pid", "1vwz8c-0005eIx-2Q"],
    ["one for the fraction", "1vwz8c-0005eI-2"],
    ["three for the fraction", "1vwz8c-0005eI-2Qx"],
    ["a long pid with a short fraction", "1wOrXx-000000005UZ-3d"],
    ["a short pid with a long fraction", "1vwz8c-0005eI-3dsn"],
    ["a letter beyond ASCII", "1vwz8é-0005eI-2Q"],
    ["a blank inside", "1vwz8c-0005 I-2Q"],
  ])("refuses %s", (_what, text) => {
    expect(messageIdLength(text, 0)).toBe(0);
  });

  test("past the end there is none", () => {
    expect(messageIdLength(SHORT, 1)).toBe(0);
    expect(messageIdLength(SHORT, 100)).toBe(0);
  });
});

describe("isMessageId", () => {
  test("is about the whole text", () => {
    expect(isMessageId(SHORT)).toBe(true);
    expect(isMessageId(LONG)).toBe(true);
    expect(isMessageId("")).toBe(false);
    expect(isMessageId(`${SHORT} `)).toBe(false);
    expect(isMessageId(`<${SHORT}>`)).toBe(false);
    expect(isMessageId("alice@example.org")).toBe(false);
  });
});

describe("messageIdTime", () => {
  test("is the second at which reception began, in UTC", () => {
    expect(new Date(messageIdTime(SHORT)).toISOString()).toBe("2026-03-02T09:00:26.000Z");
    expect(new Date(messageIdTime("20CKE8-0005pQ-2t")).toISOString()).toBe("2028-02-26T18:42:36.000Z");
  });

  test("counts digits, then capitals, then small letters, so that ids sort by their time", () => {
    expect(messageIdTime("000000-000000-00")).toBe(0);
    expect(messageIdTime("000009-000000-00")).toBe(9_000);
    expect(messageIdTime("00000A-000000-00")).toBe(10_000);
    expect(messageIdTime("00000a-000000-00")).toBe(36_000);
    expect(messageIdTime("00000z-000000-00")).toBe(61_000);
    expect(messageIdTime("000010-000000-00")).toBe(62_000);
  });

  test("does not depend on the rest of the id", () => {
    expect(messageIdTime("1vwz8c-zzzzzz-zz")).toBe(messageIdTime("1vwz8c-000000005UZ-3dsn"));
  });
});
