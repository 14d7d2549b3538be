/**
 * Reads a message with mailparser: attachments flow through and are hashed, not held. To be run in a process with limits: what a stranger wrote
 * may take long.
 */
import { createHash, type Hash } from "node:crypto";
import type { Readable } from "node:stream";
import { type AttachmentStream, MailParser, type MessageText } from "mailparser";
import { detectKind, findAttachmentTroubles, HEAD_BYTES } from "./attachment-kind.ts";
import { htmlToPlain, inspectHtml, MOST_HTML } from "./html-content.ts";
import { readHeaders } from "./message-headers.ts";
import { Meter } from "./meter.ts";
import type { ContentAttachment, MessageContent } from "./result.ts";

export interface ContentWish {
  /** Characters of each text. */
  readonly limit: number;
  /** Place of an attachment whose bytes are wanted; undefined: of none. */
  readonly save?: number | undefined;
  /** Read the headers only; size and hash are of all of it. */
  readonly headersOnly: boolean;
}

export interface ParsedContent {
  readonly content: MessageContent;
  /** Bytes of the attachment that was asked for; undefined: there is none. */
  readonly saved: Buffer | undefined;
}

const MOST_ATTACHMENTS = 200;
/** Texts are left as they are. */
const PARSER_OPTIONS = {
  skipHtmlToText: true,
  skipTextToHtml: true,
  skipTextLinks: true,
  skipImageLinks: true,
  maxHtmlLengthToParse: MOST_HTML,
};
const PREVIEW_LENGTH = 4096;

/** `message`: headers and body, as they are. Never throws for what is in it. */
export async function parseContent(message: Readable, wish: ContentWish): Promise<ParsedContent> {
  const meter = new Meter();
  const parts = wish.headersOnly ? await drain(message, meter) : await readParts(message, meter, wish);
  const { headers, isCut } = readHeaders(meter.head);
  const texts = toTexts(parts.text, wish.limit);
  const findings = [...parts.findings, ...texts.findings];
  if (isCut) findings.push("Headers beyond 64 KiB were left out.");
  const all = [
    ...findings,
    ...parts.attachments.flatMap((one) => one.findings.map((found) => `${nameOf(one)}: ${found}`)),
  ];
  return {
    content: {
      headers,
      text: texts.text,
      htmlText: texts.htmlText,
      attachments: parts.attachments,
      remoteResources: texts.remoteResources,
      contentSafe: !wish.headersOnly && all.length === 0,
      previewLimited: wish.headersOnly || isCut || parts.isLimited || texts.isCut,
      findings: wish.headersOnly ? ["Only the headers were read.", ...all] : all,
      sizeBytes: meter.bytes,
      sha256: meter.digest(),
    },
    saved: parts.saved,
  };
}

/** A part of a message that is no text of its own; its bytes are decoded. */
export interface MimePart {
  readonly contentType: string;
  readonly content: AsyncIterable<Buffer>;
}

/** Passes each part of a message to `take`, also reports of a delivery; returns its plain text, as far as it could be read. */
export async function readMimeParts(message: Readable, take: (part: MimePart) => Promise<void>): Promise<string> {
  const parser = new MailParser({ ...PARSER_OPTIONS, keepDeliveryStatus: true });
  const taken: Promise<void>[] = [];
  let text = "";
  parser.on("data", (data: AttachmentStream | MessageText) => {
    if (data.type === "text") text = typeof data.text === "string" ? data.text : "";
    else {
      const content = data.content as AsyncIterable<Buffer>;
      taken.push(take({ contentType: data.contentType, content }).then(() => data.release?.()));
    }
  });
  const isWhole = await new Promise<boolean>((resolve) => {
    parser.once("error", () => resolve(false));
    parser.once("end", () => resolve(true));
    message.pipe(parser);
  });
  if (isWhole) await Promise.allSettled(taken);
  else parser.destroy();
  return text;
}

interface Parts {
  readonly attachments: readonly ContentAttachment[];
  readonly text: MessageText | undefined;
  readonly findings: readonly string[];
  readonly isLimited: boolean;
  readonly saved: Buffer | undefined;
}

async function drain(message: Readable, meter: Meter): Promise<Parts> {
  for await (const chunk of message) meter.add(chunk as Buffer);
  return { attachments: [], text: undefined, findings: [], isLimited: true, saved: undefined };
}

