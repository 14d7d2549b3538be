/** Why a delivery was deferred or bounced, in a dozen words: from what the other side said, else from the error of this one. */
import {
  CODE_RULES,
  type FailureCategory,
  LAST_RULES,
  LOCAL_RULES,
  OPERATOR_RULES,
  OPERATOR_SIGNS,
  type Operator,
  type ReplyRule,
  WORD_RULES,
} from "./reply-rules.ts";

export interface FailureSigns {
  readonly enhancedCode: string | null;
  readonly smtpCode: number | null;
  readonly isTimeout: boolean;
  /** Error text as logged. */
  readonly error: string | null;
  /** The name of the MX host; null or left out: not known. */
  readonly host?: string | null;
}

interface Reply {
  readonly operator: Operator | undefined;
  /** Without its first digit. */
  readonly enhanced: string | undefined;
  readonly basic: number | null;
  readonly words: string;
}

/**
 * The category of a failed attempt. Trusted in this order: what the operator says its code means, the registered meaning of the
 * code, the words. A refusal after MAIL is about the sender, so it never says that a recipient is unknown.
 */
export function categoriseFailure({ enhancedCode, smtpCode, isTimeout, error, host }: FailureSigns): FailureCategory {
  if (error === null) return isTimeout ? "timeout" : "other";
  const said = replyIn(error);
  const basic = smtpCode ?? basicCodeOf(said);
  if (basic === null && !STARTS_WITH_ENHANCED.test(said)) {
    if (isTimeout) return "timeout";
    return decide(LOCAL_RULES, { operator: undefined, enhanced: undefined, basic, words: wordsOf(said) }) ?? "other";
  }
  const enhanced = enhancedCode ?? STANDARD_CODE.exec(said)?.[1] ?? null;
  const reply = {
    operator: operatorOf(host ?? null, said),
    enhanced: enhanced?.slice(enhanced.indexOf(".") + 1),
    basic,
    words: wordsOf(said),
  };
  const category = decideReply(reply);
  return AFTER_MAIL.test(error) && ABOUT_RECIPIENT.includes(category) ? "policy" : category;
}

function decideReply(reply: Reply): FailureCategory {
  for (const rules of [OPERATOR_RULES, CODE_RULES, WORD_RULES, LAST_RULES]) {
    const category = decide(rules, reply);
    if (category !== undefined) return category;
  }
  return "other";
}

function decide(rules: readonly ReplyRule[], reply: Reply): FailureCategory | undefined {
  return rules.find((rule) => fits(rule, reply))?.category;
}

function fits({ operator, enhanced, basic, words }: ReplyRule, reply: Reply): boolean {
  return (
    (operator === undefined || operator === reply.operator) &&
    (basic === undefined || isBasic(basic, reply.basic)) &&
    (enhanced === undefined || (reply.enhanced !== undefined && isCode(enhanced, reply.enhanced))) &&
    (words === undefined || words.test(reply.words))
  );
}

function isBasic(form: number | RegExp, code: number | null): boolean {
  return typeof form === "number" ? form === code : code !== null && form.test(String(code));
}

function isCode(form: string | RegExp, code: string): boolean {
  return typeof form === "string" ? form === code : form.test(code);
}

/** Operator who wrote a reply: by the suffix of the MX host, else by phrases that only this operator uses. */
export function operatorOf(host: string | null, reply: string): Operator | undefined {
  const name = host?.toLowerCase().replace(/\.$/, "");
  const byHost = OPERATOR_SIGNS.find(({ hosts }) =>
    hosts.some((known) => name === known || name?.endsWith(`.${known}`)),
  );
  return (byHost ?? OPERATOR_SIGNS.find(({ signature }) => signature.test(reply)))?.operator;
}

