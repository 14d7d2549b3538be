/** From lines to entries: what begins one, what continues it, and what of it is text and what a header dump. */
import { decodeUtf8 } from "../text.ts";
import type { LogEvent } from "./events.ts";
import { type HeaderDump, isSeparator, parseHeaderDump, startsHeaderDump } from "./header-dump.ts";
import { parseEvent } from "./parse-event.ts";
import { type Prefix, parsePrefix, parseStamplessPrefix, startsWithStamp } from "./prefix.ts";
import { joinSyslogLines, type SyslogEntry, type SyslogHeader } from "./syslog.ts";
import { joinContainerLines, unwrapLine } from "./wrappers.ts";

/** An entry and its meaning. */
export interface ParsedEntry {
  readonly prefix: Prefix;
  /** Undefined in a log file of Exim's own. */
  readonly syslog: SyslogHeader | undefined;
  /** Its first line, decoded, as Exim wrote it: the prefix and the text. */
  readonly line: string;
  /** The text after the prefix, with its continuation lines, without a header dump. */
  readonly text: string;
  readonly event: LogEvent;
  /** What the reject log shows of the message. */
  readonly headerDump: HeaderDump | undefined;
}

/** True when the line of a log file begins an entry; any other line continues the one before it, or belongs to none. */
export function startsEntry(line: string): boolean {
  return startsWithStamp(line);
}

/** Beyond this an entry is not parsed further; Exim's own limit is 8 KiB. */
const LONGEST_TEXT = 64 * 1024;

/**
 * Parses an entry from its raw lines, read as latin1: of a log file, or of one in a wrapper with all its pieces. Never throws; undefined
 * when the first line does not begin an entry.
 * Source: exim-log-grammar §2 and §3.
 */
export function parseEntry(lines: readonly string[]): ParsedEntry | undefined {
  const line = decodeLine(withoutCarriageReturn(lines[0] ?? ""));
  const prefix = parsePrefix(line);
  return prefix === undefined ? parseWrappedEntry(lines) : parseLines(lines, line, prefix, undefined);
}

function parseWrappedEntry(rawLines: readonly string[]): ParsedEntry | undefined {
  const entry = joinWrappedLines(rawLines);
  if (entry === undefined) return undefined;
  const { header, lines } = entry;
  const { wallMs } = header;
  const line = decodeLine(lines[0] ?? "");
  const prefix =
    parsePrefix(line) ?? (wallMs === undefined ? undefined : parseStamplessPrefix(line, { ...header, wallMs }));
  if (prefix === undefined) return undefined;
  return parseLines(lines, line, { ...prefix, pid: prefix.pid ?? header.pid }, header);
}

/** Undefined when the first line is not wrapped. */
function joinWrappedLines(rawLines: readonly string[]): SyslogEntry | undefined {
  const [first, ...others] = rawLines.map((line) => unwrapLine(withoutCarriageReturn(line)));
  if (first === undefined) return undefined;
  const parts = [first, ...others.filter((part) => part !== undefined)];
  if (first.container === undefined) return joinSyslogLines(parts);
  return { header: first.header, lines: joinContainerLines(parts) };
}

/** `line` is the first one, decoded. */
function parseLines(
  lines: readonly string[],
  line: string,
  prefix: Prefix,
  syslog: SyslogHeader | undefined,
): ParsedEntry {
  let text = line.slice(prefix.textStart);
  let headerDump: HeaderDump | undefined;
  for (let index = 1; index < lines.length; index++) {
    const continuation = withoutCarriageReturn(lines[index] ?? "");
    if (continuation === "") continue;
    if (startsHeaderDump(continuation)) {
      headerDump = parseHeaderDump(lines.slice(index).map(withoutCarriageReturn));
      break;
    }
    if (isSeparator(continuation) || text.length > LONGEST_TEXT) continue;
    text += `\n${decodeLine(continuation)}`;
  }
  return { prefix, syslog, line, text, event: parseEvent(text, prefix.messageId), headerDump };
}

/** The same from the lines of an entry as one text, as they are stored. */
export function parseEntryText(text: string): ParsedEntry | undefined {
  return parseEntry(text.split("\n"));
}

/** A log that has been on another system may end its lines that way. */
function withoutCarriageReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

/** Most lines are ASCII, and need no decoding. */
function decodeLine(latin1: string): string {
  const line = latin1.length > LONGEST_TEXT ? latin1.slice(0, LONGEST_TEXT) : latin1;
  return Buffer.byteLength(line) === line.length ? line : decodeUtf8(line);
}
