/** Words the verdict: one sentence that says what became of a message, which a support desk wants first. */
import { DAY_MS, SECOND_MS } from "../units.ts";
import type { MessageStatus, RecipientStatus } from "./statuses.ts";

export interface VerdictRecipient {
  readonly address: string;
  readonly status: RecipientStatus;
  /** Who marked it as delivered; Exim did not deliver it. */
  readonly markedBy: string | undefined;
  /** ISO-8601; the moment of delivery. */
  readonly deliveredAt: string | undefined;
  readonly attempts: number;
  /** ISO-8601; when it was first put off, by a failed try or because Exim waits for its host. */
  readonly deferredAt: string | undefined;
  /** ISO-8601. */
  readonly lastTriedAt: string | undefined;
  readonly lastError: string | undefined;
  /** Addresses that a copy was delivered to, although the recipient as a whole failed. */
  readonly copies: readonly string[];
  /** It bounced since the message was cancelled: no line says that it failed. */
  readonly isCancelled: boolean;
  /** It failed, and Exim sent no bounce: told to ignore the error, or made to answer its caller instead. */
  readonly isUnreported: boolean;
  /** Set when Exim gave it up because the retry time was over, not because of what the other side said. */
  readonly givenUp: GivenUp | undefined;
  /** Why Exim did not try it when it last looked, other than that it waits: `domain is held`. */
  readonly heldBecause: string | undefined;
  /** Exim was told to deliver nothing (-N). */
  readonly isSuppressed: boolean;
}

export interface GivenUp {
  /** Time that Exim tried before. */
  readonly triedMs: number;
  /** Exim's words: `retry timeout exceeded`. */
  readonly words: string;
}

/** A recipient that was refused after the data, while others of the message were accepted (PRDR). */
export interface RefusedRecipient {
  readonly address: string;
  /** Undefined where the line has only the words of the ACL: those do not say whether it is for good. */
  readonly verdict: "refusal" | "temporary_refusal" | undefined;
  /** Reason in the words of the line; undefined where it has none. */
  readonly reason: string | undefined;
}

/** A delivery that goes on: no line about a recipient tells of it yet. */
export interface UnderWay {
  /** ISO-8601. */
  readonly since: string;
  /** `mx.example.org [192.0.2.3]: Connection timed out`; undefined when none has failed. */
  readonly lastHost: string | undefined;
}

/** Facts from the lines beside the statuses. */
export interface Circumstances {
  /** Why it was rejected, discarded or left on the queue, as logged. */
  readonly reason: string | undefined;
  /** Kind of rejection, if the message was rejected; `broken off`: the client disconnected. */
  readonly refusal: "permanent" | "temporary" | "broken off" | undefined;
  readonly cancelledBy: string | undefined;
  readonly removedBy: string | undefined;
  /** Why Exim did not even look at the recipients when it last ran: `Error in system filter: …`. */
  readonly heldBack: string | undefined;
  /** It was accepted, and addresses in its header lines, for which it was meant too, could not be used. */
  readonly hasBadAddresses: boolean;
  /** The person or the reason that froze it last. */
  readonly frozenBy: string | undefined;
  /** Why Exim cannot read the message any more. */
  readonly spoolError: string | undefined;
  readonly underWay: UnderWay | undefined;
  readonly refusedRecipients: readonly RefusedRecipient[];
  /** The system filter delivered it elsewhere, and not to its recipients. */
  readonly isRedirected: boolean;
  /** Where the system filter delivered copies to, beside its recipients. */
  readonly filterCopies: readonly string[];
  /** Addresses that the system filter sent an automatic reply to. */
  readonly filterReplies: readonly string[];
}

