/** The body of every thread: has Node.js keep compiled code where the program keeps it, then loads what the thread runs. */
import { createRequire, enableCompileCache } from "node:module";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { ThreadData } from "./start-thread.ts";

/** Modules that run in threads export this. */
interface ThreadModule {
  readonly runInThread: (port: MessagePort, data: unknown) => void;
}

if (parentPort === null) throw new Error("This module is the body of a worker thread.");
const { codeCache, file, data } = workerData as ThreadData;
if (codeCache !== undefined) enableCompileCache(codeCache);
void run(file, parentPort, data);

async function run(path: string | undefined, port: MessagePort, input: unknown): Promise<void> {
  const module: unknown =
    path === undefined ? await import("./command-thread.ts") : createRequire(import.meta.url)(path);
  (module as ThreadModule).runInThread(port, input);
}
