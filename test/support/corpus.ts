/**
 * Logs that real Exim binaries wrote, with a record beside them of what happened to every message: `fixtures/corpus` (see its README).
 *
 * The record was made from the driver's SMTP sessions, the receiving hosts, the mailboxes and the spool; no log was read to make it.
 * Times in it are Unix times in seconds, with fractions, unless a field says otherwise.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** One run of Exim: its logs and the truth about them. */
export interface Corpus {
  /** "default (trimmed)" or "default (full)". */
  readonly name: string;
  /** The folder's name, which says how Exim logged: see the README. */
  readonly profile: string;
  readonly directory: string;
  readonly logs: { readonly main: string; readonly reject?: string; readonly panic?: string };
  /** Read on first use: the full ones are large. */
  readonly truth: Truth;
}

/** A run of Exim that logged through syslog. */
export type SyslogCorpus = Omit<Corpus, "logs"> & { readonly logs: { readonly syslog: string } };

/** Fate of one address of one message. */
export interface RecipientFate {
  /** The driver's number of the message, "L00001": the only key every message has. */
  readonly lab: string;
  /** Exim's id; undefined where the driver was told none (most refused messages have one in the log nevertheless). */
  readonly messageId: string | undefined;
  /** Address as the driver wrote it: case, quotes and a missing domain are kept. An address given twice is listed twice. */
  readonly recipient: string;
  readonly fate: TruthFate;
}

/** The fates that have one wording. */
export const PLAIN_FATES = [
  /** Every destination of the address that was expected got it. */
  "delivered",
  /** A bounce that names the address, or a destination of it, arrived. */
  "bounced",
  /** It failed, and its bounce could not be delivered and is gone too. */
  "bounced-undeliverable (bounce gone)",
  /** It failed, and its bounce is frozen on the queue at the end. */
  "bounced-undeliverable (bounce frozen on queue)",
  /** Accepted and thrown away on purpose. */
  "discarded",
  /** Still on the queue at the end. */
  "queued",
  /** Still on the queue at the end, and frozen. */
  "frozen",
  /** Taken off the queue by an administrator. */
  "removed",
  /** Refused with a 5xx reply to RCPT, to the data or to PRDR; or by the exit code of a local submission. */
  "rejected",
  /** The same with a 4xx reply. */
  "rejected-temporarily",
  /** The client went away in the data. */
  "not-completed",
  /** RCPT was not answered: MAIL was refused, or there was no session. The message got no id. */
  "no-response",
  /** Submitted under -N, which delivers nothing. */
  "suppressed",
  /** Accepted, then gone without a trace: an Exim bug. */
  "lost",
  /** The driver expected nothing in particular, and found nothing. */
  "nothing seen",
] as const;

/**
 * A fate in the words of the truth. The last two list what was found, with `, ` between:
 * "seen: bounce:a@b.example, mbox:bob" where nothing was expected in particular (for the message as a whole: every address of it has
 * the same), and "mixed: mbox:alice=delivered, bounce:ghost@example.org=bounced" where the destinations of one address differ.
 */
export type TruthFate = (typeof PLAIN_FATES)[number] | `seen: ${string}` | `mixed: ${string}`;

/** A fate without the list behind it; these are the keys of {@link TruthSummary.rcpt_fates}. */
export type TruthFateKind = (typeof PLAIN_FATES)[number] | "seen" | "mixed";

export interface Truth {
  readonly profile: string;
  /** First line of `exim -bV`. */
  readonly exim_version: string;
  readonly primary_hostname: string;
  /** Value as configured. */
  readonly log_selector: string;
  /** True if stamps carry their offset. */
  readonly log_timezone: boolean;
  /** IANA name of the zone the log was written in. */
  readonly timezone: string;
  readonly note: string;
  readonly start: number;
  readonly end: number;
  /** `end` as local time: "2026-03-10 17:27:41 +0000". */
  readonly end_local: string;
  readonly summary: TruthSummary;
  /** Every message the driver tried to hand in, in the order it began them. */
  readonly messages: readonly TruthMessage[];
  /** Messages Exim made itself (bounces, warnings, autoreplies) that arrived somewhere. */
  readonly generated_messages_seen: readonly TruthGeneratedMessage[];
  readonly queue_at_end: readonly TruthQueueEntry[];
  /** In order of time; the last is the end. */
  readonly queue_snapshots: readonly TruthQueueSnapshot[];
  /** Actions on the command line, in order of time. */
  readonly admin_actions: readonly TruthAdminAction[];
  readonly queue_runs: readonly TruthQueueRun[];
  /** Events at the receiving hosts. Trimmed corpora keep the kinds "accepted" and "refused" only: others name no message. */
  readonly sink_events: readonly TruthSinkEvent[];
  /** Empty in every corpus. */
  readonly notes: readonly string[];
}

