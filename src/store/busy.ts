import { isBusy, translateSqliteError } from "./sqlite-errors.ts";

const FIRST_PAUSE_MS = 100;

/**
 * Runs `action` again while another process holds the lock it needs, with growing pauses, for `waitMs` in all.
 * `timeoutMs`: how long SQLite itself waits in each try. Errors: `busy`, and others translated.
 */
export function retryWhileBusy<Result>(waitMs: number, timeoutMs: number, action: () => Result, path: string): Result {
  let waitedMs = 0;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
    try {
      return action();
    } catch (error) {
      waitedMs += timeoutMs + pauseMs;
      if (!isBusy(error) || waitedMs > waitMs) throw translateSqliteError(error, path);
      pause(pauseMs);
    }
  }
}

/** Sleeps without giving up the thread: the writer is synchronous. */
export function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
