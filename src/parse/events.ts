/**
 * The vocabulary: what a log line can mean. Types only.
 *
 * - *arrival*: Exim took responsibility for a message (`<=`).
 * - *envelope sender*, *return path*: the address of MAIL FROM; the empty string is the null sender `<>`.
 * - *original address*: the envelope recipient as it arrived, `<…>` on delivery lines; the identity of a recipient.
 * - *final address*: what the original became by aliasing, forwarding or local delivery; where Exim really delivered.
 * - *deferral* (`==`): a temporary failure, Exim will try again. *Failure* (`**`): a permanent one.
 * - *cutthrough* (`>>`): delivered while the client still waited, logged before the arrival.
 * - *frozen*: on the queue, not tried until thawed. *Removed*: taken off the queue by an administrator, without a bounce.
 *   *Cancelled*: taken off the queue with a bounce.
 *
 * Durations are milliseconds, sizes bytes. An optional field that is undefined was not in the line: unknown, never "no".
 */

/** The other end of a connection: `H=name (helo) [ip]:port`. */
export interface Host {
  /** Verified reverse name, or the name of the target; undefined when unknown. */
  readonly name: string | undefined;
  /** HELO or EHLO argument when it differs from the name, without its parentheses. */
  readonly helo: string | undefined;
  readonly ip: string | undefined;
  readonly port: number | undefined;
  /** The name was looked up with DNSSEC (`DS`). */
  readonly secure: boolean;
}

/** `A=authenticator:id:sender`. */
export interface Authentication {
  readonly authenticator: string;
  readonly id: string | undefined;
}

/** The address part of a delivery, deferral or failure line. */
export interface AddressPart {
  readonly final: string;
  /** Intermediate addresses in `( )`, nearest first. */
  readonly parents: readonly string[];
  readonly original: string;
}

/** An SMTP or LMTP reply found in an error text. */
export interface SmtpReply {
  /** `RCPT`, `MAIL`, `DATA`, `end of data`, `initial connection` …; undefined when the text names none. */
  readonly phase: string | undefined;
  /** Basic code, 200–599. */
  readonly code: number | undefined;
  /** Enhanced status code: `5.1.1`. */
  readonly enhancedCode: string | undefined;
  readonly isTimeout: boolean;
}

/** Fields of a line as `key, value, key, value …`, in their order, values as logged (bare flags have the value ""). */
export type Details = readonly string[];

export interface Arrival {
  readonly kind: "arrival";
  /** `(=`: the client was told "rejected" although the message was accepted (`control = fakereject`). */
  readonly fakeReject: boolean;
  readonly sender: string;
  /** `R=`: id of the message this bounce, warning or notification is about. */
  readonly parentId: string | undefined;
  /** Undefined for a message handed over on this machine. */
  readonly host: Host | undefined;
  readonly ident: string | undefined;
  readonly protocol: string | undefined;
  /** `X=`: TLS version and cipher. */
  readonly tls: string | undefined;
  readonly auth: Authentication | undefined;
  readonly sizeBytes: number | undefined;
  /** `id=` or `id*=`, as logged. */
  readonly headerMessageId: string | undefined;
  /** `T=`, decoded from its quoting. */
  readonly subject: string | undefined;
  /** `for …`; undefined without `received_recipients`. */
  readonly recipients: readonly string[] | undefined;
  readonly details: Details;
  /** Text after the last field that could be read; empty on every line Exim writes. */
  readonly residue: string;
}

/** What the three kinds of address line have in common. */
export interface AddressLine {
  readonly address: AddressPart;
  readonly router: string | undefined;
  readonly transport: string | undefined;
  readonly host: Host | undefined;
  readonly tls: string | undefined;
  /** `DT=`: how long the attempt took. */
  readonly deliveryMs: number | undefined;
  readonly details: Details;
  readonly residue: string;
}

export interface Delivery extends AddressLine {
  readonly kind: "delivery";
  readonly flag: "=>" | "->" | ">>" | "*>";
  /** `C=`: the remote reply, decoded from its quoting. */
  readonly confirmation: string | undefined;
  /** `QT=`: time this recipient spent in the queue. */
  readonly queueMs: number | undefined;
}

/** An address or a whole message thrown away on purpose: `=> :blackhole: <…>`, `=> discarded …`, `=> blackhole (…)`. */
export interface Discard {
  readonly kind: "discard";
  /** Undefined when the whole message was discarded. */
  readonly address: AddressPart | undefined;
  readonly router: string | undefined;
  readonly reason: string | undefined;
}

