/** Starts threads, each with a module of the program; see thread.ts. */
import { type ResourceLimits, Worker } from "node:worker_threads";

/** The body of a thread gets this. */
export interface ThreadData {
  /** Undefined where compiled code is not kept. */
  readonly codeCache: string | undefined;
  /** Relative to the body, such as `./reading-thread.cjs`; undefined for the commands that share what they need. */
  readonly file: string | undefined;
  /** Passed on to the module. */
  readonly data: unknown;
}

/** Errors of the module, also those of loading it, are events of the thread. */
export function startThread(threadData: ThreadData, resourceLimits: ResourceLimits): Worker {
  return new Worker(new URL("./thread.cjs", import.meta.url), { workerData: threadData, resourceLimits });
}
