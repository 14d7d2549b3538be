/** From bytes to text. Logs are read as latin1, one character a byte, so that they can be given back; people want to read them. */
import { isUtf8 } from "node:buffer";

/** The text of latin1-read bytes: UTF-8 when it is valid, latin1 otherwise. Text above latin1 is returned as it is. */
export function decodeUtf8(latin1: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is all of ASCII.
  if (!/[^\x00-\x7f]/.test(latin1) || /[^\x00-\xff]/.test(latin1)) return latin1;
  const bytes = Buffer.from(latin1, "latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : latin1;
}

const BYTE_ORDER_MARK = "\xef\xbb\xbf";

/** A latin1-read text without the byte order mark that editors and other systems put before UTF-8. */
export function withoutByteOrderMark(latin1: string): string {
  const isMarked = latin1.charCodeAt(0) === 0xef && latin1.startsWith(BYTE_ORDER_MARK);
  return isMarked ? latin1.slice(BYTE_ORDER_MARK.length) : latin1;
}

/** The text of several latin1-read lines, each decoded by itself. */
export function decodeLines(latin1: string): string {
  return latin1.split("\n").map(decodeUtf8).join("\n");
}

/** V8 copies a part that is shorter, and keeps the text around a longer one. */
const SHORTEST_SLICE = 13;
const LONGEST_COPY = 1024;
const copied = Buffer.alloc(3 * LONGEST_COPY);

/** A copy of what is to be kept: a part cut out of a text keeps all of that text in memory. The text is well-formed Unicode. */
export function detach(part: string): string {
  if (part.length < SHORTEST_SLICE) return part;
  if (part.length > LONGEST_COPY) return Buffer.from(part, "utf8").toString("utf8");
  return copied.toString("utf8", 0, copied.write(part, 0, "utf8"));
}

/** A regular expression that means the text itself. */
export function escapeForm(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** The order of texts by their characters, the same in every language. */
export function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
