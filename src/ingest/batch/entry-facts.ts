/** Turns an event into the facts that are stored: pure functions, so that another thread can call them. */
import { normaliseAddress } from "../../message/address.ts";
import { categoriseFailure, operatorOf } from "../../message/failure-category.ts";
import { rankOf } from "../../message/order.ts";
import { categoriseRejection, type RejectionSigns } from "../../message/rejection-category.ts";
import type { FailureCategory } from "../../message/reply-rules.ts";
import { sessionTrouble } from "../../message/session-trouble.ts";
import { type RecipientEvent, recipientEvent } from "../../message/state.ts";
import type { Authentication, Host, LogEvent, Session, SessionAction, SmtpReply } from "../../parse/events.ts";
import type { HeaderDump } from "../../parse/header-dump.ts";
import { plainHost } from "../../parse/host.ts";
import type { ParsedEntry } from "../../parse/record.ts";
import { remember } from "../../store/database/bounded-map.ts";
import { type TemplateValues, toTemplate } from "../../store/schema/error-templates.ts";
import { detach } from "../../text.ts";
import { type EpochMs, type Moment, momentAt } from "../../units.ts";
import type { HeaderDumpFacts } from "./encoded-batch.ts";
import { formatAuthentication, metadataOf } from "./metadata.ts";

/** The moment of an entry whose stamp is at `ms`. */
export function momentOf({ event, text }: ParsedEntry, ms: EpochMs): Moment {
  return momentAt(ms, rankOf(event, text));
}

/** The event of a line about one recipient, its error as a template; undefined if it names none. */
export function storedEvent(event: LogEvent, at: Moment): RecipientEvent | undefined {
  const stated = recipientEvent(event, at);
  if (stated?.error === undefined) return stated;
  return { ...stated, error: toTemplate(stated.error, { recipient: stated.recipient }) };
}

/** The fields without a column, as a JSON array of key, value, key, value …; undefined when there are none. `text`: of the line. */
export function detailsOf(event: LogEvent, text: string): string | undefined {
  const finding = findingOf(event, text);
  const metadata = metadataOf(event);
  if (finding.length === 0) return metadata.length === 0 ? undefined : toJson(metadata);
  return toJson([...finding, ...metadata]);
}

/** The program's own finding about a line, put first among its details: filters and figures look for it there. */
function findingOf(event: LogEvent, text: string): readonly string[] {
  switch (event.kind) {
    case "host_error":
      return ["category", failureCategory(event.reply, event.error, event.host?.name)];
    case "signature":
      return ["signature", `${event.mechanism}=${event.result}`];
    case "scan":
      return spamScoreIn(`${event.scanner} ${event.reason}`);
    case "rejection":
    case "warning":
      return spamScoreIn(event.reason);
    case "other":
      return spamScoreIn(text);
    case "configuration":
    case "daemon":
    case "spool":
      return PANIC.test(text) ? ["panic", event.kind] : [];
    default: {
      const trouble = sessionTrouble(event);
      return trouble === undefined ? [] : ["trouble", trouble];
    }
  }
}

/** Score of a spam scanner, where a line states it in one of the usual ways. */
function spamScoreIn(text: string | undefined): readonly string[] {
  if (text === undefined || !ABOUT_SPAM.test(text)) return [];
  const score = SPAM_SCORE.exec(text);
  return score === null ? [] : ["spam_score", score[1] ?? score[2] ?? ""];
}

const ABOUT_SPAM = /spam|\bscore=\S{1,16} required=/i;
/**
 * `SA: Action: permanently rejected message: score=17.3 required=5.0`, `Message scored 12.3 spam points`, and as cPanel warns:
 * `"SpamAssassin as alice detected message as NOT spam (-1.9)"`.
 */
