/** Every mark stands under what it says: tried on all annotated lines, and on lines put together at random. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Explanation, explain } from "../../src/explain/explain.ts";
import { type PlacedField, readingsOf } from "../../src/explain/place-fields.ts";
import { readLine } from "../../src/explain/read-line.ts";
import { parseDuration } from "../../src/parse/durations.ts";
import { unescapePrinted } from "../../src/parse/quoting.ts";
import { startsEntry } from "../../src/parse/record.ts";
import { allLogFixtures } from "../support/log-fixtures.ts";

const RECORDS = allLogFixtures().map(({ lines }) => lines);

describe("a place", () => {
  test("holds the text of its field, in every annotated line", () => {
    for (const record of RECORDS) for (const field of explainLines(record).placed) expectText(field);
  });

  test("holds the text of its field, in any line", () => {
    const words = RECORDS.flatMap(([line = ""]) => line.slice(20).split(" "));
    const line = fc
      .tuple(
        fc.constantFrom(...RECORDS),
        fc.array(fc.constantFrom(...words, "", "\t", "\u001b[31m", '"'), { maxLength: 12 }),
      )
      .map(([[first = ""], others]) => `${first} ${others.join(" ")}`);
    fc.assert(
      fc.property(line, (text) => {
        const { placed, explanation } = explainLines([text]);
        for (const field of placed) expectText(field);
        expectOrder(explanation);
      }),
      { numRuns: 2000 },
    );
  });

  test("lies beside the others, within another or where another is, and never across its end", () => {
    for (const record of RECORDS) expectOrder(explainLines(record).explanation);
  });

  test("is found for what has a key or stands in brackets", () => {
    const sure =
      /^(router|transport|sizeBytes|queueMs|deliveryMs|protocol|headerMessageId|host\.ip|host\.port|address\.\w+)$/;
    const missing = RECORDS.flatMap((record) => {
      const { explanation } = explainLines(record);
      return explanation.fields
        .filter(({ name, range }) => sure.test(name) && range === undefined)
        .map(({ name, value }) => `${name}=${value} in ${explanation.text}`);
    });
    expect(missing).toEqual([]);
  });

  test("is found for nearly everything that a line tells in words", () => {
    const fields = RECORDS.flatMap((record) => explainLines(record).explanation.fields).filter(
      ({ openers }) => openers !== undefined,
    );
    const lost = fields.filter(({ range }) => range === undefined);
    expect(fields.length).toBeGreaterThan(1000);
    expect(lost.length / fields.length).toBeLessThan(0.02);
  });
});

describe("an explanation", () => {
  const placesOf = (line: string): Record<string, string> => {
    const { placed } = explainLines([line]);
    return Object.fromEntries(placed.map(({ field, text }) => [field.name, text]));
  };

  test("finds fields by their keys, and their parts", () => {
    const line =
      "2026-03-02 15:51:32.250 +0100 [77] 1vx5YS-0006QZ-1J == a@x.example <b@x.example> R=dns T=smtp defer (-44) H=mx.x.example [203.0.113.15]:25 DT=1m2s: SMTP error from remote mail server after RCPT TO:<a@x.example>: 451-4.7.1 no T=smtp";
    expect(placesOf(line)).toEqual({
      timestamp: "2026-03-02 15:51:32.250 +0100",
      processId: "[77]",
      messageId: "1vx5YS-0006QZ-1J",
      kind: "==",
      "address.final": "a@x.example",
      "address.original": "b@x.example",
      router: "R=dns",
      transport: "T=smtp",
      errno: "-44",
      "host.name": "H=mx.x.example",
      "host.ip": "203.0.113.15",
      "host.port": "25",
      deliveryMs: "DT=1m2s",
      error: expect.stringMatching(/^SMTP error .* no T=smtp$/),
      "reply.phase": "RCPT",
      "reply.code": "451",
      "reply.enhancedCode": "4.7.1",
    });
  });

  test("finds quoted text by its meaning, and the null sender", () => {
    const line =
      '2026-03-02 15:51:32 1vx5YS-0006QZ-1J <= <> R=1vx5YR-0006QZ-1J U=exim P=local S=12 T="a \\"b\\" \\303\\234" for x@y.example';
    expect(placesOf(line)).toMatchObject({
      sender: "<>",
      parentId: "R=1vx5YR-0006QZ-1J",
      subject: 'T="a \\"b\\" \\303\\234"',
      "recipients[0]": "x@y.example",
    });
  });

  test("gives two fields of one text one place, and none to what only the form tells", () => {
    const { explanation, placed } = explainLines([
      "2026-03-02 05:40:05 H=a.example [203.0.113.7] F=<x@y.example> rejected RCPT <x@y.example>: no",
    ]);
    expect(placed.map(({ field, text }) => [field.name, text])).toContainEqual(["recipient", "x@y.example"]);
    expect(explanation.fields.find(({ name }) => name === "phase")).toMatchObject({ value: "rcpt", range: undefined });
    const delivery = placesOf("2026-03-02 05:40:05 1vx5YS-0006QZ-1J => x@y.example R=r T=t");
    expect(delivery["address.final"]).toBe(delivery["address.original"]);
  });

  test("counts the header lines that it does not mark, and says what they say", () => {
    const lines = [
      "2026-03-02 05:40:05 1vx5YS-0006QZ-1J U=bob rejected after DATA: spam",
      "Envelope-from: <x@y.example>",
      "Envelope-to: <a@b.example>",
      "    ...",
      "P Received: from x",
      "\tby y",
      "* Subject: a",
      "*** truncated ***",
    ];
    const { explanation } = explainLines(lines);
    expect(explanation).toMatchObject({ linesLeftOut: 7, isUnderstood: true });
    const below = explanation.fields.filter(({ range }) => range === undefined);
    expect(below.map(({ name, value }) => [name, value])).toEqual([
      ["phase", "data"],
      ["envelopeSender", "<x@y.example>"],
      ["envelopeRecipients[0]", "<a@b.example>"],
      ["hasMoreRecipients", true],
      ["headers[0]", "P Received: from x\tby y"],
      ["headers[1]", "* Subject: a"],
      ["isTruncated", true],
    ]);
  });

  test("says when a line is not understood", () => {
    expect(explainLines(["2026-03-02 05:40:05 gribbly: 1"]).explanation).toMatchObject({
      kind: "other",
      isUnderstood: false,
    });
    expect(explainLines(["Mar  2 05:40:05 mx1 exim: x"]).explanation).toMatchObject({
      kind: "unparsed",
      fields: [],
      isUnderstood: false,
    });
    expect(
      explainLines(["2026-03-02 05:40:05 1vx5YS-0006QZ-1J => x@y.example R=r T=t what is this"]).explanation,
    ).toMatchObject({ kind: "delivery", isUnderstood: false });
  });
});

interface TextOfField {
  readonly field: PlacedField;
  readonly text: string;
}

function explainLines(lines: readonly string[]): { explanation: Explanation; placed: TextOfField[] } {
  const isEntry = startsEntry(lines[0] ?? "");
  const explanation = explain(readLine(lines, isEntry, { file: "mainlog", lineNumber: 1 }));
  const placed = explanation.fields.flatMap((field) =>
    field.range === undefined ? [] : [{ field, text: explanation.text.slice(field.range.from, field.range.to) }],
  );
  return { explanation, placed };
}

function expectText({ field, text }: TextOfField): void {
  const { name, value } = field;
  expect(isTextOf(field, text), `${name} = ${value} is not ${text}`).toBe(true);
}

/** Possible raw texts of a field, without its key and its brackets or quotes. */
function isTextOf({ name, value }: PlacedField, text: string): boolean {
  if (name === "kind") return /^(?:<=|\(=|==|\*\*)$/.test(text);
  if (value === true) return text === (name.startsWith("details.") ? name.slice(8) : "DS");
  if (name === "processId") return text === `[${value}]`;
  const values = [text, text.replace(/^[\w*.-]+(?:=|: ?| )/, "")];
  if (typeof value === "number") return values.some((word) => Number(word) === value || parseDuration(word) === value);
  const bare = values.flatMap((word) => [
    word,
    unescapePrinted(word),
    ...(/^[<("[].*[>)"\]]$/s.test(word) ? readingsOf(word.slice(1, -1)) : []),
  ]);
  return bare.includes(value);
}

function expectOrder({ fields, text }: Explanation): void {
  const ranges = fields.flatMap(({ range }) => (range === undefined ? [] : [range]));
  for (const [index, { from, to }] of ranges.entries()) {
    expect(from >= 0 && from < to && to <= text.length).toBe(true);
    for (const other of ranges.slice(index + 1)) {
      expect(other.from).toBeGreaterThanOrEqual(from);
      expect(other.from >= to || other.to <= to).toBe(true);
    }
  }
}
