/** Each generation of eximstats has its own reading of a line. Checked against the scripts of 4.96, 4.98 and 4.99 on the corpus. */
import { describe, expect, test } from "vitest";
import { createPaint } from "../../src/render/form/paint.ts";
import { renderEximstatsPage } from "../../src/render/stats/eximstats-page.ts";
import { acceptLine, DIALECTS } from "../../src/stats/eximstats/accept-line.ts";
import { dialectOf } from "../../src/stats/eximstats/eximstats.ts";
import { EximstatsTally } from "../../src/stats/eximstats/tally.ts";

const STAMP = "2026-05-18 06:33:49 ";
const RCPT = "[203.0.113.9] F=<a@b.example> rejected RCPT <c@d.example>: relay not permitted";

function textsOf(text: string): (string | undefined)[] {
  return DIALECTS.map((dialect) => acceptLine(STAMP + text, dialect)?.text);
}

describe("the text of a rejection without an id", () => {
  test("of a short HELO name begins within the stamp in 4.97, and is found by H= all the same", () => {
    const line = `H=(x) ${RCPT}`;
    expect(textsOf(line)).toEqual([line, `8 06:33:49 ${line}`, line]);
    expect(ipsOf(line)).toEqual(["[203.0.113.9]", "[203.0.113.9]", "local"]);
  });

  test.each(["H=(seventeen.char)", "H=(twenty.one.letters)", "H=(a.name.that.is.cut.at.twenty-three)"])(
    "of a long one begins behind its beginning in 4.97, so that the host is lost: %s",
    (host) => {
      const line = `${host} ${RCPT}`;
      const word = host.slice(0, 23);
      expect(textsOf(line)).toEqual([line, line.slice(word.length - 16), line]);
      expect(ipsOf(line)).toEqual(["[203.0.113.9]", "local", "local"]);
    },
  );
});

function ipsOf(text: string): (string | undefined)[] {
  return DIALECTS.map((dialect) => {
    const tally = new EximstatsTally({ dialect, from: "", until: "9999", toWallMs: Number });
    tally.add(STAMP + text);
    return tally.report().rejectedIps[0]?.key;
  });
}

test.each<[text: string, flags: (string | undefined)[]]>([
  ["login authenticator failed for (x) [203.0.113.9]: 535 Incorrect authentication data", [undefined, undefined, "Re"]],
  ["1wPAAA-000000001aB-0abc <= a@b.example H=x [203.0.113.9] P=esmtp S=300", [undefined, "<=", "<="]],
  ["1vwwZU-0005V4-1s <= a@b.example H=x [203.0.113.9] P=esmtp S=300", ["<=", "<=", "<="]],
  ["1vwwZU-0005V4-1s H=mx [203.0.113.9]: unrefused words of another host", ["Re", "Re", undefined]],
  ["1vwwZU-0005V4-1s (= a@b.example H=x [203.0.113.9] rejected P=esmtp S=300", ["Re", "Re", undefined]],
])("the dialects read %s", (text, flags) => {
  expect(DIALECTS.map((dialect) => acceptLine(STAMP + text, dialect)?.flag)).toEqual(flags);
});

test("the dialect is that of the newest Exim that the servers log, else of the ids", () => {
  expect(dialectOf([], false)).toBe("4.96");
  expect(dialectOf([], true)).toBe("4.97");
  expect(dialectOf(["4.96"], false)).toBe("4.96");
  expect(dialectOf(["4.97"], false)).toBe("4.97");
  expect(dialectOf(["4.98.2"], true)).toBe("4.97");
  expect(dialectOf(["4.94", "4.99.1"], true)).toBe("4.99");
  expect(dialectOf(["4.100"], true)).toBe("4.99");
  expect(dialectOf(["5.0", "x"], false)).toBe("4.96");
});

test("the heading names the versions that count so", () => {
  const headings = DIALECTS.map((dialect) => {
    const report = new EximstatsTally({ dialect, from: "", until: "9999", toWallMs: Number }).report();
    const screen = { columns: 200, paint: createPaint(false), timeZone: "UTC" };
    return renderEximstatsPage({ ...report, syslogLogs: 0 }, screen, 10).split("\n", 1)[0];
  });
  expect(headings).toEqual([
    "No line was counted, as eximstats up to 4.96 counts",
    "No line was counted, as eximstats of 4.97 and 4.98 counts",
    "No line was counted, as eximstats from 4.99 on counts",
  ]);
});
