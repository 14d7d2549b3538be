/** The filter: every condition of `search` and `trace`. Conditions of different kinds all hold; of one kind, any. */
import type { MessageStatus } from "../../message/statuses.ts";
import type { EntryKind } from "../../parse/events.ts";
import { escapeForm } from "../../text.ts";
import type { EpochMs } from "../../units.ts";
import type { LogType } from "../schema/codes.ts";

/** Text in which `*` stands for any characters and `?` for one; upper and lower case are the same. */
export type Pattern = string;

/** True for a name that one of the patterns means, and for any where there is none. */
export function isNamed(name: string, patterns: readonly Pattern[]): boolean {
  const formOf = (pattern: Pattern): string => escapeForm(pattern).replaceAll("\\*", ".*").replaceAll("\\?", ".");
  return patterns.length === 0 || patterns.some((pattern) => new RegExp(`^${formOf(pattern)}$`, "isu").test(name));
}

/** Both ends belong to it. */
export interface Range {
  readonly least: number | undefined;
  readonly most: number | undefined;
}

/** Kinds of hit: a message; a rejection or another line that belongs to no message. */
export const HIT_KINDS = ["message", "rejection", "event"] as const;
export type HitKind = (typeof HIT_KINDS)[number];

export interface Filter {
  readonly kind?: readonly HitKind[];
  readonly sender?: readonly Pattern[];
  /** Addresses as the sender wrote them, or as they were redirected. */
  readonly recipient?: readonly Pattern[];
  /** Sender or recipient. */
  readonly address?: readonly Pattern[];
  /** Domain of sender or recipient. */
  readonly domain?: readonly Pattern[];
  /** Name of the client, or of the host that was delivered to. */
  readonly host?: readonly Pattern[];
  /** Address of either, or a net: `203.0.113.0/24`. */
  readonly ip?: readonly string[];
  readonly helo?: readonly Pattern[];
  /** Login: the account, or `authenticator:account`. */
  readonly auth?: readonly Pattern[];
  readonly ident?: readonly Pattern[];
  /** A part of the subject. */
  readonly subject?: readonly Pattern[];
  /** Exim's own id. */
  readonly eximId?: readonly string[];
  /** Tags of the message. */
  readonly tag?: readonly Pattern[];
  /** A part of a note about the message. */
  readonly note?: readonly Pattern[];
  /** Author of a note about the message; with `note`: of that one. */
  readonly notedBy?: readonly Pattern[];
  /** Account of the operating system that asks, whose private notes are found too. */
  readonly noteReader?: string;
  /** The header Message-ID without its angle brackets. */
  readonly messageId?: readonly string[];
  readonly status?: readonly MessageStatus[];
  readonly event?: readonly EntryKind[];
  /** `550`, `5*`, `4.7.1`: of a delivery. */
  readonly code?: readonly Pattern[];
  /** A part of an error or of the reason of a refusal. */
  readonly reason?: readonly Pattern[];
  readonly transport?: readonly Pattern[];
  readonly router?: readonly Pattern[];
  /** A part of protocol and cipher. */
  readonly tls?: readonly Pattern[];
  /** `dkim=fail`, `dmarc=pass`: what a line says of a signature or a policy of the sender's domain; `dkim` is any result. */
  readonly signature?: readonly string[];
  /** Scores given by a spam scanner. */
  readonly spamScore?: readonly Range[];
  /** Bytes. */
  readonly size?: readonly Range[];
  /** Seconds; of a message that is not finished, up to its last line. */
  readonly queueSeconds?: readonly Range[];
  /** Leaves out messages that were finished, or refused, within so many seconds of their first line. */
  readonly slowerThanSeconds?: number;
  /** With what the daemon, queue runners and configurations say, also when `event` does not name it. */
  readonly withHousekeeping?: boolean;
  readonly logType?: readonly LogType[];
  readonly server?: readonly Pattern[];
  readonly since?: EpochMs;
  /** Exclusive. */
  readonly until?: EpochMs;
}
