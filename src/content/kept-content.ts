/** Contents between the shape that is shown, the rows that are kept, and what the reject log tells. Pure. */
import type { HeaderDump } from "../parse/header-dump.ts";
import { decodeEncodedWords } from "../spool/encoded-words.ts";
import type { FoundContent } from "../store/read/content-reader.ts";
import type { KeptContent } from "../store/write/contents.ts";
import type { EpochMs } from "../units.ts";
import { findAttachmentTroubles } from "./attachment-kind.ts";
import type { ContentHeader, ContentReport, MessageContent } from "./result.ts";

export interface KeepingOrder {
  readonly serverId: number;
  readonly id: string;
  readonly at: EpochMs;
  readonly author: string;
}

export function toKept(content: MessageContent, { serverId, id, at, author }: KeepingOrder): KeptContent {
  return {
    content: {
      server_id: serverId,
      exim_id: id,
      headers: JSON.stringify(content.headers.map(({ name, value }) => [name, value])),
      text_content: content.text,
      html_content: content.htmlText,
      content_safe: content.contentSafe ? 1 : 0,
      preview_limited: content.previewLimited ? 1 : 0,
      findings: JSON.stringify(content.findings),
      size_bytes: content.sizeBytes,
      sha256: Buffer.from(content.sha256, "hex"),
      captured_ms: at,
      author,
    },
    attachments: content.attachments.map((one) => ({
      place: one.place,
      filename: one.filename,
      content_type: one.contentType,
      detected: one.detected,
      size: one.sizeBytes,
      sha256: Buffer.from(one.sha256, "hex"),
      is_safe: one.isSafe ? 1 : 0,
      preview: one.preview,
    })),
  };
}

export function fromKept(found: FoundContent): MessageContent {
  return {
    headers: (JSON.parse(found.headers) as [string, string][]).map(([name, value]): ContentHeader => ({ name, value })),
    text: found.text,
    htmlText: found.htmlText,
    attachments: found.attachments.map((one) => ({ ...one, findings: findAttachmentTroubles(one) })),
    // The markup in which remote resources were counted is not kept.
    remoteResources: 0,
    contentSafe: found.contentSafe,
    previewLimited: found.previewLimited,
    findings: JSON.parse(found.findings) as string[],
    sizeBytes: found.sizeBytes,
    sha256: found.sha256,
  };
}

/** Describes a message of which only the reject log tells. */
export function fromRejectLog({
  headers,
  isTruncated,
}: HeaderDump): Omit<ContentReport, "id" | "origin" | "server" | "capturedAt"> {
  const findings = [
    "Only the headers are known: Exim writes them to its reject log, and keeps nothing else of what it refuses.",
  ];
  if (isTruncated) findings.push("The reject log had no room for all of them.");
  return {
    // NOTE: Exim marks headers that were removed with an asterisk.
    headers: headers
      .filter(({ isDeleted }) => !isDeleted)
      .map(({ name, value }) => ({ name, value: decodeEncodedWords(value).replace(/\s+/g, " ").trim() })),
    text: null,
    htmlText: null,
    attachments: [],
    remoteResources: 0,
    contentSafe: false,
    previewLimited: true,
    findings,
    sizeBytes: null,
    sha256: null,
  };
}

/** Hides bodies, names of files, and the values of headers that may identify somebody. */
export function redactContent<
  Content extends Pick<MessageContent, "headers" | "text" | "htmlText" | "attachments" | "findings">,
>(content: Content): Content {
  return {
    ...content,
    headers: content.headers.map(({ name, value }) => ({
      name,
      value: HARMLESS.has(name.toLowerCase()) ? value : HIDDEN,
    })),
    text: content.text === null ? null : HIDDEN,
    htmlText: content.htmlText === null ? null : HIDDEN,
    attachments: content.attachments.map((one) => ({
      ...one,
      filename: one.filename === null ? null : HIDDEN,
      preview: one.preview === null ? null : HIDDEN,
    })),
    findings: content.findings.map((sentence) => sentence.replace(/^(Attachment \d+) ".*":/s, "$1:")),
  };
}

const HIDDEN = "(hidden)";
const HARMLESS: ReadonlySet<string> = new Set([
  "date",
  "mime-version",
  "content-type",
  "content-transfer-encoding",
  "content-language",
  "precedence",
  "auto-submitted",
  "importance",
  "x-priority",
]);
