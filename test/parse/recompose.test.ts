/** Flagged lines are given back from what was read of them: a value that swallows its neighbour, or a rest, gives nothing back. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Delivery } from "../../src/parse/events.ts";
import { type ParsedEntry, parseEntry, startsEntry } from "../../src/parse/record.ts";
import { allLogFixtures } from "../support/log-fixtures.ts";
import { notRecomposed } from "../support/recompose.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
const SHARED = join(PROJECT, "../shared");
const FLAGGED = /^(?:(?:<=|\(=|=>|->|>>|\*>|\*\*|==) |Completed)/;

function isFlagged({ prefix, text }: ParsedEntry): boolean {
  return prefix.messageId !== undefined && FLAGGED.test(text);
}

/** Text of an entry that is not recomposed; lines that follow it in the file may be foreign, and are then no part of it. */
function restOf({ event, text }: ParsedEntry): string {
  const lines = text.split("\n");
  const rests = lines.map(
    (_line, index) => notRecomposed(lines.slice(0, lines.length - index).join("\n"), event) ?? "",
  );
  return rests.includes("") ? "" : (rests[0] ?? "");
}

function readEntries(path: string): ParsedEntry[] {
  const records: string[][] = [];
  for (const line of readFileSync(path, "latin1").split("\n")) {
    if (startsEntry(line)) records.push([line]);
    else records.at(-1)?.push(line);
  }
  return records.map((lines) => parseEntry(lines)).filter((entry) => entry !== undefined);
}

function filesUnder(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name));
}

const LOGS = [
  ...filesUnder(join(PROJECT, "fixtures/corpus")).filter((path) => path.endsWith("mainlog")),
  ...filesUnder(join(SHARED, "corpus")).filter((path) => path.endsWith("mainlog")),
];

test.each(LOGS)("each flagged line is given back: %s", (path) => {
  const flagged = readEntries(path).filter(isFlagged);
  expect(flagged.length).toBeGreaterThan(10);
  expect(flagged.filter((entry) => restOf(entry) !== "").map(({ text }) => text)).toEqual([]);
});

const TEST_SUITE = join(SHARED, "exim-testsuite");

test.runIf(existsSync(TEST_SUITE))("each flagged line of Exim's own expected logs is given back", () => {
  const flagged = filesUnder(TEST_SUITE).flatMap(readEntries).filter(isFlagged);
  expect(flagged.length).toBeGreaterThan(1000);
  expect(flagged.filter((entry) => restOf(entry) !== "").map(({ text }) => text)).toEqual([]);
});

test("each flagged line of the fixtures is given back, but for those with a rest", () => {
  const whole = allLogFixtures()
    .filter(({ expected }) => !/"residue":"[^"]/.test(expected))
    .map(({ lines }) => parseEntry(lines))
    .filter((entry) => entry !== undefined && isFlagged(entry));
  expect(whole.length).toBeGreaterThan(100);
  expect(whole.flatMap((entry) => (entry === undefined || restOf(entry) === "" ? [] : [entry.text]))).toEqual([]);
});

describe("what is given back", () => {
  const LINE = "=> a@b.example <o@b.example> NEW=<x@y.example> R=r T=t";
  const event = parseEntry([`2026-03-02 06:16:05 1vwwZZ-0005WR-0f ${LINE}`])?.event as Delivery;

  test("is all of a line", () => {
    expect(notRecomposed(LINE, event)).toBe("");
  });

  test("is not what an address has swallowed", () => {
    const final = "a@b.example <o@b.example> NEW=<x@y.example>";
    const swallowed = { ...event, address: { final, parents: [], original: final }, details: [] };
    expect(notRecomposed(LINE, swallowed)).toBe(LINE);
  });

  test("is not what is in no field", () => {
    expect(notRecomposed(LINE, { ...event, transport: undefined })).toBe(" T=t");
    expect(notRecomposed(LINE, { ...event, details: [] })).toBe(" NEW=<x@y.example> R=r T=t");
  });
});

const key = fc.constantFrom("SRS", "NEW", "D", "ZONE2", "X_Y");
const value = fc.constantFrom("a", "<a@b.example>", '"two words"', "SRS0=x=y=z@b.example", "[203.0.113.7]");
const unknown = fc.tuple(key, value).map(([name, text]) => ` ${name}=${text}`);
const helo = fc.constantFrom(
  "x",
  "[192.0.2.1]",
  "junk) [203.0.113.9]:25 (tail",
  "junk) [203.0.113.9] P=esmtp (tail",
  "a) [203.0.113.9] (b) [203.0.113.8]:1 (c",
);
const client = fc.tuple(helo, fc.constantFrom("", ":5432")).map(([name, port]) => ({ name, port }));

describe("a line that Exim may write", () => {
  test("keeps its address, whatever field follows it", () => {
    const brackets = fc.constantFrom("", " <o@b.example>");
    const tail = fc.constantFrom(" R=r T=t", " F=<s@b.example> R=r T=t QT=1s", " T=t", "");
    fc.assert(
      fc.property(brackets, fc.uniqueArray(unknown, { minLength: 1, maxLength: 3 }), tail, (bracket, fields, rest) => {
        const text = `=> a@b.example${bracket}${fields.join("")}${rest}`;
        const entry = parseEntry([`2026-03-02 06:16:05 1vwwZZ-0005WR-0f ${text}`]);
        const original = bracket === "" ? "a@b.example" : "o@b.example";
        expect(entry?.event).toMatchObject({
          kind: "delivery",
          address: { final: "a@b.example", parents: [], original },
        });
        expect(entry && restOf(entry)).toBe("");
      }),
    );
  });

  test("keeps its client, whatever the HELO imitates", () => {
    const forms: readonly (readonly [string, string])[] = [
      ["1vwwZZ-0005WR-0f <= s@b.example H=", " P=esmtpsa A=login:user S=100 id=x@b.example"],
      ["H=", " F=<s@b.example> rejected RCPT <r@b.example>: relay not permitted"],
      ["H=", " X=TLS1.3:x:256 CV=no temporarily rejected after DATA: later"],
      ["login authenticator failed for ", ": 535 Incorrect authentication data (set_id=user)"],
      ["login authenticator failed for H=", " I=[198.51.100.25]:587 Ci=7: 535 Incorrect authentication data"],
      ["SMTP connection from ", " closed by QUIT"],
      ["TLS error on connection from ", " Ci=7 (gnutls_handshake): no cipher"],
      ["H=", " sender verify fail for <s@b.example>: Unrouteable address"],
    ];
    fc.assert(
      fc.property(client, fc.constantFrom(...forms), ({ name, port }, [before, after]) => {
        const event = parseEntry([`2026-03-02 06:16:05 ${before}(${name}) [198.51.100.7]${port}${after}`])?.event;
        expect(event).toMatchObject({
          host: { helo: name, ip: "198.51.100.7", port: port === "" ? undefined : 5432 },
        });
      }),
      { numRuns: 300 },
    );
  });
});
