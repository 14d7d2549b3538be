/** A queue as it is told to people and programs: the shape of `queue --json`. */
import { NULL_SENDER } from "../message/address.ts";
import type { QueuedRecipient } from "../spool/queued-message.ts";
import { type EpochMs, toIso } from "../units.ts";
import type { QueueTotals, WaitingDomain } from "./overview.ts";
import type { Candidate } from "./selection.ts";

/** Origin of the queue: the log, the files of a spool, or output of `exim -bp`. */
export type QueueOrigin = "log" | "spool" | "bp";

export interface QueueEntry {
  readonly id: string;
  /** Server whose log tells of it; null of another origin. */
  readonly server: string | null;
  /** Name of the queue; empty for the default queue. */
  readonly queueName: string;
  /** `<>` of a bounce; null when unknown. */
  readonly sender: string | null;
  readonly sizeBytes: number | null;
  readonly arrivedAt: string | null;
  readonly ageSeconds: number | null;
  readonly isFrozen: boolean;
  readonly frozenAt: string | null;
  /** Warnings of a delay that were sent; null when unknown. */
  readonly warnings: number | null;
  readonly recipients: readonly QueuedRecipient[];
  /** Delivered addresses that are no recipients: what aliases and redirections made. */
  readonly generated: readonly string[];
  /** Exim's words for what is wrong with its file. */
  readonly damage: string | null;
  /** Place and nature of the damage in the file, as a sentence. */
  readonly damageReason: string | null;
  /** Variables of `--show-vars`, by their names as typed. */
  readonly variables: Readonly<Record<string, string>>;
}

/** How far the log of a server was read. */
export interface LogEnd {
  readonly server: string;
  /** Time of its newest line, at most the moment that is shown. */
  readonly newestLine: string;
}

export interface QueueReport {
  readonly origin: QueueOrigin;
  /** The moment that is shown, to which ages are counted. */
  readonly at: string;
  /** How far the logs were read that tell it, the earliest end first; empty for another origin. */
  readonly logEnds: readonly LogEnd[];
  /** Server whose log was read; null for several servers or another origin. */
  readonly server: string | null;
  /** The directory; null where another tells it. */
  readonly spool: string | null;
  /** Named queues of the spool that hold messages and are not shown. */
  readonly otherQueues: readonly string[];
  /** By id, unless asked for otherwise. */
  readonly messages: readonly QueueEntry[];
  /** Totals of all messages, even where `--limit` leaves some out. */
  readonly totals: QueueTotals;
  /** Domains for which most messages wait, in that order. */
  readonly waiting: readonly WaitingDomain[];
}

export function toEntry({ message, shown: texts }: Candidate, now: EpochMs, shown: readonly string[]): QueueEntry {
  const { sender, arrivedAt, frozenAt, ...facts } = message;
  return {
    id: facts.id,
    server: facts.server,
    queueName: facts.queueName,
    sender: sender === "" ? NULL_SENDER : sender,
    sizeBytes: facts.sizeBytes,
    arrivedAt: arrivedAt === null ? null : toIso(arrivedAt),
    ageSeconds: arrivedAt === null ? null : Math.floor((now - arrivedAt) / 1000),
    isFrozen: facts.isFrozen,
    frozenAt: frozenAt === null ? null : toIso(frozenAt),
    warnings: facts.warnings,
    recipients: facts.recipients,
    generated: facts.generated,
    damage: facts.damage,
    damageReason: facts.damageReason,
    variables: Object.fromEntries(shown.map((name, index) => [name, texts[index] ?? ""])),
  };
}
