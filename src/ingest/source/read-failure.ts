import { PilotError } from "../../errors.ts";
import { ArchiveFailure } from "./archive-failure.ts";

/** What went wrong while reading, as a user can act on it: a damaged archive, a missing program, a failing disk. */
export function readFailure(path: string, error: unknown): PilotError {
  if (error instanceof PilotError) return error;
  if (error instanceof ArchiveFailure && error.trouble === "no_program") {
    return new PilotError("unreadable", `"${path}" is compressed, and the program to read it is not installed.`, {
      hint: `It needs ${error.message} (Debian's name for it).`,
      cause: error,
    });
  }
  return new PilotError("unreadable", sentenceOn(path, error as Error), {
    hint: "What could be read of it is stored. Give it again when it is whole: nothing is stored twice.",
    cause: error,
  });
}

function sentenceOn(path: string, error: Error): string {
  if (!(error instanceof ArchiveFailure)) return `Reading "${path}" failed: ${error.message}.`;
  const what = error.trouble === "damaged" ? "is damaged" : "is damaged or cut off";
  return `"${path}" ${what}: ${error.message}.`;
}
