/** Names kept in one text. */
import { expect, test } from "vitest";
import { KnownNames } from "../../src/message/account-risk.ts";

test.each([3, 500])(
  "%i names are known, in the order in which they came, however often they are asked for",
  (count) => {
    const names = Array.from({ length: count }, (_, index) => `198.51.100.${index}`);
    const first = new KnownNames();
    for (const name of names) first.add(name);
    const text = first.text;
    expect(text).toBe(`\n${names.join("\n")}\n`);
    const again = new KnownNames(text);
    for (const name of names) {
      expect(again.has(name)).toBe(true);
      // A part of a name is no name.
      expect(again.has(name.slice(0, -1)) && !names.includes(name.slice(0, -1))).toBe(false);
      again.add(name);
    }
    expect(again.text).toBe(text);
    again.add("203.0.113.1");
    expect(again.text).toBe(`${text}203.0.113.1\n`);
    expect(new KnownNames().text).toBe("");
  },
);
