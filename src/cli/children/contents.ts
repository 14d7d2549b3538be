/** Reads messages in a process of its own, with limits of time and memory for each. */
import { on } from "node:events";
import { limitedContent } from "../../content/limited-content.ts";
import type { ContentWish } from "../../content/parse-content.ts";
import { PilotError } from "../../errors.ts";
import { SECOND_MS } from "../../units.ts";
import type { Io } from "../io.ts";
import type { ContentJob, ContentMessage, ContentOutcome } from "./content-process.ts";
import { type ContentItem, openMessage } from "./content-source.ts";
import { Killable } from "./killable.ts";

const MIB = 1024 * 1024;
const MOST_MEMORY_BYTES = 200 * MIB;
const TIMEOUT_MS = 10 * SECOND_MS;
/** Items of one process. */
const MOST_ITEMS = 1000;

/** Yields the result for each item, in their order; an item that takes too much is described by its headers. Errors: `interrupted`, those of reading. */
export async function* readContents(
  items: readonly ContentItem[],
  wish: ContentWish,
  io: Io,
): AsyncGenerator<ContentOutcome> {
  let next = 0;
  while (next < items.length) {
    const rest = items.slice(next, next + MOST_ITEMS);
    const work = new Killable(
      "content-process.js",
      { items: rest, ...wish } satisfies ContentJob,
      ["ignore", "inherit", "inherit", "ipc"],
      TIMEOUT_MS,
      io,
      MOST_MEMORY_BYTES,
    );
    let last: Exclude<ContentMessage, { readonly kind: "item" }> | undefined;
    const before = next;
    try {
      work.limit.start();
      for await (const [value] of on(work.child, "message", { close: ["close"] })) {
        const message = value as ContentMessage;
        work.limit.stop();
        if (message.kind === "item") {
          next++;
          yield message.outcome;
        } else last = message;
        work.limit.restart();
      }
      if (io.signal.aborted) throw interrupted();
      if (last?.kind === "done") continue;
      const reason = reasonOf(work);
      const item = items[next];
      if (reason === undefined || item === undefined || next - before === rest.length)
        throw work.failure(last, "The reading of the message");
      next++;
      yield await readLimited(item, reason);
    } finally {
      work.end();
    }
  }
}

/** A sentence; undefined: it did not end for what it took. */
function reasonOf(work: Killable): string | undefined {
  if (work.limit.isOver) return `Reading it took more than ${TIMEOUT_MS / SECOND_MS} s and was stopped.`;
  if (work.isTooLarge) return `Reading it took more than ${MOST_MEMORY_BYTES / MIB} MiB of memory and was stopped.`;
  return undefined;
}

async function readLimited(item: ContentItem, reason: string): Promise<ContentOutcome> {
  const opened = openMessage(item);
  if (opened.kind !== "open") return opened;
  return { kind: "read", content: await limitedContent(opened.message, reason), savedBase64: undefined };
}

function interrupted(): PilotError {
  return new PilotError("interrupted", "Interrupted before the message was read.");
}
