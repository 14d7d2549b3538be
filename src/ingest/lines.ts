/** From a stream of text to lines; a line of any length is handed on in pieces of bounded length. */
import type { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { MIB } from "../units.ts";

/** Longer lines are cut into pieces of this many bytes. Exim's own are at most 8 KiB. */
export const LONGEST_PIECE = MIB;

/** How a piece ends: with its newline, within a line that goes on, or with the log. */
export type LineEnd = "newline" | "cut" | "eof";

export interface LineOptions {
  /** Length of a line that has begun before the source does. */
  readonly unfinished: number;
  readonly signal: AbortSignal | undefined;
}

/** Tells a failure of the source from one in the handling of a line. */
export class SourceFailure extends Error {
  override readonly name = "SourceFailure";
}

/**
 * Calls `onLine` for each line of `source`, a stream of latin1 strings. Ends early at an abort, which is no error, and at an
 * exception in `onLine`. Errors: {@link SourceFailure} with its cause, after all lines before it, the last one as if the log
 * ended there.
 */
export async function eachLine(
  source: Readable,
  onLine: (line: string, end: LineEnd) => void,
  { unfinished, signal }: LineOptions,
): Promise<void> {
  await feed(source, new LineSplitter(onLine, unfinished), signal);
}

/** What takes text piece by piece. */
export interface TextSink {
  write(text: string): void;
  /** The text ends here, at least for now. */
  end(): void;
}

/**
 * Gives `sink` the text of `source`, a stream of latin1 strings. Ends early, and without its end, when `signal` aborts; also at an
 * exception in the sink. Errors: {@link SourceFailure} with its cause, after the end of the text before it.
 */
export async function feed(source: Readable, sink: TextSink, signal: AbortSignal | undefined): Promise<void> {
  const stop = (): void => void source.destroy();
  let failure: SourceFailure | undefined;
  const pieces = untilFailure(source, (cause) => {
    failure = new SourceFailure("The source failed.", { cause });
  });
  signal?.addEventListener("abort", stop);
  try {
    for await (const text of pieces) {
      if (signal?.aborted === true) return;
      sink.write(text);
      // NOTE: a source that always has more would let no signal through.
      await setImmediate();
    }
  } finally {
    signal?.removeEventListener("abort", stop);
  }
  if (signal?.aborted === true) return;
  sink.end();
  if (failure !== undefined) throw failure;
}

/** The chunks before a failure; they are not lost with the stream. */
export async function* untilFailure(source: Readable, onFailure: (cause: unknown) => void): AsyncGenerator<string> {
  try {
    yield* source as AsyncIterable<string>;
  } catch (error) {
    onFailure(error);
  }
}

/** Splits text into lines, however it arrives in chunks, and cuts a line exactly where it grows beyond the limit. */
export class LineSplitter implements TextSink {
  readonly #onLine: (line: string, end: LineEnd) => void;
  /** The unfinished line, or the part of it after its last cut, in pieces. */
  #held: string[] = [];
  /** Length of that, and of what was there before the text. */
  #length: number;

  /** `unfinished`: the length of a line that has begun before the text does. */
  constructor(onLine: (line: string, end: LineEnd) => void, unfinished: number) {
    this.#onLine = onLine;
    this.#length = unfinished;
  }

  write(text: string): void {
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      this.#handOn(this.#cut(text.slice(start, end)), "newline");
      start = end + 1;
    }
    if (start === text.length) return;
    const rest = this.#cut(text.slice(start));
    this.#held.push(rest);
    this.#length += rest.length;
  }

  /** Hands on a last line without a newline. */
  end(): void {
    if (this.#held.some((piece) => piece !== "")) this.#handOn("", "eof");
  }

  /** Hands on what is held, and `part` behind it. */
  #handOn(part: string, end: LineEnd): void {
    let line = part;
    if (this.#held.length > 0) {
      line = this.#held.join("") + part;
      this.#held = [];
    }
    this.#length = 0;
    this.#onLine(line, end);
  }

  /** Hands on the beginning of the line as long as it is beyond the limit with `part`; returns the rest of that. */
  #cut(part: string): string {
    let rest = part;
    while (this.#length + rest.length > LONGEST_PIECE) {
      const room = LONGEST_PIECE - this.#length;
      this.#handOn(rest.slice(0, room), "cut");
      rest = rest.slice(room);
    }
    return rest;
  }
}
