/** Why a refusal without words of its own came about: a line just above it, of the same message, process or connection. */
import type { Host, LogEvent } from "../parse/events.ts";
import type { ParsedEntry } from "../parse/record.ts";
import { SECOND_MS } from "../units.ts";

/** Facts of a line that show whether it belongs to the same session. */
export interface SessionLine {
  readonly event: LogEvent;
  readonly messageId: string | undefined;
  readonly pid: number | undefined;
  readonly atMs: number;
}

/** None of a line without a stamp, or whose text is not known. */
export function toSessionLine(parsed: ParsedEntry | undefined, timestamp: string | null): readonly SessionLine[] {
  if (parsed === undefined || timestamp === null) return [];
  const { event, prefix, syslog } = parsed;
  return [{ event, messageId: prefix.messageId, pid: prefix.pid ?? syslog?.pid, atMs: Date.parse(timestamp) }];
}

/** Kinds of lines that say why a condition of an ACL could not be evaluated. */
export const CAUSE_KINDS = [
  "scan",
  "configuration",
  "dns",
  "signature",
  "panic",
  "spool",
  "verification",
] as const satisfies readonly LogEvent["kind"][];

/** A scanner that does not answer is waited for two minutes. Source: Exim specification, av_scanner. */
export const LONGEST_CAUSE_MS = 150 * SECOND_MS;

/** Exim's own words for a verification that failed, which leave out why. */
const WORDLESS =
  /^(?:Could not complete (?:sender|recipient) verify(?: callout)?|(?:Sender|Recipient) verify failed|Verification failed(?: for <[^>]*>)?)$/i;

/** True when a refusal does not say why. */
export function lacksCause(reason: string | null | undefined): boolean {
  return reason === undefined || reason === null || reason === "" || WORDLESS.test(reason);
}

/** A stored line. */
export interface StoredLine {
  /** Text in latin1; undefined when it has been pruned. */
  readonly bytes: string | undefined;
  readonly timestamp: string | null;
}

/** Why the last of some lines was refused, by those before it. `read`: the parser of a stored line. */
export function findStoredCause(
  lines: readonly StoredLine[],
  read: (bytes: string) => ParsedEntry | undefined,
): string | undefined {
  const known = lines.flatMap(({ bytes, timestamp }) =>
    toSessionLine(bytes === undefined ? undefined : read(bytes), timestamp),
  );
  const refusal = known.at(-1);
  return refusal === undefined ? undefined : findCause(refusal, known.slice(0, -1));
}

/** The nearest line before the refusal that tells why, in words; `before`: the lines above it, the nearest last. */
export function findCause(refusal: SessionLine, before: readonly SessionLine[]): string | undefined {
  const cause = before.findLast((line) => isCauseOf(line, refusal));
  return cause === undefined ? undefined : describeCause(cause.event);
}

function isCauseOf(line: SessionLine, refusal: SessionLine): boolean {
  const age = refusal.atMs - line.atMs;
  if (age < 0 || age > LONGEST_CAUSE_MS || describeCause(line.event) === undefined) return false;
  if (line.messageId !== undefined) return line.messageId === refusal.messageId;
  if (line.pid !== undefined && refusal.pid !== undefined) return line.pid === refusal.pid;
  return age < SECOND_MS && isSameConnection(hostOf(line.event), hostOf(refusal.event));
}

function hostOf(event: LogEvent): Host | undefined {
  return "host" in event ? event.host : undefined;
}

/** A client without its port may have other connections, whose names and greetings are equal only by chance. */
function isSameConnection(one: Host | undefined, other: Host | undefined): boolean {
  if (one?.ip === undefined || one.ip !== other?.ip) return false;
  return one.port === other.port && one.helo === other.helo && one.name === other.name;
}

function describeCause(event: LogEvent): string | undefined {
  switch (event.kind) {
    case "scan":
      return `the ${event.scanner} scanner failed: ${event.reason}`;
    case "configuration":
    case "dns":
    case "panic":
    case "spool":
      return event.reason;
    case "signature":
      return event.result === "error" ? event.reason : undefined;
    case "verification":
      return event.reason === undefined ? undefined : `${event.subject} verification: ${event.reason}`;
    default:
      return undefined;
  }
}
