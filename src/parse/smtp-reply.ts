import { isDigit } from "./chars.ts";
import { Cursor } from "./cursor.ts";
import type { SmtpReply } from "./events.ts";
import { readAngleBrackets } from "./fields.ts";

const AFTER =
  /^(?:SMTP error from remote mail server|SMTP error from remote mailer|LMTP error|PRDR error) after (?:pipelined )?/;
const TIMEOUT_AFTER = /^(?:SMTP|LMTP) timeout after (?:pipelined )?/;
const NO_REPLY =
  /^(?:Remote host closed connection|Malformed SMTP reply(?: \([^)]*\))?) in response to (?:pipelined )?/;
const PHASES = [
  "initial connection",
  "sending data block",
  "end of data",
  "EHLO",
  "HELO",
  "LHLO",
  "STARTTLS",
  "AUTH",
  "MAIL",
  "RCPT",
  "DATA",
] as const;

/**
 * Finds the SMTP or LMTP reply in the error text of a deferral, failure or host line; undefined when the text holds none.
 *
 *     SMTP error from remote mail server after RCPT TO:<b@example.net>: 451 4.7.1 greylisted, come back later
 *     ^ phase RCPT, code 451, enhanced code 4.7.1
 *     SMTP timeout after end of data (1024 bytes written)
 * Source: exim-log-grammar §10.1.
 */
export function findSmtpReply(error: string): SmtpReply | undefined {
  if (error.startsWith("Connection timed out")) return findTimeoutPhase(error);
  const timeout = TIMEOUT_AFTER.exec(error);
  if (timeout !== null)
    return {
      phase: phaseAt(error, timeout[0].length),
      code: undefined,
      enhancedCode: undefined,
      isTimeout: true,
    };
  const prefix = AFTER.exec(error) ?? NO_REPLY.exec(error);
  if (prefix === null) return replyAt(error, 0, undefined);
  const phase = phaseAt(error, prefix[0].length);
  return (
    replyAt(error, findReply(error, prefix[0].length), phase) ?? {
      phase,
      code: undefined,
      enhancedCode: undefined,
      isTimeout: false,
    }
  );
}

/** `Connection timed out H=…: SMTP timeout after EHLO x`: the phase is in the second half when there is one. */
function findTimeoutPhase(error: string): SmtpReply {
  const at = error.indexOf(": ");
  const inner = at === -1 ? undefined : findSmtpReply(error.slice(at + 2));
  return { phase: inner?.phase, code: inner?.code, enhancedCode: inner?.enhancedCode, isTimeout: true };
}

function phaseAt(error: string, at: number): string | undefined {
  return PHASES.find((phase) => error.startsWith(phase, at));
}

/**
 * Where the reply begins: after the first `: ` that a three-digit code follows. The command before it may hold colons, and
 * its address may imitate a reply.
 */
function findReply(error: string, from: number): number {
  let at = error.indexOf(": ", endOfAddress(error, from));
  while (at !== -1 && !isCodeAt(error, at + 2)) at = error.indexOf(": ", at + 2);
  return at === -1 ? error.length : at + 2;
}

/** End of the `<…>` of a MAIL or RCPT command at `from`; `from` itself for other commands. */
function endOfAddress(error: string, from: number): number {
  if (!error.startsWith("MAIL FROM:<", from) && !error.startsWith("RCPT TO:<", from)) return from;
  const cursor = new Cursor(error, error.indexOf("<", from));
  readAngleBrackets(cursor);
  return cursor.position;
}

function isCodeAt(text: string, at: number): boolean {
  const first = text.charCodeAt(at);
  if (first < 0x32 || first > 0x35 || !isDigit(text.charCodeAt(at + 1)) || !isDigit(text.charCodeAt(at + 2)))
    return false;
  const after = text.charAt(at + 3);
  return after === " " || after === "-" || after === "";
}

const ENHANCED = /([245])\.\d{1,3}\.\d{1,3}(?!\.?\d)/y;

function replyAt(error: string, at: number, phase: string | undefined): SmtpReply | undefined {
  if (!isCodeAt(error, at)) return undefined;
  ENHANCED.lastIndex = at + 4;
  const enhanced = ENHANCED.exec(error);
  const agrees = enhanced !== null && enhanced[1] === error.charAt(at);
  return {
    phase,
    code: Number(error.slice(at, at + 3)),
    enhancedCode: agrees ? enhanced[0] : undefined,
    isTimeout: false,
  };
}
