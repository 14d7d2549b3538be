/**
 * Reading in another thread: this one reads the source and stores batches, the other makes batches of the text.
 *
 *     start, text, text, …, end   ──▶
 *                                 ◀──   batch, batch, taken, batch, …, done
 *
 * What is under way is bounded: a piece of text is acknowledged behind the batches it has filled.
 */
import { Readable } from "node:stream";
import { SourceFailure, untilFailure } from "./lines.ts";
import { type EntryBatch, type ReadingStart, readBatches } from "./reading.ts";
import { type Tape, TapeReader, TapeWriter } from "./tape.ts";

/** One end of what joins two threads, such as the `parentPort` of a worker. */
export interface Port {
  readonly postMessage: (message: unknown, transfer?: readonly ArrayBuffer[]) => void;
  readonly on: (event: string, listener: (value: unknown) => void) => unknown;
}

/** Another thread, in which {@link serveReadings} runs, such as a `Worker`. */
export interface Thread extends Port {
  readonly terminate: () => Promise<unknown>;
}

type ToReader =
  | { readonly kind: "start"; readonly start: ReadingStart }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "end" };

type FromReader =
  | { readonly kind: "batch"; readonly batch: Omit<EntryBatch, "entries">; readonly tape: Tape }
  | { readonly kind: "taken" }
  | { readonly kind: "done" };

/** Pieces of text that are under way at most, each of some 64 KiB: more than one transaction holds, so that neither thread waits. */
const MOST_PIECES = 48;

/** Reads logs in a thread that is started with the first of them. */
export class ReadingThread {
  readonly #startThread: () => Thread;
  #thread: Thread | undefined;
  #exchange: Exchange | undefined;

  constructor(startThread: () => Thread) {
    this.#startThread = startThread;
  }

  /** As {@link readBatches}. A bug in the other thread is thrown with its stack. */
  async readBatches(
    source: Readable,
    start: ReadingStart,
    onBatch: (batch: EntryBatch) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const exchange = new Exchange(onBatch, signal);
    this.#exchange = exchange;
    this.#thread ??= this.#newThread();
    let failure: SourceFailure | undefined;
    const pieces = untilFailure(source, (cause) => {
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
    // NOTE: what a thread that was left has sent before may still come.
    const ofThis = (): Exchange | undefined => (this.#thread === thread ? this.#exchange : undefined);
    thread.on("message", (message) => ofThis()?.receive(message as FromReader));
    thread.on("error", (error) => ofThis()?.fail(error));
    return thread;
  }
}

/** What goes to and fro for one log. */
class Exchange {
  isDone = false;
  readonly #onBatch: (batch: EntryBatch) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #tapes = new TapeReader();
  #underWay = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};

  constructor(onBatch: (batch: EntryBatch) => void, signal: AbortSignal | undefined) {
    this.#onBatch = onBatch;
    this.#signal = signal;
  }

  async run(thread: Thread, start: ReadingStart, pieces: AsyncIterable<string>): Promise<void> {
    const send = (message: ToReader): void => thread.postMessage(message);
    const onAbort = (): void => this.#wake();
    this.#signal?.addEventListener("abort", onAbort);
    try {
      send({ kind: "start", start });
      for await (const text of pieces) {
        send({ kind: "text", text });
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
    if (message.kind === "batch") this.#onBatch({ ...message.batch, entries: this.#tapes.read(message.tape) });
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
 * As {@link readBatches}, with the texts as another thread would hand them over: one string for each that is remembered, which
 * is found again without being compared, and is no slice that would keep the text around it alive.
 */
export function readBatchesHere(
  source: Readable,
  start: ReadingStart,
  onBatch: (batch: EntryBatch) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const [writer, reader] = [new TapeWriter(), new TapeReader()];
  const onRead = (batch: EntryBatch): void => onBatch({ ...batch, entries: reader.read(writer.write(batch.entries)) });
  return readBatches(source, start, onRead, signal);
}

/** The other thread's side: makes batches of the texts that come through `port`. */
export function serveReadings(port: Port): void {
  let source = new Readable({ read: () => {} });
  const send = (message: FromReader, transfer?: readonly ArrayBuffer[]): void => port.postMessage(message, transfer);
  const read = async (start: ReadingStart, text: Readable): Promise<void> => {
    const tapes = new TapeWriter();
    const onBatch = ({ entries, ...batch }: EntryBatch): void => {
      const tape = tapes.write(entries);
      send({ kind: "batch", batch, tape }, [tape.numbers.buffer]);
    };
    await readBatches(Readable.from(acknowledging(text, send)), start, onBatch, undefined);
    send({ kind: "done" });
  };
  port.on("message", (value) => {
    const message = value as ToReader;
    if (message.kind === "start") {
      source = new Readable({ objectMode: true, read: () => {} });
      void read(message.start, source);
    } else {
      source.push(message.kind === "text" ? message.text : null);
    }
  });
}

async function* acknowledging(source: Readable, send: (message: FromReader) => void): AsyncGenerator<string> {
  for await (const text of source as AsyncIterable<string>) {
    yield text;
    send({ kind: "taken" });
  }
}
