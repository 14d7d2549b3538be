import { parseDeferral, parseDelivery, parseFailure } from "./address-line.ts";
import { parseArrival } from "./arrival.ts";
import { parseAuthenticationFailure } from "./authentication.ts";
import {
  ASTERISK,
  EQUALS,
  GREATER_THAN,
  LEFT_BRACKET,
  LEFT_PAREN,
  LESS_THAN,
  MINUS,
  QUOTE,
  SPACE,
  TAB,
} from "./chars.ts";
import { parseConfigurationError, parseDriverError, parseNeverUsers } from "./configuration.ts";
import { parseDaemon, parseDaemonProblem, parseInvocation, parseQueueRun, parseSighup } from "./daemon.ts";
import { parseDns, parseListMatch } from "./dns.ts";
import type { LogEvent } from "./events.ts";
import { parseOldHostError } from "./host-error.ts";
import { parseIdentification } from "./identification.ts";
import { parseIdentifiedLine } from "./identified-line.ts";
import { parseErrorIgnored, parseLifecycle, withoutRepeatedId } from "./lifecycle.ts";
import { parseOutput } from "./output.ts";
import { parseBacktrace, parsePanic, parseTransportProcess } from "./panic.ts";
import { parsePrdr } from "./prdr.ts";
import {
  parseAddressRejection,
  parseBuiltInRejection,
  parseClientLast,
  parseLocalScanFailure,
  parseSynchronizationError,
} from "./rejection.ts";
import { parseRewrite } from "./rewrite.ts";
import { parseScan } from "./scan.ts";
import {
  parseCommandError,
  parseCommandReceived,
  parseConnection,
  parseEarlyEnd,
  parseIgnoredAuth,
  parseSessionNote,
} from "./session.ts";
import { parseDkim, parsePolicyProblem } from "./signature.ts";
import { parseSpool } from "./spool.ts";
import { parseCertificateError, parseTlsError, parseTlsLibraryError, parseTlsPolicy } from "./tls.ts";
import { parseCalloutFailure, parseVrfyFailure } from "./verification.ts";
import { parsePeerClose } from "./warning.ts";

const OTHER: LogEvent = { kind: "other" };
/** One line of four. */
const COMPLETED: LogEvent = { kind: "completed", queueMs: undefined };

/**
 * The meaning of an entry's text: what stands after stamp, zone, pid and message id, continuation lines joined by newlines.
 * Never throws; text of no known form is `other`. Depends on nothing but its arguments.
 */
export function parseEvent(text: string, messageId: string | undefined): LogEvent {
  if (messageId === undefined) return parseSentence(text, undefined) ?? OTHER;
  if (text === "Completed") return COMPLETED;
  return parseFlagged(text) ?? parseSentence(withoutRepeatedId(text, messageId), messageId) ?? OTHER;
}

/** The forms that begin with a two-character flag and a blank. */
function parseFlagged(text: string): LogEvent | undefined {
  if (text.charCodeAt(2) !== SPACE) return undefined;
  const second = text.charCodeAt(1);
  switch (text.charCodeAt(0)) {
    case LESS_THAN:
      return second === EQUALS ? parseArrival(text, 3, false) : undefined;
    case LEFT_PAREN:
      return second === EQUALS ? parseArrival(text, 3, true) : undefined;
    case EQUALS:
      if (second === GREATER_THAN) return parseDelivery(text, 3, "=>");
      return second === EQUALS ? parseDeferral(text, 3) : undefined;
    case MINUS:
      return second === GREATER_THAN ? parseDelivery(text, 3, "->") : undefined;
    case GREATER_THAN:
      return second === GREATER_THAN ? parseDelivery(text, 3, ">>") : undefined;
    case ASTERISK:
      if (second === GREATER_THAN) return parseDelivery(text, 3, "*>");
      return second === ASTERISK ? parseFailure(text, 3) : undefined;
    default:
      return undefined;
  }
}

/** Parses what `exim -v` prints of an entry: which message it is about, it does not say. */
export function parseAnnouncedEvent(text: string): LogEvent {
  if (text === "Completed") return COMPLETED;
  return parseFlagged(text) ?? parseSentence(text, undefined) ?? OTHER;
}

/** Reads one family of lines from their beginning; undefined for another form. */
type Reader = (text: string, messageId: string | undefined) => LogEvent | undefined;