export interface TruthSummary {
  /** `messages.length` */
  readonly messages_tried: number;
  readonly messages_with_exim_id: number;
  /** Addresses by the kind of their fate; kinds that do not occur are left out. */
  readonly rcpt_fates: { readonly [Kind in TruthFateKind]?: number };
  /** Sink events of kind "accepted". */
  readonly sink_accepted: number;
  /** `sink_events.length` */
  readonly sink_events: number;
  /** Copies in mailboxes, of submitted and of generated messages. */
  readonly mailbox_messages: number;
  readonly pipe_runs: number;
  /** `queue_at_end.length` */
  readonly queue_at_end: number;
  readonly frozen_at_end: number;
  /** Addresses whose `as_expected` is false. */
  readonly not_as_expected: number;
  /** SMTP sessions of the driver, those without a message too. Not in trimmed corpora. */
  readonly smtp_sessions?: number;
  /** Refusals by command and class: "RCPT 5xx". Not in trimmed corpora. */
  readonly refused_commands?: Readonly<Record<string, number>>;
}

interface TruthMessageBase {
  /** The driver's number, "L00001", also in the header X-Lab-Id; unique, rising. */
  readonly n: string;
  /** Scenario: "local-plain", "admin-Mrm". Not unique. */
  readonly scenario: string;
  /** Envelope sender, "" for a bounce. */
  readonly mail_from: string;
  /** Envelope recipients in the order they were given. One named "-" stands for "no recipient was given". */
  readonly rcpts: readonly TruthRecipient[];
  /** null: the header is missing. */
  readonly subject: string | null;
  /** Message-ID without its angle brackets; missing where the driver sent none. Not unique. */
  readonly message_id?: string;
  readonly submitted_at: number;
  /** Octets handed in; Exim's S= is larger, for it adds headers. */
  readonly size_sent: number;
  /** Reply to the end of the data, or "command rc 0"; missing where it did not come to that. Newlines separate the lines of a reply. */
  readonly final_response?: string;
  /** Exim's id; missing where neither the reply nor a received copy nor the spool told it. */
  readonly exim_id?: string;
  readonly exim_id_from?: "smtp response" | "received header or spool file";
  /** Addresses an administrator added with -Mar. */
  readonly added_rcpts?: readonly string[];
  readonly accepted: boolean;
  readonly seen: TruthSeen;
}

export interface TruthSmtpMessage extends TruthMessageBase {
  readonly via: "smtp";
  /** Number of the SMTP session; sessions hand in several messages. */
  readonly session: number;
  readonly client: TruthSmtpClient;
  /** Reply to MAIL; null when the session ended before. */
  readonly mail_response: string | null;
  /** Reply to DATA; null with BDAT, missing where no DATA was sent. */
  readonly data_response?: string | null;
  /** Replies by recipient after the data, where PRDR was in use. */
  readonly prdr?: readonly string[];
}

export interface TruthCommandMessage extends TruthMessageBase {
  readonly via: "command";
  readonly client: TruthCommandClient;
  readonly command_rc: number;
  /** Output of Exim. */
  readonly command_out: string;
}

export type TruthMessage = TruthSmtpMessage | TruthCommandMessage;

export interface TruthSmtpClient {
  /** null: the connection failed. */
  readonly ip: string | null;
  readonly port: number;
  /** null: no HELO was given. */
  readonly helo: string | null;
  /** Protocol, cipher and "clientcert" if there was one; null: no TLS. */
  readonly tls: readonly [protocol: string, cipher: string, certificate: "" | "clientcert"] | null;
  readonly auth: string | null;
}

export interface TruthCommandClient {
  readonly user: string;
  /** Without the program's name. */
  readonly args: readonly string[];
}

export interface TruthRecipient {
  /** Address as the driver wrote it: case, quotes and a missing domain are kept. */
  readonly addr: string;
  /**
   * Expected fates, by destination: "mbox:alice", "maildir:/home/carol/Maildir", "file:…", "pipe:…", "sink:a@b.example" (delivered
   * there), "bounce:a@b.example", "bouncefail:…", "queued:…", "removed-frozen:…", or without a destination "rejected", "discarded",
   * "removed", "frozen", "suppressed", "unknown". A "?" at the end: optional. " || " separates alternatives.
   */
  readonly expect: readonly string[];
  /** Reply to RCPT, or "command rc 0"; missing where there was none. */
  readonly response?: string;
  /** Reply for this recipient after the data, where PRDR was in use. */
  readonly prdr_response?: string;
  readonly fate: TruthFate;
  /** null: nothing was expected in particular. */
  readonly as_expected: boolean | null;
}

