/**
 * Removes what other programs put around lines of Exim's log: syslog, the journal, and container runtimes. One table has the
 * forms, and how each is recognised and read. A log file of Exim's own never gets here.
 */

import { withoutByteOrderMark } from "../text.ts";
import { isDumpLine } from "./header-dump.ts";
import { parseWholeNumber } from "./numbers.ts";
import { startsWithStamp } from "./prefix.ts";
import { parseSyslogLine, type SyslogHeader, type SyslogLine, splitPiece, wallMsOf, zoneMinutesOf } from "./syslog.ts";

interface Wrapper {
  readonly name: string;
  /** Tells most other lines at little cost: the first character. */
  readonly firstCharacter: RegExp;
  /** Undefined when the line, latin1 without its newline, is of another form. */
  readonly unwrap: (line: string) => SyslogLine | undefined;
}

const STAMP =
  "(?<date>\\d{4}-\\d\\d-\\d\\d)T(?<time>\\d\\d:\\d\\d:\\d\\d)(?<fraction>\\.\\d+)?(?<zone>Z|[+-]\\d\\d:\\d\\d)";

/** Kubernetes: `2024-01-02T10:00:01.123456789Z stdout F text`; further tags follow the `F` or `P` after a colon. */
const CRI = new RegExp(`^(?<stamp>${STAMP}) (?<stream>stdout|stderr) (?<tag>[FP])(?::\\S*)?(?: |$)`);
/** `docker logs -t`, `kubectl logs --timestamps`: nanoseconds, which no syslog has; Go drops zeros at their end. */
const STAMPED = new RegExp(`^(?<stamp>${STAMP})(?: |$)`);
const NANOSECONDS = /\.\d{7,9}/;
const ESCAPE = "\u001b";
/** `docker compose logs`: `mx-1  | text`; colours only where they are forced. */
const COMPOSE = new RegExp(
  `^(?:${ESCAPE}\\[[\\d;]*m)*(?<container>[A-Za-z0-9][\\w.-]*)\\s+\\|(?:${ESCAPE}\\[[\\d;]*m)*(?: |$)`,
);

/** `host tag[pid]: `, in front of the text in all short forms of the journal. */
const IDENTITY = "(?<host>\\S+) (?<tag>[^\\s:\\[\\]]{1,64})(?:\\[(?<pid>\\d{1,10})\\])?: ?";
const SHORT_UNIX = new RegExp(`^(?<stamp>(?<seconds>\\d{1,11})\\.(?<micro>\\d{6})) ${IDENTITY}`);
const SHORT_FULL = new RegExp(
  `^(?<stamp>(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?<date>\\d{4}-\\d\\d-\\d\\d) (?<time>\\d\\d:\\d\\d:\\d\\d)(?<fraction>\\.\\d+)? (?<zone>[A-Za-z0-9+:-]{1,9})) ${IDENTITY}`,
);
const SHORT_MONOTONIC = new RegExp(`^(?<stamp>\\[ *\\d+\\.\\d{6}(?: (?:<[ \\d.]*>|[ ]*))?\\]) ${IDENTITY}`);

