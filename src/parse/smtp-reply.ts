import { isDigit } from "./chars.ts";
import { Cursor } from "./cursor.ts";
import type { SmtpReply } from "./events.ts";
import { readAngleBrackets } from "./fields.ts";

/** Beginnings of an error that a command follows. */
const REPLY_AFTER = [
  "SMTP error from remote mail server after ",
  "SMTP error from remote mailer after ",
  "LMTP error after ",
  "PRDR error after ",
  "Remote host closed connection in response to ",
] as const;
const TIMEOUT_AFTER = ["SMTP timeout after ", "LMTP timeout after "] as const;
const TIMED_OUT = "Connection timed out";
const MALFORMED = /^Malformed SMTP reply(?: \([^)]*\))? in response to /;
const PIPELINED = "pipelined ";
const PHASES = [
  "RCPT",
  "MAIL",
  "DATA",
  "end of data",
  "initial connection",
  "sending data block",
  "EHLO",
  "HELO",
  "LHLO",
  "STARTTLS",
  "AUTH",
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
  if (error.startsWith(TIMED_OUT)) return findTimeoutPhase(error);
  if (isCodeAt(error, 0)) return replyAt(error, 0, undefined);
  const command = endOfWords(error, REPLY_AFTER);
  if (command !== 0) return readReply(error, command);
  const late = endOfWords(error, TIMEOUT_AFTER);
  if (late !== 0) return { phase: phaseAt(error, late), code: undefined, enhancedCode: undefined, isTimeout: true };
  const malformed = error.startsWith("Malformed") ? MALFORMED.exec(error) : null;
  return malformed === null ? undefined : readReply(error, afterPipelined(error, malformed[0].length));
}

function readReply(error: string, command: number): SmtpReply {
  const phase = phaseAt(error, command);
  const none = { phase, code: undefined, enhancedCode: undefined, isTimeout: false };
  return replyAt(error, findReply(error, command), phase) ?? none;
}

/** Position of the command after one of the beginnings; 0 if the error has none of them. */
function endOfWords(error: string, words: readonly string[]): number {
  for (const start of words) if (error.startsWith(start)) return afterPipelined(error, start.length);
  return 0;
}

function afterPipelined(error: string, at: number): number {
  return error.startsWith(PIPELINED, at) ? at + PIPELINED.length : at;
}

/** `Connection timed out H=…: SMTP timeout after EHLO x`: the phase is in the second half when there is one. */
function findTimeoutPhase(error: string): SmtpReply {
  const at = error.indexOf(": ");
  const second = at === -1 ? "" : error.slice(at + 2);
  const inner = second.startsWith(TIMED_OUT) ? undefined : findSmtpReply(second);
  return { phase: inner?.phase, code: inner?.code, enhancedCode: inner?.enhancedCode, isTimeout: true };
}

function phaseAt(error: string, at: number): string | undefined {
  for (const phase of PHASES) if (error.startsWith(phase, at)) return phase;
  return undefined;
}

/**
 * Position of the reply: after the first `: ` that a three-digit code follows. The command before it may hold colons, and
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
