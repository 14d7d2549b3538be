/** Classifies rejections by their reason. Reasons are written by administrators, so this is a best reading of common words. */

import type { RejectionPhase } from "../parse/events.ts";
import { maskNames } from "./failure-category.ts";

export const REJECTION_CATEGORIES = {
  unknown_user: "The recipient does not exist here.",
  relay: "The client may not send through this server.",
  sender_verification: "The sender's address could not be verified.",
  dnsbl: "The client is listed in a block list.",
  greylisting: "The client was asked to come back later by greylisting.",
  rate_limit: "Too many connections, messages or commands.",
  malware: "A scanner found malware.",
  spam: "A scanner or a filter took the message for spam.",
  sender_policy: "SPF, DKIM, DMARC or ARC say the sender is not who it claims to be.",
  authentication: "A login failed, or one was required.",
  helo: "The greeting of the client is not acceptable.",
  size: "The message or the mailbox is too large.",
  protocol: "The client broke the rules of SMTP.",
  resources: "The server could not do it at the moment.",
  policy: "Another reason of this server.",
} as const satisfies Record<string, string>;

export type RejectionCategory = keyof typeof REJECTION_CATEGORIES;

/** Tried in order: the more specific words first. */
const WORDS: readonly (readonly [RejectionCategory, RegExp])[] = [
  ["greylisting", /gr[ea]y-?list/i],
  ["malware", /virus|malware|trojan|phish|infected/i],
  ["sender_verification", /sender (?:verify|verification|callout)|verify sender|could not verify .*sender/i],
  ["sender_policy", /\b(?:SPF|DKIM|DMARC|ARC)\b/],
  ["dnsbl", /black ?list|block ?list|\bdns[bw]l\b|\blisted (?:at|in|by|on)\b|spamhaus|spamcop|\brbl\b/i],
  ["relay", /relay/i],
  [
    "unknown_user",
    /unknown user|user unknown|unrouteable address|no such (?:user|recipient|mailbox|person|address)|mailbox (?:unavailable|not found)|does not exist|recipient verify|unknown recipient|user not found|account disabled/i,
  ],
  ["authentication", /authenticat|\bAUTH\b|login|password/i],
  ["rate_limit", /rate ?limit|too many|ratelimit|throttl|exceeded .*(?:limit|quota)|per (?:hour|minute|day)/i],
  ["spam", /spam|content filter|unsolicited/i],
  ["helo", /\bHELO\b|\bEHLO\b/],
  ["size", /too (?:large|big)|size limit|message size|quota|over ?size|insufficient space/i],
  [
    "protocol",
    /synchroni[sz]ation|syntax|protocol|pipelining|unrecogni[sz]ed command|out of sequence|bad sequence|malformed|syntactically/i,
  ],
  ["resources", /load average|try again later|temporar|local problem|lookup|disk space|service not available/i],
];

export interface RejectionSigns {
  readonly phase: RejectionPhase;
  readonly isTemporary: boolean;
  /** Reason as logged. */
  readonly reason: string | undefined;
}

/**
 * The category of a rejection. A login that this server could not check (435) is no failed login. A temporary refusal without a
 * word is a condition that could not be evaluated. Both are failures of this server. Only block lists are known by their names.
 */
export function categoriseRejection({ phase, isTemporary, reason }: RejectionSigns): RejectionCategory {
  if (isTemporary && (phase === "auth" || reason === undefined)) return "resources";
  if (reason === undefined) return "policy";
  const masked = maskNames(reason);
  return WORDS.find(([category, words]) => words.test(category === "dnsbl" ? reason : masked))?.[0] ?? "policy";
}
