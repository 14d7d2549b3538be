/** Files that are read by others while they are written anew. */
import { renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { PilotError } from "../errors.ts";
import { OWNER_ONLY } from "../store/disk.ts";

const PERMISSIONS = 0o777;

/** Writes all of the file or leaves it as it was; its rights stay, a new one is for its owner only. Errors: `io`. */
export function replaceFile(path: string, text: string): void {
  const temporary = `${path}.new`;
  try {
    rmSync(temporary, { force: true });
    writeFileSync(temporary, text, { mode: modeOf(path), flag: "wx" });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new PilotError("io", `The file "${path}" cannot be written.`, {
      hint: "Check that its directory exists and can be written.",
      cause: error,
    });
  }
}

function modeOf(path: string): number {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode;
  return mode === undefined ? OWNER_ONLY.file : mode & PERMISSIONS;
}
