import { PilotError } from "../../errors.ts";
import { reconcile } from "../../queue/reconcile.ts";
import { listSpool, readSpool } from "../../queue/spool-directory.ts";
import { renderJson } from "../../render/form/json.ts";
import { renderReconciliation } from "../../render/queue/reconciliation.ts";
import type { QueuedMessage } from "../../spool/queued-message.ts";
import { toIso } from "../../units.ts";
import { screenOf } from "../context.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";
import { statusOfAbort } from "../terminal/output.ts";
import { momentOf, type QueueFlags, readLogQueue } from "./queue.ts";

/** Prints where spool and log differ; returns 1 when they do. Errors: `usage`, `unreadable`, those of the database. */
export async function runReconcile(flags: QueueFlags, io: Io): Promise<number> {
  if (flags.spool === undefined) {
    throw new PilotError("usage", "No spool was given to compare with the log.", {
      hint: "Name it: `exim-pilot queue reconcile --spool /var/spool/exim4`.",
    });
  }
  const now = momentOf(flags, io) ?? io.now();
  const { places, unreadable } = listSpool(flags.spool, "*");
  for (const directory of unreadable)
    io.stderr.write(`"${directory}" cannot be listed: a message that is missing in the spool proves nothing.\n`);
  const spool: QueuedMessage[] = [];
  for await (const { message } of readSpool(places, { withHeaders: false }, io.signal)) spool.push(message);
  if (io.signal.aborted) return statusOfAbort(io);
  const log = await readLogQueue(now, flags, io);
  const isComplete = unreadable.length === 0;
  const result = { at: toIso(now), ...reconcile(spool, log, isComplete) };
  const shown = redactor(flags, io)(result);
  io.stdout.write(
    flags.json === true ? renderJson("queue_reconciliation", shown) : renderReconciliation(shown, screenOf(io)),
  );
  return result.differences.length === 0 ? 0 : 1;
}
