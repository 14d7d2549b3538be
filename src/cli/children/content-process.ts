/** Messages that strangers wrote, read in a process of its own; it is started by {@link readContents} in contents.ts. */
import { type ContentWish, parseContent } from "../../content/parse-content.ts";
import type { MessageContent } from "../../content/result.ts";
import { describeSystemError, isSystemError } from "../../store/files/system-errors.ts";
import { type ContentItem, openMessage } from "./content-source.ts";
import { type ProcessFailure, serveJob } from "./killable-process.ts";

export interface ContentJob extends ContentWish {
  readonly items: readonly ContentItem[];
}

/** Result for one item; results come in the order of the items. */
export type ContentOutcome =
  | { readonly kind: "read"; readonly content: MessageContent; readonly savedBase64: string | undefined }
  | { readonly kind: "gone" }
  | { readonly kind: "damaged"; readonly reason: string };

export type ContentMessage =
  | { readonly kind: "item"; readonly outcome: ContentOutcome }
  | { readonly kind: "done" }
  | ProcessFailure;

async function run({ items, ...wish }: ContentJob): Promise<ContentMessage> {
  for (const item of items) await send({ kind: "item", outcome: await read(item, wish) });
  return { kind: "done" };
}

async function read(item: ContentItem, wish: ContentWish): Promise<ContentOutcome> {
  try {
    const opened = openMessage(item);
    if (opened.kind !== "open") return opened;
    const { content, saved } = await parseContent(opened.message, wish);
    return { kind: "read", content, savedBase64: saved?.toString("base64") };
  } catch (error) {
    if (isSystemError(error)) return { kind: "damaged", reason: `It cannot be read: ${describeSystemError(error)}.` };
    throw error;
  }
}

function send(message: ContentMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, undefined, undefined, (error) => (error === null ? resolve() : reject(error)));
  });
}

await serveJob(run);
