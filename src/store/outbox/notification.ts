/** A notification as the outbox holds it: states, severities, and what its text is made of. */
import type { EpochMs } from "../../units.ts";
import type { StoredOutboxTable } from "../schema/tables.ts";

export const NOTIFICATION_STATUSES = ["pending", "sent", "confirmed", "failed", "cancelled"] as const;
export type NotificationStatus = (typeof NOTIFICATION_STATUSES)[number];

/** From the worst to the mildest. */
export const SEVERITIES = ["critical", "serious", "warning"] as const;
export type NoticeSeverity = (typeof SEVERITIES)[number];

export function worstOf(one: NoticeSeverity, other: NoticeSeverity): NoticeSeverity {
  return isMilder(one, other) ? other : one;
}

/** True when the first is less bad than the second. */
export function isMilder(one: NoticeSeverity, other: NoticeSeverity): boolean {
  return SEVERITIES.indexOf(one) > SEVERITIES.indexOf(other);
}

export type NotificationReason = StoredOutboxTable["reason"];

/** Facts that a text is made of when it is sent. Texts of logs may stand anywhere in it. */
export interface NotificationEvent {
  readonly version: 1;
  /** Name of the server; null: several, or none. */
  readonly server: string | null;
  /** A sentence without a period. */
  readonly title: string;
  /** Further sentences. */
  readonly notes: readonly string[];
  /** ISO-8601 UTC. */
  readonly since: string | null;
  /** ISO-8601 UTC; null: it goes on, or has no end. */
  readonly until: string | null;
  /** Command that shows more, of words of ours and numbers; null: there is none. */
  readonly command: string | null;
}

/** A notification to be stored. */
export interface NewNotification {
  /** Subject and reason: `incident:14:opened`. A second one with the same key is not stored. */
  readonly dedupKey: string;
  readonly reason: NotificationReason;
  readonly severity: NoticeSeverity;
  /** Id of the incident it is about. */
  readonly incidentId?: number | undefined;
  readonly event: NotificationEvent;
  /** Name of the one channel it is for; undefined: the tiers of its severity. */
  readonly onlyChannel?: string | undefined;
}

/** A notification of the outbox. */
export interface Notification {
  readonly number: number;
  /** UUID. */
  readonly id: string;
  readonly incidentId: number | null;
  readonly reason: NotificationReason;
  readonly severity: NoticeSeverity;
  readonly event: NotificationEvent;
  readonly onlyChannel: string | null;
  readonly digestId: string | null;
  readonly status: NotificationStatus;
  /** 0 is the first. */
  readonly tier: number;
  /** Channel that it was last sent to. */
  readonly channel: string | null;
  /** Times it went back to pending. */
  readonly retryCount: number;
  /** Times it was sent in this tier. */
  readonly tierTries: number;
  readonly tierBeganMs: EpochMs | null;
  readonly isUncertain: boolean;
  readonly nextTryMs: EpochMs;
  readonly leaseUntilMs: EpochMs | null;
  readonly acceptedMs: EpochMs | null;
  readonly confirmedBy: StoredOutboxTable["confirmed_by"];
  readonly remoteId: string | null;
  readonly messageText: string | null;
  readonly errorMessage: string | null;
  readonly createdMs: EpochMs;
  readonly updatedMs: EpochMs;
  readonly sentMs: EpochMs | null;
  readonly confirmedMs: EpochMs | null;
}

/** `#14-2`: the second notification, of incident 14; `#2`: of no incident. Whoever gets it twice sees that it is the same. */
export function markOf({ number, incidentId }: Pick<Notification, "number" | "incidentId">): string {
  return incidentId === null ? `#${number}` : `#${incidentId}-${number}`;
}

export function toNotification(row: OutboxRow): Notification {
  return {
    number: row.number,
    id: row.id,
    incidentId: row.incident_id,
    reason: row.reason,
    severity: row.severity,
    event: parseEvent(row),
    onlyChannel: row.only_channel,
    digestId: row.digest_id,
    status: row.status,
    tier: row.tier,
    channel: row.channel,
    retryCount: row.retry_count,
    tierTries: row.tier_tries,
    tierBeganMs: row.tier_began_ms as EpochMs | null,
    isUncertain: row.is_uncertain === 1,
    nextTryMs: row.next_try_ms as EpochMs,
    leaseUntilMs: row.lease_until_ms as EpochMs | null,
    acceptedMs: row.accepted_ms as EpochMs | null,
    confirmedBy: row.confirmed_by,
    remoteId: row.remote_id,
    messageText: row.message_text,
    errorMessage: row.error_message,
    createdMs: row.created_ms as EpochMs,
    updatedMs: row.updated_ms as EpochMs,
    sentMs: row.sent_ms as EpochMs | null,
    confirmedMs: row.confirmed_ms as EpochMs | null,
  };
}

/** A row as it is read. */
export type OutboxRow = Omit<StoredOutboxTable, "number"> & { readonly number: number };

/** A row that another version wrote says what this one understands of it. */
function parseEvent({ event_data }: OutboxRow): NotificationEvent {
  const event = JSON.parse(event_data) as Partial<NotificationEvent>;
  return {
    version: 1,
    server: event.server ?? null,
    title: event.title ?? "A notification of another version of exim-pilot",
    notes: event.notes ?? [],
    since: event.since ?? null,
    until: event.until ?? null,
    command: event.command ?? null,
  };
}
