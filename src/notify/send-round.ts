/**
 * One round of sending: what a killed run has left is put back in line, what waits is sent, and what became of it is stored. Every step is a
 * transaction of its own, so that a kill at any instant leaves a state from which the next round goes on.
 */
import { randomUUID } from "node:crypto";
import { type NewNotification, type Notification, worstOf } from "../store/outbox/notification.ts";
import type { Outbox } from "../store/outbox/outbox.ts";
import { type EpochMs, epochMs, HOUR_MS, MINUTE_MS } from "../units.ts";
import { delayAfter, LONGEST_TIER_MS, later, MOST_TRIES } from "./backoff.ts";
import type { Answer, Channel, OutgoingNotice } from "./channel.ts";
import { type NotifySettings, tiersOf } from "./settings.ts";

/** Notices of one round. */
export const MOST_IN_ROUND = 20;
/** Channels that send at once. */
const MOST_AT_ONCE = 5;
/** Notifications that wait for one channel, from which on they become a digest. */
export const LEAST_OF_DIGEST = 5;
/** Longer than a notice can take to be sent. */
export const LEASE_MS = 2 * MINUTE_MS;
/** Longest wait for our own log to show a delivery. */
export const LONGEST_LOG_WAIT_MS = HOUR_MS;
/** The logs count as read while the last run of ingest is not older. */
const INGEST_RUNS_WITHIN_MS = 15 * MINUTE_MS;
/** Notifications looked at in a round. */
const MOST_LOOKED_AT = 500;

/** Fate of mail by our own log, which knows it by its Message-ID. */
export type LoggedFate = "delivered" | "failed";

export interface RoundWorld {
  /** Runs an action in one transaction, which is on the disk when this returns. */
  readonly write: <Result>(action: (outbox: Outbox) => Result) => Result;
  readonly settings: Pick<NotifySettings, "tiers" | "severityTiers" | "fallbackMs">;
  /** By name. */
  readonly channels: ReadonlyMap<string, Channel>;
  /** Makes the text; `members`: those of a digest. */
  readonly compose: (
    notification: Notification,
    members: readonly Notification[],
    isRedacted: boolean,
  ) => OutgoingNotice;
  /** Looks up Message-IDs in our logs; those of which nothing is known are missing. */
  readonly findInLogs: (messageIds: readonly string[]) => Promise<ReadonlyMap<string, LoggedFate>>;
  /** When a log was last read; undefined: never. */
  readonly lastIngest: () => Promise<EpochMs | undefined>;
  readonly now: () => EpochMs;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  /** Names this run in its leases. */
  readonly owner: string;
  /** Numbers of the only notifications to be sent; undefined: all. */
  readonly only?: ReadonlySet<number> | undefined;
}

export interface RoundReport {
  /** Requests that left. */
  readonly sent: number;
  readonly confirmed: number;
  /** Taken by a server of mail whose log has not shown the delivery yet. */
  readonly accepted: number;
  /** Confirmed by the reply of the server, as no log showed the delivery. */
  readonly unseen: number;
  /** Put back in line. */
  readonly retried: number;
  readonly failed: number;
  /** Left behind by a run that was killed. */
  readonly recovered: number;
  readonly digests: number;
}

type Counts = { -readonly [Name in keyof RoundReport]: RoundReport[Name] };

/** Sends what is due; returns what was done. Errors: those of the database. */
export async function sendRound(world: RoundWorld): Promise<RoundReport> {
  const round = new Round(world);
  await round.settleAwaited();
  await round.send();
  return round.counts;
}

/** A notification and the channel it is due at. */
interface Due {
  readonly notification: Notification;
  readonly channel: Channel;
  readonly tier: number;
}

class Round {
  readonly counts: Counts = {
    sent: 0,
    confirmed: 0,
    accepted: 0,
    unseen: 0,
    retried: 0,
    failed: 0,
    recovered: 0,
    digests: 0,
  };
  readonly #world: RoundWorld;
  /** Channels that did not answer in this round. */
  readonly #down = new Set<string>();
  readonly #lastSent = new Map<string, EpochMs>();
  #ingestMs: Promise<EpochMs | undefined> | undefined;

  constructor(world: RoundWorld) {
    this.#world = world;
  }

