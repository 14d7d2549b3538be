/** From chunks of text to lines, through split2; a line of any length is kept in pieces of bounded length. */
import { Transform, type TransformCallback } from "node:stream";
import split2 from "split2";
import { MIB } from "../units.ts";

/** Longer lines are cut into pieces of this many bytes. Exim's own are at most 8 KiB. */
export const LONGEST_PIECE = MIB;

/**
 * Marks a cut that is not in the log. Bytes are read as latin1, so no text of a log holds it.
 */
const CUT = "\u0100";

export interface LinePiece {
  readonly text: string;
  /** How the piece ends: with the newline, within a line that goes on, or with the log. */
  readonly end: "newline" | "cut" | "eof";
}

/** Splits latin1 text into lines. Call {@link LineSplitter.onLine} through `stream`'s data events. */
export class LineSplitter {
  /** Write chunks of text here, or pipe; read strings from `lines`. */
  readonly input: Transform;
  readonly lines: Transform;
  readonly #guard: LengthGuard;

  constructor() {
    this.#guard = new LengthGuard();
    this.input = this.#guard;
    this.lines = this.#guard.pipe(split2("\n", undefined, { decodeStrings: false }));
    this.#guard.on("error", (error) => this.lines.destroy(error));
  }

  /** What a string read from `lines` is. The last one ends with the log when the log does not end with a newline. */
  toPiece(line: string, isLast: boolean): LinePiece {
    if (line.endsWith(CUT)) return { text: line.slice(0, -1), end: "cut" };
    return { text: line, end: isLast && !this.#guard.endsWithNewline ? "eof" : "newline" };
  }
}

/** Lets text pass, and cuts a line that grows beyond the limit. */
class LengthGuard extends Transform {
  /** True when the text so far is empty or ends with a newline. */
  endsWithNewline = true;
  #unterminated = 0;

  constructor() {
    super({ decodeStrings: false, encoding: "latin1", readableObjectMode: true, writableHighWaterMark: 1 });
  }

  override _transform(chunk: string | Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const text = typeof chunk === "string" ? chunk : chunk.toString("latin1");
    if (text === "") {
      done();
      return;
    }
    const lastNewline = text.lastIndexOf("\n");
    this.endsWithNewline = lastNewline === text.length - 1;
    const isLong = this.#unterminated + text.length > LONGEST_PIECE;
    if (lastNewline === -1) this.#unterminated += text.length;
    else this.#unterminated = text.length - lastNewline - 1;
    if (isLong && lastNewline === -1) {
      this.#unterminated = 0;
      this.push(`${text}${CUT}\n`);
    } else {
      this.push(text);
    }
    done();
  }
}
