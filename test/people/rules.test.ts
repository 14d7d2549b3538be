/** Forms of what people type: names, addresses, notes, colours. */
import { describe, expect, test } from "vitest";
import { toColour } from "../../src/people/colours.ts";
import { toNote } from "../../src/people/notes.ts";
import { assertUsername, assertWishes } from "../../src/people/users.ts";
import { thrownBy } from "../support/pilot-error.ts";

const usageOf = (action: () => unknown): string => {
  const { code, message, hint } = thrownBy(action);
  expect({ code, isHinted: (hint ?? "") !== "" }).toEqual({ code: "usage", isHinted: true });
  return message;
};

describe("a note", () => {
  test.each<[what: string, text: string]>([
    ["that is empty", ""],
    ["of blanks", " \n\t "],
    ["of no-break spaces", "\u00a0\u2003"],
  ])("%s is refused", (_what, text) => {
    expect(usageOf(() => toNote(text))).toBe("The note is empty.");
  });

  test("has up to 10,000 characters, however many bytes and units each has", () => {
    for (const character of ["x", "é", "漢", "😀"]) {
      expect(toNote(character.repeat(10_000))).toHaveLength(10_000 * character.length);
      expect(usageOf(() => toNote(character.repeat(10_001)))).toBe("The note has 10001 characters, more than 10000.");
    }
  });

  const controls = Array.from({ length: 0xa0 }, (_, code) => code).filter((code) => code < 32 || code > 126);
  test.each(controls.filter((code) => code !== 9 && code !== 10))(
    "with the control character %i is refused",
    (code) => {
      const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
      expect(usageOf(() => toNote(`a${String.fromCharCode(code)}b`))).toBe(
        `The note has the control character ${name}.`,
      );
    },
  );

  test("with half of a character is refused", () => {
    expect(usageOf(() => toNote("a\ud83db"))).toContain("U+D83D");
  });

  test("keeps lines, tabs and any writing, and loses what follows its last word", () => {
    expect(toNote("one\r\n\ttwo\n\n")).toBe("one\n\ttwo");
    const hebrew = "\u05e9\u05dc\u05d5\u05dd \u202etxt";
    expect(toNote(hebrew)).toBe(hebrew);
  });
});

describe("a colour", () => {
  test.each([
    ["#C0392B", "#c0392b"],
    ["#000000", "#000000"],
    ["red", "#ff0000"],
    ["Fuchsia", "#ff00ff"],
  ])("%s is %s", (typed, colour) => {
    expect(toColour(typed)).toBe(colour);
  });

  test.each([
    "",
    "#fff",
    "c0392b",
    "#c0392",
    "#c0392bb",
    "#c0392g",
    "rebeccapurple",
    "rgb(1,2,3)",
    " red",
    "#ff0000;x",
  ])("%j is none", (typed) => {
    expect(usageOf(() => toColour(typed))).toBe(`"${typed}" is no colour.`);
    expect(thrownBy(() => toColour(typed)).hint).toContain("aqua, black, blue, fuchsia, gray, green, lime");
  });
});

describe("the name of a user", () => {
  test.each(["alice", "A", "a.b-c_d", "alice@example.org", "007", "x".repeat(64)])("can be %s", (name) => {
    expect(() => assertUsername(name)).not.toThrow();
  });

  test.each(["", " ", "-a", "a-", ".a", "al ice", "álice", "a\u202eb", "a/b", "a$b", "x".repeat(65), "a\n"])(
    "cannot be %j",
    (name) => {
      expect(usageOf(() => assertUsername(name))).toContain("cannot be the name of a user");
    },
  );
});

describe("a setting of a user", () => {
  test.each([
    { email: "alice@example.org" },
    { email: "a+b@müller.example" },
    { email: "root@localhost" },
    { email: "" },
    { fullName: "Алиса O’Neill" },
    { osUser: "alice" },
    { osUser: "CORP\\alice" },
    { osUser: "svc$" },
  ])("can be %j", (wishes) => {
    expect(() => assertWishes(wishes)).not.toThrow();
  });

  test.each([
    { email: "alice" },
    { email: "alice@" },
    { email: "al\u202eice@example.org" },
    { email: "alice@example.org\nbcc: all" },
    { email: "a b@example.org" },
    { email: "a@b@example.org" },
    { email: `${"a".repeat(65)}@example.org` },
    { fullName: "a\u001b[31m" },
    { fullName: "a\u202eb" },
    { fullName: "x".repeat(201) },
    { osUser: "-alice" },
    { osUser: "a;b" },
    { osUser: "a\nb" },
  ])("cannot be %j", (wishes) => {
    usageOf(() => assertWishes(wishes));
  });
});