/** Places where copies and bounces of a message arrived. */
export interface TruthSeen {
  readonly sink_accepts: readonly TruthSinkAccept[];
  readonly mailboxes: readonly TruthMailboxCopy[];
  readonly pipes: readonly TruthPipeRun[];
  readonly bounces: readonly TruthBounce[];
  /** The message on the queue at the end: none or one. */
  readonly queued: readonly TruthQueued[];
  /** Its bounces on the queue at the end. */
  readonly queued_bounces: readonly TruthQueuedBounce[];
  /** True if an administrator removed it. */
  readonly removed: boolean;
}

/** One recipient accepted by a receiving host. */
export interface TruthSinkAccept {
  readonly rcpt: string;
  readonly host: string;
  /** Or "unix" for LMTP through a socket. */
  readonly ip: string;
  readonly t: number;
  readonly reply: TruthReply;
  readonly tls: string | null;
  readonly exim_id: string;
}

/** A reply of several lines is a list. */
export type TruthReply = string | readonly string[];

export interface TruthMailboxCopy {
  /** "mbox:alice", "maildir:/home/carol/Maildir", "file:/home/archive/all.mbox". */
  readonly target: string;
  /** From the header Envelope-To; empty where the transport adds none. */
  readonly envelope_to: readonly string[];
  readonly exim_id: string;
  /** From the header Delivery-Date, as it stands there. */
  readonly delivery_date: string | null;
}

export interface TruthPipeRun {
  /** Without the program's name. */
  readonly args: readonly string[];
  readonly envelope_to: readonly string[];
  readonly exim_id: string;
}

export interface TruthBounce {
  /** The address that failed, as the bounce names it: with aliases, the final one. */
  readonly addr: string;
  /** Place where the bounce arrived: "mbox:alice" or "sink:app@partner.example". */
  readonly where: string;
  readonly bounce_exim_id: string;
}

export interface TruthQueued {
  readonly id: string;
  readonly pending: readonly string[];
  readonly delivered: readonly string[];
  /** Time when it froze, in whole seconds; false if it is not frozen. */
  readonly frozen: number | false;
}

export interface TruthQueuedBounce {
  readonly id: string;
  readonly frozen: number | false;
  readonly pending: readonly string[];
}

export interface TruthGeneratedMessage {
  readonly exim_id: string;
  /** The header Auto-Submitted; null: missing. */
  readonly auto_submitted: "auto-replied" | "auto-generated" | null;
  readonly subject: string;
  /** The driver's number of the message it is about, where it quotes that. */
  readonly about_lab: string | null;
  readonly about_exim_id: string | null;
  /** Only bounces have them. */
  readonly failed_rcpts: readonly string[] | null;
  /** Place where it arrived: "mbox:alice" or "sink:app@partner.example". */
  readonly where: string;
}

export interface TruthQueueEntry {
  /** Below the spool folder: "input/…-H", or "bulk/input/…-H" for the named queue. */
  readonly file: string;
  readonly id: string;
  readonly user: string;
  /** In angle brackets: "<>". */
  readonly sender: string;
  /** In whole seconds. */
  readonly received_at: number;
  /** Time when it froze, in whole seconds; false if it is not frozen. */
  readonly frozen: number | false;
  readonly ident?: string;
  readonly auth_id?: string;
  /** "[203.0.113.190]:53539" */
  readonly host_address?: string;
  readonly received_protocol: string;
  readonly recipients: readonly string[];
  readonly delivered: readonly string[];
  readonly pending: readonly string[];
  /** The driver's number of the message; null: Exim made it. */
  readonly lab: string | null;
  /** The driver's number of the message that a bounce is about. */
  readonly about?: string;
}

export interface TruthQueueSnapshot {
  readonly tag: "hour10" | "day2" | "end";
  readonly t: number;
  readonly local: string;
  /** Length of the logs at that time: as many bytes and lines show the queue as it was. */
  readonly mainlog_bytes: number;
  readonly mainlog_lines: number;
  readonly rejectlog_bytes: number;
  readonly queue: readonly TruthQueueEntry[];
}

