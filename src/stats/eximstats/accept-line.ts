/**
 * Decides which lines eximstats counts, and takes the parts of a line by position, not by form, as eximstats does. It comes in three
 * dialects. Up to Exim 4.96 an id is what stands in sixteen places, from 4.97 on the first word. In 4.97 and 4.98 the text of a
 * rejection without an id begins as if that word had sixteen characters: too early when it is shorter, and too late, often behind the
 * beginning of `H=`, when it is longer. From 4.99 on it begins where it begins, and failed logins are rejections.
 */

export const DIALECTS = ["4.96", "4.97", "4.99"] as const;
export type Dialect = (typeof DIALECTS)[number];

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
/** And a blank. */
const FLAG_LENGTH = 3;
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

const MARKS = /^(?:[-<>=*]+|SA)$/;
const WORDS = /rejected|refused|dropped/;

const GRAMMARS: Readonly<Record<Dialect, Grammar>> = {
  "4.96": { flag: MARKS, rejection: WORDS },
  "4.97": { flag: MARKS, rejection: WORDS },
  "4.99": { flag: /^(?:[-<>=*(]+|SA)$/, rejection: / (?:rejected|refused|dropped|authenticator failed)/ },
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
  if (fraction.length + pid.length > 0 && length < SHORTEST + extra) return undefined;
  const start = STAMP_LENGTH + extra;
  const { flag: form, rejection } = GRAMMARS[dialect];
  const id = idAt(line, start, dialect);
  const flagAt = start + id.length + 1;
  const written = line.slice(flagAt, flagAt + 2);
  const isRejection = !form.test(written) && rejection.test(line);
  const flag = isRejection ? "Re" : written;
  if (!FLAGS.has(flag)) return undefined;
  const isOfMessage = flag !== "Re" || ID_ONLY.test(id);
  const textAt = flagAt + (isRejection ? 0 : FLAG_LENGTH) - (isOfMessage ? 0 : wordLength(id, dialect));
  return { stamp, id: isOfMessage ? id : undefined, flag: flag as CountedFlag, text: line.slice(textAt) };
}

/** How far before the flag the text of a rejection without an id begins. */
function wordLength(id: string, dialect: Dialect): number {
  return (dialect === "4.97" ? SHORT_ID : id.length) + 1;
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
