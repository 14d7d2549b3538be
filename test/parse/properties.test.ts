import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseDuration } from "../../src/parse/durations.ts";
import { isMessageId, messageIdLength, messageIdTime } from "../../src/parse/message-id.ts";
import { parsePrefix } from "../../src/parse/prefix.ts";
import { parseEntry, startsEntry } from "../../src/parse/record.ts";
import { unwrapLine } from "../../src/parse/wrappers.ts";
import { allLogFixtures } from "../support/log-fixtures.ts";
import { valuesAsWritten } from "../support/written-values.ts";

const RECORDS = allLogFixtures().map(({ lines }) => lines);
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const anyText = fc.string({ unit: "binary", maxLength: 200 });
const anyBytes = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
const anyRecord = fc.constantFrom(...RECORDS);

function base62(length: number): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(...BASE62), minLength: length, maxLength: length });
}

const messageId = fc.oneof(
  fc.tuple(base62(6), base62(6), base62(2)).map((parts) => parts.join("-")),
  fc.tuple(base62(6), base62(11), base62(4)).map((parts) => parts.join("-")),
);

/** Pieces the grammar is made of, in any order: deeper into the parser than random characters get. */
const piece = fc.constantFrom(
  ...[
    "<=",
    "=>",
    "->",
    ">>",
    "*>",
    "**",
    "==",
    "(=",
    "a@b.example",
    '"a b"@c.example',
    "<a@b.example>",
    "<>",
    "(",
    ")",
    "[",
    "]",
    "<",
  ],
  ...[
    "H=x.example [203.0.113.7]:25",
    "H=(y) [2001:db8::1]",
    "[203.0.113.7]",
    "R=r",
    "T=t",
    'T="s"',
    'C="250 \\"ok\\""',
    'DN="a"b"',
    "DS",
  ],
  ...[
    "X=TLS1.3:x:256",
    "CV=no",
    "K",
    "L.-",
    "S=1",
    "id=a@b",
    "QT=1h2m",
    "DT=0.1s",
    "F=<a@b>",
    "P=<>",
    "P=esmtp",
    "U=u",
    "A=p:u",
    "for",
  ],
  ...[
    "defer (-44)",
    "defer (111)",
    ": ",
    " : ",
    ":",
    "550 5.1.1 no",
    "SMTP error from remote mail server after RCPT TO:<a@b>:",
  ],
  ...[
    "rejected RCPT",
    "temporarily rejected after DATA",
    "Completed",
    "Frozen",
    "removed by root",
    "from",
    '"',
    "\\",
    "*",
    "error ignored",
  ],
);
const grammarSoup = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(" "));

const soupEntry = fc
  .tuple(fc.boolean(), grammarSoup)
  .map(([hasId, text]) => [`2026-03-02 06:16:05 ${hasId ? "1vwwZZ-0005WR-0f " : ""}${text}`]);

/** A real record with a few characters put in, taken out or doubled at any place of its first line. */
const mutatedRecord = fc
  .tuple(
    anyRecord,
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat({ max: 3 }),
        fc.constantFrom('"', "\\", "[", "]", "(", ")", "<", ">", ":", " ", "=", "\t", "\xff", ""),
      ),
      { minLength: 1, maxLength: 4 },
    ),
  )
  .map(([lines, edits]) => {
    let first = lines[0] ?? "";
    for (const [where, removed, inserted] of edits) {
      const at = where % (first.length + 1);
      first = first.slice(0, at) + inserted + first.slice(at + removed);
    }
    return [first, ...lines.slice(1)];
  });

const anyLines = fc.oneof(
  fc.array(fc.oneof(anyText, anyBytes), { maxLength: 4 }),
  fc
    .array(fc.oneof(anyText, anyBytes), { minLength: 1, maxLength: 4 })
    .map((lines) => [`2026-03-02 06:16:05 ${lines[0]}`, ...lines]),
  soupEntry,
  mutatedRecord,
);