const SPAM_SCORE =
  /\bscore[sd]?(?: (?:is|of|was))?[:=]? ?\(?(-?\d{1,6}(?:\.\d{1,6})?)(?![\w.])|\bas (?:NOT )?spam \((-?\d{1,6}(?:\.\d{1,6})?)\)/i;

/** Lines that Exim also writes to its panic log, whichever log is read. Source: exim-log-grammar §13. */
const PANIC =
  /^Exim configuration error|: daemon abandoned$|^(?:Failed to create spool file|spool file write error|failed to write journal)/;

const NEEDS_ESCAPE = /[^ !#-[\]-~]/;

/** JSON.stringify, several times as fast where no character needs an escape. */
function toJson(details: readonly string[]): string {
  for (const part of details) if (NEEDS_ESCAPE.test(part)) return JSON.stringify(details);
  return `["${details.join('","')}"]`;
}

/** The remote side of a line that is no arrival, no rejection and not about a recipient, and what went wrong. */
export interface Client {
  readonly host: Host | undefined;
  readonly sender: string | undefined;
  readonly recipient: string | undefined;
  readonly auth: string | undefined;
  /** A template. */
  readonly error: string | undefined;
  readonly reply: SmtpReply | undefined;
}

/** Undefined when the line tells none of it. */
export function clientOf(event: LogEvent, text: string): Client | undefined {
  const { host, sender, recipient, auth } = otherEndOf(event);
  const error = errorOf(event, text);
  if ((host ?? sender ?? recipient ?? auth ?? error) === undefined) return undefined;
  const addresses = {
    sender: sender === undefined ? undefined : normaliseAddress(sender),
    recipient: recipient === undefined ? undefined : normaliseAddress(recipient),
  };
  return {
    host,
    ...addresses,
    auth: formatAuthentication(auth),
    error: error === undefined ? undefined : toTemplate(error, { ip: host?.ip, ...addresses }),
    reply: event.kind === "host_error" ? event.reply : undefined,
  };
}

const ADDRESS = /^[\da-fA-F.:]+$/;

interface OtherEnd {
  readonly host?: Host | undefined;
  readonly sender?: string | undefined;
  readonly recipient?: string | undefined;
  readonly auth?: Authentication | undefined;
}

function otherEndOf(event: LogEvent): OtherEnd {
  switch (event.kind) {
    case "session":
    case "warning":
      return { host: event.host, sender: event.sender, auth: event.auth };
    case "verification":
      return event.subject === "sender"
        ? { host: event.host, sender: event.address, auth: event.auth }
        : { host: event.host, sender: event.sender, recipient: event.address, auth: event.auth };
    case "discard":
      // A discard before the message exists names its client; a discard of a message does not.
      return event.host === undefined && event.sender === undefined
        ? {}
        : { host: event.host, sender: event.sender, recipient: event.address?.original };
    case "dns":
      // Exim asks for the name of a client only.
      return event.problem === "no_name" && ADDRESS.test(event.name) ? { host: plainHost(undefined, event.name) } : {};
    case "tls":
    case "host_error":
    case "not_accepted":
    case "identification":
      return { host: event.host };
    default:
      return {};
  }
}

/** Returns the error in the words of the line; `text` is the whole line. */
function errorOf(event: LogEvent, text: string): string | undefined {
  switch (event.kind) {
    case "host_error":
      return event.error;
    case "session":
      return sessionError(event);
    case "verification":
      return event.reason ?? text;
    case "dns":
      return text;
    case "spool":
      return event.action === "error" ? event.reason : undefined;
    case "daemon":
      return event.action === "problem" ? event.reason : undefined;
    case "tls":
    case "warning":
    case "panic":
    case "not_accepted":
    case "configuration":
    case "scan":
      return event.reason;
    default:
      return undefined;
  }
}

/** Undefined when the session went as it should. */
function sessionError(event: Session): string | undefined {
  const isWrong = sessionTrouble(event) !== undefined || event.action === "note";
  return isWrong ? (event.reason ?? SESSION_ERRORS[event.action]) : undefined;
}

/** Exim's words where a line has no others. */
const SESSION_ERRORS: Partial<Record<SessionAction, string>> = {
  lost: "SMTP connection lost",
  no_mail: "no MAIL in SMTP connection",
  syntax_error: "SMTP syntax error",
  protocol_error: "SMTP protocol error",
};

/** More than a log has in one hour. */
const REMEMBERED_REASONS = 5000;
const categories = new Map<string, string>();

export interface RejectionFacts {
  readonly category: string;
  /** A template. */
  readonly reason: string | undefined;
}

/** The category follows from the words of the reason, not from the addresses in it. */
export function reasonOf({ phase, isTemporary, reason: text }: RejectionSigns, values: TemplateValues): RejectionFacts {
  if (text === undefined) return { category: categoriseRejection({ phase, isTemporary, reason: text }), reason: text };
  const reason = toTemplate(text, values);
  const key = `${isTemporary && phase === "auth"}${reason}`;
  let category = categories.get(key);
  if (category === undefined) {
    category = categoriseRejection({ phase, isTemporary, reason });
    remember(categories, detach(key), category, REMEMBERED_REASONS);
  }
  return { category, reason };
}

const failures = new Map<string, FailureCategory>();

/** Why a delivery failed. `template`: the error as it is stored, which names no recipient. */
export function failureCategory(
  reply: SmtpReply | undefined,
  template: string | undefined,
  host: string | undefined,
): FailureCategory {
  // The codes and the time-out are read from the error, so that they follow from it.
  const key = `${operatorOf(host ?? null, "") ?? ""}\n${reply?.isTimeout === true}\n${template ?? reply?.code}`;
  let category = failures.get(key);
  if (category === undefined) {
    category = categoriseFailure({
      enhancedCode: reply?.enhancedCode ?? null,
      smtpCode: reply?.code ?? null,
      isTimeout: reply?.isTimeout === true,
      error: template ?? null,
      host: host ?? null,
    });
    remember(failures, detach(key), category, REMEMBERED_REASONS);
  }
  return category;
}

/** Facts in the header dump below a line of the reject log. */
export function headerDumpFacts(dump: HeaderDump, event: LogEvent): HeaderDumpFacts {
  const { envelopeSender, envelopeRecipients, hasMoreRecipients, headers, isTruncated } = dump;
  const isNamed = "sender" in event && event.sender !== undefined;
  return {
    sender: envelopeSender === undefined || isNamed ? undefined : normaliseAddress(envelopeSender),
    recipients: envelopeRecipients.map(normaliseAddress),
    hasMoreRecipients,
    headers:
      headers.length === 0
        ? undefined
        : JSON.stringify(headers.map(({ type, name, value }) => [type, name.toLowerCase(), value])),
    isTruncated,
  };
}
