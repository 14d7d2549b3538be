/** What is known about one message, as plain data: the shape of `trace --json`. Timestamps are ISO-8601 UTC. */
import type { MessageStatus, RecipientStatus } from "../message/statuses.ts";
import type { Description } from "./describe-event.ts";

export interface TracedMessage {
  readonly id: string;
  readonly server: string;
  /** IANA name of the server's zone. */
  readonly timeZone: string;
  readonly status: MessageStatus;
  readonly isFrozen: boolean;
  readonly direction: string | null;
  /** False for a message that was refused, or whose arrival is not in the log. */
  readonly hasArrived: boolean;
  /** When it arrived; the first line about it when it has not. */
  readonly timestamp: string;
  readonly completedAt: string | null;
  readonly queueSeconds: number | null;
  readonly sender: string | null;
  readonly sizeBytes: number | null;
  readonly subject: string | null;
  readonly headerMessageId: string | null;
  readonly host: string | null;
  readonly helo: string | null;
  readonly ipAddress: string | null;
  readonly port: number | null;
  readonly protocol: string | null;
  readonly auth: string | null;
  readonly ident: string | null;
  readonly tls: string | null;
  /** The message this one is about. */
  readonly parentId: string | null;
  /** Messages about this one. */
  readonly childIds: readonly string[];
  /** What people have called it, by name. */
  readonly tags: readonly string[];
  readonly isFakeReject: boolean;
  /** For whom it was when it was refused, as the header dump of the reject log names them. */
  readonly refusedRecipients: readonly string[];
  /** There were more, which Exim did not name. */
  readonly hasMoreRefusedRecipients: boolean;
}

export interface TracedRecipient {
  readonly address: string;
  readonly status: RecipientStatus;
  readonly deliveredAt: string | null;
  /** An administrator said that it is delivered; Exim did not deliver it. */
  readonly isMarkedDelivered: boolean;
  readonly attempts: number;
  /** When it was first put off, by a failed try or because Exim waits for its host. */
  readonly deferredAt: string | null;
  readonly lastTriedAt: string | null;
  readonly lastError: string | null;
}

export interface TracedAttempt {
  readonly timestamp: string;
  readonly recipient: string;
  readonly finalAddress: string;
  readonly status: string;
  readonly router: string | null;
  readonly transport: string | null;
  readonly host: string | null;
  readonly ipAddress: string | null;
  readonly port: number | null;
  readonly tls: string | null;
  readonly smtpCode: number | null;
  readonly enhancedCode: string | null;
  readonly phase: string | null;
  readonly error: string | null;
  readonly confirmation: string | null;
  readonly queueSeconds: number | null;
  readonly durationSeconds: number | null;
}

export interface TimelineItem extends Description {
  readonly timestamp: string | null;
  readonly event: string;
  /** The logs that show it: `main`, `reject`, `panic`. */
  readonly seenIn: readonly string[];
  /** The envelope recipient it is about; null when it is about the message as a whole. */
  readonly recipient: string | null;
  /** The host it is about, by its name, else its address: the client, or one that was delivered to. */
  readonly host: string | null;
  /** Of `retry time not reached`: the try that had set the time; null when none is known. */
  readonly retryCause: RetryCause | null;
  /** As it is in the log, with its continuation lines; null when its text has been pruned. */
  readonly raw: string | null;
}

/** A try that failed for now. */
export interface RetryCause {
  /** Exim's id: of this message, or of another to the same domain. */
  readonly messageId: string;
  readonly timestamp: string;
  readonly recipient: string;
  readonly host: string | null;
  readonly error: string | null;
}

export interface Trace {
  readonly verdict: string;
  readonly message: TracedMessage;
  readonly recipients: readonly TracedRecipient[];
  readonly attempts: readonly TracedAttempt[];
  readonly timeline: readonly TimelineItem[];
}
