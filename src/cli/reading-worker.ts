/** The other thread of an ingest, when there is much to read; see reading-thread.ts. */
import { parentPort } from "node:worker_threads";
import { serveReadings } from "../ingest/batch/batch-thread.ts";

if (parentPort === null) throw new Error("This module is the body of a worker thread.");
serveReadings(parentPort);