export interface VerdictFacts extends Circumstances {
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
  /** Accepted, and the client was told that it was rejected. */
  readonly isFakeReject: boolean;
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
  const because = facts.reason === undefined ? "" : `: ${inOneLine(withoutRepetition(facts.reason))}`;
  switch (facts.status) {
    case "rejected":
      if (facts.refusal === "broken off")
        return sentence(`Not received, and refused by nobody: the client broke off (${facts.reason})`);
      return sentence(`${REFUSALS[facts.refusal ?? "permanent"]}${because}`);
    case "queued":
      return sentence(
        `Accepted and left on the queue without a try${facts.heldBack === undefined ? because : `: ${inOneLine(facts.heldBack)}`}`,
      );
    case "discarded":
      if (facts.recipients.length === 0)
        return sentence(
          `Accepted and discarded as a whole${facts.reason === undefined ? "" : discardedBecause(facts.reason)}`,
        );
      break;
    default:
      break;
  }
  const clauses = recipientClauses(facts, formatTime);
  if (clauses.length === 0 && facts.cancelledBy !== undefined)
    clauses.push(`${cancelledBy(facts.cancelledBy)}; the log does not name its recipients`);
  if (facts.filterCopies.length > 0) clauses.push(filterClause(facts.filterCopies));
  if (facts.filterReplies.length > 0)
    clauses.push(`the system filter sent an automatic reply to ${joinNames(facts.filterReplies)}`);
  if (facts.isRedirected) clauses.unshift(redirectedClause(facts));
  if (facts.isFrozen) clauses.unshift(frozenClause(facts));
  if (facts.spoolError !== undefined && facts.completedAt === undefined)
    clauses.unshift(`Exim cannot read it from its spool, so nothing happens to it: ${facts.spoolError}`);
  if (facts.hasBadAddresses)
    clauses.push("some addresses in its header lines could not be used (bad addresses found in headers)");
  if (facts.isFakeReject && clauses.length > 0) clauses.push("its client was told that it was rejected (fakereject)");
  // NOTE: none of its recipients is named, except those that an ACL dropped.
  if (facts.status === "received" && facts.recipients.every(({ status }) => status === "discarded"))
    clauses.unshift(receivedClause(facts, formatTime));
  if (clauses.length > 0) return sentence(clauses.join("; "));
  return facts.status === "removed"
    ? `Removed from the queue by ${facts.removedBy ?? "an administrator"}; nobody was told.`
    : unknownVerdict(facts);
}

function receivedClause({ underWay, heldBack, lastSeenAt }: VerdictFacts, formatTime: FormatTime): string {
  if (underWay !== undefined) return `received, and being tried${describeUnderWay(underWay, formatTime)}`;
  if (heldBack !== undefined) return `received, and held back: ${toClause(heldBack)}`;
  return `received, with no try in the log (the last line about it is of ${formatTime(lastSeenAt)})`;
}

function unknownVerdict({ completedAt, lastText }: VerdictFacts): string {
  return completedAt === undefined
    ? sentence(`The log does not show what became of it; the last it says is: ${inOneLine(lastText)}`)
    : "Completed, and no line says what became of its recipients.";
}

const REFUSALS = {
  permanent: "Rejected, never accepted",
  temporary: "Put off, not accepted (a temporary refusal: the client is to try again)",
} as const;

/** Exim freezes a message whose bounce it could not write. */
const BOUNCE_FAILED = /^Process failed/;

function frozenClause({ frozenBy }: VerdictFacts): string {
  if (frozenBy !== undefined && BOUNCE_FAILED.test(frozenBy))
    return `Frozen on the queue, and nobody was told: the bounce could not be written (${frozenBy})`;
  return `Frozen on the queue${describeFreezer(frozenBy)}: not tried until it is thawed`;
}

/** Says who froze a message, or why: ` by root`, ` by the system filter (no: "policy")`, ` (delivery error message)`. */
export function describeFreezer(by: string | undefined): string {
  if (by === undefined) return "";
  if (/^\S+$/.test(by)) return ` by ${by}`;
  return by.startsWith(FILTER) ? ` by ${nameAndWords(by)}` : ` (${by})`;
}

