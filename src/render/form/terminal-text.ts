/** Text from logs, safe for a terminal and for the eye: written by strangers, it may hold escape sequences and what nobody sees. */

/**
 * Characters that act on a terminal: control characters, those that turn the direction of writing, and separators of lines.
 * Others have no width or no ink, also where fonts follow the standard. The rest are for private use or for no use, or are halves
 * of characters. Tabs and newlines stay.
 */
const UNSAFE =
  /(?![\t\n])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800]/gu;

/** Text of printable ASCII: safe as it is, and as many columns wide as it is long. Most of a log is such text. */
export const PRINTABLE = /^[ -~]*$/;

/** The same over several lines. */
const PRINTABLE_LINES = /^[\t\n -~]*$/;

const LAST_OF_TWO_DIGITS = 0xff;
const LAST_OF_FOUR_DIGITS = 0xffff;

/** Shows unsafe characters as escapes: `\x1b`, `\u200b`, `\u{e0041}`. */
export function toVisible(text: string): string {
  if (PRINTABLE.test(text)) return text;
  return text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > LAST_OF_TWO_DIGITS ? toUnicodeEscape(character) : `\\x${code.toString(16).padStart(2, "0")}`;
  });
}

/** A character as its code: `\u00e9`, `\u{1f600}`. */
export function toUnicodeEscape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16);
  return code > LAST_OF_FOUR_DIGITS ? `\\u{${digits}}` : `\\u${digits.padStart(4, "0")}`;
}

/** The same in JSON, as its own escapes: the text it stands for does not change. */
export function toVisibleJson(json: string): string {
  if (PRINTABLE_LINES.test(json)) return json;
  return json.replace(UNSAFE, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}

/** The same on one line: newlines and tabs become blanks. */
export function toVisibleLine(text: string): string {
  if (PRINTABLE.test(text)) return text;
  return toVisible(text.replace(/[\n\t]+/g, " "));
}
