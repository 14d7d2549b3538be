/** Lines that came through syslog: whose they are, and the entries of Exim that were cut into several of them. */
import { withoutByteOrderMark } from "../text.ts";
import { MINUTE_MS, SECOND_MS, utcDayMs } from "../units.ts";
import { messageIdLength } from "./message-id.ts";
import { parseWholeNumber } from "./numbers.ts";
import { startsWithStamp } from "./prefix.ts";

/** Header that syslog puts before Exim's own text. */
export interface SyslogHeader {
  /** Severity in `<PRI>`, 0 to 7; undefined if the file does not keep it. Exim sends main log lines with 6, reject with 5, panic with 1 and 2. */
  readonly severity: number | undefined;
  /** Stamp as it is in the line: `Dec 29 04:06:00`, `2026-12-29T04:06:00.123456+00:00`. */
  readonly stamp: string;
  /** The stamp as if it were UTC, in milliseconds; undefined when it tells no time. */
  readonly wallMs: number | undefined;
  /** Set when the stamp says no year; it is then of 1972. */
  readonly lacksYear: true | undefined;
  /** Minutes east of UTC; undefined when the stamp does not say. */
  readonly zoneMinutes: number | undefined;
  readonly host: string | undefined;
  /** Name of the program, as configured by `syslog_processname`. */
  readonly tag: string;
  readonly pid: number | undefined;
}

/** One of the lines that one entry was cut into: `[2\14] Envelope-from: <alice@example.org>`. */
export interface SyslogPiece {
  /** From 1. */
  readonly number: number;
  readonly count: number;
  /** False when it was cut because of its length, and for the last one: what follows belongs to the same line. */
  readonly endsLine: boolean;
}

export interface SyslogLine {
  readonly header: SyslogHeader;
  /** Undefined for an entry of one line. */
  readonly piece: SyslogPiece | undefined;
  /** Exim's own text: `2026-12-29 04:06:00 1xiOTI-0005UQ-01 Completed`. */
  readonly text: string;
  /** Undefined for what came through syslog or the journal; the text of a container's line is as in a log file. */
  readonly container: ContainerPart | undefined;
  /** The text was left out by what printed the line. */
  readonly isLost: boolean;
}

