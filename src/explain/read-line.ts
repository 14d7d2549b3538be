/** One entry of a log, or a line of none, and what it means. */
import type { EntryKind, LogEvent } from "../parse/events.ts";
import type { HeaderDump } from "../parse/header-dump.ts";
import { type ParsedEntry, parseAnnouncedEntry, parseEntry, startsEntry } from "../parse/record.ts";
import { decodeUtf8 } from "../text.ts";

/** Place of a line. */
export interface LinePlace {
  readonly file: string;
  /** Number of its first line, from 1. */
  readonly lineNumber: number;
}

export interface ReadLine extends LinePlace {
  readonly kind: EntryKind;
  /** All of its lines, decoded. */
  readonly raw: string;
  /** The stamp as logged, with its fraction and zone; undefined when unparsed, and of what `exim -v` prints. */
  readonly timestamp: string | undefined;
  /** Undefined when unparsed. */
  readonly parsed: ParsedEntry | undefined;
}

/** `isEntry` is false for lines without a stamp that continue nothing; what `exim -v` prints of an entry has none either. Lines are latin1. Never throws. */
export function readLine(lines: readonly string[], isEntry: boolean, place: LinePlace): ReadLine {
  const raw = lines.map(decodeUtf8).join("\n");
  const parsed = isEntry ? (parseEntry(lines) ?? parseAnnouncedEntry(lines)) : undefined;
  return {
    ...place,
    kind: parsed?.event.kind ?? "unparsed",
    raw,
    timestamp: parsed && stampOf(parsed),
    parsed,
  };
}

/** `2017-07-30 18:51:05.712 +0100`: date and time, and a third word where there is a zone. Syslog's where Exim wrote none. */
function stampOf({ line, prefix, syslog }: ParsedEntry): string | undefined {
  if (Number.isNaN(prefix.wallMs)) return undefined;
  if (syslog !== undefined && !startsEntry(line)) return syslog.stamp;
  const words = prefix.zoneMinutes === undefined ? 2 : 3;
  return line.slice(0, prefix.textStart).trimEnd().split(" ", words).join(" ");
}

/** The text after the last field that could be read; empty if all was read. */
export function residueOf({ parsed }: ReadLine): string {
  return parsed !== undefined && "residue" in parsed.event ? parsed.event.residue : "";
}

/** Facts about each line beside its event; no name is used by an event. */
export interface LineFacts extends LinePlace {
  readonly timestamp: string;
  readonly messageId: string;
  readonly processId: number;
  readonly text: string;
  readonly raw: string;
  readonly headerDump: HeaderDump;
}

type PropertyOf<Event> = Event extends unknown ? keyof Event : never;

/** A compile-time check: `never` as long as no property of an event hides a fact of the line. */
export type HiddenFact = keyof LineFacts & PropertyOf<LogEvent>;
