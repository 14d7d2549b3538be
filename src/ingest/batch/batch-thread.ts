/**
 * Reading in another thread: this one reads the source and stores blocks, the other makes blocks of the text.
 *
 *     start, text, text, …, end   ──▶
 *                                 ◀──   block, block, taken, block, …, done
 *
 * What is under way is bounded: a piece of text is acknowledged behind the blocks it has filled.
 */
import type { Readable } from "node:stream";
import type { Port, Thread } from "../../threads.ts";
import { BlockBuilder, type EncodedBlock, type ReadingStart } from "./block-builder.ts";
import { buffersOf } from "./encoded-batch.ts";
import { feed, SourceFailure, untilFailure } from "./lines.ts";

type ToReader =
  | { readonly kind: "start"; readonly start: ReadingStart }
  | { readonly kind: "text"; readonly bytes: Uint8Array }
  | { readonly kind: "end" };

type FromReader =
  | { readonly kind: "block"; readonly block: EncodedBlock }
  | { readonly kind: "taken" }
  | { readonly kind: "done" };

/** Pieces of text that are under way at most, each of some 64 KiB: more than one block holds, so that neither thread waits. */
const MOST_PIECES = 48;

/** Reads logs in a thread that is started with the first of them, in which {@link serveReadings} runs. */
export class ReadingThread {
  readonly #startThread: () => Thread;
  #thread: Thread | undefined;
  #exchange: Exchange | undefined;

  constructor(startThread: () => Thread) {
    this.#startThread = startThread;
  }

  /** See {@link readBlocks}. A bug in the other thread is thrown with its stack. */
  async readBlocks(
    source: Readable,
    start: ReadingStart,
    onBlock: (block: EncodedBlock) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const exchange = new Exchange(onBlock, signal);
    this.#exchange = exchange;
    this.#thread ??= this.#newThread();
    let failure: SourceFailure | undefined;
    const pieces = untilFailure<Uint8Array>(source, (cause) => {
      failure = new SourceFailure("The source failed.", { cause });
    });
    try {
      await exchange.run(this.#thread, start, pieces);
    } finally {
      // NOTE: when it did not end as it should, text of this log is still in the other thread.
      if (!exchange.isDone) await this.close();
    }
    if (failure !== undefined) throw failure;
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }

  #newThread(): Thread {
    const thread = this.#startThread();
    // NOTE: messages of a thread that was given up may still arrive.
    const ofThis = (): Exchange | undefined => (this.#thread === thread ? this.#exchange : undefined);
    thread.on("message", (message) => ofThis()?.receive(message as FromReader));
    thread.on("error", (error) => ofThis()?.fail(error));
    return thread;
  }
}

/** The exchange with the other thread for one log. */
class Exchange {
  isDone = false;
  readonly #onBlock: (block: EncodedBlock) => void;
  readonly #signal: AbortSignal | undefined;
  #underWay = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};

  constructor(onBlock: (block: EncodedBlock) => void, signal: AbortSignal | undefined) {
    this.#onBlock = onBlock;
    this.#signal = signal;
  }

  async run(thread: Thread, start: ReadingStart, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const send = (message: ToReader): void => thread.postMessage(message);
    const onAbort = (): void => this.#wake();
    this.#signal?.addEventListener("abort", onAbort);
    try {
      send({ kind: "start", start });
      for await (const bytes of pieces) {
        // NOTE: copied, for the source may look at them again.
        send({ kind: "text", bytes });
        this.#underWay++;
        await this.#until(() => this.#underWay < MOST_PIECES);
        if (this.#isAborted) return;
      }
      send({ kind: "end" });
      await this.#until(() => this.isDone);
    } finally {
      this.#signal?.removeEventListener("abort", onAbort);
    }
  }

  receive(message: FromReader): void {
    if (this.#isAborted || this.#failure !== undefined) return;
    try {
      this.#take(message);
    } catch (error) {
      this.fail(error);
    }
    this.#wake();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  get #isAborted(): boolean {
    return this.#signal?.aborted === true;
  }

  #take(message: FromReader): void {
    if (message.kind === "block") this.#onBlock(message.block);
    else if (message.kind === "taken") this.#underWay--;
    else this.isDone = true;
  }

  /** Waits; ends early at an abort. Throws what has failed. */
  async #until(isReached: () => boolean): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (isReached() || this.#isAborted) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/**
 * Reads `source`, a stream of bytes that continues where `start` ends, and calls `onBlock` for each block, in this thread.
 * Ends early, and leaves the last block out, when `signal` aborts; also at an exception in `onBlock`.
 * Errors: {@link SourceFailure} with its cause, after the blocks of all text before it.
 */
export async function readBlocks(
  source: Readable,
  start: ReadingStart,
  onBlock: (block: EncodedBlock) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const onBlockInTime = (block: EncodedBlock): void => {
    if (signal?.aborted !== true) onBlock(block);
  };
  await feed(source, new BlockBuilder(start, onBlockInTime), signal);
}

/** The other thread's side: makes blocks of the texts that come through `port`. */
export function serveReadings(port: Port): void {
  const send = (message: FromReader, transfer?: readonly ArrayBuffer[]): void => port.postMessage(message, transfer);
  const sendBlock = (block: EncodedBlock): void => send({ kind: "block", block }, block.batches.flatMap(buffersOf));
  let reading: BlockBuilder | undefined;
  port.on("message", (value) => {
    const message = value as ToReader;
    if (message.kind === "start") reading = new BlockBuilder(message.start, sendBlock);
    else if (message.kind === "text") {
      reading?.write(message.bytes);
      send({ kind: "taken" });
    } else {
      reading?.end();
      reading = undefined;
      send({ kind: "done" });
    }
  });
}
