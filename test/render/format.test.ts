import fc from "fast-check";
import { expect, test } from "vitest";
import { formatTime } from "../../src/render/form/format.ts";
import { epochMs, toIso } from "../../src/units.ts";

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