/** Container whose output a line is. */
export interface ContainerPart {
  /** Empty when the line does not say. */
  readonly name: string;
  /** `stdout`, `stderr`; empty when the line does not say. */
  readonly stream: string;
  /** The line continues in the next one of the same stream. */
  readonly isPartial: boolean;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const PRIORITY = "(?:<(?<priority>\\d{1,3})>)?";
const HOST = "(?<host>[^\\s\\[\\]]*[^\\s\\[\\]:])";
const TRADITIONAL_STAMP = `(?<stamp>(?<month>${MONTHS.join("|")}) (?<day>[ \\d]\\d) (?<time>\\d\\d:\\d\\d:\\d\\d)(?<fraction>\\.\\d+)?)`;
const FULL_STAMP =
  "(?<stamp>(?<date>\\d{4}-\\d\\d-\\d\\d)T(?<time>\\d\\d:\\d\\d:\\d\\d)(?<fraction>\\.\\d+)?(?<zone>Z|[+-]\\d\\d:?\\d\\d)?)";
const TAG = "(?<tag>[^\\s:\\[\\]]{1,48})(?:\\[(?<pid>\\d{1,10})\\])?: ?";

/** The stamp without a year, the name of the host left out by some: RFC 3164. */
const TRADITIONAL = new RegExp(`^${PRIORITY}${TRADITIONAL_STAMP} (?:${HOST} )?${TAG}`);
/** Form in files of rsyslog, syslog-ng and the journal: the header of RFC 3164 with the stamp of RFC 3339. */
const WITH_FULL_STAMP = new RegExp(`^${PRIORITY}${FULL_STAMP} (?:${HOST} )?${TAG}`);
/** RFC 5424, with its version and its structured data. */
const STRUCTURED = new RegExp(
  `^${PRIORITY}1 ${FULL_STAMP} (?<host>\\S+) (?<tag>\\S{1,48}) (?<pid>\\S+) \\S+ (?:-|(?:\\[(?:[^\\]\\\\]|\\\\.)*\\])+)(?: (?:\xef\xbb\xbf)?|$)`,
);

const PIECE = /^\[(\d{1,4})([\\/])(\d{1,4})\] ?/;

const SHORTEST_LINE = "Jan  1 00:00:00 t:".length;

/**
 * Takes a line of a syslog file apart; undefined when it is none. The line is read as latin1.
 *
 *     <22>Dec 29 05:28:12 mx1 exim[21387]: [2\14] Envelope-from: <alice@example.org>
 *     2026-12-29T05:28:12.123456+00:00 mx1 exim[21387]: 2026-12-29 05:28:12 Start queue run: pid=21387
 *     <22>1 2026-12-29T05:28:12Z mx1 exim 21387 - - 2026-12-29 05:28:12 Start queue run: pid=21387
 * Source: exim-log-grammar §3.1; RFC 3164 §4, RFC 5424 §6.
 */
export function parseSyslogLine(line: string): SyslogLine | undefined {
  if (line.length < SHORTEST_LINE) return undefined;
  const unmarked = withoutByteOrderMark(line);
  const match = TRADITIONAL.exec(unmarked) ?? WITH_FULL_STAMP.exec(unmarked) ?? STRUCTURED.exec(unmarked);
  if (match?.groups === undefined) return undefined;
  const wallMs = wallMsOf(match.groups);
  if (wallMs === undefined) return undefined;
  const { priority, stamp = "", date, zone, host, tag = "", pid } = match.groups;
  const header: SyslogHeader = {
    severity: priority === undefined ? undefined : Number(priority) & 7,
    stamp,
    wallMs,
    lacksYear: date === undefined ? true : undefined,
    zoneMinutes: zone === undefined ? undefined : zoneMinutesOf(zone),
    host,
    tag,
    pid: pid === undefined ? undefined : parseWholeNumber(pid),
  };
  return { header, ...splitPiece(unmarked.slice(match[0].length)), container: undefined, isLost: false };
}

/** Takes off the mark of a piece, where the text is one. */
export function splitPiece(text: string): Pick<SyslogLine, "piece" | "text"> {
  const mark = PIECE.exec(text);
  const piece = mark === null ? undefined : pieceOf(mark);
  return { piece, text: piece === undefined ? text : text.slice(mark?.[0].length) };
}

/**
 * True for a line of Exim. Its tag says so; under another one (`syslog_processname`) the text does: Exim's stamp, or a message id.
 */
export function isEximSyslogLine({ header, text }: SyslogLine): boolean {
  return /exim/i.test(header.tag) || startsWithStamp(text) || startsWithMessageId(text);
}

/**
 * True for a line that continues the one before it of the same writer: syslog sends each line of an entry by itself.
 *
 *     Nov 03 16:24:24 mx1 exim4[250322]: 2025-11-03 16:24:24 Exim configuration error:
 *     Nov 03 16:24:24 mx1 exim4[250322]:   unknown log_selector setting: +dnsbl
 *                                        ^
 */
export function continuesSyslogLine({ header, piece, text }: SyslogLine, before: SyslogLine): boolean {
  if (piece !== undefined || before.piece !== undefined || !/^(?: {2}|\t)/.test(text)) return false;
  const [beganMs, atMs] = [before.header.wallMs, header.wallMs];
  if (beganMs === undefined || atMs === undefined) return false;
  return startsWithStamp(before.text) && atMs - beganMs <= SECOND_MS;
}

/** Shapes of the beginning of a line; digits as `d`. */
const STAMP_SHAPES = [
  "dddd-dd-ddTdd:dd:dd",
  ...MONTHS.flatMap((month) => [`${month} dd dd:dd:dd `, `${month}  d dd:dd:dd `]),
];

/** True for the beginning of a line, however short, that could become one of syslog. */
export function couldBeginSyslogLine(text: string): boolean {
  const begin = text.replace(/^<\d{0,3}(?:>(?:1 ?)?|$)/, "").replace(/\d/g, "d");
  return STAMP_SHAPES.some((shape) => shape.startsWith(begin.slice(0, shape.length)));
}

/** Lines of one writer for one log: pieces of others may be between those of an entry. */
export function syslogWriter({ header, container }: SyslogLine): string {
  return container === undefined
    ? `${header.severity ?? ""} ${syslogTag(header)}`
    : `${container.name} | ${container.stream}`;
}

/** The writer of a line: `mx1 exim[21387]`. */
export function syslogTag({ host, tag, pid }: SyslogHeader): string {
  return `${host ?? ""} ${tag}[${pid ?? ""}]`;
}

export interface SyslogEntry {
  /** Header of its first line. */
  readonly header: SyslogHeader;
  /** Lines as Exim's own log file would have them. */
  readonly lines: readonly string[];
}

/** Puts an entry together from its lines, whatever order they arrived in. */
export function joinSyslogLines(lines: readonly SyslogLine[]): SyslogEntry | undefined {
  const parts: { readonly number: number; readonly endsLine: boolean; readonly text: string }[] = [];
  let header: SyslogHeader | undefined;
  for (const part of lines) {
    const { number, endsLine } = part.piece ?? { number: 1, endsLine: true };
    parts.push({ number, endsLine, text: part.text });
    if (part.piece?.number === 1 || header === undefined) header = part.header;
  }
  if (header === undefined) return undefined;
  parts.sort((one, other) => one.number - other.number);
  const joined: string[] = [];
  let goesOn = false;
  for (const [index, { number, endsLine, text }] of parts.entries()) {
    // A piece that got lost ends the line, so that no text stands beside what it never stood beside.
    if (goesOn && parts[index - 1]?.number === number - 1) joined.push(`${joined.pop() ?? ""}${text}`);
    else joined.push(text);
    goesOn = !endsLine;
  }
  return { header, lines: joined };
}

function pieceOf(mark: RegExpExecArray): SyslogPiece | undefined {
  const number = Number(mark[1]);
  const count = Number(mark[3]);
  if (number < 1 || count < 2 || number > count) return undefined;
  return { number, count, endsLine: mark[2] === "\\" };
}

/** `10HmbG-000000005vi-0000 Completed`, or the same behind `[1234] `. */
function startsWithMessageId(text: string): boolean {
  const start = /^\[\d+\] /.exec(text)?.[0].length ?? 0;
  return messageIdLength(text, start) > 0;
}

/** A leap year, so that each day is there. */
const NO_YEAR = 1972;

/** The time of a stamp taken apart, as if it were UTC; undefined when there is none such. */
export function wallMsOf({ month, day, date, time = "", fraction = "" }: Record<string, string | undefined>) {
  const [hours = 0, minutes = 0, seconds = 0] = time.split(":").map(Number);
  const [year = NO_YEAR, monthNumber = MONTHS.indexOf(month ?? "") + 1, dayOfMonth = Number(day)] =
    date?.split("-").map(Number) ?? [];
  if (hours > 23 || minutes > 59 || seconds > 60) return undefined;
  if (monthNumber < 1 || monthNumber > 12 || dayOfMonth < 1 || dayOfMonth > 31) return undefined;
  const milliseconds = Number(fraction.slice(1, 4).padEnd(3, "0"));
  return (
    utcDayMs(year, monthNumber, dayOfMonth) + (hours * 60 + minutes) * MINUTE_MS + seconds * SECOND_MS + milliseconds
  );
}

/** `Z`, `+01:00`, `-0330`. */
export function zoneMinutesOf(zone: string): number {
  if (zone === "Z") return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return zone.startsWith("-") ? -minutes : minutes;
}
