import { statSync } from "node:fs";
import { EXIT_STATUS } from "../../errors.ts";
import { asksLog, judge, parseHealthCondition, type QueueHealth, type SilentLog } from "../../queue/health.ts";
import { queueFromLog } from "../../queue/log-queue.ts";
import { QueueOverview } from "../../queue/overview.ts";
import type { LogEnd } from "../../queue/report.ts";
import { QueueSelection } from "../../queue/selection.ts";
import { countOf, formatCount } from "../../render/form/format.ts";
import { renderJson } from "../../render/form/json.ts";
import { renderHealth } from "../../render/queue/health.ts";
import type { KeptLook } from "../../store/read/look-reader.ts";
import { type EpochMs, epochMs, HOUR_MS, MINUTE_MS, momentAt, SECOND_MS, toIso } from "../../units.ts";
import { screenOf, usingReader } from "../context.ts";
import { findSilent, logEnds } from "../coverage.ts";
import { serverTimeZone } from "../flags/time-zone.ts";
import type { Io } from "../io.ts";
import { assertAlarms, enqueueAlarms } from "../notify/alarms.ts";
import { redactor } from "../redactor.ts";
import { statusOfAbort } from "../terminal/output.ts";
import { assertUnfiltered, lookAt, type QueueFlags, serversOf } from "./queue.ts";

export interface HealthFlags extends QueueFlags {
  readonly failIf?: readonly string[];
  readonly notify?: boolean;
  readonly config?: string;
  /** The newest line may be so old, in ms: 0 is any age. */
  readonly silence?: number;
}

const MOST_DOMAINS = 10;
const NOTHING_CHOSEN = { criteria: [], isOr: false, isCaseful: false, others: [], shown: [], sortedBy: [] };

/** Prints how the queue does; returns 1 when a condition of `--fail-if` holds, 3 when one is about what is not known. Errors: `usage`, `unreadable`, those of the database. */
export async function runHealth(flags: HealthFlags, io: Io): Promise<number> {
  const conditions = (flags.failIf ?? []).map(parseHealthCondition);
  assertUnfiltered(flags, "The health of a queue");
  if (flags.notify === true)
    assertAlarms(conditions.length, "exim-pilot queue health --fail-if 'queue>2000' --notify", flags, io);
  const look = await lookAt(new QueueSelection(NOTHING_CHOSEN), flags, io);
  const overview = new QueueOverview(look.now);
  for await (const { message } of look.candidates) overview.add(message);
  if (io.signal.aborted) return statusOfAbort(io);
  const { totals, waiting } = overview;
  const isLooked = look.origin !== "log";
  const figures = { totals, ...(await hourOf(look.now, isLooked, flags, io)) };
  const isLogAsked = asksLog(conditions, { isLooked, hourAgoFrom: figures.hourAgoFrom });
  const { silent, timeZone } = isLogAsked
    ? await silentLogs(look.now, flags, io)
    : { silent: [], timeZone: look.timeZone };
  const health: QueueHealth = {
    at: toIso(look.now),
    origin: look.origin,
    logEnds: await readLogEnds(look.now, flags, io),
    waiting: waiting.slice(0, MOST_DOMAINS),
    ...figures,
    ...judge(conditions, figures),
    silent,
  };
  const shown = redactor(flags, io)(health);
  io.stdout.write(
    flags.json === true ? renderJson("queue_health", shown) : renderHealth(shown, { ...screenOf(io), timeZone }),
  );
  if (flags.notify === true) await notifyOf(health, flags, io);
  if (health.failed.length > 0 || health.silent.length > 0) return EXIT_STATUS.check_failed;
  return health.unknown.length > 0 ? EXIT_STATUS.unreadable : 0;
}

function notifyOf({ failed, silent, totals }: QueueHealth, flags: HealthFlags, io: Io): Promise<void> {
  const { server = null } = flags;
  const silences = silent.map(({ server: name, newestLine }) => ({
    key: `silence ${name}`,
    title: `silence: the newest line is of ${newestLine}, so the queue is not known`,
    server: name,
    command: "exim-pilot doctor",
  }));
  const alarms = failed.map((condition) => ({
    key: `queue ${condition} ${server ?? ""}`,
    title: `${condition}: ${countOf(totals.messages, "message")} on the queue, ${formatCount(totals.frozen)} frozen`,
    server,
    command: "exim-pilot queue",
  }));
  return enqueueAlarms([...alarms, ...silences], flags, io);
}

