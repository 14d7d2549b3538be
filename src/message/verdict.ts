/** What a support desk wants first: one sentence that says what became of a message. */
import type { MessageStatus, RecipientStatus } from "./statuses.ts";

export interface VerdictRecipient {
  readonly address: string;
  readonly status: RecipientStatus;
  /** An administrator said so; Exim did not deliver it. */
  readonly isMarkedDelivered: boolean;
  /** ISO-8601; the moment of delivery. */
  readonly deliveredAt: string | undefined;
  readonly attempts: number;
  /** ISO-8601; when it was first put off, by a failed try or because Exim waits for its host. */
  readonly deferredAt: string | undefined;
  /** ISO-8601. */
  readonly lastTriedAt: string | undefined;
  readonly lastError: string | undefined;
}

export interface VerdictFacts {
  readonly status: MessageStatus;
  readonly recipients: readonly VerdictRecipient[];
  /** The null sender `<>`: no bounce can be sent. */
  readonly hasNullSender: boolean;
  /** ISO-8601. */
  readonly completedAt: string | undefined;
  /** ISO-8601; of the last line about it. */
  readonly lastSeenAt: string;
  /** The text of the last line about it. */
  readonly lastText: string;
  readonly isFrozen: boolean;
  /** Why it was rejected, discarded or left on the queue, as logged. */
  readonly reason: string | undefined;
}

/** An ISO timestamp as the reader's clock shows it. */
export type FormatTime = (iso: string) => string;

/** Names at most this many addresses, then counts the rest. */
const MOST_NAMES = 3;

/**
 * `Delivered to 2 of 3 recipients; still deferred for bob@example.net since 2026-03-02 14:02:11, 6 attempts, the last at
 * 2026-03-02 16:11:01: 451 4.7.1 greylisted.`
 */
export function formatVerdict(facts: VerdictFacts, formatTime: FormatTime): string {
  const because = facts.reason === undefined ? "" : `: ${facts.reason}`;
  switch (facts.status) {
    case "rejected":
      return sentence(`Rejected, never accepted${because}`);
    case "queued":
      return sentence(`Accepted and left on the queue without a try${because}`);
    case "discarded":
      if (facts.recipients.length === 0) return sentence(`Accepted and discarded as a whole${because}`);
      break;
    default:
      break;
  }
  const clauses = recipientClauses(facts, formatTime);
  if (facts.isFrozen) clauses.unshift("Frozen on the queue: not tried until it is thawed");
  if (clauses.length > 0) return sentence(clauses.join("; "));
  if (facts.status === "received")
    return `Received, and not tried yet; the log ends at ${formatTime(facts.lastSeenAt)}.`;
  return facts.status === "removed"
    ? "Removed from the queue by an administrator; nobody was told."
    : unknownVerdict(facts);
}

function unknownVerdict({ completedAt, lastText }: VerdictFacts): string {
  return completedAt === undefined
    ? sentence(`The log does not show what became of it; the last it says is: ${firstLine(lastText)}`)
    : "Finished, and no line says what became of its recipients.";
}

function recipientClauses({ recipients, hasNullSender }: VerdictFacts, formatTime: FormatTime): string[] {
  const of = (status: RecipientStatus, isMarked = false): readonly VerdictRecipient[] =>
    recipients.filter((recipient) => recipient.status === status && recipient.isMarkedDelivered === isMarked);
  return [
    deliveredClause(of("delivered"), recipients.length, formatTime),
    plainClause("marked as delivered by an administrator for", of("delivered", true)),
    troubleClause(hasNullSender ? "failed for" : "bounced for", of("bounced"), () => ""),
    troubleClause("still deferred for", of("deferred"), (recipient) => describeTries(recipient, formatTime)),
    plainClause("discarded on purpose for", of("discarded")),
    plainClause("removed by an administrator before it reached", of("removed")),
    plainClause("not tried yet for", of("pending")),
    plainClause("finished without a word about", of("unknown")),
  ].filter((clause) => clause !== "");
}

function deliveredClause(delivered: readonly VerdictRecipient[], count: number, formatTime: FormatTime): string {
  if (delivered.length === 0) return "";
  const last = delivered
    .map(({ deliveredAt }) => deliveredAt ?? "")
    .sort()
    .at(-1);
  const when = last === undefined || last === "" ? "" : ` at ${formatTime(last)}`;
  const [only] = delivered;
  if (count === 1 && only !== undefined) return `delivered to ${only.address}${when}`;
  if (delivered.length < count) return `delivered to ${delivered.length} of ${count} recipients`;
  const all = count === 2 ? "both recipients" : `all ${count} recipients`;
  return `delivered to ${all}${when === "" ? "" : `, the last${when}`}`;
}

function describeTries({ attempts, deferredAt, lastTriedAt }: VerdictRecipient, formatTime: FormatTime): string {
  const since = deferredAt === undefined ? "" : ` since ${formatTime(deferredAt)}`;
  if (lastTriedAt === undefined) return `${since}, not tried: Exim waits for the retry time that another try set`;
  return attempts === 1 ? since : `${since}, ${attempts} attempts, the last at ${formatTime(lastTriedAt)}`;
}

/** Each with its error when they are few. */
function troubleClause(
  what: string,
  recipients: readonly VerdictRecipient[],
  describe: (recipient: VerdictRecipient) => string,
): string {
  if (recipients.length === 0) return "";
  const named = recipients.slice(0, MOST_NAMES).map((recipient) => {
    const error = recipient.lastError === undefined ? "" : `: ${firstLine(recipient.lastError)}`;
    return `${what} ${recipient.address}${describe(recipient)}${error}`;
  });
  const rest = recipients.length - named.length;
  return rest > 0 ? [...named, `and ${what} ${rest} more`].join("; ") : named.join("; ");
}

function plainClause(what: string, recipients: readonly VerdictRecipient[]): string {
  if (recipients.length === 0) return "";
  const names = recipients
    .slice(0, MOST_NAMES)
    .map(({ address }) => address)
    .join(", ");
  const rest = recipients.length - MOST_NAMES;
  return `${what} ${names}${rest > 0 ? ` and ${rest} more` : ""}`;
}

function firstLine(text: string): string {
  const end = text.indexOf("\n");
  return end === -1 ? text : text.slice(0, end);
}

function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