const FILTER = "the system filter";

/** A filter says no more than that it was one. */
function discardedBecause(reason: string): string {
  if (reason === "filter") return " by a filter of the recipient";
  return reason === "system filter" ? " by the system filter" : `: ${toClause(reason)}`;
}

function filterClause(copies: readonly string[]): string {
  const what = copies.length === 1 ? "a copy" : `${copies.length} copies`;
  return `the system filter delivered ${what} to ${joinNames(copies)}`;
}

function redirectedClause({ recipients }: VerdictFacts): string {
  const ignored = recipients.filter(({ status }) => status === "discarded");
  return (
    plainClause("redirected by the system filter, which ignored", ignored) ||
    "redirected by the system filter, which ignored its recipients"
  );
}

function describeUnderWay({ since, lastHost }: UnderWay, formatTime: FormatTime): string {
  const host = lastHost === undefined ? "; another process has the message" : `; the last host: ${lastHost}`;
  return ` since ${formatTime(since)}${host}`;
}

function recipientClauses(facts: VerdictFacts, formatTime: FormatTime): string[] {
  const { hasNullSender, frozenBy, isFrozen, underWay, refusedRecipients, isRedirected } = facts;
  const recipients = facts.recipients.filter(({ status }) => !isRedirected || status !== "discarded");
  const bounced = recipients.filter(({ status }) => status === "bounced");
  const cancelled = bounced.filter(({ isCancelled }) => isCancelled);
  const givenUp = bounced.filter((recipient) => recipient.givenUp !== undefined);
  const isToldNobody = isFrozen && frozenBy !== undefined && BOUNCE_FAILED.test(frozenBy);
  const howItFailed = ({ isUnreported }: VerdictRecipient): string => {
    if (hasNullSender) return "failed, with no sender to tell,";
    if (isUnreported) return "failed, with no bounce sent,";
    return isToldNobody ? "failed" : "bounced";
  };
  const of = (status: RecipientStatus): readonly VerdictRecipient[] =>
    recipients.filter((recipient) => recipient.status === status && recipient.markedBy === undefined);
  const rejected = new Set(of("rejected").map(({ address }) => address));
  const discarded = of("discarded");
  const marked = Map.groupBy(
    recipients.filter(({ markedBy }) => markedBy !== undefined),
    ({ markedBy }) => markedBy,
  );
  return [
    deliveredClause(of("delivered"), recipients.length, formatTime),
    ...[...marked].map(([by, those]) => plainClause(`marked as delivered by ${by}, not delivered by Exim, for`, those)),
    ...byWords(
      cancelled,
      (one) => `${cancelledBy(facts.cancelledBy ?? "")}: ${howItFailed(one)} for`,
      (what, those) => troubleClause(what, those, () => "", "the last error: "),
    ),
    ...byWords(
      givenUp,
      (one) => `given up ${describeGivingUp(one)}, ${howItFailed(one)} for`,
      (what, those) => troubleClause(what, those, describeCopies),
    ),
    ...byWords(
      bounced.filter((recipient) => !recipient.isCancelled && recipient.givenUp === undefined),
      (one) => `${howItFailed(one)} for`,
      (what, those) => troubleClause(what, those, describeCopies),
    ),
    troubleClause(
      "still deferred for",
      of("deferred"),
      (recipient) => `${describeTries(recipient, formatTime)}${describeCopies(recipient)}`,
    ),
    ...refusedRecipients
      .filter(({ address }) => rejected.has(address))
      .map(
        ({ address, verdict, reason }) =>
          `${PRDR_VERDICTS[verdict ?? "words"]} after the data (PRDR) for ${address}${reason === undefined ? "" : `: ${toClause(reason)}`}`,
      ),
    withEnding(
      plainClause(
        "discarded on purpose for",
        discarded.filter(({ isSuppressed }) => !isSuppressed),
      ),
      facts.status === "discarded" && facts.reason !== undefined ? discardedBecause(facts.reason) : "",
    ),
    plainClause(
      "not delivered, since Exim was told not to (-N), to",
      discarded.filter(({ isSuppressed }) => isSuppressed),
    ),
    withEnding(
      plainClause(`removed by ${facts.removedBy ?? "an administrator"} before it reached`, of("removed")),
      "; nobody was told",
    ),
    ...endedForOthers(facts, recipients),
    pendingClause(facts, of("pending"), underWay, formatTime),
    plainClause("completed, and no line says what became of", of("unknown")),
  ].filter((clause) => clause !== "");
}

