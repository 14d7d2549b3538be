import { PilotError } from "../../../errors.ts";
import { openBlock, type StoredBlock } from "../../log-text/log-export.ts";
import { IDENTITY_BYTES } from "../../write/source-catalogue.ts";
import type { CheckContext, CheckStep, IntegrityCheck } from "./check.ts";

interface Source {
  readonly id: number;
  readonly head: Buffer;
  readonly tail: Buffer;
  readonly pruned: number;
}

const NEWLINE = 0x0a;

export const RAW_TEXT: IntegrityCheck = {
  name: "text",
  question: "Is the text of each log what was read, and does it have the lines that are counted?",
  readsAllText: true,
  *run(context) {
    const { database } = context;
    const total = (database.prepare("SELECT total(size) AS bytes FROM raw_blocks").get() as { bytes: number }).bytes;
    const sources = database.prepare<[], Source>("SELECT id, head, tail, pruned FROM stored_sources ORDER BY id").all();
    let done = 0;
    for (const source of sources) {
      for (const step of checkSource(context, source)) {
        if (typeof step !== "string") done += step.done;
        yield typeof step === "string" ? step : { done, total };
      }
    }
  },
};

/** Its steps tell the bytes of one block. */
function* checkSource({ text }: CheckContext, { id, head, tail, pruned }: Source): Generator<CheckStep> {
  let [first, last] = [Buffer.alloc(0), Buffer.alloc(0)];
  let isWhole = true;
  for (const block of text.blocksOf(id)) {
    const bytes = tryToOpen(block);
    if (typeof bytes === "string") {
      isWhole = false;
      yield bytes;
      continue;
    }
    const lines = linesIn(bytes, block);
    if (!lines.includes(block.lines))
      yield `Block ${block.id} of source ${id} states ${block.lines} lines; there are ${lines[0]}.`;
    if (first.length < IDENTITY_BYTES) first = Buffer.concat([first, bytes]).subarray(0, IDENTITY_BYTES);
    last = Buffer.concat([last, bytes.subarray(-IDENTITY_BYTES)]).subarray(-IDENTITY_BYTES);
    yield { done: bytes.length, total: 0 };
  }
  if (isWhole && pruned === 0 && !first.equals(head))
    yield `Source ${id} would not be recognised: it is stored with another beginning.`;
  // A log with pruned text may hold less than its stored tail.
  const end = pruned === 0 ? tail : tail.subarray(tail.length - last.length);
  if (isWhole && !last.equals(end)) yield `Source ${id} would not be read on: it is stored with another end.`;
}

/** The bytes of a block, or the fault that was found. */
function tryToOpen(block: StoredBlock): Buffer | string {
  try {
    return openBlock(block);
  } catch (error) {
    if (error instanceof PilotError && error.code === "corrupt") return error.message;
    throw error;
  }
}

/** Possible numbers of lines that end in a block. The last one of a log may have no newline, and then either be a line or the piece of one. */
function linesIn(bytes: Buffer, { position, size, end }: StoredBlock): readonly number[] {
  let newlines = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) newlines++;
  const isUnfinished = position + size === end && bytes.at(-1) !== NEWLINE;
  return isUnfinished ? [newlines + 1, newlines] : [newlines];
}
