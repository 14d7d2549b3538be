/** Why a delivery was deferred or bounced, in a dozen words: from the enhanced status code, else from the text of the error. */

export const FAILURE_CATEGORIES = {
  unknown_user: "The other side knows no such recipient, or the account is closed.",
  mailbox_full: "The recipient's mailbox is over its quota.",
  greylisting: "The other side asks to come back later, as it does with everyone at first.",
  rate_limit: "Too much mail or too many connections from here at one time.",
  reputation: "The other side distrusts this server's address: a block list, or its own memory.",
  policy: "The other side does not want the message: spam, relaying, SPF, DKIM, DMARC, its own rules.",
  content: "The message itself: malware, a forbidden attachment, a malformed header.",
  size: "The message is too large for the other side.",
  tls: "No encrypted connection could be made, or its certificate was refused.",
  authentication: "A login at the other side failed.",
  dns: "The domain or the host could not be looked up, or leads nowhere.",
  connection: "The host could not be reached, or the connection broke.",
  timeout: "The host did not answer in time.",
  local: "This server: a file, a pipe, a lock, a configuration.",
  other: "None of these words fits.",
} as const satisfies Record<string, string>;

export type FailureCategory = keyof typeof FAILURE_CATEGORIES;

export interface FailureSigns {
  readonly enhancedCode: string | null;
  readonly smtpCode: number | null;
  readonly isTimeout: boolean;
  /** As logged. */
  readonly error: string | null;
}

/** What the code says by itself, whatever its class (4 or 5). Source: the IANA registry of RFC 5248. */
const BY_ENHANCED_CODE: Readonly<Record<string, FailureCategory>> = {
  "1.0": "unknown_user",
  "1.1": "unknown_user",
  "1.2": "dns",
  "1.3": "unknown_user",
  "1.4": "unknown_user",
  "1.6": "unknown_user",
  "1.8": "policy",
  "1.10": "dns",
  "2.2": "mailbox_full",
  "2.3": "size",
  "3.4": "size",
  "4.3": "dns",
  "4.4": "dns",
  "4.7": "timeout",
  "6.1": "content",
  "6.2": "content",
  "6.3": "content",
  "6.6": "content",
  "7.4": "tls",
  "7.5": "tls",
  "7.8": "authentication",
  "7.9": "authentication",
  "7.10": "tls",
  "7.20": "policy",
  "7.21": "policy",
  "7.22": "policy",
  "7.23": "policy",
  "7.24": "policy",
  "7.25": "reputation",
  "7.26": "policy",
  "7.27": "policy",
  "7.28": "rate_limit",
};

/** Where a code says too little, the words of the text decide: the more specific first. */
const BY_TEXT: readonly (readonly [FailureCategory, RegExp])[] = [
  ["greylisting", /gr[ea]y-?list/i],
  [
    "reputation",
    /black ?list|block ?list|\bdns[bw]l\b|\brbl\b|\blisted (?:at|in|by|on)\b|spamhaus|spamcop|barracuda|reputation|\bPTR\b|reverse (?:dns|hostname)/i,
  ],
  [
    "rate_limit",
    /rate ?limit|too many (?:connections|messages|recipients|sessions|errors|concurrent|mails?\b)|throttl|exceeded .*(?:rate|connections|per (?:hour|minute|day))|too quickly|unexpected volume|unusual rate/i,
  ],
  ["mailbox_full", /quota|mailbox (?:is )?full|over ?quota|insufficient (?:system )?storage|out of storage/i],
  [
    "unknown_user",
    /unknown (?:user|recipient|address|local)|user (?:unknown|not found)|no such (?:user|recipient|mailbox|person|address)|mailbox (?:unavailable|not found|disabled)|does(?: not|n't) exist|unrouteable address|recipient (?:address )?rejected: (?:unknown|user)|account (?:is )?(?:disabled|closed|inactive)|invalid (?:recipient|mailbox)/i,
  ],
  ["size", /too (?:large|big)|size limit|message size|exceeds .*size|maximum .*size/i],
  ["content", /virus|malware|phish|infected|attachment|malformed|header/i],
  [
    "local",
    /transport|\bpipe\b|\bfile\b|directory|\block|permission denied|tainted|expansion of|\bcommand\b|disk|remote host address is the local host/i,
  ],
  [
    "policy",
    /spam|\b(?:SPF|DKIM|DMARC|ARC)\b|relay|policy|prohibited|administrative|blocked|not (?:allowed|permitted|authorized)|unsolicited|access denied/i,
  ],
  ["authentication", /authenticat|\bAUTH\b/i],
  ["tls", /\bTLS\b|\bSSL\b|certificate|handshake|\bDANE\b/i],
  ["dns", /lookup|\bDNS\b|\bMX\b|host not found|no such (?:host|domain)|name server/i],
  ["timeout", /time(?:d)? ?-?out/i],
  [
    "connection",
    /connection|connect\b|refused|unreachable|no route|reset by peer|closed|lost|have been failing for a long time/i,
  ],
];

const OPERATING_SYSTEM = /^(?:Connection (?:refused|timed out|reset by peer)|No route to host|Network is unreachable)/;

/**
 * The category of a failed attempt. A code that names one thing decides (`5.1.1`, `5.2.2`); one that names a family (`5.7.1`)
 * leaves it to the words, and is `policy` when they say nothing.
 */
export function categoriseFailure({ enhancedCode, smtpCode, isTimeout, error }: FailureSigns): FailureCategory {
  const detail = enhancedCode?.slice(enhancedCode.indexOf(".") + 1);
  const byCode = detail === undefined ? undefined : BY_ENHANCED_CODE[detail];
  if (byCode !== undefined) return byCode;
  if (error !== null && OPERATING_SYSTEM.test(error)) return isTimeout ? "timeout" : "connection";
  const isReply = smtpCode !== null;
  if (isTimeout && !isReply) return "timeout";
  const words = error === null ? "" : replyIn(error);
  const byText = BY_TEXT.find(([category, form]) => form.test(words) && !(isReply && category === "local"))?.[0];
  if (byText !== undefined) return byText;
  if (enhancedCode === "5.2.1") return "unknown_user";
  if (detail?.startsWith("7.") === true) return "policy";
  if (detail?.startsWith("6.") === true) return "content";
  if (detail?.startsWith("4.") === true) return "connection";
  return "other";
}

const COMMAND =
  /^.*? (?:after|in response to) (?:pipelined )?(?:(?:MAIL FROM|RCPT TO):<[^>]*>[^:]*|[A-Za-z ]+): ?(?=\d{3}[ -])/s;

/**
 * What the other side said, without the command it answers, which says nothing about the reason; an error that is no reply as
 * it is: `SMTP error from remote mail server after RCPT TO:<header@example.org>: 550 5.1.1 no such user`.
 */
export function replyIn(error: string): string {
  return error.replace(COMMAND, "");
}
