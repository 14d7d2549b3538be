/** Identifies a file by its content and its name: one of Exim's three logs, a syslog file that has them, or no log at all. */
import { basename } from "node:path";
import { LINE_KINDS } from "../../message/kinds.ts";
import type { EventKind } from "../../parse/events.ts";
import { isPaste } from "../../parse/paste.ts";
import { beginsContainerEntry, parseEntry, startsEntry } from "../../parse/record.ts";
import { couldBeginSyslogLine, isEximSyslogLine } from "../../parse/syslog.ts";
import { announcesEntry, couldBeginWrappedLine, unwrapLine, wrapperName } from "../../parse/wrappers.ts";
import type { LogType, SourceType } from "../../store/schema/codes.ts";
import { withoutByteOrderMark } from "../../text.ts";
import type { FirstStamps } from "../batch/clock.ts";

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

/** True when the first line of Exim in it came through syslog, a journal or a container. */
export function isSyslog(text: string): boolean {
  for (const line of text.split("\n")) {
    if (startsEntry(line)) return false;
    if (isEximSyslog(line)) return true;
  }
  return false;
}

/** Reads the first stamps of a syslog file. */
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
  const unwrapped = unwrapLine(line);
  if (unwrapped === undefined) return false;
  if (unwrapped.container !== undefined) return beginsContainerEntry(unwrapped, line);
  const hasTime = unwrapped.header.wallMs !== undefined || startsEntry(unwrapped.text);
  return hasTime && !unwrapped.isLost && isEximSyslogLine(unwrapped);
}

/** The type of a log that has no whole line yet: to be told again when it has. */
function guessFromBeginning(path: string, text: string): SourceType {
  if (!couldBeginEntry(text) && couldBeginWrapped(text)) return "syslog";
  return guessFromName(path) ?? "main";
}

/** Fewer entries say nothing. */
const FEWEST_ENTRIES = 5;

/** Names Exim's logs have, and what rotation makes of them. */
const USUAL_NAME = /(?:main|reject|panic)[-_.]?log/i;

/**
 * True for what is surely a log of Exim, by a line of a form only Exim writes, or by its usual name. Other programs begin their
 * lines with the same stamp, and other files quote logs.
 */
export function isSurelyLog(path: string, text: string): boolean {
  if (isForeign(text)) return false;
  if (USUAL_NAME.test(basename(path))) return true;
  return startsEntry(text) ? kindsIn(text).some((kind) => kind !== "other") : isOfContainer(text);
}

/** True when a line of a known form is in the output of a container: its log is named after the container. */
function isOfContainer(text: string): boolean {
  return text
    .split("\n")
    .slice(0, -1)
    .some((line) => {
      const unwrapped = unwrapLine(line);
      if (unwrapped?.container === undefined || !beginsContainerEntry(unwrapped, line)) return false;
      return (parseEntry([line])?.event.kind ?? "other") !== "other";
    });
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
  // A main log of more than a few lines has other kinds, too.
  return (["reject", "panic"] as const).find((log) => entries.every((kind) => isOf(log, kind))) ?? "main";
}

function isOf(log: LogType, kind: EventKind): boolean {
  return kind === "other" || LINE_KINDS[kind].secondLog === log;
}

/** With this a database begins; one of ours has lines of logs in its pages. */
const SQLITE_MAGIC = "SQLite format 3\0";

/** A stamp, digits as `d`, with which an entry begins. */
const STAMP_SHAPE = "dddd-dd-dd dd:dd:dd";

/**
 * True when the beginning of a file shows that it is no Exim log: none of its whole lines begins an entry. A log that is only
 * beginning to be written has no whole line; what it has must then begin like an entry.
 */
export function isForeign(bytes: string): boolean {
  const text = withoutByteOrderMark(bytes);
  if (text.startsWith(SQLITE_MAGIC)) return true;
  const lines = text.split("\n");
  const unfinished = lines.pop() ?? "";
  if (lines.length > 0) return !lines.some((line) => startsEntry(line) || isEximSyslog(line));
  return !couldBeginEntry(unfinished) && !couldBeginWrapped(unfinished);
}

