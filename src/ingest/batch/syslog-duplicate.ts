/** Finds the log for which Exim sent a line of syslog, and the key that it shares with the same event sent for another log. */
import { LINE_KINDS } from "../../message/kinds.ts";
import { type ParsedEntry, parseEntryText, startsEntry } from "../../parse/record.ts";
import { syslogTag } from "../../parse/syslog.ts";
import type { LogType } from "../../store/schema/codes.ts";
import { canHaveDuplicate } from "../../store/write/duplicate-finder.ts";
import { SECOND_MS } from "../../units.ts";

/** By the severity of `<PRI>`. Source: exim-log-grammar §3.1. */
const LOG_TYPES: Readonly<Record<number, LogType>> = { 1: "panic", 2: "panic", 5: "reject", 6: "main" };

/** Whom the daemon itself refuses, it says to its main log alone: `Connection from [203.0.113.184] refused: too many connections`. */
const BY_DAEMON = /^Connection from \S+ (?:I=\S+ )?refused: /;

/** Exim sends both lines at once. */
const BETWEEN_DUPLICATES_MS = 2 * SECOND_MS;

/** Facts that an entry of syslog shares with its duplicate. */
export interface SyslogDuplicate {
  /** Writer and first line. */
  readonly key: string;
  /** The log it was sent for if an equal one stands before it. */
  readonly secondLog: LogType;
  /** Greatest time by which the duplicate may be earlier, in milliseconds. */
  readonly earlierMs: number;
  /** The severity, which would tell the log, is not kept: whether Exim doubles its lines is told by those before. */
  readonly isGuess: boolean;
  /** Tells of those that follow whether Exim doubles its lines. */
  readonly isTelling: boolean;
}

/** The log an entry was sent for; undefined when the file does not keep the severity. */
export function logTypeOf({ syslog }: ParsedEntry): LogType | undefined {
  return syslog?.severity === undefined ? undefined : LOG_TYPES[syslog.severity];
}

/** Undefined when no other line says the same. */
export function syslogDuplicateOf(parsed: ParsedEntry): SyslogDuplicate | undefined {
  const { kind } = parsed.event;
  const knownLog = logTypeOf(parsed);
  const secondLog = canHaveDuplicate(kind) ? (knownLog ?? usualSecondLog(parsed)) : undefined;
  if (secondLog === undefined) return undefined;
  const isGuess = knownLog === undefined;
  const isTelling = isGuess && kind === "rejection" && parsed.prefix.messageId === undefined;
  const earlierMs = hasEximStamp(parsed) ? 0 : BETWEEN_DUPLICATES_MS;
  return { key: keyOf(parsed), secondLog, earlierMs, isGuess, isTelling };
}

/** The key of a line whose text is stored, where it tells whether Exim doubles its lines. */
export function tellingKeyOf(text: string): string | undefined {
  const parsed = parseEntryText(text);
  const duplicate = parsed === undefined ? undefined : syslogDuplicateOf(parsed);
  return duplicate?.isTelling === true ? duplicate.key : undefined;
}

function usualSecondLog({ event, text }: ParsedEntry): LogType | undefined {
  return BY_DAEMON.test(text) ? undefined : LINE_KINDS[event.kind].secondLog;
}

/** Exim's own stamp begins the line; without it both lines have one of syslog's. */
function hasEximStamp({ line }: ParsedEntry): boolean {
  return startsEntry(line);
}

function keyOf({ syslog, line }: ParsedEntry): string {
  return syslog === undefined ? line : `${syslogTag(syslog)} ${line}`;
}

/** The same of an entry whose text is stored. */
export function keyOfText(text: string): string {
  const parsed = parseEntryText(text);
  return parsed === undefined ? text : keyOf(parsed);
}
