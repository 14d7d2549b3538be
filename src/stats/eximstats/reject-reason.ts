/** The reason that eximstats gives for a rejection: the first form that a line has, in this order. */

export interface RejectReason {
  readonly isTemporary: boolean;
  readonly reason: string;
}

const UNKNOWN = "Unknown";
/** Up to the next colon. */
const DETAIL = "(: .*?)(?::|\\s*$)";

const TEMPORARY_COMMAND = new RegExp(`(temporarily rejected [A-Z]*) .*?${DETAIL}`);

/** One part of the line is the reason. */
const WHOLE: readonly RegExp[] = [
  /(listed at [^ ]+)/,
  /(Forged IP detected in HELO)/,
  /(Invalid domain or IP given in HELO\/EHLO)/,
  /(unqualified recipient rejected)/,
  /(closed connection (?:after|in response) .*?)\s*$/,
  /(sender rejected)/,
  / rejected after DATA: (.*)/,
  / (rejected DATA: .*)/,
  /.DATA ACL discarded recipients.: (.*)/,
  /(VRFY rejected)/,
  /(too many recipients)/,
  /(refused relay.*?) to/,
  /(rejected by non-SMTP ACL: .*)/,
  /(rejected by local_scan.*)/,
  /(dropped: too many (?:(?:nonmail|unrecognized) commands|syntax or protocol errors))/,
  /(local_scan.. function .* - message temporarily rejected)/,
  /(SMTP protocol .*?(?:error|violation))/,
  /(message too big)/,
];

/** Two parts of the line, put together. */
const JOINED: readonly RegExp[] = [
  /(lookup of host )\S+ (failed)/,
  new RegExp(`(rejected [A-Z]*) .*?${DETAIL}`),
  /(refused connection )from.*? (\(.*)/,
  new RegExp(`(error from remote mailer after .*?:).*${DETAIL}`),
  /("." or "." expected).*?(: failing address in .*? header)/,
  /(Connection )from.*? (refused: load average)/,
  /([Cc]onnection )from.*? (refused.*)/,
  /: (Connection refused)()/,
];

const HELO_ARGUMENT = /rejected (?:HELO|EHLO) from [^:]*: syntactically invalid argument/;
const RCPT_RESPONSE = /response to "RCPT TO.*? was: (.*)/;
const TEMPORARY_CONNECTION = /(temporarily rejected connection in .*?ACL:?.*)/;

/** Source: how eximstats counts, as measured; `exim-pilot help counting` says what is odd about it. */
export function rejectReasonOf(text: string): RejectReason {
  if (text.includes("SpamAssassin")) return permanent("Rejected by SpamAssassin");
  const command = TEMPORARY_COMMAND.exec(text);
  if (command !== null) return temporary(`${command[1]}${command[2]}`);
  if (text.includes("temporarily refused connection")) return temporary("temporarily refused connection");
  for (const form of WHOLE) {
    const found = form.exec(text)?.[1];
    if (found !== undefined) return permanent(found);
  }
  if (HELO_ARGUMENT.test(text)) return permanent("Rejected HELO/EHLO: syntactically invalid argument");
  const response = RCPT_RESPONSE.exec(text)?.[1];
  if (response !== undefined) return permanent(`Response to RCPT TO was: ${response}`);
  for (const form of JOINED) {
    const found = form.exec(text);
    if (found !== null) return permanent(`${found[1]}${found[2]}`);
  }
  const connection = TEMPORARY_CONNECTION.exec(text)?.[1];
  return connection === undefined ? permanent(UNKNOWN) : temporary(connection);
}

function permanent(reason: string): RejectReason {
  return { isTemporary: false, reason: capitalise(reason) };
}

function temporary(reason: string): RejectReason {
  return { isTemporary: true, reason: capitalise(reason) };
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
