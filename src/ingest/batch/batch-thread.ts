/**
 * Reading in another thread: it makes blocks of the text, which this one stores. Text of a file is read there; what else gives text
 * (an archive, a pipe, the database) is read here and sent.
 *
 *     start with a file           ──▶                       start, text, text, …, end   ──▶
 *                                 ◀──   block                                           ◀──   block, block, taken, block, …, done
 *     stored                      ──▶
 *                                 ◀──   block, …, done
 *
 * What is under way is bounded: a file is read on when blocks are stored, and a piece of text is acknowledged behind the blocks it
 * has filled.
 */
import { Readable } from "node:stream";
import type { Port, Thread } from "../../threads.ts";
import type { FileText, OpenSource } from "../source/open-source.ts";
import { readFileText } from "../source/plain-source.ts";
import { BlockBuilder, type EncodedBlock, type ReadingStart } from "./block-builder.ts";
import { buffersOf } from "./encoded-batch.ts";
import { feed, SourceFailure, untilFailure } from "./lines.ts";

type ToReader =
  | { readonly kind: "file"; readonly start: ReadingStart; readonly text: FileText }
  | { readonly kind: "stored" }
  | { readonly kind: "start"; readonly start: ReadingStart }
  | { readonly kind: "text"; readonly bytes: Uint8Array }
  | { readonly kind: "end" };

type FromReader =
  | { readonly kind: "block"; readonly block: EncodedBlock; readonly bytesRead: number }
  | { readonly kind: "taken" }
  | { readonly kind: "failed"; readonly cause: unknown }
  | { readonly kind: "done" };

/** Pieces of text that are under way at most, each of some 64 KiB: more than one block holds, so that neither thread waits. */
const MOST_PIECES = 48;

/** Blocks of a file that are under way at most: as many as are read while a transaction is committed. */
const MOST_BLOCKS = 6;

/** The text of an open log. */
export type LogText = Pick<OpenSource, "readUntilPause" | "fileText" | "noteRead">;

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
    log: LogText,
    start: ReadingStart,
    onBlock: (block: EncodedBlock) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const onBlockRead = (block: EncodedBlock, bytesRead: number): void => {
      log.noteRead?.(bytesRead);
      onBlock(block);
    };
    const exchange = new Exchange(this.#begin(), onBlockRead, signal);
    this.#exchange = exchange;
    try {
      const file = log.fileText?.();
      if (file === undefined) await exchange.sendText(start, log.readUntilPause());
      else await exchange.sendFile(start, file);
    } finally {
      // NOTE: when it did not end as it should, text of this log is still in the other thread.
      if (!exchange.isDone) await this.close();
    }
    if (exchange.sourceFailure !== undefined) throw exchange.sourceFailure;
  }

  /** Starts the thread, so that it is ready when the first log is open. */
  begin(): void {
    this.#begin();
  }

  #begin(): Thread {
    this.#thread ??= this.#newThread();
    return this.#thread;
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
  /** Failure of the source; the blocks of all text before it have come. */
  sourceFailure: SourceFailure | undefined;
  readonly #thread: Thread;
  readonly #onBlock: (block: EncodedBlock, bytesRead: number) => void;
  readonly #signal: AbortSignal | undefined;
  #underWay = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};

  constructor(
    thread: Thread,
    onBlock: (block: EncodedBlock, bytesRead: number) => void,
    signal: AbortSignal | undefined,
  ) {
    this.#thread = thread;
    this.#onBlock = onBlock;
    this.#signal = signal;
  }

  /** Has the thread read a file. */
  async sendFile(start: ReadingStart, text: FileText): Promise<void> {
    await this.#whileHeard(async () => {
      this.#send({ kind: "file", start, text });
      await this.#until(() => this.isDone);
    });
  }

  /** Gives the thread the text of a stream. */
  async sendText(start: ReadingStart, source: Readable): Promise<void> {
    const pieces = untilFailure<Uint8Array>(source, (cause) => this.#noteFailure(cause));
    await this.#whileHeard(async () => {
      this.#send({ kind: "start", start });
      for await (const bytes of pieces) {
        // NOTE: copied, for the source may look at them again.
        this.#send({ kind: "text", bytes });
        this.#underWay++;
        await this.#until(() => this.#underWay < MOST_PIECES);
        if (this.#isAborted) return;
      }
      this.#send({ kind: "end" });
      await this.#until(() => this.isDone);
    });
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

  #send(message: ToReader): void {
    this.#thread.postMessage(message);
  }

  #take(message: FromReader): void {
    if (message.kind === "block") {
      this.#onBlock(message.block, message.bytesRead);
      this.#send({ kind: "stored" });
    } else if (message.kind === "taken") this.#underWay--;
    else if (message.kind === "failed") this.#noteFailure(message.cause);
    else this.isDone = true;
  }

  #noteFailure(cause: unknown): void {
    this.sourceFailure = new SourceFailure("The source failed.", { cause });
  }

  /** Runs `exchange`, which an abort wakes. */
  async #whileHeard(exchange: () => Promise<void>): Promise<void> {
    const onAbort = (): void => this.#wake();
    this.#signal?.addEventListener("abort", onAbort);
    try {
      await exchange();
    } finally {
      this.#signal?.removeEventListener("abort", onAbort);
    }
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
 * Reads `log`, which continues where `start` ends, and calls `onBlock` for each block, in this thread.
 * Ends early, and leaves the last block out, when `signal` aborts; also at an exception in `onBlock`.
 * Errors: {@link SourceFailure} with its cause, after the blocks of all text before it.
 */
