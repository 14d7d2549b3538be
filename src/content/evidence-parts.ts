/**
 * Reads the MIME parts of what somebody has in hand: a report, the mail that it returns, mails that were forwarded. To be run in a process
 * with limits: what a stranger wrote may take long.
 */
import { Readable } from "node:stream";
import { type EvidenceSection, MOST_SECTION_TEXT, readEvidenceHeaders, toSections } from "./evidence-sections.ts";
import { readMimeParts } from "./parse-content.ts";

/** Mails within mails that are looked into. */
const MOST_DEPTH = 3;
/** Parts that are looked at. */
const MOST_PARTS = 50;
/** Bytes of each part that are looked at. */
const MOST_PART_BYTES = MOST_SECTION_TEXT;

interface Part {
  readonly type: string;
  readonly bytes: Buffer;
}

/** Sections of a mail and of those within it. Never throws for what is in it: a part that cannot be read is left out. */
export async function readEvidenceParts(bytes: Buffer, depth = 0): Promise<readonly EvidenceSection[]> {
  const { headers } = readEvidenceHeaders(bytes.toString("latin1", 0, MOST_SECTION_TEXT));
  const { text, parts } = await readParts(bytes);
  const reports = parts.filter(({ type }) => /^message\/(?:global-)?delivery-status$/.test(type));
  const own = toSections(headers, [...text.split(/\r?\n/), ...reports.flatMap(({ bytes: report }) => linesOf(report))]);
  const isBounce = own.some(({ part }) => part === "bounce");
  const within: EvidenceSection[] = [];
  for (const part of parts) {
    if (/^(?:text\/rfc822-headers|message\/(?:global-)?headers)$/.test(part.type)) {
      within.push(...toSections(readEvidenceHeaders(part.bytes.toString("latin1")).headers, [], isBounce));
    } else if (/^message\/(?:rfc822|global)$/.test(part.type)) {
      if (isBounce) within.push(...toSections(readEvidenceHeaders(part.bytes.toString("latin1")).headers, [], true));
      else if (depth < MOST_DEPTH) within.push(...(await readEvidenceParts(part.bytes, depth + 1)));
    }
  }
  const known = within.length > 0 ? own.filter(({ part }) => part !== "returned") : own;
  return [...known, ...within];
}

function linesOf(bytes: Buffer): readonly string[] {
  return bytes.toString("latin1").split(/\r?\n/);
}

async function readParts(bytes: Buffer): Promise<{ readonly text: string; readonly parts: readonly Part[] }> {
  const parts: Part[] = [];
  let count = 0;
  const text = await readMimeParts(Readable.from([bytes]), async ({ contentType, content }) => {
    count++;
    const isWanted = count <= MOST_PARTS && /^(?:message\/|text\/rfc822-headers$)/i.test(contentType);
    const found = await takeBytes(content, isWanted);
    if (isWanted) parts.push({ type: contentType.toLowerCase(), bytes: found });
  });
  return { text: text.slice(0, MOST_PART_BYTES), parts };
}

async function takeBytes(content: AsyncIterable<Buffer>, isWanted: boolean): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of content) {
    if (isWanted && size < MOST_PART_BYTES) chunks.push(chunk.subarray(0, MOST_PART_BYTES - size));
    size += chunk.length;
  }
  return Buffer.concat(chunks);
}
