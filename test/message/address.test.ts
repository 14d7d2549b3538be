import { describe, expect, test } from "vitest";
import { normaliseAddress } from "../../src/message/address.ts";

describe("normaliseAddress", () => {
  test("lowers the domain and keeps the local part", () => {
    expect(normaliseAddress("Bob@Example.ORG")).toBe("Bob@example.org");
  });

  test("takes what follows the last @ for the domain", () => {
    expect(normaliseAddress('"a@B"@C.example')).toBe('"a@B"@c.example');
  });

  test("calls the null sender <>", () => {
    expect(normaliseAddress("")).toBe("<>");
  });

  test.each(["alice", "|/usr/bin/Procmail -X", "/var/mail/Alice", ":blackhole:", "SYSTEM-FILTER"])(
    "leaves %s alone: it has no domain",
    (address) => {
      expect(normaliseAddress(address)).toBe(address);
    },
  );

  test("says the same twice", () => {
    for (const address of ["", "Bob@Example.ORG", "<>", "jürgen@MÜLLER.example"]) {
      expect(normaliseAddress(normaliseAddress(address))).toBe(normaliseAddress(address));
    }
  });
});
