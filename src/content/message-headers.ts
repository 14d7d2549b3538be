/** The header lines of a message, decoded for people. Pure. */
import { decodeEncodedWords } from "../spool/encoded-words.ts";
import { decodeUtf8 } from "../text.ts";
import type { ContentHeader } from "./result.ts";

export interface HeaderReading {
  readonly headers: readonly ContentHeader[];
  /** Some were left out. */
  readonly isCut: boolean;
}

const MOST_BYTES = 64 * 1024;
const FIELD = /^([!-9;-~]+)[ \t]*:(.*)$/s;

/** `text`: of the beginning of a message, read as latin1, up to its first empty line. What is no header line ends them. */
export function readHeaders(text: string): HeaderReading {
  const end = /\r?\n\r?\n/.exec(text)?.index ?? text.length;
  const isCut = end > MOST_BYTES;
  const lines = text
    .slice(0, Math.min(end, MOST_BYTES))
    .replace(/\r?\n(?=[ \t])/g, "")
    .split(/\r?\n/);
  const headers: ContentHeader[] = [];
  for (const line of lines) {
    const [, name, value = ""] = FIELD.exec(line) ?? [];
    if (name !== undefined) headers.push({ name, value: toValue(value) });
    // A line of an mbox, which is no header.
    else if (!line.startsWith("From ") && line !== "") break;
  }
  return { headers, isCut };
}

function toValue(raw: string): string {
  return decodeEncodedWords(decodeUtf8(raw)).replace(/\s+/g, " ").trim();
}
