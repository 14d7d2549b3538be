/** An outbox in a database of its own, a clock that a test moves, and channels that answer as they are told. */
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Answer, Channel, OutgoingNotice } from "../../src/notify/channel.ts";
import { type LoggedFate, type RoundReport, type RoundWorld, sendRound } from "../../src/notify/send-round.ts";
import { composeNotice } from "../../src/render/notify/notice-text.ts";
import {
  markOf,
  type NewNotification,
  type NoticeSeverity,
  type Notification,
} from "../../src/store/outbox/notification.ts";
import { openWriter } from "../../src/store/store.ts";
import type { Writer } from "../../src/store/write/writer.ts";
import { type EpochMs, epochMs } from "../../src/units.ts";
import { NOW, storeSettings, temporaryFolder } from "../support/database.ts";

export const TAKEN: Answer = { kind: "taken", remoteId: "r1" };
export const BUSY: Answer = { kind: "later", error: "502", isUncertain: true };
export const REFUSED: Answer = { kind: "refused", error: "400", isUnauthorized: false };

export class FakeChannel implements Channel {
  readonly name: string;
  readonly type = "webhook";
  readonly isRedacted = false;
  readonly spacingMs: number;
  readonly awaitsLog: boolean;
  readonly notices: OutgoingNotice[] = [];
  answers: (notice: OutgoingNotice) => Answer | Promise<Answer> = () => TAKEN;

  constructor(name: string, { spacingMs = 0, awaitsLog = false } = {}) {
    this.name = name;
    this.spacingMs = spacingMs;
    this.awaitsLog = awaitsLog;
  }

  async send(notice: OutgoingNotice): Promise<Answer> {
    this.notices.push(notice);
    return this.answers(notice);
  }
}

export function notificationOf(key: string, more: Partial<NewNotification> = {}): NewNotification {
  return {
    dedupKey: key,
    reason: "opened",
    severity: "serious",
    event: { version: 1, server: "mx1", title: key, notes: [], since: null, until: null, command: null },
    ...more,
  };
}

/** A database with an outbox, and a world around it. */
export class Outboxes {
  readonly path: string;
  readonly writer: Writer;
  now: EpochMs = NOW;
  tiers: readonly string[] = ["a"];
  severityTiers: Partial<Record<NoticeSeverity, readonly string[]>> = {};
  fallbackMs = 300_000;
  random = 1;
  fates = new Map<string, LoggedFate>();
  lastIngest: EpochMs | undefined = NOW;
  readonly channels = new Map<string, FakeChannel>();
  #runs = 0;

  constructor(path = join(temporaryFolder(), "pilot.db")) {
    this.path = path;
    this.writer = openWriter(storeSettings(path));
    onTestFinished(() => this.writer.close());
    this.channel("a");
  }

  channel(name: string, options: ConstructorParameters<typeof FakeChannel>[1] = {}): FakeChannel {
    const channel = new FakeChannel(name, options);
    this.channels.set(name, channel);
    return channel;
  }

  pass(ms: number): void {
    this.now = epochMs(this.now + ms);
  }

  enqueue(...keys: readonly (string | NewNotification)[]): readonly (number | undefined)[] {
    return this.writer.write(({ outbox }) =>
      keys.map((key) => outbox.enqueue(typeof key === "string" ? notificationOf(key) : key, this.now)),
    );
  }

  find(number: number): Notification {
    const found = this.writer.write(({ outbox }) => outbox.find(number));
    if (found === undefined) throw new Error(`There is no notification ${number}.`);
    return found;
  }

  world(more: Partial<RoundWorld> = {}): RoundWorld {
    return {
      write: (action) => this.writer.write(({ outbox }) => action(outbox)),
      settings: { tiers: this.tiers, severityTiers: this.severityTiers, fallbackMs: this.fallbackMs },
      channels: this.channels,
      compose: (notification, members) =>
        composeNotice({
          notification,
          event: notification.event,
          members: members.map((member) => ({ notification: member, event: member.event })),
          markOf,
        }),
      findInLogs: async () => this.fates,
      lastIngest: async () => this.lastIngest,
      now: () => this.now,
      random: () => this.random,
      pause: async (ms) => this.pass(ms),
      signal: new AbortController().signal,
      owner: `run ${++this.#runs}`,
      ...more,
    };
  }

  round(more: Partial<RoundWorld> = {}): Promise<RoundReport> {
    return sendRound(this.world(more));
  }
}
