/**
 * A thread that ends its process when the process that started it has gone: the thread beside it is in SQLite or in a regular
 * expression, and would not notice. See {@link endWithParent}.
 */
import { workerData } from "node:worker_threads";

const LOOK_MS = 200;
const { parentId } = workerData as { readonly parentId: number };

setInterval(() => {
  if (process.ppid !== parentId) process.kill(process.pid, "SIGKILL");
}, LOOK_MS);
