/** From a stream of text to lines, through split2; a line of any length is handed on in pieces of bounded length. */
import type { Readable, Transform } from "node:stream";
import { setImmediate } from "node:timers/promises";
import split2 from "split2";
import { MIB } from "../../units.ts";

/** Longer lines are cut into pieces of this many bytes. Exim's own are at most 8 KiB. */
export const LONGEST_PIECE = MIB;

/** Ends of a piece: with its newline, within a line that continues, or with the log. */
export type LineEnd = "newline" | "cut" | "eof";

/** Marks a cut that is not in the log. Bytes are read as latin1, so no text of a log holds it. */
const CUT = "\u0100";

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

/** Receiver of a text, piece by piece: as latin1 or in bytes. */
export interface TextSink<Piece> {
  write(piece: Piece): void;
  /** The text ends here, at least for now. */
  end(): void;
}

/**
 * Gives `sink` the pieces of `source`, a stream of what it takes. Ends early, and without its end, when `signal` aborts; also at an
 * exception in the sink. Errors: {@link SourceFailure} with its cause, after the end of the text before it.
 */
export async function feed<Piece>(
  source: Readable,
  sink: TextSink<Piece>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const stop = (): void => void source.destroy();
  let failure: SourceFailure | undefined;
  const pieces = untilFailure<Piece>(source, (cause) => {
    failure = new SourceFailure("The source failed.", { cause });
  });
  signal?.addEventListener("abort", stop);
  try {
    for await (const piece of pieces) {
      if (signal?.aborted === true) return;
      sink.write(piece);
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
export async function* untilFailure<Piece>(
  source: Readable,
  onFailure: (cause: unknown) => void,
): AsyncGenerator<Piece> {
  try {
    yield* source as AsyncIterable<Piece>;
  } catch (error) {
    onFailure(error);
  }
}

/** Splits text into lines, however it arrives in chunks, and cuts a line exactly where it grows beyond the limit. */
export class LineSplitter implements TextSink<string> {
  readonly #guard: LengthGuard;
  readonly #splitter: Transform;
  /** The unfinished line, or the part of it after its last cut, in pieces. */
  #held: string[] = [];
  #isLast = false;
  #failure: { readonly error: unknown } | undefined;

  /** `unfinished`: the length of a line that has begun before the text does. */
  constructor(onLine: (line: string, end: LineEnd) => void, unfinished: number) {
    this.#guard = new LengthGuard(unfinished);
    const handOn = (line: string): void => {
      if (line.endsWith(CUT)) onLine(line.slice(0, -1), "cut");
      else onLine(line, this.#isLast ? "eof" : "newline");
    };
    // NOTE: a mapper without a result leaves nothing to be read, so that all lines of a chunk come within its write.
    this.#splitter = split2("\n", handOn, { decodeStrings: false });
    this.#splitter.on("error", (error) => {
      this.#failure ??= { error };
    });
  }

  write(text: string): void {
    const cut = this.#guard.withCuts(text);
    const end = cut.lastIndexOf("\n") + 1;
    // NOTE: split2 searches what has no newline yet again with every chunk.
    if (end > 0) {
      this.#split(this.#held.join("") + cut.slice(0, end));
      this.#held = [];
    }
    if (end < cut.length) this.#held.push(cut.slice(end));
  }

  /** Hands on a last line without a newline. */
  end(): void {
    const last = this.#held.join("");
    this.#held = [];
    this.#isLast = true;
    if (last !== "") this.#split(`${last}\n`);
  }

  #split(text: string): void {
    this.#splitter.write(text);
    // NOTE: an error within a write is known at once and emitted later.
    const error = this.#failure?.error ?? this.#splitter.errored;
    if (error !== null && error !== undefined) throw error;
  }
}

/** Marks where a line grows beyond the limit, however the text arrives in chunks. */
class LengthGuard {
  /** Length of the unfinished line so far. */
  #unfinished: number;

  constructor(unfinished: number) {
    this.#unfinished = unfinished;
  }

  withCuts(text: string): string {
    if (text === "") return text;
    const newline = text.indexOf("\n");
    const firstLength = newline === -1 ? text.length : newline;
    if (text.length > LONGEST_PIECE || this.#unfinished + firstLength > LONGEST_PIECE) return this.#cutLines(text);
    const last = text.lastIndexOf("\n");
    this.#unfinished = last === -1 ? this.#unfinished + text.length : text.length - last - 1;
    return text;
  }

  #cutLines(text: string): string {
    const [first = "", ...others] = text.split("\n");
    const lines = [this.#cutLine(first)];
    for (const line of others) {
      this.#unfinished = 0;
      lines.push(this.#cutLine(line));
    }
    return lines.join("\n");
  }

  #cutLine(line: string): string {
    let pieces = "";
    let rest = line;
    while (this.#unfinished + rest.length > LONGEST_PIECE) {
      const room = LONGEST_PIECE - this.#unfinished;
      pieces += `${rest.slice(0, room)}${CUT}\n`;
      rest = rest.slice(room);
      this.#unfinished = 0;
    }
    this.#unfinished += rest.length;
    return pieces + rest;
  }
}
