import { statSync } from "node:fs";
import { failedConditions, parseHealthCondition, type QueueHealth } from "../../queue/health.ts";
import { queueFromLog } from "../../queue/log-queue.ts";
import { QueueOverview } from "../../queue/overview.ts";
import { QueueSelection } from "../../queue/selection.ts";
import { renderJson } from "../../render/form/json.ts";
import { renderHealth } from "../../render/queue/health.ts";
import { epochMs, HOUR_MS, momentAt, toIso } from "../../units.ts";
import { usingReader } from "../context.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";
import { statusOfAbort } from "../terminal/output.ts";
import { lookAt, type QueueFlags } from "./queue.ts";

export interface HealthFlags extends QueueFlags {
  readonly failIf?: readonly string[];
}

const MOST_DOMAINS = 10;
const NOTHING_CHOSEN = { criteria: [], isOr: false, isCaseful: false, others: [], shown: [], sortedBy: [] };

/** Prints how the queue does; returns 1 when a condition of `--fail-if` holds. Errors: `usage`, `unreadable`, those of the database. */
export async function runHealth(flags: HealthFlags, io: Io): Promise<number> {
  const conditions = (flags.failIf ?? []).map(parseHealthCondition);
  const look = await lookAt(new QueueSelection(NOTHING_CHOSEN), flags, io);
  const overview = new QueueOverview(look.now);
  for await (const { message } of look.candidates) overview.add(message);
  if (io.signal.aborted) return statusOfAbort(io);
  const { totals, waiting } = overview;
  const health: QueueHealth = {
    at: toIso(look.now),
    totals,
    waiting: waiting.slice(0, MOST_DOMAINS),
    ...(await hourOf(look.now, flags, io)),
    failed: failedConditions(conditions, totals),
  };
  const shown = redactor(flags)(health);
  io.stdout.write(flags.json === true ? renderJson("queue_health", shown) : renderHealth(shown));
  return health.failed.length === 0 ? 0 : 1;
}

type Hour = Pick<QueueHealth, "messagesHourAgo" | "arrivedInHour" | "completedInHour">;

/** Counts from the log for the last hour; all null without a database, as a spool may be examined without one. */
async function hourOf(now: number, flags: HealthFlags, io: Io): Promise<Hour> {
  if (statSync(flags.db, { throwIfNoEntry: false }) === undefined)
    return { messagesHourAgo: null, arrivedInHour: null, completedInHour: null };
  return usingReader(flags, io, async ({ queue }) => {
    const from = epochMs(now - HOUR_MS);
    const [since, until] = [momentAt(from, 0), momentAt(epochMs(now + 1), 0)];
    let messagesHourAgo = 0;
    for (const _ of queueFromLog(queue, from, flags.server)) messagesHourAgo++;
    return { messagesHourAgo, ...queue.traffic(since, until, flags.server) };
  });
}