const PRDR_VERDICTS = { refusal: "refused", temporary_refusal: "put off", words: "turned down" } as const;

function pendingClause(
  { heldBack }: VerdictFacts,
  pending: readonly VerdictRecipient[],
  underWay: UnderWay | undefined,
  formatTime: FormatTime,
): string {
  if (underWay !== undefined)
    return withEnding(plainClause("being tried for", pending), describeUnderWay(underWay, formatTime));
  const why = heldBack === undefined ? "" : ` (held back: ${toClause(heldBack)})`;
  return withEnding(plainClause("not tried yet for", pending), why);
}

/** One clause for the recipients of each form of words, in the order of the first of each. */
function byWords(
  recipients: readonly VerdictRecipient[],
  wordsOf: (recipient: VerdictRecipient) => string,
  describe: (words: string, recipients: readonly VerdictRecipient[]) => string,
): readonly string[] {
  return [...Map.groupBy(recipients, wordsOf)].map(([words, those]) => describe(words, those));
}

/** Says what ended the message where that reached no recipient whom the log names. */
function endedForOthers(
  { cancelledBy: canceller, removedBy }: VerdictFacts,
  recipients: readonly VerdictRecipient[],
): readonly string[] {
  if (recipients.length === 0) return [];
  const isRemoved = recipients.some(({ status }) => status === "removed");
  return [
    canceller === undefined || recipients.some(({ isCancelled }) => isCancelled) ? "" : cancelledBy(canceller),
    removedBy === undefined || isRemoved ? "" : `removed from the queue by ${removedBy}, and nobody was told`,
  ];
}

/** Says who cancelled a message. Exim itself does when it has been frozen for too long. */
export function cancelledBy(by: string): string {
  if (by === "timeout_frozen_after") return "cancelled by Exim, since it was frozen too long (timeout_frozen_after)";
  return by.startsWith(MUA_WRAPPER) ? `cancelled by Exim: ${by}` : `cancelled by ${nameAndWords(by)}`;
}

/** With this option Exim delivers to all recipients at once or not at all, and tells its caller instead of the sender. */
const MUA_WRAPPER = "mua_wrapper is set";

