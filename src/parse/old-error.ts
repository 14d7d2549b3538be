import type { Host, SmtpReply } from "./events.ts";
import { plainHost } from "./host.ts";
import { findSmtpReply } from "./smtp-reply.ts";

/** Facts in an error about the remote side: the host that it names, and its reply. */
export interface OldError {
  readonly host: Host;
  readonly reply: SmtpReply | undefined;
}

/**
 * Reads an error of Exim before 4.85, which names the host in its text; later ones have it as `H=`. Undefined when it names none.
 *
 *     SMTP error from remote mail server after RCPT TO:<b@example.net>: host mx.example.net [203.0.113.14]: 450 4.7.1 wait
 *     ^
 *     SMTP timeout while connected to mx.example.net [203.0.113.14] after end of data
 *     Remote host mx.example.net [203.0.113.14] closed connection in response to initial connection
 *     Malformed SMTP reply from mx.example.net [203.0.113.14] in response to HELO x: hello
 * Source: exim-log-grammar §10.1.
 */
export function findOldError(error: string): OldError | undefined {
  if (!error.includes("] ") && !error.includes("]: ")) return undefined;
  for (const form of FORMS) {
    const [, before, name, ip, after] = form.exec(error) ?? [];
    if (before === undefined || after === undefined) continue;
    return {
      host: plainHost(name, ip),
      reply: findSmtpReply(before + after),
    };
  }
  return undefined;
}

/** Without the host each is the error of a later Exim. The text of the operating system may be before it. */
const FORMS = [
  /^(SMTP error from remote mail(?:er| server) after (?:pipelined )?(?:(?:MAIL FROM|RCPT TO):<[^>]*>[^:]*|[^:]*)): host (\S+) \[([^\]\s]+)\](: .*)$/s,
  /^((?:[^:]*: )?SMTP timeout) while connected to (\S+) \[([^\]\s]+)\]( after .*)$/s,
  /^((?:[^:]*: )?Remote host) (\S+) \[([^\]\s]+)\]( closed connection in response to .*)$/s,
  /^((?:[^:]*: )?Malformed SMTP reply) from (\S+) \[([^\]\s]+)\]( in response to .*)$/s,
];
