/** Files that must stay as they were made, each with its digest beside it. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ENDING = ".sha256";

export function seal(path: string): void {
  writeFileSync(path + ENDING, digestOf(path));
}

/** Names of the files in a folder, if there is one, that are not as they were when they were sealed. */
export function brokenSeals(folder: string): string[] {
  const seals = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(ENDING)) : [];
  return seals
    .map((name) => name.slice(0, -ENDING.length))
    .filter((name) => digestOf(join(folder, name)) !== readFileSync(join(folder, name + ENDING), "utf8"));
}

function digestOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
