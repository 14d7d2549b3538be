import type { PilotError } from "../../errors.ts";
import { toVisible } from "../../render/form/terminal-text.ts";
import { paintFor } from "../context.ts";
import type { Io } from "../io.ts";

/** `error: There is no file "mainlog".` and, below, what to do about it. */
export function reportError(error: PilotError, io: Io): void {
  const paint = paintFor(io.stderr, io);
  io.stderr.write(`${paint.bad("error:")} ${toVisible(error.message)}\n`);
  if (error.hint !== undefined) io.stderr.write(`${paint.faint("hint:")} ${toVisible(error.hint)}\n`);
}
