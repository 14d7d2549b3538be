/**
 * Databases of whole corpora, each made once in a run of the tests, by the first that asks: others wait for it, in whatever worker
 * they are. They are for reading: a test that changes one copies it first. At the end of the run each must be as it was made.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inject } from "vitest";
import type { Corpus, SyslogCorpus } from "./corpus.ts";
import { ingestInto } from "./database.ts";
import { seal } from "./seals.ts";

/** Path of a database with all logs of a corpus, in the order main, reject, panic, as those of the server mx1. */
export async function corpusDatabase({ name, logs, truth }: Corpus | SyslogCorpus): Promise<string> {
  return madeOnce(name, Object.values(logs), truth.timezone);
}

/** The same of its main log alone. */
export async function mainLogDatabase({ name, logs, truth }: Pick<Corpus, "name" | "logs" | "truth">): Promise<string> {
  return madeOnce(`${name}, main log`, [logs.main], truth.timezone);
}

async function madeOnce(name: string, logs: readonly string[], timeZone: string): Promise<string> {
  const folder = inject("sharedFolder");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.db`);
  const lock = `${path}.maker`;
  const failure = `${path}.failure`;
  if (existsSync(path)) return path;
  if (!isFirst(lock)) {
    while (!existsSync(path)) {
      if (existsSync(failure)) throw new Error(`Another test could not make ${path}: ${readFileSync(failure, "utf8")}`);
      if (!isRunning(Number(readFileSync(lock, "utf8"))))
        throw new Error(`The test that was to make ${path} has ended.`);
      await sleep(20);
    }
    return path;
  }
  try {
    const begun = `${path}.begun`;
    const report = await ingestInto(begun, logs, { timeZone });
    for (const { error } of report.logs) if (error !== undefined) throw error;
    seal(begun, path);
    renameSync(begun, path);
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
