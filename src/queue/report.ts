/** A queue as it is told to people and programs: the shape of `queue --json`. */
import type { QueuedMessage } from "../spool/queued-message.ts";
import { type EpochMs, toIso } from "../units.ts";
import type { QueueTotals, WaitingDomain } from "./overview.ts";
import type { Candidate } from "./selection.ts";

/** Who tells: the log, the files of a spool, or what `exim -bp` printed. */
export type QueueOrigin = "log" | "spool" | "bp";

export interface QueueEntry {
  readonly id: string;
  /** Of a named queue; empty: the default one. */
  readonly queue: string;
  /** Empty for a bounce; null when damage hides it. */
  readonly sender: string | null;
  /** Bytes. */
  readonly size: number | null;
  /** ISO-8601 UTC. */
  readonly arrived: string | null;
  readonly ageSeconds: number | null;
  readonly frozen: boolean;
  /** ISO-8601 UTC. */
  readonly frozenSince: string | null;
  /** Warnings of a delay that were sent. */
  readonly warnings: number | null;
  readonly recipients: readonly {
    readonly address: string;
    readonly delivered: boolean;
    readonly reason: string | null;
  }[];
  /** Delivered addresses that are no recipients. */
  readonly generated: readonly string[];
  readonly damage: string | null;
  readonly damageReason: string | null;
  /** Those of `--show-vars`, by their names as typed. */
  readonly variables: Readonly<Record<string, string>>;
}

export interface QueueReport {
  readonly origin: QueueOrigin;
  /** When it was so: ISO-8601 UTC. */
  readonly at: string;
  /** `of mx1`, `in /var/spool/exim4`; empty when nothing is to be said. */
  readonly where: string;
  readonly totals: QueueTotals;
  readonly waiting: readonly WaitingDomain[];
  readonly messages: readonly QueueEntry[];
}

export function toEntry({ message, shown: texts }: Candidate, now: EpochMs, shown: readonly string[]): QueueEntry {
  return {
    ...toFacts(message, now),
    variables: Object.fromEntries(shown.map((name, index) => [name, texts[index] ?? ""])),
  };
}

function toFacts(message: QueuedMessage, now: EpochMs): Omit<QueueEntry, "variables"> {
  const { id, queueName, sender, sizeBytes, arrivedAt, isFrozen, frozenAt, warnings, generated } = message;
  return {
    id,
    queue: queueName,
    sender,
    size: sizeBytes,
    arrived: arrivedAt === null ? null : toIso(arrivedAt),
    ageSeconds: arrivedAt === null ? null : Math.floor((now - arrivedAt) / 1000),
    frozen: isFrozen,
    frozenSince: frozenAt === null ? null : toIso(frozenAt),
    warnings,
    recipients: message.recipients.map(({ address, isDelivered, reason }) => ({
      address,
      delivered: isDelivered,
      reason,
    })),
    generated,
    damage: message.damage,
    damageReason: message.damageReason,
  };
}