  /** Settles what a server of mail took, by what our log says. */
  async settleAwaited(): Promise<void> {
    const { write, findInLogs } = this.#world;
    const awaited = write((outbox) => outbox.awaited());
    if (awaited.length === 0) return;
    const fates = await findInLogs(awaited.flatMap(({ remoteId }) => remoteId ?? []));
    for (const notification of awaited) {
      const fate = fates.get(notification.remoteId ?? "");
      const unseen = fate === undefined ? await this.#whyUnseen(notification.acceptedMs) : undefined;
      write((outbox) => this.#settle(outbox, notification.number, fate, unseen));
    }
  }

  #settle(outbox: Outbox, number: number, fate: LoggedFate | undefined, unseen: string | undefined): void {
    // NOTE: another run may have settled it meanwhile.
    const notification = outbox.find(number);
    if (notification === undefined || notification.status !== "sent" || notification.acceptedMs === null) return;
    const now = this.#world.now();
    const end = { now, channel: notification.channel ?? "" };
    if (fate === "delivered") {
      outbox.confirm(number, "log", end, {});
      this.counts.confirmed++;
    } else if (fate === "failed") {
      const error = "the server took it, and its log says that it was not delivered";
      outbox.noteFailure(error, false, end);
      this.#afterFailure(outbox, notification, { kind: "refused", error, isUnauthorized: false });
    } else if (unseen !== undefined) {
      outbox.confirm(number, "fallback", end, { note: unseen });
      this.counts.confirmed++;
      this.counts.unseen++;
    }
  }

