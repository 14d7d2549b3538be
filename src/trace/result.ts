/** Everything known about one message as plain data: the shape of `trace --json`. Timestamps are ISO-8601 UTC. */
import type { MessageStatus, RecipientStatus } from "../message/statuses.ts";
import type { HintSubject } from "../spool/next-try.ts";
import type { NoteFacts, TagFacts } from "../store/people/people-reader.ts";
import type { Description } from "./describe-event.ts";

export interface TracedMessage {
  readonly id: string;
  readonly server: string;
  /** IANA name of the server's zone. */
  readonly timeZone: string;
  /** `exim-pilot help statuses` explains them. */
  readonly status: MessageStatus;
  readonly isFrozen: boolean;
  /** `inbound`, `submitted` (logged in), `local`, `generated` (by Exim); null when it did not arrive. */
  readonly direction: string | null;
  /** False for a message that was refused, or whose arrival is not in the log. */
  readonly hasArrived: boolean;
  /** Time of arrival, or of the first line about a message that never arrived. */
  readonly timestamp: string;
  /** Null while it may be on the queue. */
  readonly completedAt: string | null;
  /** From arrival to completion. */
  readonly queueSeconds: number | null;
  /** The envelope sender; `<>` of a bounce. */
  readonly sender: string | null;
  readonly sizeBytes: number | null;
  readonly subject: string | null;
  /** Without its angle brackets. */
  readonly headerMessageId: string | null;
  /** The client by its verified name; null for a message handed over on the server itself. */
  readonly host: string | null;
  /** Name in the client's HELO or EHLO. */
  readonly helo: string | null;
  readonly ipAddress: string | null;
  readonly port: number | null;
  /** `esmtps`, `local`: as Exim names it. */
  readonly protocol: string | null;
  /** `authenticator:account` */
  readonly auth: string | null;
  /** The local user, or what the client's ident service said. */
  readonly ident: string | null;
  /** Version and cipher. */
  readonly tls: string | null;
  /** The message this one is about. */
  readonly parentId: string | null;
  /** Messages about this one. */
  readonly childIds: readonly string[];
  /** Tags of the message, by name. */
  readonly tags: readonly string[];
  /** Accepted, and the client was told that it was rejected. */
  readonly isFakeReject: boolean;
  /** For whom it was when it was refused, as the header dump of the reject log names them. */
  readonly refusedRecipients: readonly string[];
  /** There were more, which Exim did not name. */
  readonly hasMoreRefusedRecipients: boolean;
}

export interface TracedRecipient {
  /** Address as the sender gave it; its domain in lower case. */
  readonly address: string;
  readonly status: RecipientStatus;
  readonly deliveredAt: string | null;
  /** An administrator said that it is delivered; Exim did not deliver it. */
  readonly isMarkedDelivered: boolean;
  readonly attempts: number;
  /** Time of the first deferral, by a failed try or because Exim waits for its host. */
  readonly deferredAt: string | null;
  readonly lastTriedAt: string | null;
  readonly lastError: string | null;
}

export interface TracedAttempt {
  readonly timestamp: string;
  readonly recipient: string;
  /** Address that was delivered to: an alias or a forwarding may have changed it. */
  readonly finalAddress: string;
  /** `success`, `defer`, `bounce` or `timeout`. */
  readonly status: string;
  readonly router: string | null;
  readonly transport: string | null;
  readonly host: string | null;
  readonly ipAddress: string | null;
  readonly port: number | null;
  readonly tls: string | null;
  readonly smtpCode: number | null;
  /** `4.7.1` */
  readonly enhancedCode: string | null;
  /** The command that was answered: `RCPT`, `end of data`. */
  readonly phase: string | null;
  readonly error: string | null;
  /** The remote host's reply when it accepted the message. */
  readonly confirmation: string | null;
  /** From arrival to this delivery, where the log tells it. */
  readonly queueSeconds: number | null;
  /** Duration of the attempt, in seconds. */
  readonly durationSeconds: number | null;
}

export interface TimelineItem extends Description {
  readonly timestamp: string | null;
  /** The kind of the line, as in `exim-pilot parse`. */
  readonly event: string;
  /** The logs that show it: `main`, `reject`, `panic`. */
  readonly seenIn: readonly string[];
  /** The envelope recipient it is about; null when it is about the message as a whole. */
  readonly recipient: string | null;
  /** The host it is about, by its name, else its address: the client, or one that was delivered to. */
  readonly host: string | null;
  /** The try that set the time of `retry time not reached`; null if none is known. */
  readonly retryCause: RetryCause | null;
  /** The entry as in the log, with its continuation lines; null if its text was pruned. */
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

/** A time that looks at the queue saw it there. */
export interface TracedIncident {
  readonly id: number;
  readonly severity: "critical" | "serious" | "warning";
  readonly status: "open" | "acknowledged" | "over" | "resolved" | "false_alarm";
  readonly title: string;
}

export interface TracedStay {
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
  /** The first look at all of the queue that did not see it any more; null: it may still be there. */
  readonly goneAt: string | null;
}

/** When Exim tries a recipient again, by a retry record that the last look at the spool kept. */
export interface TracedNextTry {
  readonly recipient: string;
  /** Key of the record. */
  readonly key: string;
  /** Subject of the record: `address`, `domain`, `host`, `delivery`. */
  readonly about: HintSubject;
  /** Exim does not try before, unless it is forced. */
  readonly notBefore: string;
  /** The first queue run that finds it passed; null when the log shows no steady queue runs. */
  readonly nextAbout: string | null;
  /** Past the final cut-off: the next failure bounces it. */
  readonly isExpired: boolean;
  /** When the snapshot was taken. */
  readonly seenAt: string;
}

export interface Trace {
  /** The verdict, in one sentence. */
  readonly verdict: string;
  readonly message: TracedMessage;
  readonly recipients: readonly TracedRecipient[];
  /** In the order of time. */
  readonly attempts: readonly TracedAttempt[];
  /** Every line about it, in the order of time. */
  readonly timeline: readonly TimelineItem[];
  /** When looks at the queue saw it there, the first time first. */
  readonly stays: readonly TracedStay[];
  /** Incidents that it is a part of. */
  readonly incidents: readonly TracedIncident[];
  /** None where no snapshot tells, or the log tells something newer. */
  readonly nextTries: readonly TracedNextTry[];
  /** Tags of the message, by name, with who gave them. */
  readonly tags: readonly TagFacts[];
  /** Notes about the message that the asking account may see, the oldest first; none with `--redact`. */
  readonly notes: readonly NoteFacts[];
}
