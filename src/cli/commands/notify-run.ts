import { setTimeout as pause } from "node:timers/promises";
import { EXIT_STATUS, PilotError } from "../../errors.ts";
import { toNotificationFacts } from "../../notify/notification-facts.ts";
import { type RoundReport, sendRound } from "../../notify/send-round.ts";
import type { NotifySettings } from "../../notify/settings.ts";
import type { NotifyRunAnswer, NotifyTestAnswer } from "../../render/answers.ts";
import { renderJson } from "../../render/form/json.ts";
import { toVisibleLine } from "../../render/form/terminal-text.ts";
import { renderNotifyRun, renderNotifyTest } from "../../render/notify/notifications.ts";
import { SECOND_MS, toIso } from "../../units.ts";
import { type AuditFlags, audited, auditedEdit } from "../audited.ts";
import { type DatabaseFlags, toStoreSettings, usingReader, usingWriter } from "../context.ts";
import { findConfiguration } from "../flags/effective-options.ts";
import { readNotifySettings } from "../flags/notify-settings.ts";
import type { Io } from "../io.ts";
import { settingsOfReceivers } from "../notify/alarms.ts";
import { namesOfServers, openChannel, openChannels, roundWorld } from "../notify/channels.ts";
import { statusOfAbort } from "../terminal/output.ts";
import { printLines } from "../terminal/print-lines.ts";

export interface NotifyRunFlags extends DatabaseFlags, AuditFlags {
  readonly config?: string;
  readonly follow?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Between two rounds of --follow. */
const ROUND_PAUSE_MS = 5 * SECOND_MS;

/** Sends what is due; returns the exit status: 3 when a channel cannot be used. Errors: `usage`, those of the database. */
export async function runNotifyRun(flags: NotifyRunFlags, io: Io): Promise<number> {
  const settings = settingsOfReceivers(flags, io);
  const report = await audited(
    {
      action: "notify run",
      parameters: flags,
      affected: (done: NotifyRunAnswer) => affected(done),
      ignoresFailure: true,
      // It may go on for months and end with a kill.
      isDrastic: flags.follow === true,
    },
    toStoreSettings(flags, io),
    flags,
    io,
    () => (flags.follow === true ? follow(settings, flags, io) : oneRound(settings, flags, io)),
  );
  for (const { channel, problem } of report.unusable)
    io.stderr.write(`warning: channel ${toVisibleLine(channel)} cannot be used: ${toVisibleLine(problem)}\n`);
  if (flags.json === true) io.stdout.write(renderJson("notify_run", report));
  else if (flags.quiet !== true) printLines(renderNotifyRun(report, io.timeZone), io);
  if (io.signal.aborted) return statusOfAbort(io);
  return report.unusable.length > 0 ? EXIT_STATUS.unreadable : 0;
}

/** A run that sends nothing, as most from cron, changes nothing. */
function affected({ sent, confirmed, failed, recovered }: NotifyRunAnswer): object | undefined {
  return sent + confirmed + failed + recovered === 0 ? undefined : { sent, confirmed, failed, recovered };
}

async function oneRound(settings: NotifySettings, flags: NotifyRunFlags, io: Io): Promise<NotifyRunAnswer> {
  const { round, unusable } = await usingWriter(
    flags,
    io,
    async (writer) => {
      const { channels, broken } = await openChannels(settings.channels.values(), await namesOfServers(flags, io), io);
      return { round: await sendRound(roundWorld(writer, { settings, channels }, flags, io)), unusable: broken };
    },
    { create: false },
  );
  return { ...round, ...(await leftOver(flags, io)), unusable };
}

function leftOver(flags: NotifyRunFlags, io: Io): Promise<Pick<NotifyRunAnswer, "waiting" | "nextTryAt">> {
  return usingReader(flags, io, async ({ outbox }) => {
    const next = outbox.nextTryMs();
    const at = next === undefined || next > io.now() ? next : io.now();
    return { waiting: outbox.totals().byStatus.pending, nextTryAt: at === undefined ? null : toIso(at) };
  });
}

/** Sends until a signal ends it. The database is opened anew for each round: another file may take its place meanwhile. */
async function follow(settings: NotifySettings, flags: NotifyRunFlags, io: Io): Promise<NotifyRunAnswer> {
  let total: NotifyRunAnswer | undefined;
  while (!io.signal.aborted) {
    const round = await oneRound(settings, flags, io);
    total = total === undefined ? round : { ...addUp(total, round), ...rest(round) };
    await pause(ROUND_PAUSE_MS, undefined, { signal: io.signal }).catch(() => {});
  }
  return total ?? oneRound(settings, flags, io);
}

function rest({ waiting, nextTryAt, unusable }: NotifyRunAnswer): Omit<NotifyRunAnswer, keyof RoundReport> {
  return { waiting, nextTryAt, unusable };
}

function addUp(one: RoundReport, other: RoundReport): RoundReport {
  return {
    sent: one.sent + other.sent,
    confirmed: one.confirmed + other.confirmed,
    accepted: one.accepted + other.accepted,
    unseen: one.unseen + other.unseen,
    retried: one.retried + other.retried,
    failed: one.failed + other.failed,
    recovered: one.recovered + other.recovered,
    digests: one.digests + other.digests,
  };
}

/** Sends a test to one channel, once; returns the exit status: 1 when the channel does not take it. Errors: `usage`, `unreadable`, those of the database. */
export async function runNotifyTest(name: string, flags: NotifyRunFlags, io: Io): Promise<number> {
  const settings = readNotifySettings(findConfiguration(flags.config, io));
  const wanted = settings.channels.get(name);
  if (wanted === undefined) {
    const known = [...settings.channels.keys()];
    throw new PilotError("usage", `The configuration has no channel "${name}".`, {
      hint: known.length === 0 ? `Add a table [channels.NAME] with its type.` : `The channels are ${known.join(", ")}.`,
    });
  }
  const channel = await openChannel(wanted, await namesOfServers(flags, io), io);
  const number = await auditedEdit(
    {
      action: "notify test",
      parameters: { ...flags, channel: name },
      affected: (made: number) => ({ notification: made, channel: name }),
      edit: ({ outbox }) => {
        const event = {
          version: 1,
          server: io.hostname,
          title: "This is a test: the channel works",
          notes: [],
          since: toIso(io.now()),
          until: null,
          command: null,
        } as const;
        const made = outbox.enqueue(
          { dedupKey: `test:${io.requestId}`, reason: "test", severity: "warning", event, onlyChannel: name },
          io.now(),
        );
        if (made === undefined) throw new Error("This run has sent a test before.");
        return made;
      },
    },
    flags,
    io,
  );
  await usingWriter(
    flags,
    io,
    (writer) =>
      sendRound(
        roundWorld(writer, { settings, channels: new Map([[name, channel]]), only: new Set([number]) }, flags, io),
      ),
    { create: false },
  );
  const notification = await usingReader(flags, io, async ({ outbox }) => outbox.find(number));
  if (notification === undefined) throw new Error(`Notification ${number} has gone.`);
  const answer: NotifyTestAnswer = { channel: name, notification: toNotificationFacts(notification) };
  if (flags.json === true) io.stdout.write(renderJson("notify_test", answer));
  else printLines(renderNotifyTest(answer), io);
  if (io.signal.aborted) return statusOfAbort(io);
  return notification.status === "failed" ? EXIT_STATUS.check_failed : 0;
}
