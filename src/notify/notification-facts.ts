/** A notification as `notify` shows it. */
import {
  markOf,
  type NoticeSeverity,
  type Notification,
  type NotificationReason,
  type NotificationStatus,
} from "../store/outbox/notification.ts";
import { type EpochMs, epochMs, toIso } from "../units.ts";

export interface NotificationFacts {
  readonly number: number;
  /** UUID: in the Message-ID, the idempotency key, the transaction id. */
  readonly id: string;
  /** Its name in the text: `#14-2`. */
  readonly mark: string;
  readonly status: NotificationStatus;
  readonly severity: NoticeSeverity;
  readonly reason: NotificationReason;
  readonly server: string | null;
  readonly title: string;
  readonly notes: readonly string[];
  readonly since: string | null;
  readonly until: string | null;
  readonly incident: number | null;
  /** Channel that it was last sent to. */
  readonly channel: string | null;
  /** 1 is the first; null: it was not sent yet. */
  readonly tier: number | null;
  /** Times it went back to pending. */
  readonly retryCount: number;
  /** A try without a known result may have arrived. */
  readonly mayHaveArrived: boolean;
  /** `reply`: of the receiver; `log`: our log shows the delivery; `fallback`: of the receiver, as no log showed the delivery. */
  readonly confirmedBy: Notification["confirmedBy"];
  /** The receiver's name of it; of mail its Message-ID. */
  readonly remoteId: string | null;
  readonly error: string | null;
  /** ISO-8601 UTC, as all times. */
  readonly createdAt: string;
  readonly sentAt: string | null;
  /** A server of mail took it, and its log is awaited. */
  readonly acceptedAt: string | null;
  readonly confirmedAt: string | null;
  readonly nextTryAt: string | null;
}

export function toNotificationFacts(notification: Notification): NotificationFacts {
  const { event, status, nextTryMs, createdMs, sentMs } = notification;
  const iso = (at: EpochMs | null): string | null => (at === null ? null : toIso(at));
  return {
    number: notification.number,
    id: notification.id,
    mark: markOf(notification),
    status,
    severity: notification.severity,
    reason: notification.reason,
    server: event.server,
    title: event.title,
    notes: event.notes,
    since: event.since,
    until: event.until,
    incident: notification.incidentId,
    channel: notification.channel,
    tier: sentMs === null ? null : notification.tier + 1,
    retryCount: notification.retryCount,
    mayHaveArrived: notification.isUncertain && status !== "confirmed",
    confirmedBy: notification.confirmedBy,
    remoteId: notification.remoteId,
    error: notification.errorMessage,
    createdAt: toIso(createdMs),
    sentAt: iso(sentMs),
    acceptedAt: iso(notification.acceptedMs),
    confirmedAt: iso(notification.confirmedMs),
    nextTryAt: status === "pending" ? toIso(epochMs(Math.max(nextTryMs, createdMs))) : null,
  };
}
