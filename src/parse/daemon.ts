import type { Daemon, Invocation, QueueRun } from "./events.ts";
import { parseWholeNumber } from "./numbers.ts";

const QUEUE_RUN = /^(Start|End|Abandon) (?:ODMR )?(?:'([^']*)' )?queue run: pid=(\d+)?\S*/;

/**
 * Reads the beginning or the end of a queue run.
 *
 *     Start queue run: pid=21624 -R rules.example
 *     ^
 *     End 'bulk' queue run: pid=29627
 *     Abandon queue run: pid=4711 (load 21.50, max 8.00)
 * Source: exim-log-grammar §13.
 */
export function parseQueueRun(text: string): QueueRun | undefined {
  const match = QUEUE_RUN.exec(text);
  if (match === null) return undefined;
  const [whole, verb, queue, pid] = match;
  const rest = text.slice(whole.length).trim();
  const reason = verb === "Abandon" ? /\(([^()]*)\)$/.exec(rest) : null;
  const options = reason === null ? rest : rest.slice(0, reason.index).trim();
  return {
    kind: "queue_run",
    action: verb === "Start" ? "start" : verb === "End" ? "end" : "abandon",
    queue,
    pid: pid === undefined ? undefined : parseWholeNumber(pid),
    options: options === "" ? undefined : options,
    reason: reason?.[1],
  };
}

const STARTED = /^exim (\S+) daemon (started: |terminating, ?)(?:pid=(\d+)?\w*)?(?:, )?(.*)$/s;
const LAUNCHED = /^exim (\S+) (?:daemon )?launched with listening socket(?:, )?(?:pid=(\d+)?\w*)?(?:, )?(.*)$/s;

/**
 * Reads the beginning and the end of the daemon.
 *
 *     exim 4.96 daemon started: pid=21099, -q30m, listening for SMTP on port 25 (IPv6 and IPv4)
 *     ^
 *     exim 4.98.2 daemon terminating, inetd wait timeout reached.
 * Source: exim-log-grammar §13.
 */
export function parseDaemon(text: string): Daemon | undefined {
  const match = STARTED.exec(text);
  if (match !== null) {
    const [, version, verb = "", pid, reason] = match;
    return buildDaemon(verb.startsWith("started") ? "started" : "terminating", version, pid, reason);
  }
  const launched = LAUNCHED.exec(text);
  return launched === null ? undefined : buildDaemon("started", launched[1], launched[2], launched[3]);
}

/** `pid 30335: SIGHUP received: re-exec daemon`. */
export function parseSighup(text: string): Daemon | undefined {
  const match = /^pid (\d+)?(?:[A-Za-z_]\w*)?: (SIGHUP received: .*)$/.exec(text);
  return match === null ? undefined : buildDaemon("restarting", undefined, match[1], match[2]);
}

/**
 * Reads a trouble of the daemon: a port it could not have, a full disk, a backlog.
 *
 *     socket bind() to port 25 for address 198.51.100.25 failed: Address already in use: waiting 30s before trying again
 *     ^
 * Source: exim-log-grammar §13.
 */
export function parseDaemonProblem(text: string): Daemon | undefined {
  return DAEMON_PROBLEM.test(text) ? buildDaemon("problem", undefined, undefined, text) : undefined;
}

const DAEMON_PROBLEM =
  /^(?:socket bind\(\) to port |bind of \[|\d+ (?:\w+ )*accept\(\) failures?: |notify triggered queue run|spool directory space check failed: |listen backlog \d|Daemon cannot be run |daemon: )/;

function buildDaemon(
  action: Daemon["action"],
  version: string | undefined,
  pid: string | undefined,
  reason: string | undefined,
): Daemon {
  return {
    kind: "daemon",
    action,
    version,
    pid: pid === undefined ? undefined : parseWholeNumber(pid),
    reason: reason === "" ? undefined : reason,
  };
}

const INVOCATION = /^cwd=(.*?) (\d+) args: /s;

/**
 * Reads how Exim was called, with the selector `arguments`.
 *
 *     cwd=/home/bob 6 args: /usr/sbin/exim4 -f list-owner@example.org -F "List "Owner"" bob@example.org
 *     ^
 *     ... -oi alice@example.org
 * Arguments with blanks are in quotes, and quotes in them are not escaped: the count tells whether the parts are right.
 * Source: exim-log-grammar §13.
 */
export function parseInvocation(text: string): Invocation | undefined {
  if (text.startsWith("... ")) {
    const command = text.slice(4);
    return { kind: "invocation", directory: undefined, command, args: splitArguments(command) };
  }
  const match = INVOCATION.exec(text);
  if (match === null) return undefined;
  const [whole, directory, count] = match;
  const command = text.slice(whole.length);
  const args = splitArguments(command);
  return { kind: "invocation", directory, command, args: args.length === Number(count) ? args : undefined };
}

function splitArguments(command: string): string[] {
  const args: string[] = [];
  let isQuoteLeft = true;
  let at = 0;
  while (at < command.length) {
    const isQuoted = isQuoteLeft && command.startsWith('"', at);
    const close = isQuoted ? closingArgumentQuote(command, at + 1) : -1;
    if (isQuoted && close === -1) isQuoteLeft = false;
    const blank = command.indexOf(" ", close === -1 ? at : close);
    const end = blank === -1 ? command.length : blank;
    args.push(close === -1 ? command.slice(at, end) : command.slice(at + 1, close));
    at = end + 1;
  }
  return args;
}

/** A quote that a blank or the end follows; -1 when none is left. */
function closingArgumentQuote(command: string, from: number): number {
  let close = command.indexOf('"', from);
  while (close !== -1 && close + 1 < command.length && command.charAt(close + 1) !== " ")
    close = command.indexOf('"', close + 1);
  return close;
}