/** None without a database, which a spool does not need. */
async function readLogEnds(now: EpochMs, flags: HealthFlags, io: Io): Promise<readonly LogEnd[]> {
  if (statSync(flags.db, { throwIfNoEntry: false }) === undefined) return [];
  return usingReader(flags, io, async (reader) => logEnds(reader, serversOf(flags), now));
}

/** Servers whose ingest has died: figures of their log are old, and hold no alarm. */
async function silentLogs(
  now: EpochMs,
  flags: HealthFlags,
  io: Io,
): Promise<{ readonly silent: readonly SilentLog[]; readonly timeZone: string }> {
  if (statSync(flags.db, { throwIfNoEntry: false }) === undefined) return { silent: [], timeZone: io.timeZone };
  const limits = { servers: flags.server === undefined ? [] : [flags.server], limitMs: flags.silence };
  const { found, timeZone } = await usingReader(flags, io, async (reader) => ({
    found: await findSilent(reader, limits, { now: () => now }),
    timeZone: await serverTimeZone(reader, limits.servers, io),
  }));
  const silent = found.map(({ server, newestMs, ageMs, allowedMs }) => ({
    server,
    newestLine: toIso(newestMs),
    ageSeconds: ageMs / SECOND_MS,
    allowedSeconds: allowedMs / SECOND_MS,
  }));
  return { silent, timeZone };
}

type Hour = Pick<QueueHealth, "messagesHourAgo" | "hourAgoFrom" | "arrivedInHour" | "completedInHour">;

const UNKNOWN_TRAFFIC = { arrivedInHour: null, completedInHour: null };

/** A look as long ago as this, more or less, tells how the queue was an hour ago. */
const HOUR_AGO_WITHIN_MS = 10 * MINUTE_MS;

/**
 * Figures of the hour before; all unknown without a database, which a spool does not need. `isLooked`: the present queue was not taken
 * from the log, so a snapshot compares better with it than the log does.
 */
async function hourOf(now: EpochMs, isLooked: boolean, flags: HealthFlags, io: Io): Promise<Hour> {
  if (statSync(flags.db, { throwIfNoEntry: false }) === undefined)
    return { messagesHourAgo: null, hourAgoFrom: null, ...UNKNOWN_TRAFFIC };
  return usingReader(flags, io, async ({ queue, looks }) => {
    const from = epochMs(now - HOUR_MS);
    const [since, until] = [momentAt(from, 0), momentAt(epochMs(now + 1), 0)];
    const hasLog = queue.hasLog(flags.server);
    const traffic = hasLog ? queue.traffic(since, until, flags.server) : UNKNOWN_TRAFFIC;
    const servers = looks.servers();
    const server = flags.server ?? (servers.length === 1 ? servers[0] : undefined);
    const kept =
      !isLooked || server === undefined
        ? undefined
        : nearest(
            looks.looks({
              server,
              domain: undefined,
              queueName: flags.queueName === "*" ? undefined : flags.queueName,
              since: epochMs(from - HOUR_AGO_WITHIN_MS),
              until: epochMs(from + HOUR_AGO_WITHIN_MS),
            }),
            from,
          );
    if (kept !== undefined) return { messagesHourAgo: kept.messages, hourAgoFrom: "snapshot", ...traffic };
    if (!hasLog) return { messagesHourAgo: null, hourAgoFrom: null, ...traffic };
    let messagesHourAgo = 0;
    for (const _ of queueFromLog(queue, from, flags.server)) messagesHourAgo++;
    return { messagesHourAgo, hourAgoFrom: "log", ...traffic };
  });
}

function nearest(looks: readonly KeptLook[], at: EpochMs): KeptLook | undefined {
  return looks
    .filter(({ isComplete }) => isComplete)
    .reduce<KeptLook | undefined>(
      (best, look) => (best === undefined || Math.abs(look.at - at) < Math.abs(best.at - at) ? look : best),
      undefined,
    );
}