/** All other forms: most are known by their first word, the rest by their first character or their second word. */
function parseSentence(text: string, messageId: string | undefined): LogEvent | undefined {
  const first = text.charCodeAt(0);
  if (text.charCodeAt(1) === EQUALS || first === SPACE) return parseIdentifiedLine(text, messageId);
  const blank = text.indexOf(" ");
  const word = blank === -1 ? text : text.slice(0, blank);
  // NOTE: the word is the whole line when a continuation line follows at once.
  const readers = BY_FIRST_WORD.get(word) ?? BY_FIRST_WORD.get(firstLine(word));
  if (readers !== undefined) {
    for (const read of readers) {
      const event = read(text, messageId);
      if (event !== undefined) return event;
    }
  }
  return parseByFirstCharacter(first, text) ?? parseBySecondWord(text, blank, messageId) ?? parseListMatch(text);
}

function firstLine(text: string): string {
  const end = text.indexOf("\n");
  return end === -1 ? text : text.slice(0, end);
}

/** A reader of entries of one line: what follows it in the file was written by something else. */
function ofOneLine(read: Reader): Reader {
  return (text, messageId) => read(firstLine(text), messageId);
}

const session = ofOneLine((text, messageId) => parseConnection(text, messageId) ?? parseEarlyEnd(text, messageId));
const queueRun = ofOneLine(parseQueueRun);

/** Lines about the state of a message have an id, except for one: Exim may pass a frozen message by without saying which. */
const lifecycle: Reader = (text, messageId) =>
  messageId === undefined && text !== "Message is frozen" ? undefined : parseLifecycle(text);

