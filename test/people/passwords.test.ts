/** Passwords: their rules, and their hashes, which hold what a later program needs to compare. */
import { describe, expect, test } from "vitest";
import { assertPassword, hashPassword, isPassword } from "../../src/people/passwords.ts";
import { thrownBy } from "../support/pilot-error.ts";

const GOOD = "correct horse battery staple";

describe("a password is refused", () => {
  test.each<[why: string, password: string, says: RegExp]>([
    ["of eleven characters", "elevenchars", /shorter than 12/],
    ["of eleven characters that take two units each", "😀".repeat(11), /shorter than 12/],
    ["that is empty", "", /shorter than 12/],
    ["without an end", "x".repeat(1025), /longer than 1024/],
    ["with a control character", `${GOOD}\u0007`, /control characters/],
    ["that is the name", "alice.smith-1", /is the name/],
    ["that is the name in other letters", "ALICE.Smith-1", /is the name/],
    ["that is the name in wide letters", "ａlice.smith-1", /is the name/],
  ])("%s", (_why, password, says) => {
    const error = thrownBy(() => assertPassword(password, "alice.smith-1"));
    expect(error.code).toBe("usage");
    expect(error.message).toMatch(says);
    if (password.length > 2) expect(`${error.message}${error.hint}`).not.toContain(password);
  });
});

test.each([GOOD, "twelve chars", "😀".repeat(12), "x".repeat(1024)])("a password such as %s is taken", (password) => {
  expect(() => assertPassword(password, "alice")).not.toThrow();
});

test("a hash names its parameters, is another each time, and knows its password only", async () => {
  const [one, other] = [await hashPassword(GOOD), await hashPassword(GOOD)];
  expect(one).toMatch(/^scrypt\$32768\$8\$3\$[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=$/);
  expect(one).not.toBe(other);
  expect(one).not.toContain(GOOD);
  expect(await isPassword(GOOD, one)).toBe(true);
  expect(await isPassword(`${GOOD} `, one)).toBe(false);
  expect(await isPassword(GOOD, one.replace("$8$", "$16$"))).toBe(false);
});

test("a password is the same however its letters were composed", async () => {
  const hash = await hashPassword("caf\u00e9 caf\u00e9 caf\u00e9");
  expect(await isPassword("cafe\u0301 cafe\u0301 cafe\u0301", hash)).toBe(true);
});

test.each(["", GOOD, "scrypt$", "scrypt$32768$8$3$$", "bcrypt$1$2$3$YQ==$YQ=="])(
  "nothing is the password of %j",
  async (stored) => {
    expect(await isPassword(GOOD, stored)).toBe(false);
  },
);
