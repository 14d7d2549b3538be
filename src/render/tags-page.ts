import type { TagMeaning } from "../store/people/people-writer.ts";
import type { TagUse } from "../store/read/tag-reader.ts";
import type { TagChange } from "../tags/tags.ts";
import { renderFittingTable } from "./form/fitting-table.ts";
import { countOf, formatCount, formatTime } from "./form/format.ts";
import type { Paint } from "./form/paint.ts";
import { toVisibleLine } from "./form/terminal-text.ts";

/** Tags with their uses. Columns for colours and meanings are there when a tag has one. */
export function renderTags(
  tags: readonly TagUse[],
  timeZone: string,
  screen: { readonly columns: number; readonly paint: Paint },
): string {
  if (tags.length === 0) return "No message has a tag; `exim-pilot tag ID NAME` gives it one.\n";
  const isDescribed = tags.some(({ colour, about }) => colour !== null || about !== null);
  const titles = ["Tag", "Messages", `Last given (${timeZone})`, "By", ...(isDescribed ? ["Colour", "Meaning"] : [])];
  const rows = tags.map(({ tag, messages, lastGiven, colour, about, authors }) => [
    screen.paint.inColour(colour, toVisibleLine(tag)),
    formatCount(messages),
    lastGiven === null ? "" : formatTime(lastGiven, timeZone),
    authors.map(toVisibleLine).join(", "),
    ...(isDescribed ? [colour ?? "", toVisibleLine(about ?? "")] : []),
  ]);
  return `${renderFittingTable({ titles, rows, right: [1] }, screen)}\n`;
}

export function renderTagChange({ messages, changed }: TagChange, tags: readonly string[], isRemoval: boolean): string {
  const names = tags.map(toVisibleLine).join(", ");
  const all = messages.length * tags.length;
  if (changed === 0 && all > 0) {
    const has = messages.length === 1 ? "has" : "have";
    const none = tags.length === 1 ? `no tag ${names}` : `none of the tags ${names}`;
    return `Nothing was changed: ${countOf(messages.length, "message")} ${has} ${isRemoval ? none : `${names} already`}.\n`;
  }
  const what = isRemoval ? `${names} taken from` : `${names} given to`;
  const rest =
    changed === all ? "" : `; ${all - changed} of ${all} ${isRemoval ? "were not there" : "were there already"}`;
  return `${what} ${countOf(messages.length, "message")}${rest}.\n`;
}

export function renderTagDescription({ tag, colour, about }: TagMeaning, isUnchanged: boolean, paint: Paint): string {
  const facts = [colour, about === null ? null : toVisibleLine(about)].filter((fact) => fact !== null);
  const name = paint.inColour(colour, toVisibleLine(tag));
  const already = isUnchanged ? " already" : "";
  return facts.length === 0
    ? `${name} has neither colour nor meaning${isUnchanged ? "" : " any more"}.\n`
    : `${name} is described${already}: ${facts.join(", ")}.\n`;
}
