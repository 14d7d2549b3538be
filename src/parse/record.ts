/** From lines to entries: what begins one, what continues it, and what of it is text and what a header dump. */
import { decodeUtf8, withoutByteOrderMark } from "../text.ts";
import { MINUTE_MS } from "../units.ts";
import type { LogEvent } from "./events.ts";
import { type HeaderDump, isSeparator, parseHeaderDump, startsHeaderDump } from "./header-dump.ts";
import { parseAnnouncedEvent, parseEvent } from "./parse-event.ts";
import { type Prefix, parsePrefix, parseStamplessPrefix, startsWithStamp, zonedMs } from "./prefix.ts";
import { joinSyslogLines, type SyslogEntry, type SyslogHeader, type SyslogLine } from "./syslog.ts";
import { ANNOUNCED, announcesEntry, joinContainerLines, unwrapLine } from "./wrappers.ts";

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
  /** Header dump of the message in the reject log. */
  readonly headerDump: HeaderDump | undefined;
}

/** True when the line of a log file begins an entry; any other line continues the one before it, or belongs to none. */
export function startsEntry(line: string): boolean {
  return startsWithStamp(withoutByteOrderMark(line));
}

/** Beyond this an entry is not parsed further; Exim's own limit is 8 KiB. */
const LONGEST_TEXT = 64 * 1024;

/**
 * Parses an entry from its raw lines, read as latin1: of a log file, or of one in a wrapper with all its pieces. Never throws; undefined
 * when the first line does not begin an entry.
 * Source: exim-log-grammar §2 and §3.
 */
export function parseEntry(lines: readonly string[]): ParsedEntry | undefined {
  const line = decodeLine(withoutCarriageReturn(withoutByteOrderMark(lines[0] ?? "")));
  const prefix = parsePrefix(line);
  return prefix === undefined ? parseWrappedEntry(lines) : parseLines(lines, line, prefix, undefined);
}

/**
 * Parses what `exim -v` prints of an entry: the line that announces it, and its text, indented. Neither time nor message is told.
 * Undefined for other lines. Never throws.
 *
 *     LOG: MAIN
 *       <= a@b.example U=root P=local S=300
 */
export function parseAnnouncedEntry(lines: readonly string[]): ParsedEntry | undefined {
  const [announcement = "", text = ""] = lines.map(withoutCarriageReturn);
  if (!announcesEntry(announcement) || !text.startsWith(ANNOUNCED)) return undefined;
  const line = decodeLine(text.slice(ANNOUNCED.length));
  const event = parseAnnouncedEvent(line);
  return { prefix: NO_PREFIX, syslog: undefined, line, text: line, event, headerDump: undefined };
}

const NO_PREFIX: Prefix = {
  wallMs: Number.NaN,
  lacksYear: undefined,
  zoneMinutes: undefined,
  pid: undefined,
  messageId: undefined,
  textStart: 0,
};

/** True for a line of a container with which an entry of Exim begins. Other programs have stamps of the same form. */
export function beginsContainerEntry({ header, text, container }: SyslogLine, line: string): boolean {
  if (announcesEntry(text)) return header.wallMs !== undefined;
  if (!startsEntry(text)) return false;
  if (container === undefined || container.name === "") return true;
  const parsed = parseEntry([line]);
  return parsed !== undefined && (parsed.prefix.messageId !== undefined || parsed.event.kind !== "other");
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
  const zoneMinutes = prefix.zoneMinutes ?? zoneOfStamp(prefix, header);
  return parseLines(lines, line, { ...prefix, zoneMinutes, pid: prefix.pid ?? header.pid }, header);
}

/** Zones are multiples of this, and two stamps of one line are of one moment. */
const ZONE_STEP_MS = 15 * MINUTE_MS;
const BETWEEN_STAMPS_MS = 2 * MINUTE_MS;
const WIDEST_ZONE_MINUTES = 14 * 60;

/**
 * The zone of Exim's own stamp, which does not say it, from that of syslog, which does; undefined when the two cannot be of one
 * moment.
 *
 *     2026-12-29T05:28:12+01:00 mx1 exim[21387]: 2026-12-29 04:28:12 Start queue run: pid=21387
 */
function zoneOfStamp({ wallMs }: Prefix, header: SyslogHeader): number | undefined {
  if (header.zoneMinutes === undefined || header.wallMs === undefined) return undefined;
  const ahead = wallMs - zonedMs(header.wallMs, header.zoneMinutes);
  const zoneMs = Math.round(ahead / ZONE_STEP_MS) * ZONE_STEP_MS;
  // NOTE: turns -0 into 0.
  const zoneMinutes = zoneMs / MINUTE_MS + 0;
  if (Math.abs(ahead - zoneMs) > BETWEEN_STAMPS_MS || Math.abs(zoneMinutes) > WIDEST_ZONE_MINUTES) return undefined;
  return zoneMinutes;
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
