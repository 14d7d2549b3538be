/** Text from logs, safe for a terminal: written by strangers, it may hold escape sequences. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Control characters, and those that turn the direction of writing, as visible escapes: `\x1b`, `\u202e`. Tabs and newlines stay. */
export function toVisible(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** The same in JSON, as its own escapes: the text it stands for does not change. */
export function toVisibleJson(json: string): string {
  return json.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The same on one line: newlines and tabs become blanks. */
export function toVisibleLine(text: string): string {
  return toVisible(text.replace(/[\n\t]+/g, " "));
}
