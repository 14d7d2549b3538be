/** What goes into the writer and comes out of it. */
import type { Outcome } from "../message/statuses.ts";
import type { EpochMs, Moment } from "../units.ts";
import type { PackedText } from "./raw-text.ts";
import type { StoredMessagesTable } from "./tables.ts";
import type { ARRIVAL_COLUMNS } from "./write-statements.ts";

/** What is stored of a message, as the fold needs it to go on. */
export interface StoredMessage {
  readonly id: number;
  readonly firstAt: Moment;
  readonly lastAt: Moment;
  readonly arrivalAt: Moment | undefined;
  readonly queueMs: number | undefined;
  readonly marks: MessageMarks;
  readonly recipients: readonly StoredRecipient[];
  readonly words: readonly StoredWord[];
}

export type MessageMarks = Readonly<Record<MarkName, Moment | undefined>>;
export type MarkName =
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

export interface StoredWord {
  readonly recipient: string;
  readonly target: string;
  readonly outcome: Outcome;
  readonly at: Moment;
  readonly isAttempt: boolean;
  /** Still a template; see templates.ts. */
  readonly error: string | undefined;
}

/** State of a message, without what only its arrival tells. */
export type MessageStateRow = Omit<StoredMessagesTable, "id" | "server_id" | "exim_id" | keyof ArrivalRow>;

/** What the arrival line tells. */
export type ArrivalRow = Pick<StoredMessagesTable, (typeof ARRIVAL_COLUMNS)[number]>;

export const NO_ARRIVAL: ArrivalRow = {
  arrival_at: null,
  sender_id: null,
  size: null,
  subject: null,
  header_message_id: null,
  host_id: null,
  helo_id: null,
  ip_id: null,
  port: null,
  protocol_id: null,
  auth_id: null,
  ident_id: null,
  tls_id: null,
  parent_exim_id: null,
  fake_reject: 0,
};

export interface BlockRow {
  readonly id: number;
  readonly sourceId: number;
  readonly position: number;
  readonly text: PackedText;
  readonly lines: number;
  readonly firstMs: EpochMs | undefined;
  readonly lastMs: EpochMs | undefined;
  readonly clockMs: EpochMs | undefined;
}

/** What has lost lines, and is to be derived again from those that are left. */
export interface Bereft {
  /** Their rows and recipients are to be written again, or removed when no entry is left. */
  readonly messages: readonly BereftMessage[];
  /** Entries that are now in another log: what they say is to be written again, from their lines there. The headers below them are there. */
  readonly moved: readonly BereftEntry[];
  /** So many entries are no longer shown by two logs. */
  readonly sightings: number;
}

export interface BereftMessage {
  readonly id: number;
  readonly serverId: number;
  readonly eximId: string;
  readonly entries: readonly BereftEntry[];
  /** The text of some of its entries has been pruned: what is stored of it is all that is known of them. */
  readonly lacksText: boolean;
  /** Its arrival is among the entries. */
  readonly hasArrival: boolean;
}

export interface BereftEntry {
  readonly id: number;
  readonly at: Moment;
}

/** The way of an attempt; one that is used again may be the same object, and is then recognised at once. */
export interface DeliveryPath {
  readonly router: string | undefined;
  readonly transport: string | undefined;
  readonly host: string | undefined;
  readonly ip: string | undefined;
  readonly port: number | undefined;
  readonly tls: string | undefined;
}

/** Why an attempt failed. */
export interface DeliveryProblem {
  readonly isTimeout: boolean;
  readonly smtpCode: number | undefined;
  readonly enhancedCode: string | undefined;
  readonly phase: string | undefined;
  /** A template; see templates.ts. */
  readonly error: string | undefined;
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

/** A message that can be given a tag. */
export interface TaggableMessage {
  readonly serverId: number;
  readonly server: string;
}
