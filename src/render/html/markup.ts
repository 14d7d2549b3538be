/** HTML made of text that strangers wrote. */
import { toVisibleLine } from "../form/terminal-text.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text that is text, in an element and in a quoted attribute; control characters are shown as on a terminal. */
export function escapeHtml(text: string): string {
  return toVisibleLine(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** Commands that our sentences name. Text of strangers stands in them, too, and makes no others. */
const COMMANDS = /`(exim-pilot (?:abuse|help counting|incidents detect|search --log-type panic|stats coverage))`/g;

/** A sentence, the commands in it as code. */
export function proseHtml(text: string): string {
  return escapeHtml(text).replace(COMMANDS, "<code>$1</code>");
}
