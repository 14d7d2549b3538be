import fc from "fast-check";
import { expect, test } from "vitest";
import { formatBytes, formatCount, formatTime } from "../../src/render/form/format.ts";
import { epochMs, toIso } from "../../src/units.ts";

test.each([
  [0, "0 B"],
  [1, "1 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [2048 - 1, "2.0 KiB"],
  [102_348, "99.9 KiB"],
  [102_390, "100 KiB"],
  [1024 * 1024 - 1, "1.0 MiB"],
  [184 * 1024 ** 2, "184 MiB"],
  [5 * 1024 ** 5, "5120 TiB"],
])("%i bytes are %s", (bytes, shown) => {
  expect(formatBytes(bytes)).toBe(shown);
});

test("a time in UTC is written as one of any other zone is", () => {
  const moments = fc.integer({ min: 0, max: 4_000_000_000_000 });
  fc.assert(
    fc.property(moments, (ms) => {
      const iso = toIso(epochMs(ms));
      // The same zone under another name.
      expect(formatTime(iso, "UTC")).toBe(formatTime(iso, "Etc/GMT"));
    }),
  );
});

test("a count is written as one of English is", () => {
  const counts = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -10_000, max: 10_000_000 }), fc.double());
  fc.assert(
    fc.property(counts, (count) => {
      fc.pre(!Object.is(count, -0));
      expect(formatCount(count)).toBe(count.toLocaleString("en-US"));
    }),
    { examples: [[0], [-1], [999], [1000], [-1000], [1e21], [1234.5678]] },
  );
});
