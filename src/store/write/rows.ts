/** Data that goes into the writer and comes out of it. */
import type { Outcome } from "../../message/statuses.ts";
import type { EpochMs, Moment } from "../../units.ts";
import type { PackedText } from "../log-text/blocks.ts";

/** Stored values of a message that the fold needs to continue. */
export interface StoredMessage {
  readonly id: number;
  readonly firstAt: Moment;
  readonly lastAt: Moment;
  readonly arrivalAt: Moment | undefined;
  readonly queueMs: number | undefined;
  readonly milestones: MessageMilestones;
  readonly recipients: readonly StoredRecipient[];
  readonly recipientEvents: readonly StoredRecipientEvent[];
}

export type MessageMilestones = Readonly<Record<MilestoneName, Moment | undefined>>;
export type MilestoneName =
  | "completed"
  | "frozen"
  | "thawed"
  | "removed"
  | "cancelled"
  | "rejected"
  | "discarded"
  | "notAccepted"
  | "queued"
  | "ignored";

export interface StoredRecipient {
  readonly address: string;
  readonly announced: boolean;
}

export interface StoredRecipientEvent {
  readonly recipient: string;
  readonly target: string;
  readonly outcome: Outcome;
  readonly at: Moment;
  readonly isAttempt: boolean;
  /** Still a template; see templates.ts. */
  readonly error: string | undefined;
}

export interface BlockRow {
  readonly id: number;
  readonly sourceId: number;
  readonly position: number;
  readonly text: PackedText;
  readonly lines: number;
  readonly firstMs: EpochMs | undefined;
  readonly lastMs: EpochMs | undefined;
  readonly clockMs: EpochMs | undefined;
  readonly readMs: EpochMs;
}

/** Messages and entries that lost lines, to be derived again from the lines that are left. */
export interface Orphaned {
  /** Their rows and recipients are to be written again, or removed when no entry is left. */
  readonly messages: readonly OrphanedMessage[];
  /** Entries that are now in another log: what they say is to be written again, from their lines there. The headers below them are there. */
  readonly moved: readonly OrphanedEntry[];
  /** Number of entries that two logs no longer share. */
  readonly duplicateLocations: number;
}

export interface OrphanedMessage {
  readonly id: number;
  readonly serverId: number;
  readonly eximId: string;
  readonly entries: readonly OrphanedEntry[];
  /** The text of some of its entries has been pruned: what is stored of it is all that is known of them. */
  readonly lacksText: boolean;
  /** Its arrival is among the entries. */
  readonly hasArrival: boolean;
}

export interface OrphanedEntry {
  readonly id: number;
  readonly at: Moment;
}

export type RunResult = "done" | "interrupted" | "failed";

export interface RunFigures {
  readonly sources: number;
  readonly lines: number;
  readonly messages: number;
  readonly bytes: number;
}

export interface BlockCounts {
  /** Entries that begin with a stamp. */
  readonly entries: number;
  readonly other: number;
  readonly unparsed: number;
}

/** Rows that were attached to the messages of a server, or kept of its queue. */
export interface AttachedRows {
  readonly notes: number;
  readonly tags: number;
  readonly snapshots: number;
  readonly contents: number;
  readonly incidents: number;
}

/** A message that can be given a tag or a note. */
export interface TaggableMessage {
  readonly serverId: number;
  readonly server: string;
}
