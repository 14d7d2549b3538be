/** The thread of an ingest with much to store that writes pages to the database; see checkpoints.ts. */
import { serveCheckpoints } from "../../store/write/checkpoints.ts";
import type { Port } from "../../threads.ts";

/** Makes checkpoints until the thread is ended. */
export function runInThread(port: Port): void {
  serveCheckpoints(port);
}
