import { randomInt } from "node:crypto";
import { traced } from "../../diagnostics.ts";
import { PilotError } from "../../errors.ts";
import { isBusy, translateSqliteError } from "./sqlite-errors.ts";

const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 200;

/** Another thread sets it, and notifies, when this one is to stop waiting. */
let stopFlag = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** Has every wait for a lock end when the first number of `flag` is not 0: a signal came, which only another thread could hear. */
export function heedStop(flag: Int32Array<SharedArrayBuffer>): void {
  stopFlag = flag;
}

/**
 * Runs `action` again while another process holds the lock it needs, with short pauses, for `waitMs` in all.
 * `timeoutMs`: how long SQLite itself waits in each try. Errors: `busy`, `interrupted`, and others translated.
 */
export function retryWhileBusy<Result>(waitMs: number, timeoutMs: number, action: () => Result, path: string): Result {
  let waitedMs = 0;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return action();
    } catch (error) {
      // NOTE: processes that were refused together would else ask together again.
      const jitteredMs = randomInt(Math.ceil(pauseMs / 2), pauseMs + 1);
      waitedMs += timeoutMs + jitteredMs;
      if (!isBusy(error) || waitedMs > waitMs) throw translateSqliteError(error, path);
      traced("wait for another process that holds the lock", () => pause(jitteredMs));
    }
  }
}

/** Sleeps without giving up the thread: the writer is synchronous. */
export function pause(milliseconds: number): void {
  Atomics.wait(stopFlag, 0, 0, milliseconds);
  if (Atomics.load(stopFlag, 0) === 0) return;
  throw new PilotError("interrupted", "Interrupted while another process held the database.", {
    hint: "Run the command again: stored lines stay, and it continues from there.",
  });
}
