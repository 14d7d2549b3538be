/** The raw lines of what was found, as exigrep shows them: all lines of a message together. */
import type { MessageReader } from "../store/message-reader.ts";
import type { Found } from "../store/search-reader.ts";
import { decodeLines } from "../text.ts";

export interface RawGroup {
  /** Set when the log does not show the end of the message: its id. */
  readonly unfinishedId: string | undefined;
  /** Each with its continuation lines; undefined when its text has been pruned. */
  readonly lines: readonly (string | undefined)[];
}

/** A message that was refused will never be completed, and is finished. */
export async function readRawGroup(messages: MessageReader, found: Found): Promise<RawGroup> {
  if (found.kind !== "message") {
    const { id } = found.kind === "event" ? found.entry : found.rejection;
    const bytes = messages.entryText(id);
    return { unfinishedId: undefined, lines: [bytes === undefined ? undefined : decodeLines(bytes)] };
  }
  const { message } = found;
  const entries = await messages.entriesOf(message);
  const inOrder = entries.toSorted((one, other) => compare(one.timestamp, other.timestamp) || one.id - other.id);
  const isFinished = message.completed_at !== null || message.status === "rejected";
  return {
    unfinishedId: isFinished ? undefined : message.id,
    lines: inOrder.map(({ bytes }) => (bytes === undefined ? undefined : decodeLines(bytes))),
  };
}

function compare(one: string | null, other: string | null): number {
  return one === other ? 0 : (one ?? "") < (other ?? "") ? -1 : 1;
}
