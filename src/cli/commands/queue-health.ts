import { statSync } from "node:fs";
import { EXIT_STATUS } from "../../errors.ts";
import { asksLog, type HealthCondition, judge, parseHealthCondition, type QueueHealth } from "../../queue/health.ts";
import { queueFromLog } from "../../queue/log-queue.ts";
import { QueueOverview } from "../../queue/overview.ts";
import { QueueSelection } from "../../queue/selection.ts";
import { countOf, formatCount } from "../../render/form/format.ts";
import { renderJson } from "../../render/form/json.ts";
import { renderHealth } from "../../render/queue/health.ts";
import type { KeptLook } from "../../store/read/look-reader.ts";
import type { Reader } from "../../store/reader.ts";
import { type EpochMs, epochMs, HOUR_MS, MINUTE_MS, momentAt, SECOND_MS, toIso } from "../../units.ts";
import { screenOf, usingReader } from "../context.ts";
import { findSilent, logEnds } from "../coverage.ts";
import { serverClock } from "../flags/time-zone.ts";
import type { Io } from "../io.ts";
import { assertAlarms, enqueueAlarms } from "../notify/alarms.ts";
import { redactor } from "../redactor.ts";
import { statusOfAbort } from "../terminal/output.ts";
import { assertUnfiltered, lookAt, lookAtLog, type QueueFlags, type QueueView, serversOf } from "./queue.ts";

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
  const health = await healthOf(conditions, flags, io);
  if (health === undefined) return statusOfAbort(io);
  const { timeZone, ...facts } = health;
  const shown = redactor(flags, io)(facts);
  io.stdout.write(
    flags.json === true
      ? renderJson("queue_health", shown)
      : renderHealth(shown, { ...screenOf(io), timeZone: timeZone() }),
  );
  if (flags.notify === true) await notifyOf(facts, flags, io);
  if (facts.failed.length > 0 || facts.silent.length > 0) return EXIT_STATUS.check_failed;
  return facts.unknown.length > 0 ? EXIT_STATUS.unreadable : 0;
}

interface PagedHealth extends QueueHealth {
  /** Clock of the page. */
  readonly timeZone: () => string;
}

/** Undefined: interrupted. A spool and a listing need no database, and are read before it is opened. */
async function healthOf(
  conditions: readonly HealthCondition[],
  flags: HealthFlags,
  io: Io,
): Promise<PagedHealth | undefined> {
  const selection = new QueueSelection(NOTHING_CHOSEN);
  const isLooked = flags.spool !== undefined || flags.bp !== undefined;
  const looked = isLooked ? await countQueue(await lookAt(selection, flags, io)) : undefined;
  const judgeWith = async (reader: Reader | undefined, queue: CountedQueue): Promise<PagedHealth | undefined> =>
    io.signal.aborted ? undefined : judgeHealth(conditions, queue, reader, flags, io);
  if (looked !== undefined && statSync(flags.db, { throwIfNoEntry: false }) === undefined)
    return judgeWith(undefined, looked);
  return usingReader(flags, io, async (reader) =>
    judgeWith(reader, looked ?? (await countQueue(await lookAtLog(reader, selection, flags, io)))),
  );
}

interface CountedQueue extends Pick<QueueView, "now" | "origin" | "timeZone"> {
  readonly overview: QueueOverview;
}

async function countQueue({ now, origin, timeZone, candidates }: QueueView): Promise<CountedQueue> {
  const overview = new QueueOverview(now);
  for await (const batch of candidates) for (const { message } of batch) overview.add(message);
  return { now, origin, timeZone, overview };
}

async function judgeHealth(
  conditions: readonly HealthCondition[],
  { now, origin, timeZone, overview }: CountedQueue,
  reader: Reader | undefined,
  flags: HealthFlags,
  io: Io,
): Promise<PagedHealth> {
  const isLooked = origin !== "log";
  const { totals, waiting } = overview;
  const figures = { totals, ...hourOf(now, isLooked, reader, flags) };
  const limits = { servers: serversOf(flags), limitMs: flags.silence };
  const isLogAsked = reader !== undefined && asksLog(conditions, { isLooked, hourAgoFrom: figures.hourAgoFrom });
  const silences = isLogAsked ? await findSilent(reader, limits, { now: () => now }) : [];
  return {
    at: toIso(now),
    origin,
    logEnds: reader === undefined ? [] : logEnds(reader, serversOf(flags), now),
    waiting: waiting.slice(0, MOST_DOMAINS),
    ...figures,
    ...judge(conditions, figures),
    silent: silences.map(({ server, newestMs, ageMs, allowedMs }) => ({
      server,
      newestLine: toIso(newestMs),
      ageSeconds: ageMs / SECOND_MS,
      allowedSeconds: allowedMs / SECOND_MS,
    })),
    timeZone: isLogAsked ? await serverClock(reader, serversOf(flags), io) : timeZone,
  };
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

type Hour = Pick<QueueHealth, "messagesHourAgo" | "hourAgoFrom" | "arrivedInHour" | "completedInHour">;

const UNKNOWN_TRAFFIC = { arrivedInHour: null, completedInHour: null };

/** A look as long ago as this, more or less, tells how the queue was an hour ago. */
const HOUR_AGO_WITHIN_MS = 10 * MINUTE_MS;

/**
 * Figures of the hour before; all unknown without a database. `isLooked`: the present queue was not taken from the log, so a snapshot
 * compares better with it than the log does.
 */
function hourOf(now: EpochMs, isLooked: boolean, reader: Reader | undefined, flags: HealthFlags): Hour {
  if (reader === undefined) return { messagesHourAgo: null, hourAgoFrom: null, ...UNKNOWN_TRAFFIC };
  const { queue, looks } = reader;
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
}

function nearest(looks: readonly KeptLook[], at: EpochMs): KeptLook | undefined {
  return looks
    .filter(({ isComplete }) => isComplete)
    .reduce<KeptLook | undefined>(
      (best, look) => (best === undefined || Math.abs(look.at - at) < Math.abs(best.at - at) ? look : best),
      undefined,
    );
}
