import type { Readable } from "node:stream";
import { readHeaders } from "./message-headers.ts";
import { Meter } from "./meter.ts";
import type { MessageContent } from "./result.ts";

/** Describes a message whose body could not be read within the limits: its headers, size and hash. `reason`: a sentence. */
export async function limitedContent(message: Readable, reason: string): Promise<MessageContent> {
  const meter = new Meter();
  for await (const chunk of message) meter.add(chunk as Buffer);
  return {
    headers: readHeaders(meter.head).headers,
    text: null,
    htmlText: null,
    attachments: [],
    remoteResources: 0,
    contentSafe: false,
    previewLimited: true,
    findings: [reason],
    sizeBytes: meter.bytes,
    sha256: meter.digest(),
  };
}
