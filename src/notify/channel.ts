/** A channel: a way to a person. What is sent, and what comes back. */
import type { NoticeSeverity, NotificationReason } from "../store/outbox/notification.ts";
import type { ChannelType } from "./settings.ts";

/** A notification as it leaves: every text is visible, cut and without links, and its names are made up where the channel is redacted. */
export interface OutgoingNotice {
  /** UUID, the same at each try. */
  readonly id: string;
  /** `#14-2`. */
  readonly mark: string;
  readonly reason: NotificationReason;
  readonly severity: NoticeSeverity;
  readonly server: string | null;
  readonly title: string;
  readonly since: string | null;
  readonly until: string | null;
  /** One line. */
  readonly heading: string;
  /** Plain text of several lines. */
  readonly text: string;
}

export type Answer =
  /** The receiver took it. */
  | { readonly kind: "taken"; readonly remoteId?: string | undefined; readonly note?: string | undefined }
  /** It may be tried again. */
  | {
      readonly kind: "later";
      readonly error: string;
      readonly retryAfterMs?: number | undefined;
      /** The whole channel waits. */
      readonly isChannelBusy?: boolean;
      /** The receiver may have taken it all the same. */
      readonly isUncertain: boolean;
      /** Nothing answered: others would wait for nothing. */
      readonly isDown?: boolean;
    }
  /** It will never be taken. */
  | { readonly kind: "refused"; readonly error: string; readonly isUnauthorized: boolean };

export interface Channel {
  readonly name: string;
  readonly type: ChannelType;
  readonly isRedacted: boolean;
  /** Least milliseconds between two notices. */
  readonly spacingMs: number;
  /** A server of mail whose log is read: what it took is confirmed by that log. */
  readonly awaitsLog: boolean;
  /** Sends a notice. Errors: none; each failure is an answer. */
  readonly send: (notice: OutgoingNotice, signal: AbortSignal) => Promise<Answer>;
}
