/**
 * Files that many tests read, each made once in a run of the tests, by the first that asks: others wait for it, in whatever worker
 * they are. A test that changes one copies it first. At the end of the run each must be as it was made: see run-folder.ts.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inject } from "vitest";
import { seal } from "./seals.ts";

/** Path of the file of that name. `make` is given a path to make it at. */
export async function madeOnce(name: string, make: (path: string) => Promise<void>): Promise<string> {
  const folder = inject("sharedFolder");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  const [begun, lock, failure] = [join(folder, `begun ${name}`), `${path}.maker`, `${path}.failure`];
  if (existsSync(path)) return path;
  if (!isFirst(lock)) {
    while (!existsSync(path)) {
      if (existsSync(failure)) throw new Error(`Another test could not make ${name}: ${readFileSync(failure, "utf8")}`);
      if (!isRunning(Number(readFileSync(lock, "utf8"))))
        throw new Error(`The test that was to make ${name} has ended.`);
      await sleep(20);
    }
    return path;
  }
  try {
    await make(begun);
    renameSync(begun, path);
    seal(path);
    return path;
  } catch (error) {
    writeFileSync(failure, String(error));
    throw error;
  }
}

/** Leaves the number of this process behind. */
function isFirst(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function isRunning(pid: number): boolean {
  // NOTE: the file is empty for the instant between its making and its writing.
  if (pid === 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
