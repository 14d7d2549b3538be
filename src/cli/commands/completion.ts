import type { Command } from "../declare/command.ts";
import type { Io } from "../io.ts";
import { renderCompletion, type Shell } from "../manual/completion.ts";
import { renderManual } from "../manual/manual.ts";
import { readVersion } from "../package-root.ts";

/** Prints completions for a shell, or the manual page. */
export function runCompletion(program: Command, form: Shell | "man", io: Io): void {
  io.stdout.write(form === "man" ? renderManual(program, readVersion()) : renderCompletion(program, form));
}
