import type { Command } from "../declare/command.ts";
import type { Io } from "../io.ts";
import { renderCompletion, type Shell } from "../manual/completion.ts";

/** Prints completions for a shell. */
export function runCompletion(program: Command, shell: Shell, io: Io): void {
  io.stdout.write(renderCompletion(program, shell));
}