describe("parseEntry", () => {
  test("never throws, and finds an entry exactly where a line begins one", () => {
    fc.assert(
      fc.property(anyLines, (lines) => {
        const entry = parseEntry(lines);
        const first = (lines[0] ?? "").replace(/\r$/, "");
        const wrapped = unwrapLine(first.replace(/\r$/, ""));
        const hasTime = wrapped !== undefined && (wrapped.header.wallMs !== undefined || startsEntry(wrapped.text));
        expect(entry !== undefined).toBe(startsEntry(first) || hasTime);
      }),
      { numRuns: 1500 },
    );
  });

  test("reads every cut of every fixture line without throwing, and keeps its stamp", () => {
    const LONGEST_STAMP = "2026-03-02 06:16:05.123 ".length;
    const lost: string[] = [];
    for (const [first = "", ...rest] of RECORDS.filter(([line = ""]) => startsEntry(line))) {
      const whole = parseEntry([first, ...rest]);
      for (let end = 0; end <= first.length; end++) {
        const cut = first.slice(0, end);
        const entry = parseEntry([cut, ...rest]);
        if (end >= LONGEST_STAMP && entry?.prefix.wallMs !== whole?.prefix.wallMs) lost.push(cut);
      }
    }
    expect(lost).toEqual([]);
  });

  test("is a pure function: the same lines mean the same, whatever was parsed between", () => {
    fc.assert(
      fc.property(anyLines, anyLines, (lines, others) => {
        const before = structuredClone(parseEntry(lines));
        parseEntry(others);
        expect(parseEntry(lines)).toEqual(before);
      }),
      { numRuns: 1500 },
    );
  });

  test("leaves its argument alone", () => {
    fc.assert(
      fc.property(anyLines, (lines) => {
        const copy = [...lines];
        parseEntry(Object.freeze(lines));
        expect(lines).toEqual(copy);
      }),
      { numRuns: 300 },
    );
  });

  test("keeps the text of an entry as it stands in the line", () => {
    fc.assert(
      fc.property(fc.oneof(mutatedRecord, soupEntry), (lines) => {
        const [first = ""] = lines;
        const entry = parseEntry([first]);
        if (entry === undefined) return;
        // In JSON it stands with escapes.
        if (first.startsWith("{")) return;
        const asBytes = Buffer.from(entry.text, "utf8").toString("latin1");
        expect(first.endsWith(entry.text) || first.endsWith(asBytes), first).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test("invents nothing: what it read stands in the text", () => {
    fc.assert(
      fc.property(fc.oneof(mutatedRecord, soupEntry), (lines) => {
        const entry = parseEntry(lines);
        if (entry === undefined) return;
        for (const value of valuesAsWritten(entry.event)) expect(entry.text).toContain(value);
      }),
      { numRuns: 1500 },
    );
  });

  test("ends with the part it could not read", () => {
    fc.assert(
      fc.property(fc.oneof(mutatedRecord, soupEntry), (lines) => {
        const entry = parseEntry(lines);
        if (entry === undefined || !("residue" in entry.event)) return;
        // Lines that follow a one-line entry in the file are not Exim's.
        expect(`${entry.text}\n`).toContain(`${entry.event.residue}\n`);
      }),
      { numRuns: 1000 },
    );
  });

  test("keeps a header dump apart, whatever the mail says", () => {
    fc.assert(
      fc.property(anyRecord, fc.array(anyBytes, { maxLength: 5 }), (lines, dump) => {
        const [first = ""] = lines;
        const { headerDump, ...entry } = parseEntry([first, "Envelope-from: <a@b.example>", ...dump]) ?? {};
        const { headerDump: none, ...alone } = parseEntry([first]) ?? {};
        expect(entry).toEqual(alone);
        expect([none, headerDump?.envelopeSender === undefined]).toEqual([undefined, headerDump === undefined]);
      }),
      { numRuns: 300 },
    );
  });
});

describe("parsePrefix", () => {
  const wall = fc.date({
    min: new Date("1990-01-01T00:00:00Z"),
    max: new Date("2099-12-31T23:59:59Z"),
    noInvalidDate: true,
  });
  const zone = fc.option(fc.integer({ min: -14 * 60, max: 14 * 60 }), { nil: undefined });
  const pid = fc.option(fc.integer({ min: 1, max: 4_194_304 }), { nil: undefined });

  test("reads back every tuple of stamp, fraction, zone, pid and id", () => {
    fc.assert(
      fc.property(
        wall,
        fc.boolean(),
        zone,
        pid,
        fc.option(messageId, { nil: undefined }),
        (date, hasMs, zoneMinutes, pidNumber, id) => {
          const iso = date.toISOString();
          const stamp = `${iso.slice(0, 10)} ${iso.slice(11, hasMs ? 23 : 19)}`;
          const line = [stamp, formatZone(zoneMinutes), pidNumber && `[${pidNumber}]`, id, "some text"]
            .filter(Boolean)
            .join(" ");
          const wallMs = hasMs ? date.getTime() : Math.floor(date.getTime() / 1000) * 1000;
          const textStart = line.length - "some text".length;
          expect(parsePrefix(line)).toEqual({
            wallMs,
            zoneMinutes,
            pid: pidNumber,
            messageId: id,
            textStart,
          });
        },
      ),
      { numRuns: 1000 },
    );
  });
});

function formatZone(minutes: number | undefined): string | undefined {
  if (minutes === undefined) return undefined;
  const size = Math.abs(minutes);
  const digits = `${Math.floor(size / 60)}`.padStart(2, "0") + `${size % 60}`.padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${digits}`;
}

describe("message ids", () => {
  test("an id of either length is one, and stays one inside a line", () => {
    fc.assert(
      fc.property(messageId, anyText, (id, rest) => {
        expect(isMessageId(id)).toBe(true);
        expect(messageIdLength(`x ${id} ${rest}`, 2)).toBe(id.length);
      }),
    );
  });

  test("an id with another letter, digit or dash after it is none", () => {
    fc.assert(
      fc.property(messageId, fc.constantFrom(...BASE62, "-"), (id, more) => {
        expect(messageIdLength(id + more, 0)).toBe(0);
      }),
    );
  });

  test("the time of an id is what was written into it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_294_967_295 }), (seconds) => {
        let digits = "";
        for (let rest = seconds; digits.length < 6; rest = Math.floor(rest / 62))
          digits = BASE62.charAt(rest % 62) + digits;
        expect(messageIdTime(`${digits}-000000-00`)).toBe(seconds * 1000);
      }),
    );
  });
});

describe("durations", () => {
  const count = fc.integer({ min: 0, max: 51 });

  test("what Exim would write reads back, zero parts left out", () => {
    fc.assert(
      fc.property(
        count,
        fc.nat({ max: 6 }),
        fc.nat({ max: 23 }),
        fc.nat({ max: 59 }),
        fc.nat({ max: 59 }),
        (w, d, h, m, s) => {
          const parts: readonly (readonly [number, string])[] = [
            [w, "w"],
            [d, "d"],
            [h, "h"],
            [m, "m"],
            [s, "s"],
          ];
          const text = parts.map(([amount, unit]) => (amount === 0 ? "" : `${amount}${unit}`)).join("");
          const seconds = (((w * 7 + d) * 24 + h) * 60 + m) * 60 + s;
          expect(parseDuration(text || "0s")).toBe(seconds * 1000);
        },
      ),
    );
  });

  test("milliseconds read back", () => {
    fc.assert(
      fc.property(fc.nat({ max: 4999 }), (ms) => {
        expect(parseDuration(`${Math.floor(ms / 1000)}.${`${ms % 1000}`.padStart(3, "0")}s`)).toBe(ms);
      }),
    );
  });

  test("other text is no duration, and never throws", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const value = parseDuration(text);
        if (value !== undefined) expect(text).toMatch(/^-?[\d.wdhms]+$/);
      }),
      { numRuns: 500 },
    );
  });
});
