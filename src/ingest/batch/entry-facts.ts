/** What an event says, in the words in which it is stored: pure functions, so that another thread can ask them. */
import { normaliseAddress } from "../../message/address.ts";
import { categoriseFailure, operatorOf } from "../../message/failure-category.ts";
import { rankOf } from "../../message/order.ts";
import { categoriseRejection, type RejectionSigns } from "../../message/rejection-category.ts";
import type { FailureCategory } from "../../message/reply-rules.ts";
import { sessionTrouble } from "../../message/session-trouble.ts";
import { type RecipientEvent, recipientEvent } from "../../message/state.ts";
import type { Authentication, Host, LogEvent, SmtpReply } from "../../parse/events.ts";
import type { HeaderDump } from "../../parse/header-dump.ts";
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

/** What an event says about one recipient, its error as a template; undefined when it speaks of none. */
export function storedEvent(event: LogEvent, at: Moment): RecipientEvent | undefined {
  const word = recipientEvent(event, at);
  if (word?.error === undefined) return word;
  return { ...word, error: toTemplate(word.error, { recipient: word.recipient }) };
}

/** The fields without a column, as a JSON array of key, value, key, value …; undefined when there are none. `text`: of the line. */
export function detailsOf(event: LogEvent, text: string): string | undefined {
  const metadata = [...findingOf(event, text), ...metadataOf(event)];
  return metadata.length === 0 ? undefined : toJson(metadata);
}

/** What we make of a line, first among its details: filters and figures look for it there. */
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

/** What a scanner for spam gave, where a line says so in one of the usual ways. */
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

/** What Exim writes to its panic log, too, whichever log is read. Source: exim-log-grammar §13. */
const PANIC =
  /^Exim configuration error|: daemon abandoned$|^(?:Failed to create spool file|spool file write error|failed to write journal)/;

const NEEDS_ESCAPE = /[^ !#-[\]-~]/;

/** JSON.stringify, several times as fast where no character needs an escape. */
function toJson(details: readonly string[]): string {
  for (const part of details) if (NEEDS_ESCAPE.test(part)) return JSON.stringify(details);
  return `["${details.join('","')}"]`;
}

/** Who was at the other end, of a line that is no arrival, no rejection and not about a recipient. */
export interface Client {
  readonly host: Host | undefined;
  readonly sender: string | undefined;
  readonly recipient: string | undefined;
  readonly auth: string | undefined;
}

/** Undefined when the line names none of it. */
export function clientOf(event: LogEvent): Client | undefined {
  switch (event.kind) {
    case "session":
    case "warning":
      return toClient(event.host, event.sender, undefined, event.auth);
    case "verification":
      return event.subject === "sender"
        ? toClient(event.host, event.address, undefined, event.auth)
        : toClient(event.host, event.sender, event.address, event.auth);
    case "discard":
      // What an ACL drops before there is a message names its client; a discard of a message does not.
      return event.host === undefined && event.sender === undefined
        ? undefined
        : toClient(event.host, event.sender, event.address?.original, undefined);
    case "tls":
    case "host_error":
    case "not_accepted":
    case "identification":
      return toClient(event.host, undefined, undefined, undefined);
    default:
      return undefined;
  }
}

function toClient(
  host: Host | undefined,
  sender: string | undefined,
  recipient: string | undefined,
  auth: Authentication | undefined,
): Client | undefined {
  if (host === undefined && sender === undefined && recipient === undefined && auth === undefined) return undefined;
  return {
    host,
    sender: sender === undefined ? undefined : normaliseAddress(sender),
    recipient: recipient === undefined ? undefined : normaliseAddress(recipient),
    auth: formatAuthentication(auth),
  };
}

/** More than a log has in one hour. */
const REMEMBERED_REASONS = 5000;
const categories = new Map<string, string>();

export interface RejectionReason {
  readonly category: string;
  /** A template. */
  readonly reason: string | undefined;
}

/** The category follows from the words of the reason, not from the addresses in it. */
export function reasonOf(
  { phase, isTemporary, reason: text }: RejectionSigns,
  values: TemplateValues,
): RejectionReason {
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

/** What stands below the line of an event in the reject log. */
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
