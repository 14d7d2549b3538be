/** The dump of a message that the reject log has below an entry: its envelope, and its header lines as they came. */
import { decodeUtf8 } from "../text.ts";

/**
 * Exim's letter for a header line: `P` Received, `F` From, `T` To, `C` Cc, `B` Bcc, `R` Reply-To, `S` Sender, `I` Message-ID. A
 * blank stands for any other, and `*` for one that Exim had taken out or replaced.
 */
export type HeaderType = "P" | "F" | "T" | "C" | "B" | "R" | "S" | "I" | "*" | " ";

export interface DumpedHeader {
  readonly type: HeaderType;
  /** Name as the message has it. */
  readonly name: string;
  /** Unfolded as RFC 5322 says: a fold is joined with the white space it begins with. Encoded words are left as they are. */
  readonly value: string;
  /** True for what Exim had taken out or replaced (`*`). */
  readonly isDeleted: boolean;
}

export interface HeaderDump {
  /** The empty string is the null sender. Exim shows the envelope only when it has a recipient. */
  readonly envelopeSender: string | undefined;
  /** Exim shows five at most. */
  readonly envelopeRecipients: readonly string[];
  readonly hasMoreRecipients: boolean;
  /** In the order of the message. */
  readonly headers: readonly DumpedHeader[];
  /** Exim had no room for all of it: the last header may lack its end, and more may have followed. */
  readonly isTruncated: boolean;
}

const ENVELOPE_SENDER = "Envelope-from: <";
const ENVELOPE_RECIPIENT = "Envelope-to: <";
/** Before each recipient but the first. */
const FURTHER_RECIPIENT = "    <";
const MORE_RECIPIENTS = "    ...";
const TRUNCATED = "*** truncated ***";

/** A letter, and whatever a name may be made of. Blanks before the colon are obsolete, and allowed. */
const LETTERED_HEADER = /^([PFTCBRSI*]) ([!-9;-~]+)[ \t]*:/;
/**
 * Without a letter a header line looks like a fold of two blanks. What a fold may have there is no name: `h=from:to`, `https://…`.
 * What remains is taken for a header of its own: `Subject: a` folded before `  b: c` cannot be told from two headers.
 */
const OTHER_HEADER = /^( ) ([A-Za-z0-9][\w.-]*)[ \t]*:(?!\/\/)/;

/**
 * True for the line that begins a dump.
 *
 *     Envelope-from: <x@partner.example>
 *     P Received: from out.sender2.example
 * Source: exim-log-grammar §3.
 */
export function startsHeaderDump(line: string): boolean {
  return line.startsWith(ENVELOPE_SENDER) || line.startsWith(ENVELOPE_RECIPIENT) || isHeader(line);
}

/** True for a line that can be nowhere but in a dump; folds are none. */
export function isDumpLine(line: string): boolean {
  return startsHeaderDump(line) || isSeparator(line) || line.trimEnd() === TRUNCATED;
}

/** True for the line of dashes that Exim 3 wrote between its entries: it belongs to none. */
export function isSeparator(line: string): boolean {
  return /^-{5,}$/.test(line);
}

function isHeader(line: string): boolean {
  return LETTERED_HEADER.test(line) || OTHER_HEADER.test(line);
}

/**
 * Reads a dump from its lines, as latin1. Never throws; lines of no form, empty ones and those of dashes say nothing.
 *
 *     Envelope-from: <x@partner.example>
 *     Envelope-to: <alice@example.org>
 *         <bob@example.org>
 *     P Received: from out.sender2.example
 *     	by mx1.example.org with esmtp
 *       Subject: hello
 * Source: exim-log-grammar §3.
 */
export function parseHeaderDump(lines: readonly string[]): HeaderDump {
  const envelopeRecipients: string[] = [];
  const headers: OpenHeader[] = [];
  let envelopeSender: string | undefined;
  let hasMoreRecipients = false;
  let isTruncated = false;
  for (const latin1 of lines) {
    const line = decodeUtf8(latin1);
    const header = headers.at(-1);
    if (line === "" || isSeparator(line)) continue;
    if (line === TRUNCATED) isTruncated = true;
    else if (isHeader(line)) headers.push(openHeader(line));
    else if (header !== undefined) header.value += /^[ \t]/.test(line) ? line : "";
    else if (line.startsWith(ENVELOPE_SENDER)) envelopeSender = addressOf(line, ENVELOPE_SENDER);
    else if (line.startsWith(ENVELOPE_RECIPIENT)) envelopeRecipients.push(addressOf(line, ENVELOPE_RECIPIENT));
    else if (line === MORE_RECIPIENTS) hasMoreRecipients = true;
    else if (line.startsWith(FURTHER_RECIPIENT)) envelopeRecipients.push(addressOf(line, FURTHER_RECIPIENT));
  }
  return {
    envelopeSender,
    envelopeRecipients,
    hasMoreRecipients,
    headers: headers.map((header) => ({ ...header, value: header.value.trim() })),
    isTruncated,
  };
}

type OpenHeader = { -readonly [Key in keyof DumpedHeader]: DumpedHeader[Key] };

function openHeader(line: string): OpenHeader {
  const [start = "", type = " ", name = ""] = LETTERED_HEADER.exec(line) ?? OTHER_HEADER.exec(line) ?? [];
  return { type: type as HeaderType, name, value: line.slice(start.length), isDeleted: type === "*" };
}

/** Behind the first angle bracket; a cut line may lack the second. */
function addressOf(line: string, label: string): string {
  const end = line.lastIndexOf(">");
  return line.slice(label.length, end === -1 ? line.length : end);
}
