import { describe, expect, test } from "vitest";
import { isLinear } from "../../src/search/pattern.ts";

describe("a pattern", () => {
  test.each([
    "bob@example.org",
    "203\\.0\\.113\\.105",
    "^\\S <=",
    "[*+?(|]$",
    "(?i)FROZEN",
    "(?-i)FROZEN",
    "a|b",
    "a b",
  ])("%j that is text is linear", (pattern) => {
    expect(isLinear(pattern, { isLiteral: true })).toBe(true);
  });

  test.each(["bob@example.org", "203\\.0\\.113\\.105", "^\\S <=", "[ab]$", "(?i)FROZEN", "(?-i)FROZEN", ""])(
    "%j can match at one place in one way",
    (pattern) => {
      expect(isLinear(pattern, { isLiteral: false })).toBe(true);
    },
  );

  test.each(["(\\w+\\s*)+#$", "a*a*b", "x?x?x", "(a|a)(a|a)b", "a{3}", "(?=a)", "(?i)a+", "a|b", "(?i)(?i)x"])(
    "%j can match in many ways",
    (pattern) => {
      expect(isLinear(pattern, { isLiteral: false })).toBe(false);
    },
  );
});
