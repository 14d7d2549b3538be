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
