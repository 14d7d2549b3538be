/** Channels of the configuration with their secrets in hand, and what a round of sending needs of the world outside. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { PilotError } from "../../errors.ts";
import type { Channel } from "../../notify/channel.ts";
import { httpChannel } from "../../notify/http-channels.ts";
import type { LoggedFate, RoundWorld } from "../../notify/send-round.ts";
import type { ChannelSettings, NotifySettings, SecretPlace, SmtpSettings } from "../../notify/settings.ts";
import { Redactor } from "../../redact/redactor.ts";
import { composeNotice } from "../../render/notify/notice-text.ts";
import { markOf, type Notification, type NotificationEvent } from "../../store/outbox/notification.ts";
import type { Writer } from "../../store/write/writer.ts";
import { type DatabaseFlags, usingReader } from "../context.ts";
import { readSecret } from "../flags/channel-secrets.ts";
import { isLoopback, problemOfUrl } from "../flags/notify-settings.ts";
import type { Io } from "../io.ts";

/** A channel that cannot be used as it is configured. */
export interface BrokenChannel {
  readonly channel: string;
  /** A sentence. */
  readonly problem: string;
}

export interface OpenChannels {
  readonly channels: ReadonlyMap<string, Channel>;
  readonly broken: readonly BrokenChannel[];
}

/** `ownServers`: names of servers whose logs are read. Reads the secrets; a channel whose secret cannot be read is there, and takes nothing. */
export async function openChannels(
  settings: Iterable<ChannelSettings>,
  ownServers: ReadonlySet<string>,
  io: Io,
): Promise<OpenChannels> {
  const channels = new Map<string, Channel>();
  const broken: BrokenChannel[] = [];
  for (const one of settings) {
    try {
      channels.set(one.name, await openChannel(one, ownServers, io));
    } catch (error) {
      if (!(error instanceof PilotError)) throw error;
      broken.push({ channel: one.name, problem: error.message });
      channels.set(one.name, brokenChannel(one, error.message));
    }
  }
  return { channels, broken };
}

/** Errors: `usage` and `unreadable`, of a secret. */
export async function openChannel(
  settings: ChannelSettings,
  ownServers: ReadonlySet<string>,
  io: Io,
): Promise<Channel> {
  const { env, now } = io;
  const secret = (place: SecretPlace | undefined): string | undefined =>
    place === undefined ? undefined : readSecret(place, env);
  switch (settings.type) {
    case "smtp": {
      const { smtpChannel } = await import("../../notify/smtp-channel.ts");
      const password = secret(settings.password);
      return smtpChannel(settings, { password, awaitsLog: awaitsLog(settings, ownServers), now });
    }
    case "webhook":
    case "slack": {
      const url = secret(settings.url) ?? "";
      const problem = problemOfUrl(url);
      if (problem !== undefined)
        throw new PilotError("usage", `The address of channel "${settings.name}" ${problem}.`, {
          hint: "Give one that begins with https://; http:// is for this machine alone.",
        });
      const token = settings.type === "webhook" ? secret(settings.token) : undefined;
      return httpChannel(settings, { url, token }, { now });
    }
    default:
      return httpChannel(settings, { token: secret(settings.token), url: undefined }, { now });
  }
}

/** True where the log of that server is read here. */
function awaitsLog({ confirm, host }: SmtpSettings, ownServers: ReadonlySet<string>): boolean {
  return confirm === undefined ? isLoopback(host) || ownServers.has(host.toLowerCase()) : confirm === "log";
}

function brokenChannel({ name, type, redact }: ChannelSettings, problem: string): Channel {
  const error = problem.replace(/\.$/, "");
  return {
    name,
    type,
    isRedacted: redact,
    spacingMs: 0,
    awaitsLog: false,
    send: () => Promise.resolve({ kind: "later", error, isUncertain: false, isDown: true }),
  };
}

/** Names of the servers of the database, in small letters, and of this machine. */
export async function namesOfServers(flags: DatabaseFlags, io: Io): Promise<ReadonlySet<string>> {
  const servers = await usingReader(flags, io, (reader) => reader.stats.servers());
  return new Set([...servers.map(({ name }) => name), io.hostname].map((name) => name.toLowerCase()));
}

/** Makes the text of a notification. Names in it are made up for a channel that is redacted, the same by the same within one text. */
function compose(notification: Notification, members: readonly Notification[], isRedacted: boolean) {
  const redactor = isRedacted ? new Redactor() : undefined;
  const shown = (event: NotificationEvent): NotificationEvent => {
    if (redactor === undefined) return event;
    const { server, title, notes } = redactor.redact({ server: event.server, title: event.title, notes: event.notes });
    return { ...event, server, title, notes };
  };
  return composeNotice({
    notification,
    event: shown(notification.event),
    members: members.map((member) => ({ notification: member, event: shown(member.event) })),
    markOf,
  });
}

export interface RoundOptions {
  readonly settings: NotifySettings;
  readonly channels: ReadonlyMap<string, Channel>;
  readonly only?: ReadonlySet<number>;
}

/** The world of one round, on a writer. */
export function roundWorld(
  writer: Writer,
  { settings, channels, only }: RoundOptions,
  flags: DatabaseFlags,
  io: Io,
): RoundWorld {
  // NOTE: a notification counts as sent before it leaves, whatever happens to the power.
  writer.syncCommits();
  return {
    write: (action) => writer.write(({ outbox }) => action(outbox)),
    settings,
    channels,
    compose,
    findInLogs: (messageIds) => findInLogs(messageIds, flags, io),
    lastIngest: () => usingReader(flags, io, async (reader) => reader.outbox.lastIngestMs()),
    now: io.now,
    random: Math.random,
    pause: async (ms, signal) => {
      await pause(ms, undefined, { signal }).catch(() => {});
    },
    signal: io.signal,
    owner: `${io.requestId} ${randomUUID()}`,
    only,
  };
}

const ARRIVED: readonly string[] = ["delivered", "partial"];
/** A frozen message is not tried until somebody thaws it. */
const LOST: readonly string[] = ["bounced", "rejected", "removed", "discarded", "frozen"];

/** A delivery by any of the servers whose logs are read counts. */
function findInLogs(
  messageIds: readonly string[],
  flags: DatabaseFlags,
  io: Io,
): Promise<ReadonlyMap<string, LoggedFate>> {
  return usingReader(flags, io, async ({ outbox }) => {
    const fates = new Map<string, LoggedFate>();
    for (const id of messageIds) {
      const statuses = await outbox.statusesOf(id);
      if (statuses.some((status) => ARRIVED.includes(status))) fates.set(id, "delivered");
      else if (statuses.length > 0 && statuses.every((status) => LOST.includes(status))) fates.set(id, "failed");
    }
    return fates;
  });
}
