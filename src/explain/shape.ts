/** Lines that differ only in their values have one shape. */

const VALUES: readonly (readonly [RegExp, string])[] = [
  [/"(?:[^"\\]|\\.)*"/g, '"…"'],
  [/\b[0-9A-Za-z]{6}-(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{11}-[0-9A-Za-z]{4})\b/g, "ID"],
  [/[^\s<>()[\]=:,;"']+@[^\s<>()[\]=:,;"']+/g, "ADDRESS"],
  [/\[[0-9A-Fa-f:.]+\](?::\d+)?/g, "[IP]"],
  [/\b(?:[0-9A-Za-z-]+\.)+[A-Za-z]{2,}\b/g, "NAME"],
  [/\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b/gi, "0"],
  [/\d+/g, "0"],
];

/** Longer text adds nothing to a shape. */
const LONGEST_SHAPE = 300;

/** The text with what differs from line to line left out: ids, addresses, names of hosts, numbers, what is quoted. */
export function shapeOf(text: string): string {
  return VALUES.reduce((shape, [value, name]) => shape.replace(value, name), text.slice(0, LONGEST_SHAPE));
}