/** The readers of the families whose lines can begin with a word, in the order in which they are asked. */
const BY_FIRST_WORD: ReadonlyMap<string, readonly Reader[]> = new Map<string, readonly Reader[]>([
  ["Completed", [lifecycle]],
  ["Frozen", [lifecycle]],
  ["frozen", [lifecycle]],
  ["Unfrozen", [lifecycle]],
  ["unfrozen", [lifecycle]],
  ["removed", [lifecycle]],
  ["cancelled", [lifecycle]],
  ["Message", [lifecycle]],
  ["original", [lifecycle]],
  ["rescind", [lifecycle]],
  ["address", [lifecycle]],
  ["recipient", [lifecycle, parseCalloutFailure]],
  ["sender", [lifecycle, parseCalloutFailure]],
  ["no", [lifecycle, parseDns, session]],
  ["bad", [lifecycle]],
  ["Delivery", [lifecycle, parsePanic]],
  ["Error", [lifecycle, parseConfigurationError, parseSpool]],
  [
    "SMTP",
    [
      lifecycle,
      session,
      parseCommandError,
      parseSynchronizationError,
      parseBuiltInRejection,
      parseIdentification,
      parseOldHostError,
    ],
  ],
  ["Sender", [parseIdentification]],
  ["unexpected", [session]],
  ["rejected", [parseClientLast]],
  ["temporarily", [parseClientLast, parseBuiltInRejection]],
  ["refused", [parseBuiltInRejection]],
  ["Connection", [parseBuiltInRejection, parseTlsPolicy]],
  ["connection", [parseBuiltInRejection]],
  ["unqualified", [parseAddressRejection]],
  ["too", [parseAddressRejection]],
  ["overlong", [parseBuiltInRejection]],
  ["ridiculously", [parseBuiltInRejection]],
  ["local_scan()", [parseLocalScanFailure]],
  ["VRFY", [parseVrfyFailure]],
  ["ETRN", [parseCommandReceived]],
  ["ATRN", [parseCommandReceived]],
  ["ignoring", [parseIgnoredAuth]],
  ["ident", [parseSessionNote]],
  ["TLS", [parseTlsError]],
  ["DANE", [parseTlsPolicy]],
  ["Remote", [parseOldHostError]],
  ["Malformed", [parseOldHostError, parseConfigurationError]],
  ["Required", [parseTlsPolicy]],
  ["Server", [parseTlsPolicy]],
  ["OCSP", [parseTlsPolicy]],
  ["DKIM:", [ofOneLine(parseDkim)]],
  ["ARC:", [parsePolicyProblem]],
  ["SPF:", [parsePolicyProblem]],
  ["spf:", [parsePolicyProblem]],
  ["DMARC:", [parsePolicyProblem]],
  ["dmarc:", [parsePolicyProblem]],
  ["DMARC", [parsePolicyProblem]],
  ["PRDR", [parsePrdr]],
  ["malware", [parseScan]],
  ["internal", [parseScan]],
  ["spam", [parseScan]],
  ["SA:", [parseScan]],
  ["lowest", [parseDns]],
  ["remote", [parseDns]],
  ["CNAME", [parseDns]],
  ["Long", [parseDns]],
  ["DNS", [parseDns]],
  ["list", [parseDns]],
  ["Start", [queueRun]],
  ["End", [queueRun]],
  ["Abandon", [queueRun]],
  ["exim", [parseDaemon]],
  ["pid", [parseSighup]],
  ["Daemon", [parseDaemonProblem]],
  ["socket", [parseDaemonProblem]],
  ["bind", [parseDaemonProblem]],
  ["listen", [parseDaemonProblem]],
  ["notify", [parseDaemonProblem]],
  ["spool", [parseDaemonProblem, parseSpool]],
  ["daemon:", [parseDaemonProblem]],
  ["...", [parseInvocation]],
  ["Spool", [lifecycle, parseSpool]],
  ["Format", [parseSpool]],
  ["Berkeley", [parseSpool]],
  ["moved", [parseSpool]],
  ["Unable", [parseSpool]],
  ["failed", [parseDns, parseConfigurationError, parseSpool, parsePanic]],
  ["Failed", [parseOldHostError, parseSpool, parseConfigurationError, parsePanic]],
  ["Exim", [parseConfigurationError]],
  ["Expansion", [parseConfigurationError]],
  ["expansion", [parseConfigurationError]],
  ["Tainted", [parseConfigurationError]],
  ["attempt", [parseConfigurationError]],
  ["invalid", [parseConfigurationError]],
  ["configured", [parseConfigurationError]],
  ["EHLO/HELO", [parseConfigurationError]],
  ["bounce_message_file", [parseConfigurationError]],
  ["warn_message_file", [parseConfigurationError]],
  ["WARNING:", [parseConfigurationError]],
  ["Warning:", [parseConfigurationError]],
  ["unable", [parseConfigurationError]],
  ["User", [parseNeverUsers]],
  ["qualify/rewrite:", [parseRewrite]],
  ["rewrite:", [parseRewrite]],
  ["peer", [parsePeerClose]],
  ["SIGSEGV", [parsePanic]],
  ["SEGV_MAPERR", [parsePanic]],
  ["SEGV_ACCERR", [parsePanic]],
  ["backtrace", [parsePanic]],
  ["---", [parsePanic]],
  ["Process", [lifecycle]],
  ["process", [parsePanic]],
  ["queue", [parsePanic]],
  ["Cannot", [parsePanic]],
  ["Child", [parsePanic]],
  ["exim:", [parsePanic]],
]);

function parseByFirstCharacter(first: number, text: string): LogEvent | undefined {
  switch (first) {
    case QUOTE:
      return parseRewrite(text);
    case LEFT_BRACKET:
      return parseCertificateError(text) ?? parseSessionNote(text);
    case LESS_THAN:
      return parseOutput(text);
    case LEFT_PAREN:
      return parseTlsLibraryError(text);
    case TAB:
      return parseBacktrace(text);
    default:
      if (text.startsWith("cwd=")) return parseInvocation(text);
      return text.startsWith("Ci=") ? parseSessionNote(text) : undefined;
  }
}

/** Lines that begin with a name: of an authenticator, a router, a transport, a host, or an address. */
function parseBySecondWord(text: string, blank: number, messageId: string | undefined): LogEvent | undefined {
  if (blank <= 0) return undefined;
  const end = text.indexOf(" ", blank + 1);
  switch (text.slice(blank + 1, end === -1 ? text.length : end)) {
    case "authenticator":
      return parseAuthenticationFailure(text, messageId) ?? parseDriverError(text);
    case "authenticator:":
    case "router:":
    case "router":
    case "transport:":
      return parseDriverError(text);
    case "transport":
      return parseTransportProcess(text) ?? parseDriverError(text);
    case "accept()":
      return parseDaemonProblem(text);
    default:
      if (text.charCodeAt(blank + 1) === LEFT_BRACKET) return parseOldHostError(text, messageId);
      return messageId === undefined ? undefined : parseErrorIgnored(text);
  }
}
