import type { Command } from "../command.ts";
import { renderCompletion, type Shell } from "../completion.ts";
import type { Io } from "../io.ts";
import { renderManual } from "../manual.ts";
import { readVersion } from "../package-root.ts";

/** Prints completions for a shell, or the manual page. */
export function runCompletion(program: Command, form: Shell | "man", io: Io): void {
  io.stdout.write(form === "man" ? renderManual(program, readVersion()) : renderCompletion(program, form));
}
