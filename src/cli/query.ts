/** Runs a statement in a process of its own and passes on what it prints; see query-process.ts for why. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { PilotError } from "../errors.ts";
import { SECOND_MS } from "../units.ts";
import type { Io } from "./io.ts";
import { writePiece } from "./output.ts";
import { findPackageRoot } from "./package-root.ts";
import type { QueryJob, QueryOutcome } from "./query-process.ts";

export interface QueryEnd {
  readonly hasMore: boolean;
}

/**
 * Returns when all is printed, or undefined when the rest is not wanted any more. `timeoutMs`: how long it may work, without the
 * time the reader of the output takes; 0 for as long as it likes. Errors: `timeout`, `usage`, those of the database.
 */
export async function runQuery(job: QueryJob, timeoutMs: number, io: Io): Promise<QueryEnd | undefined> {
  const script = join(findPackageRoot(), "dist", "query-process.js");
  const child = fork(script, { stdio: ["ignore", "pipe", "inherit", "ipc"], execArgv: [] });
  const limit = new TimeLimit(timeoutMs, () => child.kill("SIGKILL"));
  const stop = (): void => void child.kill("SIGKILL");
  io.signal.addEventListener("abort", stop, { once: true });
  try {
    const ended = outcomeOf(child);
    child.send(job);
    limit.start();
    await passOn(child, limit, io);
    const outcome = await ended;
    if (io.signal.aborted) return undefined;
    if (limit.isOver) throw timedOut(timeoutMs);
    return conclude(outcome, child);
  } finally {
    limit.stop();
    io.signal.removeEventListener("abort", stop);
    stop();
  }
}

/** What the process reports; undefined when it ends without a word. */
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

async function passOn({ stdout }: ChildProcess, limit: TimeLimit, io: Io): Promise<void> {
  for await (const piece of stdout as Readable) {
    limit.stop();
    if (!(await writePiece(io.stdout, piece as Buffer, io.signal))) return;
    limit.start();
  }
}

function conclude(outcome: QueryOutcome | undefined, { exitCode, signalCode }: ChildProcess): QueryEnd {
  if (outcome?.kind === "done") return outcome;
  if (outcome?.kind === "failure") {
    const { code, message, hint } = outcome;
    throw new PilotError(code, message, hint === undefined ? {} : { hint });
  }
  if (outcome?.kind === "bug") throw Object.assign(new Error("A bug met by the statement."), { stack: outcome.stack });
  throw new PilotError("io", `The process that ran the statement was ended (${signalCode ?? exitCode}).`, {
    hint: "It may have needed more memory than there is.",
  });
}

function timedOut(timeoutMs: number): PilotError {
  return new PilotError("timeout", `The statement took more than ${timeoutMs / SECOND_MS} s and was stopped.`, {
    hint: "Narrow it by server and timestamp, or give it more time with --timeout 5m; 0 is no limit.",
  });
}

/** Counts only while it is started. */
class TimeLimit {
  readonly #onEnd: () => void;
  readonly #isLimited: boolean;
  #leftMs: number;
  #startedMs = 0;
  #timer: NodeJS.Timeout | undefined;
  isOver = false;

  constructor(limitMs: number, onEnd: () => void) {
    this.#leftMs = limitMs;
    this.#isLimited = limitMs > 0;
    this.#onEnd = onEnd;
  }

  start(): void {
    if (!this.#isLimited) return;
    this.#startedMs = performance.now();
    this.#timer = setTimeout(() => {
      this.isOver = true;
      this.#onEnd();
    }, this.#leftMs);
  }

  stop(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#leftMs = Math.max(0, this.#leftMs - (performance.now() - this.#startedMs));
  }
}
