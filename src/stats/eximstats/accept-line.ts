/**
 * Decides which lines eximstats counts, and takes the parts of a line by position, not by form, as eximstats does. It comes in
 * two dialects: up to Exim 4.96 an id is what is in sixteen places, from 4.97 on the first word.
 */

export type Dialect = "4.96" | "4.97";

export type CountedFlag = "<=" | "=>" | "->" | "==" | "**" | "Co" | "SA" | "Re";

export interface CountedLine {
  /** Stamp as logged, without fraction: `2026-03-02 06:13:49`, `2026-03-02 06:13:49 -0500`. */
  readonly stamp: string;
  /** Undefined for a rejection that belongs to no message. */
  readonly id: string | undefined;
  readonly flag: CountedFlag;
  /** Text after the flag. */
  readonly text: string;
}

const FLAGS: ReadonlySet<string> = new Set(["<=", "=>", "->", "==", "**", "Co", "SA", "Re"]);
const STAMP = /^(\d{4}-\d\d-\d\d\s\d\d:\d\d:\d\d)(\.\d+)?(\s[-+]\d{4})?(\s\[\d+\])?/;
const STAMP_LENGTH = "2026-03-02 06:13:49 ".length;
const SHORTEST = 38;
const SHORTEST_WITH_ZONE = 44;
const ID_ONLY = /^[-0-9A-Za-z]+$/;
const SHORT_ID = 16;
const LONG_ID = 23;

interface Grammar {
  readonly flag: RegExp;
  /** Words that make a rejection of a line. */
  readonly rejection: RegExp;
}

const GRAMMARS: Readonly<Record<Dialect, Grammar>> = {
  "4.96": { flag: /^(?:[-<>=*]+|SA)$/, rejection: /rejected|refused|dropped/ },
  "4.97": { flag: /^(?:[-<>=*(]+|SA)$/, rejection: / (?:rejected|refused|dropped)/ },
};

/** The line as eximstats takes it; undefined when it passes it by. `text` has no newline. */
export function acceptLine(text: string, dialect: Dialect): CountedLine | undefined {
  const line = /^\d{4}/.test(text) ? text : withoutHeader(text);
  // Its lengths include the newline.
  const length = line.length + 1;
  if (length < SHORTEST) return undefined;
  const [, time, fraction = "", zone = "", pid = ""] = STAMP.exec(line) ?? [];
  if (time === undefined || (zone !== "" && length < SHORTEST_WITH_ZONE)) return undefined;
  const stamp = time + zone;
  const extra = fraction.length + zone.length + pid.length;
  const start = STAMP_LENGTH + extra;
  const isTooShort = dialect === "4.96" && fraction.length + pid.length > 0 && length < SHORTEST + extra;
  if (isTooShort) return undefined;
  const { flag: form, rejection } = GRAMMARS[dialect];
  const id = idAt(line, start, dialect);
  const flagAt = start + id.length + 1;
  const flag = line.slice(flagAt, flagAt + 2);
  if (!form.test(flag) && rejection.test(line)) {
    const isOfMessage = ID_ONLY.test(id);
    return { stamp, id: isOfMessage ? id : undefined, flag: "Re", text: line.slice(isOfMessage ? flagAt - 1 : start) };
  }
  if (!FLAGS.has(flag)) return undefined;
  const isUnknownReject = flag === "Re" && !ID_ONLY.test(id);
  const rest = line.slice(isUnknownReject ? start + 2 : flagAt + 3);
  return { stamp, id: isUnknownReject ? undefined : id, flag: flag as CountedFlag, text: rest };
}

/** Removes the prefix of syslog, up to the first colon after a word `exim`: `Dec 29 03:30:01 mx1 exim[21100]: `. */
function withoutHeader(text: string): string {
  const tag = text.search(/ exim\b/);
  const end = tag === -1 ? -1 : text.indexOf(": ", tag);
  return end === -1 ? "" : text.slice(end + 2);
}

function idAt(line: string, start: number, dialect: Dialect): string {
  if (dialect === "4.96") return line.slice(start, start + SHORT_ID).padEnd(SHORT_ID);
  const place = line.slice(start, start + LONG_ID);
  return /^\s*\S+/.exec(place)?.[0] ?? place;
}