/** `after 4 days (retry timeout exceeded)`: Exim's words without what it adds about the time. */
function describeGivingUp({ givenUp }: VerdictRecipient): string {
  if (givenUp === undefined) return "";
  const words = givenUp.words.replace(/ \(and retry time not reached\)$/, "");
  return `${describeSpan(givenUp.triedMs)} (${words})`;
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

function describeTries(
  { attempts, deferredAt, lastTriedAt, heldBecause }: VerdictRecipient,
  formatTime: FormatTime,
): string {
  const since = deferredAt === undefined ? "" : ` since ${formatTime(deferredAt)}`;
  const held = heldBecause === undefined ? "" : `, held back now (${toClause(heldBecause)})`;
  if (lastTriedAt !== undefined)
    return `${since}${attempts === 1 ? "" : `, ${attempts} attempts, the last at ${formatTime(lastTriedAt)}`}${held}`;
  const why = heldBecause === undefined ? "Exim waits for the retry time that another try set" : toClause(heldBecause);
  return `${since}, not tried: ${why}`;
}

/** `system filter (no: "policy")` of `system filter: no: "policy"`. */
function nameAndWords(by: string): string {
  const colon = by.indexOf(": ");
  return colon === -1 ? by : `${by.slice(0, colon)} (${toClause(by.slice(colon + 2))})`;
}

/** Mentions the copies that were delivered elsewhere. */
function describeCopies({ copies }: Pick<VerdictRecipient, "copies">): string {
  if (copies.length === 0) return "";
  const what = copies.length === 1 ? "one copy was" : `${copies.length} copies were`;
  return ` (${what} delivered all the same: ${joinNames(copies)})`;
}

/** `after 4 days`, `after 7 hours`: whole ones of the largest unit that fits; a host that has failed other messages for long is given up at the first try. */
function describeSpan(ms: number): string {
  const [unit, unitMs] = UNITS.find(([, size]) => ms >= size) ?? [];
  if (unit === undefined || unitMs === undefined) return "at once";
  const count = Math.floor(ms / unitMs);
  return `after ${count} ${unit}${count === 1 ? "" : "s"}`;
}

const UNITS = [
  ["day", DAY_MS],
  ["hour", 3600 * SECOND_MS],
  ["minute", 60 * SECOND_MS],
] as const;

function withEnding(clause: string, ending: string): string {
  return clause === "" ? "" : `${clause}${ending}`;
}

/** Each with its error when they are few. */
function troubleClause(
  what: string,
  recipients: readonly VerdictRecipient[],
  describe: (recipient: VerdictRecipient) => string,
  before = "",
): string {
  if (recipients.length === 0) return "";
  const named = recipients.slice(0, MOST_NAMES).map((recipient) => {
    const because = before === "" ? ": " : `; ${before}`;
    const said = toClause(recipient.lastError ?? "");
    const error = said === "" ? "" : `${because}${said}`;
    return `${what} ${recipient.address}${describe(recipient)}${error}`;
  });
  const others = recipients.slice(MOST_NAMES);
  if (others.length === 0) return named.join("; ");
  const copies = describeCopies({ copies: others.flatMap((recipient) => recipient.copies) });
  return [...named, `and ${what} ${others.length} more${copies}`].join("; ");
}

function plainClause(what: string, recipients: readonly VerdictRecipient[]): string {
  return recipients.length === 0 ? "" : `${what} ${joinNames(recipients.map(({ address }) => address))}`;
}

/** `ann@example.net, bob@example.net, carol@example.net and 2 more` */
function joinNames(names: readonly string[]): string {
  const rest = names.length - MOST_NAMES;
  return `${names.slice(0, MOST_NAMES).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

const REPLY_CODE = /(?:^|: )([245]\d\d)-/;

/**
 * A text of several lines as one, without the code that begins each line of a reply: `550-5.7.1 no mail` and `550 5.7.1 today` are
 * `550 5.7.1 no mail today`.
 */
function inOneLine(text: string): string {
  const [first = "", ...others] = text.split("\n");
  const code = REPLY_CODE.exec(first)?.[1];
  const repeated = code === undefined ? /^\s+/ : new RegExp(`^${code}[ -](?:[245]\\.\\d{1,3}\\.\\d{1,3}(?: |$))?`);
  const lines = [
    code === undefined ? first : first.replace(`${code}-`, `${code} `),
    ...others.map((line) => line.replace(repeated, "")),
  ];
  return lines
    .map((one) => one.trim())
    .filter((one) => one !== "")
    .join(" ");
}

/** `header syntax (no domain: alice): no domain: alice` says it twice, and is `header syntax: no domain: alice`. */
export function withoutRepetition(reason: string): string {
  const [, what, detail] = /^(.+?) \((.+)\): \2$/s.exec(reason) ?? [];
  return what === undefined ? reason : `${what}: ${detail}`;
}

/** The same without the stop at its end, as a part of a sentence. */
function toClause(text: string): string {
  return inOneLine(text).replace(/[\s.]+$/, "");
}

function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
