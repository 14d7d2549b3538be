/** From a stream of text to lines, through split2; a line of any length is handed on in pieces of bounded length. */
import { Readable, Transform, type TransformCallback, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import split2 from "split2";
import { MIB } from "../units.ts";

/** Longer lines are cut into pieces of this many bytes. Exim's own are at most 8 KiB. */
export const LONGEST_PIECE = MIB;

/** How a piece ends: with its newline, within a line that goes on, or with the log. */
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
  const guard = new LengthGuard(unfinished);
  let pending: string | undefined;
  const handOn = (line: string, isLast: boolean): void => {
    if (line.endsWith(CUT)) onLine(line.slice(0, -1), "cut");
    else onLine(line, isLast && !guard.endsWithNewline ? "eof" : "newline");
  };
  const sink = new Writable({
    objectMode: true,
    write: (line: string, _encoding, done) => {
      done(
        attempt(() => {
          if (pending !== undefined) handOn(pending, false);
          pending = line;
        }),
      );
    },
    final: (done) => {
      done(
        attempt(() => {
          if (pending !== undefined) handOn(pending, true);
        }),
      );
    },
  });
  const splitter = split2("\n", { decodeStrings: false });
  let failure: SourceFailure | undefined;
  const chunks = untilFailure(source, (cause) => {
    failure = new SourceFailure("The source failed.", { cause });
  });
  try {
    await pipeline([Readable.from(chunks), guard, splitter, sink], signal === undefined ? {} : { signal });
  } catch (error) {
    if (signal?.aborted === true) return;
    throw error;
  }
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

function attempt(action: () => void): Error | null {
  try {
    action();
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Lets text pass, and cuts a line exactly where it grows beyond the limit, however the text arrives in chunks. */
class LengthGuard extends Transform {
  /** True when the text so far is empty or ends with a newline. */
  endsWithNewline = true;
  /** Length of the unfinished line so far. */
  #unfinished: number;
  /** The unfinished line, or the part of it that is not handed on, in pieces. */
  #held: string[] = [];

  constructor(unfinished: number) {
    super({ decodeStrings: false, readableObjectMode: true });
    this.#unfinished = unfinished;
  }

  override _transform(chunk: string | Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const text = typeof chunk === "string" ? chunk : chunk.toString("latin1");
    if (text !== "") {
      this.endsWithNewline = text.endsWith("\n");
      this.#handOn(this.#withCuts(text));
    }
    done();
  }

  override _flush(done: TransformCallback): void {
    if (this.#held.length > 0) this.push(this.#held.join(""));
    done();
  }

  /** Whole lines. NOTE: split2 searches what has no newline yet again with every chunk. */
  #handOn(text: string): void {
    const end = text.lastIndexOf("\n") + 1;
    if (end > 0) {
      this.push(this.#held.join("") + text.slice(0, end));
      this.#held = [];
    }
    if (end < text.length) this.#held.push(text.slice(end));
  }

  #withCuts(text: string): string {
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
