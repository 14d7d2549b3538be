/** Which of Exim's logs a line of syslog was for, and what it has in common with the same event sent for another one. */
import type { EventKind } from "../parse/events.ts";
import { type ParsedEntry, parseEntryText, startsEntry } from "../parse/record.ts";
import { syslogTag } from "../parse/syslog.ts";
import type { LogType } from "../store/codes.ts";
import type { SyslogTwinSearch } from "../store/syslog-twins.ts";
import { isOfOneLog } from "../store/twins.ts";
import { type EpochMs, SECOND_MS } from "../units.ts";

/** By the severity of `<PRI>`. Source: exim-log-grammar §3.1. */
const LOG_TYPES: Readonly<Record<number, LogType>> = { 1: "panic", 2: "panic", 5: "reject", 6: "main" };

/** What Exim writes to a second log; where the severity is not kept, any other line that stands there twice is two events. */
const SECOND_LOGS: Readonly<Partial<Record<EventKind, LogType>>> = {
  rejection: "reject",
  verification: "reject",
  discard: "reject",
  deferral: "panic",
  panic: "panic",
  configuration: "panic",
  scan: "panic",
  spool: "panic",
  not_accepted: "panic",
};

/** Exim sends both lines at once. */
const BETWEEN_TWINS_MS = 2 * SECOND_MS;

/** The log an entry was sent for; undefined when the file does not keep the severity. */
export function logTypeOf({ syslog }: ParsedEntry): LogType | undefined {
  return syslog?.severity === undefined ? undefined : LOG_TYPES[syslog.severity];
}

/** The log that an entry was sent for if an equal one stands before it; undefined when both are events of their own. */
export function secondLogOf(parsed: ParsedEntry): LogType | undefined {
  const { kind } = parsed.event;
  return isOfOneLog(kind) ? undefined : (logTypeOf(parsed) ?? SECOND_LOGS[kind]);
}

export function twinSearch(parsed: ParsedEntry, at: EpochMs, serverId: number): SyslogTwinSearch {
  return { key: keyOf(parsed), at, earlierMs: hasEximStamp(parsed) ? 0 : BETWEEN_TWINS_MS, serverId, keyOf: keyOfText };
}

/** Exim's own stamp begins the line; without it both lines have one of syslog's. */
function hasEximStamp({ line }: ParsedEntry): boolean {
  return startsEntry(line);
}

function keyOf({ syslog, line }: ParsedEntry): string {
  return syslog === undefined ? line : `${syslogTag(syslog)} ${line}`;
}

function keyOfText(text: string): string {
  const parsed = parseEntryText(text);
  return parsed === undefined ? text : keyOf(parsed);
}
