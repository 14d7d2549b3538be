/** A pattern over log lines, as exigrep takes it. */
import { PilotError } from "../errors.ts";
import type { LinePattern } from "../store/log-text/line-scan.ts";
import { escapeForm } from "../text.ts";

export interface PatternOptions {
  /** The pattern is the text itself. */
  readonly isLiteral: boolean;
  /** Upper and lower case differ. */
  readonly isSensitive: boolean;
}

/** `(?i)` and `(?-i)` at the beginning, which Perl knows. */
const INLINE_CASE = /^\(\?(-?)i\)/;

/** Lines are bytes, so what is not ASCII is looked for as its UTF-8 bytes. Errors: `usage`. */
export function compilePattern(pattern: string, { isLiteral, isSensitive }: PatternOptions): LinePattern {
  const inline = isLiteral ? null : INLINE_CASE.exec(pattern);
  const text = inline === null ? pattern : pattern.slice(inline[0].length);
  const bytes = Buffer.from(isLiteral ? escapeForm(text) : text).toString("latin1");
  const isCased = inline === null ? isSensitive : inline[1] === "-";
  const flags = isCased ? "" : "i";
  try {
    return { inLine: new RegExp(bytes, flags), inBlock: new RegExp(bytes, `gm${flags}`) };
  } catch (error) {
    throw new PilotError("usage", `The pattern cannot be read: ${error instanceof Error ? error.message : error}.`, {
      hint: "It is a regular expression; with --literal it is the text itself.",
      cause: error,
    });
  }
}

/** `*`, `+`, `?`, `{2}`, `|` and groups let one text match in many ways, which a regular expression may all have to try. */
const MANY_WAYS = /[*+?{|(]/;

/** True when the time that a search takes grows with the text alone, whatever is in it. */
export function isLinear(pattern: string, { isLiteral }: Pick<PatternOptions, "isLiteral">): boolean {
  return isLiteral || !MANY_WAYS.test(pattern.replace(INLINE_CASE, ""));
}
