/** Lines of a log that were copied: indented, quoted, or found by grep. */
import { startsWithStamp } from "./prefix.ts";
import { unwrapLine } from "./wrappers.ts";

/** Marks of a quotation and blanks. */
const QUOTED = /^[ \t]*(?:>[ \t]?)*[ \t]*/;
/** `mainlog:123:`, `mainlog.1.gz:`, `123:`; `-` in place of the colon before lines around a hit. */
const FOUND = /^(?:[^\s:]{1,255}[:-])?(?:\d{1,12}[:-])?(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)/;
/** A name, or a number, in front of what a log file has around the lines of Exim. */
const FOUND_WRAPPED = /^(?:[^\s:]{1,255}:)?(?:\d{1,12}:)?/;

/** Takes off what a copy has in front of the lines of a log; continuation lines lose what the entry before them lost. */
export class PastedLines {
  #quote = "";
  #found = false;

  /** True when taking it off has shown an entry. */
  get hasFound(): boolean {
    return this.#found;
  }

  strip(line: string): string {
    const quote = QUOTED.exec(line)?.[0] ?? "";
    const unquoted = line.slice(quote.length);
    const text = withoutPlace(unquoted);
    if (text !== undefined) {
      this.#quote = quote;
      this.#found = true;
      return text;
    }
    return line.startsWith(this.#quote) ? line.slice(this.#quote.length) : line;
  }
}

/** Undefined when the line begins no entry. */
function withoutPlace(line: string): string | undefined {
  const text = line.slice(FOUND.exec(line)?.[0].length ?? 0);
  if (startsWithStamp(text)) return text;
  if (unwrapLine(line) !== undefined) return line;
  const wrapped = line.slice(FOUND_WRAPPED.exec(line)?.[0].length ?? 0);
  return wrapped !== line && unwrapLine(wrapped) !== undefined ? wrapped : undefined;
}

/** True for the beginning of a file whose lines are entries once the marks of a copy are taken off. */
export function isPaste(text: string): boolean {
  const pasted = new PastedLines();
  for (const line of text.split("\n")) {
    pasted.strip(line);
    if (pasted.hasFound) return true;
  }
  return false;
}