function couldBeginWrapped(text: string): boolean {
  return couldBeginSyslogLine(text) || couldBeginWrappedLine(text);
}

/** Why a log is refused, and what to do about it. */
export interface Refusal {
  /** Follows the name of the log: `holds the logs of two containers`. */
  readonly reason: string;
  readonly hint: string;
}

const AS_LOG_TYPE = "If it is a log, say so with --log-type main, reject, panic or syslog.";

/** Why a log that begins with `text` (latin1) is not read; undefined when it is. */
export function refusalOf(text: string): Refusal | undefined {
  if (text.startsWith(SQLITE_MAGIC))
    return { reason: "does not look like a log of Exim: it is a database of SQLite.", hint: AS_LOG_TYPE };
  const containers = eximContainers(text);
  if (containers.length > 1) {
    return {
      reason: `holds the logs of Exim in ${containers.length} containers: ${containers.join(", ")}.`,
      hint: `Read each as a server of its own: docker compose logs --no-log-prefix ${containers[0]} | exim-pilot ingest --server ${containers[0]} -`,
    };
  }
  if (!isForeign(text)) return undefined;
  const lines = text.split("\n").slice(0, -1);
  return (
    foreignForms(text, lines) ?? {
      reason: "does not look like a log of Exim: no line begins with a date and a time.",
      hint: AS_LOG_TYPE,
    }
  );
}

/** Names of the containers, as `docker compose logs` puts them before lines, that have lines of Exim. */
function eximContainers(text: string): string[] {
  const names = new Set<string>();
  const lines = text.split("\n").slice(0, -1);
  for (const line of lines) {
    // NOTE: a log of another form is told by its first line of Exim, without looking at the others.
    if (startsEntry(line)) break;
    const unwrapped = unwrapLine(line);
    const name = unwrapped?.container?.name ?? "";
    if (unwrapped === undefined || name === "") {
      if (unwrapped !== undefined && isEximSyslog(line)) break;
      continue;
    }
    if (!names.has(name) && beginsContainerEntry(unwrapped, line)) names.add(name);
  }
  return [...names];
}

function foreignForms(text: string, lines: readonly string[]): Refusal | undefined {
  const unwrapped = lines.map((line) => ({ line, part: unwrapLine(line) }));
  if (unwrapped.some(({ line, part }) => announcesEntry(part?.text ?? line))) {
    return {
      reason: "is what exim -v prints: its entries have no time and no message id.",
      hint: "Let Exim write its log to a file or to syslog (log_file_path), or give the output with times (docker logs -t). exim-pilot parse explains it as it is.",
    };
  }
  if (
    lines.some(
      (line) =>
        /^__(?:CURSOR|REALTIME_TIMESTAMP)=/.test(line) || /^[A-Z][a-z]{2} \d{4}-\d\d-\d\d [\d:.]+ \S+ \[s=/.test(line),
    )
  ) {
    return {
      reason: "is a journal in an unsupported form.",
      hint: "Print it with journalctl --all -o json.",
    };
  }
  const ofExim = unwrapped.filter(
    ({ part }) => part !== undefined && part.container === undefined && isEximSyslogLine(part),
  );
  if (ofExim.some(({ part }) => part?.isLost === true)) {
    return {
      reason: "lacks the text of Exim's lines, which journalctl left out.",
      hint: "Print the journal with journalctl --all -o json.",
    };
  }
  if (ofExim.length > 0) {
    return {
      reason:
        "has no times: journalctl -o short-monotonic counts from the start of the machine, and Exim wrote no stamp of its own.",
      hint: "Print the journal with journalctl --all -o json.",
    };
  }
  const name = lines.map(wrapperName).find((found) => found !== undefined);
  if (name !== undefined) {
    return { reason: `has the form of ${name}, and none of its first lines is of Exim.`, hint: AS_LOG_TYPE };
  }
  if (isPaste(text)) {
    return {
      reason: "is a copy of log lines, with text before each.",
      hint: "exim-pilot parse reads it; give ingest the log itself.",
    };
  }
  return undefined;
}

function couldBeginEntry(text: string): boolean {
  return STAMP_SHAPE.startsWith(text.slice(0, STAMP_SHAPE.length).replace(/\d/g, "d"));
}
