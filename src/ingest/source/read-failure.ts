import { PilotError } from "../../errors.ts";
import { ArchiveFailure } from "./archive-failure.ts";

/** Translates a failure to read into an error that a user can act on: a damaged archive, a missing program, a failing disk. */
export function readFailure(path: string, error: unknown): PilotError {
  if (error instanceof PilotError) return error;
  if (error instanceof ArchiveFailure && error.trouble === "no_program") {
    return new PilotError("unreadable", `"${path}" is compressed, and the program to read it is not installed.`, {
      hint: `It needs ${error.message} (Debian's name for it).`,
      cause: error,
    });
  }
  return new PilotError("unreadable", sentenceOn(path, error as Error), {
    hint: "The part that could be read is stored. Ingest it again when it is complete: nothing is stored twice.",
    cause: error,
  });
}

function sentenceOn(path: string, error: Error): string {
  if (!(error instanceof ArchiveFailure)) return `Reading "${path}" failed: ${error.message}.`;
  const what = error.trouble === "damaged" ? "is damaged" : "is damaged or cut off";
  return `"${path}" ${what}: ${error.message}.`;
}
