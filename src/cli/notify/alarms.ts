/** Alarms of `--fail-if`, put into the outbox for `notify run` to send. */
import { PilotError } from "../../errors.ts";
import type { NotifySettings } from "../../notify/settings.ts";
import type { EpochMs } from "../../units.ts";
import { toIso } from "../../units.ts";
import { type DatabaseFlags, usingWriter } from "../context.ts";
import { findConfiguration } from "../flags/effective-options.ts";
import { readNotifySettings } from "../flags/notify-settings.ts";
import type { Io } from "../io.ts";

export interface Alarm {
  /** Command and condition: `stats deferred>5%`. */
  readonly key: string;
  /** A sentence without a period. */
  readonly title: string;
  readonly server: string | null;
  /** Command that shows more; undefined: none. */
  readonly command?: string;
}

/** True when somebody is to be told of something. */
export function hasReceivers({ tiers, severityTiers }: NotifySettings): boolean {
  return tiers.length > 0 || Object.keys(severityTiers).length > 0;
}

/** Makes sure that something can be an alarm, and that somebody is told of it. `example`: a command with a condition. Errors: `usage`. */
export function assertAlarms(conditions: number, example: string, flags: { readonly config?: string }, io: Io): void {
  if (conditions === 0) {
    throw new PilotError("usage", "--notify tells of conditions, and none is given.", {
      hint: `Give one, as in \`${example}\`.`,
    });
  }
  settingsOfReceivers(flags, io);
}

/** Settings of those who are to be told. Errors: `usage` when there is nobody. */
export function settingsOfReceivers(flags: { readonly config?: string }, io: Io): NotifySettings {
  const settings = readNotifySettings(findConfiguration(flags.config, io));
  if (hasReceivers(settings)) return settings;
  throw new PilotError("usage", "The configuration names no channel for notifications.", {
    hint: 'Add [notify] with tiers = ["NAME"], and a table [channels.NAME]; `exim-pilot notify --help` shows one.',
  });
}

/** Stores a notification for each alarm, at most one a day of the same. Errors: those of the database. */
export async function enqueueAlarms(
  alarms: readonly Alarm[],
  flags: DatabaseFlags & { readonly config?: string },
  io: Io,
): Promise<void> {
  settingsOfReceivers(flags, io);
  if (alarms.length === 0) return;
  const now = io.now();
  await usingWriter(
    flags,
    io,
    (writer) => {
      writer.syncCommits();
      writer.write(({ outbox }) => {
        for (const alarm of alarms) outbox.enqueue(toNotification(alarm, now), now);
      });
    },
    { create: false },
  );
}

const DAY_LENGTH = "2026-03-02".length;

function toNotification({ key, title, server, command }: Alarm, now: EpochMs) {
  const at = toIso(now);
  return {
    dedupKey: `alarm:${key}:${at.slice(0, DAY_LENGTH)}`,
    reason: "alarm",
    severity: "serious",
    event: { version: 1, server, title, notes: [], since: at, until: null, command: command ?? null },
  } as const;
}
