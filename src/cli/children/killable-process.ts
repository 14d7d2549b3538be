/** The inside of a process that reads for another one, which may end it at any time; see killable.ts. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type ErrorCode, PilotError } from "../../errors.ts";

/** Ways in which it failed. `failure`: a user can act on it. `bug`: has a stack. */
export type ProcessFailure =
  | { readonly kind: "failure"; readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined }
  | { readonly kind: "bug"; readonly stack: string };

/** The first message to such a process. */
export interface Assignment<Job> {
  readonly job: Job;
  /** Process id of its parent. */
  readonly parentId: number;
}

/** Does the job that it is given and tells how that ended: what `run` returns, or a {@link ProcessFailure}. Ends when its parent does. */
export async function serveJob<Job>(run: (job: Job) => Promise<object>): Promise<void> {
  const end = (): void => process.exit();
  process.once("disconnect", end);
  const [{ job, parentId }] = (await once(process, "message")) as [Assignment<Job>];
  process.off("disconnect", end);
  endWithParent(parentId);
  const outcome = await run(job).catch(toFailure);
  process.send?.(outcome, () => {
    // NOTE: a parent that was killed has closed the channel.
    if (process.connected) process.disconnect();
  });
}

const WATCH_LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 8 };

function endWithParent(parentId: number): void {
  const script = new URL("./parent-watch.js", import.meta.url);
  new Worker(script, { workerData: { parentId }, resourceLimits: WATCH_LIMITS }).unref();
}

function toFailure(error: unknown): ProcessFailure {
  if (error instanceof PilotError) {
    const { code, message, hint } = error;
    return { kind: "failure", code, message, hint };
  }
  return { kind: "bug", stack: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
