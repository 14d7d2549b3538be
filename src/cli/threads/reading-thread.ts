/** The other thread of an ingest, when there is much to read; see batch-thread.ts. */
import { serveReadings } from "../../ingest/batch/batch-thread.ts";
import type { Port } from "../../threads.ts";

/** Reads until the thread is ended. */
export function runInThread(port: Port): void {
  serveReadings(port);
}