  /** The reason why a log is not awaited, or no longer. `acceptedMs`: undefined for mail that was taken at this moment. */
  async #whyUnseen(acceptedMs: EpochMs | null | undefined): Promise<string | undefined> {
    const now = this.#world.now();
    this.#ingestMs ??= this.#world.lastIngest();
    const ingestMs = await this.#ingestMs;
    if (ingestMs === undefined || now - ingestMs > INGEST_RUNS_WITHIN_MS)
      return "the server took it; no ingest runs, so no log can show the delivery";
    return now - (acceptedMs ?? now) >= LONGEST_LOG_WAIT_MS
      ? "the server took it; no log showed the delivery within an hour"
      : undefined;
  }

  async send(): Promise<void> {
    const { signal, write } = this.#world;
    this.counts.recovered += write((outbox) => outbox.recover(this.#world.now()).length);
    const done = new Set<number>();
    while (!signal.aborted && this.counts.sent < MOST_IN_ROUND) {
      const due = write((outbox) => this.#plan(outbox))
        .filter(({ notification: { number } }) => !done.has(number))
        .slice(0, MOST_IN_ROUND - this.counts.sent);
      if (due.length === 0) return;
      const queues = [...Map.groupBy(due, ({ channel }) => channel.name).values()].slice(0, MOST_AT_ONCE);
      await Promise.all(queues.map((queue) => this.#sendQueue(queue, done)));
    }
  }

  /** Passes on what cannot be sent where it is, and joins what is many. Lists what is due, in the order in which it is to be sent. */
  #plan(outbox: Outbox): readonly Due[] {
    const { now, only } = this.#world;
    const at = now();
    const waiting: Due[] = [];
    for (const notification of outbox.pending(MOST_LOOKED_AT)) {
      if (only !== undefined && !only.has(notification.number)) continue;
      const target = this.#target(outbox, notification, at);
      if (target !== undefined) waiting.push(target);
    }
    const left = only === undefined ? this.#joinMany(outbox, waiting, at) : waiting;
    return left.filter(
      ({ notification, channel }) =>
        notification.nextTryMs <= at && !this.#down.has(channel.name) && !isBlocked(outbox, channel.name, at),
    );
  }

  /** The channel at which a notification waits; undefined when none is left, and it was given up. */
  #target(outbox: Outbox, notification: Notification, at: EpochMs): Due | undefined {
    const { channels, settings } = this.#world;
    const { number, onlyChannel, severity } = notification;
    const tiers = onlyChannel === null ? tiersOf(settings, severity) : [onlyChannel];
    let { tier, tierTries, tierBeganMs } = notification;
    // NOTE: the configuration may have fewer tiers than it had.
    if (tier >= tiers.length) [tier, tierTries, tierBeganMs] = [0, 0, null];
    for (; tier < tiers.length; tier++, tierTries = 0, tierBeganMs = null) {
      const name = tiers[tier] ?? "";
      const channel = channels.get(name);
      const hasNext = tier + 1 < tiers.length;
      const why = reasonToPassOn({
        name,
        isUsable: channel !== undefined,
        hasNext,
        tierTries,
        tierBeganMs,
        at,
        blockedUntil: outbox.channelState(name).blockedUntilMs,
        fallbackMs: settings.fallbackMs,
      });
      if (why === undefined && channel !== undefined)
        return { notification: { ...notification, tier, tierTries, tierBeganMs }, channel, tier };
      if (hasNext) outbox.moveToTier(number, tier + 1, why ?? "", at);
      else {
        outbox.fail(number, notification.errorMessage ?? why ?? "", at);
        this.counts.failed++;
        return undefined;
      }
    }
    outbox.fail(number, "the configuration names no channel for it", at);
    this.counts.failed++;
    return undefined;
  }

  /** NOTE: one that may have arrived stays alone, or its receiver would be told twice what it cannot know to be the same. */
  #joinMany(outbox: Outbox, waiting: readonly Due[], at: EpochMs): readonly Due[] {
    const { settings } = this.#world;
    const groups = Map.groupBy(waiting, ({ notification: { reason, isUncertain, onlyChannel, severity }, tier }) =>
      reason === "digest" || reason === "test" || isUncertain || onlyChannel !== null
        ? ""
        : JSON.stringify([tier, tiersOf(settings, severity)]),
    );
    const joined = new Set<number>();
    const digests: Due[] = [];
    for (const [key, group] of groups) {
      if (key === "" || group.length < LEAST_OF_DIGEST) continue;
      const [first] = group;
      const members = group.map(({ notification }) => notification);
      const number = outbox.makeDigest(
        members.map((one) => one.number),
        digestOf(members),
        first?.tier ?? 0,
        at,
      );
      const notification = outbox.find(number);
      if (notification === undefined || first === undefined) continue;
      for (const member of members) joined.add(member.number);
      digests.push({ notification, channel: first.channel, tier: first.tier });
      this.counts.digests++;
    }
    return [...digests, ...waiting.filter(({ notification: { number } }) => !joined.has(number))];
  }

  /** Sends what waits for one channel, one after the other. */
  async #sendQueue(queue: readonly Due[], done: Set<number>): Promise<void> {
    const { signal, write, now } = this.#world;
    for (const due of queue) {
      const { name } = due.channel;
      if (signal.aborted || this.#down.has(name) || write((outbox) => isBlocked(outbox, name, now()))) return;
      await this.#keepDistance(due.channel);
      if (signal.aborted) return;
      done.add(due.notification.number);
      const tier = await this.#sendOne(due);
      // NOTE: another tier is tried in the same round.
      if (tier !== undefined) done.delete(due.notification.number);
    }
  }

  async #keepDistance({ name, spacingMs }: Channel): Promise<void> {
    const { now, pause, signal } = this.#world;
    const waitMs = (this.#lastSent.get(name) ?? 0) + spacingMs - now();
    if (waitMs > 0) await pause(waitMs, signal);
  }

  /** Sends one notice; returns the tier that is to be tried now, if there is one. */
  async #sendOne({ notification, channel, tier }: Due): Promise<number | undefined> {
    const { write, compose, now, owner, signal } = this.#world;
    const { number } = notification;
    const notice = write((outbox) => {
      const at = now();
      const claim = { number, owner, channel: channel.name, tier, leaseUntil: later(at, LEASE_MS), now: at };
      if (!outbox.claim(claim)) return undefined;
      const members = notification.reason === "digest" ? outbox.membersOf(notification.id) : [];
      const made = compose(notification, members, channel.isRedacted);
      outbox.setText(number, `${made.heading}\n${made.text}`, at);
      return made;
    });
    if (notice === undefined) return undefined;
    this.counts.sent++;
    this.#lastSent.set(channel.name, now());
    const answer = await channel.send(notice, signal);
    const unseen = answer.kind === "taken" && channel.awaitsLog ? await this.#whyUnseen(undefined) : undefined;
    return write((outbox) => this.#settleAnswer(outbox, number, channel, answer, unseen));
  }

  #settleAnswer(
    outbox: Outbox,
    number: number,
    channel: Channel,
    answer: Answer,
    unseen: string | undefined,
  ): number | undefined {
    const { now, owner } = this.#world;
    const at = now();
    const end = { now: at, channel: channel.name };
    // NOTE: where the lease ran out, another run has taken it over.
    if (!outbox.isHeld({ number, owner })) return undefined;
    if (answer.kind === "taken") {
      if (unseen !== undefined) {
        outbox.confirm(number, "fallback", end, { ...answer, note: unseen });
        this.counts.confirmed++;
        this.counts.unseen++;
      } else if (channel.awaitsLog && answer.remoteId !== undefined) {
        outbox.accept(number, answer.remoteId, at);
        this.counts.accepted++;
      } else {
        outbox.confirm(number, "reply", end, answer);
        this.counts.confirmed++;
      }
      return undefined;
    }
    const isUnauthorized = answer.kind === "refused" && answer.isUnauthorized;
    outbox.noteFailure(answer.error, isUnauthorized, end);
    if (answer.kind === "later" && answer.isDown === true) this.#down.add(channel.name);
    const notification = outbox.find(number);
    return notification === undefined ? undefined : this.#afterFailure(outbox, notification, answer);
  }

  /** Decides what follows a try that failed: the same tier later, the next one, or nothing. Returns the next tier when it is tried now. */
  #afterFailure(
    outbox: Outbox,
    notification: Notification,
    answer: Exclude<Answer, { readonly kind: "taken" }>,
  ): number | undefined {
    const { settings, random } = this.#world;
    const now = this.#world.now();
    const { number, tier, tierTries, onlyChannel, severity, reason, channel } = notification;
    const hasNext = onlyChannel === null && tier + 1 < tiersOf(settings, severity).length;
    const isUncertain = notification.isUncertain || (answer.kind === "later" && answer.isUncertain);
    const { error } = answer;
    if (answer.kind === "later") {
      const delayMs = delayAfter(tierTries, random(), answer.retryAfterMs);
      const nextTry = later(now, delayMs);
      if (answer.isChannelBusy === true && channel !== null) outbox.block(channel, nextTry);
      const began = notification.tierBeganMs ?? now;
      const last = epochMs(began + (hasNext ? Math.min(settings.fallbackMs, LONGEST_TIER_MS) : LONGEST_TIER_MS));
      if (reason !== "test" && tierTries < MOST_TRIES && nextTry <= last) {
        outbox.retry(number, { nextTry, isUncertain, error, now });
        this.counts.retried++;
        return undefined;
      }
    }
    if (hasNext && reason !== "test") {
      outbox.retry(number, { nextTry: now, tier: tier + 1, isUncertain, error, now });
      this.counts.retried++;
      return tier + 1;
    }
    outbox.fail(number, error, now);
    this.counts.failed++;
    return undefined;
  }
}

