/** Sentences on a screen of any width. Apart from the context of all commands, since it loads what measures and wraps text. */
import { wrapLines } from "../../render/form/layout.ts";
import { columnsOf } from "../context.ts";
import type { Io } from "../io.ts";
import { mappedOutput } from "./mapped-output.ts";

/** Prints lines for people, wrapped where the screen ends. */
export function printLines(page: string, io: Io): void {
  io.stdout.write(wrapLines(page, columnsOf(io.stdout, io)));
}

/** Returns `io` with a standard error whose lines are wrapped on a terminal; in a pipe or a file it stays as it is. */
export function withWrappedErrors(io: Io): Io {
  const { stderr } = io;
  if (stderr.isTTY !== true) return io;
  return Object.create(io, { stderr: { value: mappedOutput(stderr, (text) => wrap(text, columnsOf(stderr, io))) } });
}

/** Leaves alone what is no whole line, such as a question or the picture of a spinner. */
function wrap(text: string, columns: number): string {
  return text.endsWith("\n") && !FOR_REPORTS.test(text) ? wrapLines(text, columns) : text;
}

/** Statements of --verbose, and the stack of a bug: they are copied into a report. */
const FOR_REPORTS = /^debug |^ +at /m;