export interface Deferral extends AddressLine {
  readonly kind: "deferral";
  readonly errno: number;
  /** Operating system text and message: `Connection refused`, `SMTP error from … after RCPT TO:<…>: 452 …`. */
  readonly error: string;
  /** Not an attempt: Exim looked at the retry time and left the address alone. */
  readonly isRetrySkip: boolean;
  readonly reply: SmtpReply | undefined;
}

export interface Failure extends AddressLine {
  readonly kind: "failure";
  readonly error: string;
  /** Written beside the `==` of the same attempt (`retry timeout exceeded`). */
  readonly isRetryTimeout: boolean;
  readonly reply: SmtpReply | undefined;
}

export interface Completed {
  readonly kind: "completed";
  readonly queueMs: number | undefined;
}

export interface Frozen {
  readonly kind: "frozen";
  /** `delivery error message`, a login, `ACL`, `the system filter` …; undefined for a bare `Frozen`. */
  readonly by: string | undefined;
}

export interface Thawed {
  readonly kind: "thawed";
  readonly by: string;
}

/** `removed by ⟨login⟩`: outstanding recipients dropped without a bounce. */
export interface Removed {
  readonly kind: "removed";
  readonly by: string;
}

/** `cancelled by …`: outstanding recipients failed and bounced. */
export interface Cancelled {
  readonly kind: "cancelled";
  readonly by: string;
}

/** `no immediate delivery: …`: arrived, and left on the queue without a try. */
export interface Queued {
  readonly kind: "queued";
  readonly reason: string;
}

/** A queue run passed the message by: `Message is frozen`, `Spool file is locked`. */
export interface Skipped {
  readonly kind: "skipped";
  readonly reason: string;
}

/** An administrator changed the envelope of a message on the queue. */
export interface EnvelopeEdit {
  readonly kind: "envelope_edit";
  readonly action: "marked_delivered" | "recipient_added" | "sender_changed";
  readonly address: string;
  readonly by: string;
}

/** `⟨address⟩: error ignored`: a failed address whose bounce is not sent. */
export interface ErrorIgnored {
  readonly kind: "error_ignored";
  readonly address: string;
}

/** `original recipients ignored (system filter)`. */
export interface RecipientsIgnored {
  readonly kind: "recipients_ignored";
}

/** Accepted and yet gone, or named but never accepted: `rescind the above message-accept`, a connection lost after the final dot. */
export interface NotAccepted {
  readonly kind: "not_accepted";
  readonly reason: string;
}

/** `H=name [ip]: …`: one host could not take the message; others may be tried. */
export interface HostError {
  readonly kind: "host_error";
  readonly host: Host;
  readonly error: string;
  readonly reply: SmtpReply | undefined;
}

export interface QueueRun {
  readonly kind: "queue_run";
  readonly action: "start" | "end";
  readonly queue: string | undefined;
  readonly pid: number | undefined;
}

export type RejectionPhase =
  | "connect"
  | "helo"
  | "starttls"
  | "auth"
  | "mail"
  | "rcpt"
  | "data"
  | "mime"
  | "command"
  | "non_smtp"
  | "local_scan"
  | "cutthrough";

export interface Rejection {
  readonly kind: "rejection";
  readonly phase: RejectionPhase;
  readonly isTemporary: boolean;
  readonly host: Host | undefined;
  readonly ident: string | undefined;
  readonly tls: string | undefined;
  readonly auth: Authentication | undefined;
  /** `F=<…>`; undefined when the line names none. */
  readonly sender: string | undefined;
  /** The RCPT argument without its angle brackets. */
  readonly recipient: string | undefined;
  readonly reason: string | undefined;
  readonly details: Details;
}

/** Free text, or a form this version does not know: kept, counted and searchable. */
export interface Other {
  readonly kind: "other";
}

export type LogEvent =
  | Arrival
  | Delivery
  | Discard
  | Deferral
  | Failure
  | Completed
  | Frozen
  | Thawed
  | Removed
  | Cancelled
  | Queued
  | Skipped
  | EnvelopeEdit
  | ErrorIgnored
  | RecipientsIgnored
  | NotAccepted
  | HostError
  | QueueRun
  | Rejection
  | Other;

export type EventKind = LogEvent["kind"];
