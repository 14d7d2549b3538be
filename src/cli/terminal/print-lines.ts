/** Sentences on a screen of any width. Apart from the context of all commands, since it loads what measures and wraps text. */
import { wrapLines } from "../../render/form/layout.ts";
import { columnsOf } from "../context.ts";
import type { Io } from "../io.ts";

/** Prints lines for people, wrapped where the screen ends. */
export function printLines(page: string, io: Io): void {
  io.stdout.write(wrapLines(page, columnsOf(io.stdout, io)));
}
