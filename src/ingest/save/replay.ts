/** Reads stored logs once more, into another database, as if they came from their files. */
import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { PilotError } from "../../errors.ts";
import { PARSER_VERSION } from "../../parse/parser-version.ts";
import type { StoredText } from "../../store/log-text/log-export.ts";
import type { SourceRow } from "../../store/write/source-catalogue.ts";
import type { Writer } from "../../store/write/writer.ts";
import type { Thread } from "../../threads.ts";
import { type EpochMs, KIB } from "../../units.ts";
import { ReadingThread, readBlocks } from "../batch/batch-thread.ts";
import type { OpenSource } from "../source/open-source.ts";
import { BULK_LOAD, LARGE_LOG, NOTHING, storeLog } from "./log-writer.ts";
import { MessageCache } from "./message-cache.ts";

export interface ReplayOptions {
  readonly now: () => EpochMs;
  readonly signal: AbortSignal;
  /** Undefined: all is done in this thread. */
  readonly startReadingThread?: (() => Thread) | undefined;
  /** Bytes of log text read. */
  readonly onProgress: (bytes: number) => void;
}

/** Lines in one block. */
const BATCH_LINES = 500;
const PIECE_BYTES = 64 * KIB;
/** Bytes at the beginning that show the year of stamps without one, as for a file. */
const HEAD_BYTES = 64 * KIB;

/**
 * Reads on each log that `writer` knows, from where it is there to the end of what `text` has of it.
 * Errors: `corrupt` when the stored text is damaged; those of {@link Writer.write}.
 */
export async function replay(text: StoredText, writer: Writer, options: ReplayOptions): Promise<void> {
  const { now, startReadingThread } = options;
  writer.write((transactor) => transactor.noteParser(PARSER_VERSION, now()));
  const thread = startReadingThread === undefined ? undefined : new ReadingThread(startReadingThread);
  try {
    await readAll(text, writer, options, thread);
  } finally {
    await thread?.close();
  }
  await finish(writer, options.signal);
}

async function readAll(
  text: StoredText,
  writer: Writer,
  { now, signal, onProgress }: ReplayOptions,
  thread: ReadingThread | undefined,
): Promise<void> {
  const figures = { ...NOTHING };
  for (const server of writer.sources.servers()) {
    const cache = new MessageCache(server.id);
    const sources = [...writer.sources.sourcesOf(server.id)].sort((left, right) => left.id - right.id);
    for (const source of sources) {
      const isLarge = text.sizeOf(source.id) - source.position > LARGE_LOG;
      await storeLog(openStored(source, text), source, writer, cache, figures, {
        batchLines: BATCH_LINES,
        load: BULK_LOAD,
        readBlocks: thread !== undefined && isLarge ? (...given) => thread.readBlocks(...given) : readBlocks,
        timeZone: server.timeZone,
        now,
        signal,
        onCommit: () => onProgress(figures.bytes),
      }).catch(throwCause);
      if (signal.aborted) return;
    }
  }
}

async function finish(writer: Writer, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  writer.write((transactor) => transactor.indexAll());
  while (!signal.aborted && writer.write((transactor) => transactor.rollUp())) await setImmediate();
}

/** A stored log in the place of its file. */
function openStored({ id, path, position }: SourceRow, text: StoredText): OpenSource {
  const read = (): Readable => Readable.from(piecesOf(text.bytesOf(id, position)), { objectMode: false });
  return {
    path,
    head: headOf(id, text),
    sizeBytes: undefined,
    textBytes: undefined,
    bytesRead: () => 0,
    verify: async () => {},
    compare: async () => "continues",
    read,
    readUntilPause: read,
    goesOn: async () => false,
    close: () => {},
  };
}

/** Blocks in pieces as a file has them: the other thread is sent a number of pieces ahead, and each with all of its buffer. */
function* piecesOf(blocks: Iterable<Buffer>): Generator<Buffer> {
  for (const bytes of blocks)
    for (let start = 0; start < bytes.length; start += PIECE_BYTES)
      yield Buffer.from(bytes.subarray(start, start + PIECE_BYTES));
}

function headOf(sourceId: number, text: StoredText): Buffer {
  let head: Buffer = Buffer.alloc(0);
  for (const bytes of text.bytesOf(sourceId, text.prunedBytes(sourceId))) {
    head = Buffer.concat([head, bytes.subarray(0, HEAD_BYTES)]);
    if (head.length >= HEAD_BYTES) break;
  }
  return head.subarray(0, HEAD_BYTES);
}

/** Throws the cause: damage of the stored text is reported as such, not as a failure of its file. */
function throwCause(error: unknown): never {
  throw error instanceof PilotError && error.cause instanceof PilotError ? error.cause : error;
}
