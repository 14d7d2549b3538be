/** The thread of an ingest with much to store that writes pages to the database; see checkpoints.ts. */
import { parentPort } from "node:worker_threads";
import { serveCheckpoints } from "../store/write/checkpoints.ts";

if (parentPort === null) throw new Error("This module is the body of a worker thread.");
serveCheckpoints(parentPort);
