/** What a support desk wants first: one sentence that says what became of a message. */
import type { MessageStatus, RecipientStatus } from "./statuses.ts";

export interface VerdictRecipient {
  readonly address: string;
  readonly status: RecipientStatus;
  /** ISO-8601; the moment of delivery. */
  readonly deliveredAt: string | undefined;
  readonly attempts: number;
  readonly lastError: string | undefined;
}

export interface VerdictFacts {
  readonly status: MessageStatus;
  readonly recipients: readonly VerdictRecipient[];
  /** ISO-8601. */
  readonly completedAt: string | undefined;
  readonly lastSeenAt: string;
  readonly isFrozen: boolean;
  /** Why it was rejected or left on the queue, as logged. */
  readonly reason: string | undefined;
}

/** Names at most this many addresses, then counts the rest. */
const MOST_NAMES = 3;

/**
 * `Delivered to 2 of 3 recipients; still deferred for bob@example.net after 6 attempts: 451 4.7.1 greylisted.`
 * `formatTime` turns an ISO timestamp into what the reader's clock shows.
 */
export function formatVerdict(facts: VerdictFacts, formatTime: (iso: string) => string): string {
  const because = facts.reason === undefined ? "" : `: ${facts.reason}`;
  switch (facts.status) {
    case "rejected":
      return sentence(`Rejected, never accepted${because}`);
    case "received":
      return sentence(`Received, and not tried yet; the log ends at ${formatTime(facts.lastSeenAt)}`);
    case "queued":
      return sentence(`Accepted and left on the queue without a try${because}`);
    case "unknown":
      return unknownVerdict(facts);
    case "discarded":
      if (facts.recipients.length === 0) return sentence(`Accepted and discarded as a whole${because}`);
      break;
    default:
      break;
  }
  const clauses = [...facts.isFrozen ? ["Frozen on the queue: not tried until it is thawed"] : [], ...recipientClauses(facts, formatTime)];
  if (clauses.length > 0) return sentence(clauses.join("; "));
  return facts.status === "removed" ? "Removed from the queue by an administrator; nobody was told." : unknownVerdict(facts);
}

function unknownVerdict({ completedAt }: VerdictFacts): string {
  return completedAt === undefined
    ? "The log does not show what became of it: its beginning or its end is missing."
    : "Finished, and no line says what became of its recipients.";
}

function recipientClauses({ recipients }: VerdictFacts, formatTime: (iso: string) => string): string[] {
  const of = (status: RecipientStatus): readonly VerdictRecipient[] => recipients.filter((recipient) => recipient.status === status);
  return [
    deliveredClause(of("delivered"), recipients.length, formatTime),
    troubleClause("bounced for", of("bounced"), false),
    troubleClause("still deferred for", of("deferred"), true),
    plainClause("discarded on purpose for", of("discarded")),
    plainClause("removed by an administrator before it reached", of("removed")),
    plainClause("not tried yet for", of("pending")),
    plainClause("finished without a word about", of("unknown")),
  ].filter((clause) => clause !== "");
}

function deliveredClause(delivered: readonly VerdictRecipient[], count: number, formatTime: (iso: string) => string): string {
  if (delivered.length === 0) return "";
  const last = delivered.map(({ deliveredAt }) => deliveredAt ?? "").sort().at(-1);
  const when = last === undefined || last === "" ? "" : ` at ${formatTime(last)}`;
  const [only] = delivered;
  if (count === 1 && only !== undefined) return `delivered to ${only.address}${when}`;
  const lastWhen = when === "" ? "" : `, the last${when}`;
  const all = count === 2 ? "both recipients" : `all ${count} recipients`;
  return delivered.length === count ? `delivered to ${all}${lastWhen}` : `delivered to ${delivered.length} of ${count} recipients`;
}

/** Each with its error when they are few. */
function troubleClause(what: string, recipients: readonly VerdictRecipient[], countsTries: boolean): string {
  if (recipients.length === 0) return "";
  const named = recipients.slice(0, MOST_NAMES).map(({ address, attempts, lastError }) => {
    const tries = countsTries && attempts > 1 ? ` after ${attempts} attempts` : "";
    const error = lastError === undefined ? "" : `: ${firstLine(lastError)}`;
    return `${what} ${address}${tries}${error}`;
  });
  const rest = recipients.length - named.length;
  return rest > 0 ? [...named, `and ${what} ${rest} more`].join("; ") : named.join("; ");
}

function plainClause(what: string, recipients: readonly VerdictRecipient[]): string {
  if (recipients.length === 0) return "";
  const names = recipients.slice(0, MOST_NAMES).map(({ address }) => address).join(", ");
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