export interface TruthAdminAction {
  readonly t: number;
  /** With the program's name. */
  readonly args: readonly string[];
  readonly note: string;
  readonly rc: number;
  readonly out: string;
}

export interface TruthQueueRun {
  readonly t: number;
  readonly args: readonly string[];
  readonly rc: number;
}

/** Something a receiving host saw. */
export interface TruthSinkEvent {
  readonly kind: "accepted" | "refused" | "rcpt" | "aborted" | "banner" | "mail_reply" | "data_reply";
  /** Counts the events of the run. */
  readonly n: number;
  readonly t: number;
  readonly host: string;
  readonly ip: string;
  /** Absent with "aborted". */
  readonly reply?: TruthReply;
  /** Absent with "banner". */
  readonly mail?: string | null;
  /** With "rcpt", "accepted" and "refused". */
  readonly rcpt?: string;
  /** With "aborted" (each with the reply it got) and "data_reply". */
  readonly rcpts?: readonly (string | { readonly addr: string; readonly reply: TruthReply })[];
  /** With "aborted": how the session ended. */
  readonly why?: string;
  // The rest: with "accepted" and "refused" only.
  readonly tls?: string | null;
  readonly auth?: string | null;
  readonly size?: number;
  /** Parameters of MAIL. */
  readonly params?: string;
  /** The driver's number; null: Exim made the message. */
  readonly lab?: string | null;
  /** From the Received headers: one. */
  readonly exim_ids?: readonly string[];
  readonly subject?: string;
  /** LMTP: this reply is for this recipient alone. */
  readonly per_rcpt?: true;
  /** The header Auto-Submitted. */
  readonly auto?: string;
  /** The message that a generated message is about. */
  readonly about?: string;
  readonly about_exim_id?: string;
  readonly failed_rcpts?: readonly string[];
}

const TRIMMED = new URL("../../fixtures/corpus/", import.meta.url);
/** The untrimmed logs are no part of the project; they are used where they lie next to it. */
const FULL = new URL("../../../shared/corpus/", import.meta.url);

/** The corpora that are there: the trimmed ones, and the full ones where their folder exists. Sorted by profile within each. */
export function corpusProfiles(): Corpus[] {
  return [...corporaIn(fileURLToPath(TRIMMED), "trimmed"), ...corporaIn(fileURLToPath(FULL), "full")];
}

/** The corpora whose log came through syslog; only full ones have it. */
export function syslogCorpora(): SyslogCorpus[] {
  const folder = fileURLToPath(FULL);
  return profilesIn(folder, "syslog").map((profile) => {
    const directory = join(folder, profile);
    return openCorpus(directory, profile, `${profile} (full)`, { syslog: join(directory, "syslog") });
  });
}

function corporaIn(folder: string, extent: "trimmed" | "full"): Corpus[] {
  return profilesIn(folder, "mainlog").map((profile) => {
    const directory = join(folder, profile);
    const [reject, panic] = [join(directory, "rejectlog"), join(directory, "paniclog")];
    return openCorpus(directory, profile, `${profile} (${extent})`, {
      main: join(directory, "mainlog"),
      ...(existsSync(reject) && { reject }),
      ...(existsSync(panic) && { panic }),
    });
  });
}

/** The folders that hold the log and the truth about it. */
function profilesIn(folder: string, log: "mainlog" | "syslog"): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .filter((profile) => [log, "TRUTH.json"].every((file) => existsSync(join(folder, profile, file))));
}

function openCorpus<Logs>(directory: string, profile: string, name: string, logs: Logs) {
  let truth: Truth | undefined;
  return {
    name,
    profile,
    directory,
    logs,
    get truth(): Truth {
      truth ??= readTruth(directory);
      return truth;
    },
  };
}

/** Reads `TRUTH.json` of a profile's folder; its shape is taken on trust. */
export function readTruth(directory: string): Truth {
  return JSON.parse(readFileSync(join(directory, "TRUTH.json"), "utf8")) as Truth;
}

/** Fate of every address of every message that was tried, rejected ones included, in the order given. */
export function recipientFates(truth: Truth): RecipientFate[] {
  return truth.messages.flatMap((message) =>
    message.rcpts.map(({ addr, fate }) => ({
      lab: message.n,
      messageId: message.exim_id,
      recipient: addr,
      fate,
    })),
  );
}

/** "seen: mbox:bob" is of the kind "seen"; the plain fates are their own kind. */
export function fateKind(fate: TruthFate): TruthFateKind {
  const [kind = fate] = fate.split(": ", 1);
  return kind as TruthFateKind;
}