function isBlocked(outbox: Outbox, channel: string, at: EpochMs): boolean {
  return (outbox.channelState(channel).blockedUntilMs ?? 0) > at;
}

interface Tier {
  readonly name: string;
  readonly isUsable: boolean;
  readonly hasNext: boolean;
  readonly tierTries: number;
  readonly tierBeganMs: EpochMs | null;
  readonly blockedUntil: EpochMs | null;
  readonly at: EpochMs;
  readonly fallbackMs: number;
}

/** The reason why a tier is not waited for; undefined: it is. */
function reasonToPassOn({
  name,
  isUsable,
  hasNext,
  tierTries,
  tierBeganMs,
  blockedUntil,
  at,
  fallbackMs,
}: Tier): string | undefined {
  if (!isUsable) return `channel ${name} is not in the configuration`;
  if (tierTries >= MOST_TRIES) return `channel ${name} took it in none of ${MOST_TRIES} tries`;
  const waitedMs = tierBeganMs === null ? 0 : at - tierBeganMs;
  if (waitedMs > LONGEST_TIER_MS) return `channel ${name} took it not within a day`;
  if (!hasNext) return undefined;
  if (waitedMs > fallbackMs) return `channel ${name} took it not in time`;
  return blockedUntil !== null && blockedUntil - at > fallbackMs
    ? `channel ${name} asks to be left alone for longer`
    : undefined;
}

/** A notification that stands for others. */
function digestOf(members: readonly Notification[]): NewNotification {
  const severity = members.map((one) => one.severity).reduce(worstOf);
  const servers = new Set(members.map(({ event }) => event.server));
  const [server = null] = servers;
  const starts = members.flatMap(({ event }) => event.since ?? []).sort();
  return {
    dedupKey: `digest:${randomUUID()}`,
    reason: "digest",
    severity,
    event: {
      version: 1,
      server: servers.size === 1 ? server : null,
      title: `${members.length} notifications`,
      notes: [],
      since: starts[0] ?? null,
      until: null,
      command: "exim-pilot notify list",
    },
  };
}