export async function readBlocks(
  log: LogText,
  start: ReadingStart,
  onBlock: (block: EncodedBlock) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const onBlockInTime = (block: EncodedBlock): void => {
    if (signal?.aborted !== true) onBlock(block);
  };
  await feed(log.readUntilPause(), new BlockBuilder(start, onBlockInTime), signal);
}

/** The other thread's side: makes blocks of the texts that come through `port`, or that it reads. */
export function serveReadings(port: Port): void {
  const send = (message: FromReader, transfer?: readonly ArrayBuffer[]): void => port.postMessage(message, transfer);
  const progress = { bytesRead: 0 };
  const room = new Room(MOST_BLOCKS);
  const sendBlock = (block: EncodedBlock): void =>
    send({ kind: "block", block, bytesRead: progress.bytesRead }, block.batches.flatMap(buffersOf));
  const readFile = async ({ start, text }: Extract<ToReader, { kind: "file" }>): Promise<void> => {
    const onBlock = (block: EncodedBlock): void => {
      room.take();
      sendBlock(block);
    };
    const pieces = Readable.from(room.pace(readFileText(text, progress)), { objectMode: false });
    try {
      await feed(pieces, new BlockBuilder(start, onBlock), undefined);
    } catch (error) {
      // NOTE: a bug is nobody's to catch: it ends the thread, with its stack.
      if (!(error instanceof SourceFailure)) throw error;
      send({ kind: "failed", cause: error.cause });
    }
    send({ kind: "done" });
  };
  let reading: BlockBuilder | undefined;
  port.on("message", (value) => {
    const message = value as ToReader;
    if (message.kind === "file") {
      room.empty();
      void readFile(message);
    } else if (message.kind === "stored") room.give();
    else if (message.kind === "start") reading = new BlockBuilder(message.start, sendBlock);
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

/** Bounds how many things are under way. */
class Room {
  readonly #most: number;
  #underWay = 0;
  #wake: () => void = () => {};

  constructor(most: number) {
    this.#most = most;
  }

  take(): void {
    this.#underWay++;
  }

  give(): void {
    this.#underWay--;
    this.#wake();
  }

  empty(): void {
    this.#underWay = 0;
  }

  /** Gives the pieces, each when there is room. */
  async *pace<Piece>(pieces: AsyncIterable<Piece>): AsyncGenerator<Piece> {
    for await (const piece of pieces) {
      while (this.#underWay >= this.#most)
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      yield piece;
    }
  }
}
