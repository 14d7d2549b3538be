import type { LogEvent, QueueRun } from "./events.ts";
import { parseDeferral, parseDelivery, parseFailure } from "./address-line.ts";
import { parseArrival } from "./arrival.ts";
import { ASTERISK, EQUALS, GREATER_THAN, LEFT_PAREN, LESS_THAN, MINUS, SPACE } from "./chars.ts";
import { parseLifecycle, withoutRepeatedId } from "./lifecycle.ts";
import { parseRejection } from "./rejection.ts";

const OTHER: LogEvent = { kind: "other" };

/**
 * The meaning of an entry's text: what stands after stamp, zone, pid and message id, continuation lines joined by newlines.
 * Never throws; text of no known form is `other`. Depends on nothing but its arguments.
 */
export function parseEvent(text: string, messageId: string | undefined): LogEvent {
  if (messageId === undefined) return parseWithoutId(text);
  return parseFlagged(text) ?? parseWithId(withoutRepeatedId(text, messageId));
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

function parseWithId(text: string): LogEvent {
  return parseLifecycle(text) ?? parseRejection(text) ?? OTHER;
}

function parseWithoutId(text: string): LogEvent {
  return parseRejection(text) ?? parseQueueRun(text) ?? OTHER;
}

const QUEUE_RUN = /^(Start|End) (?:ODMR )?(?:'([^']*)' )?queue run: pid=(\d+)?/;

/**
 * `Start queue run: pid=21624 -R rules.example`, `End 'bulk' queue run: …`.
 * Source: exim-log-grammar §13.
 */
function parseQueueRun(text: string): QueueRun | undefined {
  const match = text.startsWith("Start ") || text.startsWith("End ") ? QUEUE_RUN.exec(text) : null;
  if (match === null) return undefined;
  const [, action, queue, pid] = match;
  return {
    kind: "queue_run",
    action: action === "Start" ? "start" : "end",
    queue,
    pid: pid === undefined ? undefined : Number(pid),
  };
}