async function readParts(message: Readable, meter: Meter, { save }: ContentWish): Promise<Parts> {
  const attachments: ContentAttachment[] = [];
  const findings: string[] = [];
  let [text, saved, isLimited]: [MessageText | undefined, Buffer | undefined, boolean] = [undefined, undefined, false];
  const parser = new MailParser(PARSER_OPTIONS);
  const taken: Promise<void>[] = [];
  let count = 0;
  parser.on("data", (data: AttachmentStream | MessageText) => {
    if (data.type === "text") {
      text = data;
      return;
    }
    count++;
    const place = count;
    taken.push(
      takeAttachment(data, place, place === save).then(({ attachment, bytes }) => {
        if (place <= MOST_ATTACHMENTS) attachments.push(attachment);
        if (bytes !== undefined) saved = bytes;
        data.release?.();
      }),
    );
  });
  const problem = await new Promise<Error | undefined>((resolve) => {
    parser.once("error", resolve);
    parser.once("end", () => resolve(undefined));
    message.once("error", (error) => parser.destroy(error));
    message.pipe(meter).pipe(parser);
  });
  if (problem !== undefined) {
    isLimited = true;
    findings.push(`It could not be read to its end: ${problem.message.replace(/\.?$/, ".")}`);
    // The rest is counted and hashed all the same.
    meter.unpipe(parser);
    parser.destroy();
    meter.resume();
    await new Promise<void>((resolve) => {
      if (meter.readableEnded) resolve();
      else meter.once("end", resolve).once("error", () => resolve());
    });
  }
  await Promise.allSettled(problem === undefined ? taken : []);
  if (count > MOST_ATTACHMENTS) {
    isLimited = true;
    findings.push(`${count - MOST_ATTACHMENTS} of ${count} attachments were left out.`);
  }
  attachments.sort((one, other) => one.place - other.place);
  return { attachments, text, findings, isLimited, saved };
}

async function takeAttachment(
  { content, filename, contentType }: AttachmentStream,
  place: number,
  isWanted: boolean,
): Promise<{ readonly attachment: ContentAttachment; readonly bytes: Buffer | undefined }> {
  const hash: Hash = createHash("sha256");
  const head: Buffer[] = [];
  const all: Buffer[] = [];
  let [sizeBytes, headBytes] = [0, 0];
  for await (const piece of content) {
    const chunk = piece as Buffer;
    hash.update(chunk);
    sizeBytes += chunk.length;
    if (headBytes < HEAD_BYTES) head.push(chunk);
    headBytes += chunk.length;
    if (isWanted) all.push(chunk);
  }
  const start = Buffer.concat(head).subarray(0, HEAD_BYTES);
  const detected = detectKind(start);
  const facts = { filename: filename ?? null, contentType: contentType || "application/octet-stream", detected };
  const findings = findAttachmentTroubles(facts);
  const attachment: ContentAttachment = {
    place,
    ...facts,
    sizeBytes,
    sha256: hash.digest("hex"),
    isSafe: findings.length === 0,
    findings,
    preview: detected === "text" ? start.toString("utf8", 0, PREVIEW_LENGTH) : null,
  };
  return { attachment, bytes: isWanted ? Buffer.concat(all) : undefined };
}

interface Texts {
  readonly text: string | null;
  readonly htmlText: string | null;
  readonly remoteResources: number;
  readonly findings: readonly string[];
  readonly isCut: boolean;
}

function toTexts(parts: MessageText | undefined, limit: number): Texts {
  const plain = typeof parts?.text === "string" && parts.text !== "" ? parts.text : undefined;
  const html = typeof parts?.html === "string" && parts.html !== "" ? parts.html : undefined;
  const facts = html === undefined ? { findings: [], remoteResources: 0 } : inspectHtml(html);
  const htmlText = html === undefined ? undefined : htmlToPlain(html);
  const isCut = [plain, htmlText].some((text) => (text?.length ?? 0) > limit) || (html?.length ?? 0) > MOST_HTML;
  return {
    text: cut(plain, limit),
    htmlText: cut(htmlText, limit),
    remoteResources: facts.remoteResources,
    findings: facts.findings,
    isCut,
  };
}

function cut(text: string | undefined, limit: number): string | null {
  return text === undefined ? null : text.slice(0, limit).toWellFormed();
}

function nameOf({ place, filename }: ContentAttachment): string {
  return filename === null ? `Attachment ${place}` : `Attachment ${place} "${filename}"`;
}
