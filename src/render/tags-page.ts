import type { TagUse } from "../store/read/tag-reader.ts";
import type { TagChange } from "../tags/tags.ts";
import { countOf, formatCount, formatTime } from "./form/format.ts";
import { renderColumns } from "./form/layout.ts";
import type { Paint } from "./form/paint.ts";
import { toVisibleLine } from "./form/terminal-text.ts";

export function renderTags(tags: readonly TagUse[], timeZone: string, paint: Paint): string {
  if (tags.length === 0) return "No message has a tag; `exim-pilot tag ID NAME` gives it one.\n";
  const head = ["Tag", "Messages", "Last given"].map((title) => paint.faint(title));
  const rows = tags.map(({ tag, messages, lastGiven }) => [
    toVisibleLine(tag),
    formatCount(messages),
    lastGiven === null ? "" : formatTime(lastGiven, timeZone),
  ]);
  return `${renderColumns([head, ...rows])}\n`;
}

export function renderTagChange({ messages, changed }: TagChange, tags: readonly string[], isRemoval: boolean): string {
  const names = tags.map(toVisibleLine).join(", ");
  const all = messages.length * tags.length;
  const what = isRemoval ? `${names} taken from` : `${names} given to`;
  const rest =
    changed === all ? "" : `; ${all - changed} of ${all} ${isRemoval ? "were not there" : "were there already"}`;
  return `${what} ${countOf(messages.length, "message")}${rest}.\n`;
}