const ABOUT_RECIPIENT: readonly FailureCategory[] = ["unknown_user", "dns"];
const AFTER_MAIL = /^[A-Za-z ]{4,50} after (?:pipelined )?MAIL FROM:/;
const STARTS_WITH_ENHANCED = /^[245]\.\d{1,3}\.\d{1,3}\b/;
/** Right after the basic code or the name of a filter (`550 cuda_nsu 5.1.1`), or as qmail writes it: `(#5.1.1)`. */
const STANDARD_CODE = /(?:^(?:\d{3}[ -])?\W{0,2}(?:[\w*.-]+ ){0,2}|\(#)([245]\.[0-7]\.\d{1,3})(?!\.?\d)/;

function basicCodeOf(reply: string): number | null {
  return /^[2-5]\d\d(?=[ -]|$)/.test(reply) ? Number(reply.slice(0, 3)) : null;
}

const COMMAND =
  /^.{0,60}? (?:after|in response to) (?:pipelined )?(?:(?:MAIL FROM|RCPT TO): ?<[^>]*>[^:]*|[A-Za-z ]+(?: \([^)]*\))?): ?(?=\d{3}(?:[ -]|$)|host )/s;
const OLDER_HOST = /^host \S+ \[[^\]]*\](?::\d+)?: ?/;
const RELAYED = /^(?:.{0,80}?: )?(?:host|connect to|server)? ?\S* ?(?:said|refused to talk to me): (?=\d{3}[ -])/s;
/** `5.1.0 - Unknown address error 550-'5.7.1 no'`: the first code is of the gateway that passes the reply on. */
const IRONPORT = /^[245]\.\d\.\d - .{0,60}? (?=[245]\d\d[ -]')/;

/**
 * The remote side's own words, without the command and the host name, which say nothing about the reason; an error that is no
 * reply is returned as it is: `SMTP error from remote mail server after RCPT TO:<header@example.org>: 550 5.1.1 no such user`.
 */
export function replyIn(error: string): string {
  const reply = error.replace(COMMAND, "");
  return (reply === error ? reply : reply.replace(OLDER_HOST, "")).replace(RELAYED, "").replace(IRONPORT, "");
}

const LINE_BREAK = /(?:\\n|\n)\d{3}[ -](?:[245]\.\d{1,3}\.\d{1,3} ?)?/g;
const FRAMING = /^Remote host \S+ \[[^\]]*\] |(?<=in response to )(?:EHLO|HELO|LHLO|MAIL FROM:|RCPT TO:).*/g;
const NAMES =
  /https?:\/\/\S*|\S*@[\w.-]+|<[^>]*>|(?<![\w.-])\/[\w.\-/]+|\b(?:[a-z\d](?:[\w-]*[a-z\d])?\.)+[a-z][a-z\d-]*[a-z]\b|\[?\b\d{1,3}(?:\.\d{1,3}){3}\b\]?|\[?(?<![\da-f:])[\da-f]{1,4}(?::[\da-f]{0,4}){3,7}(?![\w:])\]?/gi;
/** Phrases that replies contain whatever their reason. */
const BOILERPLATE =
  /\b(?:may|might) (?:also )?(?:be|have)\b[^.;]*|\bif you (?:believe|think|feel|are)\b[^.;]*|\bto (?:best )?(?:reduce|protect)\b[^,.;]*|\bfor (?:more|further|e-?mail delivery) information\b[^;.]*/gi;

/** The words of a reply as one line, without names, addresses and what says nothing. */
function wordsOf(reply: string): string {
  return maskNames(reply.replace(FRAMING, "").replace(LINE_BREAK, " ")).replace(BOILERPLATE, "");
}

/** A text without names of hosts, addresses and pages: what they are called says nothing about a reason. */
export function maskNames(text: string): string {
  return text.replace(NAMES, maskName);
}

/** Pages of block lists about one address, whatever host they are on. */
const LOOK_UP =
  /\/query\/(?:bl|ip|sbl|xbl|pbl|lookup|domain)\b|\/bl\.shtml|lookup(?:\.\w+)?(?:[/?]|$)|\?(?:\w+=\w+&)*ip(?:_address)?=|\/reset-request\b|\/remove\.php|\/unblock\b/i;
const IP_ADDRESS = /^\[?(?:\d{1,3}(?:\.\d{1,3}){3}|[\da-f]{0,4}(?::[\da-f]{0,4}){3,7})\]?$/i;

/** `IP*` for an address, `look-up*` for a page of a block list, `*` for any other name. Microsoft's names of exceptions look like those of hosts. */
function maskName(name: string): string {
  if (/^(?:RESOLVER|STOREDRV|ROUTING)\./.test(name)) return name;
  if (IP_ADDRESS.test(name)) return "IP*";
  return LOOK_UP.test(name) ? "look-up*" : "*";
}
