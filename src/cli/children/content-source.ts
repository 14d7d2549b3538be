/** Where the bytes of a message come from, for the process that reads them and the one that waits for it. */
import { closeSync, createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { openDataFile, readPlace } from "../../queue/spool-directory.ts";
import type { SpoolPlace } from "../../queue/spool-places.ts";
import { dataStart } from "../../spool/spool-message.ts";

export type ContentItem =
  | { readonly kind: "spool"; readonly place: SpoolPlace }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "bytes"; readonly base64: string };

export type OpenedMessage =
  | { readonly kind: "open"; readonly message: Readable }
  /** It has left the queue. */
  | { readonly kind: "gone" }
  | { readonly kind: "damaged"; readonly reason: string };

/** Headers, an empty line and body. Errors: `unreadable`, of the system; the stream's own. */
export function openMessage(item: ContentItem): OpenedMessage {
  if (item.kind === "bytes") return { kind: "open", message: Readable.from([Buffer.from(item.base64, "base64")]) };
  if (item.kind === "file") return { kind: "open", message: createReadStream(item.path) };
  const { place } = item;
  const found = readPlace(place, { withHeaders: true });
  if (found === undefined) return { kind: "gone" };
  const { header, message } = found;
  if (header === undefined) return { kind: "damaged", reason: message.damageReason ?? "Its header file is damaged." };
  // NOTE: Exim marks headers that were removed with an asterisk, and does not send them.
  const headers = header.headers.filter(({ kind }) => kind !== "*").map(({ bytes }) => bytes);
  return { kind: "open", message: Readable.from(spoolBytes(place, Buffer.concat([...headers, Buffer.from("\n")]))) };
}

async function* spoolBytes(place: SpoolPlace, headers: Buffer): AsyncGenerator<Buffer> {
  yield headers;
  const descriptor = openDataFile(place);
  if (descriptor === undefined) return;
  try {
    yield* createReadStream("", {
      fd: descriptor,
      start: dataStart(place.id),
      autoClose: false,
    }) as AsyncIterable<Buffer>;
  } finally {
    closeSync(descriptor);
  }
}
