/** The content of a message, whatever a stranger wrote, is read, hashed and described, never run. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { detectKind, findAttachmentTroubles } from "../../src/content/attachment-kind.ts";
import { htmlToPlain, inspectHtml } from "../../src/content/html-content.ts";
import { readHeaders } from "../../src/content/message-headers.ts";
import { type ContentWish, parseContent } from "../../src/content/parse-content.ts";

const sha256 = (bytes: string | Buffer): string => createHash("sha256").update(bytes).digest("hex");

function parse(message: string | Buffer, wish: Partial<ContentWish> = {}) {
  const bytes = typeof message === "string" ? Buffer.from(message) : message;
  const pieces = Array.from({ length: Math.ceil(bytes.length / 1000) }, (_, index) =>
    bytes.subarray(index * 1000, (index + 1) * 1000),
  );
  return parseContent(Readable.from(pieces), { limit: 65_536, headersOnly: false, ...wish });
}

const PNG = Buffer.from("89504e470d0a1a0a0000000d4948445200000001", "hex");

function mixed(...parts: readonly string[]): string {
  return [
    "From: App <app@partner.example>",
    "To: mar@rules.example",
    "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=",
    " from us",
    "MIME-Version: 1.0",
    'Content-Type: multipart/mixed; boundary="b"',
    "",
    ...parts.map((part) => `--b\n${part}`),
    "--b--",
    "",
  ].join("\n");
}

const TEXT = "Content-Type: text/plain; charset=utf-8\n\nDear customer,\nplease find attached.\n";
const attached = (name: string, type: string, bytes: Buffer | string): string =>
  `Content-Type: ${type}; name="${name}"\nContent-Disposition: attachment; filename="${name}"\nContent-Transfer-Encoding: base64\n\n${Buffer.from(bytes).toString("base64")}\n`;

describe("a message", () => {
  test("of text alone is read as a whole, and nothing active is in it", async () => {
    const message = "Subject: Hello\nFrom: a@x.example\n\nHello, world.\n";
    const { content } = await parse(message);
    expect(content).toEqual({
      headers: [
        { name: "Subject", value: "Hello" },
        { name: "From", value: "a@x.example" },
      ],
      text: "Hello, world.\n",
      htmlText: null,
      attachments: [],
      remoteResources: 0,
      contentSafe: true,
      previewLimited: false,
      findings: [],
      sizeBytes: message.length,
      sha256: sha256(message),
    });
  });

  test("has its headers unfolded and decoded, its text, and its attachments with kind, size and hash", async () => {
    const message = mixed(TEXT, attached("a.png", "image/png", PNG), attached("b.txt", "text/plain", "one\ntwo\n"));
    const { content, saved } = await parse(message, { save: 1 });
    expect(content.headers).toContainEqual({ name: "Subject", value: "Grüße from us" });
    expect(content.text).toContain("please find attached");
    expect(content.attachments).toMatchObject([
      {
        place: 1,
        filename: "a.png",
        contentType: "image/png",
        detected: "png",
        sizeBytes: PNG.length,
        sha256: sha256(PNG),
        isSafe: true,
        preview: null,
      },
      { place: 2, filename: "b.txt", detected: "text", sizeBytes: 8, preview: "one\ntwo\n", isSafe: true },
    ]);
    expect(content).toMatchObject({ contentSafe: true, previewLimited: false, findings: [], sha256: sha256(message) });
    expect(saved?.equals(PNG)).toBe(true);
  });

  test("is not called safe for what is attached, and says why", async () => {
    const { content } = await parse(
      mixed(
        TEXT,
        attached("invoice.pdf.exe", "application/pdf", "MZ\x90\0"),
        attached("x.zip", "application/zip", "PK\x03\x04\x14\0\x01\0"),
      ),
    );
    expect(content.contentSafe).toBe(false);
    expect(content.findings).toEqual([
      'Attachment 1 "invoice.pdf.exe": Its name looks like that of a document, but ends like that of a program.',
      'Attachment 1 "invoice.pdf.exe": It begins like a program.',
      'Attachment 2 "x.zip": It is an encrypted archive, into which no scanner on the way could look.',
    ]);
  });

  test("has the text of its HTML and never its markup", async () => {
    const html =
      '<h1>Hi</h1><script>alert(1)</script><img src="https://x.example/p.gif"><a href="https://y.example/">here</a>';
    const { content } = await parse(mixed(`Content-Type: text/html\n\n${html}\n`));
    expect(content).toMatchObject({ text: null, remoteResources: 1, contentSafe: false });
    expect(content.findings).toEqual(["The HTML holds a script."]);
    expect(content.htmlText).toContain("https://y.example/");
    expect(content.htmlText).not.toMatch(/[<>]|alert|p\.gif/);
  });

  test("is cut at the limit, and says so", async () => {
    const { content } = await parse(`Subject: long\n\n${"x".repeat(1000)}\n`, { limit: 100 });
    expect(content.text).toBe("x".repeat(100));
    expect(content).toMatchObject({ previewLimited: true, contentSafe: true });
  });

  test("of which only the headers are wanted is hashed as a whole all the same", async () => {
    const message = mixed(TEXT);
    const { content } = await parse(message, { headersOnly: true });
    expect(content).toMatchObject({
      text: null,
      attachments: [],
      contentSafe: false,
      previewLimited: true,
      sha256: sha256(message),
    });
    expect(content.headers.map(({ name }) => name)).toContain("Subject");
  });
});

describe("what is hostile", () => {
  const nested = (levels: number): string =>
    Array.from(
      { length: levels },
      (_, index) => `Content-Type: multipart/mixed; boundary=b${index}\n\n--b${index}\n`,
    ).join("");

  test.each<[string, string | Buffer]>([
    ["nothing at all", ""],
    ["no headers", "\n\nbody"],
    ["no body", "Subject: x\n"],
    ["100,000 parts", `Content-Type: multipart/mixed; boundary=b\n\n${"--b\n\nx\n".repeat(100_000)}`],
    ["3,000 levels", nested(3000)],
    ["200,000 header lines", `${"X: y\n".repeat(200_000)}\nbody`],
    ["a header of 10 MB", `X: ${"y".repeat(10_000_000)}\n\nbody`],
    ["a wrong charset", 'Content-Type: text/plain; charset="no-such-set"\n\nh\xe4\n'],
    ["bad base64", "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n!!!!\x00====\n"],
    ["NULs", Buffer.from("Subject: a\0b\n\nc\0d\n", "latin1")],
    ["100,000 nested tags", `Content-Type: text/html\n\n${"<b>".repeat(20_000)}`],
  ])("%s ends in a description", async (_what, message) => {
    const bytes = Buffer.from(message as string);
    const { content } = await parse(bytes);
    expect(content.sizeBytes).toBe(bytes.length);
    expect(content.sha256).toBe(sha256(bytes));
    if (content.previewLimited) expect(content.findings.join(" ")).toMatch(/\.$|^$/);
  });

  test("what cannot be read to its end is never called safe", async () => {
    for (const message of [
      nested(3000),
      `Content-Type: multipart/mixed; boundary=b\n\n${"--b\n\nx\n".repeat(100_000)}`,
    ]) {
      const { content } = await parse(message);
      expect(content).toMatchObject({ contentSafe: false, previewLimited: true });
      expect(content.findings[0]).toMatch(/^It could not be read to its end: /);
    }
  });

  test("any bytes end in a description", async () => {
    const piece = fc.constantFrom(
      "--b\n",
      "Content-Type: text/html\n",
      "\n",
      "=?utf-8?B?",
      "?=",
      "<script",
      ">",
      "\0",
      "\xff",
      "Content-Transfer-Encoding: base64\n",
      "begin 644 x\n",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 30 }), async (pieces) => {
        const message = `Content-Type: multipart/mixed; boundary=b\n\n${pieces.join("")}`;
        const { content } = await parse(Buffer.from(message, "latin1"));
        expect(content.sha256).toBe(sha256(Buffer.from(message, "latin1")));
      }),
      { numRuns: 50 },
    );
  });
});

describe("an attachment", () => {
  test.each([
    ["MZ\x90", "program"],
    ["\x7fELF\x02", "program"],
    ["#!/bin/sh\n", "script"],
    ["PK\x03\x04\x14\x00\x00\x00", "zip"],
    ["PK\x03\x04\x14\x00\x01\x00", "encrypted zip"],
    ["%PDF-1.7", "pdf"],
    ["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office"],
    ["  <!DOCTYPE HTML><p>", "html"],
    ['<?xml version="1.0"?><svg>', "svg"],
    ["GIF89a", "gif"],
    ["RIFF\0\0\0\0WEBP", "webp"],
    ["plain words\n", "text"],
    ["\0\x01\x02", null],
    ["", null],
  ])("that begins with %j is %s", (bytes, kind) => {
    expect(detectKind(Buffer.from(bytes, "latin1"))).toBe(kind);
  });

  test.each([
    ["a.txt", "text/plain", "text", 0],
    ["a.png", "image/png", "png", 0],
    [null, "image/jpeg", "jpeg", 0],
    ["a.png", "image/png", "program", 2],
    ["a.png", "application/octet-stream", "png", 1],
    ["a.js", "text/plain", "text", 1],
    ["a.txt", "application/javascript", "text", 1],
    ["a\u202etxt.exe", "text/plain", "text", 2],
    ["invoice.pdf          .exe", "text/plain", "text", 2],
    ["a.docm", "application/zip", "zip", 2],
    ["a.pdf", "application/pdf", "pdf", 1],
    ["a.bin", "application/octet-stream", null, 1],
  ])("%j declared as %s, which is %s: %i findings", (filename, contentType, detected, count) => {
    expect(findAttachmentTroubles({ filename, contentType, detected })).toHaveLength(count);
  });
});

describe("HTML", () => {
  test.each([
    ["<p>text</p>", []],
    ['<a href="https://x.example/">x</a><img src="cid:1">', []],
    ['<img src="data:image/png;base64,AAAA">', []],
    ["<SCRIPT src=//x></SCRIPT>", ["a script"]],
    ['<a href="java&#115;cript:x()">x</a>', ["a link that runs a script or opens a file"]],
    ['<a href=" java\tscript:x()">x</a>', ["a link that runs a script or opens a file"]],
    ['<a href="data:text/html,x">x</a>', ["a link that runs a script or opens a file"]],
    ['<p onclick="x()">', ["a script in an event attribute"]],
    ['<meta http-equiv="Refresh" content="0;url=x">', ["a redirection"]],
    ["<form action=x><input></form>", ["a form"]],
    ["<iframe src=x></iframe><object></object>", ["a frame", "an embedded object"]],
    ['<svg><a xlink:href="javascript:x">', ["a link that runs a script or opens a file"]],
  ])("%s holds what is active in it: %o", (html, expected) => {
    expect(inspectHtml(html).findings).toEqual(expected.map((what) => `The HTML holds ${what}.`));
  });

  test("counts what it would fetch", () => {
    expect(
      inspectHtml(
        '<img src="http://x/1"><img src="//x/2"><td background="https://x"><link rel=stylesheet href=x><p style="background:url(http://x)">',
      ).remoteResources,
    ).toBe(5);
  });

  test("as text holds no tag", () => {
    expect(htmlToPlain("<p>1 &lt; 2</p><style>p{}</style>")).toBe("1 < 2");
  });
});

test("headers end where they end, and stay in their order", () => {
  expect(readHeaders("From x Mon\nA: 1\r\nB:\r\n 2\r\n\tc\r\n\r\nC: 3")).toEqual({
    headers: [
      { name: "A", value: "1" },
      { name: "B", value: "2 c" },
    ],
    isCut: false,
  });
  expect(readHeaders(`A: 1\nno header\nB: 2\n`).headers).toEqual([{ name: "A", value: "1" }]);
  expect(readHeaders(`A: ${"x".repeat(100_000)}\n\n`).isCut).toBe(true);
});
