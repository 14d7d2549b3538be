/** Runs a statement in a process of its own and passes on what it prints; see killable.ts for why. */
import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import { PilotError } from "../../errors.ts";
import { SECOND_MS } from "../../units.ts";
import type { Io } from "../io.ts";
import { writePiece } from "../terminal/output.ts";
import { Killable } from "./killable.ts";
import type { QueryJob, QueryOutcome } from "./query-process.ts";

export interface QueryEnd {
  readonly hasMore: boolean;
}

/**
 * Returns when all is printed, or undefined when the rest is not wanted any more. `timeoutMs`: how long it may work, without the
 * time the reader of the output takes; 0 for as long as it likes. Errors: `timeout`, `memory`, `usage`, those of the database.
 */
export async function runQuery(job: QueryJob, timeoutMs: number, io: Io): Promise<QueryEnd | undefined> {
  const work = new Killable("query-process.js", job, ["ignore", "pipe", "inherit", "ipc"], timeoutMs, io);
  try {
    const ended = outcomeOf(work.child);
    work.limit.start();
    await passOn(work, io);
    const outcome = await ended;
    if (io.signal.aborted) return undefined;
    if (work.limit.isOver) throw timedOut(timeoutMs);
    if (outcome?.kind !== "done") throw work.failure(outcome, "The statement");
    return outcome;
  } finally {
    work.end();
  }
}

/** The outcome that the process reports; undefined if it ends without one. */
function outcomeOf(child: ChildProcess): Promise<QueryOutcome | undefined> {
  return new Promise((resolve, reject) => {
    let outcome: QueryOutcome | undefined;
    child.on("message", (message) => {
      outcome = message as QueryOutcome;
    });
    child.on("error", reject);
    child.on("close", () => resolve(outcome));
  });
}

async function passOn({ child, limit }: Killable, io: Io): Promise<void> {
  for await (const piece of child.stdout as Readable) {
    limit.stop();
    if (!(await writePiece(io.stdout, piece as Buffer, io.signal))) return;
    limit.start();
  }
}

function timedOut(timeoutMs: number): PilotError {
  return new PilotError("timeout", `The statement took more than ${timeoutMs / SECOND_MS} s and was stopped.`, {
    hint: "Narrow it by server and timestamp, or allow more time with --timeout 5m; 0 is no limit.",
  });
}
