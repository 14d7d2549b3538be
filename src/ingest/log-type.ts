/** Which of Exim's three logs a file is, or whether it has them by way of syslog, from its content and its name; and whether it is one at all. */
import { basename } from "node:path";
import type { EventKind } from "../parse/events.ts";
import { parseEntry, startsEntry } from "../parse/record.ts";
import { couldBeginSyslogLine, isEximSyslogLine, parseSyslogLine } from "../parse/syslog.ts";
import type { LogType, SourceType } from "../store/codes.ts";
import { withoutByteOrderMark } from "../text.ts";
import type { FirstStamps } from "./clock.ts";

export interface LogTypeGuess {
  readonly logType: SourceType;
  /** False when neither content nor name says, so that a known log with the same bytes decides. */
  readonly isCertain: boolean;
}

/** Lines only the main log has: arrivals, deliveries, the end of a message, queue runs, the daemon. */
const MAIN_ONLY =
  /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S* (?:[+-]\d{4} )?(?:\[\d+\] )?(?:\S{16,23} (?:<=|\(=|=>|->|>>|\*>|\*\*|Completed)|Start queue run|End queue run|exim \S+ daemon started)/m;
/** Header dumps are the reject log's alone. */
const REJECT_ONLY = /^(?:Envelope-(?:from|to): <|P Received: )/m;

/** `bytes` are the beginning of the log, read as latin1. */
export function guessLogType(path: string, bytes: string): LogTypeGuess {
  const text = withoutByteOrderMark(bytes);
  if (!text.includes("\n")) return { logType: guessFromBeginning(path, text), isCertain: false };
  if (isSyslog(text)) return { logType: "syslog", isCertain: true };
  if (MAIN_ONLY.test(text) && !/panic/i.test(basename(path))) return { logType: "main", isCertain: true };
  if (REJECT_ONLY.test(text)) return { logType: "reject", isCertain: true };
  const named = guessFromName(path);
  return named === undefined
    ? { logType: guessFromEntries(text), isCertain: false }
    : { logType: named, isCertain: true };
}

function guessFromName(path: string): LogType | undefined {
  const name = basename(path).toLowerCase();
  return (["reject", "panic", "main"] as const).find((logType) => name.includes(logType));
}

/** True when the first line of Exim in it came through syslog. */
export function isSyslog(text: string): boolean {
  for (const line of text.split("\n")) {
    if (startsEntry(line)) return false;
    if (isEximSyslog(line)) return true;
  }
  return false;
}

/** What the beginning of a log of syslog tells of its time. */
export function firstStamps(text: string): FirstStamps {
  const found: { -readonly [Key in keyof FirstStamps]: FirstStamps[Key] } = {
    yearlessMs: undefined,
    fullMs: undefined,
    messageId: undefined,
  };
  for (const line of text.split("\n")) {
    const parsed = isEximSyslog(line) ? parseEntry([line]) : undefined;
    if (parsed === undefined) continue;
    const { prefix, syslog } = parsed;
    if (syslog?.lacksYear === true) found.yearlessMs ??= syslog.wallMs;
    found.messageId ??= prefix.messageId;
    if (prefix.lacksYear !== undefined) continue;
    found.fullMs = prefix.wallMs;
    break;
  }
  return found;
}

function isEximSyslog(line: string): boolean {
  const syslogLine = parseSyslogLine(line);
  return syslogLine !== undefined && isEximSyslogLine(syslogLine);
}

/** The type of a log that has no whole line yet: to be told anew when it has. */
function guessFromBeginning(path: string, text: string): SourceType {
  if (!couldBeginEntry(text) && couldBeginSyslogLine(text)) return "syslog";
  return guessFromName(path) ?? "main";
}

/** Fewer entries say nothing. */
const FEWEST_ENTRIES = 5;

/** What the reject and the panic log hold; a main log of more than a few lines shows something else besides. */
const KINDS_OF: readonly (readonly [LogType, ReadonlySet<EventKind>])[] = [
  ["reject", new Set<EventKind>(["rejection", "verification", "discard", "other"])],
  ["panic", new Set<EventKind>(["panic", "configuration", "deferral", "not_accepted", "scan", "spool", "other"])],
];

/** Names Exim's logs have, and what rotation makes of them. */
const USUAL_NAME = /(?:main|reject|panic)[-_.]?log/i;

/**
 * True for what is surely a log of Exim, by a line of a form only Exim writes, or by its usual name. Other programs begin their
 * lines with the same stamp, and other files quote logs.
 */
export function isSurelyLog(path: string, text: string): boolean {
  if (isForeign(text)) return false;
  return USUAL_NAME.test(basename(path)) || (startsEntry(text) && kindsIn(text).some((kind) => kind !== "other"));
}

function kindsIn(text: string): EventKind[] {
  return text
    .split("\n")
    .filter(startsEntry)
    .map((line) => parseEntry([line])?.event.kind ?? "other");
}

function guessFromEntries(text: string): LogType {
  const entries = kindsIn(text);
  if (entries.length < FEWEST_ENTRIES) return "main";
  return KINDS_OF.find(([, kinds]) => entries.every((kind) => kinds.has(kind)))?.[0] ?? "main";
}

/** With this a database begins; one of ours has lines of logs in its pages. */
const SQLITE_MAGIC = "SQLite format 3\0";

/** A stamp, digits as `d`, with which an entry begins. */
const STAMP_SHAPE = "dddd-dd-dd dd:dd:dd";

/**
 * True when the beginning of a file shows that it is no Exim log: none of its whole lines begins an entry, and what follows
 * them, or is there alone while a log is only beginning to be written, does not begin like one.
 */
export function isForeign(bytes: string): boolean {
  const text = withoutByteOrderMark(bytes);
  if (text.startsWith(SQLITE_MAGIC)) return true;
  const lines = text.split("\n");
  const unfinished = lines.pop() ?? "";
  if (lines.length > 0) return !lines.some((line) => startsEntry(line) || isEximSyslog(line));
  return !couldBeginEntry(unfinished) && !couldBeginSyslogLine(unfinished);
}

function couldBeginEntry(text: string): boolean {
  return STAMP_SHAPE.startsWith(text.slice(0, STAMP_SHAPE.length).replace(/\d/g, "d"));
}
