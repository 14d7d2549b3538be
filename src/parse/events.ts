/**
 * The vocabulary: what a log line can mean. Types only.
 *
 * - *arrival*: Exim took responsibility for a message (`<=`).
 * - *envelope sender*, *return path*: the address of MAIL FROM; the empty string is the null sender `<>`.
 * - *original address*: the envelope recipient as it arrived, `<…>` on delivery lines; the identity of a recipient.
 * - *final address*: what the original became by aliasing, forwarding or local delivery; where Exim really delivered.
 * - *deferral* (`==`): a temporary failure, Exim will try again. *Failure* (`**`): a permanent one.
 * - *cutthrough* (`>>`): delivered while the client still waited, logged before the arrival.
 * - *fields*: `KEY=value` pairs and bare flags. Those with no property of their own are in `details`, also keys unknown here.
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
  /** Text after the colon, if it is no number that can be represented exactly. */
  readonly portText?: string;
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

/** Fields common to the three kinds of address line. */
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

/**
 * An address or a whole message thrown away on purpose: `=> :blackhole: <…>`, `=> discarded …`, `=> blackhole (…)`; also a
 * recipient that an ACL accepted only to drop it, before there was a message: `RCPT <…>: discarded by RCPT ACL`.
 */
export interface Discard {
  readonly kind: "discard";
  /** Undefined when the whole message was discarded. */
  readonly address: AddressPart | undefined;
  readonly router: string | undefined;
  /** The client, and the sender it named, where an ACL discarded. */
  readonly host: Host | undefined;
  readonly sender: string | undefined;
  readonly reason: string | undefined;
  readonly details: Details;
}

export interface Deferral extends AddressLine {
  readonly kind: "deferral";
  /** Undefined when it is no number that can be told exactly; its text is then among the details, as `defer`. */
  readonly errno: number | undefined;
  /** Operating system text and message: `Connection refused`, `SMTP error from … after RCPT TO:<…>: 452 …`. */
  readonly error: string;
  /** No attempt was made: the retry time was not reached, so Exim skipped the address. */
  readonly isRetrySkip: boolean;
  readonly reply: SmtpReply | undefined;
}

export interface Failure extends AddressLine {
  readonly kind: "failure";
  readonly error: string;
  /** No attempt of its own: the retry time is over (`retry timeout exceeded`, beside the `==` of the last attempt), or that of all hosts. */
  readonly isRetryTimeout: boolean;
  readonly reply: SmtpReply | undefined;
}