/** The first that knows a line counts. A stamp of nanoseconds could be one of syslog followed by a tag, so containers come before it. */
const WRAPPERS: readonly Wrapper[] = [
  { name: "Kubernetes (CRI)", firstCharacter: /^\d/, unwrap: unwrapCri },
  { name: "docker logs -t", firstCharacter: /^\d/, unwrap: unwrapStamped },
  { name: "Docker's json-file", firstCharacter: /^\{/, unwrap: unwrapJsonFile },
  { name: "journalctl -o json", firstCharacter: /^\{/, unwrap: unwrapJournalJson },
  { name: "syslog", firstCharacter: /^[<A-Z\d]/, unwrap: parseSyslogLine },
  { name: "journalctl -o short-unix", firstCharacter: /^\d/, unwrap: unwrapShortUnix },
  { name: "journalctl -o short-full", firstCharacter: /^[MTWFS]/, unwrap: unwrapShortFull },
  { name: "journalctl -o short-monotonic", firstCharacter: /^\[/, unwrap: unwrapShortMonotonic },
  { name: "docker compose logs", firstCharacter: new RegExp(`^[\\w${ESCAPE}]`), unwrap: unwrapCompose },
];

/** Takes off what stands around a line; undefined when nothing known does. The line is read as latin1. Never throws. */
export function unwrapLine(line: string): SyslogLine | undefined {
  const unmarked = withoutByteOrderMark(line);
  for (const { firstCharacter, unwrap } of WRAPPERS) {
    if (!firstCharacter.test(unmarked)) continue;
    const unwrapped = unwrap(unmarked);
    if (unwrapped !== undefined) return withoutBlob(unwrapped);
  }
  return undefined;
}

/** The name of a line's wrapper: `docker compose logs`. */
export function wrapperName(line: string): string | undefined {
  return WRAPPERS.find(({ firstCharacter, unwrap }) => firstCharacter.test(line) && unwrap(line) !== undefined)?.name;
}

/** `LOG: MAIN REJECT`, with which `exim -v` announces an entry; the selector it belongs to may be before: `LOG: smtp_connection MAIN`. */
const ANNOUNCEMENT = /^LOG:(?: [a-z_\d]+)*((?: (?:MAIN|REJECT|PANIC|DIE))+)\r?$/;
/** Before the text of an announced entry. */
export const ANNOUNCED = "  ";

/** True for the line with which `exim -v` announces an entry, whose text follows in the next line. */
export function announcesEntry(text: string): boolean {
  return ANNOUNCEMENT.test(text);
}

/** True for a line of a container's output that can only belong to the entry of Exim before it: of a header dump, or indented. */
export function continuesInContainer(text: string): boolean {
  return isDumpLine(text) || /^[ \t]/.test(text);
}

/** Puts the lines of a container together: its log driver has cut long ones. `LOG: MAIN` is taken away. */
export function joinContainerLines(parts: readonly SyslogLine[]): string[] {
  const lines: string[] = [];
  let goesOn = false;
  for (const { text, container } of parts) {
    if (goesOn) lines.push(`${lines.pop() ?? ""}${text}`);
    else lines.push(text);
    goesOn = container?.isPartial === true;
  }
  const whole = lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  if (!announcesEntry(whole[0] ?? "") || whole.length < 2) return whole;
  const [, first = "", ...rest] = whole;
  return [first.startsWith(ANNOUNCED) ? first.slice(ANNOUNCED.length) : first, ...rest];
}

/** The severity of syslog for the log that `LOG: …` names, as Exim would send it. */
export function announcedSeverity(text: string): number | undefined {
  const logs = ANNOUNCEMENT.exec(text)?.[1];
  if (logs === undefined) return undefined;
  if (logs.includes("MAIN")) return 6;
  return logs.includes("REJECT") ? 5 : 1;
}

/** True for the beginning of a line, however short, that could become a wrapped one; syslog is asked elsewhere. */
export function couldBeginWrappedLine(text: string): boolean {
  if (/^\{(?:"[^"]*"?|$)/.test(text) || /^\[ *[\d.]*(?:\]|$)/.test(text) || COMPOSE.test(text)) return true;
  if (/^\d{1,11}(?:\.\d{0,6}(?: |$)|$)/.test(text)) return true;
  return (
    /^[A-Z][a-z]{0,2}(?: [\d-]{0,10}(?: |$)|$)/.test(text) && "Mon Tue Wed Thu Fri Sat Sun".includes(text.slice(0, 3))
  );
}

function unwrapCri(line: string): SyslogLine | undefined {
  const match = CRI.exec(line);
  if (match?.groups === undefined) return undefined;
  const { stream = "", tag } = match.groups;
  return ofContainer(match.groups, line.slice(match[0].length), "", stream, tag === "P");
}

function unwrapStamped(line: string): SyslogLine | undefined {
  const match = STAMPED.exec(line);
  if (match?.groups === undefined) return undefined;
  const text = line.slice(match[0].length);
  if (!NANOSECONDS.test(match.groups["fraction"] ?? "") && !startsWithStamp(text)) return undefined;
  return ofContainer(match.groups, text, "", "", false);
}

function unwrapCompose(line: string): SyslogLine | undefined {
  const match = COMPOSE.exec(line);
  if (match?.groups === undefined) return undefined;
  const { container = "" } = match.groups;
  const text = line.slice(match[0].length);
  const stamped = STAMPED.exec(text);
  if (stamped?.groups === undefined) return ofContainer({}, text, container, "", false);
  return ofContainer(stamped.groups, text.slice(stamped[0].length), container, "", false);
}

function unwrapJsonFile(line: string): SyslogLine | undefined {
  const record = parseObject(line);
  const { log, stream, time } = record ?? {};
  if (typeof log !== "string" || typeof time !== "string") return undefined;
  const stamp = new RegExp(`^(?<stamp>${STAMP})$`).exec(time);
  const text = toLatin1(log);
  const isPartial = !text.endsWith("\n");
  return ofContainer(
    stamp?.groups ?? {},
    isPartial ? text : text.slice(0, -1),
    "",
    typeof stream === "string" ? stream : "",
    isPartial,
  );
}

/** The line of a program, as in a log file of its own. */
function ofContainer(
  stamp: Readonly<Record<string, string | undefined>>,
  text: string,
  name: string,
  stream: string,
  isPartial: boolean,
): SyslogLine | undefined {
  const header: SyslogHeader = {
    severity: announcedSeverity(text),
    stamp: stamp["stamp"] ?? "",
    wallMs: stamp["date"] === undefined ? undefined : wallMsOf(stamp),
    lacksYear: undefined,
    zoneMinutes: stamp["zone"] === undefined ? undefined : zoneMinutesOf(stamp["zone"]),
    host: name === "" ? undefined : name,
    tag: "",
    pid: undefined,
  };
  return { header, piece: undefined, text, container: { name, stream, isPartial }, isLost: false };
}

function unwrapJournalJson(line: string): SyslogLine | undefined {
  const record = parseObject(line);
  if (record === undefined || !("MESSAGE" in record)) return undefined;
  const micro = first(record["__REALTIME_TIMESTAMP"]);
  if (micro === undefined || !/^\d{1,17}$/.test(micro)) return undefined;
  const pid = first(record["SYSLOG_PID"]) ?? first(record["_PID"]);
  const priority = first(record["PRIORITY"]);
  const header = ofJournal(
    {
      stamp: micro,
      host: first(record["_HOSTNAME"]),
      tag: first(record["SYSLOG_IDENTIFIER"]) ?? first(record["_COMM"]) ?? "",
      pid,
    },
    Math.floor(Number(micro) / 1000),
    0,
    priority !== undefined && /^[0-7]$/.test(priority) ? Number(priority) : undefined,
  );
  const message = bytesOf(record["MESSAGE"]);
  return { header, ...splitPiece(message ?? ""), container: undefined, isLost: message === undefined };
}

/** A text, the bytes of one that is no UTF-8, or null for one that was too long to be shown. */
function bytesOf(message: unknown): string | undefined {
  if (typeof message === "string") return toLatin1(message);
  if (!Array.isArray(message)) return undefined;
  const isBytes = message.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 0xff);
  if (isBytes) return Buffer.from(message as number[]).toString("latin1");
  // A field that was sent more than once is a list of its values.
  return bytesOf(message[0]);
}

function first(value: unknown): string | undefined {
  if (Array.isArray(value)) return first(value[0]);
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : undefined;
}

function unwrapShortUnix(line: string): SyslogLine | undefined {
  const match = SHORT_UNIX.exec(line);
  if (match?.groups === undefined) return undefined;
  const { seconds, micro } = match.groups;
  return ofShort(match, line, Number(seconds) * 1000 + Math.floor(Number(micro) / 1000), 0);
}

/** The abbreviation of a zone is no zone, but for UTC: the time is the one of the server's clock. */
function unwrapShortFull(line: string): SyslogLine | undefined {
  const match = SHORT_FULL.exec(line);
  if (match?.groups === undefined) return undefined;
  const { zone = "" } = match.groups;
  const wallMs = wallMsOf(match.groups);
  if (wallMs === undefined) return undefined;
  const isNumeric = /^[+-]\d\d(?::?\d\d)?$/.test(zone);
  return ofShort(match, line, wallMs, zone === "UTC" ? 0 : isNumeric ? zoneMinutesOf(zone.padEnd(5, "0")) : undefined);
}

/** Seconds since the machine started are no time: only Exim's own stamp tells it. */
function unwrapShortMonotonic(line: string): SyslogLine | undefined {
  const match = SHORT_MONOTONIC.exec(line);
  return match === null ? undefined : ofShort(match, line, undefined, undefined);
}

function ofShort(
  match: RegExpExecArray,
  line: string,
  wallMs: number | undefined,
  zoneMinutes: number | undefined,
): SyslogLine {
  const header = ofJournal(match.groups ?? {}, wallMs, zoneMinutes, undefined);
  return { header, ...splitPiece(line.slice(match[0].length)), container: undefined, isLost: false };
}

function ofJournal(
  { stamp = "", host, tag = "", pid }: Readonly<Record<string, string | undefined>>,
  wallMs: number | undefined,
  zoneMinutes: number | undefined,
  severity: number | undefined,
): SyslogHeader {
  return {
    severity,
    stamp,
    wallMs,
    lacksYear: undefined,
    zoneMinutes,
    host,
    tag,
    pid: pid === undefined ? undefined : parseWholeNumber(pid),
  };
}

/** Text that journalctl prints in place of one that it does not show: `[5.2K blob data]`. */
const BLOB = /^\[\d+(?:\.\d+)?[BKMGT]? blob data\]\r?$/;

function withoutBlob(line: SyslogLine): SyslogLine {
  return line.container === undefined && BLOB.test(line.text) ? { ...line, text: "", isLost: true } : line;
}

/** The object that a whole line is; undefined for what is none, or is cut. */
function parseObject(latin1: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(latin1, "latin1").toString());
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch (error) {
    // NOTE: a line that is cut is no JSON, and data like any other.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function toLatin1(text: string): string {
  return Buffer.from(text).toString("latin1");
}
