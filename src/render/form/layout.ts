/** Paragraphs that fit a terminal, and the width of text there. */
import stringWidth from "fast-string-width";
import { wrapAnsi } from "fast-wrap-ansi";
import { PRINTABLE } from "./terminal-text.ts";

/** The greatest of numbers from 0 up, however many: a call takes about 100,000 arguments. */
export function greatest(numbers: Iterable<number>): number {
  let most = 0;
  for (const number of numbers) if (number > most) most = number;
  return most;
}

/** Width of what is drawn where lines have no end: in a pipe or a file. */
const DRAWN_COLUMNS = 80;

/** Columns for charts, which need an end though text does not. */
export function chartColumns(columns: number): number {
  return Number.isFinite(columns) ? columns : DRAWN_COLUMNS;
}

/**
 * Text wrapped to `columns`, its first line after `label` and all others after `indent` blanks; `Infinity` wraps nothing. A label may be
 * wider than the indent.
 */
export function renderHanging(label: string, text: string, indent: number, columns: number): string {
  const width = Math.max(columns - Math.max(indent, widthOf(label)), 20);
  if (text.length <= width && UNPADDED.test(text)) return label + text;
  if (width === Infinity) return trimLines(label + text.trim());
  const glued = text
    .replace(TOGETHER, GLUE)
    .replace(COMMAND, (command) => (widthOf(command) <= width ? command.replaceAll(" ", GLUE) : command));
  const lines = wrapAnsi(glued, width, { hard: true, trim: true }).replaceAll(GLUE, " ").split("\n");
  return trimLines(lines.map((line, index) => (index === 0 ? label : " ".repeat(indent)) + line).join("\n"));
}

/** The same lines; those that are wider than `columns` are wrapped, and begin where they began. */
export function wrapLines(page: string, columns: number): string {
  if (columns === Infinity) return page;
  return page
    .split("\n")
    .map((line) => {
      if (widthOf(line) <= columns) return line;
      const indent = line.length - line.trimStart().length;
      return renderHanging(" ".repeat(indent), line.trim(), indent, columns);
    })
    .join("\n");
}

/** Blanks at which no line ends: within `2026-03-02 05:40:05` and `436 B`. */
const TOGETHER = /(?<=\b\d{4}-\d\d-\d\d) (?=\d\d:\d\d)|(?<=\d) (?=(?:B|[KMGT]iB)\b)/g;
/** A command to be copied, with the point that may follow it. */
const COMMAND = /`[^`\n]+`[.,;:)]?/g;
/** A character for private use, which text that is shown has only as an escape. */
const GLUE = "\ue000";

/** Printable ASCII, without blanks at its ends. */
const UNPADDED = /^[!-~](?:[ -~]*[!-~])?$/;

/** Columns that a text takes on a terminal: wide characters take two, escape sequences none. */
export function widthOf(text: string): number {
  if (PRINTABLE.test(text)) return text.length;
  return stringWidth(text);
}

/** The same lines without blanks at their ends. */
export function trimLines(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