export interface Completed {
  readonly kind: "completed";
  readonly queueMs: number | undefined;
  /** Only there when the duration is unknown: its text. */
  readonly details?: Details;
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

/**
 * Accepted and yet gone, or named but never accepted: `rescind the above message-accept`, a connection lost after the final dot,
 * a message handed over on this machine without a recipient.
 */
export interface NotAccepted {
  readonly kind: "not_accepted";
  readonly host: Host | undefined;
  /** The whole text. */
  readonly reason: string;
  readonly details: Details;
}

/** `H=name [ip]: …`: one host could not take the message; others may be tried. */
export interface HostError {
  readonly kind: "host_error";
  readonly host: Host;
  readonly error: string;
  readonly reply: SmtpReply | undefined;
  readonly details: Details;
}

export interface QueueRun {
  readonly kind: "queue_run";
  /** `abandon`: given up, or not begun, since the load was too high. */
  readonly action: "start" | "end" | "abandon";
  readonly queue: string | undefined;
  readonly pid: number | undefined;
  /** Options of the queue run: `-qff -R bigmail`. */
  readonly options: string | undefined;
  /** Why it was abandoned. */
  readonly reason: string | undefined;
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
  /** `F=<…>`, or the MAIL argument without its angle brackets; undefined when the line names none. */
  readonly sender: string | undefined;
  /** The RCPT argument without its angle brackets. */
  readonly recipient: string | undefined;
  /** The command that an ACL refused and its argument: `EXPN team@example.org`, `AUTH PLAIN`; undefined of those above, and of data. */
  readonly command: string | undefined;
  /** The SMTP code, where the line tells it: failed logins, messages of ACLs that begin with one, what the next host said in a cutthrough. */
  readonly code: number | undefined;
  readonly reason: string | undefined;
  readonly details: Details;
}

/** The remote side of an incoming session, as far as its line says. */
export interface SessionClient {
  /** Undefined for a session with a process of this machine. */
  readonly host: Host | undefined;
  /** Ident or login name. */
  readonly ident: string | undefined;
  readonly tls: string | undefined;
  readonly auth: Authentication | undefined;
  /** `F=<…>` or `from <…>`; undefined when the line names none. */
  readonly sender: string | undefined;
  readonly details: Details;
}

/**
 * - `open`, `closed`: the connection; `reason` of the end: `QUIT`, `DROP in ACL`.
 * - `lost`: the other side went away. `timeout`: it fell silent.
 * - `no_mail`: it ended without a message. `incomplete`: a transaction was begun and not finished.
 * - `command`: ETRN, ATRN and the like were asked for. `syntax_error`, `protocol_error`: what was said made no sense.
 * - `note`: anything else about the session.
 */
export type SessionAction =
  | "open"
  | "closed"
  | "lost"
  | "timeout"
  | "no_mail"
  | "incomplete"
  | "command"
  | "syntax_error"
  | "protocol_error"
  | "note";

/** An incoming SMTP session: its beginning, its end, or what went wrong in between. */
export interface Session extends SessionClient {
  readonly kind: "session";
  readonly action: SessionAction;
  /** Accepted recipients of an incomplete transaction. */
  readonly recipients: readonly string[] | undefined;
  /** The command in question, as the client wrote it, escaped for printing. */
  readonly command: string | undefined;
  /** `C=`: the commands of the session, in their order; `...` stands for the first ones of many. */
  readonly commands: readonly string[] | undefined;
  /** Connections open at the time. */
  readonly connections: number | undefined;
  readonly durationMs: number | undefined;
  readonly reason: string | undefined;
}

/** An address that could not be verified: `sender verify fail for <…>`, `VRFY failed for …`. */
export interface Verification extends SessionClient {
  readonly kind: "verification";
  readonly subject: "sender" | "recipient";
  readonly isTemporary: boolean;
  readonly address: string | undefined;
  readonly reason: string | undefined;
}

/**
 * - `error`: the TLS of a connection failed. `unencrypted`: it failed, and the mail went without.
 * - `certificate`: a certificate did not verify, and Exim went on. `dane`, `ocsp`: why a connection was refused.
 */
export type TlsProblem = "error" | "unencrypted" | "certificate" | "dane" | "ocsp";

export interface Tls {
  readonly kind: "tls";
  readonly problem: TlsProblem;
  readonly host: Host | undefined;
  readonly ident: string | undefined;
  readonly reason: string;
  readonly details: Details;
}

/** Result of a signature or of a policy of the sender's domain: `DKIM: d=… [verification succeeded]`. */
export interface Signature {
  readonly kind: "signature";
  readonly mechanism: "dkim" | "arc" | "spf" | "dmarc";
  /** `error`: it could not be checked, or not be made. */
  readonly result: "pass" | "fail" | "invalid" | "none" | "error";
  readonly domain: string | undefined;
  readonly selector: string | undefined;
  readonly reason: string | undefined;
  readonly details: Details;
}

/** A scanner could not do its work, or says what it found. */
export interface Scan {
  readonly kind: "scan";
  readonly scanner: "malware" | "spam";
  readonly reason: string;
}

export interface Dns {
  readonly kind: "dns";
  /** `local_host`: the MX records lead back to this machine. `list`: a DNS list gave no usable answer. */
  readonly problem: "no_name" | "no_address" | "local_host" | "cname_loop" | "slow" | "list";
  /** The name or address that was looked up. */
  readonly name: string;
  readonly reason: string | undefined;
}

export interface Daemon {
  readonly kind: "daemon";
  readonly action: "started" | "restarting" | "terminating" | "problem";
  readonly version: string | undefined;
  readonly pid: number | undefined;
  /** Listening sockets and interval of queue runs, or the problem. */
  readonly reason: string | undefined;
}

/** `cwd=… 3 args: …`: Exim was called. */
export interface Invocation {
  readonly kind: "invocation";
  /** Undefined on the continuation of a long line. */
  readonly directory: string | undefined;
  /** The program and its arguments as logged. */
  readonly command: string;
  /** The same in parts; undefined when it cannot be told where they part. */
  readonly args: readonly string[] | undefined;
}

/** Something about the files of the queue or the hints databases. */
export interface Spool {
  readonly kind: "spool";
  readonly action: "error" | "moved";
  /** Former place of a moved message; for an error, the file concerned. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly reason: string;
}

/** A mistake in the configuration, a filter or an alias file. */
export interface Configuration {
  readonly kind: "configuration";
  /** `queryprog router`, `system filter`, a line of a file; undefined when the line names nothing. */
  readonly subject: string | undefined;
  readonly reason: string;
}

/** An ACL, or Exim itself, draws attention to something. */
export interface Warning extends SessionClient {
  readonly kind: "warning";
  readonly reason: string;
}

/** The first line that the command of a pipe wrote. */
export interface Output {
  readonly kind: "output";
  readonly address: string;
  readonly transport: string;
  readonly line: string;
}

/** Exim itself is in trouble: a crash, a log that cannot be written, a process that vanished. */
export interface Panic {
  readonly kind: "panic";
  /** `SIGSEGV`, or the number of the signal. */
  readonly signal: string | undefined;
  readonly reason: string;
}

/** An address of the envelope or of a header line was rewritten, or could not be. */
export interface Rewrite {
  readonly kind: "rewrite";
  readonly address: string | undefined;
  /** `env-from`, `from:`, `smtp recipient` …. */
  readonly place: string | undefined;
  readonly result: string | undefined;
  /** `rule 1`, `submission mode`. */
  readonly by: string | undefined;
  /** Why it could not be. */
  readonly reason: string | undefined;
}

/** Answer about one recipient of several, given after the data of the message (PRDR). */
export interface Prdr {
  readonly kind: "prdr";
  readonly recipient: string;
  /** Undefined where the line has only the words of the ACL. */
  readonly verdict: "acceptance" | "refusal" | "temporary_refusal" | undefined;
  readonly reason: string | undefined;
}

/** Owner of a message, as hosting panels log it: `Sender identification U=… D=… S=…`. */
export interface Identification {
  readonly kind: "identification";
  readonly host: Host | undefined;
  readonly user: string | undefined;
  readonly sender: string | undefined;
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
  | Session
  | Verification
  | Tls
  | Signature
  | Scan
  | Dns
  | Daemon
  | Invocation
  | Spool
  | Configuration
  | Warning
  | Output
  | Panic
  | Rewrite
  | Prdr
  | Identification
  | Other;

export type EventKind = LogEvent["kind"];

/** Kinds of entry: an event, or a line without a stamp that belongs to no entry. */
export type EntryKind = EventKind | "unparsed";
