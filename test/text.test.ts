import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeUtf8 } from "../src/text.ts";

/** Bytes of which many are UTF-8: whole characters, cut ones, and any others between them. */
const bytes = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary" }).map((text) => Buffer.from(text, "utf8")),
      fc
        .string({ unit: "grapheme", minLength: 1, maxLength: 1 })
        .map((text) => Buffer.from(text, "utf8").subarray(0, -1)),
      fc.uint8Array({ maxLength: 4 }).map((some) => Buffer.from(some)),
      fc.constantFrom(Buffer.from("\ufeff"), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from([0xc0, 0xaf])),
    ),
  )
  .map((parts) => Buffer.concat(parts));

test("bytes are UTF-8 where a strict decoder takes them, and latin1 otherwise", () => {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  fc.assert(
    fc.property(bytes, (given) => {
      const latin1 = given.toString("latin1");
      let expected = latin1;
      try {
        expected = strict.decode(given);
      } catch {
        // It is no UTF-8.
      }
      expect(decodeUtf8(latin1)).toBe(expected);
    }),
    { numRuns: 300 },
  );
});

test("text that is no latin1 is returned as it is", () => {
  expect(decodeUtf8("ā Ã¤")).toBe("ā Ã¤");
});
